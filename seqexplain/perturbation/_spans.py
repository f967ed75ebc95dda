"""The spans of sequences that a user names: each by itself, or those of a sequence together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError

Array = NDArray[Any]


@runtime_checkable
class HasSpans(Protocol):
    """Hits of a motif, or the like: arrays of one length."""

    @property
    def sequence(self) -> Array:
        """Row of the sequence."""

    @property
    def start(self) -> Array:
        """0-based start; −1 where there is none."""

    @property
    def end(self) -> Array:
        """One past the last base."""


@dataclass(frozen=True)
class Place:
    """Spans of one sequence, in order, that are replaced together."""

    row: int
    spans: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        """Start of the first span."""
        return self.spans[0][0]

    @property
    def end(self) -> int:
        """End of the last span."""
        return self.spans[-1][1]


def read_spans(spans: Any, n: int, length: int, *, together: bool) -> list[Place]:
    """Return what is to be replaced.

    Parameters
    ----------
    spans
        As `ablation` takes them.
    n, length
        Number and length of the sequences.
    together
        Whether the spans of a sequence make one ablation.

    Raises
    ------
    ParameterError
        When spans are of another form, empty or outside, or overlap where they are replaced together.
    """
    triples = _triples(spans, n)
    for row, start, end in triples:
        if not 0 <= row < n:
            raise ParameterError(f"A span is in sequence {row}; there are {n} sequences, counted from 0.")
        if not 0 <= start < end <= length:
            raise ParameterError(
                f"The span {start} to {end} of sequence {row} makes no sense in {length} bp; expected "
                f"0 ≤ start < end ≤ {length}: 0-based, half-open."
            )
    if not together:
        return [Place(row, ((start, end),)) for row, start, end in triples]
    by_row: dict[int, list[tuple[int, int]]] = {}
    for row, start, end in triples:
        by_row.setdefault(row, []).append((start, end))
    places = []
    for row in sorted(by_row):
        ordered = sorted(set(by_row[row]))
        for (_, end), (start, last) in pairwise(ordered):
            if start < end:
                raise ParameterError(
                    f"Spans of sequence {row} overlap: one ends at {end}, the next is {start} to {last}. Join them, or "
                    "replace each by itself (together=False)."
                )
        places.append(Place(row, tuple(ordered)))
    return places


def _triples(spans: Any, n: int) -> list[tuple[int, int, int]]:
    if isinstance(spans, HasSpans):
        table = np.stack([np.asarray(part) for part in (spans.sequence, spans.start, spans.end)], axis=1)
        table = table[table[:, 1] >= 0]  # a sequence without a hit
        if len(table) == 0:
            raise ParameterError("There is no hit among the spans, so nothing can be replaced.")
    else:
        try:
            table = np.asarray(spans)
        except ValueError:  # ragged
            table = np.empty(0)
    if table.ndim != 2 or table.shape[1] not in (2, 3) or len(table) == 0 or table.dtype.kind not in "iu":
        raise ParameterError(
            f"spans has shape {table.shape} and dtype {table.dtype}; expected [(start, end), …] for all sequences, "
            "whole numbers (k, 3) of sequence, start and end, or hits of a motif."
        )
    rows: Any = table.tolist()
    if table.shape[1] == 2:
        return [(row, start, end) for row in range(n) for start, end in rows]
    return [(row, start, end) for row, start, end in rows]
