"""How each operation passes on what an edit changes, computing only the positions that change.

Linear operations pass the change itself: what surrounds it does not matter. Others are computed on the changed
neighbourhood and on the same neighbourhood of the unedited sequence, which all alternatives at a place share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from seqexplain.models.backend import Tensor, ops
from seqexplain.models.operations import Convolution, Linear, Operation, Weights
from seqexplain.perturbation._frames import Edits, Frame, Integers, constant
from seqexplain.perturbation._probes import Moves
from seqexplain.perturbation._spread import spread

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
