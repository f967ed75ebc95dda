"""Match motifs with those of a database: Tomtom's p-values, q-values, where and on which strand."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError, SeqExplainWarning
from seqexplain.motifs._load_database import load_database
from seqexplain.motifs._matrices import Motif
from seqexplain.motifs._motif_matches import MotifMatches
from seqexplain.motifs._pattern import Pattern
from seqexplain.motifs._pattern_set import PatternSet
from seqexplain.motifs._tomtom import Targets
from seqexplain.motifs._tomtom_memelite import WIDEST, memelite_p_values

TOP = 10  # matches that are kept of each query
FEW_TARGETS = 50  # motifs; of fewer the columns are too few to say what chance would do

Engine = Literal["numpy", "memelite"]
Queries = PatternSet | Pattern | Motif | Sequence[Pattern | Motif]


def match_motifs(
    queries: Queries,
    database: str | Path | Sequence[Motif] = "jaspar",
    *,
    top: int | None = TOP,
    engine: Engine = "numpy",
) -> MotifMatches:
    """Compare each motif with all of a database, on both strands and at every offset.

    Parameters
    ----------
    queries
        Motifs or patterns. A pattern is compared by its core, with the id of the pattern; motifs as they are (see
        `Motif.trim`).
    database
        `"jaspar"`, the path of a file, or motifs: see `load_database`.
    top
        How many matches to keep of each query; None for all. p-, q- and E-values take all into account either way.
    engine
        What computes p-values: `"numpy"`, or memelite where it is installed, which uses all cores and compiles for
        minutes when it is first used on a machine. They give the same numbers to within 1e-10 of them. Queries of over
        40 columns go to NumPy all the same, for the memory's sake.

    Returns
    -------
    MotifMatches
        By query, then p-value; of equal ones the higher score before rounding (see below), then the database's order.

    Raises
    ------
    ParameterError
        When `top` is below 1, the database has no motif, two queries have the same id, or there is no such engine.
    MissingFileError, FileFormatError
        As for `load_database`.
    MissingExtraError
        When memelite is asked for and not installed.

    Warns
    -----
    SeqExplainWarning
        With fewer than 50 motifs in the database: p-values say how a query compares with random columns *of the
        database*.

    Notes
    -----
    The statistic is Tomtom's, with Euclidean distance and complete scores. A query of w columns, with distances
    ‖qᵢ − t‖ to a target's columns t, scores Σ (mᵢ − ‖qᵢ − t‖) at an offset, where mᵢ is the median distance of its
    column i to all columns of the database; a column that overhangs counts 0. The match is the offset and strand with
    the highest score; of equal scores the longest overlap counts, and the strand that is nearer before scores are
    rounded. The p-value is the chance that a target of the same width, its columns drawn independently from those of
    the database, scores as much at its best offset: scores in 1/100 of their range have the exact distribution of a sum
    at each offset; offsets and strands are taken as independent of each other. E = p · number of motifs. q-values are
    those of Benjamini and Hochberg over the motifs of the database, for each query by itself.

    References
    ----------
    Gupta S, Stamatoyannopoulos JA, Bailey TL, Noble WS (2007). Quantifying similarity between motifs. Genome Biol.
    8:R24.
    Tanaka E, Bailey T, Grant CE, Noble WS, Keich U (2011). Improved similarity scores for comparing motifs.
    Bioinformatics 27:1603.
    Benjamini Y, Hochberg Y (1995). J. R. Stat. Soc. B 57:289.

    Examples
    --------
    >>> ctcf = next(motif for motif in load_database() if motif.id == "MA0139.2")
    >>> best = match_motifs([ctcf.reverse_complement()]).best["MA0139.2"]
    >>> best.name, best.strand, best.overlap
    ('CTCF', '-', 15)
    """
    motifs = query_motifs(queries)
    targets = list(database) if not isinstance(database, str | Path) else load_database(database)
    if not targets:
        raise ParameterError("database has no motif; expected one at least.")
    if top is not None and top < 1:
        raise ParameterError(f"top is {top}; expected a number of matches of at least 1, or None for all.")
    if len(targets) < FEW_TARGETS:
        warnings.warn(
            f"The database has {len(targets)} motif{'s' * (len(targets) > 1)}: p-values say how a query compares with "
            f"random columns of the database, so they depend on each motif in it. Expected {FEW_TARGETS} at least: "
            f"look for your motifs among those of a whole database.",
            SeqExplainWarning,
            stacklevel=2,
        )
    if engine not in ("numpy", "memelite"):
        raise ParameterError(f'engine is {engine!r}; expected "numpy" or "memelite".')
    _refuse_same_ids(motifs)
    narrow = [motif for motif in motifs if motif.width <= WIDEST]
    compiled = engine == "memelite"
    theirs = memelite_p_values(narrow, targets) if compiled else iter(())
    prepared = Targets(targets)
    n = len(targets)
    kept = n if top is None else min(top, n)
    rows: list[tuple[NDArray[Any], ...]] = []
    for motif in motifs:
        scores = prepared.scores(motif.probabilities)
        placed = scores.align(prepared)
        p = next(theirs) if compiled and motif.width <= WIDEST else scores.p_values(placed.score, prepared)
        q = benjamini_hochberg(p)
        best = np.lexsort((-placed.likeness, p))[:kept]
        rows.append((best, p[best], q[best], placed.overlap[best], placed.start[best], placed.minus[best]))
    columns = [np.concatenate(column) for column in zip(*rows, strict=True)] or [np.empty(0)] * 6
    target, p, q, overlap, offset, minus = columns
    return MotifMatches(
        queries=tuple(motif.id for motif in motifs),
        targets=tuple(targets),
        query=np.repeat(np.arange(len(motifs)), kept),
        target=target.astype(np.int64),
        rank=np.tile(np.arange(1, kept + 1), len(motifs)),
        p_value=p,
        q_value=q,
        e_value=p * n,
        overlap=overlap.astype(np.int64),
        offset=offset.astype(np.int64),
        strand=np.where(minus, "-", "+"),
    )


def query_motifs(queries: Queries) -> list[Motif]:
    """Return what is compared: motifs as they are, patterns by their cores."""
    if isinstance(queries, PatternSet):
        return queries.motifs
    several: Iterable[Pattern | Motif] = [queries] if isinstance(queries, Pattern | Motif) else queries
    found = []
    for query in several:
        if isinstance(query, Pattern):
            core = query.trimmed().motif
            found.append(Motif(query.id, core.name, core.counts))
        elif isinstance(query, Motif):
            found.append(query)
        else:
            raise ParameterError(
                f"queries holds {type(query).__name__}; expected Motif or Pattern objects, or a PatternSet. "
                f"Wrap a matrix: Motif(id, name, counts)."
            )
    return found


def _refuse_same_ids(motifs: list[Motif]) -> None:
    seen: set[str] = set()
    for motif in motifs:
        if motif.id in seen:
            raise ParameterError(f"Two queries have the id {motif.id!r}; expected one each, as matches are told by it.")
        seen.add(motif.id)


def benjamini_hochberg(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return q-values: the lowest false discovery rate at which each test is accepted, pᵢ·n/i made monotonous."""
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q
