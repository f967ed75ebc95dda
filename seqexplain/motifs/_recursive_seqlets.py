"""Spans of any length all of whose parts are significant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.motifs._found_spans import FoundSpans, Level
from seqexplain.motifs._span_null import NullTables, RowBlocks

Array = NDArray[Any]

LEVEL_STEP = 10**-0.25  # thresholds that are tried: four a decade
LOWEST_RATE = 1e-4  # no threshold is tried once so few spans are false: q-values are told to here
LOWEST_THRESHOLD = 1e-300


@dataclass(frozen=True, eq=False)
class Islands:
    """Parts of sequences that hold all significant spans.

    Attributes
    ----------
    sequence, offset
        `(i,)` int64: row of the sequence, and where in it the part begins.
    bounds
        `(i + 1,)` int64: which of the values are a part's.
    values
        `(v,)` float32, contributions of the observed bases.
    """

    sequence: NDArray[np.int64]
    offset: NDArray[np.int64]
    bounds: NDArray[np.int64]
    values: NDArray[np.float32]

    def take(self, rows: Array) -> Islands:
        """Return some of them, in the order given."""
        sizes = np.diff(self.bounds)[rows]
        return Islands(
            self.sequence[rows], self.offset[rows], _bounds(sizes), self.values[_stretches(self.bounds[rows], sizes)]
        )


def _bounds(sizes: Array) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _stretches(begins: Array, sizes: Array) -> NDArray[np.int64]:
    """Return the positions of stretches, one stretch after the other."""
    shift = np.repeat(begins - _bounds(sizes)[:-1], sizes)
    return np.asarray(shift + np.arange(int(sizes.sum())), dtype=np.int64)


class RecursiveCaller:
    """Finds spans of `shortest` bases and more, all of whose parts of `shortest` bases and more are significant.

    Parameters
    ----------
    tables
        The null.
    sign
        +1 for spans that speak for the target, −1 for those against it.
    shortest
        Bases of the shortest span; the longest is that of the tables.
    loosest
        Highest p-value that is ever asked for.
    """

    def __init__(self, tables: NullTables, sign: int, shortest: int, loosest: float) -> None:
        self._tables, self._sign, self._shortest, self._loosest = tables, sign, shortest, loosest

    def islands(self, source: RowBlocks) -> Islands:
        """Read contributions once and keep what may be significant."""
        parts = list(self._islands(source))
        if not parts:
            none = np.empty(0, dtype=np.int64)
            return Islands(none, none, np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.float32))
        return Islands(
            np.concatenate([part.sequence for part in parts]),
            np.concatenate([part.offset for part in parts]),
            _bounds(np.concatenate([np.diff(part.bounds) for part in parts])),
            np.concatenate([part.values for part in parts]),
        )

    def _islands(self, source: RowBlocks) -> Iterator[Islands]:
        from seqexplain.motifs._span_kernels import find_islands

        tables = self._tables
        for part in source:
            values, bounds = part.flat()
            out = np.empty((len(values) // self._shortest + 1, 3), dtype=np.int64)
            limits = tables.limits(self._sign, self._loosest)
            found = find_islands(values, bounds, self._sign, tables.rate, limits, self._shortest, out)
            row, begin, end = out[:found].T
            yield Islands(
                part.rows[row], begin - bounds[row], _bounds(end - begin), values[_stretches(begin, end - begin)]
            )

    def spans(self, islands: Islands, threshold: float) -> tuple[Array, Array]:
        """Return `(s, 3)` island, first and end position in the values; and `(s, 2)` p-values: own, core's."""
        from seqexplain.motifs._span_kernels import take_spans

        room = len(islands.values) // self._shortest + 1
        spans, chances = np.empty((room, 3), dtype=np.int64), np.empty((room, 2))
        tables = self._tables
        found = take_spans(
            islands.values,
            islands.bounds,
            self._sign,
            tables.rate,
            tables.limits(self._sign, threshold),
            tables.tables[self._sign],
            tables.low,
            tables.scale,
            self._shortest,
            spans,
            chances,
        )
        return spans[:found], chances[:found]

    def levels(self, islands: Islands, tests: int, decoys: Islands | None, ratio: float) -> list[Level]:
        """Return what is found at descending thresholds.

        Parameters
        ----------
        islands
            Of the data.
        tests
            Spans of the shortest length that were tried: a false span holds one at least.
        decoys
            Of the background of a measured null, whose spans are all false; None for other nulls.
        ratio
            Spans tried in the data over those in the background.
        """
        levels: list[Level] = []
        threshold = self._loosest
        while threshold > LOWEST_THRESHOLD:
            spans, _ = self.spans(islands, threshold)
            if decoys is None:
                false = tests * threshold
            else:
                in_decoys, _ = self.spans(decoys, threshold)
                decoys = decoys.take(np.unique(in_decoys[:, 0]))
                # one more than were seen, so that none seen is not taken for none possible
                false = (len(in_decoys) + 1) * ratio
            levels.append(Level(threshold, len(spans), false))
            if not len(spans) or levels[-1].rate <= LOWEST_RATE:
                break
            # what holds no span at one threshold holds none at a stricter one
            islands = islands.take(np.unique(spans[:, 0]))
            threshold *= LEVEL_STEP
        return levels

    def found(self, islands: Islands, threshold: float, levels: list[Level]) -> FoundSpans:
        """Return the spans at a threshold, with the smallest false discovery rate at which a part of each is found."""
        spans, chances = self.spans(islands, threshold)
        sizes = spans[:, 2] - spans[:, 1]
        score = _sums(islands.values[_stretches(spans[:, 1], sizes)].astype(np.float64), sizes)
        start = islands.offset[spans[:, 0]] + spans[:, 1] - islands.bounds[spans[:, 0]]
        best = np.minimum.accumulate([level.rate for level in levels])
        # levels descend: the last one at or above the p-value of the core, which alone is a span there
        last = np.searchsorted([-level.threshold for level in levels], -chances[:, 1], side="right") - 1
        return FoundSpans(
            sequence=islands.sequence[spans[:, 0]],
            start=start,
            end=start + sizes,
            score=score,
            p_value=chances[:, 0].copy(),
            q_value=best[np.maximum(last, 0)],
        )


def _sums(values: Array, sizes: Array) -> NDArray[np.float64]:
    """Return the sum of each stretch of values."""
    if not len(sizes):
        return np.empty(0)
    return np.asarray(np.add.reduceat(values, _bounds(sizes)[:-1]))
