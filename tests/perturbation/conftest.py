"""Small networks whose edits can be told by hand, and a plain way to score an edited sequence."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

from seqexplain import SequenceModel

_HERE = str(Path(__file__).resolve().parent)
if _HERE not in sys.path:  # for `experiments`, wherever pytest is run from
    sys.path.insert(0, _HERE)


def dna(n: int, length: int, seed: int = 0) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[np.random.default_rng(seed).integers(0, 4, (n, length))]


@pytest.fixture(scope="session")
def sequences() -> Callable[..., np.ndarray]:
    """Return `(n, length, 4)` random one-hot sequences."""
    return dna


def randomised(model: Any, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        fan_in = max(1, int(np.prod(variable.shape[:-1])))
        variable.assign((rng.normal(size=variable.shape) * 1.5 / np.sqrt(fan_in)).astype("float32"))
    return model


@pytest.fixture(scope="session")
def network() -> Any:
    """A Keras model of 24 bp with two logits."""
    x = keras.Input((24, 4))
    y = kl.MaxPooling1D(3, strides=2)(kl.Conv1D(6, 5, activation="relu")(x))
    return randomised(keras.Model(x, kl.Dense(2)(kl.Flatten()(y))))


@pytest.fixture(scope="session")
def wrapped(network: Any) -> SequenceModel:
    """The same, wrapped once, so that what is compiled serves many tests."""
    return SequenceModel(network)


@pytest.fixture(scope="session")
def any_length() -> Any:
    """A Keras model of any length with one logit."""
    x = keras.Input((None, 4))
    y = kl.GlobalMaxPooling1D()(kl.Conv1D(6, 5, padding="same", activation="relu")(x))
    return randomised(keras.Model(x, kl.Dense(1)(y)), seed=1)


@pytest.fixture(scope="session")
def linear() -> tuple[Any, np.ndarray]:
    """A Keras model of 10 bp that adds up weights `(10, 4)`, and the weights."""
    x = keras.Input((10, 4))
    model = randomised(keras.Model(x, kl.Dense(1)(kl.Flatten()(x))), seed=2)
    return model, np.asarray(keras.ops.convert_to_numpy(model.layers[-1].kernel)).reshape(10, 4)


@pytest.fixture(scope="session")
def scored() -> Callable[[Any, np.ndarray], np.ndarray]:
    """Score `(m, L, 4)` arrays by the Keras model alone, `(m, t)`."""
    return lambda model, x: np.asarray(model.predict(x.astype(np.float32), verbose=0, batch_size=512))
