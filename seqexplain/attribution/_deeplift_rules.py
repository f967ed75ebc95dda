"""DeepLIFT's rules: how a multiplier passes each kind of operation (Shrikumar et al. 2017).

A multiplier m_y says by how much the target changes for each unit of Δy = y(x) − y(reference). A rule returns m_x such
that Σ m_x Δx = Σ m_y Δy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seqexplain.attribution._product_rules import logsumexp, product, select, softmax
from seqexplain.attribution._propagation import Rule
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.operations import Elementwise, Kind, Maximum, MaxPool

MIN_DELTA = 1e-6  # below: the derivative; the secant is rounding noise
ROUNDING = 4 * 2.0**-23  # of the values: what an activation and its difference may lose in float32
GAUSS_POINT = 0.5 / 3**0.5  # of Δ, to both sides of the middle: two points, exact for cubic dy/dx
EXACT_SECANTS = ("relu",)  # slope 1 or 0 on either side: differences have no rounding


def slope(delta_out: Tensor, delta_in: Tensor, otherwise: Tensor | float) -> Tensor:
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
    """Rescale rule: m_x = m_y · Δy / Δx; where Δx vanishes, m_y · dy/dx.

    A secant of close neighbours is mostly rounding noise: of the size ε·|y| / |Δx|. Δy / Δx is also the mean of dy/dx
    between both sides, which two Gauss points give without that noise. They are taken wherever they agree with the
    secant within its noise, so never across a kink.
    """
    a, b = x[0], reference[0]
    y_a, y_b = operation.function(a, weights), operation.function(b, weights)
    delta = a - b
    if operation.label in EXACT_SECANTS:
        return [m * slope(y_a - y_b, delta, operation.derivative(weights, b))]
    centre, offset = (a + b) / 2, delta * GAUSS_POINT
    mean = (operation.derivative(weights, centre + offset) + operation.derivative(weights, centre - offset)) / 2
    noise = ROUNDING * (ops.abs(y_a) + ops.abs(y_b) + ops.abs(a) + ops.abs(b))
    noisy = ops.abs(y_a - y_b - mean * delta) <= noise
    return [m * ops.where(noisy, mean, (y_a - y_b) / ops.where(noisy, 1.0, delta))]


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
    share = ops.where(index == winner, slope(top_a - top_b, a - b, 1.0), 0.0)
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
        part = m * ops.where(won, slope(top_a - top_b, p - q, 1.0), 0.0)
        results.append(_sum_broadcast(part, p.shape[2:]))
    return results


def _sum_broadcast(m: Tensor, shape: Sequence[int]) -> Tensor:
    """Sum over the axes along which an input of this shape (one example) was repeated."""
    axes = [3 + i for i, n in enumerate(shape) if n == 1 and m.shape[3 + i] != 1]
    return ops.sum(m, axis=axes, keepdims=True) if axes else m


PROPORTIONAL = frozenset({Kind.ELEMENTWISE, Kind.PRODUCT})  # rules that multiply m by what does not depend on it


def rules_for(pooling: str) -> dict[Kind, Rule]:
    """Return the table of rules; `pooling` is `"complete"` or `"winner"`."""
    return {
        Kind.ELEMENTWISE: rescale,
        Kind.MAX_POOL: max_pool if pooling == "complete" else max_pool_winner,
        Kind.MAXIMUM: maximum,
        Kind.PRODUCT: product,
        Kind.SELECT: select,
        Kind.SOFTMAX: softmax,
        Kind.LOGSUMEXP: logsumexp,
    }
