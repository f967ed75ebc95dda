"""Known motifs find themselves, on either strand; what chance gives is what p-values promise."""

from __future__ import annotations

import numpy as np
import pytest

from seqexplain.errors import MissingFileError, ParameterError, SeqExplainWarning
from seqexplain.motifs import Motif, Pattern, PatternSet, load_database, match_motifs

JASPAR = load_database()


def named(*ids):
    return [motif for motif in JASPAR if motif.id in ids]


def test_motifs_find_themselves_on_both_strands():
    drawn = [JASPAR[k] for k in np.random.default_rng(0).choice(len(JASPAR), 40, replace=False)]
    for turn, strand in ((False, "+"), (True, "-")):
        queries = [motif.reverse_complement() if turn else motif for motif in drawn]
        best = match_motifs(queries, JASPAR, top=1).best
        for motif in drawn:
            match = best[motif.id]
            assert match.id == motif.id
            assert (match.offset, match.overlap) == (0, motif.width)
            palindrome = np.allclose(motif.probabilities, motif.probabilities[::-1, ::-1])
            assert match.strand == ("+" if palindrome else strand)


def test_equal_scores_are_told_apart_before_rounding():
    """The CAGCTG motifs of several factors, and motifs that are nearly palindromes."""
    alike = named("MA1635.2", "MA1993.2", "MA1997.2", "MA0633.3")
    assert {id: match.id for id, match in match_motifs(alike, top=1).best.items()} == {m.id: m.id for m in alike}
    nearly = named("MA0104.5", "MA0622.2", "MA0500.3")
    assert [match.strand for match in match_motifs(nearly, top=1)] == ["+"] * 3
    turned = match_motifs([motif.reverse_complement() for motif in nearly], top=1)
    ours = {motif.id: np.allclose(motif.probabilities, motif.probabilities[::-1, ::-1]) for motif in nearly}
    assert [match.strand for match in turned] == ["+" if ours[motif.id] else "-" for motif in nearly]
    assert not all(ours.values())


def test_patterns_are_compared_by_their_cores():
    (ctcf,) = named("MA0139.2")
    p = np.concatenate([np.full((6, 4), 0.25), ctcf.probabilities, np.full((9, 4), 0.25)])
    cwm = np.zeros((len(p), 4))
    cwm[6:-9] = ctcf.probabilities + 0.5
    pattern = Pattern(
        id="pos_0", sign=1, motif=Motif("pos_0", "", p * 50), cwm=cwm, hypothetical_cwm=None, sequence=np.arange(2),
        start=np.zeros(2, dtype=int), strand=np.array(["+", "-"]), contribution=np.ones(2), core=(6, len(p) - 9),
    )  # fmt: skip
    for queries in (pattern, [pattern], PatternSet(patterns=(pattern,))):
        match = match_motifs(queries).best["pos_0"]
        assert (match.id, match.offset, match.overlap) == ("MA0139.2", 0, ctcf.width)
        assert match.p_value == pytest.approx(match_motifs([ctcf]).best["MA0139.2"].p_value)


@pytest.mark.slow
def test_every_motif_of_jaspar_finds_itself():
    for turn in (False, True):
        found = match_motifs([m.reverse_complement() if turn else m for m in JASPAR], JASPAR, top=1)
        np.testing.assert_array_equal(found.target, np.arange(len(JASPAR)))
        same = [np.allclose(m.probabilities, m.probabilities[::-1, ::-1]) for m in JASPAR]
        np.testing.assert_array_equal(found.strand, np.where(same, "+", "-" if turn else "+"))
        np.testing.assert_array_equal(found.offset, 0)
        assert found.q_value.max() < 1e-5


@pytest.mark.slow
def test_random_motifs_match_jaspar_as_often_as_p_values_say():
    rng = np.random.default_rng(7)
    pool = np.concatenate([m.probabilities for m in JASPAR] + [m.probabilities[::-1, ::-1] for m in JASPAR])
    queries = [
        Motif(f"r{k}", "r", pool[rng.integers(len(pool), size=w)]) for k, w in enumerate(rng.integers(6, 15, 400))
    ]
    found = match_motifs(queries, top=None)
    for level in (0.1, 0.01, 1e-3, 1e-4):  # offsets are taken as independent, so high p-values are a little too high
        assert 0.6 * level < np.mean(found.p_value <= level) < 1.4 * level
    assert np.mean(found.q_value[found.rank == 1] <= 0.05) < 0.08


def test_offset_is_where_the_match_begins_in_the_query():
    (ctcf,) = named("MA0139.2")
    flank = np.full((5, 4), 10.0)
    query = Motif("q", "q", np.concatenate([flank, ctcf.counts / ctcf.counts.sum(1, keepdims=True) * 40, flank[:2]]))
    for one, strand, offset in ((query, "+", 5), (query.reverse_complement(), "-", 2)):
        match = match_motifs([one]).best["q"]
        assert (match.id, match.strand, match.offset, match.overlap) == ("MA0139.2", strand, offset, ctcf.width)
    part = Motif("part", "part", ctcf.counts[4:12])
    assert match_motifs([part]).best["part"].offset == -4


def test_shuffled_columns_give_uniform_p_values():
    """Columns drawn from the database's own at random: the null that p-values are of."""
    rng = np.random.default_rng(1)
    pool = np.concatenate([m.probabilities for m in JASPAR] + [m.probabilities[::-1, ::-1] for m in JASPAR])
    queries = [Motif(f"r{k}", "r", pool[rng.integers(len(pool), size=10)]) for k in range(20)]
    targets = [
        Motif(f"t{k}", "t", pool[rng.integers(len(pool), size=w)]) for k, w in enumerate(rng.integers(6, 16, 300))
    ]
    p = match_motifs(queries, targets, top=None).p_value
    for level in (0.5, 0.1, 0.01):
        assert np.mean(p <= level) == pytest.approx(level, rel=0.25, abs=0.002)


def test_tables_best_labels_and_families():
    matches = match_motifs(named("MA0139.2", "MA0080.7"), top=20)
    table = matches.to_table()
    assert list(table["rank"]) == [*range(1, 21)] * 2
    assert (table.groupby("query")["p_value"].diff().fillna(0) >= 0).all()
    np.testing.assert_allclose(table["e_value"], table["p_value"] * len(JASPAR))
    label = matches.label("MA0139.2")
    assert label.startswith("CTCF (MA0139.2), q=")
    assert label.endswith("; More than 3 adjacent zinc fingers, C2H2 zinc finger factors")
    families = matches.families("MA0080.7")
    assert next(iter(families)) == "Ets-related"
    assert families["Ets-related"] >= 15
    assert matches.label("MA0139.2", q_value=0).startswith("no match at q <= 0; nearest: CTCF")
    assert len(matches.significant(1e-10)) < len(matches)


def test_odd_queries_and_databases(tmp_path):
    """Width one, no information, one motif to compare with, no query at all."""
    narrow = Motif("n", "n", [[9, 0, 0, 0]])
    blunt = Motif("b", "b", np.ones((6, 4)))
    found = match_motifs([narrow, blunt])
    assert np.all((found.p_value > 0) & (found.p_value <= 1))
    assert found.best["n"].q_value > 0.5
    with pytest.warns(SeqExplainWarning, match="database has 1 motif:"):
        one = match_motifs([narrow, JASPAR[0]], JASPAR[:1])
    assert len(one) == 2
    assert np.all((one.q_value >= 0) & (one.q_value <= 1))
    with pytest.warns(SeqExplainWarning):
        match_motifs([blunt], [blunt])
    assert len(match_motifs([])) == 0
    assert match_motifs([]).to_table().empty
    with pytest.raises(ParameterError, match="no motif"):
        match_motifs([narrow], [])
    with pytest.raises(ParameterError, match="top is 0"):
        match_motifs([narrow], top=0)
    with pytest.raises(ParameterError, match="holds ndarray"):
        match_motifs([np.ones((4, 4))])
    with pytest.raises(ParameterError, match="Two queries have the id 'n'"):
        match_motifs([narrow, blunt, narrow])
    with pytest.raises(MissingFileError, match="expected 'jaspar' or the path"):
        match_motifs([narrow], tmp_path / "none.meme")
    with pytest.raises(ParameterError, match="No query 'x'"):
        found.of("x")
