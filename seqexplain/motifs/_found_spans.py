"""Spans that a caller found, and how many of them are false by the null that was stated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class FoundSpans:
    """Spans, one entry a span in each array; as in `Seqlets`."""

    sequence: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    score: NDArray[np.float64]
    p_value: NDArray[np.float64]
    q_value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.sequence)

    def take(self, rows: ArrayLike) -> FoundSpans:
        """Return some of them, in the order given."""
        return FoundSpans(*(getattr(self, field.name)[rows] for field in fields(self)))

    def in_order(self) -> FoundSpans:
        """Return them by sequence, then start."""
        return self.take(np.lexsort((self.end, self.start, self.sequence)))

    def without_overlaps(self) -> FoundSpans:
        """Return them in order; of two that overlap the one with the smaller p-value, or the first, is kept."""
        kept = self.in_order()
        while True:
            clash = (kept.sequence[1:] == kept.sequence[:-1]) & (kept.start[1:] < kept.end[:-1])
            if not clash.any():
                return kept
            left = np.flatnonzero(clash)
            dropped = np.where(kept.p_value[left + 1] < kept.p_value[left], left, left + 1)
            kept = kept.take(np.setdiff1d(np.arange(len(kept)), dropped))


@dataclass(frozen=True)
class Level:
    """What was found at one threshold of the p-value.

    Attributes
    ----------
    threshold
        Highest p-value.
    found
        Spans found.
    false
        How many are expected where there is no motif.
    """

    threshold: float
    found: int
    false: float

    @property
    def rate(self) -> float:
        """False discovery rate: expected over found, 1 where that is more or nothing was found."""
        return min(1.0, self.false / self.found) if self.found else 1.0


def none_found() -> FoundSpans:
    """Return no spans."""
    return joined([])


def joined(parts: Sequence[FoundSpans]) -> FoundSpans:
    """Return the spans of several parts, one part after the other."""
    kinds = [np.int64] * 3 + [np.float64] * 3
    return FoundSpans(
        *(
            np.concatenate([np.empty(0, dtype=kind), *(getattr(part, field.name) for part in parts)])
            for field, kind in zip(fields(FoundSpans), kinds, strict=True)
        )
    )
