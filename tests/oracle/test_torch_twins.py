"""The twins in PyTorch compute what the Keras models compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

from seqexplain.models.backend import to_numpy, to_tensor

torch = pytest.importorskip("torch")

LENGTH = 24


def randomised(model: Any) -> Any:
    rng = np.random.default_rng(0)
    for variable in model.variables:
        if "seed" not in variable.path:
            low, high = (0.5, 1.5) if "variance" in variable.path else (-0.6, 0.6)
            variable.assign(rng.uniform(low, high, variable.shape).astype("float32"))
    return model


def basset() -> Any:
    parts = [keras.Input((LENGTH, 4))]
    for pool in ("valid", "same"):
        parts += [kl.Conv1D(6, 5, padding="same"), kl.BatchNormalization(), kl.ReLU(), kl.MaxPooling1D(3, padding=pool)]
    return keras.Sequential([*parts, kl.Flatten(), kl.Dense(7, activation="gelu"), kl.Dense(3, activation="sigmoid")])


def residual() -> Any:
    x = keras.Input((LENGTH, 4))
    y = kl.Conv1D(5, 4, strides=2, padding="same", activation="relu", name="first")(x)
    tower = keras.Sequential([keras.Input((12, 5)), kl.Conv1D(5, 3, padding="causal", activation="tanh")])
    y = kl.Add()([y, tower(y), kl.Conv1D(5, 3, padding="same", dilation_rate=2)(y)])
    pooled = kl.Concatenate()([kl.GlobalAveragePooling1D()(y), kl.GlobalMaxPooling1D()(y)])
    return keras.Model(x, [kl.Dense(2)(pooled), kl.Dense(3, activation="elu")(kl.Dropout(0.5)(y))])


@pytest.mark.parametrize("build", [basset, residual])
def test_the_twin_computes_the_same(build: Callable[[], Any]) -> None:
    from oracle.torch_twins import from_torch, to_torch, torch_twin

    model = randomised(build())
    X = np.eye(4, dtype=np.float32)[np.random.default_rng(1).integers(0, 4, (5, LENGTH))]
    wanted = model(to_tensor(X), training=False)
    with torch.no_grad():
        found = torch_twin(model, logits=False)(to_torch(X))
    if not isinstance(wanted, list):
        wanted, found = [wanted], (found,)
    for a, b in zip(wanted, found, strict=True):
        b = from_torch(b) if b.ndim == 3 else b.numpy()
        np.testing.assert_allclose(b, to_numpy(a), rtol=0, atol=2e-6)


def test_logits_leave_out_the_last_sigmoid_and_modules_are_found_by_layer() -> None:
    from oracle.torch_twins import to_torch, torch_twin

    model = randomised(basset())
    X = to_torch(np.eye(4, dtype=np.float32)[np.random.default_rng(1).integers(0, 4, (5, LENGTH))])
    twin = torch_twin(model)
    with torch.no_grad():
        np.testing.assert_allclose(torch.sigmoid(twin(X)), torch_twin(model, logits=False)(X), rtol=0, atol=1e-6)
    assert [type(m).__name__ for m in twin.modules_of[model.layers[-2].name]] == ["Linear", "GELU"]
