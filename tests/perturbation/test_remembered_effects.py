"""What is kept from step to step is what whole sequences give, step after step, on networks of all kinds."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

from seqexplain import SequenceModel, sufficient_input_subsets
from seqexplain.perturbation import EditOptions, Scorer
from seqexplain.perturbation._remembered_effects import RememberedEffects, divide

L = 40


def averaged(x: Any) -> Any:
    y = kl.Conv1D(6, 5, activation="relu")(kl.Conv1D(5, 7, activation="relu")(x))
    return kl.Dense(1)(kl.Dense(8, activation="relu")(kl.GlobalAveragePooling1D()(y)))


def flattened(x: Any) -> Any:
    y = kl.MaxPooling1D(4)(kl.BatchNormalization()(kl.Conv1D(6, 5, activation="relu")(x)))
    y = kl.Conv1D(4, 3, padding="same", activation="gelu")(y)
    return kl.Dense(1)(kl.Dense(9, activation="relu")(kl.Flatten()(y)))


def dilated(x: Any) -> Any:
    y = kl.Conv1D(6, 5, padding="same", activation="relu")(x)
    z = kl.Add()([y, kl.Conv1D(6, 3, dilation_rate=3, padding="same", activation="relu")(y)])
    return kl.Dense(1)(kl.Concatenate()([kl.GlobalAveragePooling1D()(z), kl.Flatten()(kl.AveragePooling1D(10)(y))]))


def linear(x: Any) -> Any:
    return kl.Dense(1)(kl.Flatten()(kl.Conv1D(3, 4)(x)))


def gated(x: Any) -> Any:
    y = kl.Multiply()([kl.Conv1D(4, 5)(x), kl.Conv1D(4, 5, activation="sigmoid")(x)])
    return kl.Dense(1)(kl.GlobalAveragePooling1D()(y))


def by_maximum(x: Any) -> Any:
    return kl.Dense(1)(kl.GlobalMaxPooling1D()(kl.Conv1D(6, 5, activation="relu")(x)))


def model_of(build: Any, **options: Any) -> SequenceModel:
    keras.utils.set_random_seed(1)
    x = keras.Input((L, 4))
    return SequenceModel(keras.Model(x, build(x)), **options)


def evaluator_of(model: SequenceModel) -> tuple[Scorer, Any]:
    scorer = Scorer(model, L, 3, EditOptions(evaluation="incremental"))
    return scorer, scorer.evaluator(1)


@pytest.mark.parametrize(
    ("build", "both_strands"),
    [(averaged, False), (flattened, True), (dilated, False), (linear, False), (gated, False)],
)
def test_effects_stay_those_of_whole_sequences(build: Any, both_strands: bool, sequences: Any) -> None:
    model = model_of(build, average_strands=both_strands)
    scorer, evaluator = evaluator_of(model)
    division = divide(evaluator.plan, 3)
    assert division is not None
    X, blank = sequences(3, L, seed=31), np.full((L, 4), 0.25, np.float32)
    memory = RememberedEffects(evaluator, division, scorer.weights, X, {}, blank)
    free = np.ones((3, L), dtype=bool)
    rng = np.random.default_rng(0)
    for _ in range(6):
        rows, positions = np.nonzero(free)
        values, found = memory.look(rows, positions)
        whole = memory.x[rows]
        whole[np.arange(len(rows)), positions] = 0.25
        plain = model.predict(np.concatenate([memory.x, whole]), level="logit", target=0, batch_size=64)
        np.testing.assert_allclose(values[:, 0], plain[:3], rtol=0, atol=2e-6)
        np.testing.assert_allclose(found[:, 0], plain[3:] - plain[rows], rtol=0, atol=4e-6)
        chosen = np.array([rng.choice(np.flatnonzero(f)) for f in free])
        memory.hide(np.arange(3), chosen)
        free[np.arange(3), chosen] = False
    if build is averaged and not both_strands:  # 7 + 5 − 1 bp are seen together, on either side
        near = np.abs(np.arange(L) - chosen[:, None]) < 7 + 5 - 1
        np.testing.assert_array_equal(memory.known[free], ~near[free])


def test_what_looks_at_all_positions_is_not_kept(sequences: Any) -> None:
    assert divide(evaluator_of(model_of(by_maximum))[1].plan, 3) is None
    plan = evaluator_of(model_of(averaged))[1].plan
    assert divide(plan, 1 << 40) is None, "more than memory holds"


@pytest.mark.slow
@pytest.mark.parametrize("build", [averaged, by_maximum])
def test_subsets_are_the_same(build: Any, sequences: Any) -> None:
    model, X = model_of(build), sequences(4, L, seed=32)
    masked = model.predict(np.full((1, L, 4), 0.25, np.float32), target=0, level="logit")[0]
    negative = bool(np.median(model.predict(X, target=0, level="logit")) < masked)
    found = {
        how: sufficient_input_subsets(model, X, threshold="50%", negative=negative, max_subsets=1, evaluation=how)
        for how in ("full", "incremental")
    }
    assert found["full"].n_subsets.any()
    np.testing.assert_array_equal(found["full"].subset, found["incremental"].subset)
    if build is not by_maximum:  # there, what differs by rounding alone is masked in another order
        np.testing.assert_array_equal(found["full"].rank, found["incremental"].rank)
