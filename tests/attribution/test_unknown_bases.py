"""Unknown bases: where a reference has a base and the sequence has none, no contribution can say so."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest
from keras import layers
from oracle.twins import random_dna

from seqexplain.attribution import deeplift
from seqexplain.errors import SequenceWarning
from seqexplain.models.sequence_model import SequenceModel


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((30, 4))
    x = layers.Flatten()(layers.Conv1D(4, 5, activation="relu")(inputs))
    return SequenceModel(keras.Model(inputs, layers.Dense(1)(x)))


def test_a_background_under_unknown_bases_is_warned_of(model):
    X = random_dna(3, 30, 0)
    X[1, 10:14] = 0
    with pytest.warns(SequenceWarning, match="Sequence 1 has unknown bases"):
        result = deeplift(model, X, references="uniform")
    delta = result.predictions - result.reference_predictions[:, 0]
    sums = result.contributions.sum((1, 2))
    assert sums[0] == pytest.approx(delta[0], abs=1e-5)
    assert abs(sums[1] - delta[1]) > 1e-4  # what the warning is about


@pytest.mark.parametrize("references", ["dinucleotide", "zeros"])
def test_references_without_bases_there_are_not(model, references):
    X = random_dna(3, 30, 0)
    X[1, 10:14] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = deeplift(model, X, references=references, n_references=3)
    delta = result.predictions - result.reference_predictions.mean(1)
    np.testing.assert_allclose(result.contributions.sum((1, 2)), delta, atol=1e-5)
