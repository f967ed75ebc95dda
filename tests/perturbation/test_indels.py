"""Deletions and insertions against the same edits of plain strings, scored by the model itself."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

from seqexplain import SequenceModel, deletion_effects, insertion_effects
from seqexplain.errors import ParameterError, ShapeError, TargetError

L = 24


def strings(n: int, length: int = L, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(row) for row in rng.choice(list("ACGT"), (n, length))]


def encode(sequences: list[str], unknown: float = 0.0) -> np.ndarray:
    rows = np.concatenate([np.eye(4), np.full((1, 4), unknown)])
    return rows[[["ACGTN".index(base) for base in s] for s in sequences]].astype(np.float32)


def moves_left(keep: str | None, middle: float) -> bool:
    return keep == "right" or (keep == "center" and middle < L / 2)


@pytest.mark.parametrize("keep", ["left", "right", "center"])
@pytest.mark.parametrize(("fill", "size"), [("unknown", 1), ("flanks", 3)])
def test_deletions(keep: str, fill: str, size: int, network: Any, scored: Any) -> None:
    texts = strings(2, seed=1)
    left, right = strings(2, 5, seed=2), strings(2, 5, seed=3)
    given = fill if fill == "unknown" else (left, encode(right))
    found = deletion_effects(network, texts, target=[1, 0], size=size, keep=keep, fill=given, start=3, batch_size=7)
    np.testing.assert_array_equal(found.positions, np.arange(3, L - size + 1))
    assert found.effects.shape == (2, 2, L - size - 2)
    base = scored(network, encode(texts))[:, ::-1]
    for row, text in enumerate(texts):
        before, after = ("N" * size, "N" * size) if fill == "unknown" else (left[row][-size:], right[row][:size])
        edited = []
        for p in found.positions:
            rest = text[:p] + text[p + size :]
            edited.append(before + rest if moves_left(keep, p + size / 2) else rest + after)
        wanted = scored(network, encode(edited))[:, ::-1] - base[row]
        np.testing.assert_allclose(found.effects[row], wanted.T, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.predictions, base, atol=1e-5)


@pytest.mark.parametrize("keep", ["left", "right", "center"])
def test_insertions(keep: str, network: Any, scored: Any) -> None:
    texts, inserts = strings(2, seed=4), ["GAT", "CCN"]
    found = insertion_effects(network, texts, target=1, inserts=inserts, keep=keep, end=20)
    assert found.effects.shape == (2, 20, 2)
    assert found.size == 3
    base = scored(network, encode(texts))[:, 1]
    for row, text in enumerate(texts):
        for k, insert in enumerate(inserts):
            longer = [text[:p] + insert + text[p:] for p in range(20)]
            edited = [s[3:] if moves_left(keep, p) else s[:L] for p, s in enumerate(longer)]
            wanted = scored(network, encode(edited))[:, 1] - base[row]
            np.testing.assert_allclose(found.effects[row, :, k], wanted, rtol=0, atol=1e-5)
    each = np.stack([encode(inserts), encode(inserts)[::-1]])
    swapped = insertion_effects(network, texts, target=1, inserts=each, keep=keep, end=20)
    np.testing.assert_allclose(swapped.effects[1], found.effects[1, :, ::-1], rtol=0, atol=2e-6)
    np.testing.assert_array_equal(swapped.inserted, each)


def test_any_length_needs_no_filling(any_length: Any, scored: Any) -> None:
    text = strings(1, seed=5)[0]
    base = scored(any_length, encode([text]))[0, 0]
    lost = deletion_effects(any_length, [text], size=4, keep=None)
    wanted = scored(any_length, encode([text[:p] + text[p + 4 :] for p in range(L - 3)]))[:, 0] - base
    np.testing.assert_allclose(lost.effects[0], wanted, rtol=0, atol=1e-5)
    gained = insertion_effects(any_length, [text], keep=None)
    for k, b in enumerate("ACGT"):
        wanted = scored(any_length, encode([text[:p] + b + text[p:] for p in range(L)]))[:, 0] - base
        np.testing.assert_allclose(gained.effects[0, :, k], wanted, rtol=0, atol=1e-5)


def test_random_bases_depend_on_seed_and_sequence_alone(wrapped: Any) -> None:
    texts = strings(3, seed=6)
    options: dict[str, Any] = {"target": 0, "size": 4}
    whole = insertion_effects(wrapped, texts, inserts="random", n_samples=2, **options)
    alone = insertion_effects(wrapped, texts[2:], inserts="random", n_samples=2, start=9, batch_size=2, **options)
    np.testing.assert_array_equal(alone.inserted, whole.inserted[2:])
    np.testing.assert_allclose(alone.effects, whole.effects[2:, 9:], rtol=0, atol=2e-6)
    other = insertion_effects(wrapped, texts, inserts="random", n_samples=2, random_state=1, **options)
    assert (other.inserted != whole.inserted).any(axis=(1, 2, 3)).all()
    assert whole.inserted.shape == (3, 2, 4, 4)
    lost = deletion_effects(wrapped, texts, fill="random", **options)
    one = deletion_effects(wrapped, texts[1:2], fill="random", **options)
    np.testing.assert_allclose(one.effects, lost.effects[1:2], rtol=0, atol=2e-6)
    again = deletion_effects(wrapped, texts, fill="random", random_state=1, **options)
    assert np.abs(again.effects - lost.effects).max() > 1e-3


def test_unknown_bases_come_in_as_the_model_was_shown_them(network: Any, scored: Any) -> None:
    texts = strings(1, seed=7)
    found = deletion_effects(SequenceModel(network, unknown="uniform"), texts, target=0, size=9)
    wanted = scored(network, encode([texts[0][:-9] + "N" * 9, texts[0]], unknown=0.25))[:, 0]
    assert found.effects[0, -1] == pytest.approx(wanted[0] - wanted[1], abs=1e-5)


def test_a_score_for_each_base(wrapped: Any) -> None:
    found = deletion_effects(wrapped, strings(2, seed=8), target=[0, 1], size=3, start=4, end=12)
    wanted = np.zeros((2, 2, L))
    for i in range(4, 12):
        covering = [k for k, p in enumerate(found.positions) if p <= i < p + 3]
        wanted[:, :, i] = -found.effects[:, :, covering].mean(axis=-1)
    np.testing.assert_allclose(found.per_base(), wanted, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.for_target("1").per_base(), wanted[:, 1], rtol=0, atol=1e-6)
    with pytest.raises(TargetError, match="Target 5 is out of range; explained were: 0, 1"):
        found.for_target(5)


def test_other_inputs_stay_with_their_sequence(network: Any) -> None:
    dna, cell = keras.Input((L, 4), name="dna"), keras.Input((1,), name="cell")
    model = SequenceModel(keras.Model([dna, cell], kl.Multiply()([network(dna), cell])))
    texts, cells = strings(2, seed=9), np.array([[2.0], [-1.0]])
    for method in (deletion_effects, insertion_effects):
        plain = method(network, texts, target=0)
        scaled = method(model, texts, target=0, extra_inputs={"cell": cells}, names=["a", "b"])
        shape = (2,) + (1,) * (plain.effects.ndim - 1)
        np.testing.assert_allclose(scaled.effects, plain.effects * cells.reshape(shape), rtol=0, atol=1e-5)
        assert scaled.names == ("a", "b")
        assert method(network, np.zeros((0, L, 4)), target=0).effects.shape == (0, *plain.effects.shape[1:])


@pytest.mark.parametrize(
    ("method", "options", "error", "message"),
    [
        (deletion_effects, {"size": 0}, ParameterError, "size=0 must be a whole number from 1"),
        (deletion_effects, {"size": 4, "start": 21}, ParameterError, "size=4 leaves nothing of the stretch of 3 bp"),
        (deletion_effects, {"size": L}, ParameterError, "in sequences of 24 bp"),
        (deletion_effects, {"keep": "middle"}, ParameterError, "keep='middle' is not known"),
        (deletion_effects, {"keep": None}, ParameterError, "keep=None changes the length, .* reads 24 bp"),
        (deletion_effects, {"fill": "zeros"}, ParameterError, "fill='zeros' is not known"),
        (deletion_effects, {"fill": 3}, ParameterError, "fill is int; expected"),
        (deletion_effects, {"fill": (["AC"] * 2, ["A"] * 2), "size": 2}, ShapeError, r"right flanks have shape \(2, 1"),
        (deletion_effects, {"fill": (["AC"], None), "size": 2}, ShapeError, r"left flanks have shape \(1, 2, 4\)"),
        (insertion_effects, {"inserts": "GATA"}, ParameterError, "inserts='GATA' is not known.*GATA"),
        (insertion_effects, {"inserts": np.zeros((3, 4))}, ShapeError, r"inserts have shape \(3, 4\)"),
        (insertion_effects, {"inserts": np.zeros((3, 1, 2, 4))}, ShapeError, r"expected \(k, size, 4\), or \(2, k"),
        (insertion_effects, {"inserts": "random", "n_samples": 0}, ParameterError, "n_samples=0"),
        (insertion_effects, {"end": L + 1}, ParameterError, "no stretch"),
        (insertion_effects, {"random_state": -3}, ParameterError, "random_state is -3"),
        (insertion_effects, {"names": ["a"]}, ShapeError, "1 names for 2 sequences"),
    ],
)
def test_what_cannot_be(method: Any, options: Any, error: Any, message: str, wrapped: Any) -> None:
    with pytest.raises(error, match=message):
        method(wrapped, strings(2), **{"target": 0, **options})


def test_a_target_with_positions_needs_one_length() -> None:
    x = keras.Input((None, 4))
    model = keras.Model(x, kl.Conv1D(1, 3, padding="same")(x))
    with pytest.raises(ParameterError, match="a target has positions"):
        deletion_effects(model, strings(1), target=(4, 0), keep=None)
    with pytest.raises(ParameterError, match="a target has positions"):
        insertion_effects(model, strings(1), target=(4, 0), keep=None)
    assert deletion_effects(model, strings(1), target=(4, 0)).effects.shape == (1, L)
