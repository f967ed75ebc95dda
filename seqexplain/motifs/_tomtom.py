"""Tomtom's statistic: how well a query lies on each target at its best place, and how often chance does as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.motifs._matrices import Motif

Array = NDArray[Any]

SCORE_BINS = 100  # steps a column's score can have, as in Tomtom
ROUNDING = 1e-9  # scores of a palindrome's two strands differ by so much at most
MEDIAN_BINS = 1000  # the median of a column's scores is found to a thousandth of their range


@dataclass(frozen=True, eq=False)
class Alignments:
    """Where a query lies best on each of `m` targets.

    Attributes
    ----------
    score
        `(m,)` int64, in steps; 0 where the query lies nowhere better than a median column would.
    start
        `(m,)` int64: where the target's first column, as it reads on `strand`, lies in the query; may be negative.
    overlap
        `(m,)` int64: columns that lie over each other.
    minus
        `(m,)` bool: the target's reverse complement it is.
    likeness
        `(m,)` float64: the score before it was rounded to steps, which tells equal scores apart.
    """

    score: NDArray[np.int64]
    start: NDArray[np.int64]
    overlap: NDArray[np.int64]
    minus: NDArray[np.bool_]
    likeness: NDArray[np.float64]


class Targets:
    """A database laid end to end, both strands, once for all queries."""

    def __init__(self, motifs: Sequence[Motif]) -> None:
        forward = [motif.probabilities for motif in motifs]
        self.n = len(forward)
        self.widths = np.array([len(matrix) for matrix in forward] * 2)
        self.columns = np.concatenate([*forward, *(matrix[::-1, ::-1] for matrix in forward)])
        self.first = np.cumsum(self.widths) - self.widths  # of each target's columns
        self.norms = (self.columns**2).sum(axis=1)

    def scores(self, query: Array) -> Scores:
        """Score a query's columns `(w, 4)`, probabilities, against every column of the targets.

        A column's score is minus the Euclidean distance, less the median over all columns of the targets, in whole
        steps: 100 of them span the query's range. An unaligned column counts 0, so it is as good as a median one.
        """
        distance = (query**2).sum(axis=1)[:, None] + self.norms - 2 * query @ self.columns.T
        raw = -np.sqrt(np.maximum(distance, 0.0))
        raw -= np.array([_binned_median(row) for row in raw])[:, None]
        lowest = int(np.floor(raw.min()))
        steps = int(SCORE_BINS / max(raw.max() - lowest, 1.0))
        bins = np.floor((raw - lowest) * steps + 0.5).astype(np.int32)
        return Scores(bins, -lowest * steps, raw)


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of a query's columns `(w, columns)`: `raw`, and whole-numbered `bins` from 0 on, where `zero` is a 0."""

    bins: NDArray[np.int32]
    zero: int
    raw: NDArray[np.float64]

    def align(self, targets: Targets) -> Alignments:
        """Lay the query at every offset on every target; of equal scores the one with the most columns counts.

        After that the strand that scores more before rounding, or the + strand, and the place furthest to the left in
        the target.
        """
        width, margin = len(self.bins), len(self.bins) - 1
        # targets with a margin between them, where a query's overhang scores 0
        lengths = targets.widths + margin
        starts = np.cumsum(lengths) - lengths + margin
        place = np.repeat(starts - targets.first, targets.widths)
        place += np.arange(len(place))
        laid = np.zeros((width, lengths.sum() + margin), dtype=np.int32)
        laid[:, place] = self.bins - self.zero
        n_places = laid.shape[1] - margin
        total = sum(laid[k, k : k + n_places] for k in range(width))
        best = np.maximum.reduceat(total, starts - margin)
        # the place p of `total` puts the query's first column on column `offset` of the target
        offset = np.arange(n_places) - np.repeat(starts, lengths)
        size = np.repeat(targets.widths, lengths)
        overlap = np.minimum(offset + width, size) - np.maximum(offset, 0)
        rank = overlap * (2 * n_places) - np.arange(n_places)
        rank[total < np.repeat(best, lengths)] = np.iinfo(np.int64).min
        chosen = np.maximum.reduceat(rank, starts - margin)
        overlap_of = -(-chosen // (2 * n_places))
        at = overlap_of * (2 * n_places) - chosen
        start = starts - at  # minus the offset
        likeness = self._likeness(targets, start)
        plus, minus = slice(None, targets.n), slice(targets.n, None)
        nearer = likeness[minus] > likeness[plus] + ROUNDING
        turned = (best[minus] > best[plus]) | ((best[minus] == best[plus]) & nearer)
        chosen = np.arange(targets.n) + targets.n * turned
        return Alignments(
            score=best[chosen].astype(np.int64),
            start=start[chosen],
            overlap=overlap_of[chosen],
            minus=turned,
            likeness=likeness[chosen],
        )

    def _likeness(self, targets: Targets, start: Array) -> NDArray[np.float64]:
        """Sum the scores as they were before rounding, where targets begin at `start`."""
        total = np.zeros(len(start))
        for k, row in enumerate(self.raw):
            column = k - start
            inside = (column >= 0) & (column < targets.widths)
            total += np.where(inside, row[np.where(inside, targets.first + column, 0)], 0.0)
        return total

    def p_values(self, score: NDArray[np.int64], targets: Targets) -> NDArray[np.float64]:
        """Return the chance that a target of the same width, of random columns, scores as much on either strand."""
        widths = targets.widths[: targets.n]
        result = np.ones(targets.n)
        for width, tail in self._tails(np.unique(widths)).items():
            mine = widths == width
            result[mine] = tail[score[mine] + len(self.bins) * self.zero]
        return result * (2 - result)  # of the better of two strands: 1 − (1 − p)²

    def _tails(self, widths: Array) -> dict[int, NDArray[np.float64]]:
        """Return, for each width of a target, the chance that its best offset scores k or more, k from 0 on.

        Each offset lays a stretch of the query's columns on the target. The score of a stretch of random columns is a
        sum of independent ones, so its distribution is a convolution; offsets are taken as independent of each other,
        so the chance that none reaches k is the product of their chances.
        """
        width, zero = len(self.bins), self.zero
        size = width * int(max(self.bins.max(), zero)) + 2
        columns = [np.bincount(row) / len(row) for row in self.bins]
        stretches = [column.copy() for column in columns]  # of length 1; one base longer in each round
        edges = np.zeros(size)  # log-chance that no overhanging offset reaches k, over lengths below the current one
        tails: dict[int, NDArray[np.float64]] = {}
        longest = min(width, int(widths.max()))
        for length in range(1, longest + 1):
            if length > 1:
                stretches = [np.convolve(stretches[k], columns[k + length - 1]) for k in range(width - length + 1)]
            missed = [_log_missed(stretch, zero * (width - length), size) for stretch in stretches]
            if length < width and length in widths:
                tails[length] = -np.expm1(edges + np.sum(missed, axis=0))
            if length < width:
                edges += missed[0] + missed[-1]
            else:
                for target in widths[widths >= width]:
                    tails[int(target)] = -np.expm1(edges + (target - width + 1) * missed[0])
        return tails


def _log_missed(density: Array, shift: int, size: int) -> Array:
    """Return the log of the chance to score below k, k from 0 on, for a density that begins at `shift`."""
    reached = np.zeros(size)
    # summed from the rare end, so that small tails keep their digits
    reached[shift : shift + len(density)] = np.cumsum(density[::-1])[::-1]
    reached[:shift] = 1.0
    with np.errstate(divide="ignore"):
        return np.asarray(np.log1p(-np.minimum(reached, 1.0)))


def _binned_median(values: Array) -> float:
    """Return the mean of the values in the bin, of a thousand, that the middle one falls in."""
    low, high = values.min(), values.max()
    if low == high:
        return float(low)
    bins = ((values - low) / (high - low) * (MEDIAN_BINS - 1)).astype(np.int64)
    counts = np.bincount(bins, minlength=MEDIAN_BINS)
    middle = int(np.argmax(np.cumsum(counts) >= len(values) / 2))
    return float(values[bins == middle].mean())
