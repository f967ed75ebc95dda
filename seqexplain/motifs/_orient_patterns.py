"""Turn patterns so that each reads as the known motif it matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from seqexplain.errors import ParameterError
from seqexplain.motifs._match_motifs import match_motifs
from seqexplain.motifs._matrices import Motif
from seqexplain.motifs._motif_matches import SIGNIFICANT, MotifMatches
from seqexplain.motifs._pattern import Pattern
from seqexplain.motifs._pattern_set import PatternSet


def orient_patterns(
    patterns: PatternSet,
    matches: MotifMatches | None = None,
    *,
    database: str | Path | Sequence[Motif] = "jaspar",
    q_value: float = SIGNIFICANT,
) -> tuple[PatternSet, MotifMatches]:
    """Turn each pattern whose best match lies on its − strand.

    What finds patterns cannot know which strand people write a motif on. The database does, so logos of several
    runs can be laid beside each other.

    Parameters
    ----------
    patterns
        The patterns.
    matches
        Theirs, from `match_motifs`; made here where they are not given.
    database
        As for `match_motifs`, where matches are made here.
    q_value
        Patterns whose best match has a higher one stay as they are.

    Returns
    -------
    PatternSet
        The same patterns, some of them, with their sub-patterns, reverse-complemented; occurrences stay where they are
        in the sequences.
    MotifMatches
        The same matches, with strand and offset as they are now: the best match of a turned pattern reads `"+"`.

    Raises
    ------
    ParameterError
        When `matches` are not of these patterns.
    """
    if matches is None:
        matches = match_motifs(patterns, database)
    ids = tuple(pattern.id for pattern in patterns)
    if matches.queries != ids:
        raise ParameterError(
            f"matches are of {', '.join(matches.queries[:5]) or 'nothing'}; expected those of the patterns, "
            f"{', '.join(ids[:5]) or 'none'}, in their order. Use match_motifs(patterns)."
        )
    best = matches.best
    turned = np.array(
        [id in best and best[id].strand == "-" and best[id].q_value <= q_value for id in ids], dtype=np.bool_
    )
    oriented = [_turned(pattern) if turn else pattern for pattern, turn in zip(patterns, turned, strict=True)]
    widths = np.array([pattern.core[1] - pattern.core[0] for pattern in patterns], dtype=np.int64)
    target_widths = np.array([target.width for target in matches.targets], dtype=np.int64)
    flipped = turned[matches.query]
    mirrored = widths[matches.query] - target_widths[matches.target] - matches.offset
    return replace(patterns, patterns=tuple(oriented)), replace(
        matches,
        offset=np.where(flipped, mirrored, matches.offset),
        strand=np.where(flipped, np.where(matches.strand == "+", "-", "+"), matches.strand),
    )


def _turned(pattern: Pattern) -> Pattern:
    """Return the pattern's reverse complement, named by how it reads now."""
    other = pattern.reverse_complement()
    parts = tuple(_renamed(part) for part in other.subpatterns)
    return replace(_renamed(other), subpatterns=parts)


def _renamed(pattern: Pattern) -> Pattern:
    return replace(pattern, motif=replace(pattern.motif, name=pattern.trimmed().consensus))
