"""Motifs as the page shows them: matrices, names, matches, and where in sequences they sit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.motifs import MotifMatches, Pattern, PatternSet, load_database, load_motifs
from seqexplain.report._explained import Explained
from seqexplain.report._hit_table import HitTable

Array = NDArray[Any]

POSITION_BINS = 40  # of the histogram of places in sequences
MATCHES_SHOWN = 5
DIGITS = 4  # significant, of what is drawn
MATCHES_FILE = "matches.tsv"


@dataclass(frozen=True, eq=False)
class Place:
    """A known motif on one that was found: its base frequencies, and `offset` and `strand` as in `MotifMatch`."""

    matrix: Array
    offset: int
    strand: str


def open_motifs(
    motifs: Any, explained: Explained, matches: MotifMatches | None
) -> tuple[PatternSet | None, dict[str, list[dict[str, Any]]]]:
    """Return motifs, and the matches of each by id: name, accession, family, q-value, and where the match lies.

    Parameters
    ----------
    motifs
        A `PatternSet`, the path of a folder that `seqexplain motifs` wrote or of a TF-MoDISco file, or None.
    explained
        The results that are shown.
    matches
        With motifs of a database; by default those in the folder.
    """
    if motifs is None:
        return None, {}
    if isinstance(motifs, PatternSet):
        found: PatternSet = motifs
    else:
        found = load_motifs(Path(motifs).expanduser(), explained.contributions)
        table = Path(motifs).expanduser() / MATCHES_FILE
        if matches is None and table.is_file():
            return found, _read_matches(table)
    return found, {} if matches is None else _matches(matches)


def motif_cards(
    patterns: PatternSet | None,
    matches: Mapping[str, list[dict[str, Any]]],
    hits: HitTable | None,
    explained: Explained,
) -> list[dict[str, Any]]:
    """Return what the page knows of each motif: those with matrices first, then those that only have hits."""
    cards = []
    held = {} if patterns is None else {pattern.id: pattern for pattern in patterns}
    labels = {} if patterns is None else dict(patterns.labels)
    if hits is not None:
        labels = dict(zip(hits.ids, hits.labels, strict=True)) | labels
    for id in dict.fromkeys([*held, *(() if hits is None else hits.ids)]):
        card: dict[str, Any] = {"id": id, "name": labels.get(id, ""), "matches": []}
        for match in matches.get(id, [])[:MATCHES_SHOWN]:
            card["matches"].append({key: value for key, value in match.items() if key != "place"})
        if card["name"] == id:
            card["name"] = ""
        if id in held:
            card["best"] = _laid_over(matches.get(id, []), held[id].trimmed().width)
            card |= _of_pattern(held[id], explained, here=patterns is not None and patterns.names == explained.names)
        if hits is not None and id in hits.ids:
            card |= _of_hits(hits, hits.ids.index(id), explained)
        cards.append(card)
    return cards


def _of_pattern(pattern: Pattern, explained: Explained, *, here: bool) -> dict[str, Any]:
    """Describe a pattern; `here` says whether it was found in the sequences that are shown."""
    core = pattern.trimmed()
    card: dict[str, Any] = {
        "sign": pattern.sign,
        "consensus": core.consensus,
        "cwm": rounded(core.cwm),
        "ppm": rounded(core.motif.probabilities),
        "size": pattern.size,
        "sequences": len(np.unique(pattern.sequence)),
        "contribution": rounded(pattern.contribution.mean()),
    }
    if here:
        card["where"] = _places(core.start + core.width / 2, explained.lengths[pattern.sequence])
    if pattern.subpatterns:
        card["parts"] = [
            {"id": part.id or f"{pattern.id}.{k}"} | _of_pattern(part, explained, here=here)
            for k, part in enumerate(pattern.subpatterns)
        ]
    return card


def _of_hits(hits: HitTable, k: int, explained: Explained) -> dict[str, Any]:
    mine = np.flatnonzero(hits.motif == k)
    card = {
        "sign": int(hits.signs[k]),
        "hits": len(mine),
        "hit_sequences": len(np.unique(hits.row[mine])),
        "hit_contribution": rounded(hits.contribution[mine].mean()) if len(mine) else None,
    }
    if len(mine):  # of hits, where there are some; of the occurrences the motif was made of otherwise
        card["where"] = _places((hits.start[mine] + hits.end[mine]) / 2, explained.lengths[hits.row[mine]])
        card["plus"] = rounded((~hits.minus[mine]).mean())
    return card


def _places(middle: Array, length: Array) -> list[int]:
    """Count middles by their place in their sequence, from its begin to its end."""
    share = np.clip(middle / np.maximum(length, 1), 0, 1 - 1e-9)
    return [int(count) for count in np.bincount((share * POSITION_BINS).astype(np.int64), minlength=POSITION_BINS)]


def _matches(matches: MotifMatches) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for match in matches:
        found.setdefault(match.query, []).append(
            {
                "id": match.id, "name": match.name, "family": match.family, "q": rounded(match.q_value),
                "place": Place(match.target.probabilities, match.offset, match.strand) if match.rank == 1 else None,
            }
        )  # fmt: skip
    return found


def _read_matches(path: Path) -> dict[str, list[dict[str, Any]]]:
    import pandas as pd

    table = pd.read_csv(path, sep="\t", keep_default_na=False)
    found: dict[str, list[dict[str, Any]]] = {}
    shipped = {motif.id: motif.probabilities for motif in load_database()}  # others' matrices are not in the folder
    for line in table.sort_values(["query", "rank"], kind="stable").itertuples():
        matrix = shipped.get(str(line.match)) if line.rank == 1 else None
        place = None if matrix is None else Place(matrix, int(line.offset), str(line.strand))
        found.setdefault(str(line.query), []).append(
            {
                "id": str(line.match), "name": str(line.name), "family": str(line.family), "q": rounded(line.q_value),
                "place": place,
            }
        )  # fmt: skip
    return found


def _laid_over(matches: list[dict[str, Any]], width: int) -> list[list[float]] | None:
    """Return the best match as it lies on a motif of this width, zeros where it does not reach; None without one."""
    place = matches[0]["place"] if matches else None
    if place is None:
        return None
    matrix = place.matrix[::-1, ::-1] if place.strand == "-" else place.matrix
    laid = np.zeros((width, 4))
    low, high = max(0, place.offset), min(width, place.offset + len(matrix))
    laid[low:high] = matrix[low - place.offset : high - place.offset]
    return list(rounded(laid))


def rounded(value: Any) -> Any:
    """Round to the digits that are drawn; arrays become lists, what is not finite None.

    Examples
    --------
    >>> rounded(0.123456), rounded([1.0, float("nan")])
    (0.1235, [1.0, None])
    """
    array = np.asarray(value, dtype=np.float64)
    if array.ndim:
        return [rounded(one) for one in array]
    return float(f"{array:.{DIGITS}g}") if np.isfinite(array) else None
