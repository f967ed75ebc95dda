"""How likely a span's sum is without a motif: nulls of span sums, as tables of p-values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.motifs._contribution_source import ContributionSource
from seqexplain.sequences.encoding import UNKNOWN

Array = NDArray[Any]

HALF = 1 << 15  # bins on either side of 0
FINEST = -126  # exponent of the narrowest bin: the smallest normal number of 32 bits
MAX_BASE_BINS = 1024  # of one base's contributions, where sums are made by convolution
HELD_BASES = 1 << 25  # 5 bytes each; sources with more are read anew for each pass
FEWEST = 20  # sums of a length that a null can be told from
MODE_SHARE = 0.1  # the mode lies in the narrowest stretch with this share of the values
# Of the values on a side of the mode, the nearest ones, that a scale is fitted to: the steepest fit counts, for motifs
# make tails longer. Not fewer, as a peak of near-zero contributions at the mode would be taken for all there is.
SHARES = tuple(i / 20 for i in range(5, 20))


@dataclass(frozen=True, eq=False)
class NullTables:
    """P-values of span sums: `tables[s][k, floor(units * scale[k]) - low[k]]` for a span of k bases.

    Attributes
    ----------
    tables
        `(k + 1, bins)` float64 for each sign, +1 and −1: chance of a sum as large, or as small.
    low
        `(k + 1,)` int64, number of the first bin.
    scale
        `(k + 1,)` float64, bins a unit.
    quantum
        Where it is not None, units are whole numbers, `floor(contribution / quantum)`.
    """

    tables: dict[int, NDArray[np.float64]]
    low: NDArray[np.int64]
    scale: NDArray[np.float64]
    quantum: float | None = None

    @property
    def rate(self) -> float:
        """Units in a contribution of 1, where they are whole numbers; 0 where they are contributions themselves."""
        return 0.0 if self.quantum is None else 1 / self.quantum

    def limits(self, sign: int, threshold: float) -> NDArray[np.float64]:
        """Return, for each length, the smallest sum times the sign with a p-value of `threshold` or less."""
        found = np.full(len(self.low), np.inf)
        for k in range(1, len(found)):
            significant = np.flatnonzero(self.tables[sign][k] <= threshold)
            if not significant.size:
                continue
            # what lies beyond either end of the table is taken for its last bin
            if sign > 0:
                first = int(significant[0])
                found[k] = (self.low[k] + first) / self.scale[k] if first else -np.inf
            elif significant[-1] + 1 == self.tables[sign].shape[1]:
                found[k] = -np.inf
            else:
                # sums below the end of the last bin
                end = -(self.low[k] + int(significant[-1]) + 1) / self.scale[k]
                found[k] = np.nextafter(end, np.inf)
        return found

    def units(self, values: Array) -> NDArray[np.float64]:
        """Return contributions in the units of the tables."""
        exact = values.astype(np.float64)
        return exact if self.quantum is None else np.floor(exact / self.quantum)


class SumHistogram:
    """Counts of the sums of all spans of some lengths, or of single bases.

    Bins are powers of two wide, and begin at multiples of their width: when the range outgrows them pairs of bins
    are merged, so that the counts do not depend on how the data were cut into blocks.

    Parameters
    ----------
    first, last
        Shortest and longest span.
    """

    def __init__(self, first: int, last: int) -> None:
        self.first = first
        self.exponents = np.full(last - first + 1, FINEST)
        self.counts = np.zeros((last - first + 1, 2 * HALF), dtype=np.int64)

    @property
    def widths(self) -> NDArray[np.float64]:
        """Width of the bins of each length."""
        return np.asarray(np.ldexp(1.0, self.exponents), dtype=np.float64)

    def add(self, values: Array, lengths: Array) -> None:
        """Count the spans of `(m, L)` rows that end at `lengths`; those of nothing but zeros are left out."""
        from seqexplain.motifs._span_kernels import count_sums

        self._make_room(values)
        rows = np.ascontiguousarray(values, dtype=np.float32)
        count_sums(rows, np.asarray(lengths, dtype=np.int64), self.first, 1 / self.widths, self.counts)

    def add_bases(self, values: Array, codes: Array, lengths: Array) -> None:
        """Count the single values of known bases, zeros too; all arguments as in `Rows`."""
        from seqexplain.motifs._span_kernels import count_bases

        self._make_room(values)
        count_bases(values, codes, UNKNOWN, lengths, float(1 / self.widths[0]), self.counts[0])

    def trimmed(self) -> SumHistogram:
        """Return the lengths of which there are spans enough, from the shortest on: none, maybe."""
        occur = int(np.argmin(np.append(self.counts.sum(axis=1) >= FEWEST, False)))
        other = SumHistogram(self.first, self.first - 1)
        other.exponents, other.counts = self.exponents[:occur], self.counts[:occur]
        return other

    def _make_room(self, values: Array) -> None:
        largest = max(float(values.max(initial=0)), -float(values.min(initial=0)))
        if not largest:
            return
        for row in range(len(self.exponents)):
            # a sum of k values in double precision stays well below k + 1 times the largest
            needed = int(np.frexp(largest * (self.first + row + 1) / HALF)[1])
            while self.exponents[row] < needed:
                steps = min(needed - int(self.exponents[row]), 15)
                self.counts[row] = _merged(self.counts[row], steps)
                self.exponents[row] += steps


def _merged(counts: Array, steps: int) -> Array:
    """Return counts in bins `2 ** steps` times as wide, around the same 0."""
    if not counts.any():
        return counts
    factor = 1 << steps
    inner = counts.reshape(-1, factor).sum(axis=1)
    wider = np.zeros_like(counts)
    begin = HALF - len(inner) // 2
    wider[begin : begin + len(inner)] = inner
    return wider


@dataclass(frozen=True, eq=False)
class Rows:
    """Some sequences of a source, without padding.

    Attributes
    ----------
    rows
        `(m,)` which of the source.
    observed
        `(m, L)` float32, contributions of the observed bases.
    lengths
        `(m,)` where each row ends.
    codes
        `(m, L)` uint8, bases.
    """

    rows: Array
    observed: Array
    lengths: Array
    codes: Array

    def flat(self) -> tuple[Array, Array]:
        """Return the values of all rows one after the other, and the bounds of each row among them."""
        values = self.observed
        width = values.shape[1]
        values = values.ravel() if (self.lengths == width).all() else values[np.arange(width) < self.lengths[:, None]]
        return values, np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)


class RowBlocks:
    """What callers of seqlets need of a source, a block at a time; kept, where it is little, when it was read once.

    Parameters
    ----------
    source
        The contributions.
    """

    def __init__(self, source: ContributionSource) -> None:
        self.source = source
        self._held: list[Rows] | None = None

    def __iter__(self) -> Iterator[Rows]:
        if self._held is not None:
            yield from self._held
            return
        few = self.source.n * self.source.length <= HELD_BASES
        held = []
        for block in self.source.blocks():
            lengths = np.asarray(self.source.lengths[block.rows], dtype=np.int64)
            rows = Rows(block.rows, np.ascontiguousarray(block.observed), lengths, block.codes)
            if few:
                held.append(rows)
            yield rows
        self._held = held if few else None


def convolved_null(bases: SumHistogram, last: int) -> NullTables | None:
    """Tabulate sums of independent draws from the contributions of single bases.

    Parameters
    ----------
    bases
        Counts of single bases.
    last
        The longest span.

    Returns
    -------
    NullTables or None
        None when all contributions are alike.
    """
    counts, width = bases.counts[0], float(bases.widths[0])
    used = np.flatnonzero(counts)
    while used.size and used[-1] - used[0] >= MAX_BASE_BINS:
        counts, width = _merged(counts, 1), 2 * width
        used = np.flatnonzero(counts)
    if used.size < 2:
        return None
    share = counts[used[0] : used[-1] + 1] / counts.sum()
    low = np.arange(last + 1) * (int(used[0]) - HALF) - 1
    bins = last * (len(share) - 1) + 3
    # a bin in front and one behind, where no sum can lie
    tables = {+1: np.zeros((last + 1, bins)), -1: np.ones((last + 1, bins))}
    tables[+1][:, 0], tables[-1][:, 0] = 1, 0
    density = np.ones(1)
    for k in range(1, last + 1):
        density = np.convolve(density, share)
        inside = slice(1, 1 + len(density))
        # each is summed from its rare end, so that small chances keep their digits
        tables[+1][k, inside] = np.minimum(np.cumsum(density[::-1])[::-1], 1)
        tables[-1][k, inside] = np.minimum(np.cumsum(density), 1)
    return NullTables(tables, low, np.ones(last + 1), quantum=width)


def measured_null(sums: SumHistogram) -> NullTables | None:
    """Tabulate sums as they were counted in sequences without motifs: `p = (1 + as extreme ones) / (1 + all)`.

    Parameters
    ----------
    sums
        Counts of span sums of the background.
    """
    if not len(sums.counts):
        return None
    return _tabulated(sums, lambda counts, width: _counted_tails(counts))


def _counted_tails(counts: Array) -> tuple[Array, Array]:
    total = counts.sum() + 1
    return (np.cumsum(counts[::-1])[::-1] + 1) / total, (np.cumsum(counts) + 1) / total


def laplace_null(sums: SumHistogram) -> NullTables | None:
    """Tabulate sums with the distribution of Laplace, with a rate for either side, fitted to each length.

    Parameters
    ----------
    sums
        Counts of span sums of the data themselves.

    Returns
    -------
    NullTables or None
        None when sums of a length are all alike, or there are none.
    """
    if not len(sums.counts) or not (np.count_nonzero(sums.counts, axis=1) > 1).all():
        return None
    return _tabulated(sums, _laplace_tails)


def _laplace_tails(counts: Array, width: float) -> tuple[Array, Array]:
    fit = fit_laplace(counts, width)
    edges = (np.arange(2 * HALF + 1) - HALF) * width
    above, below = fit.upper(edges), fit.lower(edges)
    return above[:-1], below[1:]  # of a bin, the edge that is less extreme


def _tabulated(sums: SumHistogram, tails: Any) -> NullTables:
    last = sums.first + len(sums.counts) - 1
    used = [np.flatnonzero(counts) for counts in sums.counts]
    bins = max(int(one[-1] - one[0]) for one in used) + 3
    tables = {+1: np.ones((last + 1, bins)), -1: np.ones((last + 1, bins))}
    low, scale = np.zeros(last + 1, dtype=np.int64), np.ones(last + 1)
    for row, (counts, one) in enumerate(zip(sums.counts, used, strict=True)):
        k = sums.first + row
        # a bin more on either side: what lies outside is taken for the last one
        begin = max(int(one[0]) - 1, 0)
        places = np.minimum(np.arange(begin, begin + bins), min(int(one[-1]) + 1, 2 * HALF - 1))
        width = float(sums.widths[row])
        tables[+1][k], tables[-1][k] = (tail[places] for tail in tails(counts, width))
        low[k], scale[k] = begin - HALF, 1 / width
    return NullTables(tables, low, scale)


@dataclass(frozen=True)
class Laplace:
    """A density that falls exponentially on either side of its mode, at rates of their own.

    Attributes
    ----------
    mode
        Where it is highest.
    scale_above, scale_below
        Mean distance from the mode on either side.
    share_above
        Of the values, above the mode.
    """

    mode: float
    scale_above: float
    scale_below: float
    share_above: float

    def upper(self, values: Array) -> Array:
        """Return the chance of a value as large."""
        above, below = self._sides(values)
        return np.where(values >= self.mode, above, 1 - below)

    def lower(self, values: Array) -> Array:
        """Return the chance of a value as small."""
        above, below = self._sides(values)
        return np.where(values >= self.mode, 1 - above, below)

    def _sides(self, values: Array) -> tuple[Array, Array]:
        above = self.share_above * np.exp(-np.maximum(values - self.mode, 0) / self.scale_above)
        below = (1 - self.share_above) * np.exp(-np.maximum(self.mode - values, 0) / self.scale_below)
        return above, below


def fit_laplace(counts: Array, width: float) -> Laplace:
    """Fit to the inner parts of a histogram, where few values are those of motifs.

    Parameters
    ----------
    counts
        `(2 HALF,)`, bins of `width` around 0.
    width
        Of a bin.

    Notes
    -----
    The mode is the mean of the narrowest stretch of bins that holds a tenth of the values. On each side a share of the
    values, the nearest to it, are seen, and the others known only to lie farther than c: then the likelihood is largest
    at the scale (Σ distances seen + c · number not seen) / number seen. Of the scales for shares from 1/4 to 19/20 the
    smallest is taken. (TF-MoDISco takes the steepest of 19 percentiles, from the 5th on.)
    """
    centres = (np.arange(len(counts)) - HALF + 0.5) * width
    before = np.concatenate([[0], np.cumsum(counts)])
    total = int(before[-1])
    ends = np.searchsorted(before, before[:-1] + max(1, int(np.ceil(MODE_SHARE * total))))
    spans = np.where(ends < len(before), ends - np.arange(len(counts)), len(counts) + 1)
    begin = int(np.argmin(spans))
    inside = slice(begin, int(ends[begin]))
    mode = float(np.average(centres[inside], weights=counts[inside]))
    above = centres > mode
    return Laplace(
        mode=mode,
        scale_above=_censored_scale(centres[above] - mode, counts[above], width),
        scale_below=_censored_scale(mode - centres[~above][::-1], counts[~above][::-1], width),
        share_above=float(counts[above].sum() / total),
    )


def _censored_scale(distances: Array, counts: Array, width: float) -> float:
    """Return the smallest scale of exponential distances, ascending, of which the nearer ones are seen."""
    total = int(counts.sum())
    if not total:
        return width
    seen, near = np.cumsum(counts), np.cumsum(counts * distances)
    last = np.searchsorted(seen, np.ceil(np.array(SHARES) * total))
    scales = (near[last] + (total - seen[last]) * (distances[last] + width / 2)) / seen[last]
    return max(float(scales.min()), width)
