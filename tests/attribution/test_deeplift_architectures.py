"""Whole blocks, as models have them, through DeepLIFT: the graph computes what Keras does, and contributions add up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import randomise
from keras import layers as kl
from keras import ops as k
from oracle.twins import random_dna, random_references

from seqexplain.attribution import deeplift
from seqexplain.models.backend import to_numpy
from seqexplain.models.sequence_model import SequenceModel

L = 8


class Mixture(kl.Layer):
    """A layer of a user's own: weights on either side, lists of them, and functions of weights alone."""

    def build(self, shape: Any) -> None:
        self.scale = self.add_weight(shape=(shape[-1],), name="scale")
        self.kernels = [self.add_weight(shape=(shape[-1], 2), name=f"kernel_{i}") for i in range(2)]
        self.inner = kl.Dense(2, activation="softplus")
        self.inner.build(shape)

    def call(self, x: Any) -> Any:
        share = k.softmax(k.reshape(self.scale, (1, -1)))
        first, second = (k.matmul(self.scale * x + share, kernel) for kernel in self.kernels)
        return first * k.sigmoid(second) - self.inner(x)


class ClassToken(kl.Layer):
    """Puts a learned row before the others."""

    def build(self, shape: Any) -> None:
        self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")

    def call(self, x: Any) -> Any:
        return k.concatenate([k.broadcast_to(self.token, (k.shape(x)[0], 1, x.shape[-1])), x], axis=1)


class Doubling(kl.Dense):
    """A subclass that computes something else than its parent."""

    def call(self, inputs: Any, training: Any = None) -> Any:
        return 2 * super().call(inputs)


class Nested(keras.Model):
    """A model with a `call` of its own, inside another."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.norm = kl.Dense(3, activation="relu"), kl.Dense(4), kl.LayerNormalization()

    def call(self, x: Any, training: Any = None) -> Any:
        for _ in range(2):
            x = x + self.second(self.first(self.norm(x)))
        return k.reshape(x, (k.shape(x)[0], L * 4))


def transformer(y: Any) -> Any:
    z = kl.LayerNormalization()(y)
    y = y + kl.MultiHeadAttention(2, 3)(z, z)
    z = kl.Dense(4)(kl.Dense(6, activation="gelu")(kl.LayerNormalization()(y)))
    return kl.GlobalAveragePooling1D()(y + kl.Dropout(0.1)(z))


def squeeze_and_excite(y: Any) -> Any:
    gate = kl.Dense(4, activation="sigmoid")(kl.Dense(2, activation="relu")(kl.GlobalAveragePooling1D()(y)))
    return kl.Multiply()([y, gate]), y * kl.Reshape((1, 4))(gate), y * gate[:, None, :]


TRIANGLE = np.tril(np.ones((1, L, L), dtype=bool))
ATTENTION: dict[str, Callable[[Any], Any]] = {
    "transformer": transformer,
    "multi-head, causal": lambda y: kl.MultiHeadAttention(2, 3)(y, y, use_causal_mask=True),
    "multi-head, mask": lambda y: kl.MultiHeadAttention(2, 3)(y, y, attention_mask=TRIANGLE),
    "multi-head, dropout": lambda y: kl.MultiHeadAttention(2, 3, dropout=0.1)(y, y),
    "cross": lambda y: kl.MultiHeadAttention(1, 2)(y, kl.AveragePooling1D(2)(y)),
    "grouped query": lambda y: kl.GroupQueryAttention(3, 4, 2)(y, y),
    "dot-product": lambda y: kl.Attention(use_scale=True)([y, kl.Dense(4)(y)]),
    "additive": lambda y: kl.AdditiveAttention()([y, kl.Dense(4)(y)]),
    "einsum dense": lambda y: kl.EinsumDense("abc,cde->abde", (L, 2, 3), bias_axes="de", activation="elu")(y),
    "linear unit": lambda y: k.glu(y),
    "class token": lambda y: kl.MultiHeadAttention(1, 2)(ClassToken()(y), ClassToken()(y))[:, 0],
}
BLOCKS: dict[str, Callable[[Any], Any]] = {
    "squeeze and excite": squeeze_and_excite,
    "normalization": lambda y: kl.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1.0, 2.0, 3.0, 4.0])(y),
    "normalization, inverted": lambda y: kl.Normalization(mean=0.3, variance=2.0, invert=True)(y),
    "spectral": lambda y: kl.SpectralNormalization(kl.Dense(3, activation="relu"))(y),
    "time distributed, dense": lambda y: kl.TimeDistributed(kl.Dense(3, activation="relu"))(y),
    "time distributed, convolution": lambda y: kl.TimeDistributed(kl.Conv1D(2, 2, activation="relu"))(
        kl.Reshape((2, 4, 4))(y)
    ),
    "custom": lambda y: Mixture()(y),
    "subclass": lambda y: Doubling(3)(y),
    "lambda": lambda y: kl.Lambda(lambda t: t * t[:, :1])(y),
    "nested model": lambda y: Nested()(y),
    "masks": lambda y: k.cast(k.logical_or(y > 0.5, k.logical_not(y < 0.2)), "float32") * y,
    "moments": lambda y: k.concatenate(k.moments(y, axes=[1]), axis=-1),
    "convolution": lambda y: k.conv(y, np.linspace(-1, 1, 24, dtype="float32").reshape(3, 4, 2), padding="same"),
    "pooled": lambda y: k.max_pool(y, (2,), (2,)) * k.average_pool(y, (2,), (2,)),
}
FAMILIES = {"attention": ATTENTION, "blocks": BLOCKS}


def unit(y: Any) -> Any:
    parts = [kl.Flatten()(p) if len(p.shape) > 2 else p for p in (y if isinstance(y, tuple) else (y,))]
    return kl.Dense(1)(parts[0] if len(parts) == 1 else kl.Concatenate()(parts))


def built(family: str) -> SequenceModel:
    keras.utils.set_random_seed(0)
    x = keras.Input((L, 4))
    y = kl.Conv1D(4, 3, padding="same", activation="relu")(x)
    heads = [unit(block(y)) for block in FAMILIES[family].values()]
    return SequenceModel(randomise(keras.Model(x, kl.Concatenate()(heads))))


@pytest.mark.table(3)
@pytest.mark.parametrize("family", FAMILIES)
def test_blocks_are_computed_and_add_up(family: str) -> None:
    model = built(family)
    assert model.opaque_operations() == []
    X = random_dna(3, L, 1)
    result = deeplift(model, X, target=list(range(len(FAMILIES[family]))), references=random_references(3, 3, L, 2))
    wanted = to_numpy(model.keras_model(X, training=False))
    np.testing.assert_allclose(result.predictions, wanted, rtol=0, atol=2e-6 * max(1, np.abs(wanted).max()))
    error, total = np.abs(result.completeness_error), np.abs(result.contributions).sum(axis=(2, 3))[..., None]
    delta = np.abs(result.predictions[..., None] - result.reference_predictions)
    lost = ~((error <= 1e-4 * delta) | (error <= 1e-5 * total)).all(axis=(0, 2))
    assert not lost.any(), [name for name, bad in zip(FAMILIES[family], lost, strict=True) if bad]
    names = [operation.name for operation in model.graph.operations]
    assert len(set(names)) == len(names)
