"""Primitive operations in which several values decide together: products, selections, log-sum-exp, weighted sums.

As in `operations`, tensors have one batch axis, then the axes of one example.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from seqexplain.models.backend import Tensor, ops
from seqexplain.models.operations import Elementwise, Kind, Linear, Operation, Structural, Weights


def _times(a: Tensor, b: Tensor) -> Tensor:
    return a * b


@dataclass(frozen=True, eq=False)
class Product(Operation):
    """`y = f(a, b)`, linear in `a` for every `b` and in `b` for every `a`: gates, attention, `einsum` of two.

    `function` is None for the product of each element with its own partner (of the same rank, broadcast).
    """

    kind: ClassVar[Kind] = Kind.PRODUCT
    function: Callable[[Tensor, Tensor], Tensor] | None = field(default=None, repr=False)

    def forward(self, weights: Weights, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Compute the output for one batch."""
        a, b = inputs
        return [_times(a, b) if self.function is None else self.function(a, b)]


@dataclass(frozen=True, eq=False)
class Select(Operation):
    """`y = a where the mask is not 0, else b`; inputs are mask, a, b, all of the output's shape."""

    kind: ClassVar[Kind] = Kind.SELECT

    def forward(self, weights: Weights, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Compute the output for one batch."""
        mask, a, b = inputs
        return [ops.where(mask != 0, a, b)]


@dataclass(frozen=True, eq=False)
class LogSumExp(Operation):
    """`log Σ exp(z)` over some axes, counted from the end; the axes stay, of length 1."""

    kind: ClassVar[Kind] = Kind.LOGSUMEXP
    axis: tuple[int, ...] = (-1,)

    def forward(self, weights: Weights, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Compute the output for one batch."""
        return [ops.logsumexp(inputs[0], axis=self.axis, keepdims=True)]


@dataclass(frozen=True, eq=False)
class Step(Elementwise):
    """A function that is flat but for jumps: comparisons, rounding. Its derivative is 0."""

    def derivative(self, weights: Weights, x: Tensor) -> Tensor:
        """Return 0 everywhere."""
        return ops.zeros_like(x)


@dataclass(frozen=True, eq=False)
class Stopped(Structural):
    """`keras.ops.stop_gradient`: the value itself, and a constant to plain gradients."""


@dataclass(frozen=True, eq=False)
class Weighted(Linear):
    """`y = f(weights, x)`, linear in `x` and in each weight: `einsum`, `matmul` and convolution with constants."""

    function: Callable[[Weights, Tensor], Tensor] = field(default=lambda _, x: x, repr=False)

    def apply(self, weights: Weights, inputs: Sequence[Tensor]) -> Tensor:
        """Compute the part that is linear in the inputs."""
        return self.function(weights, inputs[0])


@dataclass(frozen=True, eq=False)
class Placed(Linear):
    """Values and constants, moved together: `f(v₁, c₁, …)` only moves or adds. Constants are the weights `"0"`, …

    `order` says, for each argument of `f`, which input (a number) or which constant (a name) it is.
    """

    function: Callable[..., Tensor] = field(default=lambda *x: x[0], repr=False)
    order: tuple[int | str, ...] = (0,)

    def _fill(self, weights: Weights, inputs: Sequence[Tensor], constants: float) -> Tensor:
        batch = inputs[0].shape[0]

        def argument(place: int | str) -> Tensor:
            if isinstance(place, int):
                return inputs[place]
            whole = weights[place]
            return ops.broadcast_to(whole * constants, (batch, *whole.shape))

        return self.function(*(argument(place) for place in self.order))

    def apply(self, weights: Weights, inputs: Sequence[Tensor]) -> Tensor:
        """Compute the part that is linear in the inputs."""
        return self._fill(weights, inputs, 0.0)

    def forward(self, weights: Weights, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Compute the output for one batch."""
        return [self._fill(weights, inputs, 1.0)]
