"""What motifs, hits and matches show of themselves in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqexplain._display import ROWS, card, counted, listing, number, rows_table, shortened, value_range

if TYPE_CHECKING:
    from seqexplain.motifs._motif_hits import MotifHits
    from seqexplain.motifs._motif_matches import MotifMatches
    from seqexplain.motifs._pattern_set import PatternSet
    from seqexplain.motifs._seqlets import Seqlets

MOTIF_ROWS = 10
NOT_TESTED = "not tested"


def seqlets_html(seqlets: Seqlets) -> str:
    """Return the card of `Seqlets`, with the strongest ones."""
    positive = int((seqlets.score > 0).sum())
    widths = seqlets.end - seqlets.start
    tested = seqlets.q_value[~np.isnan(seqlets.q_value)]
    facts = [
        ("for / against", f"{positive:,} / {len(seqlets) - positive:,}"),
        ("width", f"{value_range(widths)} bp" if len(seqlets) else ""),
        ("score", value_range(seqlets.score)),
        ("q-value", (value_range(tested) if len(tested) else NOT_TESTED) if len(seqlets) else ""),
    ]
    best = np.argsort(-np.abs(seqlets.score), kind="stable")[:ROWS]
    rows = [
        [
            _name(seqlets.names, int(seqlets.sequence[k])),
            f"{seqlets.start[k]}–{seqlets.end[k]}",
            float(seqlets.score[k]),
        ]
        for k in best
    ]
    size = f"{counted(len(seqlets), 'seqlet')} in {counted(len(np.unique(seqlets.sequence)), 'sequence')}"
    table = rows_table(["strongest in", "positions", "score"], rows, len(seqlets))
    return card("Seqlets", size, facts, table=table, notes=seqlets.notes)


def patterns_html(patterns: PatternSet) -> str:
    """Return the card of a `PatternSet`, a line a pattern."""
    positive = sum(pattern.sign > 0 for pattern in patterns)
    facts = [
        ("method", patterns.method),
        ("target", patterns.label),
        ("for / against", f"{positive:,} / {len(patterns) - positive:,}" if len(patterns) else ""),
        ("found in", f"{counted(patterns.n_sequences, 'sequence')} of {patterns.length:,} bp"),
    ]
    columns = ["pattern", "occurrences", "core", "mean contribution"]
    rows = []
    for pattern in patterns.patterns[:MOTIF_ROWS]:
        mean = float(pattern.contribution.mean()) if pattern.size else float("nan")
        rows.append([pattern.id, pattern.size, shortened(pattern.trimmed().consensus), mean])
    if patterns.labels:
        columns.append("name")
        for row in rows:
            row.append(shortened(patterns.labels.get(str(row[0]), "")))
    table = rows_table(columns, rows, len(patterns))
    return card("PatternSet", counted(len(patterns), "pattern"), facts, table=table, notes=patterns.notes)


def hits_html(hits: MotifHits) -> str:
    """Return the card of `MotifHits`, a line a motif."""
    having = len(np.unique(hits.sequence))
    tested = hits.q_value[~np.isnan(hits.q_value)]
    facts = [
        ("target", hits.target),
        ("sequences", f"{having:,} of {len(hits.names):,} have a hit"),
        ("contribution", value_range(hits.contribution)),
        ("q-value", (value_range(tested) if len(tested) else NOT_TESTED) if len(hits) else ""),
    ]
    counts = np.bincount(hits.motif, minlength=len(hits.patterns)) if len(hits.patterns) else np.zeros(0, dtype=int)
    rows = []
    for k in np.argsort(-counts, kind="stable")[:MOTIF_ROWS]:
        mine = hits.motif == k
        mean = float(hits.contribution[mine].mean()) if counts[k] else float("nan")
        label = hits.labels[k] if len(hits.labels) > k else ""
        rows.append([hits.patterns[k], shortened(label), int(counts[k]), len(np.unique(hits.sequence[mine])), mean])
    columns = ["motif", "name", "hits", "sequences", "mean contribution"]
    size = f"{counted(len(hits), 'hit')} of {counted(len(hits.patterns), 'motif')}"
    return card("MotifHits", size, facts, table=rows_table(columns, rows, len(hits.patterns)), notes=hits.notes)


def matches_html(matches: MotifMatches) -> str:
    """Return the card of `MotifMatches`, the best match of each query."""
    best = matches.best
    without = [query for query in matches.queries if query not in best]
    facts = [
        ("database", counted(len(matches.targets), "motif")),
        ("without a match", listing(without)),
    ]
    rows = []
    for query, match in list(best.items())[:MOTIF_ROWS]:
        rows.append(
            [query, shortened(match.name), match.id, shortened(match.family), f"{match.q_value:.2g}", match.strand]
        )
    columns = ["query", "best match", "accession", "family", "q-value", "strand"]
    size = f"{number(len(matches))} of {number(len(matches.queries))} queries"
    return card("MotifMatches", size, facts, table=rows_table(columns, rows, len(best)))


def _name(names: tuple[str, ...], row: int) -> str:
    return shortened(names[row]) if names else str(row)
