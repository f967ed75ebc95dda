"""Gradients and what is made of them: closed forms, finite differences, plain loops over the same noise."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import L, array_of, dna, randomise, residual, tasks
from keras import layers as kl

from seqexplain.attribution import deeplift, input_x_gradient, saliency, sensitivity_analysis, smooth_grad
from seqexplain.errors import ParameterError
from seqexplain.models.backend import to_numpy, vjp
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.sequences.streams import stream


def linear(seed: int = 0) -> Any:
    x = keras.Input((L, 4))
    return randomise(keras.Model(x, kl.Dense(1)(kl.Flatten()(x))), seed)


class Squares(keras.layers.Layer):
    """Half the sum of squares, Σ a x² / 2, in a layer that nobody knows."""

    def call(self, x: Any) -> Any:
        scale = keras.ops.reshape(keras.ops.arange(1, 4 * L + 1, dtype="float32"), (1, L, 4))
        return keras.ops.sum(scale * x * x / 2, axis=(1, 2))[:, None]


SCALE = np.arange(1, 4 * L + 1, dtype=np.float32).reshape(L, 4)


def squares() -> SequenceModel:
    x = keras.Input((L, 4))
    return SequenceModel(keras.Model(x, Squares()(x)))


class Recurrent(keras.Model):
    """A subclassed model with a recurrent layer."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.final = kl.LSTM(3), kl.Dense(1)

    def call(self, x: Any) -> Any:
        return self.final(self.inner(x))


def recurrent() -> SequenceModel:
    model = Recurrent()
    model(np.zeros((1, L, 4), dtype=np.float32))
    return SequenceModel(randomise(model), input_shape=(L, 4))


def gradient(model: Any, X: np.ndarray, **options: Any) -> np.ndarray:
    return np.asarray(input_x_gradient(model, X, **options).hypothetical)


def test_of_a_linear_model_the_gradient_is_its_weights() -> None:
    model = linear()
    weights = array_of(model.layers[-1].kernel).reshape(L, 4)
    X = dna(2)
    np.testing.assert_allclose(gradient(model, X), [weights] * 2, atol=1e-6)
    np.testing.assert_allclose(saliency(model, X).hypothetical, [np.abs(weights)] * 2, atol=1e-6)
    np.testing.assert_allclose(saliency(model, X, signed=True).hypothetical, [weights] * 2, atol=1e-6)
    np.testing.assert_allclose(sensitivity_analysis(model, X).hypothetical, [weights**2] * 2, atol=1e-6)
    for variant, wanted in (("mean", weights), ("squared", weights**2), ("variance", 0 * weights)):
        found = smooth_grad(model, X, variant=variant, n_samples=4).hypothetical
        np.testing.assert_allclose(found, [wanted] * 2, atol=1e-6)


def test_of_a_layer_that_nobody_knows() -> None:
    X = dna(3)
    np.testing.assert_allclose(gradient(squares(), X), SCALE * X, rtol=1e-6)


@pytest.mark.parametrize("build", [lambda: SequenceModel(residual()), recurrent], ids=["residual", "recurrent"])
def test_finite_differences(build: Any) -> None:
    model, X, step = build(), dna(2, seed=3), 2e-3
    got = gradient(model, X)
    places = [(0, 0, 1), (0, 5, 2), (1, 7, 0), (1, 11, 3)]
    for row, i, b in places:
        pair = np.repeat(X[[row]], 2, axis=0)
        pair[:, i, b] += (step, -step)
        up, down = model.predict(pair, target=0, level="logit").astype(np.float64)
        assert got[row, i, b] == pytest.approx((up - down) / (2 * step), abs=2e-3 * float(np.abs(got).max()) + 1e-4)


def test_sensitivities_decompose_the_squared_length() -> None:
    model, X = SequenceModel(tasks()), dna(4)
    length = np.square(gradient(model, X, target=1).astype(np.float64)).sum(axis=(1, 2))
    found = sensitivity_analysis(model, X, target=1)
    np.testing.assert_allclose(found.hypothetical.sum(axis=(1, 2)), length, rtol=1e-5)
    np.testing.assert_array_equal(found.contributions, found.hypothetical * X)


def test_simplex_correction_takes_the_mean_over_bases() -> None:
    model, X = SequenceModel(tasks()), dna(3)
    plain = gradient(model, X, target=0)
    wanted = plain - plain.mean(axis=2, keepdims=True)
    assert np.abs(wanted - plain).max() > 1e-3
    np.testing.assert_allclose(gradient(model, X, target=0, simplex_correction=True), wanted, atol=1e-7)
    for method, form in ((saliency, np.abs), (sensitivity_analysis, np.square)):
        found = method(model, X, target=0, simplex_correction=True).hypothetical
        np.testing.assert_allclose(found, form(wanted), atol=1e-7)


@pytest.mark.parametrize("correct", [False, True])
def test_smooth_grad_is_a_loop_over_its_noise(correct: bool) -> None:
    model, X, n, level = SequenceModel(tasks()), dna(2, seed=1), 7, 0.2
    every = []
    for x in X:
        noise = np.float32(level) * stream(5, "smooth_grad", x).standard_normal((n, L, 4), dtype=np.float32)
        every.append(gradient(model, x + noise, target=0, simplex_correction=correct).astype(np.float64))
    g = np.array(every)
    assert g.std(axis=1).max() > 1e-3
    options = {"target": 0, "n_samples": n, "noise_level": level, "random_state": 5, "simplex_correction": correct}
    forms = {"mean": g.mean(axis=1), "squared": (g**2).mean(axis=1), "variance": g.var(axis=1)}
    for variant, wanted in forms.items():
        found = smooth_grad(model, X, variant=variant, **options).hypothetical
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    few = smooth_grad(model, X, batch_size=1, **options).hypothetical
    np.testing.assert_allclose(few, forms["mean"], atol=1e-6)


def test_noise_is_standard_normal_and_each_sequence_has_its_own() -> None:
    X = dna(2)
    drawn = [stream(0, "smooth_grad", x).standard_normal(20_000) for x in X]
    assert abs(np.mean(drawn)) < 0.03
    assert abs(np.std(drawn) - 1) < 0.03
    assert abs(np.corrcoef(drawn)[0, 1]) < 0.03
    assert stream(0, "expected", X[0]).random() != stream(0, "smooth_grad", X[0]).random()


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        (saliency, {"signed": "yes"}, "signed='yes'"),
        (input_x_gradient, {"simplex_correction": 1}, "simplex_correction=1"),
        (smooth_grad, {"variant": "median"}, "variant='median'.*\"squared\""),
        (smooth_grad, {"n_samples": 0}, "n_samples=0 must be a whole number from 1"),
        (smooth_grad, {"n_samples": 1, "variant": "variance"}, "from 2"),
        (smooth_grad, {"noise_level": 0.0}, "noise_level=0.0"),
        (smooth_grad, {"noise_level": float("nan")}, "noise_level=nan"),
        (smooth_grad, {"random_state": -1}, "random_state is -1"),
    ],
)
def test_bad_options_are_explained(method: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        method(linear(), dna(2), **options)


def test_parameters_say_what_was_asked() -> None:
    found = smooth_grad(linear(), dna(1), variant="squared", n_samples=3, random_state=4).parameters
    assert (found["variant"], found["n_samples"], found["noise_level"], found["random_state"]) == ("squared", 3, 0.1, 4)
    assert saliency(linear(), dna(1), signed=True).parameters["signed"] is True


def test_gradients_stop_where_the_model_says_so() -> None:
    x = keras.Input((L, 4))
    y = kl.Conv1D(3, 3, activation="tanh")(x)
    z = kl.Conv1D(3, 3)(keras.ops.stop_gradient(x))
    keras_model = randomise(keras.Model(x, kl.Dense(1)(kl.Flatten()(y * z))))
    X = dna(3, seed=1)
    given = keras.ops.convert_to_tensor(X)
    (wanted,) = vjp(lambda t: keras_model(t), [given], keras.ops.ones((3, 1)))
    model = SequenceModel(keras_model)
    found = input_x_gradient(model, X).hypothetical
    np.testing.assert_allclose(found, to_numpy(wanted), rtol=0, atol=1e-5 * np.abs(found).max())
    # what is compared with references has no gradient to stop
    assert np.abs(deeplift(model, X, references="uniform").completeness_error).max() < 1e-5
