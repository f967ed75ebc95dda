"""Occlusion, window by window, against the Keras model itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_networks import L, dna, linear, network, predict

from seqexplain import occlusion
from seqexplain.errors import ParameterError, ShapeError
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation import Occlusion, OcclusionOptions
from seqexplain.sequences import dinucleotide_shuffle

BACKGROUND = np.array([0.3, 0.2, 0.2, 0.3], dtype=np.float32)


def by_hand(keras_model: Any, X: np.ndarray, tracks: np.ndarray, window: int, starts: list[int], unit: int) -> Any:
    """Scores (n, L) and effects (n, windows), from sequences that are edited one by one."""
    edited = []
    for n in range(len(X)):
        for s in starts:
            for track in tracks[n]:
                x = X[n].copy()
                known = x[s : s + window].any(axis=1)
                x[s : s + window][known] = track[s : s + window][known]
                edited.append(x)
    values = predict(keras_model, np.stack(edited))[:, unit].reshape(len(X), len(starts), -1)
    effects = values.mean(axis=2) - predict(keras_model, X)[:, [unit]]
    scores = np.zeros(X.shape[:2])
    for p in range(X.shape[1]):
        covering = [j for j, s in enumerate(starts) if s <= p < s + window]
        scores[:, p] = -effects[:, covering].mean(axis=1)
    return scores, effects


@pytest.fixture(name="keras_model", scope="module")
def model() -> Any:
    return network()


@pytest.mark.parametrize(
    ("fill", "row"),
    [("zeros", [0] * 4), ("uniform", [0.25] * 4), (BACKGROUND, BACKGROUND), ("0.3,0.2,0.2,0.3", BACKGROUND)],
)
def test_constants(keras_model: Any, fill: Any, row: Any) -> None:
    X = dna(2, seed=1)
    X[0, 5] = 0
    tracks = np.broadcast_to(np.asarray(row, dtype=np.float32), (2, 1, L, 4))
    scores, effects = by_hand(keras_model, X, tracks, 5, [0, 4, 8, 9], 1)
    found = occlusion(SequenceModel(keras_model), X, target=1, level="output", window=5, stride=4, fill=fill)
    np.testing.assert_allclose(found.contributions, scores[..., None] * X, rtol=0, atol=1e-6)
    assert found.window_starts.tolist() == [0, 4, 8, 9]
    np.testing.assert_allclose(found.window_effects, effects, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.take([1]).window_effects, found.window_effects[1:])
    assert not found.contributions[0, 5].any()
    assert found.hypothetical is None


def test_shuffles_are_those_of_the_whole_sequence(keras_model: Any) -> None:
    X = dna(2, seed=2)
    tracks = dinucleotide_shuffle(X, 3, random_state=4)
    scores, _ = by_hand(keras_model, X, tracks, 3, list(range(L - 2)), 0)
    options = {"target": 0, "level": "output", "window": 3, "fill": "shuffle", "n_samples": 3}
    found = occlusion(SequenceModel(keras_model), X, random_state=4, **options)
    np.testing.assert_allclose(found.contributions, scores[..., None] * X, rtol=0, atol=1e-6)
    other = occlusion(SequenceModel(keras_model), X, random_state=5, **options)
    assert np.abs(other.contributions - found.contributions).max() > 1e-3


def test_arrays_are_read_at_the_windows_place(keras_model: Any) -> None:
    X, array = dna(2, seed=3), dna(2, seed=9)
    scores, _ = by_hand(keras_model, X, np.stack([array, array]), 4, [0, 4, 8, 10], 2)
    found = occlusion(SequenceModel(keras_model), X, target=2, level="output", window=4, stride=4, fill=array)
    np.testing.assert_allclose(found.contributions, scores[..., None] * X, rtol=0, atol=1e-6)


def test_blur_is_a_gaussian_mean_of_known_bases(keras_model: Any) -> None:
    X, sigma = dna(1, seed=4), 1.5
    X[0, 3] = 0
    place = np.arange(L)
    weights = np.exp(-0.5 * ((place[:, None] - place) / sigma) ** 2) * (np.abs(place[:, None] - place) <= 6)
    weights = weights * X[0].any(axis=1)
    track = ((weights @ X[0]) / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    scores, _ = by_hand(keras_model, X, track[None, None], 4, list(range(L - 3)), 0)
    options = {"target": 0, "level": "output", "window": 4, "fill": "blur", "blur_sigma": sigma}
    found = occlusion(SequenceModel(keras_model), X, **options)
    np.testing.assert_allclose(found.contributions, scores[..., None] * X, rtol=0, atol=1e-6)


def test_of_a_linear_model_single_bases_get_their_weight() -> None:
    keras_model, weights = linear()
    X = dna(3, seed=5)
    found = occlusion(SequenceModel(keras_model), X, window=1)
    np.testing.assert_allclose(found.contributions, X * weights[..., 0], rtol=0, atol=2e-6)


@pytest.mark.parametrize("fill", ["zeros", "blur"])
def test_only_what_windows_reach_is_computed_anew(keras_model: Any, fill: str) -> None:
    X, model = dna(3, seed=8), SequenceModel(keras_model)
    options = {"target": [0, ("motifs", (2, 1))], "window": 3, "fill": fill}
    full, quick = (occlusion(model, X, evaluation=e, **options) for e in ("full", "incremental"))
    np.testing.assert_allclose(quick.window_effects, full.window_effects, rtol=0, atol=2e-6)
    assert np.abs(full.window_effects).max() > 0.1


def test_hidden_units_and_several_targets(keras_model: Any) -> None:
    X, model = dna(2, seed=6), SequenceModel(keras_model)
    targets = [("motifs", (3, 2)), 1, ("motifs", (slice(None), 0))]
    found = occlusion(model, X, target=targets, window=2)
    assert found.contributions.shape == (2, 3, L, 4)
    # the unit looks at positions 3 to 6: windows of 2 bp change it only from 2 to 7
    assert not found.contributions[:, 0, :2].any()
    assert not found.contributions[:, 0, 8:].any()
    assert found.contributions[:, 0, 2:8].any()
    for k, target in enumerate(targets):
        alone = occlusion(model, X, target=target, window=2)
        np.testing.assert_allclose(found.for_target(k).window_effects, alone.window_effects, rtol=0, atol=1e-6)


def test_a_prepared_job_says_what_decides_its_numbers(keras_model: Any) -> None:
    X = dna(3, seed=7)
    options = OcclusionOptions(target=0, window=4, fill="blur", blur_sigma=2.0)
    job = Occlusion(SequenceModel(keras_model), L, 3, options)
    assert {"window": 4, "stride": 1, "fill": {"kind": "blur", "sigma": 2.0}}.items() <= job.parameters.items()
    whole = job.explain(X)
    np.testing.assert_allclose(job.explain(X[1:2], start=1).contributions, whole.contributions[1:2], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"window": 0}, ParameterError, "window=0"),
        ({"window": L + 1}, ParameterError, "longer than the 14 bp"),
        ({"window": 2, "stride": 3}, ParameterError, "leaves bases between"),
        ({"stride": 1.5}, ParameterError, "stride=1.5"),
        ({"fill": "noise"}, ParameterError, "noise.*shuffle"),
        ({"fill": 3}, ParameterError, "fill=3"),
        ({"fill": [0.5, 0.5, 0.5, 0.5]}, ParameterError, "sums to 2"),
        ({"fill": np.zeros((L + 1, 4))}, ShapeError, "length 15"),
        ({"fill": np.zeros((2, 1, L, 4))}, ShapeError, "one for each sequence"),
        ({"fill": "shuffle", "n_samples": 0}, ParameterError, "n_samples=0"),
        ({"fill": "blur", "blur_sigma": 0}, ParameterError, "blur_sigma=0"),
        ({"fill": "shuffle", "random_state": -1}, ParameterError, "random_state"),
    ],
)
def test_what_cannot_be_is_refused(keras_model: Any, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        occlusion(SequenceModel(keras_model), dna(2), target=0, **options)
