"""Class activation maps: closed forms, where they sit, which layer they are made of, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import array_of, dna, randomise, two_heads
from keras import layers as kl

from seqexplain import cam, contrast, grad_cam, guided_backprop, guided_grad_cam
from seqexplain.attribution import ActivationOptions, GradCam
from seqexplain.errors import ParameterError, SeqExplainError, TargetError, UnsupportedLayerError
from seqexplain.models.backend import to_numpy
from seqexplain.models.sequence_model import SequenceModel

L = 24


def pooled(padding: str = "same", final: str | None = "sigmoid", **options: Any) -> Any:
    x = keras.Input((L, 4))
    y = kl.Conv1D(5, 5, padding=padding, activation="relu", name="motifs", **options)(x)
    y = kl.Dropout(0.2)(kl.GlobalAveragePooling1D(name="mean")(y))
    return randomise(keras.Model(x, kl.Dense(3, activation=final, name="out")(y), name="pooled"))


def flat() -> Any:
    x = keras.Input((L, 4))
    y = kl.Conv1D(5, 5, activation="relu", name="motifs")(x)
    return randomise(keras.Model(x, kl.Dense(1, name="out")(kl.Flatten(name="flat")(y)), name="flat"))


def activations(model: Any, layer: str, X: np.ndarray) -> np.ndarray:
    return to_numpy(keras.Model(model.input, model.get_layer(layer).output)(X)).astype(np.float64)


def map_of(result: Any) -> np.ndarray:
    return result.contributions.sum(axis=-1)


# --- closed forms --------------------------------------------------------------------------------------------------


def test_cam_is_the_share_of_each_position() -> None:
    model, X = pooled(), dna(3, length=L)
    kernel, bias = (array_of(v) for v in model.get_layer("out").weights)
    result = cam(model, X, target=1)
    wanted = activations(model, "motifs", X) @ kernel[:, 1]
    np.testing.assert_allclose(map_of(result), wanted, atol=1e-5)
    np.testing.assert_allclose(result.predictions, bias[1] + map_of(result).mean(axis=1), atol=1e-5)
    np.testing.assert_array_equal(result.contributions[X == 0], 0)
    assert result.hypothetical is None
    assert result.contributions.dtype == np.float32
    assert result.parameters["layer"] == "mean"


@pytest.mark.parametrize("options", [{}, {"strides": 3}, {"padding": "valid"}, {"padding": "causal"}])
def test_cam_is_grad_cam_times_the_number_of_positions(options: dict[str, Any]) -> None:
    model, X = SequenceModel(pooled(**options)), dna(3, length=L)
    n = model.graph.shapes[model.layer_value("motifs")][0]
    whole = cam(model, X, target=[0, 2, contrast(1, 2)]).contributions
    part = grad_cam(model, X, target=[0, 2, contrast(1, 2)], relu=False)
    assert part.parameters["layer"] == "motifs"
    np.testing.assert_allclose(whole, n * part.contributions, atol=1e-5 * np.abs(whole).max())


@pytest.mark.parametrize("relu", [True, False])
def test_grad_cam_weighs_channels_by_their_mean_gradient(relu: bool) -> None:
    model, X = flat(), dna(4, length=L)
    n = L - 4
    # the gradient below a flattened dense layer is its kernel
    alpha = array_of(model.get_layer("out").kernel).reshape(n, 5).mean(axis=0)
    wanted = activations(model, "motifs", X) @ alpha
    wanted = np.maximum(wanted, 0) if relu else wanted
    got = map_of(grad_cam(model, X, relu=relu))
    # position i sees bases i … i + 4: its centre is i + 2
    np.testing.assert_allclose(got[:, 2 : 2 + n], wanted, atol=1e-5)
    np.testing.assert_allclose(got[:, :2], wanted[:, :1].repeat(2, axis=1), atol=1e-5)
    np.testing.assert_allclose(got[:, -2:], wanted[:, -1:].repeat(2, axis=1), atol=1e-5)
    assert (got < -1e-3).any() == (not relu)


def test_gradients_below_a_nonlinearity_are_those_at_the_sequence() -> None:
    x = keras.Input((L, 4))
    y = kl.Conv1D(4, 3, padding="same", activation="relu", name="motifs")(x)
    hidden = kl.Dense(3, activation="tanh", name="hidden")
    model = randomise(keras.Model(x, kl.Dense(1, name="out")(hidden(kl.GlobalMaxPooling1D()(y)))))
    X = dna(3, length=L)
    a = activations(model, "motifs", X)
    kernel, bias, out = (array_of(v) for v in (*hidden.weights, model.get_layer("out").kernel))
    top = a.max(axis=1)
    back = ((1 - np.tanh(top @ kernel + bias) ** 2) * out[:, 0]) @ kernel.T  # (n, 4), all at the winner
    wanted = np.maximum((a * back[:, None] / L).sum(axis=-1), 0)
    np.testing.assert_allclose(map_of(grad_cam(model, X)), wanted, atol=1e-5)


@pytest.mark.parametrize("strands", [False, True])
def test_guided_grad_cam_is_the_product(strands: bool) -> None:
    model, X = SequenceModel(flat(), average_strands=strands), dna(3, length=L)
    result = guided_grad_cam(model, X)
    found = map_of(grad_cam(model, X))
    guided = guided_backprop(model, X)
    np.testing.assert_allclose(result.hypothetical, guided.hypothetical * found[..., None], atol=1e-6)
    np.testing.assert_array_equal(result.contributions, result.hypothetical * X)
    np.testing.assert_allclose(result.predictions, guided.predictions, atol=1e-6)


def test_nearest_interpolation_keeps_values() -> None:
    model, X = pooled(strides=4), dna(2, length=L)
    linear, nearest = (map_of(grad_cam(model, X, target=0, relu=False, interpolation=i)) for i in ("linear", "nearest"))
    at = np.arange(6) * 4 + 2  # windows of 5 with stride 4; one base is padded after the end
    np.testing.assert_allclose(nearest[:, at], linear[:, at], atol=1e-6)
    for row in nearest:
        assert len(np.unique(row)) <= 6
    np.testing.assert_allclose(linear[:, at[0] + 1], 0.75 * linear[:, at[0]] + 0.25 * linear[:, at[1]], atol=1e-6)


# --- cam keeps the contract ----------------------------------------------------------------------------------------


def test_cam_row_by_row_and_both_strands() -> None:
    keras_model, X = pooled(), dna(5, length=L)
    model = SequenceModel(keras_model)
    whole = cam(model, X, target=0, batch_size=2)
    for rows in ([3], [4, 0, 2]):
        part = cam(model, X[rows], target=0, batch_size=2)
        np.testing.assert_allclose(part.contributions, whole.contributions[rows], atol=1e-6)
    other = cam(model, X[:, ::-1, ::-1].copy(), target=0).contributions[:, ::-1, ::-1]
    both = cam(SequenceModel(keras_model, average_strands=True), X, target=0).contributions
    np.testing.assert_allclose(both, (whole.contributions + other) / 2, atol=1e-5)
    assert cam(model, X[:0], target=0).contributions.shape == (0, L, 4)
    np.testing.assert_allclose(cam(model, X, target=[2, 0]).contributions[:, 1], whole.contributions, atol=1e-6)
    with pytest.raises(TargetError):
        cam(model, X)


# --- where positions are -------------------------------------------------------------------------------------------


CHAINS: dict[str, list[Any]] = {
    "valid": [kl.Conv1D(3, 6)],
    "same": [kl.Conv1D(3, 5, padding="same"), kl.Conv1D(3, 4, padding="same")],
    "causal": [kl.Conv1D(3, 4, padding="causal", dilation_rate=2)],
    "strided": [kl.Conv1D(3, 4, strides=3), kl.Conv1D(3, 3, strides=2, padding="same")],
    "dilated": [kl.Conv1D(3, 3, dilation_rate=2), kl.Conv1D(3, 3, dilation_rate=3, padding="same")],
    "pooled": [kl.Conv1D(3, 3), kl.AveragePooling1D(4, strides=2), kl.AveragePooling1D(2, padding="same")],
    "cropped": [kl.Conv1D(3, 3), kl.Cropping1D((4, 1)), kl.Conv1D(2, 2)],
    "padded": [kl.ZeroPadding1D((5, 2)), kl.Conv1D(2, 3)],
    "normalised": [kl.Conv1D(3, 3), kl.BatchNormalization(), kl.Rescaling(2.0), kl.SeparableConv1D(2, 4)],
    "depthwise": [kl.DepthwiseConv1D(5), kl.Dense(2)],
    "upsampled": [kl.Conv1D(2, 3, strides=4), kl.UpSampling1D(4)],
    "transposed": [kl.Conv1D(2, 4, strides=4), kl.Conv1DTranspose(2, 4, strides=4)],
    "two-dimensional": [kl.Reshape((L, 4, 1)), kl.Conv2D(3, (5, 4)), kl.AveragePooling2D((2, 1))],
    "turned": [kl.Reshape((1, L, 4)), kl.Conv2D(3, (1, 5)), kl.AveragePooling2D((1, 3))],
}


@pytest.mark.parametrize("chain", CHAINS)
def test_positions_are_the_centres_of_what_they_see(chain: str) -> None:
    """Against which bases change each position, in a network that lets everything through."""
    x = keras.Input((L, 4))
    y = x
    for layer in CHAINS[chain]:
        y = type(layer).from_config(layer.get_config())(y)
    trunk = keras.Model(x, y)
    for v in trunk.weights:
        v.assign(np.abs(array_of(v)) + 0.1)
    model = keras.Model(x, kl.Dense(1)(kl.Flatten()(kl.Activation("relu", name="last")(y))))
    job = GradCam(SequenceModel(model), L, 1, ActivationOptions(layer="last"))
    (places,) = job._places(job._at(L))
    X = np.zeros((L + 1, L, 4), dtype=np.float32)  # none, then each base alone
    X[np.arange(1, L + 1), np.arange(L)] = 1.0
    y = to_numpy(trunk(X))
    change = np.abs(y[1:] - y[:1]).sum(axis=-1)
    sees = change.reshape(L, -1).T > 1e-6  # (positions, bases)
    assert len(places.at) == len(sees)
    full = sees.sum(axis=1).max()
    inner = [i for i, row in enumerate(sees) if row.sum() == full and not (row[0] or row[-1])]
    assert len(inner) >= 2
    centre = [np.flatnonzero(sees[i]).mean() for i in inner]
    # positions that see the same bases are set apart evenly
    apart = 1.5 + 1e-3 if chain in ("upsampled", "transposed") else 1e-3
    np.testing.assert_allclose(places.at[inner], centre, atol=apart)
    assert np.ptp(np.diff(places.at)) < 1e-3


def test_added_branches_and_concatenations() -> None:
    x = keras.Input((L, 4))
    y = kl.Conv1D(3, 3, name="first")(x)
    z = kl.Conv1D(3, 5)(y)
    y = kl.Add(name="sum")([kl.Cropping1D(2)(y), z])
    y = kl.Concatenate(name="joined")([y, z])
    model = SequenceModel(keras.Model(x, kl.Dense(1)(kl.Flatten()(y))))
    for layer in ("sum", "joined"):
        job = GradCam(model, L, 1, ActivationOptions(layer=layer))
        np.testing.assert_allclose(job._places(job._at(L))[0].at, np.arange(L - 6) + 3)


def test_what_mixes_all_positions_is_spread_evenly() -> None:
    x = keras.Input((L, 4))
    y = kl.Reshape((6, 3), name="decoded")(kl.Dense(18)(kl.Flatten()(x)))
    model = SequenceModel(keras.Model(x, kl.Dense(1)(kl.Flatten()(kl.ReLU(name="cut")(y)))), average_strands=True)
    job = GradCam(model, L, 1, ActivationOptions())
    first, second = job._places(job._at(L))
    np.testing.assert_allclose(first.at, [1.5, 5.5, 9.5, 13.5, 17.5, 21.5])
    np.testing.assert_allclose(second.at, first.at[::-1])


def test_layers_that_are_not_looked_into_keep_their_positions() -> None:
    x = keras.Input((L, 4))
    y = kl.Conv1D(3, 5, activation="relu")(x)
    y = kl.LSTM(3, return_sequences=True, name="memory")(y)
    model = SequenceModel(randomise(keras.Model(x, kl.Dense(1)(kl.Flatten()(y)))))
    job = GradCam(model, L, 1, ActivationOptions())
    assert job.parameters["layer"] == "memory"
    np.testing.assert_allclose(job._places(job._at(L))[0].at, np.arange(L - 4) + 2)
    assert np.isfinite(grad_cam(model, dna(2, length=L)).contributions).all()


def planted(X: np.ndarray, starts: list[int], kernel: np.ndarray) -> np.ndarray:
    X = X.copy()
    for row, start in zip(X, starts, strict=True):
        row[start : start + len(kernel)] = np.eye(4)[kernel.argmax(axis=1)]
    return X


@pytest.mark.parametrize("method", [grad_cam, cam])
@pytest.mark.parametrize("strands", [False, True])
def test_the_map_peaks_at_the_motif(method: Callable[..., Any], strands: bool) -> None:
    motif = np.eye(4, dtype=np.float32)[[0, 2, 2, 1, 3, 0, 1]]  # odd: a window of its length has a base as its centre
    x = keras.Input((60, 4))
    y = kl.Conv1D(1, 7, use_bias=False, activation=kl.ReLU(threshold=6.0), name="motif")(kl.ZeroPadding1D((4, 0))(x))
    y = kl.GlobalAveragePooling1D()(kl.Cropping1D((3, 9))(y))
    model = keras.Model(x, kl.Dense(1, use_bias=False)(y))
    model.get_layer("motif").kernel.assign(motif[:, :, None])
    model.layers[-1].kernel.assign(np.ones((1, 1)))
    starts = [5, 17, 30]
    X = planted(np.eye(4, dtype=np.float32)[np.full((3, 60), 3)], starts, motif)
    result = map_of(method(SequenceModel(model, average_strands=strands), X))
    assert result.argmax(axis=1).tolist() == [s + 3 for s in starts]


# --- which layer ---------------------------------------------------------------------------------------------------


def test_the_last_layer_that_everything_goes_through() -> None:
    x = keras.Input((L, 4))
    y = kl.Conv1D(4, 3, padding="same", activation="relu", name="first")(x)
    z = kl.Conv1D(4, 3, padding="same", activation="relu", name="branch")(y)
    y = kl.Add(name="sum")([y, z])
    y = kl.Cropping1D(2, name="crop")(y)
    profile = kl.Conv1D(2, 3, padding="same", name="profile")(y)
    counts = kl.Dense(1, name="counts")(kl.GlobalAveragePooling1D()(y))
    model = SequenceModel(randomise(keras.Model(x, [kl.Flatten(name="track")(profile), counts])))
    X = dna(2, length=L)
    for target in ("counts", ("track", 7), contrast("counts", ("track", 3))):
        assert grad_cam(model, X, target=target).parameters["layer"] == "sum"
    named = grad_cam(model, X, target="counts", layer="sum")
    np.testing.assert_array_equal(named.contributions, grad_cam(model, X, target="counts").contributions)
    with pytest.raises(ParameterError, match=r"does not depend on the layer 'profile'.*'sum', 'branch', 'first'"):
        grad_cam(model, X, target="counts", layer="profile")


def test_branches_without_a_common_layer_are_left_to_the_user() -> None:
    x = keras.Input((L, 4))
    towers = [kl.GlobalMaxPooling1D()(kl.Conv1D(3, k, activation="relu", name=f"width_{k}")(x)) for k in (3, 5)]
    model = SequenceModel(randomise(keras.Model(x, kl.Dense(1)(kl.Concatenate()(towers)), name="towers")))
    X = dna(2, length=L)
    with pytest.raises(ParameterError, match=r"'towers' several branches.*layer='width_[35]', 'width_[35]'"):
        grad_cam(model, X)
    maps = [grad_cam(model, X, layer=f"width_{k}").contributions for k in (3, 5)]
    assert not np.allclose(*maps)


@pytest.mark.slow
def test_each_call_of_a_layer_that_is_used_again() -> None:
    x = keras.Input((L, 4))
    y = kl.Conv1D(3, 3, padding="same", name="first")(x)
    shared = kl.Conv1D(3, 3, padding="same", activation="relu", name="shared")
    keras_model = randomise(keras.Model(x, kl.Dense(1)(kl.Flatten()(shared(shared(y))))))
    X = dna(2, length=L)
    for strands in (False, True):
        model = SequenceModel(keras_model, average_strands=strands)
        with pytest.raises(ParameterError, match=r"'shared' .* is called 2 times"):
            grad_cam(model, X, layer="shared")
        last = grad_cam(model, X, layer="shared#2").contributions
        np.testing.assert_array_equal(last, grad_cam(model, X).contributions)
        assert not np.allclose(last, grad_cam(model, X, layer="shared#1").contributions)
        with pytest.raises(ParameterError, match="a number from 1 to 2"):
            grad_cam(model, X, layer="shared#3")


def test_preactivations_and_channels_first() -> None:
    X = dna(3, length=L)
    last = flat()
    x = keras.Input((4, L))
    y = kl.Conv1D(5, 5, activation="relu", data_format="channels_first", name="motifs")(x)
    first = keras.Model(x, kl.Dense(1, name="out")(kl.Flatten()(kl.Permute((2, 1))(y))))
    for a, b in zip(first.weights, last.weights, strict=True):
        a.assign(array_of(b))
    wanted = grad_cam(last, X)
    for layer in (None, "motifs"):
        try:
            got = grad_cam(first, X, layer=layer)
        except Exception as error:  # TensorFlow has no channels-first convolution on a CPU
            if isinstance(error, SeqExplainError):
                raise
            pytest.skip(f"this backend cannot run channels-first convolutions: {type(error).__name__}")
        np.testing.assert_allclose(got.contributions, wanted.contributions, atol=1e-6)
    below = map_of(grad_cam(last, X, layer="motifs/preactivation", relu=False))
    assert not np.allclose(below, map_of(grad_cam(last, X, relu=False)))


# --- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "motif"}, r"no layer 'motif'.*Did you mean 'motifs'"),
        ({"layer": "out"}, r"'out' has no positions.*shape \(1,\).*Layers that have: 'motifs'"),
        ({"layer": 3}, "no layer 3"),
        ({"interpolation": "cubic"}, "interpolation='cubic'"),
        ({"relu": "no"}, "relu='no' is not known; use True or False"),
    ],
)
@pytest.mark.parametrize("method", [grad_cam, guided_grad_cam])
def test_bad_choices(method: Callable[..., Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        method(flat(), dna(2, length=L), **options)


def test_axes_that_are_exchanged() -> None:
    x = keras.Input((L, 4))
    y = kl.Permute((2, 1), name="turned")(kl.Conv1D(5, 5, activation="relu", name="motifs")(x))
    model = SequenceModel(randomise(keras.Model(x, kl.Dense(1)(kl.Flatten()(y)))))
    assert grad_cam(model, dna(1, length=L)).parameters["layer"] == "motifs"
    with pytest.raises(ParameterError, match=r"'turned' gives \(5, 20\) with the positions last"):
        grad_cam(model, dna(1, length=L), layer="turned")


def test_no_layer_with_positions() -> None:
    x = keras.Input((L, 4))
    model = keras.Model(x, kl.Dense(1, name="out")(kl.Dense(3, name="mix")(kl.Flatten(name="flat")(x))), name="plain")
    with pytest.raises(UnsupportedLayerError, match=r"'plain' has no layer with positions.*'out' \(Dense\)"):
        grad_cam(model, dna(1, length=L))


@pytest.mark.parametrize(
    ("build", "target", "message"),
    [
        (flat, None, r"after the last layer with positions, 'motifs', .* ends in 'flat' \(Flatten\), 'out' \(Dense\)"),
        (two_heads, ("counts", 0), r"global_max_pooling1d.*'counts' \(Dense\).*grad_cam"),
        (lambda: hidden_after_pooling(), 0, r"'mean' \(GlobalAveragePooling1D\), 'mix' \(Dense\), 'out' \(Dense\)"),
    ],
)
def test_cam_of_other_endings(build: Callable[[], Any], target: Any, message: str) -> None:
    model = build()
    with pytest.raises(UnsupportedLayerError, match=message):
        cam(model, dna(1, length=model.input_shape[1]), target=target)


def hidden_after_pooling() -> Any:
    x = keras.Input((L, 4))
    y = kl.GlobalAveragePooling1D(name="mean")(kl.Conv1D(3, 3, name="motifs")(x))
    return keras.Model(x, kl.Dense(1, name="out")(kl.Dense(3, activation="relu", name="mix")(y)))


def test_cam_at_the_output_level() -> None:
    X = dna(2, length=L)
    with pytest.raises(UnsupportedLayerError, match='level="logit"'):
        cam(pooled(), X, target=0, level="output")
    assert cam(pooled(final=None), X, target=0, level="output").contributions.any()
