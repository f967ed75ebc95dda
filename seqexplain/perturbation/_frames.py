"""Where a value can change when a sequence is edited, and tensors that hold no more than that.

A *local* tensor has the axes `(places, alternatives, width, …)`: for each place of an edit, each alternative that is
put there, and each position of the value's *frame*, what the value changes by. Its other axes are the value's own. At
positions of a frame that lie outside the value it is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.models.backend import Tensor, ops

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Frame:
    """The positions of a value that edits can change.

    Attributes
    ----------
    starts
        `(places,)`: for an edit at each place of the sequence, the first position; may lie outside the value.
    width
        In positions.
    length
        Positions that the value has.
    axis
        Which axis of the value they are, counted with the batch axis.
    rest
        The value's other axes.
    """

    starts: Integers
    width: int
    length: int
    axis: int
    rest: tuple[int, ...]

    @property
    def spills(self) -> bool:
        """Whether some positions lie outside the value."""
        return bool(self.starts.min() < 0 or self.starts.max() + self.width > self.length)

    @property
    def elements(self) -> int:
        """Numbers that the value has at the positions of the frame."""
        return self.width * prod(self.rest)

    @property
    def whole(self) -> bool:
        """Whether the frame is no smaller than the value."""
        return self.width >= self.length


@dataclass(frozen=True)
class Edits:
    """The edits of one batch.

    Attributes
    ----------
    rows
        `(P,)` int32: which sequence is edited.
    places
        `(P,)` int32: where, as an index into the frames' starts.
    alternatives
        How many are put at each place.
    """

    rows: Tensor
    places: Tensor
    alternatives: int

    @property
    def count(self) -> int:
        """Places in the batch."""
        return int(self.rows.shape[0])

    def starts(self, frame: Frame) -> Tensor:
        """Return the first position of a frame for each place, `(P,)`."""
        return ops.take(constant(frame.starts), self.places, axis=0)

    def positions(self, frame: Frame) -> Tensor:
        """Return all positions of a frame for each place, `(P, width)`."""
        return ops.expand_dims(self.starts(frame), 1) + constant(np.arange(frame.width))

    def mask(self, frame: Frame) -> Tensor:
        """Return 1 where a frame lies inside the value, else 0, for multiplication with a local tensor."""
        at = self.positions(frame)
        inside = ops.logical_and(at >= 0, at < frame.length)
        return ops.reshape(ops.cast(inside, "float32"), (self.count, 1, frame.width, *(1 for _ in frame.rest)))

    def masked(self, local: Tensor, frame: Frame) -> Tensor:
        """Return a local tensor that is zero outside the value."""
        return local * self.mask(frame) if frame.spills else local

    def window(self, base: Tensor, frame: Frame, fill: float = 0.0) -> Tensor:
        """Return a value of the unedited sequences inside a frame, `(P, 1, width, …)`.

        Parameters
        ----------
        base
            `(sequences, length, …)`, positions first.
        frame
            Where.
        fill
            What stands outside the value.
        """
        at = self.positions(frame)
        flat = ops.reshape(base, (-1, prod(frame.rest)))
        rows = ops.expand_dims(self.rows, 1) * frame.length + ops.clip(at, 0, frame.length - 1)
        found = ops.reshape(ops.take(flat, rows, axis=0), (self.count, 1, frame.width, *frame.rest))
        if not frame.spills:
            return found
        return ops.where(self.mask(frame) > 0, found, constant(fill, "float32"))

    def moved(self, local: Tensor, frame: Frame, to: Frame) -> Tensor:
        """Return a local tensor in another frame of the same value; what does not fit in is dropped."""
        offsets = frame.starts - to.starts
        if offsets.min() == offsets.max():
            return self._moved_by(local, int(offsets[0]), frame.width, to.width)
        k = self.alternatives
        source = constant(np.arange(to.width)) - ops.expand_dims(ops.take(constant(offsets), self.places, axis=0), 1)
        return self.gathered(local, source, frame, k)

    def gathered(self, local: Tensor, source: Tensor, frame: Frame, alternatives: int) -> Tensor:
        """Return positions of a local tensor, zeros where there are none.

        Parameters
        ----------
        local
            `(P, alternatives, width, …)`.
        source
            `(P, new width)`: positions counted from the frame's start; those below 0 or from `width` on give zeros.
        frame
            Of the tensor.
        alternatives
            The tensor's second axis.
        """
        width = int(source.shape[1])
        inside = ops.logical_and(source >= 0, source < frame.width)
        lead = constant(np.arange(self.count * alternatives) * frame.width)
        lead = ops.reshape(lead, (self.count, alternatives, 1))
        rows = lead + ops.expand_dims(ops.clip(source, 0, frame.width - 1), 1)
        flat = ops.reshape(local, (-1, prod(frame.rest)))
        found = ops.reshape(ops.take(flat, rows, axis=0), (self.count, alternatives, width, *frame.rest))
        mask = ops.reshape(ops.cast(inside, "float32"), (self.count, 1, width, *(1 for _ in frame.rest)))
        return found * mask

    @staticmethod
    def _moved_by(local: Tensor, offset: int, width: int, to_width: int) -> Tensor:
        low, high = max(0, -offset), min(width, to_width - offset)
        if high <= low:
            raise ValueError("A frame was moved out of sight: frames are not of the same value.")
        local = local[:, :, low:high]
        before, after = offset + low, to_width - offset - high
        if before or after:
            local = ops.pad(local, [(0, 0), (0, 0), (before, after), *((0, 0) for _ in local.shape[3:])])
        return local

    def placed(self, local: Tensor, frame: Frame) -> Tensor:
        """Return a local tensor as a change of the whole value, `(P, alternatives, length, …)`."""
        zero = np.zeros_like(frame.starts)
        return self.moved(local, frame, Frame(zero, frame.length, frame.length, frame.axis, frame.rest))

    def of_rows(self, base: Tensor) -> Tensor:
        """Return a value of each edited sequence, `(P · alternatives, …)`; `base` is `(sequences, …)`."""
        taken = ops.take(base, self.rows, axis=0)
        return self.repeated(ops.expand_dims(taken, 1))

    def repeated(self, shared: Tensor) -> Tensor:
        """Return what all alternatives share, `(P, 1, …)`, for each of them, `(P · alternatives, …)`."""
        shape = tuple(shared.shape[2:])
        wide = ops.broadcast_to(shared, (self.count, self.alternatives, *shape))
        return ops.reshape(wide, (self.count * self.alternatives, *shape))


def constant(values: Any, dtype: str = "int32") -> Tensor:
    """Return a constant tensor."""
    return ops.convert_to_tensor(np.asarray(values, dtype=dtype))


def around(frames: Sequence[Frame]) -> Frame:
    """Return the smallest frame around several of values of the same length."""
    starts = np.min([f.starts for f in frames], axis=0)
    ends = np.max([f.starts + f.width for f in frames], axis=0)
    first = frames[0]
    return Frame(starts, int((ends - starts).max()), first.length, first.axis, first.rest)
