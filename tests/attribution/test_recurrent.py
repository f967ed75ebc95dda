"""Recurrent layers: DeepLIFT against an unrolled oracle, completeness, gradients, batches; on each Keras backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import array_of, dna, randomise
from keras import layers as kl
from oracle.recurrent_numpy import RELU, SIGMOID, TANH, Gru, Lstm, Simple

from seqexplain.attribution import deeplift, saliency
from seqexplain.errors import UnsupportedLayerError
from seqexplain.models.backend import to_numpy, to_tensor, vjp
from seqexplain.models.sequence_model import SequenceModel

L, N, R = 9, 2, 3
SCORE_TOLERANCE = 1e-5  # of the largest score
FUNCTIONS = {"sigmoid": SIGMOID, "tanh": TANH, "relu": RELU}


def weights_of(variable: Any) -> np.ndarray:
    return array_of(variable).astype(np.float64)


def oracle_of(layer: Any) -> Any:
    """The oracle of a recurrent Keras layer, with its weights."""
    cell = layer.cell
    W, U = weights_of(cell.kernel), weights_of(cell.recurrent_kernel)
    bias = weights_of(cell.bias) if cell.use_bias else np.zeros(W.shape[1])
    act = FUNCTIONS[cell.activation.__name__]
    if isinstance(layer, kl.SimpleRNN):
        return Simple(W, U, bias, act)
    gate = FUNCTIONS[cell.recurrent_activation.__name__]
    if isinstance(layer, kl.LSTM):
        return Lstm(W, U, bias, gate, act)
    if cell.reset_after:
        b, d = bias if cell.use_bias else (bias, bias)
        return Gru(W, U, b, d, gate, act)
    return Gru(W, U, bias, None, gate, act)


def passed(layer: Any, x: np.ndarray, r: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Multipliers of a layer's input from those of its output, `(T, units)` or `(units,)`."""
    if isinstance(layer, kl.Bidirectional):
        halves = np.split(m, 2, axis=-1)
        if layer.return_sequences:
            halves[1] = halves[1][::-1]
        pair = zip((layer.forward_layer, layer.backward_layer), halves, strict=True)
        return sum(passed(one, x, r, half) for one, half in pair)
    turn = slice(None, None, -1 if layer.go_backwards else 1)
    if not layer.return_sequences:
        m = np.concatenate([np.zeros((len(x) - 1, m.shape[-1])), m[None]])
    return oracle_of(layer).multipliers(x[turn], r[turn], m)[turn]


def outputs(layer: Any, x: np.ndarray) -> np.ndarray:
    if isinstance(layer, kl.Bidirectional):
        first, second = (outputs(one, x) for one in (layer.forward_layer, layer.backward_layer))
        return np.concatenate([first, second[::-1] if layer.return_sequences else second], axis=-1)
    h = oracle_of(layer).run(x[::-1] if layer.go_backwards else x)["h"]
    return h if layer.return_sequences else h[-1]


LAYERS: dict[str, Callable[[], list[Any]]] = {
    "lstm": lambda: [kl.LSTM(4)],
    "lstm, sequences": lambda: [kl.LSTM(3, return_sequences=True)],
    "lstm, backwards": lambda: [kl.LSTM(3, return_sequences=True, go_backwards=True)],
    "lstm, no bias": lambda: [kl.LSTM(3, use_bias=False, dropout=0.3, recurrent_dropout=0.3)],
    "lstm, relu": lambda: [kl.LSTM(3, activation="relu", return_sequences=True)],
    "gru": lambda: [kl.GRU(4)],
    "gru, sequences, backwards": lambda: [kl.GRU(3, return_sequences=True, go_backwards=True)],
    "gru, no bias": lambda: [kl.GRU(3, use_bias=False)],
    "gru, reset before": lambda: [kl.GRU(3, reset_after=False, return_sequences=True)],
    "simple": lambda: [kl.SimpleRNN(4, return_sequences=True)],
    "simple, relu, backwards": lambda: [kl.SimpleRNN(4, activation="relu", go_backwards=True, dropout=0.2)],
    "both directions": lambda: [kl.Bidirectional(kl.LSTM(3))],
    "both directions, sequences": lambda: [kl.Bidirectional(kl.GRU(3, return_sequences=True))],
    "stacked": lambda: [kl.Bidirectional(kl.LSTM(2, return_sequences=True)), kl.GRU(3)],
}


def built(layers: list[Any]) -> Any:
    x = keras.Input((L, 4))
    y = x
    for layer in layers:
        y = layer(y)
    return randomise(keras.Model(x, kl.Dense(2)(kl.Flatten()(y))))


@pytest.mark.table(3)
@pytest.mark.parametrize("name", LAYERS)
def test_equals_the_unrolled_oracle(name: str) -> None:
    layers = LAYERS[name]()
    keras_model = built(layers)
    X = dna(N, seed=1, length=L)
    references = np.random.default_rng(2).dirichlet(np.ones(4), (N, R, L)).astype(np.float32)
    references[:, 0, : L // 2] = X[:, : L // 2]  # no difference for a while, and zeros within the states
    result = deeplift(SequenceModel(keras_model), X, target=1, references=references)
    head = weights_of(keras_model.layers[-1].kernel)[:, 1]
    for x, refs, hypothetical in zip(X.astype(float), references.astype(float), result.hypothetical, strict=True):
        wanted = np.zeros((L, 4))
        for r in refs:
            inputs = [(x, r)]
            for layer in layers:
                inputs.append(tuple(outputs(layer, v) for v in inputs[-1]))
            m = head.reshape(inputs[-1][0].shape)
            for layer, (a, b) in zip(reversed(layers), reversed(inputs[:-1]), strict=True):
                m = passed(layer, a, b, m)
            wanted += (m - (m * r).sum(axis=-1, keepdims=True)) / R
        assert np.abs(hypothetical - wanted).max() <= SCORE_TOLERANCE * np.abs(wanted).max()
    assert np.abs(result.completeness_error).max() <= 1e-5


class Own(kl.Layer):
    """A cell of the user's own: its output is not its state, which does not begin at 0."""

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.units = self.state_size = units

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1] + self.units, self.units), name="kernel")
        self.built = True

    def call(self, x: Any, states: Any, training: Any = False) -> Any:
        h = keras.ops.softplus(keras.ops.matmul(keras.ops.concatenate([x, states[0]], axis=-1), self.kernel))
        return h * x[:, :1] - 1.0, [0.5 * h]

    def get_initial_state(self, batch_size: Any = None) -> Any:
        return [keras.ops.full((batch_size, self.units), 0.5)]


class Sorting(Own):
    def call(self, x: Any, states: Any, training: Any = False) -> Any:
        y, states = super().call(x, states)
        return keras.ops.sort(y, axis=-1), states


def danq() -> list[Any]:
    return [
        kl.Conv1D(6, 3, activation="relu"),
        kl.MaxPooling1D(2),
        kl.Dropout(0.2),
        kl.Bidirectional(kl.LSTM(4, return_sequences=True)),
        kl.Flatten(),
        kl.Dense(5, activation="relu"),
    ]


MODELS: dict[str, Callable[[], list[Any]]] = {
    "danq": danq,
    "sum": lambda: [kl.Bidirectional(kl.LSTM(3, return_sequences=True), merge_mode="sum"), kl.GRU(3)],
    "mean": lambda: [kl.Bidirectional(kl.GRU(3, reset_after=False), merge_mode="ave")],
    "product": lambda: [kl.Bidirectional(kl.SimpleRNN(3, return_sequences=True), merge_mode="mul")],
    "cells": lambda: [kl.RNN([kl.LSTMCell(3, implementation=1), kl.GRUCell(2, implementation=1), kl.SimpleRNNCell(3)])],
    "own cell": lambda: [kl.RNN(Own(3), return_sequences=True, go_backwards=True)],
}


KINDS = [("danq", "dinucleotide"), ("sum", "zeros"), *((name, "uniform") for name in MODELS)]


@pytest.mark.table(3)
@pytest.mark.parametrize(("name", "references"), KINDS)
def test_adds_up(name: str, references: str) -> None:
    model = SequenceModel(built(MODELS[name]()))
    X = dna(3, seed=3, length=L)
    X[:, : L // 3] = X[:1, : L // 3]
    result = deeplift(model, X, target=0, references=references, n_references=1)
    delta = result.predictions[:, None] - result.reference_predictions
    error, size = np.abs(result.completeness_error), np.abs(result.contributions).sum(axis=(1, 2))[:, None]
    assert np.all((error <= 1e-4 * np.abs(delta)) | (error <= 1e-5 * size))
    np.testing.assert_allclose(result.predictions, model.predict(X)[:, 0], atol=2e-6)
    if references != "dinucleotide":
        assert np.abs(delta).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["reveal_cancel", "genomics_default"])
def test_other_rules_have_rescale_inside_cells(rule: str) -> None:
    model = SequenceModel(built(danq()))
    X = dna(2, seed=4, length=L)
    result = deeplift(model, X, target=[0, 1], references="uniform", rule=rule)
    size = np.abs(result.contributions).sum(axis=(2, 3))[..., None]
    assert np.all(np.abs(result.completeness_error) <= 1e-5 * size)
    plain = deeplift(model, X, target=[0, 1], references="uniform")
    assert np.abs(result.contributions - plain.contributions).max() > 1e-3
    recurrent = SequenceModel(built([kl.LSTM(3)]))
    same = [deeplift(recurrent, X, target=0, references="uniform", rule=r).contributions for r in (rule, "rescale")]
    np.testing.assert_array_equal(*same)


@pytest.mark.parametrize("name", ["danq", "sum", "product", "cells", "own cell"])
def test_gradients_are_those_of_the_layer(name: str) -> None:
    keras_model = built(MODELS[name]())
    X = dna(3, seed=5, length=L)
    weight = np.array([[0.0, 1.0]] * 3)
    wanted = to_numpy(vjp(lambda x: keras_model(x), [to_tensor(X)], to_tensor(weight))[0])
    found = saliency(SequenceModel(keras_model), X, target=1, signed=True).hypothetical
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.slow
def test_rows_do_not_depend_on_others() -> None:
    model = SequenceModel(built([kl.Bidirectional(kl.GRU(4))]))
    X = dna(5, seed=6, length=L)
    references = np.random.default_rng(7).dirichlet(np.ones(4), (5, R, L)).astype(np.float32)
    whole = deeplift(model, X, target=[0, 1], references=references, batch_size=5)
    for order in ([4, 0, 2, 1, 3], [2]):
        part = deeplift(model, X[order], target=[0, 1], references=references[order], batch_size=2)
        wanted = whole.contributions[order]
        scale = np.abs(wanted).max(axis=(2, 3), keepdims=True)
        assert np.all(np.abs(part.contributions - wanted) <= 1e-6 * scale)


def test_a_cell_with_an_operation_that_has_no_rule_is_named() -> None:
    keras_model = built([kl.RNN(Sorting(3), name="odd")])
    model = SequenceModel(keras_model)
    with pytest.raises(UnsupportedLayerError, match=r"'odd/sorting.*' \(Sorting: keras.ops Sort\)"):
        deeplift(model, dna(2, length=L), target=0)
    X = dna(2, length=L)
    np.testing.assert_allclose(model.predict(X), to_numpy(keras_model(X)), atol=1e-6)
