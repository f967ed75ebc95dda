"""Layers that are traced: the model stays as it was, weights are read anew, and nothing mixes examples unnoticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl
from keras import ops as k

import seqexplain
from seqexplain.errors import ModelLoadError, RegistrationError, UnsupportedLayerError
from seqexplain.models import _decompositions
from seqexplain.models.backend import to_numpy, to_tensor
from seqexplain.models.operations import Opaque
from seqexplain.models.sequence_model import SequenceModel

L = 6


class Scaled(kl.Layer):
    """Uses its own weight, a function of it, and a sublayer."""

    def build(self, shape: Any) -> None:
        self.alpha = self.add_weight(shape=(shape[-1],), name="alpha", initializer="random_normal")
        self.inner = kl.Dense(3, activation="tanh", name="inner")
        self.inner.build(shape)

    def call(self, x: Any) -> Any:
        return self.inner(self.alpha * x) - k.sum(k.exp(self.alpha))


class Raising(Scaled):
    """Fails after its sublayer has been called."""

    def call(self, x: Any) -> Any:
        y = super().call(x)
        if isinstance(x, keras.KerasTensor) and x.shape[0] is not None:
            self.left_behind = y
            raise RuntimeError("half way")
        return y


class Own(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="own")
        self.block = Scaled(name="block")
        self.out = kl.Dense(2, name="out")

    def call(self, x: Any) -> Any:
        return self.out(k.reshape(self.block(x), (k.shape(x)[0], -1)))


def wrapped(layer: Callable[[Any], Any]) -> SequenceModel:
    keras.utils.set_random_seed(0)
    x = keras.Input((L, 4))
    y = layer(x)
    return SequenceModel(keras.Model(x, kl.Dense(1)(kl.Flatten()(y) if len(y.shape) > 2 else y)))


def dna(n: int = 3) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[np.random.default_rng(0).integers(0, 4, (n, L))]


def state(model: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place, layer in enumerate(model._flatten_layers()):
        for name, value in vars(layer).items():
            found[f"{place} {name}"] = (id(value), len(value) if isinstance(value, (list, dict, set)) else 0)
    return found


@pytest.mark.parametrize("layer", [Scaled, Raising])
def test_nothing_is_left_in_the_model(layer: type) -> None:
    model = wrapped(layer(name="odd"))
    model.keras_model(dna())
    before, next_name = state(model.keras_model), keras.backend.get_uid("subtract")
    opaque = model.opaque_operations()
    assert state(model.keras_model) == before
    assert keras.backend.get_uid("subtract") == next_name + 1  # asking counts one itself
    assert [(op.layer, op.layer_class) for op in opaque] == ([("odd", "Raising")] if layer is Raising else [])
    np.testing.assert_allclose(model.predict(dna()), to_numpy(model.keras_model(dna())), atol=1e-6)
    assert state(model.keras_model) == before


class Remembering(kl.Layer):
    """Writes to itself when it is called."""

    last: Any = None

    def call(self, x: Any) -> Any:
        self.last = "written"
        return k.tanh(x)


class Around(kl.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Remembering()

    def call(self, x: Any) -> Any:
        return self.inner(x) * 2.0


def test_what_sublayers_write_to_themselves_is_undone() -> None:
    layer = Around()
    model = wrapped(layer)
    assert layer.inner.last == "written"
    layer.inner.last = "as it was"
    assert model.opaque_operations() == []
    assert layer.inner.last == "as it was"


def test_weights_are_read_anew() -> None:
    layer = Scaled()
    model = wrapped(layer)
    first = model.predict(dna())
    for variable in layer.weights:
        variable.assign(to_numpy(k.copy(variable)) + 0.5)
    assert np.abs(model.predict(dna()) - first).max() > 0.1
    np.testing.assert_allclose(model.predict(dna()), to_numpy(model.keras_model(dna())), atol=1e-5)


def test_subclassed_models_are_traced_with_paths() -> None:
    own = Own()
    own(dna())
    before = state(own)
    model = SequenceModel(own, input_shape=(L, 4))
    assert model.opaque_operations() == []
    assert state(own) == before
    layers = {op.layer for op in model.graph.operations}
    assert {"own", "block", "block/inner", "out"} >= layers >= {"block", "block/inner", "out"}
    np.testing.assert_allclose(model.predict(dna()), to_numpy(own(dna())), atol=1e-6)


MIXING: dict[str, Callable[[Any], Any]] = {
    "mean": lambda x: x - k.mean(x, axis=0, keepdims=True),
    "mean of all": lambda x: x - k.mean(x),
    "softmax": lambda x: k.softmax(x, axis=0),
    "flip": lambda x: k.flip(x, axis=0),
    "all flipped": lambda x: k.flip(x),
    "roll": lambda x: k.roll(x, 1, axis=0),
    "slices": lambda x: x[::-1, :],
    "transposed": lambda x: k.transpose(x, (1, 0, 2)),
    "examples in one": lambda x: k.reshape(x, (-1, 4)),
    "cumulated": lambda x: k.cumsum(x, axis=0),
    "normalised": lambda x: k.layer_normalization(x, axis=0),
    "outer": lambda x: k.einsum("bic,dic->bd", x, x),
    "vectors": lambda x: k.matmul(x[:, 0, 0], x[:, 0, 0]) * x,
    "other rank": lambda x: x + x[:, :4, 0],
    "joined": lambda x: k.concatenate([x, x], axis=0),
    "repeated": lambda x: k.repeat(x, 2, axis=0),
}


@pytest.mark.parametrize("what", MIXING)
def test_what_mixes_examples_is_opaque(what: str) -> None:
    """With a batch as long as the sequence NumPy's broadcasting does not fail, and shapes alone tell nothing."""
    x = keras.Input(batch_shape=(L, L, 4))
    model = SequenceModel(keras.Model(x, MIXING[what](x)), input_shape=(L, 4))
    assert model.opaque_operations()


def test_arithmetic_stays_exact() -> None:
    """Each graph equals the function itself, also for several values and constants of every kind."""
    c = np.linspace(0.5, 1.5, 4, dtype="float32")
    functions: dict[str, Callable[[Any], Any]] = {
        "constants": lambda x: (2 - x * c) / (c + 1) + x**2 * k.convert_to_tensor(c) - x / 2,
        "wider constant": lambda x: x[:, :1] * np.ones((L, 4), "float32") + c,
        "constant of one example": lambda x: x * np.arange(L * 4, dtype="float32").reshape(1, L, 4),
        "masks": lambda x: k.where(k.logical_xor(x > 0.5, c > 1), x, -1.0) + k.where(c > 1, 1.0, x),
        "indices": lambda x: k.take(x, [3, 0, 0], axis=-1),
        "padding": lambda x: k.pad(x, ((0, 0), (1, 2), (0, 0)), constant_values=3.0),
        "tiles": lambda x: k.tile(k.repeat(x, 2, axis=1), (1, 1, 2)),
        "stacked with constants": lambda x: k.stack([x, k.ones_like(x), x], axis=2),
        "tensordot": lambda x: k.tensordot(x, np.ones((L, 4, 2), "float32"), axes=2),
        "dot": lambda x: k.dot(x, c),
        "constant first": lambda x: k.matmul(np.ones((2, L), "float32"), x),
        "rounded": lambda x: k.round(x * 1.7) + k.floor(x * c) + k.cast(k.cast(x * 2.5, "int32"), "float32"),
        "unstacked": lambda x: k.unstack(x, axis=1)[2],
        "moved": lambda x: k.moveaxis(x[..., None], -1, 1),
        "reductions": lambda x: k.stack([k.max(x, (1, 2)), k.min(x, (1, 2)), k.var(x, (1, 2)), k.sum(x, (1, 2))], -1),
        "extremes": lambda x: k.maximum(x, c) + k.minimum(0.3, x) + k.clip(x, 0.1, 0.9),
    }
    data = np.random.default_rng(1).normal(size=(3, L, 4)).astype("float32")
    for name, function in functions.items():
        x = keras.Input((L, 4))
        model = SequenceModel(keras.Model(x, function(x)))
        assert model.opaque_operations() == [], name
        graph = model.graph
        values = graph.run(model.weights(), model.feeds(to_tensor(data), {}), graph.needed_for(graph.outputs))
        wanted = to_numpy(k.cast(model.keras_model(data), "float32"))
        np.testing.assert_allclose(to_numpy(values[graph.outputs[0]]), wanted, rtol=1e-5, atol=1e-6, err_msg=name)


def test_classes_can_be_kept_whole() -> None:
    model = wrapped(Scaled(name="odd"))
    assert not [op for op in model.graph.operations if isinstance(op, Opaque)]
    graph = model.keeping(frozenset({Scaled})).graph
    (kept,) = [op for op in graph.operations if isinstance(op, Opaque)]
    assert (kept.layer, kept.layer_class, kept.layer_type) == ("odd", "Scaled", Scaled)
    feeds = {graph.inputs[0]: to_tensor(dna())}
    values = graph.run(graph.read_weights(), feeds, graph.needed_for(graph.outputs))
    np.testing.assert_allclose(to_numpy(values[graph.outputs[0]]), model.predict(dna()), atol=1e-6)
    assert model.keeping(frozenset({Scaled})).graph is graph
    dense = model.keeping(frozenset({kl.Dense})).graph
    assert [op.layer_type for op in dense.operations if isinstance(op, Opaque)] == [kl.Dense, kl.Dense]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_decompositions, "_DECOMPOSITIONS", {})


@pytest.mark.usefixtures("registry")
def test_a_layer_that_cannot_be_traced_is_registered() -> None:
    model = wrapped(Raising(name="odd"))
    with pytest.raises(UnsupportedLayerError, match=r"'odd' \(Raising\)"):
        seqexplain.deeplift(model, dna(), references="zeros")

    @seqexplain.register_decomposition(Raising)
    def taken_apart(layer: Any, x: Any) -> Any:
        return layer.inner(layer.alpha * x) - k.sum(k.exp(layer.alpha))

    found = seqexplain.deeplift(model, dna(), references="zeros")
    assert np.abs(found.completeness_error).max() < 1e-5
    assert model.opaque_operations() == []
    np.testing.assert_allclose(model.predict(dna()), to_numpy(model.keras_model(dna())), atol=1e-6)


@pytest.mark.usefixtures("registry")
def test_what_is_registered_later_is_compared_with_the_model() -> None:
    model = wrapped(Scaled())
    model.verify()
    seqexplain.register_decomposition(Scaled)(lambda layer, x: 2.0 * layer.inner(x))
    with pytest.raises(ModelLoadError, match="differ by"):
        model.predict(dna())


@pytest.mark.usefixtures("registry")
def test_conflicting_registrations_are_errors() -> None:
    function = seqexplain.register_decomposition(Scaled)(lambda layer, x: x)
    seqexplain.register_decomposition(Scaled)(function)  # the same again is no conflict
    with pytest.raises(RegistrationError, match="Scaled has another decomposition"):
        seqexplain.register_decomposition(Scaled)(lambda layer, x: 2 * x)
    with pytest.raises(TypeError, match="Dense is built in"):
        seqexplain.register_decomposition(kl.Dense)
    with pytest.raises(RegistrationError, match="expected a class of Keras layers"):
        seqexplain.register_decomposition("Dense")  # type: ignore[arg-type]


def host_relu(x: Any) -> Any:
    """No `keras.ops`: symbols that know their batch's length are refused."""
    if isinstance(x, keras.KerasTensor) and x.shape[0] is not None:
        raise TypeError("no symbols")
    return k.relu(x)


@pytest.mark.parametrize("function", [k.relu, lambda x: k.tanh(x) * x, lambda x: keras.activations.gelu(x, True)])
def test_activations_of_the_users_own_are_traced(function: Callable[[Any], Any]) -> None:
    model = wrapped(kl.Dense(3, activation=function, name="own"))
    assert model.opaque_operations() == []
    found = seqexplain.deeplift(model, dna(), references="zeros")
    assert np.abs(found.completeness_error).max() < 1e-5
    below = seqexplain.saliency(model, dna(), target=("own/preactivation", (2, 1)), signed=True)
    wanted = np.zeros((L, 4), dtype=np.float32)
    wanted[2] = to_numpy(k.convert_to_tensor(model.keras_model.get_layer("own").kernel))[:, 1]
    np.testing.assert_allclose(below.hypothetical, np.broadcast_to(wanted, (3, L, 4)), rtol=0, atol=1e-6)


def test_an_activation_that_cannot_be_traced_keeps_its_name() -> None:
    model = wrapped(kl.Dense(3, activation=host_relu, name="own"))
    (operation,) = model.opaque_operations()
    assert (operation.name, operation.layer_class) == ("own/activation", "activation 'host_relu'")
