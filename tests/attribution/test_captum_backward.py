"""Guided backpropagation, deconvolution and Grad-CAM against captum, on the same weights in PyTorch.

Captum changes the backward pass at ReLU alone, so the networks here have no other activation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import dna, randomise
from keras import layers as kl

from seqexplain import deconvnet, grad_cam, guided_backprop, guided_grad_cam
from seqexplain.models.sequence_model import SequenceModel

attr = pytest.importorskip("captum.attr")

from oracle.torch_twins import from_torch, to_torch, torch_twin  # noqa: E402 - needs PyTorch, as captum does

L = 30
TARGET = 1

# captum says so at each use: its hooks stand where gradients are overwritten
pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU activations")


def basset() -> Any:
    x = keras.Input((L, 4))
    y = kl.ReLU()(kl.BatchNormalization()(kl.Conv1D(6, 5, name="motifs")(x)))
    y = kl.MaxPooling1D(3, strides=2)(y)
    y = kl.Conv1D(5, 3, activation="relu", name="last")(y)
    y = kl.Dense(7, activation="relu")(kl.Flatten()(kl.MaxPooling1D(2)(y)))
    return keras.Model(x, kl.Dense(3, activation="sigmoid")(y))


def dilated() -> Any:
    x = keras.Input((L, 4))
    y = kl.Conv1D(5, 7, padding="same", activation="relu", name="motifs")(x)
    for rate in (1, 2, 4):
        z = kl.Conv1D(5, 3, padding="same", dilation_rate=rate, activation="relu", name=f"rate_{rate}")(y)
        y = kl.Add()([y, z])
    y = kl.Conv1D(4, 1, activation="relu", name="last")(y)
    return keras.Model(x, kl.Dense(2)(kl.GlobalAveragePooling1D()(y)))


def towers() -> Any:
    x = keras.Input((L, 4))
    y = kl.Concatenate()([kl.Conv1D(3, k, padding="same", activation="relu")(x) for k in (3, 6)])
    y = kl.Conv1D(4, 4, strides=2, activation="relu", name="last")(y)
    return keras.Model(x, kl.Dense(2)(kl.Dense(4, activation="relu")(kl.GlobalMaxPooling1D()(y))))


NETWORKS = {f.__name__: f for f in (basset, dilated, towers)}
every_network = pytest.mark.parametrize("network", NETWORKS)


def twins(network: str, seed: int) -> tuple[SequenceModel, Any, np.ndarray]:
    model = randomise(NETWORKS[network](), seed)
    return SequenceModel(model), torch_twin(model), dna(4, seed=seed, length=L)


def assert_close(got: np.ndarray, wanted: np.ndarray) -> None:
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() <= 1e-4 * np.abs(wanted).max()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("method", "other"), [(guided_backprop, "GuidedBackprop"), (deconvnet, "Deconvolution")])
@every_network
def test_modified_backward(network: str, method: Callable[..., Any], other: str, seed: int) -> None:
    model, twin, X = twins(network, seed)
    wanted = from_torch(getattr(attr, other)(twin).attribute(to_torch(X).requires_grad_(), target=TARGET))
    assert np.abs(wanted).max() > 0
    assert_close(method(model, X, target=TARGET).hypothetical, wanted)


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("seed", [0, 1, 2])
@every_network
def test_grad_cam(network: str, seed: int, relu: bool) -> None:
    model, twin, X = twins(network, seed)
    module = twin.modules_of["last"][-1]
    wanted = attr.LayerGradCam(twin, module).attribute(
        to_torch(X).requires_grad_(), target=TARGET, relu_attributions=relu
    )
    wanted = wanted.detach().numpy()[:, 0]
    result = grad_cam(model, X, target=TARGET, layer="last", relu=relu)
    at = PLACES[network]
    np.testing.assert_allclose(at(wanted), result.contributions.sum(axis=-1), atol=1e-4 * np.abs(wanted).max())
    if network == "dilated":  # as many positions as bases: both agree on where they are
        guided = guided_grad_cam(model, X, target=TARGET, layer="last", relu=True)
        found = attr.GuidedGradCam(twin, module).attribute(to_torch(X).requires_grad_(), target=TARGET)
        assert_close(guided.hypothetical, from_torch(found))


def at_centres(first: float, step: float) -> Callable[[np.ndarray], np.ndarray]:
    """Interpolate at the centres of what positions see; captum stretches the map over the sequence instead."""

    def spread(found: np.ndarray) -> np.ndarray:
        at = first + step * np.arange(found.shape[1])
        return np.stack([np.interp(np.arange(L), at, row) for row in found])

    return spread


# windows of 5 (centre 2), pools of 3 with stride 2 (1 more), windows of 3 (2 more); windows of 4 with stride 2 (1.5);
# windows of 6, padded with 2 before and 3 after, are half a base ahead of those of 3
PLACES = {"basset": at_centres(5.0, 2.0), "dilated": at_centres(0.0, 1.0), "towers": at_centres(1.75, 2.0)}
