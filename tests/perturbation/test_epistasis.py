"""Pairs of substitutions: closed forms, and every pair by the model itself."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

from seqexplain import SequenceModel, epistasis, in_silico_mutagenesis
from seqexplain.errors import ParameterError, TargetError

L, START, END = 24, 8, 14


def brute(model: Any, x: np.ndarray, scored: Any) -> np.ndarray:
    """f of every pair of bases at every pair of positions, less the single ones: `(R, 4, R, 4, t)`."""
    eye, places = np.eye(4, dtype=np.float32), range(START, END)
    keys, edited = [], []
    for i, j in combinations(places, 2):
        for a, b in product(range(4), repeat=2):
            one = x.copy()
            one[i], one[j] = eye[a], eye[b]
            keys.append((i - START, a, j - START, b))
            edited.append(one)
    both = scored(model, np.stack(edited))
    alone = np.repeat(x[None], 4 * (END - START) + 1, axis=0)
    for k, (i, a) in enumerate(product(places, range(4))):
        alone[k, i] = eye[a]
    *values, base = scored(model, alone)
    single = (np.array(values) - base).reshape(END - START, 4, -1)
    found = np.zeros((END - START, 4, END - START, 4, both.shape[1]))
    for (i, a, j, b), value in zip(keys, both, strict=True):
        found[i, a, j, b] = found[j, b, i, a] = value - base - single[i, a] - single[j, b]
    return found


@pytest.fixture(scope="module")
def jagged() -> Any:
    """A Keras model of 24 bp with two logits, in which neighbours matter together."""
    keras.utils.set_random_seed(5)
    x = keras.Input((L, 4))
    y = kl.Flatten()(kl.Conv1D(5, 5, activation="gelu")(x))
    return keras.Model(x, kl.Dense(2)(kl.Dense(6, activation="tanh")(y)))


def test_every_pair_is_the_models_own(jagged: Any, sequences: Any, scored: Any) -> None:
    X = sequences(2, L, seed=1)
    X[1, 10] = 0  # N: all four bases are put there
    found = epistasis(jagged, X, target=[1, 0], start=START, end=END, batch_size=16)
    assert found.interactions.shape == (2, 2, 6, 4, 6, 4)
    assert found.interactions.dtype == np.float32
    for row, x in enumerate(X):
        wanted = np.moveaxis(brute(jagged, x, scored), -1, 0)[::-1]
        assert np.abs(wanted).max() > 0.01
        np.testing.assert_allclose(found.interactions[row], wanted, rtol=0, atol=5e-6)
    effects = in_silico_mutagenesis(jagged, X, target=[1, 0]).effects
    np.testing.assert_allclose(found.singles, effects[:, :, START:END], rtol=0, atol=2e-6)
    observed = np.broadcast_to((X[:, None, START:END] == 1)[..., None, None], found.interactions.shape)
    assert not found.interactions[observed].any()
    place = np.arange(6)
    assert not found.interactions[:, :, place, :, place].any()
    np.testing.assert_allclose(found.predictions, scored(jagged, X)[:, ::-1], atol=2e-6)


def test_positions_that_add_up_do_not_interact(linear: Any, sequences: Any) -> None:
    found = epistasis(linear[0], sequences(2, 10, seed=2), batch_size=32)
    assert np.abs(found.interactions).max() < 2e-6


def test_a_product_has_a_closed_form(sequences: Any, scored: Any) -> None:
    """f = u·v, u the sum over the left half, v over the right: within a half 0, across it Δu Δv."""
    keras.utils.set_random_seed(6)
    x = keras.Input((10, 4))
    halves = [kl.Dense(1)(kl.Flatten()(part)) for part in (kl.Cropping1D((0, 5))(x), kl.Cropping1D((5, 0))(x))]
    model = keras.Model(x, kl.Multiply()(halves))
    X = sequences(3, 10, seed=3)
    dense = [layer for layer in model.layers if isinstance(layer, kl.Dense)]
    weights = np.concatenate([keras.ops.convert_to_numpy(d.kernel).reshape(5, 4) for d in dense])
    change = weights - (X * weights).sum(-1, keepdims=True)
    wanted = change[:, :, :, None, None] * change[:, None, None]
    left = np.arange(10) < 5
    wanted *= (left[:, None] != left)[:, None, :, None]
    found = epistasis(model, X, batch_size=32)
    np.testing.assert_allclose(found.interactions, wanted, rtol=0, atol=5e-6)

    size = np.abs(found.interactions)
    np.testing.assert_array_equal(found.strength(), size.max(axis=(2, 4)))
    np.testing.assert_allclose(found.strength("mean"), size.sum(axis=(2, 4)) / 9, rtol=1e-6)
    doubles = found.doubles()
    i, a, j, b = 2, X[0, 2].argmin(), 7, X[0, 7].argmin()
    both = X[0].copy()
    both[i], both[j] = np.eye(4)[a], np.eye(4)[b]
    values = scored(model, np.stack([both, X[0]]))[:, 0]
    assert doubles[0, i, a, j, b] == pytest.approx(values[0] - values[1], abs=5e-6)
    assert np.isnan(doubles[:, 3, :, 3]).all()

    table = found.to_table(largest=3)
    assert list(table["sequence"]) == [f"sequence_{k}" for k in range(3) for _ in range(3)]
    top = table.iloc[0]
    assert abs(top["interaction"]) == pytest.approx(size[0].max(), rel=1e-6)
    assert top["position_a"] < 5 <= top["position_b"]
    where = (0, top["position_a"], "ACGT".index(top["to_a"]), top["position_b"], "ACGT".index(top["to_b"]))
    assert found.interactions[where] == pytest.approx(top["interaction"])
    assert top["from_a"] == "ACGT"[X[0, top["position_a"]].argmax()]
    assert top["effect_both"] == pytest.approx(doubles[where], abs=1e-6)


def test_one_of_several_targets_and_other_inputs(jagged: Any, sequences: Any) -> None:
    dna, cell = keras.Input((L, 4), name="dna"), keras.Input((1,), name="cell")
    model = SequenceModel(keras.Model([dna, cell], kl.Multiply()([jagged(dna), cell])))
    X, cells = sequences(2, L, seed=4), np.array([[1.0], [-2.0]])
    span = {"start": START, "end": START + 3, "batch_size": 8}
    plain = epistasis(jagged, X, target=[0, 1], **span)
    scaled = epistasis(model, X, target=[0, 1], extra_inputs={"cell": cells}, names=["a", "b"], **span)
    np.testing.assert_allclose(scaled.interactions, plain.interactions * cells.reshape(2, 1, 1, 1, 1, 1), atol=1e-5)
    one = plain.for_target("1")
    np.testing.assert_array_equal(one.interactions, plain.interactions[:, 1])
    alone = epistasis(jagged, X[[1]], target=1, **span)
    np.testing.assert_allclose(alone.interactions, one.interactions[[1]], rtol=0, atol=2e-6)
    assert scaled.names == ("a", "b")
    with pytest.raises(TargetError, match="Target 2 is out of range; explained were: 0, 1"):
        plain.for_target(2)


def test_what_cannot_be(jagged: Any, sequences: Any) -> None:
    X = sequences(4, L)
    with pytest.raises(ParameterError, match=r"All pairs of 24 bp, of 4 sequences and 2 targets, .* up to 14 bp"):
        epistasis(jagged, X, target=[0, 1], max_bytes=110_000)
    with pytest.raises(ParameterError, match="no stretch"):
        epistasis(jagged, X, target=0, start=9, end=9)
    with pytest.raises(ParameterError, match="max_bytes=0"):
        epistasis(jagged, X, target=0, max_bytes=0)
    with pytest.raises(ParameterError, match='summary=\'sum\' is not known; use "max" or "mean"'):
        epistasis(jagged, X[:1], target=0, start=3, end=5).strength("sum")
