"""Layers are found by name, once for each of their calls."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

from seqexplain.errors import ParameterError
from seqexplain.models.backend import to_numpy, to_tensor
from seqexplain.models.sequence_model import SequenceModel

L = 10


def values_of(model: SequenceModel, X: np.ndarray) -> dict[int, np.ndarray]:
    operations = range(len(model.graph.operations))
    return {
        k: to_numpy(v) for k, v in model.graph.run(model.weights(), model.feeds(to_tensor(X), {}), operations).items()
    }


@pytest.fixture(name="X")
def sequences() -> np.ndarray:
    return np.eye(4, dtype=np.float32)[np.random.default_rng(0).integers(0, 4, (2, L))]


def build() -> Any:
    x = keras.Input((L, 4))
    shared = kl.Conv1D(3, 3, padding="same", activation="relu", name="shared")
    first = kl.Conv1D(3, 3, padding="same", activation=kl.LeakyReLU(), name="first")(x)
    once = shared(first)
    twice = shared(once)
    inner = keras.Sequential([kl.Conv1D(2, 1, name="mix"), kl.ReLU(name="cut")], name="block")
    y = inner(kl.Dropout(0.5, name="drop")(twice))
    heads = kl.Dense(2, activation="sigmoid", name="out")(kl.GlobalAveragePooling1D(name="mean")(y))
    return keras.Model(x, [heads, first, once, twice, y], name="toy")


def test_a_layers_value_is_what_keras_computes(X: np.ndarray) -> None:
    keras_model = build()
    model = SequenceModel(keras_model)
    found = values_of(model, X)
    names = ("out", "first", "shared#1", "shared#2", "block")
    for name, wanted in zip(names, keras_model(X), strict=True):
        np.testing.assert_allclose(found[model.layer_value(name)], to_numpy(wanted), atol=1e-6, err_msg=name)
    assert model.layer_value("block/cut") == model.layer_value("block") != model.layer_value("block/mix")
    assert model.layer_values("shared") == (model.layer_value("shared#1"), model.layer_value("shared#2"))


def test_both_strands_are_two_calls(X: np.ndarray) -> None:
    x = keras.Input((L, 4))
    keras_model = keras.Model(x, kl.Dense(1)(kl.GlobalMaxPooling1D()(kl.Conv1D(3, 3, name="motifs")(x))))
    model = SequenceModel(keras_model, average_strands=True)
    found, single = values_of(model, X), SequenceModel(keras_model)
    value = single.layer_value("motifs")
    for call, given in zip(model.layer_values("motifs"), (X, X[:, ::-1, ::-1].copy()), strict=True):
        np.testing.assert_allclose(found[call], values_of(single, given)[value], atol=1e-6)


def test_a_nested_model_that_repeats_its_last_layer(X: np.ndarray) -> None:
    z = keras.Input((L, 3))
    again = kl.Dense(3, activation="relu", name="again")
    block = keras.Model(z, again(again(z)), name="block")
    x = keras.Input((L, 4))
    model = SequenceModel(keras.Model(x, kl.Flatten()(block(kl.Conv1D(3, 1)(x)))))
    assert model.layer_value("block") == model.layer_values("block/again")[-1]
    assert len(model.layer_values("block/again")) == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("motif", "no layer 'motif' .*It has: first, first/activation, shared, block/mix, block/cut, mean, out"),
        ("shred", r"Did you mean 'shared'\?"),
        ("drop", "no layer 'drop' that computes"),
        ("shared", r"called 2 times.*'shared#1' to 'shared#2'"),
        ("shared#3", "called 2 times; use a number from 1 to 2"),
        ("first#x", "called 1 time; use"),
        ("", "no layer ''"),
        (3, "no layer 3"),
    ],
)
def test_what_is_not_there_is_said(name: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        SequenceModel(build()).layer_value(name)
