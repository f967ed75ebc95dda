"""Hits of motifs, as the page draws them: found now, found before, or read from a table."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import FileFormatError, MissingFileError, ParameterError
from seqexplain.motifs import MotifHits, PatternSet, find_hits
from seqexplain.report._explained import Explained

Array = NDArray[Any]

COMPUTED = "computed"
_NEEDED = ("sequence", "start", "end", "strand", "pattern")
_NUMBERS = ("contribution", "q_value")
_WANTED = "Give a .tsv that `seqexplain hits` wrote."


@dataclass(frozen=True, eq=False)
class HitTable:
    """`h` hits by row and start.

    Attributes
    ----------
    row, start, end
        `(h,)` int64: 0-based half-open on the sequence as given.
    minus
        `(h,)` bool: whether the motif's reverse complement lies there.
    motif
        `(h,)` int64: which of `ids`.
    contribution, q_value
        `(h,)` float64, NaN where not known.
    ids, labels, signs
        Of the motifs.
    parameters
        How hits were found; empty where that is not known.
    notes
        Plain statements of what a reader should know.
    """

    row: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    minus: NDArray[np.bool_]
    motif: NDArray[np.int64]
    contribution: NDArray[np.float64]
    q_value: NDArray[np.float64]
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    signs: tuple[int, ...]
    parameters: dict[str, Any]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.row)


def hit_table(hits: Any, explained: Explained, patterns: PatternSet | None) -> HitTable | None:
    """Return the hits to draw, or None.

    Parameters
    ----------
    hits
        `MotifHits`; the path of a table of hits; `"computed"` to look for the patterns now; None for no hits.
    explained
        The results that are shown.
    patterns
        The motifs.

    Raises
    ------
    ParameterError
        When hits are of other sequences, or are to be computed without motifs.
    MissingFileError, FileFormatError
        When the table cannot be read.
    """
    if hits is None:
        return None
    if isinstance(hits, str) and hits == COMPUTED:
        if patterns is None:
            raise ParameterError('hits="computed" looks for motifs, and none are given. Give motifs, or no hits.')
        hits = find_hits(explained.contributions, patterns, names=patterns.labels)
    if isinstance(hits, MotifHits):
        return _of_hits(hits, explained)
    if isinstance(hits, str | Path):
        return _read_table(Path(hits).expanduser(), explained, patterns)
    raise ParameterError(
        f'hits is of type {type(hits).__name__}; expected MotifHits, the path of a table of hits, or "{COMPUTED}".'
    )


def _of_hits(hits: MotifHits, explained: Explained) -> HitTable:
    if tuple(hits.names) != explained.names:
        raise ParameterError(
            f"The hits are of {len(hits.names):,} sequences that are not the {explained.n:,} of the results. Find hits "
            "in the results that are reported."
        )
    return HitTable(
        row=hits.sequence,
        start=hits.start,
        end=hits.end,
        minus=hits.strand == "-",
        motif=hits.motif,
        contribution=hits.contribution,
        q_value=hits.q_value,
        ids=hits.patterns,
        labels=hits.labels,
        signs=hits.signs,
        parameters=dict(hits.parameters),
        notes=hits.notes,
    )


def _read_table(path: Path, explained: Explained, patterns: PatternSet | None) -> HitTable:
    """Read a table as `write_hits` writes it, with names in place of rows."""
    import pandas as pd

    if not path.is_file():
        raise MissingFileError(f"There is no table of hits at {path}; expected a .tsv that `seqexplain hits` wrote.")
    try:
        table = pd.read_csv(path, sep="\t", dtype={"sequence": str, "pattern": str, "name": str}, keep_default_na=False)
    except (ValueError, UnicodeDecodeError, gzip.BadGzipFile) as error:
        raise FileFormatError(f"{path} is no table of hits: {error}. {_WANTED}") from error
    missing = [name for name in _NEEDED if name not in table]
    if missing:
        raise FileFormatError(
            f"{path} lacks the column {missing[0]!r}; the first line of a table of hits has {', '.join(_NEEDED)}. "
            f"{_WANTED}"
        )
    numbers: dict[str, Array] = {}
    for name in ("start", "end", *(name for name in _NUMBERS if name in table)):
        values = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64)
        if name in ("start", "end") and np.isnan(values).any():
            line = int(np.flatnonzero(np.isnan(values))[0]) + 2
            raise FileFormatError(f"{path}, line {line}: {name} is no number. {_WANTED}")
        numbers[name] = values
    row, notes = _rows(table["sequence"].tolist(), explained.names, path)
    start, end = numbers["start"].astype(np.int64), numbers["end"].astype(np.int64)
    inside = (row >= 0) & (start >= 0) & (end > start)
    inside[inside] &= end[inside] <= explained.lengths[row[inside]]
    if (~inside & (row >= 0)).any():
        line = int(np.flatnonzero(~inside & (row >= 0))[0])
        raise ParameterError(
            f"{path}, line {line + 2}: the hit {start[line]}-{end[line]} is not inside its sequence of "
            f"{explained.lengths[row[line]]} bp. Give the hits of these sequences."
        )
    known = {} if patterns is None else {pattern.id: pattern for pattern in patterns}
    found = list(dict.fromkeys([*known, *table["pattern"]]))
    called = {} if patterns is None else dict(patterns.labels)
    if "name" in table:
        called = dict(zip(table["pattern"], table["name"], strict=True)) | called
    place = {id: k for k, id in enumerate(found)}
    motif = np.array([place[id] for id in table["pattern"]], dtype=np.int64)
    kept = np.flatnonzero(inside)
    kept = kept[np.lexsort((motif[kept], end[kept], start[kept], row[kept]))]
    unknown = np.full(len(table), np.nan)
    return HitTable(
        row=row[kept],
        start=start[kept],
        end=end[kept],
        minus=(table["strand"] == "-").to_numpy(dtype=bool)[kept],
        motif=motif[kept],
        contribution=numbers.get("contribution", unknown)[kept],
        q_value=numbers.get("q_value", unknown)[kept],
        ids=tuple(found),
        labels=tuple(str(called.get(id, id)) for id in found),
        signs=tuple(known[id].sign if id in known else 1 for id in found),
        parameters={"table": path.name},
        notes=tuple(notes),
    )


def _rows(wanted: Sequence[str], names: Sequence[str], path: Path) -> tuple[NDArray[np.int64], list[str]]:
    """Return the row of each name, −1 where it cannot be told; raise where no name is known."""
    place: dict[str, int] = {}
    doubtful: set[str] = set()
    for k, name in enumerate(names):
        if name in place:
            doubtful.add(name)
        place[name] = k
    row = np.array([-1 if name in doubtful else place.get(name, -1) for name in wanted], dtype=np.int64)
    strange = sum(name not in place for name in wanted)
    if wanted and strange == len(wanted):
        raise ParameterError(
            f"{path}: none of its sequences is among the results; the first is {wanted[0]!r}, the results have "
            f"{names[0] if names else 'none'!r}, … Give the hits of these sequences."
        )
    notes = []
    if strange:
        notes.append(f"{strange:,} hits lie in sequences that the results do not have; they are not shown.")
    shared = sum(name in doubtful for name in wanted)
    if shared:
        notes.append(f"{shared:,} hits lie in sequences that share their name with another; they are not shown.")
    return row, notes
