"""Methods along paths: closed forms, an independent integral, steps that are chosen pair by pair."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
import pytest
from attribution.test_gradients import SCALE, linear, recurrent, squares
from contract.toys import L, array_of, dna, residual, tasks

from seqexplain.attribution import expected_gradients, integrated_gradients, simple_taylor_decomposition
from seqexplain.attribution._quadrature import FIRST_STEPS, AdaptivePath, nodes
from seqexplain.errors import CompletenessWarning, ParameterError
from seqexplain.models.sequence_model import SequenceModel

BACKGROUND = np.array([0.3, 0.2, 0.2, 0.3], dtype=np.float32)


def multipliers_to_scores(m: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return m - (m * reference).sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("steps", ["auto", 1, 5])
@pytest.mark.parametrize("quadrature", ["gauss-legendre", "midpoint"])
def test_of_linear_and_quadratic_functions_any_number_of_steps_is_exact(quadrature: str, steps: Any) -> None:
    X, options = dna(3), {"steps": steps, "quadrature": quadrature, "references": BACKGROUND}
    flat = integrated_gradients(linear(), X, **options)
    weights = array_of(linear().layers[-1].kernel).reshape(L, 4)
    np.testing.assert_allclose(flat.hypothetical, [multipliers_to_scores(weights, BACKGROUND)] * 3, atol=1e-6)
    curved = integrated_gradients(squares(), X, **options)  # f = Σ a x² / 2: the mean gradient is a (x + r) / 2
    wanted = multipliers_to_scores(SCALE * (X + BACKGROUND) / 2, BACKGROUND)
    np.testing.assert_allclose(curved.hypothetical, wanted, rtol=1e-5, atol=1e-5)
    assert np.abs(curved.completeness_error).max() < 1e-4


class Cubes(keras.layers.Layer):
    def call(self, x: Any) -> Any:
        return keras.ops.sum(x * x * x * x, axis=(1, 2))[:, None]


def test_two_gauss_points_integrate_cubic_gradients_and_two_midpoints_do_not() -> None:
    x = keras.Input((L, 4))
    model, X = SequenceModel(keras.Model(x, Cubes()(x))), dna(2)
    found = {
        q: integrated_gradients(model, X, references="zeros", steps=2, quadrature=q, tolerance=1.0)
        for q in ("gauss-legendre", "midpoint")
    }
    np.testing.assert_allclose(found["gauss-legendre"].contributions, X, atol=1e-6)  # ∫ 4α³ dα = 1
    np.testing.assert_allclose(found["midpoint"].contributions, X * (4 * (0.25**3 + 0.75**3) / 2), atol=1e-6)
    np.testing.assert_allclose(found["midpoint"].completeness_error, L * (0.875 - 1), atol=1e-5)


def test_a_plain_loop_over_many_steps_agrees() -> None:
    from seqexplain.models.backend import ops, to_numpy, to_tensor, vjp

    keras_model = tasks(final="linear")
    X = dna(2, seed=2)
    references = np.stack([dna(2, seed=5), dna(2, seed=6)])
    wanted, n = np.zeros_like(X), 4000
    for row, x in enumerate(X):
        for r in references[row]:
            points = r + ((np.arange(n) + 0.5) / n)[:, None, None] * (x - r)
            value = lambda p: ops.sum(keras_model(p, training=False)[:, 1])  # noqa: E731
            m = to_numpy(vjp(value, [to_tensor(points)], ops.ones(()))[0]).mean(axis=0)
            wanted[row] += multipliers_to_scores(m, r) / 2
    options = {"target": 1, "references": references, "max_steps": 1 << 14}
    for more in ({"steps": "auto", "tolerance": 1e-4}, {"steps": 3000, "quadrature": "midpoint", "tolerance": 1.0}):
        found = integrated_gradients(keras_model, X, **options, **more)
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(found.hypothetical, wanted, rtol=0, atol=2e-3 * scale)


@pytest.mark.parametrize("quadrature", ["gauss-legendre", "midpoint"])
@pytest.mark.parametrize("build", [lambda: SequenceModel(residual()), recurrent], ids=["residual", "recurrent"])
def test_the_tolerance_holds_and_a_smaller_one_is_nearer(build: Any, quadrature: str) -> None:
    model, X = build(), dna(4, seed=1)
    for tolerance in (1e-1, 1e-3):
        found = integrated_gradients(model, X, quadrature=quadrature, tolerance=tolerance, max_steps=1 << 14)
        delta = found.predictions[:, None] - found.reference_predictions
        assert np.all(np.abs(found.completeness_error) <= tolerance * np.abs(delta) + 1e-6)
        summed = found.contributions.sum(axis=(1, 2), dtype=np.float64)[:, None]
        np.testing.assert_allclose(summed - delta, found.completeness_error, atol=2e-6)


def test_a_pair_gets_what_it_would_get_alone() -> None:
    model, X = SequenceModel(tasks()), dna(5, seed=3)
    references = np.stack([dna(3, seed=s) for s in range(5)])
    options = {"max_steps": 1 << 13, "tolerance": 3e-2}  # so that errors are larger than rounding
    whole = integrated_gradients(model, X, target=[0, 2], references=references, **options)
    for row, r, t in ((0, 1, 0), (3, 2, 1), (4, 0, 1)):
        given = {"target": (0, 2)[t], "references": references[row, r]}
        alone = integrated_gradients(model, X[[row]], **given, **options)
        np.testing.assert_allclose(alone.completeness_error[0, 0], whole.completeness_error[row, t, r], atol=5e-6)


def test_too_few_steps_are_warned_of_with_what_to_do() -> None:
    model, X = SequenceModel(tasks()), dna(3)
    with pytest.warns(CompletenessWarning, match=r"of 3 .*target 0: .*max_steps=16 .*midpoint"):
        integrated_gradients(model, X, target=0, max_steps=16, tolerance=1e-5)
    with pytest.warns(CompletenessWarning, match=r"steps=2 .*steps=\"auto\""):
        integrated_gradients(model, X, target=0, steps=2, tolerance=1e-5, quadrature="midpoint")


def test_an_adaptive_path_cuts_where_the_kink_is() -> None:
    """f(α) = max(α − 0.3, 0): all stretches but the one around 0.3 are exact at once."""
    path = AdaptivePath(np.ones((1, 1)), (0.0, 0.2, 0.7), lambda error, _: abs(error) < 1e-4, 4096)
    places, weights = nodes("gauss-legendre", 4)
    cuts = 0
    while path.wanted:
        for stretch in list(path.wanted):
            ends = ((stretch.start, stretch.middle), (stretch.middle, stretch.end))
            halves = [sum(w * (b - a) * (a + p * (b - a) > 0.3) for p, w in zip(places, weights, strict=True))
                      for a, b in ends]  # fmt: skip
            path.cut(stretch, max(stretch.middle - 0.3, 0.0), np.reshape(halves, (2, 1, 1)))
            cuts += 1
        path.refine()
    assert path.integral()[0, 0] == pytest.approx(0.7, abs=1e-4)
    assert path.steps == 8 * cuts
    assert FIRST_STEPS < path.steps < 500


def test_expected_gradients_of_a_quadratic_are_those_of_the_mean_path() -> None:
    X = dna(2)
    references = np.stack([dna(6, seed=8), dna(6, seed=9)])
    wanted = multipliers_to_scores(SCALE * (X[:, None] + references) / 2, references).mean(axis=1)
    errors = []
    for samples in (1, 10, 100):
        found = expected_gradients(squares(), X, references=references, samples=samples)
        errors.append(np.abs(found.hypothetical - wanted).max() / np.abs(wanted).max())
    assert errors[0] > 0.02
    assert errors[2] < 1e-3
    assert errors[2] < errors[1] < errors[0]


def test_expected_gradients_come_to_integrated_gradients() -> None:
    model, X = SequenceModel(residual()), dna(2)
    wanted = integrated_gradients(model, X, references="dinucleotide", n_references=3, max_steps=1 << 13).hypothetical
    found = expected_gradients(model, X, n_references=3, samples=1000)
    np.testing.assert_allclose(found.hypothetical, wanted, rtol=0, atol=5e-3 * np.abs(wanted).max())
    other = expected_gradients(model, X, n_references=3, samples=1, random_state=1)
    assert np.abs(other.completeness_error).max() > 1e-3  # reported


def test_simple_taylor_is_the_tangent_at_the_root() -> None:
    X, root = dna(3), np.tile(BACKGROUND, (L, 1))
    found = simple_taylor_decomposition(squares(), X, root=root)
    np.testing.assert_allclose(found.hypothetical, [multipliers_to_scores(SCALE * root, root)] * 3, rtol=1e-5)
    remainder = -(SCALE * (X - root) ** 2 / 2).sum(axis=(1, 2))  # the second-order term
    np.testing.assert_allclose(found.completeness_error[:, 0], remainder, rtol=1e-4)
    exact = simple_taylor_decomposition(linear(), X, root="zeros")
    np.testing.assert_allclose(exact.completeness_error, 0, atol=1e-5)
    delta = exact.predictions - exact.reference_predictions[:, 0]
    np.testing.assert_allclose(exact.contributions.sum(axis=(1, 2)), delta, atol=1e-5)


def test_simplex_correction_of_multipliers() -> None:
    model, X = SequenceModel(tasks()), dna(2)
    for method, given in ((integrated_gradients, {"steps": 8, "tolerance": 1e3}), (expected_gradients, {"samples": 3})):
        m = method(model, X, target=0, references="zeros", **given)
        found = method(model, X, target=0, references="zeros", simplex_correction=True, **given)
        wanted = m.hypothetical - m.hypothetical.mean(axis=2, keepdims=True)
        np.testing.assert_allclose(found.hypothetical, wanted, atol=1e-6)
        uniform = [
            method(model, X, target=0, references="uniform", simplex_correction=c, **given) for c in (False, True)
        ]
        np.testing.assert_allclose(uniform[0].hypothetical, uniform[1].hypothetical, atol=1e-6)


def test_each_reference_on_request_and_parameters_for_json() -> None:
    from seqexplain.attribution import IntegratedGradients, IntegratedGradientsOptions

    model, X = SequenceModel(tasks()), dna(2)
    options = IntegratedGradientsOptions(target=0, references="dinucleotide", n_references=3, keep_references=True,
                                         steps=6, tolerance=1e3)  # fmt: skip
    job = IntegratedGradients(model, L, 2, options)
    found = job.explain(X)
    assert found.per_reference.shape == (2, 3, L, 4)
    np.testing.assert_allclose(found.per_reference.mean(axis=1), found.hypothetical, atol=1e-6)
    stored = json.loads(json.dumps(job.parameters, allow_nan=False))
    assert {"steps", "quadrature", "tolerance", "references", "simplex_correction"} <= stored.keys()


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        (integrated_gradients, {"steps": 0}, "steps=0 must be a whole number from 1"),
        (integrated_gradients, {"steps": "many"}, "steps='many'.*\"auto\""),
        (integrated_gradients, {"steps": 2.5}, "steps=2.5"),
        (integrated_gradients, {"quadrature": "simpson"}, "quadrature='simpson'.*midpoint"),
        (integrated_gradients, {"tolerance": 0}, "tolerance=0 must be"),
        (integrated_gradients, {"max_steps": 8}, "max_steps=8 .* from 16"),
        (integrated_gradients, {"simplex_correction": "no"}, "simplex_correction='no'"),
        (expected_gradients, {"samples": 0}, "samples=0"),
        (expected_gradients, {"n_references": 0}, "n_references=0"),
        (simple_taylor_decomposition, {"root": np.zeros((3, L, 4))}, "root has 3 points"),
    ],
)
def test_bad_options_are_explained(method: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        method(linear(), dna(2), **options)
