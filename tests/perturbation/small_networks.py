"""Small networks and what their Keras models say, for the tests of this folder."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers as kl

L = 14


def dna(n: int, seed: int = 0, length: int = L) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[np.random.default_rng(seed).integers(0, 4, (n, length))]


def randomised(model: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        shape = tuple(variable.shape)
        fan_in = max(1, int(np.prod(shape[:-1]))) if len(shape) > 1 else 9
        variable.assign((rng.normal(size=shape) * 1.5 / np.sqrt(fan_in)).astype("float32"))
    return model


def network(final: str = "sigmoid", units: int = 3, length: int = L, seed: int = 0) -> Any:
    x = keras.Input((length, 4))
    y = kl.Conv1D(5, 4, activation="relu", name="motifs")(x)
    y = kl.Flatten()(kl.MaxPooling1D(2, name="pool")(y))
    return randomised(keras.Model(x, kl.Dense(units, activation=final, name="tasks")(y), name="small"), seed)


def linear(length: int = L, units: int = 1, seed: int = 0) -> tuple[Any, np.ndarray]:
    """A model that is a weighted sum of the input, and its weights `(L, 4, units)`."""
    x = keras.Input((length, 4))
    layer = kl.Dense(units, name="sum")
    model = randomised(keras.Model(x, layer(kl.Flatten()(x))), seed)
    weights = np.asarray(keras.ops.convert_to_numpy(keras.ops.copy(layer.kernel))).reshape(length, 4, units)
    return model, weights


def predict(model: Any, x: np.ndarray) -> np.ndarray:
    return np.asarray(model.predict(np.asarray(x, dtype=np.float32), verbose=0), dtype=np.float64)


def logit(p: np.ndarray) -> np.ndarray:
    return np.log(p) - np.log1p(-p)
