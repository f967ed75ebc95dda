"""Activations to motifs: thresholds, ties, backgrounds, dead filters and those that say the same."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.motifs import ReceptiveField, filter_patterns
from seqexplain.motifs._filter_likeness import likenesses
from seqexplain.sequences import one_hot


def dna(n: int, length: int, seed: int = 0) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[np.random.default_rng(seed).integers(0, 4, (n, length))]


def field(positions: int, width: int = 3, stride: int = 1, start: int = 0) -> ReceptiveField:
    return ReceptiveField.regular(positions, start=start, stride=stride, width=width)


def test_half_of_the_maximum_ties_and_best_sites() -> None:
    X = dna(5, 8)
    activation = np.zeros((5, 6, 1), np.float32)
    activation[0, [2, 4], 0] = 1.0  # a tie: the first is the site
    activation[1, 3, 0] = 0.5  # just enough
    activation[2, 3, 0] = np.nextafter(np.float32(0.5), np.float32(0))
    activation[3, 1, 0], activation[3, 5, 0] = 0.6, 0.9
    found = filter_patterns(activation, X, field(6))["filter_0"]
    assert (found.maximum, found.threshold) == (1.0, 0.5)
    assert found.sequence.tolist() == [0, 1, 3]
    assert found.start.tolist() == [2, 3, 5]
    np.testing.assert_allclose(found.activation, [1.0, 0.5, 0.9])
    wanted = X[0, 2:5] + X[1, 3:6] + X[3, 5:8]
    np.testing.assert_array_equal(found.motif.counts, wanted)
    every = filter_patterns(activation, X, field(6), sites="all")["filter_0"]
    assert list(zip(every.sequence.tolist(), every.start.tolist(), strict=True)) == [
        (0, 2), (0, 4), (1, 3), (3, 1), (3, 5),
    ]  # fmt: skip
    assert every.n_active == 3
    lower = filter_patterns(activation, X, field(6), threshold=0.95)["filter_0"]
    assert lower.sequence.tolist() == [0]


def test_blocks_are_the_same_as_one_array() -> None:
    X = dna(50, 20)
    rng = np.random.default_rng(2)
    activation = np.maximum(rng.normal(size=(50, 18, 6)), 0).astype(np.float32)
    beside = np.maximum(rng.normal(size=(30, 18, 6)), 0).astype(np.float32)
    for sites in ("best", "all"):
        whole = filter_patterns(activation, X, field(18), background=beside, sites=sites, max_sites=40)
        parts = filter_patterns(
            lambda: iter(np.split(activation, [7, 7, 31])),
            X.argmax(axis=2).astype(np.uint8),
            field(18),
            background=lambda: iter(np.split(beside, [29])),
            sites=sites,
            max_sites=40,
        )
        for a, b in zip(whole, parts, strict=True):
            np.testing.assert_array_equal(a.motif.counts, b.motif.counts)
            np.testing.assert_array_equal(a.sequence, b.sequence)
            assert (a.n_background, a.q_value) == (b.n_background, b.q_value)
            best = activation[:, :, a.filter]
            assert a.n_active == (best.max(axis=1) >= np.float32(0.5) * best.max()).sum()
            if sites == "all":  # the most active ones
                kept = np.sort(best[best >= np.float32(0.5) * best.max()])[::-1][:40]
                np.testing.assert_array_equal(np.sort(a.activation)[::-1], kept)


def test_shares_are_compared_with_the_background() -> None:
    X = dna(40, 8)
    activation, beside = np.zeros((40, 6, 2)), np.zeros((60, 6, 2))
    activation[:30, 0, 0] = 1
    beside[:15, 2, 0] = 0.7
    activation[:20, 0, 1] = 1
    beside[:30, 2, 1] = 2.0
    found = filter_patterns(activation, X, field(6), background=beside)
    p = [stats.fisher_exact([[30, 15], [10, 45]])[1], stats.fisher_exact([[20, 30], [20, 30]])[1]]
    np.testing.assert_allclose([one.p_value for one in found], p)
    np.testing.assert_allclose([one.q_value for one in found], stats.false_discovery_control(p))
    table = found.to_table()
    assert table["active_share"].tolist() == [0.75, 0.5]
    assert table["background_share"].tolist() == [0.25, 0.5]


def test_a_threshold_from_the_background_leaves_its_share_of_it() -> None:
    rng = np.random.default_rng(0)
    X, beside = dna(300, 12), rng.gamma(2.0, size=(1000, 10, 3)).astype(np.float32)
    activation = rng.gamma(3.0, size=(300, 10, 3)).astype(np.float32)
    found = filter_patterns(activation, X, field(10), background=beside, threshold_of="background", threshold=0.9)
    for one in found:
        assert one.n_background == 100
        assert (
            one.n_active
            == (activation[:, :, one.filter].max(axis=1) > np.sort(beside[..., one.filter].max(1))[899]).sum()
        )
    silent = filter_patterns(activation, X, field(10), background=0 * beside, threshold_of="background")
    assert all(one.threshold > 0 and one.n_active == 300 and one.n_background == 0 for one in silent)
    assert not any("too: nearly" in note for note in found.notes)
    common = filter_patterns(activation, X, field(10), background=beside, threshold=0.01)
    assert any(note.startswith("3 of 3 active filters are so in over 90% of the background") for note in common.notes)
    with pytest.raises(ParameterError, match="needs a background"):
        filter_patterns(activation, X, field(10), threshold_of="background")


def test_dead_filters_are_listed() -> None:
    X = dna(10, 8)
    activation = np.zeros((10, 6, 4), np.float32)
    activation[:, :, 1] = 0.7
    activation[4, 2, 2] = 1
    activation[..., 3] = -0.1
    found = filter_patterns(activation, X, field(6))
    assert [one.note for one in found] == ["never active", "the same everywhere", "", "never active"]
    assert [one.size for one in found] == [0, 0, 1, 0]
    assert found.to_table()["note"].tolist() == [one.note for one in found]
    assert [motif.id for motif in found.motifs] == ["filter_2"]
    assert any(
        note.startswith("3 of 4 filters are dead on these sequences: filter_0, filter_1") for note in found.notes
    )
    nothing = filter_patterns(np.zeros((10, 6, 2)), X, field(6), background=np.zeros((3, 6, 2)))
    assert nothing.motifs == []
    assert len(nothing.to_table()) == 2
    with pytest.raises(ParameterError, match="nothing to draw"):
        nothing.plot()


def test_filters_that_say_the_same_are_flagged() -> None:
    words = ["CCGATAAGCC", "TTGATAAGAT", "AAGATAAGTG", "GGGATAAGGA", "CTGATAAGTC", "GAGATAAGAC"] * 5
    X = one_hot(words)
    activation = np.zeros((30, 5, 4), np.float32)
    activation[:, 2, 0] = 1  # GATAAG
    activation[:, 1, 1] = 1  # .GATAA: a base earlier
    activation[::2, 4, 3] = 1
    turned = one_hot([w.translate(str.maketrans("ACGT", "TGCA"))[::-1] for w in words])
    both = np.concatenate([X, turned])
    more = np.zeros((60, 5, 4), np.float32)
    more[:30] = activation
    more[30:, 2, 2] = 1  # CTTATC
    found = filter_patterns(more, both, field(5, width=6))
    assert found[0].motif.consensus == "GATAAG"
    assert found[2].motif.consensus == "CTTATC"
    assert found[1].like.other == 0
    assert (found[1].like.strand, found[1].like.offset) == ("+", -1)
    assert (found[2].like.other, found[2].like.strand, found[2].like.offset) == (0, "-", 0)
    assert found[2].like.similarity == pytest.approx(1.0)
    assert found[3].like is None
    assert found.to_table()["like"].tolist() == ["", "filter_0", "filter_0", ""]


def test_likeness_is_the_best_of_all_shifts_and_strands() -> None:
    rng = np.random.default_rng(0)
    matrices = rng.dirichlet(np.full(4, 0.4), size=(7, 9))
    matrices[4] = np.roll(matrices[1], 1, axis=0)[::-1, ::-1]
    matrices[6] = np.roll(matrices[2], -1, axis=0)
    b = np.array([0.3, 0.2, 0.2, 0.3])
    found = likenesses(matrices, b, least=0.1)
    padded = np.zeros((7, 27, 4))
    padded[:, 9:18] = matrices - b
    for i, like in enumerate(found):
        best = {}
        for j in range(i):
            if found[j] is not None:
                continue
            for strand, mine in (("+", padded[i]), ("-", padded[i, ::-1, ::-1])):
                for shift in range(-8, 9):
                    norm = np.linalg.norm(padded[i]) * np.linalg.norm(padded[j])
                    best[j, shift, strand] = (np.roll(mine, shift, axis=0) * padded[j]).sum() / norm
        if not best or max(best.values()) < 0.1:
            assert like is None
            continue
        top = max(best, key=best.get)
        assert (like.other, like.offset, like.strand) == top
        assert like.similarity == pytest.approx(best[top])
    like = likenesses(matrices, b, least=0.6)[4]
    assert (like.other, like.strand) == (1, "-")


def test_likeness_by_hand() -> None:
    b = np.full(4, 0.25)
    one = np.eye(4)[[0, 1, 2, 3, 3]].astype(float)
    shifted = np.concatenate([np.eye(4)[[1, 2, 3, 3]], [b]])
    other = np.eye(4)[[3, 0, 0, 2, 1]].astype(float)
    found = likenesses(np.stack([one, shifted, other]), b, least=0.8)
    assert found[0] is None
    assert found[2] is None
    # 4 of the 5 positions of the one, all 4 of the other
    assert found[1].similarity == pytest.approx(4 / np.sqrt(5 * 4))
    assert (found[1].offset, found[1].strand) == (1, "+")


def test_negative_activations_by_share_or_by_wish() -> None:
    X = dna(20, 8)
    activation = np.random.default_rng(0).normal(size=(20, 6, 2))
    found = filter_patterns(activation, X, field(6))
    assert [one.id for one in found] == ["filter_0", "filter_0_negative", "filter_1", "filter_1_negative"]
    turned = filter_patterns(-activation, X, field(6))
    np.testing.assert_array_equal(found[1].motif.counts, turned[0].motif.counts)
    np.testing.assert_array_equal(found[1].activation, -turned[0].activation)
    dips = np.maximum(activation, -0.1)
    assert [one.id for one in filter_patterns(dips, X, field(6))] == ["filter_0", "filter_1"]
    assert len(filter_patterns(dips, X, field(6), negative=True)) == 4
    every = filter_patterns(activation, X, field(6), sites="all")[1]
    assert (every.activation <= -every.threshold).all()


def test_positions_of_both_strands() -> None:
    X = one_hot(["CCCGATACCC", "CCTATCCCCC"])
    both = ReceptiveField.joined([field(7, width=4), field(7, width=4, start=6, stride=-1)])
    activation = np.zeros((2, 14, 1))
    activation[0, 3] = 1
    activation[1, 7 + 4] = 1  # the window that starts at 2, on the other strand
    found = filter_patterns(activation, X, both)["filter_0"]
    assert found.motif.consensus == "GATA"
    assert found.start.tolist() == [3, 2]
    assert found.strand.tolist() == ["+", "-"]


def test_information_is_against_the_bases_of_the_sequences() -> None:
    X = one_hot(["AAAAAAAC"] * 12)
    activation = np.zeros((12, 8, 2))
    activation[:, 0, 0] = 1
    activation[:, 7, 1] = 1
    found = filter_patterns(activation, X, field(8, width=1))
    b = np.array([85, 13, 1, 1]) / 100
    np.testing.assert_allclose(found.frequencies, b)
    assert found.information(found[0]) == pytest.approx(np.log2(1 / 0.85))
    assert found.information(found[1]) == pytest.approx(np.log2(1 / 0.13))


def test_importance_and_drawing() -> None:
    X = dna(20, 8)
    activation = np.random.default_rng(0).gamma(2.0, size=(20, 6, 3))
    found = filter_patterns(activation, X, field(6), layer="first")
    by_channel = np.array([[1.0, -3, 0], [-1, -1, 0.5]])
    known = found.with_contributions(by_channel, target="t")
    assert known.mean_contribution.tolist() == [0.0, -2.0, 0.25]
    assert known.mean_absolute.tolist() == [1.0, 2.0, 0.25]
    assert known.rank.tolist() == [2, 1, 3]
    assert known.to_table()["rank"].tolist() == [2, 1, 3]
    axes = known.plot(largest=2)
    assert len(axes) == 2
    with pytest.raises(ShapeError, match="one column a filter"):
        found.with_contributions(by_channel[:, :2])


def test_what_does_not_go_together_is_refused() -> None:
    X, activation = dna(4, 8), np.ones((4, 6, 2))
    for wrong, what in (
        ((activation[:, :5], X, field(6)), "has 6 positions"),
        ((activation[:3], X, field(6)), "are of 3 sequences, X of 4"),
        ((activation[0], X, field(6)), "expected .sequences, 6, filters."),
        ((np.full((4, 6, 2), np.nan), X, field(6)), "NaN"),
        ((activation, X.argmax(axis=2), field(6)), "uint8 from 0 to 4"),
    ):
        with pytest.raises(ShapeError, match=what):
            filter_patterns(*wrong)
    with pytest.raises(ShapeError, match="of the background; expected the same"):
        filter_patterns(activation, X, field(6), background=np.ones((4, 6, 3)))
    for wrong, what in (
        ({"threshold": 0.0}, "a share above 0"), ({"threshold_of": "top"}, "'maximum', 'background'"),
        ({"sites": "some"}, "'best', 'all'"), ({"max_sites": 0}, "whole number from 1"),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match=what):
            filter_patterns(activation, X, field(6), **wrong)
    with pytest.raises(ParameterError, match="windows of 3, 4 bp"):
        ReceptiveField.joined([field(3), field(3, width=4)])
