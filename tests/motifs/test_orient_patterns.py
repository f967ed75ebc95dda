"""Patterns that read as the known motifs do, with matches that follow them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seqexplain.errors import ParameterError
from seqexplain.motifs import Motif, PatternSet, load_database, match_motifs, orient_patterns
from seqexplain.motifs._pattern import Pattern, core_of

KNOWN = {motif.id: motif for motif in load_database()}
IDS = ("MA0139.2", "MA0080.7", "MA0035.5", "MA0004.1")  # CTCF, Spi1, GATA1 and Arnt


def pattern_of(motif, id, *, turned, left=3, right=5):
    """A pattern whose core is the motif, or its reverse complement."""
    motif = motif.reverse_complement() if turned else motif
    flank = np.full((1, 4), 5.0)
    p = np.concatenate([flank.repeat(left, 0), 20 * motif.probabilities, flank.repeat(right, 0)])
    cwm = np.where(np.arange(len(p))[:, None] < left, 0.0, p / 20)
    cwm[len(p) - right :] = 0
    cwm[left : len(p) - right] += 1  # so that the core is the whole motif
    k = 6
    return Pattern(
        id=id, sign=1, motif=Motif(id, id, p), cwm=cwm, hypothetical_cwm=cwm - 0.1, sequence=np.arange(k),
        start=np.arange(k) * 2, strand=np.array(["+", "-"] * 3), contribution=np.ones(k), core=core_of(cwm),
    )  # fmt: skip


def example(turned):
    patterns = [pattern_of(KNOWN[id], f"pos_{k}", turned=turned) for k, id in enumerate(IDS)]
    return PatternSet(patterns=tuple(patterns), method="made up")


def test_turned_patterns_are_turned_back_with_their_matches():
    patterns = example(turned=True)
    before = match_motifs(patterns, top=5)
    assert [before.best[p.id].id for p in patterns] == list(IDS)
    assert [before.best[p.id].strand for p in patterns] == ["-"] * 4
    oriented, matches = orient_patterns(patterns, before)
    assert [matches.best[p.id].strand for p in oriented] == ["+"] * 4
    for pattern, was, id in zip(oriented, patterns, IDS, strict=True):
        np.testing.assert_allclose(
            pattern.trimmed().motif.probabilities[:, 0], KNOWN[id].probabilities[:, 0], atol=1e-9
        )
        assert pattern.motif.name == pattern.trimmed().consensus
        np.testing.assert_array_equal(pattern.start, was.start)
        assert list(pattern.strand) == ["-", "+"] * 3
    # what follows from the turned matches is what comparing the turned patterns gives
    again = match_motifs(oriented, top=5)
    np.testing.assert_allclose(matches.p_value, again.p_value)
    first = matches.rank == 1
    for name in ("target", "offset", "strand", "overlap"):
        np.testing.assert_array_equal(getattr(matches, name)[first], getattr(again, name)[first])
    assert [m.id for m in orient_patterns(patterns)[1].best.values()] == list(IDS)


def test_parts_are_turned_and_renamed_with_their_pattern():
    whole = pattern_of(KNOWN[IDS[0]], "pos_0", turned=True)
    part = pattern_of(KNOWN[IDS[0]], "pos_0.0", turned=True)
    oriented, _ = orient_patterns(PatternSet(patterns=(replace(whole, subpatterns=(part,)),)))
    (turned,) = oriented.subpatterns()
    assert turned.id == "pos_0.0"
    assert turned.motif.name == turned.trimmed().consensus == oriented[0].trimmed().consensus
    assert list(turned.strand) == ["-", "+"] * 3


def test_patterns_that_read_right_or_match_nothing_stay():
    right = example(turned=False)
    oriented, _ = orient_patterns(right)
    assert all(a is b for a, b in zip(oriented, right, strict=True))
    oriented, matches = orient_patterns(example(turned=True), q_value=0)
    assert matches.best["pos_0"].strand == "-"
    assert len(orient_patterns(PatternSet(patterns=()))[0]) == 0


def test_matches_of_others_are_refused():
    with pytest.raises(ParameterError, match="expected those of the patterns, pos_0"):
        orient_patterns(example(turned=True), match_motifs([KNOWN["MA0139.2"]]))
