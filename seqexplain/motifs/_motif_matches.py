"""Which known motifs others match: a table of the best matches, names and families."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError
from seqexplain.motifs._matrices import Motif

if TYPE_CHECKING:
    from pandas import DataFrame

SIGNIFICANT = 0.05  # q-value up to which a match names its query


@dataclass(frozen=True)
class MotifMatch:
    """One query on one motif of the database, where it lies best.

    Attributes
    ----------
    query
        Id of the query.
    target
        The motif it matches.
    rank
        1 for the query's best match.
    p_value
        Chance that a motif of the target's width made of random columns of the database matches as well.
    q_value
        Lowest false discovery rate at which it is among the query's matches (Benjamini and Hochberg, over all motifs
        of the database).
    e_value
        How many motifs of the database are expected to match as well by chance: p times their number.
    overlap
        Columns that lie over each other.
    offset
        Where the target's first column, as it reads on `strand`, lies in the query; negative where it begins before it.
    strand
        `"+"`, or `"-"` where the target's reverse complement lies on the query.
    """

    query: str
    target: Motif
    rank: int
    p_value: float
    q_value: float
    e_value: float
    overlap: int
    offset: int
    strand: str

    @property
    def id(self) -> str:
        """Accession of the target."""
        return self.target.id

    @property
    def name(self) -> str:
        """Name of the target's factor."""
        return self.target.name

    @property
    def family(self) -> str:
        """Structural family of the factor, as far as the database tells."""
        return self.target.family

    def __str__(self) -> str:
        """Say what the query is: name, accession, q-value, and family and class where they are known."""
        kin = ", ".join(dict.fromkeys(text for text in (self.family, self.target.annotations.get("class", "")) if text))
        name = self.id if self.name == self.id else f"{self.name} ({self.id})"
        return f"{name}, q={self.q_value:.2g}" + (f"; {kin}" if kin else "")


@dataclass(frozen=True, eq=False)
class MotifMatches:
    """The best matches of each query, by query and then by p-value; one entry a match in each array.

    Attributes
    ----------
    queries
        Ids of all queries, also of those without a match.
    targets
        The database.
    query, target
        `(m,)` int64: places in `queries` and `targets`.
    rank
        `(m,)` int64: 1 for a query's best match.
    p_value, q_value, e_value
        `(m,)` float64: see `MotifMatch`.
    overlap, offset
        `(m,)` int64: see `MotifMatch`.
    strand
        `(m,)` `"+"` or `"-"`.
    """

    queries: tuple[str, ...]
    targets: tuple[Motif, ...]
    query: NDArray[np.int64]
    target: NDArray[np.int64]
    rank: NDArray[np.int64]
    p_value: NDArray[np.float64]
    q_value: NDArray[np.float64]
    e_value: NDArray[np.float64]
    overlap: NDArray[np.int64]
    offset: NDArray[np.int64]
    strand: NDArray[np.str_]

    def _repr_html_(self) -> str:
        from seqexplain.motifs._cards import matches_html

        return matches_html(self)

    def __len__(self) -> int:
        return len(self.query)

    def __repr__(self) -> str:
        return f"MotifMatches({len(self)} of {len(self.queries)} queries, {len(self.targets)} motifs in the database)"

    def __iter__(self) -> Iterator[MotifMatch]:
        return (self[k] for k in range(len(self)))

    def __getitem__(self, row: int) -> MotifMatch:
        """Return a match by its place."""
        return MotifMatch(
            query=self.queries[self.query[row]],
            target=self.targets[self.target[row]],
            rank=int(self.rank[row]),
            p_value=float(self.p_value[row]),
            q_value=float(self.q_value[row]),
            e_value=float(self.e_value[row]),
            overlap=int(self.overlap[row]),
            offset=int(self.offset[row]),
            strand=str(self.strand[row]),
        )

    @property
    def best(self) -> dict[str, MotifMatch]:
        """The best match of each query, by the query's id."""
        return {self.queries[self.query[row]]: self[int(row)] for row in np.flatnonzero(self.rank == 1)}

    def of(self, query: str) -> list[MotifMatch]:
        """Return the matches of `query`, an id, the best first.

        Raises
        ------
        ParameterError
            When there is no such query.
        """
        if query not in self.queries:
            raise ParameterError(f"No query {query!r}; there are: {', '.join(self.queries[:10]) or 'none'}.")
        return [self[int(row)] for row in np.flatnonzero(self.query == self.queries.index(query))]

    def significant(self, q_value: float = SIGNIFICANT) -> MotifMatches:
        """Return the matches with at most this `q_value`; queries without any remain in `queries`."""
        return self._take(self.q_value <= q_value)

    def label(self, query: str, *, q_value: float = SIGNIFICANT) -> str:
        """Name a query by its best match: `"CTCF (MA0139.2), q=1e-20; More than 3 adjacent zinc fingers, …"`.

        Parameters
        ----------
        query
            Its id.
        q_value
            Above it the label says that nothing matches.

        Returns
        -------
        str
            Name, id, q-value and families of the match; or that there is none.

        Raises
        ------
        ParameterError
            When there is no such query.
        """
        found = self.of(query)
        if found and found[0].q_value <= q_value:
            return str(found[0])
        nearest = f"; nearest: {found[0]}" if found else ""
        return f"no match at q <= {q_value:g}{nearest}"

    def families(self, query: str, *, q_value: float = SIGNIFICANT) -> dict[str, int]:
        """Return how often each family is among the matches of `query`, an id, the most frequent first.

        Those with at most this `q_value` count.

        Several factors of one family bind alike, so the family is often sure where the factor is not. A heterodimer
        counts for each of its families. Only the matches that were kept count: see `top` of `match_motifs`.

        Raises
        ------
        ParameterError
            When there is no such query.
        """
        counts: dict[str, int] = {}
        for match in self.of(query):
            if match.q_value <= q_value:
                for family in dict.fromkeys(part.strip() for part in (match.family or "unknown").split(";")):
                    counts[family] = counts.get(family, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def to_table(self) -> DataFrame:
        """Return a line for each match.

        Columns: query, rank, match (accession), name, family, class, p_value, q_value, e_value, overlap, offset and
        strand.
        """
        import pandas as pd

        targets = [self.targets[k] for k in self.target]
        return pd.DataFrame(
            {
                "query": [self.queries[k] for k in self.query],
                "rank": self.rank,
                "match": [motif.id for motif in targets],
                "name": [motif.name for motif in targets],
                "family": [motif.family for motif in targets],
                "class": [motif.annotations.get("class", "") for motif in targets],
                "p_value": self.p_value,
                "q_value": self.q_value,
                "e_value": self.e_value,
                "overlap": self.overlap,
                "offset": self.offset,
                "strand": self.strand.astype(object),
            }
        )

    def _take(self, kept: Any) -> MotifMatches:
        arrays = ("query", "target", "rank", "p_value", "q_value", "e_value", "overlap", "offset", "strand")
        return replace(self, **{name: getattr(self, name)[kept] for name in arrays})
