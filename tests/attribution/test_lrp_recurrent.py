"""Relevance through recurrent layers: against an unrolled oracle, and what theory says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import array_of, dna, randomise
from keras import layers as kl
from oracle.recurrent_lrp_numpy import Relevance
from oracle.recurrent_numpy import SIGMOID, TANH, Gru, Lstm, Simple

from seqexplain.attribution import lrp, lrp_conservation
from seqexplain.attribution.lrp_rules import Epsilon, Gamma
from seqexplain.errors import ParameterError
from seqexplain.models import sequence_model
from seqexplain.models.sequence_model import SequenceModel

L, N = 9, 3
TOLERANCE = 1e-5  # of the largest score


@pytest.fixture(autouse=True, scope="module")
def uncompiled() -> Iterator[None]:
    """Compute without XLA: many networks of a few sequences each would be compiled and thrown away."""
    patch = pytest.MonkeyPatch()
    patch.setattr(sequence_model, "jit", lambda function, *_: function)
    yield
    patch.undo()


def weights_of(variable: Any) -> np.ndarray:
    return array_of(variable).astype(np.float64)


def oracle_of(layer: Any) -> Any:
    """The oracle of a recurrent Keras layer, with its weights."""
    cell = layer.cell
    W, U = weights_of(cell.kernel), weights_of(cell.recurrent_kernel)
    bias = weights_of(cell.bias) if cell.use_bias else np.zeros(W.shape[1])
    if isinstance(layer, kl.SimpleRNN):
        return Simple(W, U, bias, TANH)
    if isinstance(layer, kl.LSTM):
        return Lstm(W, U, bias, SIGMOID, TANH)
    if not cell.reset_after:
        return Gru(W, U, bias, None, SIGMOID, TANH)
    return Gru(W, U, *(bias if cell.use_bias else (bias, bias)), SIGMOID, TANH)


def outputs(layer: Any, x: np.ndarray) -> np.ndarray:
    if isinstance(layer, kl.Bidirectional):
        first, second = (outputs(one, x) for one in (layer.forward_layer, layer.backward_layer))
        return np.concatenate([first, second[::-1] if layer.return_sequences else second], axis=-1)
    h = oracle_of(layer).run(x[::-1] if layer.go_backwards else x)["h"]
    return h if layer.return_sequences else h[-1]


def passed(layer: Any, x: np.ndarray, R: np.ndarray, epsilon: float) -> tuple[np.ndarray, float]:
    """Relevance of a layer's input from that of its output, `(T, units)` or `(units,)`, and what was absorbed."""
    if isinstance(layer, kl.Bidirectional):
        halves = np.split(R, 2, axis=-1)
        if layer.return_sequences:
            halves[1] = halves[1][::-1]
        pair = zip((layer.forward_layer, layer.backward_layer), halves, strict=True)
        found = [passed(one, x, half, epsilon) for one, half in pair]
        return sum(f[0] for f in found), sum(f[1] for f in found)
    turn = slice(None, None, -1 if layer.go_backwards else 1)
    if not layer.return_sequences:
        R = np.concatenate([np.zeros((len(x) - 1, R.shape[-1])), R[None]])
    way = Relevance(oracle_of(layer), epsilon)
    return way.of_sequence(x[turn], R)[turn], way.absorbed


LAYERS: dict[str, Callable[[], list[Any]]] = {
    "lstm": lambda: [kl.LSTM(4)],
    "lstm, sequences": lambda: [kl.LSTM(3, return_sequences=True)],
    "lstm, no bias": lambda: [kl.LSTM(3, use_bias=False, go_backwards=True)],
    "gru": lambda: [kl.GRU(4)],
    "gru, sequences, backwards": lambda: [kl.GRU(3, return_sequences=True, go_backwards=True)],
    "gru, no bias": lambda: [kl.GRU(3, use_bias=False)],
    "gru, reset before": lambda: [kl.GRU(3, reset_after=False, return_sequences=True)],
    "simple": lambda: [kl.SimpleRNN(4, return_sequences=True)],
    "both directions": lambda: [kl.Bidirectional(kl.LSTM(3))],
    "both directions, sequences": lambda: [kl.Bidirectional(kl.GRU(3, return_sequences=True))],
    "stacked": lambda: [kl.Bidirectional(kl.LSTM(2, return_sequences=True)), kl.GRU(3)],
}


def built(layers: list[Any], bias: bool = True) -> Any:
    x = keras.Input((L, 4))
    y = x
    for layer in layers:
        y = layer(y)
    return randomise(keras.Model(x, kl.Dense(2, use_bias=bias, name="last")(kl.Flatten()(y))))


@pytest.mark.table(3)
@pytest.mark.parametrize("epsilon", [0.0, 0.05])
@pytest.mark.parametrize("name", LAYERS)
def test_equals_the_unrolled_oracle(name: str, epsilon: float) -> None:
    layers = LAYERS[name]()
    keras_model = built(layers, bias=False)
    model, X = SequenceModel(keras_model), dna(N, seed=1, length=L)
    rule = {"last": "z", "*": Epsilon(epsilon)} if epsilon else "z"
    result = lrp(model, X, target=1, rule=rule)
    recurrent = ("LSTM", "GRU", "SimpleRNN")
    books = lrp_conservation(model, X, target=1, rule=rule)
    rows = [row for row in books if row.layer_class in recurrent and row.rule is not None]
    assert len(rows) == sum(2 if isinstance(layer, kl.Bidirectional) else 1 for layer in layers)
    head = weights_of(keras_model.layers[-1].kernel)[:, 1]
    for n, x in enumerate(X.astype(np.float64)):
        inputs = [x]
        for layer in layers:
            inputs.append(outputs(layer, inputs[-1]))
        R, absorbed = inputs[-1] * head.reshape(inputs[-1].shape), 0.0
        for layer, a in zip(reversed(layers), reversed(inputs[:-1]), strict=True):
            R, gone = passed(layer, a, R, epsilon)
            absorbed += gone
        scale = np.abs(R).max()
        assert np.abs(result.contributions[n] - R * x).max() <= TOLERANCE * scale
        assert sum(float(row.absorbed[n]) for row in rows) == pytest.approx(absorbed, abs=1e-5 * max(1.0, scale))


@pytest.mark.parametrize("layer", [kl.LSTM, kl.GRU])
def test_everything_arrives_where_there_is_no_bias(layer: Any) -> None:
    model = SequenceModel(built([kl.Bidirectional(layer(5, use_bias=False))], bias=False))
    result = lrp(model, dna(6, seed=2, length=L), target=[0, 1], rule="z")
    size = np.abs(result.contributions).sum(axis=(2, 3))
    error = result.contributions.sum(axis=(2, 3)) - result.predictions
    assert np.all(np.abs(error) <= 1e-4 * np.maximum(np.abs(result.predictions), 1e-2 * size))


class Own(kl.Layer):
    """A cell whose state does not begin at 0: what is kept of it, and what comes in."""

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.units = self.state_size = units

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")
        self.built = True

    def call(self, x: Any, states: Any, training: Any = False) -> Any:
        h = 0.5 * states[0] + keras.ops.matmul(x, self.kernel)
        return h, [h]

    def get_initial_state(self, batch_size: Any = None) -> Any:
        return [keras.ops.full((batch_size, self.units), 2.0)]


def test_states_before_the_first_step_absorb_their_share() -> None:
    """h_L = Σ_t 2^(t−L) x_t W + 2^(1−L): a linear cell, whose terms have a closed form."""
    keras_model = built([kl.RNN(Own(3))], bias=False)
    X = dna(N, seed=3, length=L)
    result = lrp(keras_model, X, target=0, rule="z")
    kernel, head = (weights_of(v) for v in keras_model.weights)
    terms = X * (kernel @ head[:, 0]) * 0.5 ** np.arange(L - 1, -1, -1)[:, None]
    begun = 2.0 * 0.5**L * head[:, 0].sum()
    np.testing.assert_allclose(result.contributions, terms, rtol=0, atol=1e-5 * np.abs(terms).max())
    np.testing.assert_allclose(result.completeness_error[:, 0], -begun, rtol=1e-3)
    absorbed = sum(r.absorbed for r in lrp_conservation(keras_model, X, target=0, rule="z") if r.layer_class == "RNN")
    np.testing.assert_allclose(absorbed, begun, rtol=1e-3)


def danq() -> list[Any]:
    return [
        kl.Conv1D(6, 3, activation="relu", name="motifs"),
        kl.MaxPooling1D(2),
        kl.Bidirectional(kl.LSTM(4, return_sequences=True, name="cell"), name="grammar"),
        kl.Flatten(),
        kl.Dense(5, activation="relu", name="mix"),
    ]


MODELS: dict[str, Callable[[], list[Any]]] = {
    "danq": danq,
    "sum": lambda: [kl.Bidirectional(kl.LSTM(3, return_sequences=True), merge_mode="sum"), kl.GRU(3)],
    "product": lambda: [kl.Bidirectional(kl.SimpleRNN(3, return_sequences=True), merge_mode="mul")],
    "cells": lambda: [kl.RNN([kl.LSTMCell(3, implementation=1), kl.GRUCell(2, implementation=1), kl.SimpleRNNCell(3)])],
}


@pytest.mark.table(3)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("rule", ["epsilon-plus", "epsilon-gamma-box", "deep-taylor", "flat", "alpha-beta"])
def test_books_are_kept(name: str, rule: str) -> None:
    """No warning: what is not at the sequence has been absorbed."""
    model, X = SequenceModel(built(MODELS[name]())), dna(N, seed=4, length=L)
    result = lrp(model, X, target=0, rule=rule)
    assert np.abs(result.contributions).max() > 0
    rows = lrp_conservation(model, X, target=0, rule=rule)
    absorbed, size = sum(row.absorbed for row in rows), sum(np.abs(row.relevance_out) for row in rows)
    assert np.all(np.abs(result.completeness_error[:, 0] + absorbed) <= 1e-4 * (1 + size))


def test_rows_do_not_depend_on_others() -> None:
    model, X = SequenceModel(built([kl.Bidirectional(kl.GRU(4))])), dna(5, seed=6, length=L)
    whole = lrp(model, X, target=[0, 1], batch_size=5)
    for order in ([4, 0, 2, 1, 3], [2]):
        part = lrp(model, X[order], target=[0, 1], batch_size=2)
        wanted = whole.contributions[order]
        scale = np.abs(wanted).max(axis=(2, 3), keepdims=True)
        assert np.all(np.abs(part.contributions - wanted) <= 1e-5 * scale)


@pytest.mark.slow
def test_rules_inside() -> None:
    model, X = SequenceModel(built(danq())), dna(1, seed=7, length=L)
    inside = [f"grammar/{direction}_cell" for direction in ("forward", "backward")]

    def chosen(rule: Any) -> list[str]:
        rules = lrp(model, X, target=0, rule=rule).parameters["rules"]
        assert set(rules) == {"motifs", *inside, "mix", "last"}
        return [rules[name] for name in inside]

    for rule in ("epsilon-plus", "epsilon-gamma-box", "deep-taylor", {"motifs": "z"}, lambda layer: "gamma"):
        assert chosen(rule) == [repr(Epsilon())] * 2
    assert chosen(Gamma(0.5)) == chosen({"first": "z-b", "*": Gamma(0.5)}) == [repr(Gamma(0.5))] * 2
    assert chosen({"LSTM": "flat", "*": "z"}) == chosen({"grammar": "flat"}) == ["Flat()"] * 2
    assert chosen({inside[0]: "flat", "*": "epsilon"}) == ["Flat()", repr(Epsilon())]
    with pytest.raises(ParameterError, match="no place inside the recurrent layer 'grammar/forward_cell'"):
        lrp(model, X, target=0, rule={"grammar": "z-b"})
    rows = {r.operation: r.absorbed for r in lrp_conservation(model, X, target=0, rule={"grammar": "flat"})}
    other = {r.operation: r.absorbed for r in lrp_conservation(model, X, target=0)}
    assert np.abs(rows[inside[0]] - other[inside[0]]).max() > 1e-3


def test_a_layer_behind_a_recurrent_one_is_not_the_first() -> None:
    model = SequenceModel(built([kl.LSTM(3)]))
    rules = lrp(model, dna(1, length=L), target=0, rule="epsilon-gamma-box").parameters["rules"]
    assert rules["last"] == repr(Epsilon())
