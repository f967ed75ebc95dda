"""Products, softmax, normalisations, choices and `keras.ops` against a float64 oracle written from the equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl
from keras import ops as k
from oracle.joint_numpy import logsumexp, normalise, softmax, times
from oracle.twins import Twin, Value, oracle_scores, random_dna, random_references

from seqexplain.attribution import deeplift
from seqexplain.models.sequence_model import SequenceModel

L = 7
SCORE_TOLERANCE = 2e-5  # of the largest score of the branch
Branches = dict[str, Value]


def stem(t: Twin, x: Value, filters: int = 4, activation: str = "tanh") -> Value:
    return t(kl.Conv1D(filters, 3, activation=activation, padding="same"), x)


def products(t: Twin, x: Value) -> Branches:
    net, y, z = t.net, stem(t, x), stem(t, x, activation="sigmoid")
    pooled = t(kl.GlobalAveragePooling1D(keepdims=True), z)
    a, b, p = y.number, z.number, pooled.number
    mul = lambda u, v: u * v  # noqa: E731
    return {
        "gate": Value(y.tensor * z.tensor, times(net, mul, a, b)),
        "layer": Value(kl.Multiply()([y.tensor, z.tensor]), times(net, mul, a, b)),
        "squeezed gate": Value(y.tensor * pooled.tensor, times(net, mul, a, p)),
        "three": Value(kl.Multiply()([y.tensor, z.tensor, y.tensor]), times(net, mul, times(net, mul, a, b), a)),
        "matmul": Value(k.matmul(y.tensor, k.transpose(z.tensor, (0, 2, 1))), times(net, lambda u, v: u @ v.T, a, b)),
        "einsum": Value(
            k.einsum("bic,bjc->bij", y.tensor, z.tensor), times(net, lambda u, v: np.einsum("ic,jc->ij", u, v), a, b)
        ),
        "Dot": Value(kl.Dot(axes=(1, 1))([y.tensor, z.tensor]), times(net, lambda u, v: u.T @ v, a, b)),
        "quotient": Value(y.tensor / (z.tensor + 1.0), times(net, mul, a, net.activation(lambda v: 1 / (v + 1), b))),
    }


def softmaxes(t: Twin, x: Value) -> Branches:
    net, y = t.net, t(kl.Conv1D(4, 3), x)
    n = y.number
    return {
        "channels": Value(k.softmax(y.tensor), softmax(net, n, -1)),
        "positions": Value(kl.Softmax(axis=1)(y.tensor), softmax(net, n, 0)),
        "both": Value(kl.Softmax(axis=(1, 2))(y.tensor), softmax(net, n, (0, 1))),
        "log": Value(k.log_softmax(y.tensor), net.affine(lambda a, s: a - s, n, logsumexp(net, n, -1))),
        "logsumexp": Value(k.logsumexp(y.tensor, axis=1, keepdims=True), logsumexp(net, n, 0)),
        "activation": Value(keras.activations.softmax(y.tensor, axis=-1), softmax(net, n, -1)),
    }


def normalisations(t: Twin, x: Value) -> Branches:
    net, y = t.net, stem(t, x)
    n, rng = y.number, t.rng

    def built(layer: Any) -> tuple[Any, list[np.ndarray]]:
        tensor = layer(y.tensor)
        weights = [rng.normal(size=tuple(v.shape)).astype(np.float32) for v in layer.weights]
        layer.set_weights(weights)
        return tensor, [w.astype(np.float64) for w in weights]

    layer_norm, (gamma, beta) = built(kl.LayerNormalization(epsilon=0.01))
    over_both, (gamma_both, beta_both) = built(kl.LayerNormalization(axis=(1, 2), epsilon=0.01))
    rms, (scale,) = built(kl.RMSNormalization(epsilon=0.01))
    groups, (gamma_g, beta_g) = built(kl.GroupNormalization(2, epsilon=0.01))
    split = net.affine(lambda a: a.reshape(L, 2, 2), n)
    joined = net.affine(lambda a: a.reshape(L, 4) * gamma_g + beta_g, normalise(net, split, (0, 2), 0.01))
    length = net.affine(lambda a: a.sum(axis=-1, keepdims=True), net.activation(np.square, n))
    inverse = net.activation(lambda v: 1 / np.sqrt(np.maximum(v, 1e-14)), length)
    branches = {
        "layer": Value(layer_norm, net.affine(lambda a: a * gamma + beta, normalise(net, n, -1, 0.01))),
        "layer, two axes": Value(
            over_both, net.affine(lambda a: a * gamma_both + beta_both, normalise(net, n, (0, 1), 0.01))
        ),
        "rms": Value(rms, net.affine(lambda a: a * scale, normalise(net, n, -1, 0.01, centre=False))),
        "group": Value(groups, joined),
        "unit": Value(kl.UnitNormalization()(y.tensor), times(net, lambda u, v: u * v, n, inverse)),
    }
    if keras.backend.backend() != "torch":  # there Keras itself fails on an axis that is not the last
        over_positions, (gamma_1, beta_1) = built(kl.LayerNormalization(axis=1, epsilon=0.01))
        centred = normalise(net, n, 0, 0.01)
        scaled = net.affine(lambda a: a * gamma_1[:, None] + beta_1[:, None], centred)
        branches["layer, positions"] = Value(over_positions, scaled)
    return branches


def attention(t: Twin, x: Value) -> Branches:
    net, y = t.net, stem(t, x)
    layer = kl.MultiHeadAttention(2, 3)
    tensor = layer(y.tensor, y.tensor)
    layer.set_weights([t.rng.normal(size=tuple(v.shape)).astype(np.float32) for v in layer.weights])
    w = {
        v.path.split("/", 1)[1]: np.asarray(a, np.float64)
        for v, a in zip(layer.weights, layer.get_weights(), strict=True)
    }

    def projected(name: str) -> int:
        kernel, bias = w[f"{name}/kernel"], w[f"{name}/bias"]
        return net.affine(lambda a: np.einsum("tc,chd->thd", a, kernel) + bias, y.number)

    query, key, value = (projected(name) for name in ("query", "key", "value"))
    logits = times(net, lambda q, s: np.einsum("thd,shd->hts", q, s) / np.sqrt(3), query, key)
    seen = times(net, lambda p, v: np.einsum("hts,shd->thd", p, v), softmax(net, logits, -1), value)
    out = net.affine(
        lambda a: np.einsum("thd,hdc->tc", a, w["attention_output/kernel"]) + w["attention_output/bias"], seen
    )
    return {"multi-head": Value(tensor, out)}


def functions(t: Twin, x: Value) -> Branches:
    net, y, z = t.net, stem(t, x), stem(t, x, activation="sigmoid")
    a, b = y.number, z.number
    above = net.activation(lambda v: (v > 0.45) * 1.0, b)
    chosen = net.affine(
        lambda u, v: u + v, times(net, lambda u, v: u * v, above, net.affine(lambda u, v: 2 * u - v, a, b)), b
    )
    pattern = np.arange(4) % 2 == 0
    windows = [[i * 4 + c for c in range(4)] for i in range(L)]
    return {
        "2x - 1": Value(y.tensor * 2 - 1, net.affine(lambda u: 2 * u - 1, a)),
        "1 - x/3": Value(1.0 - y.tensor / 3.0, net.affine(lambda u: 1 - u / 3, a)),
        "array": Value(y.tensor * np.arange(4, dtype="float32"), net.affine(lambda u: u * np.arange(4), a)),
        "2 / x": Value(2 / (z.tensor + 0.5), net.activation(lambda v: 2 / (v + 0.5), b)),
        "x ** 3": Value(y.tensor**3, net.activation(lambda v: v**3, a)),
        "2 ** x": Value(k.power(2.0, y.tensor), net.activation(np.exp2, a)),
        "sin exp": Value(k.sin(k.exp(y.tensor)), net.activation(np.sin, net.activation(np.exp, a))),
        "clip": Value(k.clip(y.tensor, -0.2, 0.3), net.activation(lambda v: np.clip(v, -0.2, 0.3), a)),
        "maximum with number": Value(k.maximum(y.tensor, 0.1), net.activation(lambda v: np.maximum(v, 0.1), a)),
        "comparison": Value(
            k.cast(y.tensor > z.tensor, "float32"),
            net.activation(lambda v: (v > 0) * 1.0, net.affine(lambda u, v: u - v, a, b)),
        ),
        "where, varying": Value(k.where(z.tensor > 0.45, 2 * y.tensor, z.tensor), chosen),
        "where, constant": Value(k.where(pattern, y.tensor, 3.0), net.affine(lambda u: np.where(pattern, u, 3.0), a)),
        "maximum of an axis": Value(k.max(y.tensor, axis=-1), net.largest([a], windows, (L,))),
        "minimum of an axis": Value(k.min(y.tensor, axis=-1), net.largest([a], windows, (L,), sign=-1)),
        "standard deviation": Value(
            k.std(y.tensor, axis=1),
            net.activation(
                np.sqrt,
                net.affine(
                    lambda u: u.mean(axis=0), net.activation(np.square, net.affine(lambda u: u - u.mean(axis=0), a))
                ),
            ),
        ),
        "matrix": Value(k.matmul(y.tensor, np.ones((4, 2), "float32")), net.affine(lambda u: u @ np.ones((4, 2)), a)),
        "pieces": Value(
            k.concatenate(k.split(y.tensor, 2, axis=-1)[::-1], axis=1)[:, 1:-2, None],
            net.affine(lambda u: np.concatenate([u[:, 2:], u[:, :2]])[1:-2, None], a),
        ),
        "moved": Value(
            k.roll(k.flip(k.swapaxes(y.tensor, 1, 2), axis=1), 1, axis=2),
            net.affine(lambda u: np.roll(u.T[::-1], 1, axis=1), a),
        ),
        "cumulated": Value(k.cumsum(y.tensor, axis=1), net.affine(lambda u: np.cumsum(u, axis=0), a)),
    }


FAMILIES: dict[str, Callable[[Twin, Value], Branches]] = {
    f.__name__: f for f in (products, softmaxes, normalisations, attention, functions)
}


@pytest.mark.table(3)
@pytest.mark.parametrize("family", FAMILIES)
def test_values_and_scores_equal_the_oracle(family: str) -> None:
    t = Twin(seed=5)
    branches = {name: t.unit(v) for name, v in FAMILIES[family](t, t.input((L, 4))).items()}
    tensors = [v.tensor for v in branches.values()]
    model = SequenceModel(keras.Model(t.inputs[0], kl.Concatenate()(tensors) if len(tensors) > 1 else tensors[0]))
    assert model.opaque_operations() == []
    X, references = random_dna(2, L, 1), random_references(2, 2, L, 2)
    heads = [(v.number, 0) for v in branches.values()]
    result = deeplift(model, X, target=list(range(len(heads))), references=references)
    wanted = oracle_scores(t, heads, X, references)
    wrong = []
    for i, name in enumerate(branches):
        scale = np.abs(wanted[:, i]).max()
        assert scale > 1e-4, f"{name}: the branch does not depend on the sequence, so it tests nothing"
        far = np.abs(result.hypothetical[:, i] - wanted[:, i]).max() / scale
        values = np.array([t.net.run(x)[heads[i][0]][0] for x in X])
        off = np.abs(result.predictions[:, i] - values).max() / max(1.0, np.abs(values).max())
        if far > SCORE_TOLERANCE or off > SCORE_TOLERANCE:
            wrong.append(f"{name}: scores off by {far:.2g}, values by {off:.2g}")
        error, total = np.abs(result.completeness_error[:, i]), np.abs(result.contributions[:, i]).sum(axis=(1, 2))
        delta = np.abs(result.predictions[:, i, None] - result.reference_predictions[:, i])
        if not np.all((error <= 1e-4 * delta) | (error <= 1e-5 * total[:, None])):
            wrong.append(f"{name}: incomplete by {error.max():.2g} of {delta.max():.2g}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("height", [20.0, 80.0])
def test_large_logits_stay_finite(height: float) -> None:
    """exp(80) times 1/Σ would be 1e34 · 1e-34: contributions must not explode and cancel."""
    keras.utils.set_random_seed(3)
    x = keras.Input((L, 4))
    logits = kl.Dense(4, activation="tanh")(x) * height
    heads = [kl.Dense(1)(kl.Flatten()(f(logits))) for f in (k.softmax, lambda z: k.logsumexp(z, axis=1) / height)]
    model = SequenceModel(keras.Model(x, kl.Concatenate()(heads)))
    X = random_dna(3, L, 7)
    result = deeplift(model, X, target=[0, 1], references=random_references(3, 4, L, 8))
    assert np.isfinite(result.contributions).all()
    assert np.abs(result.contributions).sum(axis=(2, 3)).max() < 8 * height
    delta = np.abs(result.predictions[..., None] - result.reference_predictions)
    total = np.abs(result.contributions).sum(axis=(2, 3))[..., None]
    error = np.abs(result.completeness_error)
    assert np.all((error <= 1e-4 * delta) | (error <= 1e-5 * total))


def test_normalising_what_hardly_varies() -> None:
    """Where all channels are nearly equal the deviation is that of rounding, and ε alone keeps the result small."""
    keras.utils.set_random_seed(3)
    x = keras.Input((L, 4))
    y = kl.LayerNormalization(epsilon=1e-3)(1e-4 * kl.Dense(4)(x) + 0.001)
    model = SequenceModel(keras.Model(x, kl.Dense(1)(kl.Flatten()(y))))
    result = deeplift(model, random_dna(3, L, 7), references=random_references(3, 4, L, 8))
    assert np.isfinite(result.contributions).all()
    assert np.abs(result.contributions).sum(axis=(1, 2)).max() < 1.0
    total = np.abs(result.contributions).sum(axis=(1, 2))[:, None]
    assert np.all(np.abs(result.completeness_error) <= 1e-4 * np.maximum(total, np.abs(result.predictions[:, None])))


def test_reveal_cancel_stops_at_a_product() -> None:
    """An activation after a product is passed by itself: no chain of linear operations may reach through it."""
    keras.utils.set_random_seed(1)
    x = keras.Input((L, 4))
    y = kl.Conv1D(3, 3, activation="relu")(x)
    z = kl.ReLU()(y * kl.Dense(3, activation="sigmoid")(y))
    model = SequenceModel(keras.Model(x, kl.Dense(1)(kl.Flatten()(z))))
    result = deeplift(model, random_dna(3, L, 1), references=random_references(3, 3, L, 8), rule="reveal_cancel")
    delta = result.predictions.reshape(-1, 1) - result.reference_predictions
    np.testing.assert_allclose(result.completeness_error, 0, atol=1e-5 * np.abs(delta).max())
