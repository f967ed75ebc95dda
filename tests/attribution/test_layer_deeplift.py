"""Contributions of a hidden layer: those of the layers above it, as a model of its own, and sums that agree."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import L, dna, randomise, tasks, two_heads
from keras import layers as kl

from seqexplain import deeplift, layer_deeplift
from seqexplain.errors import ParameterError
from seqexplain.models.sequence_model import SequenceModel


@pytest.mark.table(3)
@pytest.mark.parametrize(
    ("references", "rule"), [("dinucleotide", "rescale"), ("uniform", "rescale"), ("uniform", "reveal_cancel")]
)
@pytest.mark.parametrize("layer", ["motifs", "pool", "norm", "mix", "motifs/preactivation", "mix/preactivation"])
def test_any_cut_of_the_network_adds_up(layer: str, references: str, rule: str) -> None:
    model, X = SequenceModel(tasks()), dna(4, seed=1)
    found = layer_deeplift(model, X, layer=layer, target=[1, 0], references=references, n_references=3, rule=rule)
    whole = deeplift(model, X, target=[1, 0], references=references, n_references=3)
    np.testing.assert_array_equal(found.predictions, whole.predictions)
    np.testing.assert_array_equal(found.reference_predictions, whole.reference_predictions)
    delta = (found.predictions[..., None] - found.reference_predictions).mean(axis=-1)
    total = found.contributions.reshape(4, 2, -1).sum(axis=-1)
    np.testing.assert_allclose(total, delta, rtol=0, atol=2e-6)
    assert np.abs(found.completeness_error).max() < 2e-6
    assert np.abs(delta).max() > 0.1


def test_a_dense_layer_contributes_weight_times_difference() -> None:
    keras_model, X = tasks(), dna(3, seed=2)
    hidden = SequenceModel(keras.Model(keras_model.inputs, keras_model.get_layer("mix").output))
    reference = np.full((1, L, 4), 0.25, dtype=np.float32)
    found = layer_deeplift(SequenceModel(keras_model), X, layer="mix", target=2, references="uniform")
    weights = keras_model.get_layer("tasks").get_weights()[0][:, 2]
    wanted = (hidden.predict(X) - hidden.predict(reference)) * weights
    np.testing.assert_allclose(found.contributions, wanted, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.by_channel(), found.contributions)


def test_filters_that_are_cut_off_contribute_nothing() -> None:
    keras_model, X = tasks(), dna(3, seed=3)
    norm = keras_model.get_layer("norm")
    gamma, *rest = norm.get_weights()
    gamma[3] = 0.0
    norm.set_weights([gamma, *rest])
    found = layer_deeplift(SequenceModel(keras_model), X, layer="motifs", target=0, n_references=3)
    assert found.contributions.shape == (3, L - 3, 5)
    assert found.by_channel().shape == (3, 5)
    assert np.abs(found.contributions[..., 3]).max() == 0
    assert np.abs(found.by_channel()[:, [0, 1, 2, 4]]).max(axis=0).min() > 1e-3


def test_a_path_around_the_layer_shows_as_error_and_warns_of_nothing() -> None:
    x = keras.Input((L, 4))
    y = kl.Conv1D(4, 3, padding="same", name="first")(x)
    z = kl.Conv1D(4, 3, padding="same", activation="relu", name="second")(y)
    out = kl.Dense(1)(kl.GlobalAveragePooling1D()(kl.Add()([y, z])))
    model, X = SequenceModel(randomise(keras.Model(x, out))), dna(3, seed=4)
    around = layer_deeplift(model, X, layer="second", references="uniform")
    assert np.abs(around.completeness_error).max() > 1e-2
    through = layer_deeplift(model, X, layer="first", references="uniform")
    assert np.abs(through.completeness_error).max() < 1e-6


def test_batches_and_strands() -> None:
    X = dna(5, seed=5)
    options = {"layer": "conv1d", "n_references": 2}
    x = keras.Input((L, 4))
    y = kl.GlobalMaxPooling1D()(kl.Conv1D(4, 3, activation="relu", name="conv1d")(x))
    keras_model = randomise(keras.Model(x, kl.Dense(1)(y)))
    whole = layer_deeplift(SequenceModel(keras_model), X, **options)
    parts = layer_deeplift(SequenceModel(keras_model), X, batch_size=2, **options)
    np.testing.assert_allclose(whole.contributions, parts.contributions, rtol=0, atol=1e-6)
    both = SequenceModel(keras_model, average_strands=True)
    with pytest.raises(ParameterError, match="conv1d#1"):
        layer_deeplift(both, X, **options)
    strands = [layer_deeplift(both, X, layer=f"conv1d#{k}", n_references=2) for k in (1, 2)]
    delta = (strands[0].predictions[:, None] - strands[0].reference_predictions).mean(axis=1)
    total = sum(s.contributions.sum(axis=(1, 2)) for s in strands)
    np.testing.assert_allclose(total, delta, rtol=0, atol=2e-6)


def test_what_cannot_be() -> None:
    with pytest.raises(ParameterError, match="Did you mean 'motifs'"):
        layer_deeplift(SequenceModel(tasks()), dna(1), layer="motif", target=0)
    with pytest.raises(ParameterError, match="does not depend on the layer 'counts'"):
        layer_deeplift(SequenceModel(two_heads()), dna(1), layer="counts", target=("profile", (0, 0)))
    assert layer_deeplift(SequenceModel(tasks()), dna(0), layer="mix", target=0).contributions.shape == (0, 6)


@pytest.mark.parametrize(
    ("options", "culprit"),
    [
        ({"rule": 3}, "rule=3 is not understood"),
        ({"rule": ["rescale"]}, "not understood"),
        ({"keep_references": "yes"}, "keep_references='yes' is not known"),
    ],
)
def test_options_that_cannot_be(options: Any, culprit: str) -> None:
    with pytest.raises(ParameterError, match=culprit):
        deeplift(SequenceModel(tasks()), dna(1), target=0, **options)


@pytest.mark.slow
def test_each_reference_on_request() -> None:
    model, X = SequenceModel(tasks()), dna(3, seed=6)
    found = deeplift(model, X, target=[1, 0], n_references=4, keep_references=True)
    assert found.per_reference.shape == (3, 2, 4, L, 4)
    np.testing.assert_allclose(found.per_reference.mean(axis=2), found.hypothetical, rtol=0, atol=1e-6)
    delta = found.predictions[..., None] - found.reference_predictions
    total = (found.per_reference * X[:, None, None]).sum(axis=(-2, -1))
    np.testing.assert_allclose(total, delta, rtol=0, atol=2e-6)
    assert found.per_reference.std(axis=2).max() > 1e-3
    assert deeplift(model, X, target=1, n_references=2, keep_references=True).per_reference.shape == (3, 2, L, 4)
    assert deeplift(model, X, target=1, n_references=2).per_reference is None
    shared = deeplift(model, X, target=1, references=np.stack([np.full((L, 4), 0.25), np.zeros((L, 4))]),
                      keep_references=True)  # fmt: skip
    alone = deeplift(model, X, target=1, references="uniform")
    np.testing.assert_allclose(shared.per_reference[:, 0], alone.hypothetical, rtol=0, atol=1e-6)
