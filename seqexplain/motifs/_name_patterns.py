"""Patterns get the names of known motifs, and are turned as these read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from seqexplain.motifs._match_motifs import match_motifs
from seqexplain.motifs._matrices import Motif
from seqexplain.motifs._motif_matches import SIGNIFICANT, MotifMatches
from seqexplain.motifs._orient_patterns import orient_patterns
from seqexplain.motifs._pattern_set import PatternSet


def name_patterns(
    patterns: PatternSet, database: str | Path | Sequence[Motif] = "jaspar"
) -> tuple[PatternSet, MotifMatches]:
    """Match patterns with a database, turn them as their best matches read, and label them.

    Parameters
    ----------
    patterns
        The patterns.
    database
        Known motifs, as in `match_motifs`.

    Returns
    -------
    PatternSet
        The same patterns with `labels`, each read on the strand of its best match. A pattern whose best match has a
        q-value above .05 stays as it is, and gets no label.
    MotifMatches
        The matches of the patterns as they are now.

    Raises
    ------
    ParameterError, MissingFileError, FileFormatError
        As `match_motifs` raises them.
    """
    turned, matches = orient_patterns(patterns, match_motifs(patterns, database))
    labels = {id: f"{match.name} ({match.id})" for id, match in matches.best.items() if match.q_value <= SIGNIFICANT}
    return replace(turned, labels=labels), matches
