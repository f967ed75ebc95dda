"""LIME and Kernel SHAP against normal equations and Shapley values that are summed over all orders by hand."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest
from small_networks import L, dna, linear, network, predict

from seqexplain import kernel_shap, lime
from seqexplain.errors import ParameterError
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._coalitions import all_coalitions, paired_coalitions, shapley_weight
from seqexplain.sequences import mononucleotide_shuffle

W = 3  # bp of a feature: 4 of these and one of 2 bp
M = 5
FEATURE = np.arange(L) // W


@pytest.fixture(name="keras_model", scope="module")
def model() -> Any:
    return network()


def value_of(keras_model: Any, x: np.ndarray, tracks: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Scores of coalitions `(s, M)`, `(s, units)`: mean over the tracks."""
    shown = present[:, FEATURE, None]
    return np.mean([predict(keras_model, np.where(shown, x, t)) for t in tracks], axis=0)


def shapley(values: dict[frozenset[int], np.ndarray]) -> np.ndarray:
    phi = np.zeros((M, *values[frozenset()].shape))
    for j in range(M):
        for size in range(M):
            for others in combinations([k for k in range(M) if k != j], size):
                weight = factorial(size) * factorial(M - size - 1) / factorial(M)
                phi[j] += weight * (values[frozenset({*others, j})] - values[frozenset(others)])
    return phi


def per_base(coefficients: np.ndarray) -> np.ndarray:
    return (coefficients.T / np.bincount(FEATURE))[:, FEATURE].T


def test_all_coalitions_give_shapley_values(keras_model: Any) -> None:
    X = dna(2, seed=1)
    tracks = mononucleotide_shuffle(X, 2, random_state=3)
    options = {"target": [0, 2], "level": "output", "window": W, "fill": "mononucleotide", "n_fills": 2}
    found = kernel_shap(SequenceModel(keras_model), X, random_state=3, **options)
    sets = [frozenset(c) for size in range(M + 1) for c in combinations(range(M), size)]
    present = np.array([[j in s for j in range(M)] for s in sets])
    for row in range(2):
        values = value_of(keras_model, X[row], tracks[row], present)[:, [0, 2]]
        phi = shapley(dict(zip(sets, values, strict=True)))
        np.testing.assert_allclose(found.contributions[row].sum(axis=-1).T, per_base(phi), rtol=0, atol=1e-6)
        np.testing.assert_allclose(found.diagnostics[row, :, 1], values[0], rtol=0, atol=1e-6)
        weights = np.array([shapley_weight(M, len(s)) for s in sets[1:-1]])
        residual = values[1:-1] - values[0] - present[1:-1] @ phi
        around = values[1:-1] - np.average(values[1:-1], axis=0, weights=weights)
        quality = 1 - (weights @ residual**2) / (weights @ around**2)
        np.testing.assert_allclose(found.diagnostics[row, :, 0], quality, rtol=0, atol=1e-4)
    total = found.contributions.sum(axis=(2, 3)) + found.diagnostics[..., 1]
    np.testing.assert_allclose(total, found.predictions, rtol=0, atol=1e-6)


def test_sampled_coalitions_add_up_and_come_near(keras_model: Any) -> None:
    X, model = dna(2, seed=2), SequenceModel(keras_model)
    run = lambda n, seed=0: kernel_shap(model, X, target=1, window=1, fill="uniform", n_samples=n, random_state=seed)  # noqa: E731
    exact = run(2**L).contributions
    errors = {}
    for n in (200, 3200):
        estimates = [run(n, seed) for seed in range(2)]
        errors[n] = np.mean([np.abs(e.contributions - exact).mean() for e in estimates])
        for e in estimates:
            total = e.contributions.sum(axis=(1, 2)) + e.diagnostics[:, 1]
            np.testing.assert_allclose(total, e.predictions, rtol=0, atol=2e-6)
    assert errors[3200] < errors[200] / 2
    assert errors[200] < 0.1 * np.abs(exact).max()
    assert np.abs(run(200, 1).contributions - run(200, 2).contributions).max() > 1e-4
    alone = kernel_shap(model, X[1:], target=1, window=1, fill="uniform", n_samples=200)
    np.testing.assert_allclose(alone.contributions, run(200).contributions[1:], rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", [kernel_shap, lime])
def test_a_linear_model_is_found_whatever_is_drawn(method: Any) -> None:
    keras_model, weights = linear(units=2)
    X = dna(2, seed=3)
    X[0, 3:6] = 0  # a whole feature
    options = {"n_samples": 60} if method is kernel_shap else {"n_samples": 60, "alpha": 0.0}
    found = method(SequenceModel(keras_model), X, target=[0, 1], window=1, fill="zeros", **options)
    np.testing.assert_allclose(found.contributions, (weights * X[..., None]).transpose(0, 3, 1, 2), rtol=0, atol=5e-6)
    np.testing.assert_allclose(found.diagnostics[..., 0], 1.0, atol=1e-6)


def test_lime_is_the_weighted_ridge_regression(keras_model: Any) -> None:
    X, width, alpha, n = dna(1, seed=4), 0.4, 0.7, 40
    from seqexplain.sequences.streams import stream

    present = stream(9, "lime", X[0]).random((n, M)) < 0.5
    present[0] = True
    values = value_of(keras_model, X[0], np.full((1, L, 4), 0.25, dtype=np.float32), present)[:, 1]
    weights = np.exp(-(((1 - np.sqrt(present.sum(axis=1) / M)) / width) ** 2))
    design = np.column_stack([np.ones(n), present])
    penalty = alpha * np.diag([0.0] + [1.0] * M)
    solution = np.linalg.solve(design.T @ (weights[:, None] * design) + penalty, design.T @ (weights * values))
    residual = values - design @ solution
    quality = 1 - weights @ residual**2 / (weights @ (values - np.average(values, weights=weights)) ** 2)
    options = {"window": W, "fill": "uniform", "n_samples": n, "kernel_width": width, "alpha": alpha}
    found = lime(SequenceModel(keras_model), X, target=1, level="output", random_state=9, **options)
    np.testing.assert_allclose(found.contributions[0].sum(axis=-1), per_base(solution[1:, None])[:, 0], atol=1e-6)
    assert found.diagnostics[0, 0] == pytest.approx(quality, abs=1e-4)


def test_coalitions_and_their_weights() -> None:
    present, weights = all_coalitions(4)
    assert len({tuple(row) for row in present}) == len(present) == 14
    assert {int(row.sum()): w for row, w in zip(present, weights, strict=True)} == {1: 0.25, 2: 0.125, 3: 0.25}
    rng = np.random.default_rng(0)
    for n_features, budget in ((9, 60), (9, 400), (10, 120), (30, 60), (7, 100)):
        present, weights = paired_coalitions(n_features, budget, rng)
        assert len(present) <= budget
        rows = {tuple(row) for row in present}
        assert len(rows) == len(present)
        assert all(tuple(~np.array(row)) in rows for row in rows)
        sizes = present.sum(axis=1)
        assert sizes.min() >= 1
        assert sizes.max() < n_features
        for size in (1, n_features - 1):
            of_size = sizes == size
            assert of_size.sum() == n_features
            np.testing.assert_allclose(weights[of_size], shapley_weight(n_features, size))
        # what is drawn has the mass of the kernel that is not listed
        whole = sum((n_features - 1) / (s * (n_features - s)) for s in range(1, n_features))
        assert weights.sum() == pytest.approx(whole if len(present) > 2 * n_features else weights.sum())


def test_sequences_without_known_bases_and_of_one_window(keras_model: Any) -> None:
    X = dna(3, seed=5)
    X[0] = 0
    X[1, 5:] = 0
    for method in (lime, kernel_shap):
        found = method(SequenceModel(keras_model), X, target=0, window=7, fill="zeros")
        assert not found.contributions[0].any()
        assert np.isfinite(found.diagnostics).all()
        np.testing.assert_allclose(found.diagnostics[0], [1.0, found.predictions[0]], atol=1e-6)
        assert found.contributions[1].any()
    assert found.contributions[1].sum() == pytest.approx(found.predictions[1] - found.diagnostics[1, 1], abs=1e-6)
    np.testing.assert_allclose(found.diagnostics[1, 0], 1.0)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        (kernel_shap, {"window": 1, "n_samples": 20}, "n_samples=20 is too few for 14 windows.*at least 28"),
        (kernel_shap, {"n_samples": 1}, "n_samples=1"),
        (lime, {"n_samples": 1}, "n_samples=1"),
        (lime, {"kernel_width": 0}, "kernel_width=0"),
        (lime, {"alpha": -1}, "alpha=-1"),
        (lime, {"window": 99}, "window=99"),
        (lime, {"fill": "noise"}, "noise"),
        (kernel_shap, {"n_fills": 0}, "n_fills=0"),
    ],
)
def test_what_cannot_be_is_refused(keras_model: Any, method: Any, options: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        method(SequenceModel(keras_model), dna(2), target=0, **options)
