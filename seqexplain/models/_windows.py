"""Sliding windows along one axis, and their adjoint, written with slices so that XLA fuses them.

The native gradients of pooling cost more than the rest of a DeepLIFT pass under XLA on a CPU; strided slices, stacks
and reshapes compute the same for a fraction. All functions work with any number of leading axes.
"""

from __future__ import annotations

from seqexplain.models.backend import Tensor, ops


def same_padding(length: int, window: int, stride: int) -> tuple[int, int]:
    """Return what `padding="same"` adds before and after an axis (TensorFlow's convention)."""
    out = -(-length // stride)
    total = max((out - 1) * stride + window - length, 0)
    return total // 2, total - total // 2


def pad_axis(x: Tensor, axis: int, before: int, after: int, value: float = 0.0) -> Tensor:
    """Pad one axis with a constant; nothing to pad costs nothing."""
    if before == 0 and after == 0:
        return x
    widths = [(0, 0)] * len(x.shape)
    widths[axis] = (before, after)
    return ops.pad(x, widths, constant_values=value)


def take_slice(x: Tensor, axis: int, start: int, stop: int, step: int = 1) -> Tensor:
    """Slice one axis: `x[..., start:stop:step, ...]`."""
    index = [slice(None)] * len(x.shape)
    index[axis] = slice(start, stop, step)
    return x[tuple(index)]


def unfold(x: Tensor, axis: int, window: int, stride: int) -> Tensor:
    """Return the windows of an axis, which becomes two: `(…, out, window, …)`.

    Parameters
    ----------
    x
        Any tensor; positions after the last whole window are dropped.
    axis
        Which axis, counted from the start.
    window, stride
        In positions.
    """
    out = (x.shape[axis] - window) // stride + 1
    if window == stride:
        shape = list(x.shape)
        shape[axis : axis + 1] = [out, window]
        return ops.reshape(take_slice(x, axis, 0, out * window), shape)
    parts = [take_slice(x, axis, j, j + (out - 1) * stride + 1, stride) for j in range(window)]
    return ops.stack(parts, axis=axis + 1)


def fold(windows: Tensor, axis: int, stride: int, length: int) -> Tensor:
    """Add windows `(…, out, window, …)` back to their places on an axis of `length`: the adjoint of `unfold`."""
    shape = list(windows.shape)
    out, window = shape[axis], shape[axis + 1]
    rows = -(-window // stride)  # one row of `stride` neighbours after the other: none of a row overlaps
    if rows * stride != window:
        windows = pad_axis(windows, axis + 1, 0, rows * stride - window)
    flat = list(shape)
    flat[axis : axis + 2] = [out * stride]
    total = (out + rows - 1) * stride
    summed = None
    for row in range(rows):
        part = ops.reshape(take_slice(windows, axis + 1, row * stride, (row + 1) * stride), flat)
        part = pad_axis(part, axis, row * stride, total - (row + out) * stride)
        summed = part if summed is None else summed + part
    if total >= length:
        return take_slice(summed, axis, 0, length)
    return pad_axis(summed, axis, 0, length - total)
