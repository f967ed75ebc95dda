"""The flattened graph computes what the model computes, its transposes are adjoint, and the model stays as it was."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

from seqexplain.attribution import deeplift
from seqexplain.models.backend import to_numpy, to_tensor
from seqexplain.models.operations import AveragePool, Convolution, MaxPool, Operation
from seqexplain.models.sequence_model import SequenceModel

L = 8


def nested() -> Any:
    """Functional in Sequential in Functional, called twice, with a shared layer and two inputs and heads."""
    a, b = keras.Input((L, 3)), keras.Input((L, 3))
    joint = keras.Model([a, b], [kl.Add()([a, b]), kl.Subtract()([a, b])], name="joint")
    block = keras.Sequential([kl.Conv1D(3, 3, padding="same"), kl.BatchNormalization(), kl.ReLU()], name="block")
    x, other = keras.Input((L, 4), name="dna"), keras.Input((2,), name="other")
    y = kl.Conv1D(3, 3, padding="same", activation="elu")(x)
    p, q = joint([block(y), block(block(y))])
    pooled = kl.Concatenate()([kl.GlobalMaxPooling1D()(p), kl.GlobalAveragePooling1D()(q), other])
    model = keras.Model([x, other], [kl.Dense(2, name="counts")(pooled), kl.LayerNormalization(name="shape")(p)])
    rng = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(
            rng.uniform(0.2, 1.0, tuple(variable.shape)).astype("float32") - 0.4 * ("kernel" in variable.path)
        )
    return model


def test_graph_computes_what_the_model_computes() -> None:
    keras_model = nested()
    nodes = [len(layer._inbound_nodes) for layer in keras_model._flatten_layers()]
    model = SequenceModel(keras_model)
    rng = np.random.default_rng(1)
    x, other = rng.normal(size=(3, L, 4)).astype("float32"), rng.normal(size=(3, 2)).astype("float32")
    graph = model.graph
    assert [len(layer._inbound_nodes) for layer in keras_model._flatten_layers()] == nodes
    feeds = model.feeds(to_tensor(x), {"other": to_tensor(other)})
    values = graph.run(model.weights(), feeds, graph.needed_for(graph.outputs))
    for value, wanted in zip(graph.outputs, keras_model([x, other]), strict=True):
        np.testing.assert_allclose(to_numpy(values[value]), to_numpy(wanted), rtol=1e-5, atol=1e-6)
    names = [operation.name for operation in graph.operations]
    assert len(set(names)) == len(names)
    assert [h.name for h in model.heads] == ["counts", "shape"]
    assert model.opaque_operations() == []
    for k, shape in model.value_shapes(L).items():
        assert graph.shapes[k] == shape


def test_shapes_of_channels_first_layers() -> None:
    x = keras.Input((4, 10))
    y = kl.Conv1D(3, 4, data_format="channels_first", name="turned")(x)
    model = SequenceModel(keras.Model(x, y))
    assert model.heads[0].shape == (3, 7)
    assert model.value_shapes(10)[model.heads[0].value] == (3, 7)


def test_operators_between_tensors_are_the_layers_of_that_name() -> None:
    """`x + y` is how residual blocks are often written."""

    def built(merge: Any) -> SequenceModel:
        keras.utils.set_random_seed(0)
        x = keras.Input((L, 4))
        y = kl.Conv1D(4, 3, padding="same", activation="relu")(x)
        z = kl.Conv1D(4, 1, activation="tanh")(y)
        return SequenceModel(keras.Model(x, kl.Dense(1)(kl.Flatten()(merge(y, z, x)))))

    k = keras.ops
    model = built(lambda y, z, x: k.minimum(k.maximum(y + z, z - x), y + y))
    twin = built(
        lambda y, z, x: kl.Minimum()([kl.Maximum()([kl.Add()([y, z]), kl.Subtract()([z, x])]), kl.Add()([y, y])])
    )
    assert model.opaque_operations() == []
    X = np.eye(4)[np.random.default_rng(0).integers(0, 4, (3, L))]
    found, wanted = (deeplift(m, X, references="zeros") for m in (model, twin))
    np.testing.assert_allclose(found.contributions, wanted.contributions, atol=1e-6)
    assert np.abs(found.completeness_error).max() < 1e-5


def _operation(kind: type[Operation], **options: Any) -> Any:
    return kind(name="op", layer="op", layer_class="Op", inputs=(0,), outputs=(1,), **options)


@pytest.mark.parametrize("channels", [3, 20])
@pytest.mark.parametrize(
    ("window", "strides", "dilation", "padding"),
    [
        (3, 1, 1, "valid"),
        (4, 1, 1, "same"),
        (3, 1, 2, "causal"),
        (2, 1, 3, "same"),
        (3, 2, 1, "same"),
        (2, 3, 1, "valid"),
    ],
)
def test_convolutions_are_adjoint_to_their_transposes(
    channels: int, window: int, strides: int, dilation: int, padding: str
) -> None:
    rng = np.random.default_rng(0)
    operation = _operation(Convolution, strides=(strides,), dilation=(dilation,), padding=padding)
    weights = {"kernel": to_tensor(rng.normal(size=(window, channels, 5)))}
    x = rng.normal(size=(2, 11, channels)).astype("float32")
    y = to_numpy(operation.apply(weights, [to_tensor(x)]))
    m = rng.normal(size=y.shape).astype("float32")
    back = to_numpy(operation.transpose(weights, to_tensor(m), [(11, channels)])[0])
    np.testing.assert_allclose(
        (y.astype("float64") * m).sum(), (x.astype("float64") * back).sum(), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    ("window", "strides", "padding"),
    [
        ((2,), (2,), "valid"),
        ((3,), (2,), "same"),
        ((4,), (1,), "same"),
        ((2,), (3,), "valid"),
        ((2, 3), (1, 2), "same"),
    ],
)
def test_pools_are_adjoint(window: tuple[int, ...], strides: tuple[int, ...], padding: str) -> None:
    rng = np.random.default_rng(0)
    space = (7, 6)[: len(window)]
    x = rng.normal(size=(2, *space, 3)).astype("float32")
    average = _operation(AveragePool, window=window, strides=strides, padding=padding)
    y = to_numpy(average.apply({}, [to_tensor(x)]))
    m = rng.normal(size=y.shape).astype("float32")
    back = to_numpy(average.transpose({}, to_tensor(m), [(*space, 3)])[0])
    np.testing.assert_allclose((y * m).sum(), (x * back).sum(), rtol=1e-4, atol=1e-4)

    largest = _operation(MaxPool, window=window, strides=strides, padding=padding)
    windows = to_numpy(largest.windows(to_tensor(x)))
    m = rng.normal(size=windows.shape).astype("float32")
    back = to_numpy(largest.scatter(to_tensor(m), space))
    inside = np.isfinite(windows)
    np.testing.assert_allclose((windows[inside] * m[inside]).sum(), (x * back).sum(), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(to_numpy(largest.forward({}, [to_tensor(x)])[0]), windows.max(axis=-2))
