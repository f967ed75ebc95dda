"""Backward selection by gradients, several positions a step: Batched Gradient SIS (Carter et al. 2021)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from seqexplain.models._prediction import choose_batch_size, pad_rows
from seqexplain.models.backend import Array, Tensor, ops, to_numpy, to_tensor, vjp
from seqexplain.models.target import Target
from seqexplain.perturbation._backward_selection import NONE, check_finite
from seqexplain.perturbation._masked_sequences import MaskedSequences
from seqexplain.perturbation._scorer import Scorer

GRADIENT_COST = 3  # memory of a sequence, relative to its activations in a forward pass


class GradientMaskedSequences(MaskedSequences):
    """Positions are chosen by the first-order estimate of what masking each would do, `per_step` at a time.

    With x̃ = (1 − m) x + m · blank, ∂f/∂m_i = Σ_c (blank_ic − x_ic) ∂f/∂x̃_ic: the positions with the highest are masked.
    """

    def __init__(self, scorer: Scorer, X: Array, *, target: Target, per_step: int, extra: Mapping[str, Array],
                 **place: Any) -> None:  # fmt: skip
        super().__init__(scorer, X, **place)
        self._target, self._per_step, self._extra = target, per_step, extra
        self._slopes: Array = np.zeros(X.shape[:2])

    def mask(self, masked: Array) -> Array:
        """See `Maskable`."""
        self._x = self.masked(self._given, masked)
        return self._look()

    def step(self, free: Array) -> tuple[Array, Array]:
        """Mask the positions that are estimated to do least harm; see `Maskable`."""
        # stable: equal estimates stay in the order of positions
        ranked = np.argsort(np.where(free, -self._slopes, np.inf), axis=1, kind="stable")
        chosen = ranked[:, : self._per_step].copy()
        chosen[np.arange(chosen.shape[1]) >= free.sum(axis=1)[:, None]] = NONE
        rows, columns = np.nonzero(chosen != NONE)
        self._hide(rows, chosen[rows, columns])
        return chosen, self._look()

    def _look(self) -> Array:
        """Compute values and slopes of the sequences as they are now; return the values."""
        filled = self._scorer.model.fill_unknown(self._x)
        values, gradient = value_and_gradient(
            self._scorer.model, self._target, filled, self._extra, self._scorer.options.batch_size
        )
        self._slopes = check_finite(self._sign * ((self._blank - filled) * gradient).sum(axis=-1, dtype=np.float64))
        return check_finite(self._sign * values.astype(np.float64))


def value_and_gradient(
    model: Any, target: Target, x: Array, extra: Mapping[str, Array], batch_size: int | str
) -> tuple[Array, Array]:
    """Return a target's values `(n,)` and their gradients `(n, L, 4)` at inputs that are taken as they are."""
    n, length = x.shape[:2]
    # as if there were more sequences: backwards, each needs the memory of several
    size = choose_batch_size(model, batch_size, length, n * (GRADIENT_COST if batch_size == "auto" else 1))
    if batch_size == "auto":
        size = max(1, size // GRADIENT_COST)
    heads = tuple(sorted(target.weights))
    axes = tuple(target.softmax_over.get(head, ()) for head in heads)
    run = model.compiled(("value and gradient", heads, axes, size, length), lambda: _function(model, heads, axes))
    weights = model.weights()
    factors = [to_tensor(target.weights[head]) for head in heads]
    values, gradients = [], []
    for low in range(0, n, size):
        real = min(size, n - low)
        batch = to_tensor(pad_rows(x[low : low + size], size))
        others = {name: to_tensor(pad_rows(value[low : low + size], size)) for name, value in extra.items()}
        value, gradient = run(weights, batch, others, factors)
        values.append(to_numpy(value)[:real])
        gradients.append(to_numpy(gradient)[:real])
    if not values:
        return np.zeros(0, np.float32), np.zeros(x.shape, np.float32)
    return np.concatenate(values) + np.float32(target.offset), np.concatenate(gradients)


def _function(model: Any, heads: tuple[int, ...], axes: Sequence[tuple[int, ...]]) -> Callable[..., Any]:
    positions = model.graph.needed_for(heads)

    def run(weights: Any, x: Tensor, extra: Any, factors: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        def each(x: Tensor) -> Tensor:
            computed = model.graph.run(weights, model.feeds(x, extra), positions)
            total: Any = 0.0
            for head, factor, over in zip(heads, factors, axes, strict=True):
                z = computed[head]
                part = _shares(z, factor, over) * z
                total = total + ops.sum(ops.reshape(part, (x.shape[0], -1)), axis=1)
            return total

        return each(x), vjp(each, [x], ops.ones((x.shape[0],)))[0]

    return run


def _shares(z: Tensor, factor: Tensor, over: tuple[int, ...]) -> Tensor:
    """Return a head's weights; those of a profile are its own softmax at this input, which is held constant."""
    if not over:
        return factor + ops.zeros_like(z)
    fixed = ops.stop_gradient(z)
    share = factor * ops.exp(fixed - ops.logsumexp(fixed, axis=over, keepdims=True))
    return share - ops.mean(share, axis=over, keepdims=True)
