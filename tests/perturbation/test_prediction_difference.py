"""Prediction difference analysis against sums over everything that may stand in a window."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_networks import L, dna, linear, logit, network, predict

from seqexplain import MarkovModel, prediction_difference_analysis
from seqexplain.errors import MissingFileError, ParameterError
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation import PredictionDifference, PredictionDifferenceOptions
from seqexplain.sequences import decode

EYE = np.eye(4, dtype=np.float32)


def expectation(keras_model: Any, x: np.ndarray, start: int, window: int, markov: MarkovModel) -> np.ndarray:
    """E of the outputs, (units,), over all stretches; each whole sequence weighs as it is likely."""
    stretches = [np.array(s) for s in product(range(4), repeat=window)]
    edited = np.repeat(x[None], len(stretches), axis=0)
    for one, stretch in zip(edited, stretches, strict=True):
        one[start : start + window] = EYE[stretch]
    weights = np.exp(markov.log_likelihood(edited))
    return (weights[:, None] * predict(keras_model, edited)).sum(axis=0) / weights.sum()


def over_windows(values: np.ndarray, window: int) -> np.ndarray:
    """Mean over the windows that cover a base: (windows, …) to (L, …)."""
    covering = [range(max(0, p - window + 1), min(p, len(values) - 1) + 1) for p in range(L)]
    return np.stack([values[list(c)].mean(axis=0) for c in covering])


@pytest.fixture(name="keras_model", scope="module")
def model() -> Any:
    return network()


@pytest.mark.parametrize("window", [1, 2])
def test_conditional_difference_and_weight_of_evidence(keras_model: Any, window: int) -> None:
    X, markov, n_training = dna(2, seed=1), MarkovModel.fit(dna(20, seed=8, length=30), order=2), 500
    options = {"target": [0, 2], "window": window, "background": markov, "level": "output", "n_training": n_training}
    model = SequenceModel(keras_model)
    evidence = prediction_difference_analysis(model, X, **options)
    difference = prediction_difference_analysis(model, X, measure="difference", **options)
    for row, x in enumerate(X):
        p = predict(keras_model, x[None])[0]
        e = np.stack([expectation(keras_model, x, s, window, markov) for s in range(L - window + 1)])
        plain = over_windows(p - e, window)
        corrected = [(q * n_training + 1) / (n_training + 2) for q in (np.broadcast_to(p, e.shape), e)]
        odds = [np.log2(q / (1 - q)) for q in corrected]
        bits = over_windows(odds[0] - odds[1], window)
        for t, unit in enumerate((0, 2)):
            wanted = plain[:, unit, None] * x
            np.testing.assert_allclose(difference.contributions[row, t], wanted, rtol=0, atol=1e-6)
            np.testing.assert_allclose(evidence.contributions[row, t], bits[:, unit, None] * x, rtol=0, atol=2e-5)
            raw = e[:, unit] - p[unit]
            np.testing.assert_allclose(difference.window_effects[row, t], raw, rtol=0, atol=1e-6)
    assert np.abs(evidence.contributions).max() > 3 * np.abs(difference.contributions).max()


def test_backgrounds_may_be_given_in_many_ways(keras_model: Any, tmp_path: Path) -> None:
    X, background = dna(1, seed=2), dna(5, seed=8, length=30)
    run = lambda b: prediction_difference_analysis(SequenceModel(keras_model), X, target=0, background=b, order=2)  # noqa: E731
    wanted = run(MarkovModel.fit(background, order=2))
    strings = decode(background)
    (tmp_path / "b.fa").write_text("".join(f">{i}\n{s}\n" for i, s in enumerate(strings)), encoding="ascii")
    for given in (background, strings, tmp_path / "b.fa", str(tmp_path / "b.fa")):
        found = run(given)
        np.testing.assert_array_equal(found.contributions, wanted.contributions)
        assert found.parameters["background"] == wanted.parameters["background"]
    assert np.abs(run(None).contributions - wanted.contributions).max() > 1e-3
    with pytest.raises(MissingFileError, match=r"none\.fa"):
        run(tmp_path / "none.fa")


def test_marginal_bases_do_not_look_at_their_neighbours(keras_model: Any) -> None:
    x, markov = dna(1, seed=2), MarkovModel.fit(dna(20, seed=8, length=30)[:, :, ::-1], order=1)
    options = {"target": 1, "level": "output", "measure": "difference", "sampling": "marginal"}
    found = prediction_difference_analysis(SequenceModel(keras_model), x, background=markov, **options)
    frequencies = markov.tables[0][0]
    p = predict(keras_model, x)[0, 1]
    for s in range(L):
        edited = np.repeat(x, 4, axis=0)
        edited[:, s] = EYE
        values = predict(keras_model, edited)[:, 1]
        base = x[0, s].argmax()
        assert found.contributions[0, s, base] == pytest.approx(p - frequencies @ values, abs=1e-6)
        np.testing.assert_allclose(found.effects[0, s], values - p, rtol=0, atol=1e-6)


def test_sampling_comes_near_the_exact_expectation(keras_model: Any) -> None:
    X, model = dna(2, seed=3), SequenceModel(keras_model)
    markov = MarkovModel.fit(dna(20, seed=8, length=30), order=1)
    run = lambda **o: prediction_difference_analysis(model, X, target=0, window=3, background=markov, **o)  # noqa: E731
    exact = run(n_samples=64)
    errors = []
    for seed in range(6):
        sampled = run(n_samples=40, random_state=seed)
        errors.append(sampled.window_effects - exact.window_effects)
    spread = np.std(errors)
    assert 0 < spread < 0.2 * np.abs(exact.window_effects).max()
    assert np.abs(np.mean(errors)) < 5 * spread / np.sqrt(np.size(errors) / 3)
    np.testing.assert_array_equal(run(n_samples=40, random_state=5).window_effects, sampled.window_effects)
    alone = prediction_difference_analysis(
        model, X[1:], target=0, window=3, background=markov, n_samples=40, random_state=5
    )
    np.testing.assert_allclose(alone.window_effects[0], sampled.window_effects[1], rtol=0, atol=1e-6)


def test_of_a_linear_model_the_base_less_its_expectation() -> None:
    keras_model, weights = linear()
    X = dna(2, seed=4)
    X[0, 6] = 0
    markov = MarkovModel((np.array([[0.1, 0.2, 0.3, 0.4]]),))
    found = prediction_difference_analysis(SequenceModel(keras_model), X, background=markov)
    w = weights[..., 0]
    np.testing.assert_allclose(found.contributions, X * (w - (w @ [0.1, 0.2, 0.3, 0.4])[:, None]), rtol=0, atol=2e-6)
    assert not found.effects[0, 6].any()


def test_unknown_bases_stay_within_longer_windows(keras_model: Any) -> None:
    X = dna(1, seed=5)
    X[0, 6] = 0
    markov = MarkovModel.fit(dna(20, seed=8, length=30), order=1)
    options = {"target": 0, "window": 2, "background": markov, "level": "output", "measure": "difference"}
    found = prediction_difference_analysis(SequenceModel(keras_model), X, **options)
    edited = np.repeat(X, 4, axis=0)
    edited[:, 5] = EYE
    weights = np.exp(markov.log_likelihood(edited))
    wanted = weights @ predict(keras_model, edited)[:, 0] / weights.sum() - predict(keras_model, X)[0, 0]
    assert found.window_effects[0, 5] == pytest.approx(wanted, abs=1e-6)
    shown = prediction_difference_analysis(SequenceModel(keras_model, unknown="uniform"), X, **options)
    assert np.abs(shown.window_effects - found.window_effects).max() > 1e-3


def test_hidden_units_have_differences(keras_model: Any) -> None:
    X, model = dna(2, seed=6), SequenceModel(keras_model)
    found = prediction_difference_analysis(model, X, target=[("motifs", (3, 2)), 1], level="output")
    hidden = found.for_target(0)
    assert not hidden.contributions[:, :3].any()
    assert not hidden.contributions[:, 7:].any()
    assert hidden.contributions[:, 3:7].any()
    markov = [MarkovModel.fit(x[None], order=1) for x in X]
    for row, place in product(range(2), range(3, 7)):
        likely = markov[row].stretch_probabilities(X[row : row + 1], place, 1)[0]
        wanted = -likely @ hidden.effects[row, place]
        assert hidden.contributions[row, place].sum() == pytest.approx(wanted, abs=1e-6)
    measures = PredictionDifference(
        model, L, 2, PredictionDifferenceOptions(target=[("motifs", (3, 2)), 1, 0], level="output")
    ).parameters["measure"]
    assert measures == ["difference", "weight_of_evidence", "weight_of_evidence"]


@pytest.mark.parametrize("window", [1, 3])
def test_only_what_windows_reach_is_computed_anew(keras_model: Any, window: int) -> None:
    X, model = dna(2, seed=8), SequenceModel(keras_model)
    X[0, 4] = 0
    options = {"target": 0, "window": window, "n_samples": 8}
    full, quick = (prediction_difference_analysis(model, X, evaluation=e, **options) for e in ("full", "incremental"))
    np.testing.assert_allclose(quick.contributions, full.contributions, rtol=0, atol=2e-6)
    assert np.abs(full.contributions).max() > 0.1


def test_a_certain_softmax_has_finite_evidence() -> None:
    keras_model = network("softmax", 4)
    layer = keras_model.get_layer("tasks")
    layer.set_weights([400 * w for w in layer.get_weights()])
    X = dna(2, seed=7)
    found = prediction_difference_analysis(SequenceModel(keras_model), X, target=0, level="output", n_training=1000)
    assert np.isfinite(found.contributions).all()
    # (p N + 1) / (N + K) lies between 1 / 1004 and 1001 / 1004
    assert (
        0 < np.abs(found.contributions).max() <= (logit(np.array(1001 / 1004)) - logit(np.array(1 / 1004))) / np.log(2)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampling": "joint"}, "sampling='joint'.*marginal"),
        ({"measure": "bits"}, "measure='bits'"),
        ({"measure": "weight_of_evidence"}, 'use level="output"'),
        ({"measure": "weight_of_evidence", "level": "output", "target": lambda y: 2 + y[:, 0]}, "no probabilities"),
        ({"n_samples": 0}, "n_samples=0"),
        ({"n_training": 0}, "n_training=0"),
        ({"order": 9}, "order=9"),
        ({"pseudocount": 0}, "pseudocount=0"),
        ({"window": 99}, "window=99"),
        ({"background": ["NNN"]}, "no known base"),
    ],
)
def test_what_cannot_be_is_refused(keras_model: Any, options: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        prediction_difference_analysis(SequenceModel(keras_model), dna(2), **{"target": 0, **options})
