"""How a model reads DNA is read off it or declared, and said clearly where neither works."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

import seqexplain
from seqexplain.errors import ModelLoadError, ParameterError, ShapeError
from seqexplain.models.backend import to_numpy
from seqexplain.models.sequence_model import SequenceModel

L = 8


def model_of(shape: tuple[int | None, ...], units: int = 1, activation: str | None = None) -> Any:
    x = keras.Input(shape, name="dna")
    y = kl.Conv1D(3, 3, activation="relu", bias_initializer="ones")(x) if len(shape) == 2 else x
    pooled = kl.GlobalMaxPooling1D()(y) if len(shape) == 2 else kl.Flatten()(y)
    return keras.Model(x, kl.Dense(units, activation=activation, name="score")(pooled), name="toy")


def dna(n: int, length: int = L) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[np.random.default_rng(0).integers(0, 4, (n, length))]


@pytest.mark.parametrize(
    ("shape", "layout", "length"),
    [
        ((L, 4), "LC", L),
        ((4, L), "CL", L),
        ((L, 4, 1), "LC1", L),
        ((1, 4, L), "1CL", L),
        ((None, 4), "LC", None),
        ((4, 4), "LC", 4),
    ],
)
def test_layouts_are_read_off(shape: tuple[int | None, ...], layout: str, length: int | None) -> None:
    model = SequenceModel(model_of(shape))
    assert (model.layout, model.length) == (layout, length)


def test_layouts_can_be_declared() -> None:
    assert SequenceModel(model_of((4, 4)), layout="CL").layout == "CL"
    x = np.arange(2 * L * 4, dtype=np.float32).reshape(2, L, 4)
    turned = SequenceModel(model_of((4, L)), base_order="TGCA").to_layout(x)
    np.testing.assert_array_equal(turned, x[..., ::-1].transpose(0, 2, 1))


@pytest.mark.parametrize(
    ("shape", "options", "error", "message"),
    [
        ((L, 5), {}, ModelLoadError, "looks like one-hot DNA"),
        ((L, 4), {"layout": "CL"}, ParameterError, "does not fit"),
        ((L, 4), {"layout": "LX"}, ParameterError, "not understood"),
        ((L, 4), {"base_order": "ACGU"}, ParameterError, "each of A, C, G and T"),
        ((L, 4), {"unknown": "half"}, ParameterError, 'use "zeros" or "uniform"'),
        ((L, 4), {"sequence_input": "rna"}, ModelLoadError, "no input 'rna'"),
        ((L, 4), {"extra_inputs": {"cell": 1}}, ParameterError, "no extra input 'cell'"),
    ],
)
def test_what_makes_no_sense_is_explained(shape: Any, options: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        SequenceModel(model_of(shape), **options)


def test_two_inputs_that_could_be_the_sequence() -> None:
    a, b = keras.Input((L, 4), name="left"), keras.Input((L, 4), name="right")
    keras_model = keras.Model([a, b], kl.Dense(1)(kl.Flatten()(kl.Subtract()([a, b]))))
    with pytest.raises(ModelLoadError, match="sequence_input='left'"):
        SequenceModel(keras_model)
    model = SequenceModel(keras_model, sequence_input="right", extra_inputs={"left": np.zeros((L, 4))})
    X = dna(2)
    wanted = to_numpy(keras_model([np.zeros_like(X), X]))
    np.testing.assert_allclose(model.predict(X), wanted, rtol=1e-5, atol=1e-6)


def test_what_is_no_model() -> None:
    with pytest.raises(ModelLoadError, match="expected a Keras 3 model"):
        SequenceModel(object())


def test_predict() -> None:
    keras_model = model_of((L, 4), units=3, activation="sigmoid")
    model = SequenceModel(keras_model)
    X = dna(5)
    wanted = to_numpy(keras_model(X))
    np.testing.assert_allclose(model.predict(X), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict(X, batch_size=2), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict(X, target=1), wanted[:, 1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict(X, target=[2, 0]), wanted[:, [2, 0]], rtol=1e-5, atol=1e-6)
    logits = model.predict(X, level="logit")
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), wanted, rtol=1e-5, atol=1e-6)
    strings = ["".join("ACGT"[k] for k in x.argmax(axis=1)) for x in X]
    np.testing.assert_array_equal(model.predict(strings), model.predict(X))
    assert model.predict(X[:0]).shape == (0, 3)
    with pytest.raises(ShapeError, match="9 bp"):
        model.predict(dna(2, 9))


def test_sequences_of_any_length_are_scored_each_at_its_own() -> None:
    model = SequenceModel(model_of((None, 4)))
    strings = ["ACGTAC", "GGGTTTAC", "TTTTTT", "ACG"]
    together = model.predict(strings)
    alone = np.concatenate([model.predict([s]) for s in strings])
    np.testing.assert_allclose(together, alone, rtol=1e-6, atol=1e-6)


def windows_in_a_row(dilation: int = 1) -> Any:
    x = keras.Input((None, 4))
    y = kl.Conv1D(3, 3, dilation_rate=dilation, use_bias=False, name="first")(x)
    y = kl.Conv1D(3, 3, use_bias=False, name="second")(kl.MaxPooling1D(2, name="pool")(y))
    return keras.Model(x, kl.Dense(1)(kl.GlobalAveragePooling1D()(y)), name="valid")


@pytest.mark.parametrize(("length", "layer"), [(1, "first"), (2, "first"), (3, "pool"), (4, "second"), (7, "second")])
def test_sequences_that_leave_no_position(length: int, layer: str) -> None:
    model, X = SequenceModel(windows_in_a_row()), dna(2, length)
    for call in (lambda: model.predict(X, batch_size=2), lambda: seqexplain.saliency(model, X)):
        with pytest.raises(ShapeError, match=f"{length} bp are too short for the model 'valid': the layer '{layer}'"):
            call()
    assert model.predict(dna(2, 8)).shape == (2, 1)


def test_a_model_of_any_length_with_a_long_receptive_field() -> None:
    keras_model, X = windows_in_a_row(dilation=150), dna(2, 310)
    found = SequenceModel(keras_model).predict(X)
    np.testing.assert_allclose(found, to_numpy(keras_model(X)), rtol=1e-5, atol=1e-6)


def test_a_track_of_any_length_beside_the_sequence() -> None:
    x, track = keras.Input((None, 4), name="dna"), keras.Input((None, 2), name="control")
    y = kl.Concatenate()([kl.Conv1D(3, 3, padding="same", activation="relu")(x), track])
    keras_model = keras.Model([x, track], kl.Dense(1)(kl.GlobalAveragePooling1D()(kl.Conv1D(2, 1)(y))))
    X, control = dna(3, 9), np.random.default_rng(0).normal(size=(3, 9, 2)).astype("float32")
    model = SequenceModel(keras_model, sequence_input="dna", extra_inputs={"control": control})
    wanted = to_numpy(keras_model([X, control]))
    np.testing.assert_allclose(model.predict(X), wanted, rtol=1e-5, atol=1e-6)
    found = seqexplain.deeplift(model, X, references="zeros")
    assert np.abs(found.completeness_error).max() < 1e-5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1.0], "extra_inputs must map names of inputs to arrays; received list"),
        ({"cell": "liver"}, "extra input 'cell' must be an array of numbers"),
        ({"cell": {"one": object()}}, "extra input 'cell' must be an array of numbers"),
        ({"cel": 1.0}, "no extra input 'cel'; it has: cell"),
    ],
)
def test_extra_inputs_that_cannot_be(given: Any, message: str) -> None:
    x, cell = keras.Input((L, 4)), keras.Input((1,), name="cell")
    model = SequenceModel(keras.Model([x, cell], kl.Dense(1)(kl.Concatenate()([kl.Flatten()(x), cell]))))
    for call in (
        lambda: model.predict(dna(2), extra_inputs=given),
        lambda: seqexplain.deeplift(model, dna(2), references="zeros", extra_inputs=given),
        lambda: SequenceModel(model.keras_model, extra_inputs=given),
    ):
        with pytest.raises(ParameterError, match=message):
            call()
