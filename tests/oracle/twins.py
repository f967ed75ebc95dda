"""Toy networks that exist twice: as a Keras model, and as NumPy steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

from oracle.deeplift_numpy import Array, Network
from oracle.layers_numpy import describe


@dataclass
class Value:
    """One value: a Keras tensor, and its number among the NumPy steps."""

    tensor: Any
    number: int


class Twin:
    """Builds both at once.

    Parameters
    ----------
    seed
        Of the weights.
    integers
        Weights are small whole numbers, so that values tie exactly.
    winner_takes_all
        The rule that the NumPy network uses for max pooling.
    """

    def __init__(self, seed: int = 0, *, integers: bool = False, winner_takes_all: bool = False) -> None:
        self.net = Network()
        self.rng = np.random.default_rng(seed)
        self.integers, self.winner_takes_all = integers, winner_takes_all
        self.inputs: list[Any] = []

    def input(self, shape: Sequence[int], name: str | None = None) -> Value:
        tensor = keras.Input(tuple(shape), name=name)
        self.inputs.append(tensor)
        return Value(tensor, self.net.input(shape))

    def randomise(self, layer: Any) -> None:
        """Give a built layer weights that exercise all of it: none stays at 0 or 1."""
        if hasattr(layer, "layers"):
            for inner in layer.layers:
                self.randomise(inner)
            return
        new = []
        for variable in layer.weights:
            shape = tuple(variable.shape)
            if "variance" in variable.path:
                value = self.rng.uniform(0.5, 2.0, shape)
            elif self.integers:
                value = self.rng.integers(-2, 3, shape)
            else:
                fan_in = max(1, int(np.prod(shape[:-1]))) if len(shape) > 1 else 4
                value = self.rng.normal(size=shape) * 1.5 / np.sqrt(fan_in)
            new.append(value.astype(np.float32))
        layer.set_weights(new)

    def __call__(self, layer: Any, *values: Value, keep: bool = False) -> Value:
        """Apply a layer to values; `keep` keeps its weights, for a layer that is used again."""
        tensors = [v.tensor for v in values]
        tensor = layer(tensors if len(tensors) > 1 else tensors[0])
        if not keep:
            self.randomise(layer)
        number = describe(self.net, layer, *(v.number for v in values), winner_takes_all=self.winner_takes_all)
        return Value(tensor, number)

    def chain(self, value: Value, *steps: Any) -> Value:
        for layer in steps:
            value = self(layer, value)
        return value

    def unit(self, value: Value) -> Value:
        """Reduce any value to one number, each of its entries with a weight of its own."""
        if len(value.tensor.shape) > 2:
            value = self(layers.Flatten(), value)
        return self(layers.Dense(1), value)

    def model(self, *heads: Value) -> Any:
        inputs = self.inputs if len(self.inputs) > 1 else self.inputs[0]
        return keras.Model(inputs, [h.tensor for h in heads] if len(heads) > 1 else heads[0].tensor)


def random_dna(n: int, length: int, seed: int) -> Array:
    """Return one-hot sequences `(n, L, 4)`."""
    return np.eye(4, dtype=np.float32)[np.random.default_rng(seed).integers(0, 4, (n, length))]


def random_references(n: int, r: int, length: int, seed: int) -> Array:
    """Return references `(n, r, L, 4)`: permuted one-hot rows, and backgrounds that are no bases."""
    rng = np.random.default_rng(seed)
    result = np.eye(4, dtype=np.float32)[rng.integers(0, 4, (n, r, length))]
    result[:, -1] = rng.dirichlet(np.ones(4), (n, length)).astype(np.float32)
    return result


def oracle_scores(
    twin: Twin, heads: Sequence[tuple[int, int]], X: Array, references: Array, extra: Sequence[Array] = ()
) -> Array:
    """Return hypothetical scores `(n, t, L, 4)` of units `(head's number, index)`; `references` are `(n, r, L, 4)`."""
    rows = []
    for x, refs in zip(X, references, strict=True):
        rows.append([twin.net.deeplift(x, refs, head, index, extra)[0] for head, index in heads])
    return np.array(rows)
