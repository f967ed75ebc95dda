"""Which bases each position of a hidden layer sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqexplain.errors import ParameterError, ShapeError


@dataclass(frozen=True, eq=False)
class ReceptiveField:
    """The window of the sequence that each of `p` positions of a layer sees.

    Attributes
    ----------
    starts
        `(p,)` int64: first base of each position's window, 0-based; below 0, or so that the window reaches over the
        sequence's end, where the layer pads.
    width
        Of the windows, bp.
    turned
        `(p,)` bool: True where the position reads its window as the reverse complement.

    Examples
    --------
    >>> field = ReceptiveField.regular(3, start=-2, stride=4, width=9)
    >>> field.starts.tolist(), field.stride
    ([-2, 2, 6], 4)
    """

    starts: NDArray[np.int64]
    width: int
    turned: NDArray[np.bool_]

    def __post_init__(self) -> None:
        starts, turned = np.asarray(self.starts), np.asarray(self.turned, dtype=bool)
        if starts.ndim != 1 or starts.dtype.kind not in "iu" or turned.shape != starts.shape:
            raise ShapeError(
                f"starts are {starts.dtype} of shape {starts.shape}, turned has shape {turned.shape}; expected whole "
                "numbers (positions,), and as many truth values."
            )
        if isinstance(self.width, bool) or not isinstance(self.width, int | np.integer) or self.width < 1:
            raise ParameterError(f"width is {self.width!r}; expected a whole number of bp from 1.")
        object.__setattr__(self, "starts", starts.astype(np.int64))
        object.__setattr__(self, "turned", turned)

    def __len__(self) -> int:
        return len(self.starts)

    def __repr__(self) -> str:
        first = int(self.starts[0]) if len(self) else None
        return f"ReceptiveField({len(self)} positions, start={first}, stride={self.stride}, width={self.width})"

    @property
    def stride(self) -> int | None:
        """Bases from one window to the next, negative on the other strand; None where that differs, or for one."""
        steps = np.unique(np.diff(self.starts))
        return int(steps[0]) if len(steps) == 1 else None

    @classmethod
    def regular(cls, positions: int, *, start: int, stride: int, width: int) -> ReceptiveField:
        """Return windows of `width` bp at `positions` places, every `stride` bp from `start` on.

        A negative stride is one of the other strand.
        """
        starts = start + stride * np.arange(positions)
        return cls(starts, width, np.full(positions, stride < 0))

    @classmethod
    def joined(cls, fields: list[ReceptiveField]) -> ReceptiveField:
        """Return the positions of several calls of a layer, whose `fields` these are, one call after the other.

        Raises
        ------
        ParameterError
            Where their windows are not of one width.
        """
        widths = sorted({field.width for field in fields})
        if len(widths) != 1:
            raise ParameterError(
                f"The calls of the layer see windows of {', '.join(map(str, widths))} bp; expected one width. Name one "
                "call: 'layer#1'."
            )
        starts = np.concatenate([field.starts for field in fields])
        return cls(starts, widths[0], np.concatenate([field.turned for field in fields]))

    def windows(self, codes: ArrayLike, row: ArrayLike, position: ArrayLike) -> NDArray[np.uint8]:
        """Cut out what positions see, as they read it.

        Parameters
        ----------
        codes
            `(n, L)` uint8 base codes.
        row, position
            `(k,)`: sequence, and position of the layer.

        Returns
        -------
        ndarray of uint8, shape (k, width)
            4 for an unknown base, and beyond the sequence's edges.
        """
        found = np.asarray(codes, dtype=np.uint8)
        at = np.asarray(position, dtype=np.int64)
        turned = self.turned[at]
        places = self.starts[at][:, None] + np.arange(self.width)
        places[turned] = places[turned, ::-1]
        inside = (places >= 0) & (places < found.shape[1])
        rows = np.asarray(row, dtype=np.int64)[:, None]
        cut = np.where(inside, found[rows, np.where(inside, places, 0)], 4).astype(np.uint8)
        cut[turned] = np.where(cut[turned] < 4, 3 - cut[turned], 4)
        return cut
