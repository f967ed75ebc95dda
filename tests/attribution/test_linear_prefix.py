"""What is linear at the sequence's side is passed once a path; the scores are those of gradients at each point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import L, any_length, dna, randomise, residual, tasks, two_heads, two_inputs
from keras import layers as kl

from seqexplain import input_x_gradient, integrated_gradients
from seqexplain.attribution._linear_prefix import linear_prefix
from seqexplain.models.sequence_model import SequenceModel

STEPS = 7


def normalised() -> Any:
    x = keras.Input((4, L))
    y = kl.Conv1D(4, 3)(kl.Permute((2, 1))(x))
    y = kl.BatchNormalization()(kl.ZeroPadding1D(2)(y))
    return randomise(keras.Model(x, kl.Dense(1)(kl.Flatten()(kl.Activation("gelu")(y)))))


def linear() -> Any:
    x = keras.Input((L, 4))
    return randomise(keras.Model(x, kl.Dense(1)(kl.Flatten()(kl.Conv1D(3, 4)(x)))))


def read_twice() -> Any:
    x = keras.Input((L, 4))
    pair = [kl.Conv1D(3, 3, activation="tanh")(x), kl.Conv1D(3, 3, activation="softplus")(x)]
    return randomise(keras.Model(x, kl.Dense(1)(kl.Flatten()(kl.Multiply()(pair)))))


CASES: dict[str, tuple[Callable[[], Any], dict[str, Any], Any, int]] = {
    "one convolution": (tasks, {}, 1, 1),
    "layout, convolution, padding, normalisation": (normalised, {}, None, 5),
    "all of it": (linear, {}, None, 3),
    "two readers": (read_twice, {}, None, 0),
    "both strands": (tasks, {"average_strands": True}, 1, 0),
    "two heads": (two_heads, {}, ("profile", (3, 1)), 1),
    "another input": (two_inputs, {"extra_inputs": {"cell": np.array([0.5, -1.0, 2.0])}}, None, 1),
    "any length": (any_length, {}, None, 1),
    "residual": (residual, {}, None, 1),
}


@pytest.mark.parametrize("name", CASES)
def test_as_gradients_at_each_point(name: str) -> None:
    build, options, target, operations = CASES[name]
    model, X = SequenceModel(build(), **options), dna(3, seed=1)
    heads = sorted({v for t in model.targets(target, length=L) for v in t.weights})
    prefix = linear_prefix(model.graph, heads)
    assert len(prefix.positions) == operations
    references = np.stack([dna(3, seed=2), np.full((3, L, 4), 0.25)], axis=1).astype(np.float32)
    found = integrated_gradients(
        model, X, target=target, references=references, steps=STEPS, tolerance=1e3, keep_references=True
    )
    places, weights = np.polynomial.legendre.leggauss(STEPS)
    for k in range(2):
        path = [references[:, k] + (1 + p) / 2 * (X - references[:, k]) for p in places]
        gradients = [input_x_gradient(model, point, target=target).hypothetical for point in path]
        mean = np.tensordot(weights / 2, gradients, axes=1)
        wanted = mean - (mean * references[:, k]).sum(axis=-1, keepdims=True)
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(found.per_reference[:, k], wanted, rtol=0, atol=1e-5 * scale)
