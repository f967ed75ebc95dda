"""How each operation passes on what an edit changes, computing only the positions that change.

Linear operations pass the change itself: what surrounds it does not matter. Others are computed on the changed
neighbourhood and on the same neighbourhood of the unedited sequence, which all alternatives at a place share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from seqexplain.models._windows import pad_axis, same_padding, take_slice
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.operations import AveragePool, Convolution, Linear, MaxPool, Operation, Weights
from seqexplain.perturbation._frames import Edits, Frame, Integers, constant
from seqexplain.perturbation._probes import Moves

LOWEST = float(np.finfo(np.float32).min) / 4  # stands for −∞ where differences are taken

Base = Mapping[Any, Tensor]  # values of the unedited sequences, and what steps prepared of them


@dataclass(frozen=True, eq=False)
class LocalStep:
    """One operation on local tensors.

    Attributes
    ----------
    position
        Of the operation in the graph.
    operation
        The operation.
    frames
        Of its inputs; None for those that edits do not change.
    frame
        Of its output; None where the output has no positions.
    cost
        Multiply–adds for one edit.
    """

    position: int
    operation: Operation
    frames: tuple[Frame | None, ...]
    frame: Frame | None
    cost: float

    @property
    def windows(self) -> tuple[int, ...]:
        """Values with positions that the step reads of the unedited sequences: `(sequences, length, …)`."""
        return ()

    @property
    def rows(self) -> tuple[int, ...]:
        """Values without positions that it reads of them."""
        return ()

    @property
    def prepares(self) -> tuple[Any, ...]:
        """Names of what is computed once for all edits of some sequences."""
        return ()

    def prepared(self, base: Base) -> dict[Any, Tensor]:
        """Compute that, from what is read of the sequences."""
        return {}

    def run(self, edits: Edits, weights: Weights, changes: Mapping[int, Tensor], base: Base) -> Tensor:
        """Return the output's change, `(P, alternatives, width, …)`; without the width where it has no positions."""
        raise NotImplementedError

    def _only(self, changes: Mapping[int, Tensor]) -> tuple[Tensor, Frame]:
        frame = self.frames[0]
        if frame is None:
            raise TypeError(f"{self.operation.name} has no input that changes.")
        return changes[self.operation.inputs[0]], frame

    def _out(self) -> Frame:
        if self.frame is None:
            raise TypeError(f"{self.operation.name} has no positions.")
        return self.frame


def joined(local: Tensor) -> Tensor:
    """Return `(P, alternatives, …)` as one batch."""
    return ops.reshape(local, (-1, *local.shape[2:]))


def parted(edits: Edits, batch: Tensor, alternatives: int) -> Tensor:
    """Return one batch as `(P, alternatives, …)`."""
    return ops.reshape(batch, (edits.count, alternatives, *batch.shape[1:]))


@dataclass(frozen=True, eq=False)
class ByPosition(LocalStep):
    """An operation that treats each position by itself.

    Attributes
    ----------
    axes
        Of the positions in each input; None where it has none.
    around
        The frame around those of all inputs.
    shapes
        Of the inputs, one example.
    """

    axes: tuple[int | None, ...] = ()
    around: Frame | None = None
    shapes: tuple[tuple[int, ...], ...] = ()

    @property
    def windows(self) -> tuple[int, ...]:
        return () if isinstance(self.operation, Linear) else self._inputs(with_positions=True)

    @property
    def rows(self) -> tuple[int, ...]:
        return () if isinstance(self.operation, Linear) else self._inputs(with_positions=False)

    def _inputs(self, *, with_positions: bool) -> tuple[int, ...]:
        pairs = zip(self.operation.inputs, self.axes, strict=True)
        return tuple(value for value, axis in pairs if (axis is not None) == with_positions)

    def run(self, edits: Edits, weights: Weights, changes: Mapping[int, Tensor], base: Base) -> Tensor:
        inputs = range(len(self.frames))
        if isinstance(self.operation, Linear):
            change = self.operation.apply(weights, [self._change(edits, k, changes) for k in inputs])
            return edits.masked(self._local(edits, change, edits.alternatives), self._out())
        pairs = [self._old_and_new(edits, k, changes, base) for k in inputs]
        old = self.operation.forward(weights, [self._turned(o, k) for k, (o, _) in enumerate(pairs)])[0]
        new = self.operation.forward(weights, [self._turned(n, k) for k, (_, n) in enumerate(pairs)])[0]
        change = self._local(edits, new, edits.alternatives) - self._local(edits, old, 1)
        return edits.masked(change, self._out())

    def _frame_of(self, k: int) -> Frame:
        """Return the common frame with the axes of an input."""
        axis, around = self.axes[k], self.around
        if axis is None or around is None:
            raise TypeError(f"Input {k} of {self.operation.name} has no positions.")
        rest = tuple(n for i, n in enumerate(self.shapes[k], start=1) if i != axis)
        return replace(around, axis=axis, rest=rest)

    def _moved(self, edits: Edits, k: int, frame: Frame, changes: Mapping[int, Tensor]) -> Tensor:
        return edits.moved(changes[self.operation.inputs[k]], frame, self._frame_of(k))

    def _change(self, edits: Edits, k: int, changes: Mapping[int, Tensor]) -> Tensor:
        frame, axis = self.frames[k], self.axes[k]
        if frame is not None:
            return self._turned(self._moved(edits, k, frame, changes), k)
        shape = list(self.shapes[k])
        if axis is not None and self.around is not None:
            shape[axis - 1] = self.around.width
        return ops.zeros((edits.count * edits.alternatives, *shape), dtype="float32")

    def _old_and_new(self, edits: Edits, k: int, changes: Mapping[int, Tensor], base: Base) -> tuple[Tensor, Tensor]:
        """Return an input of the unedited sequences `(P, 1, …)` and of the edited `(P, alternatives, …)`."""
        value = self.operation.inputs[k]
        if self.axes[k] is None:
            old = ops.expand_dims(ops.take(base["rows", value], edits.rows, axis=0), 1)
        else:
            old = edits.window(base[value], self._frame_of(k))
        frame = self.frames[k]
        if frame is not None:
            return old, old + self._moved(edits, k, frame, changes)
        return old, ops.broadcast_to(old, (edits.count, edits.alternatives, *old.shape[2:]))

    def _turned(self, local: Tensor, k: int) -> Tensor:
        """Return one batch, with the positions where the operation has them."""
        axis = self.axes[k]
        batch = joined(local)
        return batch if axis in (None, 1) else ops.moveaxis(batch, 1, axis)

    def _local(self, edits: Edits, batch: Tensor, alternatives: int) -> Tensor:
        axis = self._out().axis
        return parted(edits, batch if axis == 1 else ops.moveaxis(batch, axis, 1), alternatives)


def spread(x: Tensor, kernel: Tensor, dilation: int) -> Tensor:
    """Return all that inputs contribute to a convolution's outputs: the convolution, padded with all zeros it can see.

    Each input is multiplied with all taps at once and the products are added where they belong, so that no zero of the
    padding is multiplied.

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
    batch, width, channels = x.shape
    taps, _, out = kernel.shape
    total = width + (taps - 1) * dilation
    reversed_taps = ops.flip(kernel, axis=0)  # the last tap meets an input first
    columns = ops.reshape(ops.transpose(reversed_taps, (1, 0, 2)), (channels, taps * out))
    y = ops.reshape(ops.matmul(ops.reshape(x, (batch * width, channels)), columns), (batch, width, taps, out))
    if width == 1 and dilation == 1:
        return y[:, 0]
    if dilation == 1 and width < taps:
        parts = [pad_axis(y[:, i], 1, i, total - taps - i) for i in range(width)]
    else:
        parts = [pad_axis(y[:, :, j], 1, j * dilation, total - width - j * dilation) for j in range(taps)]
    return sum(parts[1:], parts[0])


@dataclass(frozen=True, eq=False)
class Spread(LocalStep):
    """A convolution along one axis in steps of one position."""

    def run(self, edits: Edits, weights: Weights, changes: Mapping[int, Tensor], base: Base) -> Tensor:
        change, _ = self._only(changes)
        operation = self.operation
        if not isinstance(operation, Convolution):
            raise TypeError(f"{operation.name} is no convolution.")
        y = spread(joined(change), weights["kernel"], operation.dilation[0])
        return edits.masked(parted(edits, y, edits.alternatives), self._out())


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
class Rearranged(LocalStep):
    """An operation that only moves positions: crop, pad, flip, repeat, reshape around them."""

    moves: Moves | None = None

    @property
    def shift(self) -> int | None:
        """How far positions move, where all move alike."""
        if self.moves is None:
            raise TypeError(f"{self.operation.name} moves nothing.")
        return shift_of(self.moves.source, self.frames[0].length if self.frames[0] else 0)

    def run(self, edits: Edits, weights: Weights, changes: Mapping[int, Tensor], base: Base) -> Tensor:
        change, frame = self._only(changes)
        out = self._out()
        if self.moves is None:
            raise TypeError(f"{self.operation.name} moves nothing.")
        if self.moves.order is not None:
            flat = ops.reshape(change, (*change.shape[:3], prod(frame.rest)))
            change = ops.take(flat, constant(self.moves.order), axis=3)
        if self.shift is None:
            at = edits.positions(out)
            inside = ops.logical_and(at >= 0, at < out.length)
            source = ops.take(constant(self.moves.source), ops.clip(at, 0, out.length - 1), axis=0)
            source = source - ops.expand_dims(edits.starts(frame), 1)
            source = ops.where(inside, source, constant(-1))
            change = edits.gathered(change, source, frame, edits.alternatives)
        change = ops.reshape(change, (edits.count, edits.alternatives, out.width, *out.rest))
        return edits.masked(change, out) if self.shift is not None else change


def shift_of(source: Integers, length: int) -> int | None:
    """Return c where position j holds position j + c of an input of a length, or nothing; else None."""
    held = np.flatnonzero(source >= 0)
    c = int(source[held[0]] - held[0])
    wanted = np.arange(len(source)) + c
    wanted[(wanted < 0) | (wanted >= length)] = -1
    return c if np.array_equal(wanted, source) else None


def moved_frame(frame: Frame, moves: Moves) -> Frame:
    """Return where a frame's positions go."""
    length = len(moves.source)
    shift = shift_of(moves.source, frame.length)
    if shift is not None:
        return Frame(frame.starts - shift, frame.width, length, moves.axis, moves.rest)
    starts, ends = np.zeros_like(frame.starts), np.zeros_like(frame.starts)
    for p, start in enumerate(frame.starts):
        held = np.flatnonzero((moves.source >= max(start, 0)) & (moves.source < start + frame.width))
        if len(held):
            starts[p], ends[p] = held[0], held[-1] + 1
    return Frame(starts, max(1, int((ends - starts).max())), length, moves.axis, moves.rest)


@dataclass(frozen=True, eq=False)
class Total(LocalStep):
    """A sum or mean over all positions."""

    factor: float = 1.0

    def run(self, edits: Edits, weights: Weights, changes: Mapping[int, Tensor], base: Base) -> Tensor:
        change, _ = self._only(changes)
        return ops.sum(change, axis=2) * self.factor


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


@dataclass(frozen=True, eq=False)
class FlatDense(LocalStep):
    """A dense layer on flattened positions: of its weights, only the rows that the frames of a batch meet.

    Edits that are near each other, as those of a batch mostly are, meet few. Where they meet more than `span`
    positions, all rows are multiplied.
    """

    value: int = 0  # what is flattened
    span: int = 0

    def run(self, edits: Edits, weights: Weights, changes: Mapping[int, Tensor], base: Base) -> Tensor:
        frame = self.frames[0]
        if frame is None:
            raise TypeError(f"{self.operation.name} has no input that changes.")
        change, kernel = changes[self.value], weights["kernel"]
        width, span, length = prod(frame.rest), self.span, frame.length
        starts = edits.starts(frame)
        low = ops.clip(ops.min(starts), 0, length - span)
        high = ops.min(ops.stack([ops.max(starts) + frame.width, constant(length)]))

        def near() -> Tensor:
            source = constant(np.arange(span)) + low - ops.expand_dims(starts, 1)
            here = edits.gathered(change, source, frame, edits.alternatives)
            rows = ops.slice(kernel, ops.stack([low * width, constant(0)]), (span * width, kernel.shape[1]))
            return ops.matmul(ops.reshape(here, (-1, span * width)), rows)

        def far() -> Tensor:
            return ops.matmul(ops.reshape(edits.placed(change, frame), (-1, length * width)), kernel)

        found = ops.cond(high <= low + span, near, far)
        return ops.reshape(found, (edits.count, edits.alternatives, int(kernel.shape[1])))
