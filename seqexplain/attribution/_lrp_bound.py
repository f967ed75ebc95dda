"""A group of linear operations with its weights: its terms, its positive and negative parts, and their transposes.

Write C for the operation that the rule is about, D for the scales before it and E for those behind, and `u = D a`. The
terms of a unit j are E_j C_ij u_i. The *weights* are split by sign, and so is u, so that only numbers of one sign are
summed: the parts come out without the cancellation of (A a ± |A| |a|) / 2, which rules that divide by one of them would
not bear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from seqexplain.attribution._lrp_groups import Group
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.graph import WeightList
from seqexplain.models.joint_operations import Placed
from seqexplain.models.operations import Convolution, Dense, Linear, Scale

Weights = Mapping[str, Tensor]
MaybeTensor = Tensor | None  # None stands for 0


@dataclass(frozen=True, eq=False)
class Part:
    """An operation of a group with its weights and the shapes of its inputs, one example."""

    operation: Linear
    weights: Weights
    shapes: Sequence[Sequence[int]]

    @property
    def scales(self) -> bool:
        """Whether it multiplies each value by a number of its own."""
        return isinstance(self.operation, Scale)

    def apply(self, values: Sequence[Tensor], weights: Weights | None = None) -> Tensor:
        """Compute A(values), without the bias, of tensors with any number of leading axes."""
        lead = tuple(values[0].shape[: len(values[0].shape) - len(self.shapes[0])])
        flat = [ops.reshape(x, (-1, *s)) for x, s in zip(values, self.shapes, strict=True)]
        y = self.operation.apply(self.weights if weights is None else weights, flat)
        return ops.reshape(y, (*lead, *y.shape[1:]))

    def back(self, s: Tensor, weights: Weights | None = None) -> list[Tensor]:
        """Compute Aᵀs, one tensor an input, for s with three leading axes."""
        lead = tuple(s.shape[:3])
        weights = self.weights if weights is None else weights
        parts = self.operation.transpose(weights, ops.reshape(s, (-1, *s.shape[3:])), self.shapes)
        return [ops.reshape(p, (*lead, *shape)) for p, shape in zip(parts, self.shapes, strict=True)]

    def exchange(self, up: MaybeTensor, down: MaybeTensor) -> tuple[MaybeTensor, MaybeTensor]:
        """Scale a positive and a negative part; a negative scale exchanges them. It is its own transpose."""
        scale = self.weights["scale"]
        high, low = ops.maximum(scale, 0.0), ops.minimum(scale, 0.0)
        return _add(_times(up, high), _times(down, low)), _add(_times(down, high), _times(up, low))

    def mapped(self, function: Callable[[Tensor], Tensor]) -> Part:
        """Return the same with a function of each weight, without the bias."""
        return replace(self, weights={k: function(w) for k, w in self.weights.items() if k != "bias"})

    def signs(self) -> tuple[Weights, Weights | None]:
        """Return the weights of A⁺ and A⁻; what has no weights moves and adds, and has no negative part."""
        if isinstance(self.operation, Placed):  # its weights are constants beside the inputs
            return self.weights, None
        plain = {k: w for k, w in self.weights.items() if k != "bias"}
        up = {k: ops.maximum(w, 0.0) for k, w in plain.items()}
        return up, {k: ops.minimum(w, 0.0) for k, w in plain.items()} or None


@dataclass(frozen=True, eq=False)
class BoundGroup:
    """A group with its weights, for tensors with any number of leading axes.

    Attributes
    ----------
    before, core, behind
        Its operations.
    shape_out
        Of the group's value.
    not_negative
        Whether what the core reads is known to be.
    """

    before: Sequence[Part]
    core: Part
    behind: Sequence[Part]
    shape_out: Sequence[int]
    not_negative: bool

    # --- values ------------------------------------------------------------------------------------------------

    def scaled(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Return u = D a, what the core reads, without the biases before it."""
        values = list(inputs)
        for part in self.before:
            values = [part.apply(values)]
        return values

    def signed(self, u: Sequence[Tensor]) -> Tensor:
        """Return Σ_i z_ij."""
        y = self.core.apply(u)
        for part in self.behind:
            y = part.apply([y])
        return y

    def split(self, v: Sequence[Tensor], up: bool = True, down: bool = True) -> tuple[MaybeTensor, MaybeTensor]:
        """Return A⁺v and A⁻v of A = E C, each where it is wanted."""
        both = any(part.scales for part in self.behind)
        high, low = self.core.signs()
        p: MaybeTensor = self.core.apply(v, high) if up or both else None
        n: MaybeTensor = self.core.apply(v, low) if low is not None and (down or both) else None
        for part in self.behind:
            if part.scales:
                p, n = part.exchange(p, n)
            else:
                p, n = (None if t is None else part.apply([t]) for t in (p, n))
        return p, n

    def mapped(self, function: Callable[[Tensor], Tensor]) -> BoundGroup:
        """Return the group with a function of each of its weights; without biases."""
        before, behind = ([part.mapped(function) for part in parts] for parts in (self.before, self.behind))
        return replace(self, before=before, core=self.core.mapped(function), behind=behind)

    def bias(self) -> MaybeTensor:
        """Return b, what the group gives without any input, with leading axes of 1; None where there is none."""
        value = None
        parts = [*self.before, self.core, *self.behind]
        shapes = [following.shapes[0] for _, following in pairwise(parts)] + [self.shape_out]
        for part, shape in zip(parts, shapes, strict=True):
            if value is not None:
                value = part.operation.forward(part.weights, [value])[0]
            elif isinstance(part.operation, Placed):
                value = part.operation.forward(part.weights, [ops.zeros((1, *s)) for s in part.shapes])[0]
            elif "bias" in part.weights:
                value = ops.zeros((1, *shape)) + part.weights["bias"]
        return None if value is None else ops.expand_dims(value, 0)

    # --- relevance ---------------------------------------------------------------------------------------------

    def signed_back(self, s: Tensor) -> list[Tensor]:
        """Return Aᵀs for s with three leading axes."""
        for part in reversed(self.behind):
            (s,) = part.back(s)
        return self.core.back(s)

    def split_back(self, up: MaybeTensor, down: MaybeTensor) -> list[Tensor]:
        """Return (A⁺)ᵀup + (A⁻)ᵀdown; one of the two may be None."""
        for part in reversed(self.behind):
            if part.scales:
                up, down = part.exchange(up, down)
            else:
                up, down = (None if t is None else part.back(t)[0] for t in (up, down))
        high, low = self.core.signs()
        total = None if up is None else self.core.back(up, high)
        if down is not None and low is not None:
            more = self.core.back(down, low)
            total = more if total is None else [a + b for a, b in zip(total, more, strict=True)]
        if total is None:
            lead = tuple(down.shape[:3]) if down is not None else (1, 1, 1)
            total = [ops.zeros((*lead, *s)) for s in self.core.shapes]
        return total

    def to_inputs(self, values: Sequence[Tensor], *, multiplied: bool = False) -> list[Tensor]:
        """Return the relevance of the group's inputs from that of u: what scales keeps it, what moves moves it back.

        With `multiplied` the values are not relevance but what u has to be multiplied by, and scales count.
        """
        values = list(values)
        for part in reversed(self.before):
            if multiplied or not part.scales:
                values = part.back(values[0])
        return values


def bind(group: Group, weights: WeightList, shapes: Mapping[int, Sequence[int]], not_negative: bool) -> BoundGroup:
    """Return a group with its weights; a scale of channels right behind a layer is multiplied into its kernel.

    `not_negative` says whether the group's inputs are known to be.
    """
    parts = [
        Part(operation, weights[p], [shapes[v] for v in operation.inputs])
        for p, operation in zip(group.positions, group.operations, strict=True)
    ]
    before, core, behind = parts[: group.core], parts[group.core], parts[group.core + 1 :]
    while behind and isinstance(core.operation, (Convolution, Dense)) and behind[0].scales:
        scale = behind[0].weights["scale"]
        if len(scale.shape) > 1:  # of another axis than the channels
            break
        bias = core.weights.get("bias", 0.0) * scale + behind[0].weights.get("bias", 0.0)
        core = replace(core, weights={"kernel": core.weights["kernel"] * scale, "bias": bias})
        behind = behind[1:]
    # scales may be negative
    unsigned = not_negative and not any(part.scales for part in before)
    return BoundGroup(before, core, behind, shapes[group.output], unsigned)


def _add(a: MaybeTensor, b: MaybeTensor) -> MaybeTensor:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _times(a: MaybeTensor, b: Tensor) -> MaybeTensor:
    return None if a is None else a * b
