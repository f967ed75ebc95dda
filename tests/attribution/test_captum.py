"""captum, asked about the same network with the same weights in PyTorch, says the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import dna, randomise
from keras import layers as kl

from seqexplain.attribution import input_x_gradient, integrated_gradients, saliency

pytest.importorskip("torch")
captum = pytest.importorskip("captum.attr")

LENGTH, CLOSE = 40, 1e-5  # of the largest score


def pooled() -> Any:
    parts = [keras.Input((LENGTH, 4))]
    for filters in (8, 6):
        parts += [kl.Conv1D(filters, 5, padding="same"), kl.BatchNormalization(), kl.ReLU(), kl.MaxPooling1D(2)]
    return randomise(keras.Sequential([*parts, kl.Flatten(), kl.Dense(9, activation="gelu"), kl.Dense(3)]))


def residual() -> Any:
    x = keras.Input((LENGTH, 4))
    y = kl.Conv1D(6, 7, padding="same", activation="elu")(x)
    for dilation in (1, 2):
        y = kl.Add()([y, kl.Conv1D(6, 3, padding="same", dilation_rate=dilation, activation="relu")(y)])
    return randomise(keras.Model(x, kl.Dense(3, activation="sigmoid")(kl.GlobalAveragePooling1D()(y))))


networks = pytest.mark.parametrize("build", [pooled, residual])


def asked(explainer: Any, model: Any, X: np.ndarray, **options: Any) -> np.ndarray:
    from oracle.torch_twins import from_torch, to_torch, torch_twin

    return from_torch(explainer(torch_twin(model)).attribute(to_torch(X).requires_grad_(), target=1, **options))


def assert_agree(found: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(found, wanted, rtol=0, atol=CLOSE * np.abs(wanted).max())


@networks
def test_saliency(build: Callable[[], Any]) -> None:
    model, X = build(), dna(3, length=LENGTH)
    assert_agree(saliency(model, X, target=1).hypothetical, asked(captum.Saliency, model, X))
    signed = saliency(model, X, target=1, signed=True).hypothetical
    assert_agree(signed, asked(captum.Saliency, model, X, abs=False))


@networks
def test_input_x_gradient(build: Callable[[], Any]) -> None:
    model, X = build(), dna(3, length=LENGTH)
    assert_agree(input_x_gradient(model, X, target=1).contributions, asked(captum.InputXGradient, model, X))


@networks
@pytest.mark.parametrize("n", [7, 50])
@pytest.mark.parametrize(
    ("quadrature", "theirs"), [("gauss-legendre", "gausslegendre"), ("midpoint", "riemann_middle")]
)
def test_integrated_gradients(build: Callable[[], Any], quadrature: str, theirs: str, n: int) -> None:
    from oracle.torch_twins import to_torch

    model, X = build(), dna(3, length=LENGTH)
    background = np.broadcast_to(np.float32([0.3, 0.2, 0.2, 0.3]), X.shape)
    found = integrated_gradients(
        model, X, target=1, references=background[0], steps=n, quadrature=quadrature, tolerance=1e3
    )
    wanted = asked(captum.IntegratedGradients, model, X, baselines=to_torch(background), n_steps=n, method=theirs)
    # theirs are m (x − r), base by base: what the observed base contributes is the sum over the four
    assert_agree(found.contributions.sum(axis=2), wanted.sum(axis=2))
    m = wanted / (X - background)
    assert_agree(found.hypothetical, m - (m * background).sum(axis=2, keepdims=True))
