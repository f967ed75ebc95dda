"""Tables and summaries of hits, against counting by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.motifs import MotifHits
from seqexplain.motifs._motif_hits import _centre_distance
from seqexplain.results import Interval


def hits_at(places, *, n=4, length=100, width=10, patterns=("pos_0", "pos_1", "neg_0")):
    """Hits at (sequence, start, motif)."""
    rows, starts, motifs = (np.array([place[k] for place in places], dtype=np.int64) for k in range(3))
    h = len(places)
    numbers = {name: np.linspace(0.1, 1, h) for name in ("contribution", "explained", "similarity", "score")}
    return MotifHits(
        sequence=rows,
        start=starts,
        end=starts + width,
        strand=np.array(["+", "-"] * h)[:h],
        motif=motifs,
        **numbers,
        p_value=np.full(h, 1e-5),
        q_value=np.full(h, 0.01),
        fimo_p_value=np.full(h, 1e-4),
        word=np.array(["A" * width] * h),
        patterns=patterns,
        labels=tuple(f"name of {id}" for id in patterns),
        signs=tuple(1 if id.startswith("pos") else -1 for id in patterns),
        names=tuple(f"s{i}" for i in range(n)),
        lengths=np.full(n, length),
    )


PLACES = [(0, 45, 0), (0, 5, 1), (0, 60, 0), (2, 45, 0), (3, 85, 1), (3, 20, 1), (3, 45, 0)]


def test_a_summary_counts_hits_and_sequences():
    table = hits_at(PLACES).summarise().set_index("pattern")
    assert table["hits"].to_dict() == {"pos_0": 4, "pos_1": 3, "neg_0": 0}
    assert table["sequences"].to_dict() == {"pos_0": 3, "pos_1": 2, "neg_0": 0}
    assert table["share"].to_dict() == {"pos_0": 0.75, "pos_1": 0.5, "neg_0": 0.0}
    assert table.loc["pos_0", "per_sequence"] == pytest.approx(4 / 3)
    assert table.loc["pos_1", "name"] == "name of pos_1"
    assert table["sign"].to_list() == [1, 1, -1]
    assert np.isnan(table.loc["neg_0", "similarity"])
    assert table.loc["pos_0", "position"] == pytest.approx(np.mean([0.5, 0.65, 0.5, 0.5]))
    assert table.loc["pos_0", "from_centre"] == pytest.approx(15 / 4)
    assert table.loc["pos_0", "plus"] == pytest.approx(3 / 4)


def test_what_distance_from_the_middle_chance_gives_is_the_mean_over_all_starts():
    for length, width in ((100, 10), (101, 10), (12, 12), (30, 7)):
        away = np.array([abs(s + width / 2 - length / 2) for s in range(length - width + 1)])
        mean, variance = _centre_distance(np.array([length]), np.array([width]))
        assert mean[0] == pytest.approx(away.mean())
        assert variance[0] == pytest.approx(away.var(), abs=1e-12)


def test_centred_hits_are_told_from_those_anywhere():
    rng = np.random.default_rng(0)
    rows = np.arange(300)
    middle = hits_at(list(zip(rows, rng.integers(35, 56, 300), rows * 0, strict=True)), n=300).summarise().iloc[0]
    assert middle["centring"] > 2
    assert middle["centring_p"] < 1e-10
    p = []
    for _ in range(200):
        anywhere = hits_at(list(zip(rows, rng.integers(0, 91, 300), rows * 0, strict=True)), n=300).summarise().iloc[0]
        p.append(anywhere["centring_p"])
    # p-values of chance are uniform: a tenth is below .1
    assert 8 <= (np.array(p) < 0.1).sum() <= 34
    edges = hits_at([(i, 0, 0) for i in range(300)], n=300).summarise().iloc[0]
    assert edges["centring"] < -0.4
    assert edges["centring_p"] < 1e-10


def test_co_occurrence_counts_sequences_not_hits():
    table = hits_at(PLACES).co_occurrence()
    assert table.to_numpy().tolist() == [[3, 2, 0], [2, 2, 0], [0, 0, 0]]
    assert list(table.columns) == list(table.index) == ["pos_0", "pos_1", "neg_0"]
    assert hits_at([]).co_occurrence().to_numpy().sum() == 0


def test_hits_of_one_motif():
    hits = hits_at(PLACES)
    assert hits.of("pos_1").start.tolist() == [5, 85, 20]
    assert len(hits.of("neg_0")) == 0
    with pytest.raises(ParameterError, match="no motif 'pos_9'; looked for were: pos_0, pos_1, neg_0"):
        hits.of("pos_9")


def test_a_table_names_sequences_and_patterns():
    table = hits_at(PLACES).to_table()
    assert table["sequence"].to_list() == ["s0", "s0", "s0", "s2", "s3", "s3", "s3"]
    assert table["pattern"].to_list()[:2] == ["pos_0", "pos_1"]
    assert table["name"].to_list()[1] == "name of pos_1"
    assert "chromosome" not in table


def test_a_place_of_the_genome_that_several_sequences_hold_counts_once_for_each_motif():
    intervals = (
        Interval("chr1", 0, 100, "+"), Interval("chr1", 50, 150, "+"), Interval("chr1", 20, 120, "-"), None
    )  # fmt: skip
    places = [(0, 60, 0), (1, 10, 0), (1, 10, 1), (1, 30, 0), (2, 50, 0), (3, 60, 0), (3, 60, 0)]
    hits = replace(hits_at(places), intervals=intervals, score=np.array([0.5, 0.7, 0.2, 0.9, 0.6, 0.1, 0.1]))
    # 60 to 70 of chr1 is in three sequences: 0 + 60, 50 + 10, and 120 − 50 − 10 on the − strand
    kept = hits.unique()
    assert list(zip(kept.sequence, kept.start, kept.motif, strict=True)) == [
        (1, 10, 0), (1, 10, 1), (1, 30, 0), (3, 60, 0), (3, 60, 0),
    ]  # fmt: skip
    assert len(hits_at(places).unique()) == len(places)


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(ShapeError, match="one entry a hit in each"):
        replace(hits_at(PLACES), start=np.arange(3))
