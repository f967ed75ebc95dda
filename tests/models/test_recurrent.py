"""Recurrent layers as scans: they compute what Keras computes, and leave the layers as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

from seqexplain.models.backend import scan, to_numpy, to_tensor
from seqexplain.models.operations import Kind
from seqexplain.models.scan_operation import Scan
from seqexplain.models.sequence_model import SequenceModel

L = 7
GATES = {"activation": "relu", "recurrent_activation": "hard_sigmoid"}

LAYERS: dict[str, Callable[[], Any]] = {
    "lstm": lambda: kl.LSTM(3),
    "lstm, other gates, backwards": lambda: kl.LSTM(3, return_sequences=True, go_backwards=True, **GATES),
    "lstm, dropout, no bias": lambda: kl.LSTM(3, use_bias=False, dropout=0.3, recurrent_dropout=0.2),
    "lstm, states": lambda: kl.LSTM(3, return_state=True, return_sequences=True),
    "gru, unrolled, backwards": lambda: kl.GRU(3, unroll=True, go_backwards=True),
    "gru, reset before": lambda: kl.GRU(3, reset_after=False, return_sequences=True),
    "gru, no bias": lambda: kl.GRU(3, use_bias=False, dropout=0.2),
    "simple, dropout": lambda: kl.SimpleRNN(3, dropout=0.2, recurrent_dropout=0.2, return_sequences=True),
    "cells": lambda: kl.RNN([kl.LSTMCell(3), kl.GRUCell(2), kl.SimpleRNNCell(4)], return_sequences=True),
    "cells, gate by gate": lambda: kl.RNN([kl.LSTMCell(3, implementation=1), kl.GRUCell(2, implementation=1)]),
    "gru cell, gate by gate": lambda: kl.RNN(kl.GRUCell(3, implementation=1, reset_after=False)),
    **{
        f"both directions, {mode}": lambda mode=mode: kl.Bidirectional(kl.LSTM(3, return_sequences=True), mode)
        for mode in ("concat", "sum", "mul", "ave", None)
    },
    "both directions, last": lambda: kl.Bidirectional(kl.GRU(3)),
    "both directions, states": lambda: kl.Bidirectional(kl.GRU(3, return_state=True, return_sequences=True)),
    "two kinds": lambda: kl.Bidirectional(kl.GRU(3), backward_layer=kl.LSTM(3, go_backwards=True)),
}


def randomise(model: Any, seed: int = 0) -> Any:
    """Give all weights values that matter."""
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=tuple(variable.shape)).astype(np.float32) / 2)
    return model


def numbers(model: SequenceModel, x: np.ndarray) -> list[np.ndarray]:
    graph = model.graph
    values = graph.run(model.weights(), model.feeds(to_tensor(x), {}), graph.needed_for(graph.outputs))
    return [to_numpy(values[v]) for v in graph.outputs]


@pytest.mark.parametrize("length", [L, None])
@pytest.mark.parametrize("name", LAYERS)
def test_computes_what_the_layer_computes(name: str, length: int | None) -> None:
    layer = LAYERS[name]()
    if length is None and getattr(layer, "unroll", False):
        pytest.skip("Keras unrolls known lengths alone")
    x = keras.Input((length, 4))
    keras_model = randomise(keras.Model(x, layer(x)))
    before = [(one, dict(vars(one))) for one in layer._flatten_layers()]
    nodes = [len(one._inbound_nodes) for one in layer._flatten_layers()]
    model = SequenceModel(keras_model)
    assert Kind.OPAQUE not in {op.kind for op in model.graph.operations}
    assert any(isinstance(op, Scan) for op in model.graph.operations)
    assert [len(one._inbound_nodes) for one in layer._flatten_layers()] == nodes
    for one, attributes in before:
        assert vars(one).keys() == attributes.keys()
    X = np.random.default_rng(0).normal(size=(3, L, 4)).astype(np.float32)
    for found, wanted in zip(numbers(model, X), keras.tree.flatten(keras_model(X)), strict=True):
        np.testing.assert_allclose(found, to_numpy(wanted), atol=2e-6)
        assert np.abs(found).max() > 1e-2
    for value, shape in model.value_shapes(L).items():
        known = model.graph.shapes[value]
        assert len(known) == len(shape)
        assert all(n in (None, m) for n, m in zip(known, shape, strict=True))


def test_weights_are_read_anew() -> None:
    x = keras.Input((L, 4))
    keras_model = randomise(keras.Model(x, kl.LSTM(3)(x)), seed=1)
    model = SequenceModel(keras_model)
    X = np.random.default_rng(0).normal(size=(2, L, 4)).astype(np.float32)
    first = numbers(model, X)[0]
    randomise(keras_model, seed=2)
    second = numbers(model, X)[0]
    assert np.abs(first - second).max() > 1e-2
    np.testing.assert_allclose(second, to_numpy(keras_model(X)), atol=2e-6)


def given_its_state(x: Any) -> Any:
    return kl.GRU(4, name="odd")(x, initial_state=kl.GlobalAveragePooling1D()(x))


class Duck:
    """A cell that is no Keras layer."""

    state_size = output_size = 4
    compute_dtype = "float32"

    def __call__(self, x: Any, states: Any) -> Any:
        return x + states[0], [0.5 * states[0] + x]

    call = __call__


WHOLE: dict[str, Callable[[Any], Any]] = {
    "initial state": given_its_state,
    "initial state, both directions": lambda x: kl.Bidirectional(kl.GRU(4), name="odd")(
        x, initial_state=[kl.GlobalAveragePooling1D()(x)] * 2
    ),
    "a cell that is no layer": lambda x: kl.RNN(Duck(), name="odd")(x),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_no_plain_scan_stays_whole(name: str) -> None:
    x = keras.Input((L, 4))
    keras_model = randomise(keras.Model(x, WHOLE[name](x)))
    model = SequenceModel(keras_model)
    assert [op.layer for op in model.opaque_operations()] == ["odd"]
    X = np.random.default_rng(0).normal(size=(2, L, 4)).astype(np.float32)
    np.testing.assert_allclose(numbers(model, X)[0], to_numpy(keras_model(X)), atol=2e-6)


def test_what_remembers_other_batches_stays_whole() -> None:
    x = keras.Input(batch_shape=(1, L, 4))
    model = SequenceModel(keras.Model(x, kl.LSTM(3, stateful=True, name="odd")(x)))
    assert [op.layer for op in model.opaque_operations()] == ["odd"]


@pytest.mark.parametrize("reverse", [False, True])
def test_scan_of_outputs_of_other_shapes(reverse: bool) -> None:
    x = np.arange(10, dtype=np.float32).reshape(5, 2)

    def step(carry: list[Any], given: list[Any]) -> tuple[list[Any], list[Any]]:
        (total,) = carry
        total = total + given[0]
        return [total], [total[:1], 2.0 * given[0]]

    found, doubled = scan(step, [to_tensor(np.zeros(2))], [to_tensor(x)], [(1,), (2,)], reverse=reverse)
    order = slice(None, None, -1 if reverse else 1)
    np.testing.assert_allclose(to_numpy(found)[:, 0], np.cumsum(x[order, 0])[order])
    np.testing.assert_allclose(to_numpy(doubled), 2 * x)
