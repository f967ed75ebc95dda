"""Windows that are shuffled or replaced: what is shown to the model, and how effects become scores of bases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seqexplain import SequenceModel, ensemble, load, save, window_mutagenesis
from seqexplain.errors import ParameterError
from seqexplain.perturbation._scorer import BoundSequences
from seqexplain.perturbation._window_mutagenesis_job import WindowMutagenesis, WindowMutagenesisOptions

L = 24


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """What is asked of the scorer: rows, starts and replacements."""
    asked: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    effects = BoundSequences.effects

    def noted(self: BoundSequences, rows: Any, starts: Any, replacements: Any) -> Any:
        asked.append((np.array(rows), np.array(starts), np.array(replacements)))
        return effects(self, rows, starts, replacements)

    monkeypatch.setattr(BoundSequences, "effects", noted)
    return asked


@pytest.mark.parametrize("replacement", ["shuffle", "random"])
def test_effects_and_scores(
    replacement: str, network: Any, wrapped: Any, sequences: Any, scored: Any, shown: Any
) -> None:
    X = sequences(3, L, seed=1)
    X[0, 4:6] = 0
    options = {"window": 5, "stride": 3, "n_samples": 4, "replacement": replacement, "start": 2, "end": 22}
    result = window_mutagenesis(wrapped, X, target=[1, 0], **options)
    np.testing.assert_array_equal(result.window_starts, [2, 5, 8, 11, 14, 17])
    ((rows, starts, pieces),) = shown
    edited = np.repeat(X[rows][:, None], 4, axis=1)
    for one, start, samples in zip(edited, starts, pieces, strict=True):
        one[:, start : start + 5] = samples
    values = scored(network, np.concatenate([X, *edited]))[:, ::-1]
    effects = np.zeros((3, 2, L - 4, 4))
    for k, (row, start, samples) in enumerate(zip(rows, starts, pieces, strict=True)):
        effects[row, :, start] = (values[3 + 4 * k : 7 + 4 * k] - values[row]).T
        old = X[row, start : start + 5]
        np.testing.assert_array_equal(samples.any(-1), np.tile(old.any(-1), (4, 1)))  # unknown stays unknown
        if replacement == "shuffle":
            np.testing.assert_array_equal(samples.sum(axis=1), np.tile(old.sum(axis=0), (4, 1)))
    assert (pieces != pieces[:, :1]).any()
    found = effects[:, :, result.window_starts]
    np.testing.assert_allclose(result.window_effects, found.mean(-1), rtol=0, atol=1e-5)
    np.testing.assert_allclose(result.window_spread, found.std(-1, ddof=1), rtol=0, atol=1e-5)
    scores = np.zeros((3, 2, L, 4))
    for i in range(2, 22):
        covering = [s for s in result.window_starts if s <= i < s + 5]
        scores[:, :, i] = -effects[:, :, covering].mean(axis=2)
    at = X[:, None].sum(-1)
    np.testing.assert_allclose(result.contributions.sum(-1), scores.mean(-1) * at, rtol=0, atol=1e-5)
    np.testing.assert_allclose(result.spread.sum(-1), scores.std(-1, ddof=1) * at, rtol=0, atol=1e-5)
    assert not (result.contributions * (1 - X[:, None])).any()


def test_a_sum_of_weights(linear: Any, sequences: Any) -> None:
    """Random bases are worth the mean weight; of a shuffle, the mean over the window's own bases at each place."""
    model, weights = linear
    X = sequences(2, 10, seed=2)
    for replacement in ("random", "shuffle"):
        result = window_mutagenesis(model, X, window=4, n_samples=3000, replacement=replacement)
        for row in range(2):
            for w, start in enumerate(result.window_starts):
                part = np.s_[start : start + 4]
                expected = 0.25 * np.ones(4) if replacement == "random" else X[row, part].mean(axis=0)
                wanted = ((expected - X[row, part]) * weights[part]).sum()
                error = result.window_spread[row, w] / np.sqrt(3000)
                assert abs(result.window_effects[row, w] - wanted) < 5 * error + 1e-5


def test_the_last_window_ends_with_the_stretch(wrapped: Any, sequences: Any) -> None:
    X = sequences(1, L)
    run = lambda **options: window_mutagenesis(wrapped, X, target=0, n_samples=1, **options)  # noqa: E731
    assert list(run(window=10, stride=10).window_starts) == [0, 10, 14]
    assert list(run(window=24).window_starts) == [0]
    assert list(run(window=3, stride=2, start=5, end=9).window_starts) == [5, 6]
    covered = run(window=10, stride=10).contributions[0].any(-1)
    assert covered.all()


def test_replacements_depend_on_seed_and_sequence_alone(wrapped: Any, sequences: Any) -> None:
    X = sequences(3, L, seed=3)
    whole = window_mutagenesis(wrapped, X, target=0, window=6)
    part = window_mutagenesis(wrapped, X[[2]], target=0, window=6, stride=4, start=7, end=17, batch_size=3)
    np.testing.assert_array_equal(part.window_starts, [7, 11])
    np.testing.assert_allclose(part.window_effects, whole.window_effects[[2]][:, [7, 11]], rtol=0, atol=2e-6)
    other = window_mutagenesis(wrapped, X, target=0, window=6, random_state=1)
    assert np.abs(other.window_effects - whole.window_effects).max(axis=1).min() > 1e-2


@pytest.mark.parametrize("replacement", ["shuffle", "random"])
def test_neighbouring_windows_share_random_numbers(replacement: str, wrapped: Any, sequences: Any, shown: Any) -> None:
    """Where two windows overlap the same bases come in, or the same ones are ranked alike."""
    X = sequences(1, L, seed=5)
    window_mutagenesis(wrapped, X, target=0, window=6, stride=6, n_samples=50, replacement=replacement)
    window_mutagenesis(wrapped, X, target=0, window=7, stride=7, n_samples=50, replacement=replacement, end=7)
    (_, _, sixes), (_, _, seven) = shown
    if replacement == "random":
        np.testing.assert_array_equal(seven[0, :, :6], sixes[0])
        assert (sixes[0] != sixes[1]).any(axis=(1, 2)).mean() > 0.9
    else:  # without the seventh base the order of the others is the same
        for longer, shorter in zip(seven[0].argmax(-1), sixes[0].argmax(-1), strict=True):
            rest = list(longer)
            assert any([*rest[:k], *rest[k + 1 :]] == list(shorter) for k in range(7))


def test_parts_of_a_result(wrapped: Any, sequences: Any, tmp_path: Any) -> None:
    X = sequences(3, L, seed=4)
    result = window_mutagenesis(wrapped, X, target=[0, 1], window=6, n_samples=1)
    assert result.spread is None
    assert result.window_spread is None
    assert result.for_target(1).window_effects.shape == (3, 19)
    np.testing.assert_array_equal(result.for_target(1).window_effects, result.window_effects[:, 1])
    np.testing.assert_array_equal(result.take([2, 0]).window_effects, result.window_effects[[2, 0]])
    save(result, tmp_path / "w.zarr")
    np.testing.assert_array_equal(load(tmp_path / "w.zarr").contributions, result.contributions)
    mean = ensemble(window_mutagenesis, [wrapped, wrapped], X, target=0, window=6, n_samples=1)
    np.testing.assert_allclose(mean.contributions, result.contributions[:, 0], rtol=0, atol=2e-6)


def test_a_job_of_several_lengths(any_length: Any, sequences: Any) -> None:
    """What a sequence has of the stretch, if less than a window, is one window."""
    job = WindowMutagenesis(SequenceModel(any_length), 20, 4, WindowMutagenesisOptions(window=9, start=5))
    for length, starts in ((20, range(5, 12)), (12, [5]), (6, [5]), (5, [])):
        result = job.explain(sequences(1, length, seed=2))
        assert list(result.window_starts) == list(starts)
        assert not result.contributions[:, :5].any()
        assert result.window_effects.shape == (1, len(starts))
        assert result.contributions.any() == (length > 6)  # one base shuffled is itself


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 0}, "window=0 must be a whole number from 1"),
        ({"window": 2.5}, r"window=2\.5"),
        ({"window": 12, "start": 4, "end": 15}, "window=12 is longer than the 11 bp that windows slide over"),
        ({"window": 3, "stride": 4}, "stride=4 leaves bases between windows of 3 bp out"),
        ({"n_samples": 0}, "n_samples=0"),
        ({"replacement": "zeros"}, 'replacement=\'zeros\' is not known; use one of "shuffle", "random"'),
        ({"random_state": -1}, "random_state is -1"),
        ({"start": 30}, "no stretch"),
    ],
)
def test_what_cannot_be(options: dict[str, Any], message: str, wrapped: Any, sequences: Any) -> None:
    with pytest.raises(ParameterError, match=message):
        window_mutagenesis(wrapped, sequences(1, L), target=0, **options)
