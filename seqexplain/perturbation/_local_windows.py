"""How windows pass on what an edit changes: pooling, convolution in steps, and the maximum over all positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from seqexplain.models._windows import pad_axis, same_padding, take_slice
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.operations import AveragePool, Convolution, MaxPool, Weights
from seqexplain.perturbation._frames import Edits, Frame, constant
from seqexplain.perturbation._local_steps import Base, LocalStep, joined, parted

LOWEST = float(np.finfo(np.float32).min) / 4  # stands for −∞ where differences are taken


@dataclass(frozen=True, eq=False)
class Windowed(LocalStep):
    """Convolution or pooling over windows that begin at every s-th position; the length is the first spatial axis."""

    aligned: Frame | None = None  # of the input: whole windows
    place: int = 0  # of the length among the spatial axes

    @property
    def windows(self) -> tuple[int, ...]:
        return self.operation.inputs if isinstance(self.operation, MaxPool) else ()

    def run(self, edits: Edits, weights: Weights, changes: Mapping[int, Tensor], base: Base) -> Tensor:
        change, frame = self._only(changes)
        if self.aligned is None:
            raise TypeError(f"{self.operation.name} has no frame.")
        change = edits.moved(change, frame, self.aligned)
        out = self._out()
        operation = self.operation
        if isinstance(operation, MaxPool):
            before = edits.window(base[operation.inputs[0]], self.aligned, LOWEST)
            new = self._pool(joined(before + change))
            local = parted(edits, new, edits.alternatives) - parted(edits, self._pool(joined(before)), 1)
        elif isinstance(operation, AveragePool):
            local = parted(edits, self._average(joined(change)), edits.alternatives)
            local = local * self._shares(edits, out)
        else:
            local = parted(edits, self._convolve(joined(change), weights), edits.alternatives)
        return edits.masked(local, out)

    def _first(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return one entry an axis, that of the length first."""
        return (values[self.place], *(v for i, v in enumerate(values) if i != self.place))

    def _pads(self, x: Tensor, window: Sequence[int], strides: Sequence[int], fill: float) -> Tensor:
        """Pad the spatial axes after the length as the operation does."""
        if self.operation.padding == "same":  # type: ignore[attr-defined]
            for axis in range(2, len(x.shape) - 1):
                n, k, s = int(x.shape[axis]), window[axis - 1], strides[axis - 1]
                x = pad_axis(x, axis, *same_padding(n, k, s), value=fill)
        return x

    def _pool(self, x: Tensor) -> Tensor:
        operation = self.operation
        if not isinstance(operation, MaxPool):
            raise TypeError(f"{operation.name} is no max pooling.")
        window, strides = self._first(operation.window), self._first(operation.strides)
        sizes = [n if k is None else k for n, k in zip(x.shape[1:-1], window, strict=True)]
        steps = [n if s is None else s for n, s in zip(x.shape[1:-1], strides, strict=True)]
        x = self._pads(x, sizes, steps, LOWEST)
        for axis, (k, s) in enumerate(zip(sizes, steps, strict=True), start=1):
            x = over_windows(x, axis, k, s, largest=True)
        return x

    def _average(self, x: Tensor) -> Tensor:
        operation = self.operation
        if not isinstance(operation, AveragePool):
            raise TypeError(f"{operation.name} is no average pooling.")
        window, strides = self._first(operation.window), self._first(operation.strides)
        for axis, (k, s) in enumerate(zip(window, strides, strict=True), start=1):
            x = over_windows(x, axis, k, s, largest=False)
            if axis > 1:
                x = x / k
        return x

    def _shares(self, edits: Edits, out: Frame) -> Tensor:
        """Return 1 / the number of positions that are averaged, at each position of the output's frame."""
        operation, frame = self.operation, self.frames[0]
        if frame is None or not isinstance(operation, AveragePool):
            raise TypeError(f"{operation.name} is no average pooling.")
        k, s = operation.window[self.place], operation.strides[self.place]
        before = same_padding(frame.length, k, s)[0] if operation.padding == "same" else 0
        first = np.arange(out.length) * s - before
        counts = np.minimum(first + k, frame.length) - np.maximum(first, 0)
        at = ops.clip(edits.positions(out), 0, out.length - 1)
        shares = ops.take(constant(1.0 / counts, "float32"), at, axis=0)
        return ops.reshape(shares, (edits.count, 1, out.width, *(1 for _ in out.rest)))

    def _convolve(self, x: Tensor, weights: Weights) -> Tensor:
        operation = self.operation
        if not isinstance(operation, Convolution):
            raise TypeError(f"{operation.name} is no convolution.")
        strides, dilation = self._first(operation.strides), self._first(operation.dilation)
        kernel = ops.moveaxis(weights["kernel"], self.place, 0)
        spans = [(int(k) - 1) * d + 1 for k, d in zip(kernel.shape[:-2], dilation, strict=True)]
        x = self._pads(x, spans, strides, 0.0)
        return ops.conv(
            x, kernel, strides=strides, padding="valid", data_format="channels_last", dilation_rate=dilation
        )


def over_windows(x: Tensor, axis: int, size: int, stride: int, *, largest: bool) -> Tensor:
    """Return the maximum or the sum of the windows of one axis."""
    out = (int(x.shape[axis]) - size) // stride + 1
    if size == stride:  # one reduction: slice by slice, a compiler computes what is before once for each
        windows = ops.reshape(take_slice(x, axis, 0, out * size), (*x.shape[:axis], out, size, *x.shape[axis + 1 :]))
        return ops.max(windows, axis=axis + 1) if largest else ops.sum(windows, axis=axis + 1)
    pieces = [take_slice(x, axis, j, j + (out - 1) * stride + 1, stride) for j in range(size)]
    return reduce(ops.maximum, pieces) if largest else sum(pieces[1:], pieces[0])


@dataclass(frozen=True, eq=False)
class Largest(LocalStep):
    """The maximum over all positions: of the frame, and of what lies before and behind it."""

    @property
    def windows(self) -> tuple[int, ...]:
        return self.operation.inputs

    @property
    def prepares(self) -> tuple[Any, ...]:
        return ((self.position, "before"), (self.position, "behind"))

    def prepared(self, base: Base) -> dict[Any, Tensor]:
        value = base[self.operation.inputs[0]]
        flat = ops.reshape(value, (value.shape[0], value.shape[1], -1))
        before = pad_axis(running_maximum(flat), 1, 1, 0, value=LOWEST)
        behind = pad_axis(ops.flip(running_maximum(ops.flip(flat, axis=1)), axis=1), 1, 0, 1, value=LOWEST)
        return dict(zip(self.prepares, (before, behind), strict=True))

    def run(self, edits: Edits, weights: Weights, changes: Mapping[int, Tensor], base: Base) -> Tensor:
        change, frame = self._only(changes)
        before, behind = (base[name] for name in self.prepares)
        start = edits.starts(frame)
        around = ops.maximum(
            self._at(edits, before, ops.clip(start, 0, frame.length)),
            self._at(edits, behind, ops.clip(start + frame.width, 0, frame.length)),
        )
        around = ops.reshape(around, (edits.count, 1, *frame.rest))
        within = edits.window(base[self.operation.inputs[0]], frame, LOWEST)
        old = ops.maximum(ops.max(within, axis=2), around)
        new = ops.maximum(ops.max(within + change, axis=2), around)
        axes = tuple(range(2, 1 + len(frame.rest)))  # other spatial axes, all but the channels
        if axes:
            new, old = ops.max(new, axis=axes), ops.max(old, axis=axes)
        return new - old

    @staticmethod
    def _at(edits: Edits, running: Tensor, place: Tensor) -> Tensor:
        flat = ops.reshape(running, (-1, running.shape[2]))
        return ops.take(flat, edits.rows * int(running.shape[1]) + place, axis=0)


def running_maximum(x: Tensor) -> Tensor:
    """Return the maximum of each position and all before it along axis 1, by doubling."""
    length, reach = int(x.shape[1]), 1
    while reach < length:
        x = ops.maximum(x, pad_axis(x[:, : length - reach], 1, reach, 0, value=LOWEST))
        reach *= 2
    return x
