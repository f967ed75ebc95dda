"""Convolution of a few positions: all that they contribute to the outputs around them.

An edit changes few positions and every tap meets each of them, so the products are made once an input position, and
added where they belong; no zero of a padding is multiplied. Where a layer is wide it is taken as the product of two
polynomials whose coefficients are matrices, which needs fewer products than positions × taps: of the even and odd
phases of both, three products of half the size give all four (Karatsuba & Ofman 1962; the adjoint of fast FIR filters,
Parker & Parhi 1997). It recurses.
"""

from __future__ import annotations

from seqexplain.models._fast_convolution import FAST_FIR_LEVELS, MIN_FAST_FIR_TAPS, is_fast
from seqexplain.models._windows import pad_axis, take_slice
from seqexplain.models.backend import Tensor, ops

MIN_FAST_WIDTH = 3  # positions; with fewer, what is added costs more than the products saved


def spread(x: Tensor, kernel: Tensor, dilation: int) -> Tensor:
    """Return all that inputs contribute to a convolution's outputs: the convolution, padded with all zeros it can see.

    Parameters
    ----------
    x
        `(batch, width, channels in)`.
    kernel
        `(taps, channels in, channels out)`.
    dilation
        In positions.

    Returns
    -------
    Tensor
        `(batch, width + (taps − 1)·dilation, channels out)`.
    """
    reversed_taps = ops.flip(kernel, axis=0)  # the last tap meets an input first
    fast = (
        dilation == 1  # of two phases of a dilated kernel one is all zeros: nothing to gain
        and x.shape[1] >= MIN_FAST_WIDTH
        and kernel.shape[0] >= MIN_FAST_FIR_TAPS
        and is_fast(tuple(kernel.shape), (1,), (dilation,), 1)
    )
    return _by_phases(x, reversed_taps, FAST_FIR_LEVELS) if fast else _by_taps(x, reversed_taps, dilation)


def _by_taps(x: Tensor, reversed_taps: Tensor, dilation: int) -> Tensor:
    """Multiply each input with all taps at once, and add the products where they belong."""
    batch, width, channels = x.shape
    taps, _, out = reversed_taps.shape
    total = width + (taps - 1) * dilation
    columns = ops.reshape(ops.transpose(reversed_taps, (1, 0, 2)), (channels, taps * out))
    y = ops.reshape(ops.matmul(ops.reshape(x, (batch * width, channels)), columns), (batch, width, taps, out))
    if width == 1 and dilation == 1:
        return y[:, 0]
    if dilation == 1 and width < taps:
        parts = [pad_axis(y[:, i], 1, i, total - taps - i) for i in range(width)]
    else:
        parts = [pad_axis(y[:, :, j], 1, j * dilation, total - width - j * dilation) for j in range(taps)]
    return sum(parts[1:], parts[0])


def _by_phases(x: Tensor, reversed_taps: Tensor, levels: int) -> Tensor:
    """Multiply even with even, odd with odd, and the sums of both: what the last has more is even with odd."""
    batch, width, _ = x.shape
    taps, _, out = reversed_taps.shape
    if levels == 0 or width < 2 or taps < 2:
        return _by_taps(x, reversed_taps, 1)
    x_even, x_odd = take_slice(x, 1, 0, width, 2), take_slice(x, 1, 1, width, 2)
    k_even, k_odd = reversed_taps[0::2], reversed_taps[1::2]
    a = _by_phases(x_even, k_even, levels - 1)
    b = _by_phases(x_odd, k_odd, levels - 1)
    c = _by_phases(x_even + _longer(x_odd, 1, x_even.shape[1]), k_even + _longer(k_odd, 0, k_even.shape[0]), levels - 1)
    pairs = (width + taps) // 2  # of outputs; the last may be one too many
    odd = c - a - _longer(b, 1, c.shape[1])
    even = _longer(a, 1, pairs) + _longer(pad_axis(b, 1, 1, 0), 1, pairs)  # two odd places make an even one, a pair on
    y = ops.stack([even, _longer(odd, 1, pairs)], axis=2)
    return take_slice(ops.reshape(y, (batch, 2 * pairs, out)), 1, 0, width + taps - 1)


def _longer(x: Tensor, axis: int, length: int) -> Tensor:
    return pad_axis(x, axis, 0, length - int(x.shape[axis]))
