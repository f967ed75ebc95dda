"""Subsets with known motifs become patterns, with their places, strands, signs and contributions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planted import planted

from seqexplain.errors import ParameterError, ShapeError, TargetError
from seqexplain.motifs import cluster_subsets, sis_patterns
from seqexplain.results import Attributions, SufficientInputSubsets
from seqexplain.sequences import reverse_complement
from seqexplain.storage import save


def result_of(X: np.ndarray, subset: np.ndarray, *, negative: bool = False) -> SufficientInputSubsets:
    """A result whose contributions are 1 at the bases of subsets (−1 where it is negative)."""
    n = len(X)
    inside = (subset > 0).astype(np.float32) * (-1 if negative else 1)
    zeros = np.zeros(n, np.float32)
    rank = np.zeros_like(subset)
    for i in range(n):
        for number in range(1, int(subset[i].max()) + 1):
            places = np.flatnonzero(subset[i] == number)
            rank[i, places] = 1 + np.arange(len(places))
    return SufficientInputSubsets(
        contributions=inside[..., None] * X, X=X, predictions=zeros, targets=("t",), method="sufficient_input_subsets",
        parameters={"negative": negative}, subset=subset.astype(np.int32), rank=rank.astype(np.int32),
        subset_value=np.zeros(subset.shape, np.float32), threshold=zeros, rest_predictions=zeros,
        masked_predictions=zeros, stopped=np.zeros(n, np.uint8),
    )  # fmt: skip


@pytest.fixture(scope="module")
def given() -> tuple[np.ndarray, np.ndarray]:
    X, subset, _ = planted(120, words=("CACGTGAC", "GATAAGGC", "TTCCGGAAGT"))
    return X, subset


def test_patterns_are_the_clusters(given):
    X, subset = given
    clusters = cluster_subsets((X, subset))
    found = sis_patterns(result_of(X, subset), flank=0)
    assert len(found) == len(clusters) == 3
    assert [p.id for p in found] == ["pos_0", "pos_1", "pos_2"]
    names = {motif.name for motif in clusters.motifs}
    assert {p.consensus for p in found} == names
    for pattern in found:
        c = [motif.name for motif in clusters.motifs].index(pattern.consensus)
        mine = clusters.cluster == c
        assert set(zip(pattern.sequence, pattern.start, pattern.strand, strict=True)) == set(
            zip(clusters.sequence[mine], clusters.start[mine], clusters.strand[mine], strict=True)
        )
        for i, start, strand in zip(pattern.sequence, pattern.start, pattern.strand, strict=True):
            word = X[i, start : start + pattern.width]
            np.testing.assert_array_equal(
                (reverse_complement(word) if strand == "-" else word).argmax(axis=1),
                ["ACGT".index(b) for b in pattern.consensus],
            )
        np.testing.assert_allclose(pattern.cwm.sum(axis=1), 1.0)
        assert (pattern.contribution == pattern.width).all()


def test_flanks_are_looked_at_and_left_out_of_the_core(given):
    """Also where the base that is masked last has nearly all of a subset's contribution."""
    X, subset = given
    result = result_of(X, subset)
    result = replace(result, contributions=result.contributions * np.where(result.rank == 1, 1, 0.01)[..., None])
    narrow, wide = sis_patterns(result, flank=0), sis_patterns(result)
    for a, b in zip(narrow, wide, strict=True):
        assert b.width == a.width + 10
        assert b.core == (5, 5 + a.width)
        assert b.trimmed().consensus == a.consensus
        np.testing.assert_array_equal(b.trimmed().start, a.start)


def test_negative_subsets_become_negative_patterns(given):
    X, subset = given
    subset = np.where(subset == 1, 1, 0)
    first = result_of(X, np.where(np.arange(120)[:, None] < 60, subset, 0))
    second = result_of(X, np.where(np.arange(120)[:, None] < 60, 0, subset), negative=True)
    found = sis_patterns([first, second])
    signs = [p.sign for p in found]
    assert signs == sorted(signs, reverse=True)
    assert set(signs) == {1, -1}
    for pattern in found:
        assert (pattern.sequence < 60).all() == (pattern.sign > 0)
        assert np.sign(pattern.contribution.mean()) == pattern.sign


def test_contributions_of_another_method(given, tmp_path: Path):
    X, subset = given
    scores = (X * np.random.default_rng(0).normal(1.0, 0.1, X.shape)).astype(np.float32)
    other = Attributions(
        contributions=scores, X=X, predictions=np.zeros(120, np.float32), hypothetical=scores, targets=("t",)
    )
    other = replace(other, hypothetical=scores + (1 - X) * 0.5)
    found = sis_patterns(result_of(X, subset), contributions=other, flank=2)
    for pattern in found:
        assert pattern.hypothetical_cwm is not None
        np.testing.assert_allclose(pattern.cwm.sum(axis=1), 1.0, atol=0.1)
    store = tmp_path / "sis.zarr"
    save(result_of(X, subset), store)
    stored = sis_patterns(store, contributions=other, flank=2)
    for a, b in zip(found, stored, strict=True):
        np.testing.assert_array_equal(a.cwm, b.cwm)
        np.testing.assert_array_equal(a.start, b.start)
    with pytest.raises(ShapeError, match="the first that differs is 'sequence_0'"):
        sis_patterns(result_of(X, subset), contributions=replace(other, X=X[::-1], contributions=scores[::-1]))
    with pytest.raises(ShapeError, match="120 of 80 bp"):
        sis_patterns(result_of(X, subset), contributions=other.take(slice(0, 20)))


def test_a_shared_occurrence_counts_once():
    X, _, _ = planted(10, words=("GATTACACCA",), seed=3)
    at = [next(k for k in range(71) if _is(X[i, k : k + 10], "GATTACACCA")) for i in range(10)]
    subset = np.zeros((10, 80), int)
    for i, k in enumerate(at):  # some occurrences are shared out among two subsets, side by side
        subset[i, k : k + 10] = [1] * 5 + [2] * 5 if i < 3 else 1
    found = sis_patterns(result_of(X, subset), max_distance=0.9, flank=0)
    assert len(found) == 1
    assert len(cluster_subsets((X, subset), max_distance=0.9).cluster) == 13
    assert sorted(found[0].sequence) == list(range(10))


def _is(word: np.ndarray, text: str) -> bool:
    wanted = np.array(["ACGT".index(b) for b in text])
    return any(np.array_equal(w.argmax(axis=1), wanted) for w in (word, word[::-1, ::-1]))


def test_too_few_subsets_are_said_so(given):
    X, subset = given
    few = sis_patterns(result_of(X[:2], subset[:2]))
    assert len(few) == 0
    assert "too few for a cluster" in few.notes[0]
    none = sis_patterns(result_of(X, np.zeros_like(subset)))
    assert len(none) == 0
    assert none.notes[0].startswith("0 subsets have 0 pieces")
    rng = np.random.default_rng(0)
    random = np.eye(4, dtype=np.float32)[rng.integers(0, 4, (8, 80))]
    scattered = np.zeros((8, 80), int)
    for i in range(8):
        scattered[i, 20 : 20 + 12] = 1
    unlike = sis_patterns(result_of(random, scattered), max_distance=0.1)
    assert len(unlike) == 0
    assert "there is no cluster" in unlike.notes[0]


def test_what_is_no_subset_is_refused(given, tmp_path: Path):
    X, subset = given
    plain = Attributions(contributions=X, X=X, predictions=np.zeros(120, np.float32), targets=("t",), method="saliency")
    with pytest.raises(ParameterError, match="of type Attributions"):
        sis_patterns(plain)
    save(plain, tmp_path / "plain.zarr")
    with pytest.raises(ParameterError, match="computed with 'saliency' and holds no subsets"):
        sis_patterns(tmp_path / "plain.zarr")
    with pytest.raises(ShapeError, match="not of the same sequences"):
        sis_patterns([result_of(X, subset), result_of(X[::-1], subset[::-1])])
    with pytest.raises(ParameterError, match="empty list"):
        sis_patterns([])
    with pytest.raises(ParameterError, match="whole number of bp"):
        sis_patterns(result_of(X, subset), flank=-1)
    with pytest.raises(TargetError):
        sis_patterns(result_of(X, subset), target="other")


def test_a_palindrome_whose_halves_are_two_subsets_is_one_occurrence():
    rng = np.random.default_rng(0)
    codes, subset = rng.integers(0, 4, (60, 40)), np.zeros((60, 40), dtype=int)
    for i, at in enumerate(rng.integers(5, 25, 60)):
        codes[i, at : at + 8] = ["ACGT".index(base) for base in "CCACGTGG"]
        subset[i, at : at + 8] = 1 if i < 40 else [1, 1, 1, 1, 2, 2, 2, 2]
    (one,) = sis_patterns(result_of(np.eye(4, dtype=np.float32)[codes], subset))
    assert one.trimmed().consensus == "CCACGTGG"
    assert one.size == 60
    assert len(np.unique(one.sequence)) == 60
