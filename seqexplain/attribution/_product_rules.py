"""DeepLIFT's rules where several values decide together: products, choices, softmax, log-sum-exp.

DeepLIFT's paper has none. Here a product of two values goes to each by the two-player Shapley value, and softmax is
exp(z − log Σ exp z), every exp and log passed by its secant. The secants are logarithmic means, known from the logits,
so that nothing overflows and no rounding noise is divided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seqexplain.models.backend import Tensor, ops, vjp
from seqexplain.models.joint_operations import LogSumExp, Product, Select
from seqexplain.models.operations import Softmax, log_sum_exp

SMALL_RISE = 1e-4  # below: the series of (1 − e^−d) / d, which is exact to float32 with two terms


def product(
    operation: Product,
    weights: Mapping[str, Tensor],
    x: Sequence[Tensor],
    reference: Sequence[Tensor],
    m: Tensor,
) -> list[Tensor]:
    """Product of two values: what each contributes with the other half way between reference and x.

    Δf(a, b) = f(Δa, (b + b₀)/2) + f((a + a₀)/2, Δb), the mean over both orders of changing one and then the other, so
    m_a is m_y carried back through f(·, (b + b₀)/2), and m_b likewise.
    """
    a, b = ((p + q) / 2 for p, q in zip(x, reference, strict=True))
    if operation.function is None:
        return [_sum_repeated(m * b, a.shape[2:]), _sum_repeated(m * a, b.shape[2:])]
    both = zip(m.shape[1:3], a.shape[:2], b.shape[:2], strict=True)
    lead = (m.shape[0], *(max(sizes) for sizes in both))
    flat = ops.reshape(ops.broadcast_to(m, (*lead, *m.shape[3:])), (-1, *m.shape[3:]))
    first, second = (_flatten(t, lead) for t in (a, b))
    function = operation.function
    m_a = vjp(lambda t: function(t, second), [first], flat)[0]
    m_b = vjp(lambda t: function(first, t), [second], flat)[0]
    return [ops.reshape(m_a, (*lead, *a.shape[2:])), ops.reshape(m_b, (*lead, *b.shape[2:]))]


def select(
    operation: Select,
    weights: Mapping[str, Tensor],
    x: Sequence[Tensor],
    reference: Sequence[Tensor],
    m: Tensor,
) -> list[Tensor]:
    """Choice between two values by a mask: the product of mask and difference, and of each value and its share."""
    mask, mask_0 = (ops.cast(t[0] != 0, m.dtype) for t in (x, reference))
    share = (mask + mask_0) / 2
    between = ((x[1] - x[2]) + (reference[1] - reference[2])) / 2
    moved = ops.where(mask == mask_0, 0.0, between)
    return [m * moved, m * share, m * (1.0 - share)]


def _flatten(t: Tensor, lead: Sequence[int]) -> Tensor:
    """Repeat a value over targets, sequences and references, and lay these out as one batch."""
    core = tuple(t.shape[2:])
    return ops.reshape(ops.broadcast_to(ops.expand_dims(t, 0), (*lead, *core)), (-1, *core))


def _sum_repeated(m: Tensor, shape: Sequence[int]) -> Tensor:
    """Sum over the axes along which an input of this shape (one example) was repeated."""
    axes = [3 + i for i, n in enumerate(shape) if n == 1 and m.shape[3 + i] != 1]
    return ops.sum(m, axis=axes, keepdims=True) if axes else m


def relative_mean(distance: Tensor) -> Tensor:
    """Return (1 − e^−d) / d: the logarithmic mean of two numbers whose logarithms are d apart, over the larger."""
    small = distance < SMALL_RISE
    series = 1.0 - distance / 2
    return ops.where(small, series, -ops.expm1(-distance) / ops.where(small, 1.0, distance))


def _shares(z: Tensor, z_0: Tensor, axis: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Return u = z − log Σ exp z at x and at the reference, and w such that Δ log Σ exp z = Σ w Δz.

    Each exp has the secant L(e^z, e^z₀) and the log 1 / L(S, S₀), with the logarithmic mean L(p, q) =
    (p − q) / (ln p − ln q). Differences are taken from the largest logit: those are exact.
    """
    (top, rest), (top_0, rest_0) = log_sum_exp(z, axis), log_sum_exp(z_0, axis)
    rise = (top - top_0) + (rest - rest_0)
    higher = rise >= 0
    height = ops.exp((ops.maximum(z, z_0) - ops.where(higher, top, top_0)) - ops.where(higher, rest, rest_0))
    share = height * relative_mean(ops.abs(z - z_0)) / relative_mean(ops.abs(rise))
    return (z - top) - rest, (z_0 - top_0) - rest_0, share


def softmax(
    operation: Softmax,
    weights: Mapping[str, Tensor],
    x: Sequence[Tensor],
    reference: Sequence[Tensor],
    m: Tensor,
) -> list[Tensor]:
    """Softmax, as y = exp(u) with u = z − log Σ exp z: m_u = m_y L(y, y₀), and m_z = m_u − w Σ m_u."""
    u, u_0, share = _shares(x[0], reference[0], operation.axis)
    back = m * ops.exp(ops.maximum(u, u_0)) * relative_mean(ops.abs(u - u_0))
    return [back - share * ops.sum(back, axis=operation.axis, keepdims=True)]


def logsumexp(
    operation: LogSumExp,
    weights: Mapping[str, Tensor],
    x: Sequence[Tensor],
    reference: Sequence[Tensor],
    m: Tensor,
) -> list[Tensor]:
    """Log Σ exp z: the secants of its exps and of its log."""
    return [m * _shares(x[0], reference[0], operation.axis)[2]]
