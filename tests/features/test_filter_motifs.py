"""Filters of models: a kernel that is a known motif gives that motif; importance is that of the hidden layer."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import dna, randomise, tasks
from keras import layers as kl

from seqexplain import layer_deeplift
from seqexplain.attribution import DeepLift  # noqa: F401 - the engine that is used, imported once
from seqexplain.errors import ParameterError, ShapeError, TargetError
from seqexplain.features import filter_motifs, filter_patterns_of_model
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import Attributions
from seqexplain.sequences import dinucleotide_shuffle, one_hot

GATA = np.array([[9, 1, 1, 9], [0, 0, 20, 0], [20, 0, 0, 0], [0, 0, 0, 20], [18, 0, 1, 1], [14, 1, 4, 1]], float)
CONSENSUS = "AGATAA"


def log_odds(counts: np.ndarray) -> np.ndarray:
    p = (counts + 0.05) / (counts + 0.05).sum(axis=1, keepdims=True)
    return np.log2(p / 0.25)


def sampled(n: int, length: int, seed: int = 0, *, strand: str = "+") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random sequences with one occurrence of GATA's matrix each: X, places, and the words `(n, 6)`."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, length))
    p = GATA / GATA.sum(axis=1, keepdims=True)
    words = np.stack([rng.choice(4, n, p=row) for row in p], axis=1)
    at = rng.integers(0, length - 5, n)
    for i in range(n):
        codes[i, at[i] : at[i] + 6] = 3 - words[i, ::-1] if strand == "-" else words[i]
    return np.eye(4, dtype=np.float32)[codes], at, words


def scanner(kernel: np.ndarray, bias: float, length: int, *, separate: bool = False, **options: Any) -> Any:
    """A model with one filter, whose kernel is given, beside a dead one."""
    x = keras.Input((length, 4))
    layer = kl.Conv1D(2, len(kernel), activation=None if separate else "relu", name="scan", **options)
    y = layer(x)
    if separate:
        y = kl.ReLU(name="active")(kl.BatchNormalization(name="norm")(y))
    y = kl.Dense(1, name="out")(kl.GlobalMaxPooling1D()(y))
    model = randomise(keras.Model(x, y))
    layer.set_weights([np.stack([kernel, -np.ones_like(kernel)], axis=-1), np.array([bias, -1.0])])
    if separate:
        model.get_layer("norm").set_weights([np.array([2.0, 2.0]), np.zeros(2), np.zeros(2), np.ones(2)])
    return model


@pytest.mark.parametrize("separate", [False, True])
def test_a_kernel_that_is_a_motif_gives_the_motif(separate: bool) -> None:
    X, at, _ = sampled(400, 30)
    model = scanner(log_odds(GATA), -2.0, 30, separate=separate)
    found = filter_motifs(model, X, n_references=2, n_explained=20)
    first, dead = found["filter_0"], found["filter_1"]
    assert first.motif.consensus == CONSENSUS
    # what the kernel scores the most in each sequence, computed without the model
    kernel = log_odds(GATA)
    scores = np.stack([(X[:, k : k + 6] * kernel).sum(axis=(1, 2)) for k in range(25)], axis=1) - 2
    best = scores.max(axis=1)
    rows = np.flatnonzero(best >= 0.5 * best.max())
    np.testing.assert_array_equal(first.sequence, rows)
    # of windows that score alike to the last digit, rounding may take any
    np.testing.assert_allclose(scores[rows, first.start], best[rows], rtol=1e-6)
    wanted = sum(X[i, s : s + 6] for i, s in zip(rows, first.start, strict=True))
    np.testing.assert_array_equal(first.motif.counts, wanted)
    np.testing.assert_allclose(first.activation, best[rows] * (1 if not separate else 2 / np.sqrt(1.001)), rtol=1e-4)
    assert (first.start == at[rows]).mean() > 0.9
    # the planted words are those of the matrix, so the motif is near the matrix itself
    p = GATA / GATA.sum(axis=1, keepdims=True)
    assert np.abs(first.motif.probabilities - p).max() < 0.12
    assert first.n_background < first.n_active
    assert first.q_value < 1e-10
    assert dead.motif is None
    assert dead.note == "never active"
    assert any("1 of 2 filters are dead" in note for note in found.notes)
    assert found.rank.tolist() == [1, 2]
    assert found.mean_absolute[1] == 0


def test_both_strands_find_the_motif_on_either() -> None:
    plus, minus = sampled(100, 30)[0], sampled(100, 30, seed=1, strand="-")[0]
    keras_model = scanner(log_odds(GATA), -4.0, 30)
    model = SequenceModel(keras_model, average_strands=True)
    found = filter_motifs(model, np.concatenate([plus, minus]), importance=False)
    first = found["filter_0"]
    assert first.motif.consensus == CONSENSUS
    from_plus = first.sequence < 100
    assert (first.strand[from_plus] == "+").mean() > 0.9
    assert (first.strand[~from_plus] == "-").mean() > 0.9
    one = filter_motifs(keras_model, np.concatenate([plus, minus]), importance=False)["filter_0"]
    assert (one.strand == "+").all()
    assert first.n_active > 1.5 * one.n_active


def test_activations_below_zero() -> None:
    X, _, _ = sampled(200, 30)
    x = keras.Input((30, 4))
    layer = kl.Conv1D(1, 6, name="scan")
    model = keras.Model(x, kl.Dense(1)(kl.GlobalAveragePooling1D()(layer(x))))
    layer.set_weights([-log_odds(GATA)[..., None], np.zeros(1)])
    found = filter_motifs(model, X, importance=False, threshold=0.8)
    assert [one.id for one in found] == ["filter_0", "filter_0_negative"]
    assert found["filter_0_negative"].motif.consensus == CONSENSUS
    assert (found["filter_0_negative"].activation < 0).all()
    assert [one.id for one in filter_motifs(model, X, importance=False, negative=False)] == ["filter_0"]
    for activation, ids in (("elu", 1), ("gelu", 1), ("tanh", 2), ("softplus", 1)):
        y = kl.Activation(activation)(kl.MaxPooling1D(2)(layer(x)))  # after pooling
        ending = keras.Model(x, kl.Dense(1)(kl.GlobalAveragePooling1D()(y)))
        assert len(filter_motifs(ending, X, importance=False)) == ids
        y = kl.Activation(activation)(layer(x))
        ending = keras.Model(x, kl.Dense(1)(kl.GlobalAveragePooling1D()(y)))
        assert len(filter_motifs(ending, X, importance=False)) == ids


@pytest.mark.slow
def test_importance_is_that_of_the_layer() -> None:
    keras_model, X = tasks(), dna(9, seed=1)
    found = filter_motifs(keras_model, X, target=1, n_references=3, batch_size=4)
    wanted = layer_deeplift(keras_model, X, layer="motifs", target=1, n_references=3).by_channel()
    np.testing.assert_allclose(found.mean_contribution, wanted.mean(axis=0), rtol=0, atol=2e-6)
    np.testing.assert_allclose(found.mean_absolute, np.abs(wanted).mean(axis=0), rtol=0, atol=2e-6)
    assert found.rank.tolist() == (1 + np.argsort(np.argsort(-found.mean_absolute))).tolist()
    assert found.target == "tasks[1]" or "1" in found.target
    some = filter_motifs(keras_model, X, target=1, n_references=3, n_explained=4)
    means = np.stack([wanted[list(rows)].mean(axis=0) for rows in combinations(range(9), 4)])
    gaps = np.abs(means - some.mean_contribution).max(axis=1)
    assert np.count_nonzero(gaps < 2e-6) == 1  # of four sequences, whichever were drawn
    turned = filter_motifs(keras_model, X[::-1], target=1, n_references=3, n_explained=4)  # of the same four
    np.testing.assert_allclose(turned.mean_contribution, some.mean_contribution, rtol=0, atol=2e-6)
    with pytest.raises(TargetError):
        filter_motifs(keras_model, X)
    with pytest.raises(ParameterError, match="for one target"):
        filter_motifs(keras_model, X, target=[0, 1])
    assert filter_motifs(keras_model, X, importance=False).rank is None


def test_batches_give_the_same_and_backgrounds_of_any_kind_serve() -> None:
    X, _, _ = sampled(37, 30)
    model = SequenceModel(scanner(log_odds(GATA), -2.0, 30))
    whole = filter_motifs(model, X, importance=False)
    parts = filter_motifs(model, X, importance=False, batch_size=8)
    shuffled = filter_motifs(model, X, importance=False, background=dinucleotide_shuffle(X, 1)[:, 0])
    for other in (parts, shuffled):
        np.testing.assert_array_equal(other["filter_0"].motif.counts, whole["filter_0"].motif.counts)
        assert other["filter_0"].n_background == whole["filter_0"].n_background > 0
    none = filter_motifs(model, X, importance=False, background=None)
    assert none["filter_0"].n_background is None
    assert np.isnan(none["filter_0"].p_value)
    more = filter_motifs(model, X, importance=False, background=dinucleotide_shuffle(X, 3))
    assert more.n_background == 111
    with pytest.raises(ParameterError, match="not made of sequences"):
        filter_motifs(model, X, importance=False, background="uniform")
    with pytest.raises(ShapeError, match="no sequence"):
        filter_motifs(model, X[:0])


def test_patterns_of_stored_contributions() -> None:
    X, _, _ = sampled(60, 30)
    keras_model = scanner(log_odds(GATA), -2.0, 30)
    scores = X * np.random.default_rng(0).normal(size=X.shape).astype(np.float32)
    result = Attributions(contributions=scores, X=X, predictions=np.zeros(60, np.float32), targets=("t",))
    patterns, found = filter_patterns_of_model(keras_model, result)
    assert len(patterns) == 1
    (pattern,) = patterns
    assert patterns.parameters["filters"] == {pattern.id: "filter_0"}
    assert patterns.parameters["threshold_of"] == "background"
    assert filter_patterns_of_model(keras_model, result, threshold=0.4)[1].parameters["threshold_of"] == "maximum"
    first = found["filter_0"]
    np.testing.assert_array_equal(pattern.motif.counts, first.motif.counts)
    total = [scores[i, s : s + 6].sum() for i, s in zip(first.sequence, first.start, strict=True)]
    np.testing.assert_allclose(pattern.contribution, total, rtol=1e-5, atol=1e-6)
    assert pattern.sign == (-1 if np.mean(total) < 0 else 1)
    every = found.patterns(result, largest=0)
    assert len(every) == 0
    assert "1 filters contribute less" in every.notes[-1]
    other = Attributions(contributions=scores[::-1], X=X[::-1], predictions=np.zeros(60, np.float32), targets=("t",))
    with pytest.raises(ShapeError, match="other bases"):
        found.patterns(other)
    with pytest.raises(ShapeError, match="60 of 30 bp"):
        found.patterns(result.take(slice(0, 5)))


def test_edges_and_unknown_bases() -> None:
    X = one_hot(["AGATAACCCCCC", "CCCCCCCAGATA", "NNATAACCCCCC"])
    model = scanner(log_odds(GATA), 0.0, 12, padding="same")
    found = filter_motifs(model, X, importance=False, background=None, threshold=0.3)
    first = found["filter_0"]
    assert first.start.tolist() == [0, 7, 0]
    assert first.motif.counts.sum(axis=1).tolist() == [3.0] * 6
    # the second hangs over the end by one base, the third begins with two that are unknown: ¼ of each
    np.testing.assert_array_equal(first.motif.counts[5], [2.25, 0.25, 0.25, 0.25])
    np.testing.assert_array_equal(first.motif.counts[0], [2.25, 0.25, 0.25, 0.25])
    assert first.unknown == pytest.approx(3 / 18)
