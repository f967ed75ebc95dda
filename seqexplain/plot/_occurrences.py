"""Occurrences of motifs in one sequence, as spans to shade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError, SequenceError
from seqexplain.plot._colors import RGB, pale
from seqexplain.plot._effect_curves import PALETTE
from seqexplain.plot._highlights import Highlight

ARROWS = {"+": " →", "-": " ←"}
NAME_LETTERS = 24
# not the palette's black, which would be a grey; the warm ones first, away from the blue of many letters
SHADES = tuple(pale(PALETTE[k]) for k in (4, 5, 2, 3, 1, 0))


def read_occurrences(hits: Any, row: int, names: Sequence[str], length: int) -> list[Highlight]:
    """Return the occurrences in one sequence of a result, in the sequence's own positions.

    Parameters
    ----------
    hits
        `MotifHits`, `PatternSet`, `Pattern`, `Seqlets` or None, told by what they have: the room of motifs lies above
        this one.
    row, names
        The sequence's row, and the names of the result's sequences. Where the hits have names of sequences, the row is
        looked up among those, as the result may hold some of the sequences only.
    length
        Of the sequence; what hangs over an edge is cut.

    Raises
    ------
    SequenceError
        When the hits were found in other sequences.
    ParameterError
        When `hits` are none of these.
    """
    if hits is None:
        return []
    at = _row_there(tuple(getattr(hits, "names", ())), row, names)
    spans = []
    colors: dict[str, RGB] = {}
    shades = cycle(SHADES)
    for motif, label, start, end in _spans(hits, at):
        color = colors.get(motif) or colors.setdefault(motif, next(shades))
        low, high = max(start, 0), min(end, length)
        if low < high:
            spans.append(Highlight(low, high, label, color))
    return spans


def short_name(label: str) -> str:
    """Return the first part of a label such as "CTCF (MA0139.2), q=1e-20; zinc fingers".

    Examples
    --------
    >>> short_name("CTCF (MA0139.2), q=1e-20; zinc fingers")
    'CTCF'
    """
    name = label.split(" (")[0].split(", ")[0].strip()
    return name if len(name) <= NAME_LETTERS else name[: NAME_LETTERS - 1] + "…"


def _row_there(theirs: tuple[str, ...], row: int, names: Sequence[str]) -> int:
    """Return the row of the sequence among those that the hits were found in."""
    if not theirs or theirs == tuple(names):
        return row
    rows = [k for k, name in enumerate(theirs) if name == names[row]]
    if len(rows) == 1:
        return rows[0]
    if rows:
        raise SequenceError(
            f"hits were found in {len(rows)} sequences of the name {names[row]!r}; it cannot be told which is drawn. "
            "Give the result of all sequences that hits were looked for in."
        )
    raise SequenceError(
        f"hits were found in other sequences: {names[row]!r} is not among their {len(theirs)} "
        f"({', '.join(theirs[:3])}, …). Find hits in the result that is drawn."
    )


def _spans(hits: Any, row: int) -> Iterator[tuple[str, str, int, int]]:
    """Yield motif, label, start and end of each occurrence in `row`."""
    if hasattr(hits, "motif") and hasattr(hits, "patterns"):  # MotifHits
        for k in np.flatnonzero(hits.sequence == row):
            motif = int(hits.motif[k])
            name = short_name(hits.labels[motif]) if len(hits.labels) > motif else ""
            label = (name or hits.patterns[motif]) + ARROWS.get(str(hits.strand[k]), "")
            yield hits.patterns[motif], label, int(hits.start[k]), int(hits.end[k])
    elif hasattr(hits, "patterns"):  # PatternSet
        for pattern in hits.patterns:
            yield from _of_pattern(pattern, row, short_name(hits.labels.get(pattern.id, "")) or pattern.id)
    elif hasattr(hits, "trimmed"):  # Pattern
        yield from _of_pattern(hits, row, hits.id)
    elif all(hasattr(hits, name) for name in ("sequence", "start", "end", "score")):  # Seqlets
        for k in np.flatnonzero(hits.sequence == row):
            against = float(hits.score[k]) < 0
            yield "against" if against else "for", "", int(hits.start[k]), int(hits.end[k])
    else:
        raise ParameterError(
            f"hits is a {type(hits).__name__}; expected MotifHits, a PatternSet, a Pattern or Seqlets, as find_hits, "
            "find_motifs and call_seqlets return them. For other spans use highlight=[(start, end, label)]."
        )


def _of_pattern(pattern: Any, row: int, name: str) -> Iterator[tuple[str, str, int, int]]:
    core = pattern.trimmed()
    for k in np.flatnonzero(core.sequence == row):
        start = int(core.start[k])
        yield pattern.id, name + ARROWS.get(str(core.strand[k]), ""), start, start + core.width
