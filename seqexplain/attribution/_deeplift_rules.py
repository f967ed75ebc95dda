"""DeepLIFT's rules: how a multiplier passes each kind of operation (Shrikumar et al. 2017).

A multiplier m_y says by how much the target changes for each unit of Δy = y(x) − y(reference). A rule returns m_x such
that Σ m_x Δx = Σ m_y Δy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seqexplain.attribution._propagation import Rule
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.operations import Elementwise, Kind, Maximum, MaxPool

MIN_DELTA = 1e-6  # below: the derivative; the secant is rounding noise


def _slope(delta_out: Tensor, delta_in: Tensor, otherwise: Tensor | float) -> Tensor:
    """Return Δout / Δin, and the derivative where Δin is too small to divide by."""
    small = ops.abs(delta_in) < MIN_DELTA
    return ops.where(small, otherwise, delta_out / ops.where(small, 1.0, delta_in))


def rescale(
    operation: Elementwise,
    weights: Mapping[str, Tensor],
    x: Sequence[Tensor],
    reference: Sequence[Tensor],
    m: Tensor,
) -> list[Tensor]:
    """Rescale rule: m_x = m_y · Δy / Δx; where Δx vanishes, m_y · dy/dx at the reference."""
    a, b = x[0], reference[0]
    delta_out = operation.function(a, weights) - operation.function(b, weights)
    return [m * _slope(delta_out, a - b, operation.derivative(weights, b))]


def max_pool(
    operation: MaxPool,
    weights: Mapping[str, Tensor],
    x: Sequence[Tensor],
    reference: Sequence[Tensor],
    m: Tensor,
) -> list[Tensor]:
    """Max pooling that keeps completeness.

    In each window the change Δy goes to one position: the winner of the side whose maximum is larger. There
    |Δx| ≥ |Δy|, so the multiplier lies between 0 and m_y. This is the increase of each side over the pairwise maximum,
    routed through its own winner. Overlapping windows add up.
    """
    a, b = operation.windows(x[0], first=2), operation.windows(reference[0], first=2)
    size = a.shape[-2]
    index = ops.reshape(ops.arange(size, dtype="int32"), (size, 1))
    top_a, top_b = ops.max(a, axis=-2, keepdims=True), ops.max(b, axis=-2, keepdims=True)
    winner = ops.where(top_a >= top_b, _first_at(a, top_a, index), _first_at(b, top_b, index))
    share = ops.where(index == winner, _slope(top_a - top_b, a - b, 1.0), 0.0)
    return [_scatter(operation, share * ops.expand_dims(m, -2), x[0])]


def max_pool_winner(
    operation: MaxPool,
    weights: Mapping[str, Tensor],
    x: Sequence[Tensor],
    reference: Sequence[Tensor],
    m: Tensor,
) -> list[Tensor]:
    """Max pooling as the original package does it: all to the winner at x. Completeness is lost where winners move."""
    a = operation.windows(x[0], first=2)
    index = ops.reshape(ops.arange(a.shape[-2], dtype="int32"), (a.shape[-2], 1))
    winner = _first_at(a, ops.max(a, axis=-2, keepdims=True), index)
    share = ops.cast(index == winner, m.dtype)
    return [_scatter(operation, share * ops.expand_dims(m, -2), x[0])]


def _first_at(windows: Tensor, top: Tensor, index: Tensor) -> Tensor:
    """Return the first position of each window that has the value `top`."""
    return ops.min(ops.where(windows == top, index, windows.shape[-2]), axis=-2, keepdims=True)


def _scatter(operation: MaxPool, windows: Tensor, x: Tensor) -> Tensor:
    return operation.scatter(windows, x.shape[2:-1], first=3)


def maximum(
    operation: Maximum,
    weights: Mapping[str, Tensor],
    x: Sequence[Tensor],
    reference: Sequence[Tensor],
    m: Tensor,
) -> list[Tensor]:
    """Maximum of several inputs: as max pooling, with the inputs as the positions of the window."""
    sign = float(operation.sign)
    a, b = [sign * t for t in x], [sign * t for t in reference]
    top_a, top_b = a[0], b[0]
    for p, q in zip(a[1:], b[1:], strict=True):
        top_a, top_b = ops.maximum(top_a, p), ops.maximum(top_b, q)
    left = None  # whether the winner is still to be found
    results = []
    for p, q in zip(a, b, strict=True):
        here = ops.where(top_a >= top_b, p == top_a, q == top_b)
        won = here if left is None else ops.logical_and(here, left)
        left = ops.logical_not(here) if left is None else ops.logical_and(left, ops.logical_not(here))
        results.append(m * ops.where(won, _slope(top_a - top_b, p - q, 1.0), 0.0))
    return results


def rules_for(pooling: str) -> dict[Kind, Rule]:
    """Return the table of rules; `pooling` is `"complete"` or `"winner"`."""
    return {
        Kind.ELEMENTWISE: rescale,
        Kind.MAX_POOL: max_pool if pooling == "complete" else max_pool_winner,
        Kind.MAXIMUM: maximum,
    }
