"""Find where motifs occur and contribute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError
from seqexplain.motifs._contribution_source import ContributionBlock, ContributionSource, open_contributions
from seqexplain.motifs._hit_survey import Survey, survey
from seqexplain.motifs._hit_weights import HitMotif, hit_motifs
from seqexplain.motifs._matrices import Motif, check_background
from seqexplain.motifs._motif_hits import BY_HIT, MotifHits
from seqexplain.motifs._motif_matches import MotifMatches
from seqexplain.motifs._pattern import Pattern
from seqexplain.motifs._pattern_set import PatternSet
from seqexplain.motifs._scores import ScoreTable, score_table
from seqexplain.sequences.shuffle import check_seed

Array = NDArray[Any]

OVERLAPS = ("resolved", "by_motif", "all")
NULL_WINDOWS = 5_000_000  # scrambled windows a motif: p-values down to 2e-7


def find_hits(
    source: Any,
    patterns: PatternSet | Sequence[Pattern | Motif] | Pattern | Motif,
    *,
    target: int | str | None = None,
    q_value: float = 0.05,
    p_value: float = 1e-3,
    match_p_value: float = 0.01,
    overlaps: str = "resolved",
    max_overlap: float = 0.5,
    background: Sequence[float] | None = None,
    names: Mapping[str, str] | MotifMatches | None = None,
    sign: int = 1,
    null_windows: int = NULL_WINDOWS,
    random_state: int = 0,
) -> MotifHits:
    """Find where in sequences motifs occur and contribute.

    Contributions of a window that are proportional to the motif's (its CWM, cut to its core) make a high score; both
    strands are looked at. A word that matches but does not contribute scores 0, and so does a stretch that contributes
    but reads differently.

    Parameters
    ----------
    source
        Contributions: anything that `open_contributions` takes.
    patterns
        What to look for: what `modisco_patterns`, `extract_patterns` and their kin return, or single patterns. Of a
        `Motif`, such as a database holds, only a matrix is known: contributions are then compared with its logo, each
        base's share times the position's information.
    target
        Which of several targets, by position or label.
    q_value
        Highest false discovery rate of the hits of each motif.
    p_value
        Highest p-value of a hit; also what bounds memory when `q_value` is 1.
    match_p_value
        Highest FIMO p-value of a hit's word: the motif has to be there, and not only contributions that look like it. A
        loose limit, for contributions decide; where a motif is so short that no word reaches it, its best words do.
    overlaps
        - `"resolved"`: a stretch is explained by one motif. Of hits that overlap, of the same motif or of different
          ones, that which explains most of the contributions stays (see `MotifHits.explained`), the others go;
        - `"by_motif"`: only hits of the same motif are rivals, and the higher score stays;
        - `"all"`: all are kept.
    max_overlap
        Hits are rivals that share this part or more of the narrower one.
    background
        Probabilities of A, C, G and T for the FIMO p-values; by default the composition of the sequences.
    names
        What to call patterns: by id, or what `match_motifs` returns, of which each pattern's best match counts if its
        q-value is .05 at most. By default the `labels` of a `PatternSet`; a pattern without one is called by its core's
        consensus, and a motif by its name.
    sign
        Whether hits of `Motif`s are to speak for the target (1) or against it (−1). Patterns have a sign of their own.
    null_windows
        Windows that are scored with scrambled motifs, for each motif; no p-value is smaller than one over it.
    random_state
        Seed of the scrambled motifs, and of the sample of sequences they are laid over.

    Returns
    -------
    MotifHits
        By sequence, then start. There may be none; `notes` say why.

    Raises
    ------
    ParameterError
        When an option makes no sense, or patterns are none.
    TargetError, ShapeError, MissingFileError, StorageError
        As `open_contributions` raises them.

    Notes
    -----
    With the contributions c of a window's observed bases, `(w, 4)` and 0 at the others, and the motif's weights m,
    scaled to Σm² = 1:

        score = Σ c·m / √(Σc² + w·r²),  r² = mean square of a base's contribution, over all sequences.

    Without w·r² this is the cosine of the angle between contributions and motif; with it, windows whose contributions
    are small beside the average window's score near 0, whatever their direction.

    The p-value is the chance that a *scrambled motif* scores as much in a window drawn from the same sequences (on the
    better strand, as with the motif): the null hypothesis is that this motif is no better than another one that weighs
    as much at each position and wants the same bases in another order. Contributions are left as they are, so that
    stretches which contribute for other reasons, other motifs for instance, are part of the null. It is counted, not
    fitted: (1 + scrambled windows that score as much) / (1 + scrambled windows), with 32 to 1,000 scrambled motifs,
    laid over as many of the sequences as `null_windows` needs. Scores below .7/√w, far from any hit, have p = 1.
    q-values are Benjamini and Hochberg's over all windows of the motif, before overlaps are resolved.

    A window with an unknown base is no hit, nor one whose contributions sum to the other sign than the pattern's. Equal
    scores on both strands, as of palindromes, are one hit, on the + strand.

    The sample follows from what the sequences hold and from `random_state`: in another order they have the same hits.

    Work: 2 strands · motifs · 4·w multiply-adds a window, and the same for each scrambled one. Memory: that of a block
    and of the hits.

    References
    ----------
    Avsec Ž et al. (2021) Base-resolution models of transcription-factor binding reveal soft motif syntax. Nat. Genet.
    53:354 (scans of contributions with CWMs).

    Grant CE, Bailey TL, Noble WS (2011) FIMO: scanning for occurrences of a given motif. Bioinformatics 27:1017.

    Benjamini Y, Hochberg Y (1995) Controlling the false discovery rate. J. R. Stat. Soc. B 57:289.

    Examples
    --------
    >>> from seqexplain.results import Attributions
    >>> from seqexplain.sequences import one_hot
    >>> X = one_hot(["CCTTGATAAGCTCGTC", "TCAGGCTTATCACCTG", "GATAAGTTTCCACAGC"])
    >>> values = np.zeros((3, 16, 1))
    >>> values[0, 4:10] = values[1, 5:11] = 1  # in the third sequence it does not contribute
    >>> result = Attributions(contributions=X * values, X=X, predictions=np.zeros(3))
    >>> gata = Motif("M1", "GATA", np.eye(4)[[2, 0, 3, 0, 0, 2]] * 50)
    >>> hits = find_hits(result, gata)
    >>> list(zip(hits.sequence.tolist(), hits.start.tolist(), hits.strand.tolist()))
    [(0, 4, '+'), (1, 5, '-')]
    """
    _check(q_value, p_value, match_p_value, overlaps, max_overlap, sign, null_windows)
    random_state = check_seed(random_state)
    contributions = open_contributions(source, target=target)
    known = survey(contributions, random_state)
    composition = known.composition if background is None else check_background(background)
    if names is None and isinstance(patterns, PatternSet) and patterns.labels:
        names = patterns.labels
    called = (
        {id: match.name for id, match in names.significant().best.items()} if isinstance(names, MotifMatches) else names
    )
    motifs, notes = hit_motifs(patterns, composition, called, sign)
    if not motifs and not notes:
        notes.append("there is no pattern to look for")
    if contributions.n == 0:
        notes.append("there is no sequence")
    found_in = patterns.label if isinstance(patterns, PatternSet) else ""
    if found_in and contributions.label and found_in != contributions.label:
        notes.append(
            f"the patterns were found in contributions to {found_in!r}, and looked for in those to "
            f"{contributions.label!r}"
        )
    wide = [one for one in motifs if one.width > contributions.length]
    notes += [f"{one.id} is {one.width} bp wide, wider than the sequences: it was not looked for" for one in wide]
    motifs = [one for one in motifs if one.width <= contributions.length]
    parameters = {
        "q_value": q_value, "p_value": p_value, "match_p_value": match_p_value, "overlaps": overlaps,
        "max_overlap": max_overlap, "background": composition.tolist(), "null_windows": null_windows,
        "random_state": random_state, "source": contributions.description,
    }  # fmt: skip
    tables = [score_table(one.motif, tuple(composition)) for one in motifs]
    limits = np.array([max(match_p_value, float(table.survival[-1])) for table in tables])
    scan = _Scan(contributions, motifs, tables, limits, p_value, q_value, overlaps, max_overlap)
    table = scan.run(known, null_windows, random_state, notes)
    return MotifHits(
        **table,
        patterns=tuple(one.id for one in motifs),
        labels=tuple(one.name for one in motifs),
        signs=tuple(one.sign for one in motifs),
        names=contributions.names,
        intervals=contributions.intervals,
        lengths=np.minimum(contributions.lengths, contributions.length),
        target=contributions.label,
        parameters=parameters,
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class _Scan:
    """What is looked for, and what makes a hit; `match_limits` are FIMO p-values, one a motif."""

    source: ContributionSource
    motifs: list[HitMotif]
    tables: list[ScoreTable]
    match_limits: Array
    p_value: float
    q_value: float
    overlaps: str
    share: float

    def run(self, known: Survey, null_windows: int, seed: int, notes: list[str]) -> dict[str, Array]:
        """Return the columns of `MotifHits`, and add to the notes."""
        from seqexplain.motifs._hit_kernels import resolve
        from seqexplain.motifs._hit_scores import BINS, candidates, fit_null

        found = [_no_hits()]
        motifs = self.motifs
        if not motifs or self.source.n == 0:
            return found[0]
        null = fit_null(self.source, motifs, known, null_windows=null_windows, random_state=seed)
        if null.mean_square == 0:
            notes.append("all contributions are 0: nothing is a hit")
            return found[0]
        p = null.p_values()
        rare = p <= self.p_value  # scores of a motif rise with the bin, so these are a tail
        lowest = np.where(rare.any(axis=1), rare.argmax(axis=1), 2 * BINS) / BINS
        counts = np.zeros((len(motifs), BINS), dtype=np.int64)
        for block in self.source.blocks():
            parts = [self._hits(block, some) for some in candidates(block, motifs, null, lowest, counts)]
            one = _joined([_no_hits(), *parts])
            if self.overlaps != "all":
                group = one["sequence"] * len(motifs) + one["motif"]
                one = _taken(one, resolve(group, one["start"], one["end"], one["score"], self.share))
            found.append(one)
        hits = _joined(found)
        q = _q_values(p, counts)
        bins = np.minimum((hits["score"] * BINS).astype(np.int64), BINS - 1)
        hits["p_value"] = p[hits["motif"], bins]
        hits["q_value"] = q[hits["motif"], bins]
        hits = _taken(hits, (hits["q_value"] <= self.q_value) & (hits["p_value"] <= self.p_value))
        if self.overlaps == "resolved":
            hits = _taken(hits, resolve(hits["sequence"], hits["start"], hits["end"], hits["explained"], self.share))
        order = np.lexsort((hits["motif"], hits["end"], hits["start"], hits["sequence"]))
        hits = _taken(hits, order)
        missing = np.setdiff1d(np.arange(len(motifs)), hits["motif"])
        notes += [f"{motifs[k].id} has no hit" for k in missing]
        return hits

    def _hits(self, block: ContributionBlock, some: Any) -> dict[str, Array]:
        """Describe candidates of one width, without those whose word does not match or whose sign is another."""
        width = self.motifs[some.motif[0]].width if len(some.motif) else 1
        at = some.start[:, None] + np.arange(width)
        codes = block.codes[some.row[:, None], at]
        turned = some.minus == 1
        codes[turned] = 3 - codes[turned, ::-1]
        fimo = np.ones(len(codes))
        for k in np.unique(some.motif):
            mine = some.motif == k
            score = self.tables[k].weights[np.arange(width), codes[mine]].sum(axis=1)
            fimo[mine] = self.tables[k].p_values(score)
        contribution = block.observed[some.row[:, None], at].sum(axis=1, dtype=np.float64)
        signs = np.array([one.sign for one in self.motifs])[some.motif]
        hits = {
            "sequence": block.rows[some.row],
            "start": some.start,
            "end": some.start + width,
            "strand": np.where(turned, "-", "+"),
            "motif": some.motif,
            "contribution": contribution,
            "explained": some.explained,
            "similarity": np.clip(some.explained / some.size, -1.0, 1.0),
            "score": some.score,
            "p_value": np.zeros(len(codes)),
            "q_value": np.zeros(len(codes)),
            "fimo_p_value": fimo,
            "word": np.frombuffer(b"ACGT", dtype="S1")[codes].view(f"S{width}")[:, 0].astype(np.str_),
        }
        return _taken(hits, (fimo <= self.match_limits[some.motif]) & (signs * contribution > 0))


def _q_values(p: Array, counts: Array) -> Array:
    """Benjamini and Hochberg's q-value of each bin, `(motifs, BINS)`, over all windows of each motif."""
    ranks = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]  # windows with this p-value or a smaller one
    rate = p * counts.sum(axis=1, keepdims=True) / np.maximum(ranks, 1)
    return np.minimum(np.minimum.accumulate(rate, axis=1), 1.0)


def _no_hits() -> dict[str, Array]:
    kinds = {"sequence": "i8", "start": "i8", "end": "i8", "motif": "i8", "strand": "U1", "word": "U1"}
    return {name: np.empty(0, dtype=kinds.get(name, "f8")) for name in BY_HIT}


def _joined(parts: list[dict[str, Array]]) -> dict[str, Array]:
    return {name: np.concatenate([part[name] for part in parts]) for name in BY_HIT}


def _taken(hits: dict[str, Array], which: Array) -> dict[str, Array]:
    return {name: values[which] for name, values in hits.items()}


def _check(
    q_value: float,
    p_value: float,
    match_p_value: float,
    overlaps: str,
    max_overlap: float,
    sign: int,
    null_windows: int,
) -> None:
    shares = {"q_value": q_value, "p_value": p_value, "match_p_value": match_p_value, "max_overlap": max_overlap}
    for name, value in shares.items():
        if not 0 < value <= 1:
            raise ParameterError(f"{name} is {value!r}; expected a number above 0 and at most 1.")
    if overlaps not in OVERLAPS:
        raise ParameterError(f"overlaps is {overlaps!r}; expected one of {', '.join(map(repr, OVERLAPS))}.")
    if sign not in (1, -1):
        raise ParameterError(f"sign is {sign!r}; expected 1 or -1.")
    if isinstance(null_windows, bool) or not isinstance(null_windows, int | np.integer) or null_windows < 1000:
        raise ParameterError(f"null_windows is {null_windows!r}; expected a whole number from 1000.")
