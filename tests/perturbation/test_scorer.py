"""Scores of edited sequences are the model's own."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers as kl

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation import EditOptions, Scorer

L = 30


@pytest.fixture
def model() -> SequenceModel:
    keras.utils.set_random_seed(1)
    dna, cell = keras.Input((L, 4), name="dna"), keras.Input((2,), name="cell")
    y = kl.GlobalMaxPooling1D()(kl.Conv1D(5, 4, activation="relu")(dna))
    y = kl.Dense(3, activation="sigmoid")(kl.Concatenate()([y, cell]))
    return SequenceModel(keras.Model([dna, cell], y))


def test_every_edit_scores_what_the_model_gives(model: SequenceModel) -> None:
    rng = np.random.default_rng(0)
    X = np.eye(4, dtype=np.float32)[rng.integers(0, 4, (3, L))]
    cells = rng.normal(size=(3, 2)).astype(np.float32)
    options = EditOptions(target=[0, 2], extra_inputs={"cell": cells}, batch_size=7)
    bound = Scorer(model, L, 3, options).bind(X)
    rows, starts = np.array([2, 0, 2, 1]), np.array([0, 27, 13, 5])
    replacements = rng.random((4, 5, 3, 4)).astype(np.float32)
    found = bound.edits(rows, starts, replacements)
    assert found.shape == (4, 5, 2)
    for m in range(4):
        for k in range(5):
            x = X[rows[m]].copy()
            x[starts[m] : starts[m] + 3] = replacements[m, k]
            p = np.asarray(model.keras_model.predict([x[None], cells[rows[m]][None]], verbose=0))[0]
            np.testing.assert_allclose(found[m, k], np.log(p / (1 - p))[[0, 2]], rtol=0, atol=5e-6)
    assert bound.edits(rows[:0], starts[:0], replacements[:0]).shape == (0, 5, 2)


def test_rows_of_zeros_are_zeros_in_an_edit_and_unknown_in_a_sequence(model: SequenceModel) -> None:
    model = SequenceModel(model.keras_model, unknown="uniform", extra_inputs={"cell": np.zeros(2)})
    X = np.eye(4, dtype=np.float32)[np.zeros((1, L), int)]
    X[0, 3] = 0
    bound = Scorer(model, L, 1, EditOptions(target=0)).bind(X)
    assert (bound.X[0, 3] == 0.25).all()
    zeros = bound.edits(np.array([0]), np.array([3]), np.zeros((1, 1, 1, 4), np.float32))[0, 0, 0]
    quarters = bound.edits(np.array([0]), np.array([3]), np.full((1, 1, 1, 4), 0.25, np.float32))[0, 0, 0]
    assert quarters == pytest.approx(bound.base[0, 0], abs=1e-6)
    assert zeros != quarters


def test_what_cannot_be_is_refused(model: SequenceModel) -> None:
    model = SequenceModel(model.keras_model, extra_inputs={"cell": np.zeros(2)})
    with pytest.raises(ParameterError, match="is not known"):
        Scorer(model, L, 1, EditOptions(target=0, evaluation="fast"))
    bound = Scorer(model, L, 1, EditOptions(target=0)).bind(np.zeros((1, L, 4), np.float32))
    one = np.zeros((1, 1, 3, 4), np.float32)
    with pytest.raises(ShapeError, match="leave a sequence of 30 bp"):
        bound.edits(np.array([0]), np.array([28]), one)
    with pytest.raises(ShapeError, match=r"expected \(m, k, width, 4\)"):
        bound.edits(np.array([0, 0]), np.array([0, 0]), one)
