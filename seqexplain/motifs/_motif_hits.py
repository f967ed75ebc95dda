"""Hits: where motifs occur and contribute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.motifs._genome_spans import genome_spans
from seqexplain.results import Interval

if TYPE_CHECKING:
    from pandas import DataFrame

Array = NDArray[Any]

BY_HIT = (
    "sequence", "start", "end", "strand", "motif", "contribution", "explained", "similarity", "score", "p_value",
    "q_value", "fimo_p_value", "word",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class MotifHits:
    """`h` hits of motifs, one entry a hit in each array, by sequence and start.

    Attributes
    ----------
    sequence
        `(h,)` int64, row of the sequence.
    start, end
        `(h,)` int64, 0-based half-open, on the sequence as given whatever the strand.
    strand
        `(h,)` `"+"`, or `"-"` where the motif's reverse complement lies on the sequence as given.
    motif
        `(h,)` int64: which of `patterns`.
    contribution
        `(h,)` float64: contributions of the observed bases, summed over the hit, in the unit of the target.
    explained
        `(h,)` float64: how large a part of the contributions the motif accounts for, Σ c·m with Σ m² = 1, in the unit
        of the target: laying the motif over them in this size lowers their sum of squares by its square.
    similarity
        `(h,)` float64: cosine of the angle between the contributions and the motif's, −1 to 1.
    score
        `(h,)` float64: that, less where contributions are small; see `find_hits`.
    p_value, q_value
        `(h,)` float64: chance that a scrambled motif scores as much, and false discovery rate among the motif's hits.
    fimo_p_value
        `(h,)` float64: chance that a word of background bases matches the motif's matrix as well, whatever it
        contributes.
    word
        `(h,)` the bases of the hit, read on its strand.
    patterns, labels, signs
        Of the motifs that were looked for: id, what it is called, and 1 or −1, for or against the target.
    names, intervals, lengths
        Of the sequences; lengths are `(n,)` int64, bp.
    target
        What the contributions are contributions to.
    parameters
        How hits were found.
    notes
        Plain statements of what a reader should know: why there are none, for instance.
    """

    sequence: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    strand: NDArray[np.str_]
    motif: NDArray[np.int64]
    contribution: NDArray[np.float64]
    explained: NDArray[np.float64]
    similarity: NDArray[np.float64]
    score: NDArray[np.float64]
    p_value: NDArray[np.float64]
    q_value: NDArray[np.float64]
    fimo_p_value: NDArray[np.float64]
    word: NDArray[np.str_]
    patterns: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    signs: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    intervals: tuple[Interval | None, ...] | None = None
    lengths: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    target: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        sizes = {name: len(getattr(self, name)) for name in BY_HIT}
        if len(set(sizes.values())) > 1:
            raise ShapeError(f"Hits have arrays of different lengths, {sizes}; expected one entry a hit in each.")

    def _repr_html_(self) -> str:
        from seqexplain.motifs._cards import hits_html

        return hits_html(self)

    def __len__(self) -> int:
        return len(self.sequence)

    def __repr__(self) -> str:
        return f"MotifHits({len(self)} of {len(self.patterns)} motifs in {len(self.names)} sequences)"

    def take(self, rows: Sequence[int] | slice | Array) -> MotifHits:
        """Return those of `rows`, `(k,)` numbers or a mask, in the order given."""
        index = np.arange(len(self))[rows]
        return replace(self, **{name: getattr(self, name)[index] for name in BY_HIT})

    def of(self, pattern: str) -> MotifHits:
        """Return the hits of the motif `pattern`, an id.

        Raises
        ------
        ParameterError
            When no such motif was looked for.
        """
        if pattern not in self.patterns:
            raise ParameterError(
                f"There is no motif {pattern!r}; looked for were: {', '.join(self.patterns) or 'none'}."
            )
        return self.take(np.flatnonzero(self.motif == self.patterns.index(pattern)))

    def unique(self) -> MotifHits:
        """Return the hits without repetitions on the genome, as sequences that overlap there have them.

        Of hits of one motif at the same place of the genome that with the highest score stays (the first of equal
        ones), whatever their strands. Hits in sequences without a genome interval all stay.
        """
        placed = genome_spans(self.intervals, self.sequence, self.start, self.end)
        if placed is None:
            return self
        apart = np.where(placed.known, -1, np.arange(len(self)))  # none of these equals another
        _, chromosome = np.unique(placed.chromosome, return_inverse=True)
        places = np.stack([self.motif, chromosome, placed.start, placed.end, apart], axis=1)
        best = np.argsort(-self.score, kind="stable")
        _, first = np.unique(places[best], axis=0, return_index=True)
        return self.take(np.sort(best[first]))

    def to_table(self) -> DataFrame:
        """Return a line for each hit.

        Columns: sequence (its name), start, end, strand (0-based half-open, on the sequence as given); where sequences
        have genome intervals, chromosome, genome_start, genome_end, genome_strand; pattern (id), name, contribution,
        explained, similarity, score, p_value, q_value, fimo_p_value, word.
        """
        import pandas as pd

        columns: dict[str, Any] = {
            "sequence": np.array(self.names, dtype=object)[self.sequence] if len(self) else [],
            "start": self.start,
            "end": self.end,
            "strand": self.strand,
        }
        placed = genome_spans(self.intervals, self.sequence, self.start, self.end, self.strand)
        if placed is not None:
            columns |= placed.columns()
        columns["pattern"] = np.array([*self.patterns, ""], dtype=object)[self.motif]
        columns["name"] = np.array([*self.labels, ""], dtype=object)[self.motif]
        for name in BY_HIT[5:]:
            columns[name] = getattr(self, name)
        return pd.DataFrame(columns)

    def summarise(self) -> DataFrame:
        """Return a line for each motif that was looked for: how often, and where in the sequences it is.

        Columns: pattern, name, sign, hits, sequences (with a hit), share (of all sequences), per_sequence (hits, in
        those that have one), contribution and similarity (means), plus (share on the + strand), position (mean of the
        hits' middles, as a part of the sequence's length: .5 is its middle), from_centre (mean distance of the hits'
        middles from the sequences' middles, bp), expected (the same, if hits lay anywhere in their sequences), centring
        (expected / from_centre − 1: 0 by chance, above where hits crowd in the middle), centring_p (two-sided p-value
        of that, by the normal approximation of the mean of so many uniform positions, hits being independent).
        """
        import pandas as pd

        return pd.DataFrame([self._summary(k) for k in range(len(self.patterns))], columns=list(_SUMMARY))

    def _summary(self, k: int) -> dict[str, Any]:
        from math import erfc, sqrt

        mine = self.take(np.flatnonzero(self.motif == k))
        sequences = len(np.unique(mine.sequence))
        line: dict[str, Any] = dict.fromkeys(_SUMMARY, float("nan"))
        line |= {
            "pattern": self.patterns[k], "name": self.labels[k], "sign": self.signs[k], "hits": len(mine),
            "sequences": sequences, "share": sequences / max(len(self.names), 1),
        }  # fmt: skip
        if len(mine) == 0:
            return line
        length = self.lengths[mine.sequence]
        middle = (mine.start + mine.end) / 2
        distance = np.abs(middle - length / 2)
        mean, variance = _centre_distance(length, mine.end - mine.start)
        spread = sqrt(float(variance.sum())) / len(mine)
        centre, expected = float(distance.mean()), float(mean.mean())
        return line | {
            "per_sequence": len(mine) / sequences,
            "contribution": float(mine.contribution.mean()),
            "similarity": float(mine.similarity.mean()),
            "plus": float((mine.strand == "+").mean()),
            "position": float((middle / length).mean()),
            "from_centre": centre,
            "expected": expected,
            "centring": expected / centre - 1 if centre > 0 else float("inf"),
            "centring_p": erfc(abs(centre - expected) / spread / sqrt(2)) if spread > 0 else 1.0,
        }

    def co_occurrence(self) -> DataFrame:
        """Return in how many sequences two motifs both have a hit, for each pair; on the diagonal: in how many one has.

        Motifs are named by id, in rows and columns alike.
        """
        import pandas as pd

        there = np.unique(np.stack([self.sequence, self.motif]), axis=1)
        counts = np.zeros((len(self.patterns), len(self.patterns)), dtype=np.int64)
        bounds = np.flatnonzero(np.diff(there[0])) + 1
        for motifs in np.split(there[1], bounds):
            counts[np.ix_(motifs, motifs)] += 1
        return pd.DataFrame(counts, index=list(self.patterns), columns=list(self.patterns))


_SUMMARY = (
    "pattern", "name", "sign", "hits", "sequences", "share", "per_sequence", "contribution", "similarity", "plus",
    "position", "from_centre", "expected", "centring", "centring_p",
)  # fmt: skip


def _centre_distance(length: Array, width: Array) -> tuple[Array, Array]:
    """Mean and variance of a window's distance from its sequence's middle, if each start is as likely, for each hit.

    Starts 0…k, k = length − width, lie at |2s − k| / 2 from the middle.
    """
    k = np.maximum(length - width, 0).astype(np.float64)
    even = k % 2 == 0
    # Σ|2s − k| over s = 0…k is k(k + 2)/2 for even k and (k + 1)²/2 for odd k; Σ(2s − k)² = k(k + 1)(k + 2)/3
    mean = np.where(even, k * (k + 2), (k + 1) ** 2) / 4 / (k + 1)
    square = k * (k + 2) / 12
    return mean, np.maximum(square - mean**2, 0)
