"""Learned masks: against Adam in NumPy where gradients are known, and on motifs that were put there."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl
from small_networks import L, dna, linear, network, predict

from seqexplain import meaningful_perturbation
from seqexplain.errors import ParameterError
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.models.target import profile
from seqexplain.sequences.streams import stream

MOTIF = np.array([0, 2, 2, 3, 0, 1, 1, 0])
PLACES = (10, 25, 41)
GAMES = ("deletion", "preservation")


@pytest.fixture(name="planted", scope="module")
def motif_model() -> tuple[Any, np.ndarray]:
    """A model that looks for one motif anywhere, and sequences of 60 bp that have it once."""
    x = keras.Input((60, 4))
    convolution, head = kl.Conv1D(1, 8, activation="relu"), kl.Dense(1)
    model = keras.Model(x, head(kl.GlobalMaxPooling1D()(convolution(x))))
    kernel = -np.ones((8, 4, 1), dtype=np.float32)
    kernel[np.arange(8), MOTIF] = 1
    convolution.set_weights([kernel, np.array([-3.0], dtype=np.float32)])
    head.set_weights([np.ones((1, 1), dtype=np.float32), np.zeros(1, dtype=np.float32)])
    X = dna(3, seed=1, length=60)
    X[np.arange(3)[:, None], np.array(PLACES)[:, None] + np.arange(8)] = np.eye(4)[MOTIF]
    return model, X


@pytest.mark.parametrize("game", GAMES)
def test_of_a_linear_model_the_bases_that_are_worth_it(game: str) -> None:
    """Without variation and jitter each base is by itself: deleted, or kept, if its share of the score is above l1."""
    keras_model, weights = linear(seed=3)
    X = dna(4, seed=2)
    gain = (X * weights[..., 0]).sum(axis=-1)
    share = gain / np.abs(gain.sum(axis=1, keepdims=True))
    wanted = share > 0.2
    options = {"fill": "zeros", "l1": 0.2, "tv": 0.0, "jitter": 0, "steps": 100, "game": game}
    found = meaningful_perturbation(SequenceModel(keras_model), X, **options)
    np.testing.assert_allclose(found.contributions, X * wanted[..., None], rtol=0, atol=1e-6)
    kept = ~wanted if game == "deletion" else wanted
    np.testing.assert_allclose(
        found.diagnostics[:, 1] - found.diagnostics[:, 2], (gain * kept).sum(axis=1), rtol=0, atol=1e-5
    )
    np.testing.assert_allclose(found.diagnostics[:, 3], wanted.sum(axis=1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("game", GAMES)
def test_every_step_is_adams(game: str) -> None:
    keras_model, weights = linear(seed=4)
    X, steps, rate, l1, tv, power, seed = dna(2, seed=4), 25, 0.05, 0.03, 0.1, 3.0, 6
    fills = dna(2, seed=9)
    gain = ((X[:, None] - fills) * weights[..., 0]).sum(axis=-1)  # (n, k, L)
    scale = np.abs(gain.sum(axis=2).mean(axis=1))
    sign = 1.0 if game == "deletion" else -1.0
    shifts = stream(seed, "jitter", np.array([L])).integers(-2, 3, size=steps)
    m, mean, square = np.ones((2, L)), np.zeros((2, L)), np.zeros((2, L))
    for i in range(steps):
        seen = np.clip(np.arange(L) + shifts[i], 0, L - 1)
        gradient = np.full((2, L), -sign * l1)
        for p in range(L):  # position p is hidden by what the mask has at seen[p]
            gradient[:, seen[p]] += sign * gain[:, i % 2, p] / scale
        difference = np.diff(m, axis=1)
        slope = tv * power * np.abs(difference) ** (power - 1) * np.sign(difference)
        gradient[:, 1:] += slope
        gradient[:, :-1] -= slope
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        move = (mean / (1 - 0.9 ** (i + 1))) / (np.sqrt(square / (1 - 0.999 ** (i + 1))) + 1e-8)
        m = np.clip(m - rate * move, 0, 1)
    options = {"learning_rate": rate, "l1": l1, "tv": tv, "tv_power": power, "jitter": 2, "fill": fills}
    found = meaningful_perturbation(SequenceModel(keras_model), X, game=game, steps=steps, random_state=seed, **options)
    score = 1 - m if game == "deletion" else m
    assert np.count_nonzero((score > 0.02) & (score < 0.98)) > 10
    np.testing.assert_allclose(found.contributions.sum(axis=-1), score, rtol=0, atol=2e-4)


@pytest.mark.parametrize("fill", ["uniform", "zeros", "blur", "mononucleotide"])
@pytest.mark.parametrize("game", GAMES)
def test_masks_lie_on_the_motif(planted: Any, game: str, fill: str) -> None:
    keras_model, X = planted
    options = {"game": game, "fill": fill, "n_fills": 3, "steps": 150}
    found = meaningful_perturbation(SequenceModel(keras_model), X, **options)
    score = found.contributions.sum(axis=-1)
    for row, place in enumerate(PLACES):
        inside = score[row, place - 1 : place + 9].sum()
        assert inside >= 0.9 * score[row].sum()
        assert inside > 2
    objective, masked, filled, size = found.diagnostics.T
    np.testing.assert_allclose(found.predictions, 5.0)
    assert (masked < 0.5).all() if game == "deletion" else (masked > 4.5).all()
    assert (size < 13).all()
    assert np.isfinite(objective).all()
    assert (filled < 2).all()


def test_what_is_reported_is_what_the_model_says_of_the_mask(planted: Any) -> None:
    keras_model, X = planted
    X = X.copy()
    X[0, 12] = 0
    options = {"game": "preservation", "steps": 40, "l1": 0.02, "tv": 0.05, "tv_power": 2.0}
    found = meaningful_perturbation(SequenceModel(keras_model), X, fill="uniform", **options)
    known = X.any(axis=-1)
    filled = np.where(known[..., None], 0.25, X)
    base, at_fill = predict(keras_model, X)[:, 0], predict(keras_model, filled)[:, 0]
    np.testing.assert_allclose(found.diagnostics[:, 2], at_fill, atol=1e-6)
    m = found.contributions.sum(axis=-1)[1:]  # of the first, one position is unknown, and not shown
    masked = predict(keras_model, m[..., None] * X[1:] + (1 - m[..., None]) * filled[1:])[:, 0]
    np.testing.assert_allclose(found.diagnostics[1:, 1], masked, atol=1e-5)
    penalty = 0.02 * m.sum(axis=1) + 0.05 * (np.diff(m, axis=1) ** 2).sum(axis=1)
    wanted = -masked / np.abs(base - at_fill)[1:] + penalty
    np.testing.assert_allclose(found.diagnostics[1:, 0], wanted, atol=1e-5)
    assert not found.contributions[0, 12].any()


def test_several_targets_and_hidden_units_have_masks_of_their_own() -> None:
    model, X = SequenceModel(network()), dna(3, seed=4)
    targets = [1, ("motifs", (3, 2)), 0]
    options = {"steps": 30, "game": "preservation"}
    found = meaningful_perturbation(model, X, target=targets, **options)
    assert found.contributions.shape == (3, 3, L, 4)
    assert found.diagnostics.shape == (3, 3, 4)
    for k, target in enumerate(targets):
        alone = meaningful_perturbation(model, X, target=target, **options)
        np.testing.assert_allclose(found.contributions[:, k], alone.contributions, rtol=0, atol=1e-4)
    assert np.abs(found.contributions[:, 0] - found.contributions[:, 2]).max() > 0.1
    assert not found.contributions[:, 1, 9:].any()  # the unit does not look there


def test_profiles_are_differentiated_with_their_weights() -> None:
    """The weights of a profile move with the masked sequence; Adam's first step is the learning rate downhill."""
    keras.utils.set_random_seed(3)
    x = keras.Input((L, 4))
    y = kl.Conv1D(4, 3, padding="same", activation="tanh")(x)
    model = SequenceModel(keras.Model(x, kl.Conv1D(2, 5, padding="same", bias_initializer="ones", name="profile")(y)))
    X, step = dna(2, seed=5), 0.02
    found = meaningful_perturbation(
        model, X, target=profile(), fill="zeros", steps=1, l1=0.0, tv=0.0, jitter=0, learning_rate=0.25
    )
    changed = np.repeat(X[:, None], 2 * L, axis=1).reshape(2, 2, L, L, 4)
    changed[:, 0, np.arange(L), np.arange(L)] *= 1 + step
    changed[:, 1, np.arange(L), np.arange(L)] *= 1 - step
    values = model.predict(changed.reshape(-1, L, 4), target=profile(), level="logit").reshape(2, 2, L)
    gradient = (values[:, 0] - values[:, 1]) / (2 * step)
    clear = np.abs(gradient) > 1e-3
    assert clear.mean() > 0.8
    score = found.contributions.sum(axis=-1)
    np.testing.assert_allclose(score[clear], 0.25 * (gradient[clear] > 0), rtol=0, atol=1e-4)
    assert 0.1 < (gradient > 0).mean() < 0.9


def test_rows_and_seeds(planted: Any) -> None:
    keras_model, X = planted
    model = SequenceModel(keras_model)
    run = lambda rows, **o: meaningful_perturbation(model, X[rows], steps=60, **o).contributions  # noqa: E731
    whole = run(slice(None), random_state=1)
    for other in (
        run([2, 0, 1], random_state=1, batch_size=2)[[1, 2, 0]],
        run(slice(None), random_state=1, batch_size=1),
    ):
        np.testing.assert_allclose(other, whole, rtol=0, atol=1e-4)
    assert run(slice(None), random_state=1).tobytes() == whole.tobytes()
    assert np.abs(run(slice(None), random_state=2) - whole).max() > 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"game": "keep"}, "game='keep'.*preservation"),
        ({"steps": 0}, "steps=0"),
        ({"learning_rate": 0}, "learning_rate=0"),
        ({"l1": -1}, "l1=-1"),
        ({"tv": "much"}, "tv='much'"),
        ({"tv_power": 0}, "tv_power=0"),
        ({"jitter": -1}, "jitter=-1"),
        ({"n_fills": 0}, "n_fills=0"),
        ({"fill": "noise"}, "noise"),
        ({"batch_size": 0}, "batch_size=0"),
    ],
)
def test_what_cannot_be_is_refused(planted: Any, options: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        meaningful_perturbation(SequenceModel(planted[0]), planted[1], **options)
