"""Convolution along one axis with fewer multiplications than taps × positions.

Two classical identities. *Winograd's F(2, 3)* computes two outputs of a three-tap filter with four products instead
of six (Winograd 1980; Lavin & Gray 2016). *Fast FIR* splits signal and filter into even and odd phases and gets both
phases of the output from three half-size filters instead of four (Parker & Parhi 1997); it recurses. Each product is a
matrix product over channels, so what is saved is most of the time of a wide layer on a CPU. Rounding grows two- to
threefold, to some 1e-6 of the output's scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from seqexplain.models._windows import pad_axis, take_slice
from seqexplain.models.backend import Tensor, backend_name, device, ops

MIN_CHANNELS = 32  # on both sides; for fewer the sums cost more than the products saved
MIN_FAST_FIR_TAPS = 6
MIN_FAST_FIR_CHANNELS = 128
FAST_FIR_LEVELS = 2

_plain: ContextVar[bool] = ContextVar("plain", default=False)


@contextmanager
def plain_convolutions() -> Iterator[None]:
    """Compute convolutions by their definition in what is traced meanwhile, in this thread.

    The sums of the fast ones mix neighbouring positions, so that each has an error of the size of the largest among
    them. That is too much for a method that divides by values near 0: its large quotients would leak to where none
    belong.
    """
    token = _plain.set(True)
    try:
        yield
    finally:
        _plain.reset(token)


def is_fast(kernel_shape: Sequence[int], strides: Sequence[int], dilation: Sequence[int], groups: int) -> bool:
    """Whether `correlate` is faster than the backend's own convolution.

    Only under XLA on a CPU, which fuses the sums: a GPU's library chooses such algorithms itself.
    """
    if _plain.get():
        return False
    if len(kernel_shape) != 3 or strides[0] != 1 or groups != 1 or backend_name() == "torch" or device() != "cpu":
        return False
    taps, narrowest = kernel_shape[0], min(kernel_shape[1:])
    if taps == 3:
        return narrowest >= MIN_CHANNELS
    return taps >= MIN_FAST_FIR_TAPS and narrowest >= MIN_FAST_FIR_CHANNELS and dilation[0] == 1


def correlate(x: Tensor, kernel: Tensor, dilation: int = 1) -> Tensor:
    """Return `y[n] = Σ_j x[n + j·dilation] · kernel[j]`, as far as it needs no padding.

    Parameters
    ----------
    x
        `(batch, length, channels in)`.
    kernel
        `(taps, channels in, channels out)`.
    dilation
        In positions; 1 unless there are three taps.
    """
    if kernel.shape[0] == 3:
        return _winograd(x, kernel, dilation)
    return _fast_fir(x, kernel, FAST_FIR_LEVELS)


def _winograd(x: Tensor, kernel: Tensor, dilation: int) -> Tensor:
    batch, length, channels = x.shape
    out, d = length - 2 * dilation, dilation
    tiles = -(-out // (2 * d))  # each makes two outputs of every residue modulo the dilation
    span = 2 * d * tiles
    x = pad_axis(x, 1, 0, span + 2 * d - length)

    def phase(p: int) -> Tensor:
        part = take_slice(x, 1, p * d, min(p * d + span, span + 2 * d))
        part = pad_axis(part, 1, 0, span - part.shape[1])
        return ops.reshape(part, (batch, tiles, 2, d, channels))[:, :, 0]

    x0, x1, x2, x3 = (phase(p) for p in range(4))
    k0, k1, k2 = kernel[0], kernel[1], kernel[2]
    even, odd = (k0 + k2) / 2, k1 / 2
    a = ops.matmul(x0 - x2, k0)
    b = ops.matmul(x1 + x2, even + odd)
    c = ops.matmul(x2 - x1, even - odd)
    e = ops.matmul(x1 - x3, k2)
    y = ops.stack([a + b + c, b - c - e], axis=2)
    return take_slice(ops.reshape(y, (batch, span, kernel.shape[2])), 1, 0, out)


def _fast_fir(x: Tensor, kernel: Tensor, levels: int) -> Tensor:
    taps, _, channels_out = kernel.shape
    if levels == 0 or taps < MIN_FAST_FIR_TAPS // 2:
        return ops.conv(x, kernel, strides=1, padding="valid", data_format="channels_last")
    out = x.shape[1] - taps + 1
    pairs = (out + 1) // 2
    even, odd = kernel[0::2], kernel[1::2]
    half, rest = even.shape[0], odd.shape[0]
    # one position later, so that the pairs of outputs are (odd, even) and no phase has to be shifted
    x = pad_axis(x, 1, 1, max(0, 2 * (pairs + half) + 1 - x.shape[1]))
    x_odd = take_slice(x, 1, 1, 2 * (pairs + half) - 2, 2)
    x_even = take_slice(x, 1, 2, 2 * (pairs + half) - 1, 2)
    a = _fast_fir(x_even, even, levels - 1)
    b = _fast_fir(take_slice(x, 1, 1, 2 * (pairs + rest) + 1, 2), odd, levels - 1)
    c = _fast_fir(x_odd + x_even, even + pad_axis(odd, 0, 0, half - rest), levels - 1)
    first = c - a - take_slice(b, 1, 0, pairs)
    second = a + take_slice(b, 1, 1, pairs + 1)
    y = ops.reshape(ops.stack([first, second], axis=2), (x.shape[0], 2 * pairs, channels_out))
    return take_slice(y, 1, 0, out)
