"""Scores that are not finite are told of, and name their sequence, however edits are evaluated."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl
from small_networks import L, dna, network

from seqexplain.errors import ScoreWarning
from seqexplain.perturbation import deletion_effects, in_silico_mutagenesis
from seqexplain.perturbation._incremental import IncrementalEvaluator

EVALUATIONS = ("full", "incremental")


def log_of_a_count() -> Any:
    """log(number of A in the sequence, weighted towards its beginning): −inf without any A."""
    x = keras.Input((L, 4))
    y = kl.Conv1D(1, 1, use_bias=False, name="a")(x)
    y = keras.ops.log(kl.Dense(1, use_bias=False, name="count")(kl.Flatten()(y)))
    model = keras.Model(x, y)
    model.get_layer("a").set_weights([np.array([1, 0, 0, 0], np.float32).reshape(1, 4, 1)])
    model.get_layer("count").set_weights([np.arange(L, 0, -1, dtype=np.float32)[:, None]])
    return model


def overflowing() -> Any:
    """tanh(exp(200 a)): infinite inside, and 1 where it comes out."""
    x = keras.Input((L, 4))
    y = kl.Conv1D(1, 3, use_bias=False, padding="same", name="a")(x)
    y = kl.Activation("tanh")(keras.ops.exp(y))
    model = keras.Model(x, kl.Dense(1, use_bias=False, name="sum")(kl.Flatten()(y)))
    model.get_layer("a").set_weights([np.full((3, 4, 1), 60, np.float32) * np.array([[[1], [0], [-1], [0.5]]])])
    model.get_layer("sum").set_weights([np.ones((L, 1), np.float32)])
    return model


@pytest.mark.parametrize("evaluation", EVALUATIONS)
def test_an_edit_whose_score_is_infinite_names_its_sequence(evaluation: str) -> None:
    X = np.zeros((2, L, 4), np.float32)
    X[:, :, 1] = 1
    X[0, :3], X[1, 5] = np.eye(4)[0], np.eye(4)[0]  # three A, and a single one, whose loss is −inf
    with pytest.warns(ScoreWarning, match="Edits of 'lonely' have scores that are not finite") as caught:
        found = in_silico_mutagenesis(log_of_a_count(), X, names=["many", "lonely"], evaluation=evaluation)
    assert len(caught) == 1
    assert np.isfinite(found.effects[0]).all()
    assert np.isneginf(found.effects[1]).sum() == 3
    counts = np.log(np.arange(L, 0, -1) + (L - 5)) - np.log(L - 5)  # another A beside the one
    np.testing.assert_allclose(found.effects[1, 6:, 0], counts[6:], atol=1e-6)


def test_a_sequence_whose_score_is_infinite_is_named() -> None:
    X = np.zeros((5, L, 4), np.float32)
    X[:, :, 1] = 1
    with pytest.warns(ScoreWarning, match=r"The score of 'sequence_0', 'sequence_1', 'sequence_2', … \(5 seq"):
        found = in_silico_mutagenesis(log_of_a_count(), X, start=0, end=1, evaluation="full")
    assert np.isneginf(found.predictions).all()


def test_a_weight_that_is_no_number() -> None:
    model = network()
    kernel = model.get_layer("tasks").kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    with pytest.warns(ScoreWarning, match="The score of 'sequence_0' is not finite"):
        deletion_effects(model, dna(1), target=0)


def test_from_infinity_within_a_model_no_difference_leads_back() -> None:
    model, X = overflowing(), dna(2, seed=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        full = in_silico_mutagenesis(model, X, evaluation="full")
        found = in_silico_mutagenesis(model, X, evaluation="incremental")
    assert np.isfinite(full.effects).all()
    np.testing.assert_array_equal(found.effects, full.effects)


def test_a_check_of_nothing_finite_is_no_check() -> None:
    evaluator = object.__new__(IncrementalEvaluator)
    evaluator.checked, evaluator.targets = False, ()

    class Target:
        weights = (0,)

    evaluator.targets = (Target(),)
    nothing, base = np.full((2, 1, 1), np.nan), np.zeros((2, 1))
    evaluator.compare(nothing, nothing, base, str)
    assert not evaluator.checked
    evaluator.compare(nothing + 1, np.stack([nothing[0], nothing[0]]), base, str)
    assert not evaluator.checked
    mixed = np.array([[[np.nan]], [[0.5]]])
    evaluator.compare(mixed, mixed, base, str)
    assert evaluator.checked
