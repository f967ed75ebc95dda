"""Scores of motifs in windows of contributions, and how often scrambled motifs score as much."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from seqexplain.motifs._contribution_source import BLOCK_BASES, ContributionBlock, ContributionSource
from seqexplain.motifs._hit_kernels import pick, tally
from seqexplain.motifs._hit_survey import Survey
from seqexplain.motifs._hit_weights import HitMotif, scrambled

Array = NDArray[Any]

BINS = 8192  # of scores from 0 to 1, each counted by its lower edge: p-values are too large rather than too small
LEAST = 0.7  # see `least_score`
FLOOR = 1.0  # a window's contributions count as if an average window's stood beside them: see `find_hits`
FEWEST_SCRAMBLED, MOST_SCRAMBLED = 32, 1000  # scrambled motifs for each motif
_CHUNK_PRODUCTS = 1 << 21  # products of windows and motifs at a time: 8 MB


class BlockWindows:
    """Windows of a block, of any width.

    Parameters
    ----------
    block
        The contributions.
    """

    def __init__(self, block: ContributionBlock) -> None:
        count, self.length = block.codes.shape
        self._flat = block.projected.reshape(count, 4 * self.length)
        self._unknown = np.pad(np.cumsum(block.codes > 3, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
        squares = np.square(block.observed, dtype=np.float64)
        self._squares = np.pad(np.cumsum(squares, axis=1), ((0, 0), (1, 0)))

    def of_width(self, width: int, floor: float) -> Windows:
        """Return the windows without an unknown base that contribute enough for a score that is counted."""
        if self.length < width or len(self._flat) == 0:
            none = np.empty(0, dtype=np.int64)
            return Windows(0, none, none, np.empty(0, dtype=np.float32), np.empty((0, 1, 4 * width), dtype=np.float32))
        known = self._unknown[:, width:] == self._unknown[:, :-width]
        squares = self._squares[:, width:] - self._squares[:, :-width]
        share = least_score(width) ** 2
        row, start = np.nonzero(known & (squares > 0.999 * share / (1 - share) * floor**2))  # .999: rounding
        return Windows(
            total=int(np.count_nonzero(known)),
            row=row,
            start=start,
            size=np.sqrt(squares[row, start]).astype(np.float32),
            projected=sliding_window_view(self._flat, 4 * width, axis=1)[:, ::4],
        )


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of one width in a block.

    Attributes
    ----------
    total
        Number of all that have no unknown base.
    row, start
        `(v,)` int64, of those that contribute enough: place of the sequence in the block, and where the window begins.
    size
        `(v,)` float32: root of the sum of squares of its contributions.
    projected
        `(m, starts, 4·w)` float32: contributions of all windows; a view, which takes no memory.
    """

    total: int
    row: Array
    start: Array
    size: Array
    projected: Array

    def products(self, weights: Array) -> Iterator[tuple[slice, Array]]:
        """Yield products of some windows with all `(4·w, m)` weights, and which windows."""
        step = max(64, _CHUNK_PRODUCTS // weights.shape[1])
        for first in range(0, len(self.row), step):
            part = slice(first, first + step)
            yield part, self.projected[self.row[part], self.start[part]] @ weights

    def scales(self, floor: float) -> Array:
        """Return what products are multiplied with to be scores, `(v,)` float32."""
        return np.asarray(1 / np.sqrt(np.square(self.size, dtype=np.float64) + floor**2), dtype=np.float32)


def least_score(width: int) -> float:
    """Return the score below which windows are not told from each other: their p-value is 1.

    Scores of random words spread by 1/(2√w) at most, so this is far from any hit, and most windows need no scoring.
    """
    return float(LEAST / width**0.5)


def both_strands(weights: Array) -> Array:
    """Return weights of motifs `(m, w, 4)` as a matrix `(4·w, 2·m)`, the strands of each side by side."""
    strands = np.stack([weights, weights[:, ::-1, ::-1]], axis=1)
    return np.ascontiguousarray(strands.reshape(2 * len(weights), -1).T, dtype=np.float32)


@dataclass(eq=False)
class Null:
    """Scores of scrambled motifs.

    Attributes
    ----------
    mean_square
        Mean square of a base's contribution.
    counts
        `(motifs, BINS)` int64.
    windows
        Number of windows counted, for each motif: those of all its scrambled motifs.
    scrambled
        Number of scrambled motifs, for each motif.
    """

    mean_square: float
    counts: NDArray[np.int64]
    windows: NDArray[np.int64]
    scrambled: NDArray[np.int64]

    def floor(self, width: int) -> float:
        """Return what is added to a window's size, in the unit of the target."""
        return float(np.sqrt(FLOOR * width * self.mean_square))

    def p_values(self) -> Array:
        """Return `(motifs, BINS)` chance of a score in that bin or a higher one: (1 + as high) / (1 + all)."""
        as_high = np.cumsum(self.counts[:, ::-1], axis=1)[:, ::-1]
        return np.asarray((1 + as_high) / (1 + self.windows[:, None]))


def fit_null(
    source: ContributionSource, motifs: Sequence[HitMotif], known: Survey, *, null_windows: int, random_state: int
) -> Null:
    """Score scrambled motifs in a sample of the sequences, large enough for `null_windows` windows a motif."""
    bases = max(int(np.minimum(source.lengths, source.length).sum()), 1)
    count = int(np.clip(null_windows // bases, FEWEST_SCRAMBLED, MOST_SCRAMBLED))
    wanted = int(np.ceil(source.n * min(1.0, null_windows / (count * bases))))
    rows = np.sort(known.order[: max(wanted, 1)])
    step = max(1, BLOCK_BASES // max(source.length, 1))
    null = Null(
        mean_square=known.mean_square,
        counts=np.zeros((len(motifs), BINS), dtype=np.int64),
        windows=np.zeros(len(motifs), dtype=np.int64),
        scrambled=np.full(len(motifs), count),
    )
    if known.mean_square == 0:
        return null
    groups = by_width(motifs)
    weights = {}
    for width, group in groups.items():
        seeds = [np.random.default_rng([random_state, zlib.crc32(motifs[k].id.encode())]) for k in group]
        mixed = [scrambled(motifs[k].weights, count, seed) for k, seed in zip(group, seeds, strict=True)]
        weights[width] = both_strands(np.concatenate(mixed))
    for first in range(0, len(rows), step):
        cut = BlockWindows(source.read(rows[first : first + step]))
        for width, group in groups.items():
            windows = cut.of_width(width, null.floor(width))
            scale = windows.scales(null.floor(width))
            counts = np.zeros((len(group), BINS), dtype=np.int64)
            for some, products in windows.products(weights[width]):
                tally(products, scale[some], least_score(width), count, counts)
            counts[:, 0] += windows.total * count - counts.sum(axis=1)
            null.counts[group] += counts
            null.windows[group] += windows.total * count
    return null


def by_width(motifs: Sequence[HitMotif]) -> dict[int, list[int]]:
    """Return the motifs of each width, by place."""
    groups: dict[int, list[int]] = {}
    for k, one in enumerate(motifs):
        groups.setdefault(one.width, []).append(k)
    return groups


@dataclass(frozen=True, eq=False)
class Candidates:
    """Windows where motifs score highly, one entry each: place in the block, start, motif, strand, product, scale."""

    row: Array
    start: Array
    motif: Array
    minus: Array
    explained: Array
    size: Array
    score: Array


def candidates(
    block: ContributionBlock, motifs: Sequence[HitMotif], null: Null, lowest: Array, counts: Array
) -> Iterator[Candidates]:
    """Yield windows that score `lowest[motif]` or more, and add all windows' scores to `counts` (motifs, BINS)."""
    cut = BlockWindows(block)
    for width, group in by_width(motifs).items():
        windows = cut.of_width(width, null.floor(width))
        scale = windows.scales(null.floor(width))
        weights = both_strands(np.stack([motifs[k].weights for k in group]))
        mine = np.zeros((len(group), BINS), dtype=np.int64)
        least = np.maximum(lowest[group], least_score(width)).astype(np.float32)
        for some, products in windows.products(weights):
            tally(products, scale[some], least_score(width), 1, mine)
            found = np.empty((1024, 3), dtype=np.int64)
            n = pick(products, scale[some], least, found)
            if n > len(found):
                found = np.empty((n, 3), dtype=np.int64)
                pick(products, scale[some], least, found)
            place, which, minus = found[:n].T
            at = place + some.start
            explained = products[place, 2 * which + minus]
            yield Candidates(
                row=windows.row[at],
                start=windows.start[at],
                motif=np.asarray(group)[which],
                minus=minus,
                explained=explained.astype(np.float64),
                size=windows.size[at].astype(np.float64),
                score=(explained * scale[at]).astype(np.float64),  # as `tally` has it, so that it is in the same bin
            )
        mine[:, 0] += windows.total - mine.sum(axis=1)
        counts[group] += mine
