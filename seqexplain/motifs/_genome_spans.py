"""Where spans of sequences lie on the genome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqexplain.results import Interval

Array = NDArray[Any]

_OTHER = {"+": "-", "-": "+", ".": "."}


@dataclass(frozen=True, eq=False)
class GenomeSpans:
    """Spans on the genome, one entry a span.

    Attributes
    ----------
    chromosome
        `(s,)`: name; empty for a span of a sequence without an interval.
    start, end
        `(s,)` int64, 0-based half-open, whatever the strand; −1 without an interval, and below 0 also for what hangs
        over the begin of a chromosome.
    strand
        `(s,)`: of the span on the genome, `"+"`, `"-"`, or `"."` where it has none.
    """

    chromosome: NDArray[np.str_]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    strand: NDArray[np.str_]

    @property
    def known(self) -> NDArray[np.bool_]:
        """`(s,)` whether a span's sequence has an interval."""
        return np.asarray(self.chromosome != "")

    def bed(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return which spans lie on the genome, and `(s,)` where they begin there.

        A sequence that was padded at the begin of a chromosome has bases that are not on it, and a span that hangs over
        this edge begins at 0: BED knows no place before.
        """
        return np.flatnonzero(self.known & (self.end > 0)), np.maximum(self.start, 0)

    def columns(self, *, strand: bool = True) -> dict[str, Array]:
        """Return the columns of a table: chromosome, genome_start, genome_end and, if wanted, genome_strand.

        Parameters
        ----------
        strand
            Whether the strand is among them.

        Returns
        -------
        dict of str to ndarray
            `(s,)` each.
        """
        found: dict[str, Array] = {
            "chromosome": self.chromosome, "genome_start": self.start, "genome_end": self.end,
        }  # fmt: skip
        return found | {"genome_strand": self.strand} if strand else found


def genome_spans(
    intervals: Sequence[Interval | None] | None,
    sequence: ArrayLike,
    start: ArrayLike,
    end: ArrayLike,
    strand: ArrayLike | None = None,
) -> GenomeSpans | None:
    """Place spans of sequences on the genome.

    Parameters
    ----------
    intervals
        Of the sequences, as in `Attributions`.
    sequence
        `(s,)` row of each span's sequence.
    start, end
        `(s,)` 0-based half-open, on the sequence as it was read.
    strand
        `(s,)` `"+"`, `"-"` or `"."` as the span lies on the sequence; `"."` for all where it is None.

    Returns
    -------
    GenomeSpans or None
        None when no sequence has an interval. A sequence that was read from the − strand begins at its interval's end,
        and what lies on its − strand lies on the genome's + strand.
    """
    if intervals is None or all(interval is None for interval in intervals):
        return None
    rows = np.asarray(sequence, dtype=np.int64)
    first, last = np.asarray(start, dtype=np.int64), np.asarray(end, dtype=np.int64)
    strands = np.full(len(rows), ".") if strand is None else np.asarray(strand)
    chromosomes, starts, ends, placed = [], [], [], []
    for i, a, b, s in zip(rows, first, last, strands, strict=True):
        interval = intervals[int(i)]
        if interval is None:
            interval, a, b, s = Interval("", 0, 0), -1, -1, "."
        turned = interval.strand == "-"
        chromosomes.append(interval.chromosome)
        starts.append(interval.end - b if turned else interval.start + a)
        ends.append(interval.end - a if turned else interval.start + b)
        placed.append(_OTHER[str(s)] if turned else str(s))
    return GenomeSpans(
        chromosome=np.array(chromosomes, dtype=np.str_),
        start=np.array(starts, dtype=np.int64),
        end=np.array(ends, dtype=np.int64),
        strand=np.array(placed, dtype=np.str_),
    )
