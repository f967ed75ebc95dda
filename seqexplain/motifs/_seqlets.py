"""Seqlets: short spans of sequences that contribute more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ShapeError
from seqexplain.motifs._genome_spans import genome_spans
from seqexplain.results import Interval

if TYPE_CHECKING:
    from pandas import DataFrame

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Seqlets:
    """`s` spans of sequences, one entry a span in each array.

    Attributes
    ----------
    sequence
        `(s,)` int64, row of the sequence.
    start, end
        `(s,)` int64, 0-based half-open, on the sequence as given.
    score
        `(s,)` float64: contributions of the observed bases, summed over the span. Negative for a span that speaks
        against the target.
    p_value, q_value
        `(s,)` float64: chance of such a score under the null that `parameters` states, and the false discovery rate
        (Benjamini and Hochberg) at which the span is found; NaN where that was not tested.
    names, intervals
        Of the source's sequences.
    parameters
        How they were found.
    notes
        Plain statements of what a reader should know: why there are none, for instance.
    """

    sequence: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    score: NDArray[np.float64]
    p_value: NDArray[np.float64]
    q_value: NDArray[np.float64]
    names: tuple[str, ...] = ()
    intervals: tuple[Interval | None, ...] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        sizes = {name: len(getattr(self, name)) for name in ("sequence", "start", "end", "score", "p_value", "q_value")}
        if len(set(sizes.values())) > 1:
            raise ShapeError(f"Seqlets have arrays of different lengths, {sizes}; expected one entry a seqlet in each.")

    def _repr_html_(self) -> str:
        from seqexplain.motifs._cards import seqlets_html

        return seqlets_html(self)

    def __len__(self) -> int:
        return len(self.sequence)

    def __repr__(self) -> str:
        positive = int((self.score > 0).sum())
        return f"Seqlets({len(self)}: {positive} positive, {len(self) - positive} negative)"

    def take(self, rows: Sequence[int] | slice | Array) -> Seqlets:
        """Return those of `rows`, `(k,)` numbers or a mask, in the order given."""
        index = np.arange(len(self))[rows]
        arrays = ("sequence", "start", "end", "score", "p_value", "q_value")
        return replace(self, **{name: getattr(self, name)[index] for name in arrays})

    def unique(self) -> Seqlets:
        """Return the seqlets without repetitions on the genome, as sequences that overlap there have them.

        Of seqlets of one sign at the same place of the genome that with the smallest p-value stays; of equal ones that
        with the larger contribution, then the first. Those in sequences without a genome interval all stay.
        """
        placed = genome_spans(self.intervals, self.sequence, self.start, self.end)
        if placed is None:
            return self
        apart = np.where(placed.known, -1, np.arange(len(self)))  # none of these equals another
        _, chromosome = np.unique(placed.chromosome, return_inverse=True)
        places = np.stack([self.score > 0, chromosome, placed.start, placed.end, apart], axis=1)
        best = np.lexsort((-np.abs(self.score), self.p_value))  # an unknown p-value comes last
        _, first = np.unique(places[best], axis=0, return_index=True)
        return self.take(np.sort(best[first]))

    def to_table(self) -> DataFrame:
        """Return a line for each seqlet.

        Columns: sequence (its name), start, end (0-based half-open, in the sequence), score, p_value, q_value; and
        chromosome, genome_start, genome_end when sequences have genome intervals.
        """
        import pandas as pd

        names = self.names
        columns: dict[str, Any] = {
            "sequence": [names[i] if names else str(i) for i in self.sequence],
            "start": self.start,
            "end": self.end,
            "score": self.score,
            "p_value": self.p_value,
            "q_value": self.q_value,
        }
        placed = genome_spans(self.intervals, self.sequence, self.start, self.end)
        if placed is not None:
            columns |= placed.columns(strand=False)
        return pd.DataFrame(columns)
