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


@pytest.mark.table(3)
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


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["rescale", "reveal_cancel"])
def test_hidden_units_are_heads_of_a_shorter_model(rule: str) -> None:
    whole, X = tasks(), dna(3, seed=5)
    model = SequenceModel(whole)
    for layer, index in (("motifs", (3, 2)), ("pool", (1, 0)), ("mix", 4), ("norm", (2, 1))):
        short = SequenceModel(keras.Model(whole.inputs, whole.get_layer(layer).output))
        found = deeplift(model, X, target=(layer, index), rule=rule, n_references=2)
        wanted = deeplift(short, X, target=index, level="output", rule=rule, n_references=2)
        np.testing.assert_allclose(found.contributions, wanted.contributions, rtol=0, atol=1e-6)
        np.testing.assert_allclose(found.predictions, wanted.predictions, atol=1e-6)
        np.testing.assert_allclose(model.predict(X, target=(layer, index)), found.predictions, atol=1e-6)
        assert np.abs(found.contributions).max() > 1e-3
    assert found.targets == ("norm:2,1",)


def test_below_the_activation_of_a_hidden_layer() -> None:
    whole, X = tasks(), dna(8, seed=6)
    found = deeplift(SequenceModel(whole), X, target=("motifs/preactivation", (3, 2)), n_references=2)
    kernel, bias = (np.array(w) for w in whole.get_layer("motifs").get_weights())
    wanted = np.einsum("nkc,kc->n", X[:, 3:7], kernel[:, :, 2]) + bias[2]
    np.testing.assert_allclose(found.predictions, wanted, atol=1e-5)
    assert found.predictions.min() < 0
    outside = np.delete(found.contributions, np.s_[3:7], axis=1)
    assert np.abs(outside).max() == 0


def test_slices_add_up() -> None:
    model, X = SequenceModel(two_heads()), dna(2, seed=7)
    found = deeplift(model, X, target=[("profile", (slice(2, 4), 1))], n_references=2)
    parts = [deeplift(model, X, target=("profile", (k, 1)), n_references=2).contributions for k in (2, 3)]
    np.testing.assert_allclose(found.contributions[:, 0], sum(parts), rtol=0, atol=1e-6)
    assert found.targets[0] == "profile:2:4,1"


@pytest.mark.parametrize("channel", [2, -1, "plus", 0.5, True])
def test_channels_that_do_not_exist(channel: Any) -> None:
    with pytest.raises(TargetError, match="out of range"):
        deeplift(SequenceModel(two_heads()), dna(1), target=profile("profile", channel=channel))


def test_hidden_layers_that_do_not_exist() -> None:
    with pytest.raises(TargetError, match=r"no head 'motif'.*Did you mean 'motifs'"):
        deeplift(SequenceModel(tasks()), dna(1), target=("motif", (0, 0)))
    with pytest.raises(TargetError, match="out of range"):
        deeplift(SequenceModel(tasks()), dna(1), target=("motifs", (0, 5)))
    with pytest.raises(TargetError, match="2 axes"):
        deeplift(SequenceModel(tasks()), dna(1), target=("motifs", 0))
    with pytest.raises(TargetError, match="no activation of its own"):
        deeplift(SequenceModel(tasks()), dna(1), target=("pool/preactivation", (0, 0)))


def test_a_softmax_that_is_reshaped_is_explained_below() -> None:
    x = keras.Input((L, 4))
    z = kl.Conv1D(2, 3, name="logits")(x)
    model = SequenceModel(randomise(keras.Model(x, kl.Flatten(name="flat")(kl.Softmax()(z)))))
    X = dna(2, seed=8)
    found = deeplift(model, X, target=5, references="uniform")
    wanted = deeplift(model, X, target=("logits", (2, 1)), references="uniform")
    np.testing.assert_allclose(found.contributions, wanted.contributions, rtol=0, atol=1e-6)
    with pytest.raises(TargetError, match="reshaped after its softmax"):
        deeplift(model, X, target=5, level="centered_logit")
