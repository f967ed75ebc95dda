"""A small network, its scores by Keras itself, and words written into sequences by hand."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers as kl

from seqexplain.models.sequence_model import SequenceModel

L = 40


def network(length: int | None = L) -> SequenceModel:
    keras.utils.set_random_seed(3)
    dna = keras.Input((length, 4), name="dna")
    y = kl.Conv1D(6, 5, activation="relu", name="first")(dna)
    y = kl.Conv1D(5, 4, dilation_rate=2, activation="tanh")(kl.MaxPooling1D(2)(y))
    y = kl.GlobalMaxPooling1D()(y) if length is None else kl.Flatten()(y)
    return SequenceModel(keras.Model(dna, kl.Dense(3, activation="sigmoid")(y)))


def random_sequences(n: int, length: int = L, seed: int = 0) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[np.random.default_rng(seed).integers(0, 4, (n, length))]


def logits(model: SequenceModel, X: np.ndarray) -> np.ndarray:
    p = np.asarray(model.keras_model.predict(X, verbose=0), dtype=np.float64)
    return np.log(p / (1 - p))


def written(X: np.ndarray, word: str, start: int) -> np.ndarray:
    """X with a word in it; N leaves what is there."""
    out = X.copy()
    for offset, letter in enumerate(word):
        if letter != "N":
            out[:, start + offset] = np.eye(4)["ACGT".index(letter)]
    return out


def flipped(word: str) -> str:
    return word[::-1].translate(str.maketrans("ACGT", "TGCA"))
