"""Targets beyond a single unit: profiles, whose weights depend on the sequence, and logits less their mean."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import L, dna, randomise, tasks, two_heads
from keras import layers as kl

from seqexplain import contrast, deeplift, profile
from seqexplain.errors import TargetError
from seqexplain.models.sequence_model import SequenceModel


def softmax(z: np.ndarray, axis: Any) -> np.ndarray:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("channel", [None, 1])
@pytest.mark.parametrize("references", ["dinucleotide", "uniform"])
def test_profile_is_the_logits_weighted_at_the_sequence(joint: bool, channel: int | None, references: str) -> None:
    model, X = SequenceModel(two_heads()), dna(3, seed=1)
    options = {"references": references, "n_references": 2}
    found = deeplift(model, X, target=profile("profile", channel=channel, joint=joint), **options)
    logits = model.predict(X)["profile"].astype(np.float64)
    axes = (0, 1) if joint else (0,)
    for row, z in enumerate(logits):
        p = softmax(z, axes) * (1.0 if channel is None else np.arange(2) == channel)
        w = (p - p.sum(axis=axes, keepdims=True) / (z.size if joint else len(z))).astype(np.float32)
        fixed = deeplift(
            model, X[[row]], target=lambda h, w=w: keras.ops.sum(h[1] * keras.ops.convert_to_tensor(w), axis=(1, 2)),
            **options,
        )  # fmt: skip
        np.testing.assert_allclose(found.contributions[row], fixed.contributions[0], rtol=0, atol=1e-6)
        np.testing.assert_allclose(found.reference_predictions[row], fixed.reference_predictions[0], atol=1e-6)
        # the definition itself: p-weighted logits less their mean
        mean = z.mean(axis=axes, keepdims=True)
        chosen = (softmax(z, axes) * (z - mean))[:, slice(None) if channel is None else [channel]].sum()
        np.testing.assert_allclose(found.predictions[row], chosen, rtol=1e-5)
    np.testing.assert_allclose(
        model.predict(X, target=profile("profile", channel=channel, joint=joint)), found.predictions, atol=1e-6
    )


def test_profile_beside_other_targets() -> None:
    model, X = SequenceModel(two_heads()), dna(3, seed=2)
    both = deeplift(model, X, target=[("counts", 1), profile("profile"), ("profile", (0, 0))], n_references=2)
    for k, target in enumerate([("counts", 1), profile("profile"), ("profile", (0, 0))]):
        alone = deeplift(model, X, target=target, n_references=2)
        np.testing.assert_allclose(both.contributions[:, k], alone.contributions, rtol=0, atol=2e-6)
    assert both.targets == ("counts:1", "profile(profile)", "profile:0,0")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (profile(), "does not say which head"),
        (profile("counts"), "head 'counts' has shape"),
        (profile("profile", channel=2), "2 channel"),
        (profile("nothing"), "no head 'nothing'"),
        (contrast(profile("profile"), ("counts", 0)), "contrast of profiles"),
    ],
)
def test_bad_profiles(target: Any, message: str) -> None:
    x = keras.Input((L, 4))
    z = kl.Conv1D(2, 3, name="profile")(x)
    model = keras.Model(x, [z, kl.Dense(1, name="counts")(kl.Flatten()(z))])
    with pytest.raises(TargetError, match=message):
        deeplift(model, dna(1), target=target)


def test_centred_logits_are_logits_less_their_mean() -> None:
    model, X = SequenceModel(tasks(final="softmax")), dna(3, seed=3)
    every = [deeplift(model, X, target=k, n_references=2).contributions for k in range(3)]
    found = deeplift(model, X, target=1, level="centered_logit", n_references=2)
    np.testing.assert_allclose(found.contributions, every[1] - np.mean(every, axis=0), rtol=0, atol=2e-6)
    z = model.predict(X, level="logit")
    np.testing.assert_allclose(found.predictions, z[:, 1] - z.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(model.predict(X, level="centered_logit"), z - z.mean(axis=1, keepdims=True), atol=1e-6)
    # what a softmax does not see makes no difference
    shifted = keras.models.clone_model(model.keras_model)
    shifted.set_weights(model.keras_model.get_weights())
    kernel = shifted.layers[-1].kernel
    kernel.assign(kernel + np.arange(6, dtype="float32")[:, None])
    again = deeplift(SequenceModel(shifted), X, target=1, level="centered_logit", n_references=2)
    np.testing.assert_allclose(again.contributions, found.contributions, rtol=0, atol=2e-5)


def test_centring_runs_over_the_softmax_axis_alone() -> None:
    x = keras.Input((L, 4))
    model = SequenceModel(randomise(keras.Model(x, kl.Softmax(axis=1)(kl.Conv1D(2, 3, activation="linear")(x)))))
    X = dna(2, seed=4)
    z = model.predict(X, level="logit")
    found = deeplift(model, X, target=(4, 1), level="centered_logit", n_references=2)
    np.testing.assert_allclose(found.predictions, z[:, 4, 1] - z[:, :, 1].mean(axis=1), atol=1e-6)


def test_a_sigmoid_has_nothing_to_centre() -> None:
    model, X = SequenceModel(tasks()), dna(2)
    found = deeplift(model, X, target=1, level="centered_logit", n_references=2)
    plain = deeplift(model, X, target=1, n_references=2)
    np.testing.assert_array_equal(found.contributions, plain.contributions)
