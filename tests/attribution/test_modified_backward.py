"""Guided backpropagation and the deconvolutional network: closed forms, and NumPy from the papers' equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl
from oracle.backward_numpy import back
from oracle.twins import Twin, Value, random_dna

from seqexplain import deconvnet, guided_backprop
from seqexplain.attribution._modified_backward import RECTIFIERS
from seqexplain.errors import UnsupportedLayerError
from seqexplain.models._activations import ELEMENTWISE_ACTIVATIONS
from seqexplain.models.backend import to_numpy, to_tensor
from seqexplain.models.sequence_model import SequenceModel

METHODS = {"guided": guided_backprop, "deconvnet": deconvnet}
every_method = pytest.mark.parametrize("method", METHODS)
L = 13


def plain(t: Twin) -> Value:
    return t.chain(t.input((L, 4)), kl.Conv1D(5, 4, activation="relu"), kl.MaxPooling1D(2), kl.Flatten(),
                   kl.Dense(6, activation="relu"), kl.Dense(1))  # fmt: skip


def overlapping(t: Twin) -> Value:
    y = t.chain(t.input((L, 4)), kl.Conv1D(4, 3, padding="same", activation="relu"),
                kl.MaxPooling1D(4, strides=2, padding="same"), kl.Conv1D(3, 2, activation="relu"),
                kl.MaxPooling1D(3, strides=1))  # fmt: skip
    return t.unit(y)


def normalised(t: Twin) -> Value:
    return t.chain(t.input((L, 4)), kl.Conv1D(4, 3, strides=2), kl.BatchNormalization(), kl.ReLU(),
                   kl.AveragePooling1D(2), kl.Conv1D(4, 2, activation="relu"), kl.GlobalMaxPooling1D(),
                   kl.Dense(3, activation="relu"), kl.Dense(1))  # fmt: skip


def residual(t: Twin) -> Value:
    y = t(kl.Conv1D(4, 3, padding="same", activation="relu"), t.input((L, 4)))
    for dilation in (1, 2):
        z = t(kl.Conv1D(4, 3, padding="same", dilation_rate=dilation, activation="relu"), y)
        y = t(kl.Add(), y, z)
    return t.chain(y, kl.GlobalAveragePooling1D(), kl.Dense(1))


def reused(t: Twin) -> Value:
    y = t(kl.Conv1D(4, 3, padding="same"), t.input((L, 4)))
    shared = kl.Conv1D(4, 3, padding="same", activation="relu")
    y = t(shared, t(shared, y), keep=True)
    return t.chain(t(kl.Maximum(), y, t(kl.Conv1D(4, 1), y)), kl.GlobalAveragePooling1D(), kl.Dense(1))


def curved(t: Twin) -> Value:
    return t.chain(t.input((L, 4)), kl.Conv1D(5, 3, activation="gelu"), kl.Conv1D(5, 3, activation="elu"),
                   kl.Conv1D(5, 3, activation="silu"), kl.LeakyReLU(0.2), kl.GlobalAveragePooling1D(),
                   kl.Dense(5, activation="softplus"), kl.Dense(1))  # fmt: skip


def gated(t: Twin) -> Value:
    return t.chain(t.input((L, 4)), kl.Conv1D(5, 3, activation="tanh"), kl.Conv1D(5, 3, activation="relu"),
                   kl.Conv1D(5, 3, activation="sigmoid"), kl.Flatten(), kl.Dense(4, activation="softsign"),
                   kl.Dense(1))  # fmt: skip


def two_dimensional(t: Twin) -> Value:
    y = t(kl.Reshape((L, 4, 1)), t.input((L, 4)))
    y = t.chain(y, kl.Conv2D(3, (3, 2), activation="relu"), kl.MaxPooling2D((3, 2), strides=(2, 1)))
    return t.unit(y)


NETWORKS: dict[str, Callable[[Twin], Value]] = {
    f.__name__: f for f in (plain, overlapping, normalised, residual, reused, curved, gated, two_dimensional)
}


@pytest.mark.table(3)
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("network", NETWORKS)
@every_method
def test_agreement_with_numpy(method: str, network: str, seed: int) -> None:
    t = Twin(seed, winner_takes_all=True)
    head = NETWORKS[network](t)
    X = random_dna(3, L, seed + 10)
    got = METHODS[method](t.model(head), X)
    wanted = np.stack([back(t.net, x, head.number, 0, method) for x in X])
    scale = np.abs(wanted).max()
    np.testing.assert_allclose(got.hypothetical, wanted, atol=2e-5 * scale)
    np.testing.assert_array_equal(got.contributions, got.hypothetical * X)
    gradient = np.stack([back(t.net, x, head.number, 0, "gradient") for x in X])
    assert not np.allclose(wanted, gradient, atol=1e-2 * scale) or not scale  # the test can tell them apart


@pytest.mark.table(3)
@pytest.mark.parametrize("network", ["plain", "overlapping", "normalised", "two_dimensional"])
@pytest.mark.parametrize("seed", [3, 4])
@every_method
def test_ties_go_to_the_first(method: str, network: str, seed: int) -> None:
    t = Twin(seed, integers=True, winner_takes_all=True)
    head = NETWORKS[network](t)
    X = random_dna(4, L, seed)
    X[:, 2:8] = X[:, 2:3]  # a run of one base: windows with equal values
    wanted = np.stack([back(t.net, x, head.number, 0, method) for x in X])
    np.testing.assert_allclose(METHODS[method](t.model(head), X).hypothetical, wanted, atol=2e-4, rtol=1e-5)


def one_unit(weights: list[float], outgoing: list[float], activation: str = "relu") -> Any:
    """f = Σ_u outgoing_u · activation(Σ_b weights_ub x_b) on the first of two bases."""
    x = keras.Input((2, 4))
    hidden = kl.Dense(len(outgoing), use_bias=False, activation=activation)
    out = kl.Dense(1, use_bias=False)
    model = keras.Model(x, out(hidden(kl.Flatten()(x))))
    kernel = np.array(weights, dtype=np.float32).reshape(len(outgoing), 4).T
    hidden.kernel.assign(np.concatenate([kernel, 0 * kernel]))
    out.kernel.assign(np.array(outgoing, dtype=np.float32)[:, None])
    return model


A = np.eye(4, dtype=np.float32)[None, [0, 3]]


def test_closed_forms_of_four_units() -> None:
    # units: on and wanted, on and unwanted, off and wanted, off and unwanted
    weights = [2, 1, 0, 0, 3, 0, 1, 0, -1, 0, 0, 5, -2, 7, 0, 0]
    model = one_unit(weights, [0.5, -1.0, 4.0, -6.0])
    guided = guided_backprop(model, A)
    np.testing.assert_allclose(guided.hypothetical[0, 0], [1.0, 0.5, 0.0, 0.0])  # the first unit alone
    np.testing.assert_allclose(guided.contributions[0, 0], [1.0, 0.0, 0.0, 0.0])
    projected = deconvnet(model, A)
    np.testing.assert_allclose(projected.hypothetical[0, 0], [1.0 - 4.0, 0.5, 0.0, 20.0])  # first and third
    np.testing.assert_allclose(guided.predictions, [0.5 * 2 - 1.0 * 3])


@pytest.mark.parametrize("name", ELEMENTWISE_ACTIVATIONS)
def test_what_counts_as_a_rectifier(name: str) -> None:
    """It grows with slope 1 somewhere above 0 and is nearly flat far below: told from its values, not its name."""
    f = getattr(keras.activations, name, None)
    if f is None:
        pytest.skip(f"this Keras has no {name}")
    options = {"threshold": 0.5, "default_value": 0.0} if name == "threshold" else {}
    y = to_numpy(f(to_tensor([-40.0, -39.0, 4.0, 5.0]), **options))
    rectifier = y[1] - y[0] < 0.5 and y[3] - y[2] > 0.9 and abs(y[0]) < 20
    # SELU's slope is 1.05; a hard shrinkage or tanhshrink is odd, and exponential grows without end
    assert (name in RECTIFIERS) == (bool(rectifier) and y[3] < 20)


@pytest.mark.parametrize(
    ("activation", "slope"), [("relu6", 1.0), ("leaky_relu", 1.0), ("tanh", 1 - np.tanh(2.0) ** 2)]
)
def test_rectifiers_stop_what_is_negative_and_gates_do_not(activation: str, slope: float) -> None:
    for sign in (1.0, -1.0):
        model = one_unit([2, 1, 0, 0], [sign], activation)
        wanted = slope * np.array([2, 1, 0, 0]) * sign
        if activation != "tanh":
            wanted = np.maximum(wanted, 0)
        np.testing.assert_allclose(guided_backprop(model, A).hypothetical[0, 0], wanted, rtol=1e-5)
        if activation != "tanh":
            np.testing.assert_allclose(deconvnet(model, A).hypothetical[0, 0], wanted, rtol=1e-5)


def test_below_zero_a_leaky_relu_keeps_its_slope_in_one_method_only() -> None:
    model = one_unit([-2, 1, 0, 0], [1.0], "leaky_relu")
    np.testing.assert_allclose(guided_backprop(model, A).hypothetical[0, 0], [-0.4, 0.2, 0, 0], rtol=1e-5)
    np.testing.assert_allclose(deconvnet(model, A).hypothetical[0, 0], [-2, 1, 0, 0], rtol=1e-5)


def test_a_saturated_relu6_passes_nothing_back() -> None:
    model = one_unit([7, 1, 0, 0], [1.0], "relu6")
    np.testing.assert_array_equal(guided_backprop(model, A).hypothetical, 0.0)
    np.testing.assert_allclose(deconvnet(model, A).hypothetical[0, 0], [7, 1, 0, 0])


@every_method
def test_softmax_has_its_gradient(method: str) -> None:
    x = keras.Input((2, 4))
    out = kl.Dense(3, use_bias=False, activation="softmax")
    model = keras.Model(x, out(kl.Flatten()(x)))
    W = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    out.kernel.assign(np.concatenate([W, 0 * W]))
    z = W[0]
    p = np.exp(z) / np.exp(z).sum()
    got = METHODS[method](SequenceModel(model), A, target=1, level="output")
    np.testing.assert_allclose(got.hypothetical[0, 0], W @ (p[1] * (np.eye(3)[1] - p)), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(got.predictions, p[1:2], rtol=1e-6)


@every_method
def test_what_may_hide_rectifiers_is_refused(method: str) -> None:
    def bent(t: Any) -> Any:
        if isinstance(t, keras.KerasTensor) and t.shape[0] is not None:
            raise TypeError("cannot be traced")
        return keras.ops.relu(t) ** 1.5

    x = keras.Input((L, 4))
    y = kl.Conv1D(3, 3, activation=bent, name="custom")(x)
    model = keras.Model(x, kl.Dense(1)(kl.Flatten()(y)))
    with pytest.raises(UnsupportedLayerError, match=r"layer 'custom' \(activation 'bent'\)"):
        METHODS[method](model, random_dna(1, L, 0))


def test_without_switches_and_gates_the_projection_does_not_see_the_sequence() -> None:
    t = Twin(5)
    head = t.chain(t.input((L, 4)), kl.Conv1D(5, 4, activation="relu"), kl.GlobalAveragePooling1D(), kl.Dense(1))
    result = deconvnet(t.model(head), random_dna(3, L, 1)).hypothetical
    np.testing.assert_array_equal(result[1:], np.broadcast_to(result[:1], (2, L, 4)))
    assert np.abs(result).max() > 0
