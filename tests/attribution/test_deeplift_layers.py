"""Every layer that DeepLIFT has a rule for, against the NumPy oracle: values, scores, completeness.

Layers of one family are branches of one network, each with a target of its own, so that it is compiled once.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import layers as kl
from oracle.layers_numpy import ACTIVATIONS
from oracle.twins import Twin, Value, oracle_scores, random_dna, random_references

from seqexplain.attribution import deeplift
from seqexplain.models.sequence_model import SequenceModel

L = 10
SCORE_TOLERANCE = 1e-5  # of the largest score of the branch
Branches = dict[str, Value]


def _stem(t: Twin, x: Value, filters: int = 3) -> Value:
    return t(kl.Conv1D(filters, 3, activation="relu", padding="same"), x)


def _stem2d(t: Twin, x: Value, filters: int = 2) -> Value:
    image = t(kl.Reshape((L, 4, 1)), x)
    return t(kl.Conv2D(filters, (3, 2), activation="relu", padding="same"), image)


def _each(t: Twin, value: Value, steps: dict[str, list]) -> Branches:
    return {name: t.unit(t.chain(value, *chain)) for name, chain in steps.items()}


def convolutions(t: Twin, x: Value) -> Branches:
    wide = _stem(t, x, 4)
    on_bases = {
        "valid": [kl.Conv1D(3, 4, activation="tanh")],
        "same, even window": [kl.Conv1D(3, 4, padding="same", activation="tanh")],
        "causal, dilated": [kl.Conv1D(2, 3, padding="causal", dilation_rate=2, activation="tanh")],
        "stride 2, same": [kl.Conv1D(2, 3, strides=2, padding="same", activation="tanh")],
        "stride 3, valid": [kl.Conv1D(2, 4, strides=3, activation="tanh")],
        "stride 2, causal": [kl.Conv1D(2, 3, strides=2, padding="causal", activation="tanh")],
        "dilated, same": [kl.Conv1D(2, 3, padding="same", dilation_rate=3, activation="tanh")],
        "no bias": [kl.Conv1D(2, 3, use_bias=False, activation="tanh")],
        "groups": [kl.Conv1D(4, 3, groups=2, activation="tanh")],
        "many channels": [kl.Conv1D(20, 3, activation="tanh"), kl.Conv1D(2, 3, activation="tanh")],
    }
    deeper = {
        "separable": [kl.SeparableConv1D(3, 3, depth_multiplier=2, activation="relu")],
        "separable, stride 2, same": [kl.SeparableConv1D(3, 3, strides=2, padding="same")],
        "separable, dilated, same": [kl.SeparableConv1D(3, 3, dilation_rate=2, padding="same")],
        "depthwise": [kl.DepthwiseConv1D(3, depth_multiplier=2, activation="relu")],
        "depthwise, stride 2, same": [kl.DepthwiseConv1D(4, strides=2, padding="same")],
        "transposed": [kl.Conv1DTranspose(2, 3, strides=2, activation="relu")],
        "transposed, same": [kl.Conv1DTranspose(2, 4, strides=2, padding="same", activation="relu")],
        "transposed, stride > window": [kl.Conv1DTranspose(2, 2, strides=3, padding="valid")],
        "groups on channels": [kl.Conv1D(6, 2, groups=2, strides=2, activation="relu")],
        "dense along the sequence": [kl.Dense(3, activation="elu"), kl.Dense(2, activation="relu")],
    }
    return _each(t, x, on_bases) | _each(t, wide, deeper)


def convolutions_2d(t: Twin, x: Value) -> Branches:
    image, stem = t(kl.Reshape((L, 4, 1)), x), _stem2d(t, x, 2)
    on_bases = {
        "valid": [kl.Conv2D(2, (3, 4), activation="tanh")],
        "same, stride (2, 1)": [kl.Conv2D(2, (3, 2), strides=(2, 1), padding="same", activation="tanh")],
        "dilated": [kl.Conv2D(2, (3, 2), dilation_rate=(2, 1), padding="same", activation="tanh")],
    }
    deeper = {
        "groups": [kl.Conv2D(4, (2, 2), groups=2, activation="relu")],
        "separable": [kl.SeparableConv2D(2, (3, 2), padding="same", activation="relu")],
        "depthwise": [kl.DepthwiseConv2D((3, 2), depth_multiplier=2, activation="relu")],
        "max pooling": [kl.MaxPooling2D((2, 2))],
        "max pooling, overlapping, same": [kl.MaxPooling2D((3, 3), strides=(2, 1), padding="same")],
        "max pooling, stride > window": [kl.MaxPooling2D((2, 1), strides=(3, 2))],
        "average pooling, same": [kl.AveragePooling2D((3, 3), strides=(2, 2), padding="same")],
        "average pooling, overlapping": [kl.AveragePooling2D((3, 2), strides=(1, 1))],
        "global max": [kl.GlobalMaxPooling2D()],
        "global average": [kl.GlobalAveragePooling2D()],
        "cropping": [kl.Cropping2D(((1, 2), (0, 1)))],
        "zero padding": [kl.ZeroPadding2D(((1, 2), (0, 1))), kl.MaxPooling2D((3, 2))],
        "up-sampling": [kl.UpSampling2D((2, 3)), kl.MaxPooling2D((3, 2))],
        "batch norm": [kl.BatchNormalization(), kl.Activation("relu")],
        "batch norm, axis 1": [kl.BatchNormalization(axis=1), kl.Activation("relu")],
        "batch norm, axis -2": [kl.BatchNormalization(axis=-2, scale=False), kl.Activation("relu")],
        "permute": [kl.Permute((3, 1, 2)), kl.Dense(3, activation="relu")],
        "PReLU, shared": [kl.PReLU(shared_axes=[1, 2])],
    }
    return _each(t, image, on_bases) | _each(t, stem, deeper)


def activations(t: Twin, x: Value) -> Branches:
    linear = t(kl.Conv1D(3, 4), x)
    built_in = {f"built-in {name}": [kl.Conv1D(2, 3, activation=name)] for name in ACTIVATIONS if name != "linear"}
    as_layer = {
        "Activation": [kl.Activation("gelu")],
        "ReLU": [kl.ReLU()],
        "ReLU, max_value": [kl.ReLU(max_value=0.7)],
        "ReLU, negative_slope": [kl.ReLU(negative_slope=0.3)],
        "ReLU, threshold": [kl.ReLU(threshold=0.4)],
        "ReLU, everything": [kl.ReLU(max_value=1.1, negative_slope=0.2, threshold=0.3)],
        "LeakyReLU": [kl.LeakyReLU(negative_slope=0.15)],
        "ELU": [kl.ELU(alpha=0.7)],
        "PReLU": [kl.PReLU()],
        "PReLU, shared": [kl.PReLU(shared_axes=[1])],
        "layer as activation": [kl.Conv1D(2, 3, activation=kl.LeakyReLU(negative_slope=0.1))],
        "layer in Activation": [kl.Activation(kl.ReLU(max_value=0.6))],
        "two in a row": [kl.Activation("relu"), kl.Activation("tanh")],
    }
    return _each(t, linear, built_in | as_layer)


def pooling(t: Twin, x: Value) -> Branches:
    pools = {
        "max": [kl.MaxPooling1D(2)],
        "max, rest dropped": [kl.MaxPooling1D(3)],
        "max, overlapping": [kl.MaxPooling1D(3, strides=1)],
        "max, overlapping, same": [kl.MaxPooling1D(3, strides=2, padding="same")],
        "max, same, stride 1": [kl.MaxPooling1D(4, strides=1, padding="same")],
        "max, stride > window": [kl.MaxPooling1D(2, strides=3)],
        "max, stride > window, same": [kl.MaxPooling1D(2, strides=4, padding="same")],
        "max, window 1": [kl.MaxPooling1D(1, strides=2)],
        "max of max": [kl.MaxPooling1D(3, strides=1), kl.MaxPooling1D(2)],
        "average": [kl.AveragePooling1D(3)],
        "average, same": [kl.AveragePooling1D(4, padding="same")],
        "average, overlapping, same": [kl.AveragePooling1D(4, strides=3, padding="same")],
        "average, stride > window": [kl.AveragePooling1D(2, strides=3)],
        "global max": [kl.GlobalMaxPooling1D()],
        "global max, axes kept": [kl.GlobalMaxPooling1D(keepdims=True), kl.Activation("tanh")],
        "global average": [kl.GlobalAveragePooling1D()],
        "global average, axes kept": [kl.GlobalAveragePooling1D(keepdims=True), kl.Activation("tanh")],
    }
    return _each(t, t(kl.Conv1D(3, 3, padding="same"), x), pools) | {
        "max of the bases": t.unit(t(kl.MaxPooling1D(3, strides=2), x))
    }


def structure(t: Twin, x: Value) -> Branches:
    stem = _stem(t, x)
    tail = lambda: kl.Conv1D(2, 2, activation="tanh")  # noqa: E731
    moves = {
        "flatten": [kl.Flatten(), kl.Dense(3, activation="tanh")],
        "reshape": [kl.Reshape((5, 6)), tail()],
        "permute": [kl.Permute((2, 1)), tail()],
        "cropping": [kl.Cropping1D((2, 1)), tail()],
        "zero padding": [kl.ZeroPadding1D((2, 1)), tail()],
        "up-sampling": [kl.UpSampling1D(2), tail()],
        "repeat": [kl.Flatten(), kl.Dense(3, activation="relu"), kl.RepeatVector(4), tail()],
        "dropout": [kl.Dropout(0.5), kl.SpatialDropout1D(0.2), kl.GaussianNoise(0.3), tail()],
        "batch norm": [kl.BatchNormalization(), tail()],
        "batch norm, axis 1": [kl.BatchNormalization(axis=1), tail()],
        "batch norm, no scale, no centre": [kl.BatchNormalization(scale=False, center=False), tail()],
    }
    result = _each(t, stem, moves)
    a, b, one = t(tail(), stem), t(tail(), stem), t(kl.Conv1D(1, 2, activation="tanh"), stem)
    flat = t(kl.Dense(2, activation="relu"), t(kl.GlobalAveragePooling1D(), stem))
    merged = {
        "add": t(kl.Add(), a, b, a),
        "add, broadcast": t(kl.Add(), a, one),
        "add, broadcast, fewer axes": t(kl.Add(), a, flat),
        "subtract": t(kl.Subtract(), a, b),
        "average": t(kl.Average(), a, b, b),
        "maximum": t(kl.Maximum(), a, b),
        "maximum of three": t(kl.Maximum(), a, b, one),
        "maximum, broadcast": t(kl.Maximum(), one, a),
        "maximum of a value with itself": t(kl.Maximum(), a, a),
        "minimum": t(kl.Minimum(), a, b),
        "concatenate": t(kl.Concatenate(), a, b),
        "concatenate, axis 1": t(kl.Concatenate(axis=1), a, b, a),
    }
    return result | {name: t.unit(t(kl.Activation("softplus"), v)) for name, v in merged.items()}


def composition(t: Twin, x: Value) -> Branches:
    stem = _stem(t, x, 4)
    residual = stem
    for dilation in (1, 2, 4):
        inner = t(kl.Conv1D(4, 3, padding="same", dilation_rate=dilation, activation="relu"), residual)
        residual = t(kl.Add(), residual, inner)
    shared = kl.Conv1D(3, 2, activation="relu")
    first = t(shared, x)
    again = t(shared, t(kl.Cropping1D((2, 0)), x), keep=True)
    siamese = t(kl.Concatenate(axis=1), first, again)
    twice = kl.Dense(4, activation="elu")
    on_itself = t(twice, t(twice, stem), keep=True)
    # keep=True on the second call only: the NumPy twin of the first call has read the weights by then
    sequential = keras.Sequential([kl.Conv1D(3, 2, activation="relu"), kl.MaxPooling1D(2), kl.Dense(2)])
    nested = t(sequential, stem)
    left, right = keras.Input((L, 4)), keras.Input((L, 4))
    two = keras.Model([left, right], kl.Maximum()([left, kl.Subtract()([right, left])]), name="two_in_one")
    inner = t(kl.Maximum(), stem, t(kl.Subtract(), residual, stem))
    inner = Value(two([stem.tensor, residual.tensor]), inner.number)  # the same, as a model of its own
    reused = t(kl.Subtract(), t(sequential, residual, keep=True), nested)
    return {
        "residual, dilated": t.unit(residual),
        "siamese layer": t.unit(siamese),
        "layer on its own output": t.unit(on_itself),
        "Sequential in Functional": t.unit(nested),
        "siamese Sequential": t.unit(reused),
        "Functional of two inputs": t.unit(inner),
    }


FAMILIES: dict[str, Callable[[Twin, Value], Branches]] = {
    f.__name__: f for f in (convolutions, convolutions_2d, activations, pooling, structure, composition)
}


def check(t: Twin, model: SequenceModel, heads: list[tuple[str, Value]], X: np.ndarray, references: np.ndarray,
          **options: object) -> None:  # fmt: skip
    """Compare values, scores and completeness of all heads, and list every one that differs."""
    numbers = [(v.number, 0) for _, v in heads]
    result = deeplift(model, X, target=list(range(len(heads))), references=references, **options)
    wanted = oracle_scores(t, numbers, X, references)
    values = np.array([[t.net.run(x)[n][0] for n, _ in numbers] for x in X])
    at_references = np.array([[[t.net.run(r)[n][0] for r in refs] for n, _ in numbers] for refs in references])
    wrong = []
    for k, (name, _) in enumerate(heads):
        scale = np.abs(wanted[:, k]).max()
        size = max(1.0, np.abs(values[:, k]).max(), np.abs(at_references[:, k]).max())
        assert scale > 1e-3, f"{name}: the branch does not depend on the sequence, so it tests nothing"
        far = {
            "value": np.abs(result.predictions[:, k] - values[:, k]).max() / size,
            "value at references": np.abs(result.reference_predictions[:, k] - at_references[:, k]).max() / size,
            "hypothetical": np.abs(result.hypothetical[:, k] - wanted[:, k]).max() / scale,
            "contributions": np.abs(result.contributions[:, k] - wanted[:, k] * X).max() / scale,
        }
        wrong += [f"{name}: {what} off by {d:.2g}" for what, d in far.items() if not d <= SCORE_TOLERANCE]
        if options.get("max_pool") != "winner":
            delta = values[:, k, None] - at_references[:, k]
            error = np.abs(result.completeness_error[:, k])
            total = np.abs(result.contributions[:, k]).sum(axis=(1, 2))[:, None]
            lost = ~((error <= 1e-4 * np.abs(delta)) | (error <= 1e-5 * total))
            wrong += [f"{name}: incomplete by {error[lost].max():.2g}"] if lost.any() else []
    assert not wrong, "\n".join(wrong)


def joined(t: Twin, branches: Branches) -> SequenceModel:
    tensors = [v.tensor for v in branches.values()]
    return SequenceModel(keras.Model(t.inputs[0], kl.Concatenate()(tensors)))


@pytest.mark.table(3)
@pytest.mark.parametrize("family", FAMILIES)
def test_layers_equal_the_oracle(family: str) -> None:
    t = Twin(seed=3)
    branches = FAMILIES[family](t, t.input((L, 4)))
    X, references = random_dna(2, L, 1), random_references(2, 2, L, 2)
    check(t, joined(t, branches), list(branches.items()), X, references)


def test_original_pooling_equals_the_oracle() -> None:
    t = Twin(seed=4, winner_takes_all=True)
    branches = pooling(t, t.input((L, 4)))
    X, references = random_dna(2, L, 5), random_references(2, 2, L, 6)
    check(t, joined(t, branches), list(branches.items()), X, references, max_pool="winner")
