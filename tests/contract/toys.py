"""Small Keras models that together have what real ones have: tasks, heads, branches, other inputs, any length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import layers as kl

from seqexplain.models.backend import to_numpy

L = 12  # bp


def array_of(variable: Any) -> np.ndarray:
    """Return a weight; of a copy that is no variable, of which NumPy would warn."""
    return to_numpy(keras.ops.copy(variable))


def randomise(model: Any, seed: int = 0) -> Any:
    """Give all weights values that matter: none stays at 0 or 1."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        shape = tuple(variable.shape)
        if "seed" in variable.path:
            continue
        if "variance" in variable.path:
            value = rng.uniform(0.5, 2.0, shape)
        else:
            fan_in = max(1, int(np.prod(shape[:-1]))) if len(shape) > 1 else 9
            value = rng.normal(size=shape) * 1.5 / np.sqrt(fan_in)
        variable.assign(value.astype("float32"))
    return model


def tasks(length: int | None = L, final: str = "sigmoid") -> Any:
    x = keras.Input((length, 4))
    y = kl.Conv1D(5, 4, activation="relu", name="motifs")(x)
    y = kl.MaxPooling1D(3, strides=2, name="pool")(y)
    y = kl.BatchNormalization(name="norm")(y)
    y = kl.Flatten()(y)
    y = kl.Dropout(0.3)(kl.Dense(6, activation="elu", name="mix")(y))
    return randomise(keras.Model(x, kl.Dense(3, activation=final, name="tasks")(y), name="three_tasks"))


def residual() -> Any:
    x = keras.Input((L, 4))
    y = kl.Conv1D(4, 3, padding="same", activation="gelu")(x)
    for dilation in (1, 2):
        z = kl.Conv1D(4, 3, padding="same", dilation_rate=dilation, activation="relu")(y)
        y = kl.Add()([y, z])
    return randomise(keras.Model(x, kl.Dense(1)(kl.GlobalAveragePooling1D()(y)), name="residual"))


def two_heads() -> Any:
    x = keras.Input((L, 4))
    y = kl.Conv1D(4, 3, padding="same", activation="relu")(x)
    counts = kl.Dense(2, name="counts")(kl.GlobalMaxPooling1D()(y))
    profile = kl.Conv1D(2, 3, padding="same", name="profile")(y)
    return randomise(keras.Model(x, [counts, profile], name="two_heads"))


def two_inputs() -> Any:
    x, other = keras.Input((L, 4), name="dna"), keras.Input((3,), name="cell")
    y = kl.Flatten()(kl.Conv1D(4, 3, activation="relu")(x))
    y = kl.Dense(4, activation="tanh")(kl.Concatenate()([y, other]))
    return randomise(keras.Model([x, other], kl.Dense(1)(y), name="two_inputs"))


def any_length() -> Any:
    x = keras.Input((None, 4))
    y = kl.Conv1D(4, 3, padding="same", activation="relu")(x)
    y = kl.Maximum()([kl.GlobalMaxPooling1D()(y), kl.GlobalAveragePooling1D()(y)])
    return randomise(keras.Model(x, kl.Dense(1, activation="sigmoid")(y), name="any_length"))


@dataclass(frozen=True)
class Toy:
    """A model and how to explain it."""

    build: Callable[[], Any]
    target: Any = None
    extra: Mapping[str, Any] = field(default_factory=dict)


TOYS = {
    "tasks": Toy(tasks, target=1),
    "residual": Toy(residual),
    "two heads": Toy(two_heads, target=("profile", (4, 1))),
    "two inputs": Toy(two_inputs, extra={"cell": np.array([0.5, -1.0, 2.0])}),
    "any length": Toy(any_length),
}


def dna(n: int, seed: int = 0, length: int = L) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[np.random.default_rng(seed).integers(0, 4, (n, length))]
