"""Planted motifs are found again, with their places, strands and groups."""

from __future__ import annotations

import numpy as np
import pytest
from planted import WORDS, planted
from scipy import stats
from sklearn.metrics import adjusted_rand_score

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.motifs import SubsetClusters, cluster_subsets
from seqexplain.sequences import one_hot, reverse_complement


def truth_of(found: SubsetClusters, truth: dict) -> np.ndarray:
    return np.array([truth[key] for key in zip(found.sequence.tolist(), found.number.tolist(), strict=True)])


def same(word: str, other: str) -> bool:
    return other in (word, reverse_complement(word))


@pytest.mark.parametrize(
    ("method", "drop", "extra", "noise", "wanted", "clustered"),
    [
        ("hierarchical", 0.0, 0.0, 0.0, 1.0, 1.0),
        ("hierarchical", 0.1, 0.5, 0.05, 0.98, 0.98),
        ("hierarchical", 0.25, 1.0, 0.1, 0.9, 0.75),  # a quarter of the bases lacks, a tenth is wrong, one is added
        ("hdbscan", 0.0, 0.0, 0.0, 1.0, 1.0),
        ("hdbscan", 0.1, 0.5, 0.05, 0.9, 0.9),
    ],
)
def test_planted_motifs_are_found(method, drop, extra, noise, wanted, clustered):
    X, subset, truth = planted(200, drop=drop, extra=extra, noise=noise)
    found = cluster_subsets((X, subset), method=method, min_size=15)
    inside = found.cluster >= 0
    assert adjusted_rand_score(truth_of(found, truth)[inside], found.cluster[inside]) >= wanted
    assert inside.mean() >= clustered
    names = [motif.name for motif in found.motifs]
    assert len(names) == len(WORDS)
    assert all(any(same(name, word) for name in names) for word in WORDS)
    assert (np.diff(found.sizes) <= 0).all()


@pytest.mark.parametrize(("drop", "extra"), [(0.0, 0.0), (0.15, 1.0)])
def test_places_and_strands_point_at_the_motif(drop, extra):
    """The word stands whole in the sequence, also where its subset lacks some of it, or has bases beside it."""
    X, subset, _ = planted(120, words=WORDS[:2] + WORDS[3:], drop=drop, extra=extra)
    found = cluster_subsets((X, subset))
    right = []
    for k in np.flatnonzero(found.cluster >= 0):
        motif = found.motifs[found.cluster[k]]
        word = X[found.sequence[k], found.start[k] : found.start[k] + motif.width]
        if found.strand[k] == "-":
            word = reverse_complement(word)
        wanted = one_hot([motif.name])[0]
        known = wanted.any(axis=1)
        right.append(np.array_equal(word[known], wanted[known]))
    assert np.mean(right) >= (1.0 if drop == 0 else 0.97)
    assert len(right) / len(found.cluster) >= (1.0 if drop == 0 else 0.85)
    assert {"+", "-"} <= set(found.strand.tolist())
    for c in range(len(found)):
        assert (found.strand[found.cluster == c] == "+").mean() >= 0.5
    table = found.members_table()
    inside = table["cluster"] >= 0
    widths = [found.motifs[c].width for c in found.cluster[inside]]
    assert (table["end"] - table["start"])[inside].tolist() == widths


def test_motifs_are_counts_of_the_aligned_bases():
    X = one_hot(["CCGATACC", "GATAGGGG", "TTTTATCT", "TTGACATT"])
    subset = np.array([[int(digit) for digit in row] for row in ("00111100", "11110000", "00011110", "00110100")])
    found = cluster_subsets((X, subset), min_size=2)
    assert found.cluster.tolist() == [0, 0, 0, 0]
    wanted = np.array([[0, 0, 4, 0], [4, 0, 0, 0], [0.25, 0.25, 0.25, 3.25], [4, 0, 0, 0]])  # one gap: ¼ for each base
    np.testing.assert_allclose(found.motifs[0].counts, wanted)
    assert found.coverage[0].tolist() == [4, 4, 3, 4]
    assert found.motifs[0].name == "GATA"
    assert found.strand.tolist() == ["+", "+", "-", "+"]
    assert found.start.tolist() == [2, 0, 3, 2]
    one_strand = cluster_subsets((X, subset), min_size=2, both_strands=False)
    assert one_strand.cluster.tolist() == [0, 0, -1, 0]
    assert one_strand.start.tolist() == [2, 0, -1, 2]
    assert one_strand.strand.tolist() == ["+", "+", ".", "+"]


def test_ends_that_few_members_have_are_trimmed():
    X = one_hot(["GATACCC"] * 9 + ["GATAGGC"])
    subset = np.array([[1, 1, 1, 1, 0, 0, 0]] * 9 + [[1, 1, 1, 1, 1, 0, 0]])
    assert cluster_subsets((X, subset)).motifs[0].width == 4
    assert cluster_subsets((X, subset), trim=0.1).motifs[0].width == 5
    assert cluster_subsets((X, subset), trim=0.1).motifs[0].name == "GATAN"


def test_groups_are_compared_by_the_subsets_that_hold_the_evidence():
    # E-boxes for wrong predictions, GATA for right ones, both for some
    X, subset, truth = planted(150, words=WORDS[:2])
    labels = []
    for i in range(150):
        kinds = {truth.get((i, number)) for number in (1, 2)}
        labels.append("wrong" if kinds == {0, None} or (i % 3 == 0) else "right")
    found = cluster_subsets((X, subset), labels=labels)
    assert found.groups == ("right", "wrong")
    totals = np.array([sum(labels[i] == g for i, _ in truth) for g in found.groups])
    np.testing.assert_array_equal(found.group_sizes, totals)
    for c, motif in enumerate(found.motifs):
        which = next(k for k, word in enumerate(WORDS) if same(word, motif.name))
        counts = [sum(labels[i] == g and t == which for (i, _), t in truth.items()) for g in found.groups]
        assert found.counts[c].tolist() == counts
        p = stats.fisher_exact([counts, totals - counts])[1]
        assert found.association.p_values[c] == pytest.approx(p)
        assert p < 1e-3
    table = found.to_table()
    np.testing.assert_allclose(table["share wrong"], found.counts[:, 1] / totals[1])
    assert (table["q_value"] >= table["p_value"]).all()
    titles = [axes.get_title(loc="left") for axes in found.plot(title="evidence")]
    assert titles == [f"{c}: {size}" for c, size in enumerate(found.sizes)]


def test_two_results_of_any_lengths_are_groups():
    first, second = planted(60, words=WORDS[:2])[:2], planted(60, words=WORDS[1:3], length=95, seed=1)[:2]
    third = planted(40, words=WORDS[1:2], seed=2)[:2]
    found = cluster_subsets({"a": first, "b": second, "c": third})
    assert found.groups == ("a", "b", "c")
    shares = {motif.name: found.shares[c] for c, motif in enumerate(found.motifs)}
    for word, present in zip(WORDS[:3], ([1, 0, 0], [1, 1, 1], [0, 1, 0]), strict=True):
        share = next(share for name, share in shares.items() if same(name, word))
        assert ((share > 0) == np.array(present, dtype=bool)).all()
    np.testing.assert_allclose(found.shares.sum(axis=0), 1)
    table = np.stack([found.counts[0], found.group_sizes - found.counts[0]])
    assert found.association.p_values[0] == pytest.approx(stats.chi2_contingency(table, correction=False)[1])
    with pytest.raises(ParameterError, match="groups already"):
        cluster_subsets({"a": first}, labels=["x"] * 60)


def test_subsets_of_two_motifs_are_cut_and_counted_once():
    word = "GATAAG" + "C" * 14 + "CAGATG" + "T" * 14 + "GATAAG"
    X = one_hot([word] * 6)
    subset = np.array([[int(letter) for letter in "1" * 6 + "0" * 14 + "1" * 6 + "0" * 14 + "1" * 6]] * 6)
    found = cluster_subsets((X, subset), labels=list("aaabbb"))
    assert [motif.name for motif in found.motifs] == ["GATAAG", "CAGATG"]
    assert found.sizes.tolist() == [12, 6]
    assert found.counts.tolist() == [[3, 3], [3, 3]]
    assert found.group_sizes.tolist() == [3, 3]
    whole = cluster_subsets((X, subset), max_gap=None)
    assert (whole.sizes.tolist(), whole.motifs[0].width) == ([6], len(word))


@pytest.mark.parametrize("method", ["hierarchical", "hdbscan"])
def test_what_is_not_compared_joins_the_nearest_cluster(method):
    X, subset, truth = planted(250, drop=0.1, extra=0.3, noise=0.03)
    found = cluster_subsets((X, subset), max_compared=120, method=method)
    assert found.parameters["compared"] == 120
    inside = found.cluster >= 0
    assert inside.mean() > 0.9
    assert adjusted_rand_score(truth_of(found, truth)[inside], found.cluster[inside]) > 0.95
    again = cluster_subsets((X, subset), max_compared=120, method=method)
    np.testing.assert_array_equal(found.cluster, again.cluster)
    assert [m.counts.tobytes() for m in found.motifs] == [m.counts.tobytes() for m in again.motifs]


def test_noise_and_small_clusters_are_in_none():
    rng = np.random.default_rng(0)
    X = np.eye(4, dtype=np.float32)[rng.integers(0, 4, (40, 30))]
    subset = np.zeros((40, 30), dtype=int)
    subset[:, 8:16] = 1
    found = cluster_subsets((X, subset))
    assert (len(found), found.unclustered, found.association) == (0, 40, None)
    assert found.to_table().empty
    assert list(found.members_table()["end"]) == [-1] * 40
    with pytest.raises(ParameterError, match="no cluster"):
        found.plot()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"method": "kmeans"}, ParameterError, "method"),
        ({"max_distance": 2}, ParameterError, "max_distance"),
        ({"min_size": 1}, ParameterError, "min_size"),
        ({"max_gap": -1}, ParameterError, "max_gap"),
        ({"trim": -0.1}, ParameterError, "trim"),
        ({"max_compared": 0.5}, ParameterError, "max_compared"),
        ({"labels": ["a"]}, ShapeError, "1 labels for 5 sequences"),
        ({"min_bases": 30}, ShapeError, "no piece of 30 bases"),
    ],
)
def test_what_cannot_be_is_refused(options, error, words):
    X, subset, _ = planted(5)
    with pytest.raises(error, match=words):
        cluster_subsets((X, subset), **options)
