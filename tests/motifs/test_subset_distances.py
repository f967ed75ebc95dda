"""Distances of pieces against sets shifted and compared one by one, and the laws of a metric."""

from __future__ import annotations

import numpy as np
import pytest
from planted import planted
from scipy.spatial.distance import squareform

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.motifs._subsets import condensed_distances, distances, read_pieces


def some(n: int = 40, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, 30))
    return np.eye(4, dtype=np.float32)[codes], (rng.random((n, 30)) < 0.25) * rng.integers(1, 3, (n, 30))


def slow_distance(a: set, b: set, both: bool) -> float:
    """min over shifts of 1 − |A ∩ B| / |A ∪ B|, of sets of (position, base)."""
    best = 1.0
    for turned in (b, {(-p, 3 - c) for p, c in b})[: 2 if both else 1]:
        for shift in range(-100, 101):
            moved = {(p + shift, c) for p, c in turned}
            best = min(best, 1 - len(a & moved) / len(a | moved))
    return best


@pytest.mark.parametrize("both", [True, False])
def test_distances_are_those_of_sets(both):
    X, subset = some(12)
    pieces, _ = read_pieces((X, subset))
    sets = []
    for k in range(len(pieces)):
        where = np.flatnonzero(subset[pieces.sequence[k]] == pieces.number[k])
        sets.append({(int(p), int(X[pieces.sequence[k], p].argmax())) for p in where})
    everything = np.arange(len(pieces))
    found = distances(pieces, everything, everything, both_strands=both)
    wanted = [[slow_distance(a, b, both) for b in sets] for a in sets]
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    np.testing.assert_array_equal(
        squareform(condensed_distances(pieces, everything, both_strands=both)), found - np.diag(np.diag(found))
    )


def test_it_is_a_metric():
    X, subset = some(60)
    pieces, _ = read_pieces((X, subset))
    d = squareform(condensed_distances(pieces, np.arange(len(pieces)), both_strands=True))
    assert len(d) > 100  # more than one block of rows
    assert (d[:, :, None] <= d[:, None, :] + d.T[None] + 1e-12).all()
    assert d.min() >= 0
    assert d.max() <= 1


def test_the_same_pattern_is_at_distance_0_wherever_it_lies():
    X, subset = some(20)
    rolled, turned = (np.roll(X, 7, axis=1), np.roll(subset, 7, axis=1)), (X[:, ::-1, ::-1], subset[:, ::-1])
    inner = np.zeros_like(subset)
    inner[:, :23] = subset[:, :23]  # what does not run over the end
    rolled = (rolled[0], np.roll(inner, 7, axis=1))
    one, two, three = (read_pieces(g)[0] for g in ((X, inner), rolled, (turned[0], inner[:, ::-1])))
    both, _ = read_pieces({"a": (X, inner), "b": rolled, "c": (turned[0], inner[:, ::-1])})
    k = len(one)
    assert len(two) == len(three) == k
    order = np.arange(k)
    d = distances(both, order, order + k, both_strands=False)
    np.testing.assert_array_equal(np.diag(d), 0)
    np.testing.assert_array_equal(np.diag(distances(both, order, order + 2 * k, both_strands=True)), 0)
    assert np.diag(distances(both, order, order + 2 * k, both_strands=False)).max() > 0


def test_subsets_are_cut_at_wide_gaps():
    X, _, _ = planted(1)
    subset = np.zeros((1, 80), dtype=np.int32)
    subset[0, [3, 4, 6, 17, 18, 19, 50, 51]] = 1
    subset[0, [10, 12, 14]] = 2
    whole, _ = read_pieces((X, subset))
    assert (whole.spans.tolist(), whole.sizes.tolist(), whole.first.tolist()) == ([49, 5], [8, 3], [3, 10])
    cut, _ = read_pieces((X, subset), max_gap=10)
    assert cut.first.tolist() == [3, 50, 10]
    apart, _ = read_pieces((X, subset), max_gap=9)
    assert (apart.first.tolist(), apart.spans.tolist()) == ([3, 17, 50, 10], [4, 3, 2, 5])
    large, _ = read_pieces((X, subset), max_gap=9, min_bases=3)
    assert large.first.tolist() == [3, 17, 10]
    assert large.all_subsets.tolist() == [[0, 0, 1], [0, 0, 2]]
    assert large.bounds.tolist() == [0, 3, 6, 9]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (5, ParameterError, "expected what sufficient_input_subsets returns"),
        ({}, ParameterError, "empty"),
        ((np.zeros((2, 9, 4)), np.zeros((2, 8), int)), ShapeError, r"subset \(2, 8\)"),
        ((np.zeros((2, 9, 4)), np.zeros((2, 9))), ShapeError, "whole numbers"),
        ((np.zeros((2, 9, 4)), np.zeros((2, 3, 9), int)), ShapeError, "for_target"),
        ((np.zeros((2, 9, 4)), np.ones((2, 9), int)), ShapeError, "its base is unknown"),
        ((np.full((2, 9, 4), 0.25), np.ones((2, 9), int)), ShapeError, "one-hot"),
    ],
)
def test_what_cannot_be_is_refused(given, error, words):
    with pytest.raises(error, match=words):
        read_pieces(given)
