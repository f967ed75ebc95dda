"""Every substitution scores what the model itself says of it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

from seqexplain import SequenceModel, in_silico_mutagenesis, load, save, window_mutagenesis
from seqexplain.errors import ParameterError
from seqexplain.perturbation import Scorer
from seqexplain.perturbation._in_silico_mutagenesis_job import InSilicoMutagenesis, InSilicoMutagenesisOptions

L = 24


def brute(model: Any, x: np.ndarray, scored: Any) -> np.ndarray:
    """All four bases at all positions of one sequence, one whole sequence each: `(L, 4, t)`, less f(x)."""
    edited = np.repeat(x[None], 4 * len(x), axis=0)
    for i in range(len(x)):
        for b in range(4):
            edited[4 * i + b, i] = np.eye(4)[b]
    return scored(model, edited).reshape(len(x), 4, -1) - scored(model, x[None])[0]


def test_every_effect_is_the_models_own(network: Any, sequences: Any, scored: Any) -> None:
    X = sequences(3, L, seed=1)
    X[1, 5:7] = 0  # N: all four bases are put there
    result = in_silico_mutagenesis(network, X, target=[0, 1], batch_size=37)
    assert result.effects.shape == (3, 2, L, 4)
    for row, x in enumerate(X):
        wanted = np.moveaxis(brute(network, x, scored), -1, 0)
        np.testing.assert_allclose(result.effects[row], wanted, rtol=0, atol=1e-5)
    assert not result.effects[np.broadcast_to(X[:, None] == 1, result.effects.shape)].any()
    assert np.abs(result.effects[1, :, 5:7]).min() > 0
    assert not result.contributions[1, :, 5:7].any()
    np.testing.assert_allclose(result.predictions, scored(network, X), atol=1e-5)


def test_conventions(linear: Any, sequences: Any) -> None:
    """A sum of weights: effects are their differences; contributions minus the mean effect of their position."""
    model, weights = linear
    X = sequences(4, 10, seed=2)
    result = in_silico_mutagenesis(model, X)
    at = (X * weights).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(result.effects, weights - at, rtol=0, atol=2e-6)
    np.testing.assert_allclose(result.hypothetical, np.broadcast_to(weights - weights.mean(-1, keepdims=True), X.shape),
                               rtol=0, atol=2e-6)  # fmt: skip
    np.testing.assert_allclose(result.contributions.sum(-1), -result.effects.mean(-1), rtol=0, atol=2e-6)


def test_the_convention_of_another_package(network: Any, sequences: Any) -> None:
    torch = pytest.importorskip("torch")
    tangermeme = pytest.importorskip("tangermeme.saturation_mutagenesis")

    class Twin(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            y = network.predict(x.numpy().transpose(0, 2, 1), verbose=0)
            return torch.from_numpy(np.array(y[:, :1]))

    X = sequences(2, L, seed=3)
    theirs = tangermeme.saturation_mutagenesis(Twin(), torch.from_numpy(X.transpose(0, 2, 1).copy()), device="cpu")
    ours = in_silico_mutagenesis(network, X, target=0).contributions
    np.testing.assert_allclose(ours, theirs.numpy().transpose(0, 2, 1), rtol=0, atol=1e-5)


def test_a_stretch(wrapped: Any, sequences: Any) -> None:
    X = sequences(2, L, seed=4)
    whole = in_silico_mutagenesis(wrapped, X, target=0)
    part = in_silico_mutagenesis(wrapped, X, target=0, start=7, end=12)
    np.testing.assert_allclose(part.effects[:, 7:12], whole.effects[:, 7:12], rtol=0, atol=2e-6)
    for scores in (part.effects, part.hypothetical, part.contributions):
        assert not np.delete(scores, np.s_[7:12], axis=1).any()


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ((3, 3), "0 ≤ start < end ≤ 24"),
        ((0, 25), "start=0, end=25 is no stretch of a sequence of 24 bp"),
        ((-1, 5), "start=-1"),
        ((0.5, 5), "start=0.5 is no position"),
        ((0, True), "end=True is no position"),
    ],
)
def test_what_is_no_stretch(wrapped: Any, sequences: Any, span: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        in_silico_mutagenesis(wrapped, sequences(1, L), target=0, start=span[0], end=span[1])


def test_a_job_of_several_lengths(any_length: Any, sequences: Any) -> None:
    """Each sequence at its own length; the stretch ends with it."""
    job = InSilicoMutagenesis(SequenceModel(any_length), 20, 4, InSilicoMutagenesisOptions(start=5, end=18))
    for length in (12, 20):
        X = sequences(2, length, seed=5)
        alone = in_silico_mutagenesis(any_length, X, start=5, end=min(18, length))
        np.testing.assert_allclose(job.explain(X).effects, alone.effects, rtol=0, atol=2e-6)


def test_more_sequences_than_a_batch_of_the_job(network: Any, sequences: Any, monkeypatch: Any) -> None:
    """Activations are kept of some sequences at a time; other inputs given by row follow."""
    dna, cell = keras.Input((L, 4), name="dna"), keras.Input((1,), name="cell")
    model = SequenceModel(keras.Model([dna, cell], kl.Multiply()([network(dna), cell])))
    X, cells = sequences(5, L, seed=6), np.arange(1.0, 6.0)[:, None]
    plain = in_silico_mutagenesis(network, X, target=0).effects
    monkeypatch.setattr("seqexplain.perturbation._edit_job.MAX_SEQUENCES", 2)
    scaled = in_silico_mutagenesis(model, X, target=0, extra_inputs={"cell": cells})
    np.testing.assert_allclose(scaled.effects, plain * cells[:, :, None], rtol=1e-4, atol=1e-5)
    named = {"cell": dict(zip("edcba", cells[::-1], strict=True))}
    again = in_silico_mutagenesis(model, X, target=0, extra_inputs=named, names=list("abcde"))
    np.testing.assert_allclose(again.effects, scaled.effects, rtol=0, atol=2e-6)


def test_a_black_box(network: Any, sequences: Any, tmp_path: Any) -> None:
    """A SavedModel can be edited, at the level of its output."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("SavedModels are TensorFlow's")
    from seqexplain import load_model

    network.export(tmp_path / "saved", verbose=False)
    X = sequences(2, L, seed=7)
    box = load_model(tmp_path / "saved")
    found = in_silico_mutagenesis(box, X, target=1, level="output", batch_size=16)
    np.testing.assert_allclose(found.effects, in_silico_mutagenesis(network, X, target=1).effects, rtol=0, atol=1e-5)
    with pytest.raises(ParameterError, match='use level="output"'):
        in_silico_mutagenesis(box, X, target=1)


def test_effects_are_stored(wrapped: Any, sequences: Any, tmp_path: Any) -> None:
    X = sequences(3, L, seed=8)
    for target in (0, [1, 0]):
        result = in_silico_mutagenesis(wrapped, X, target=target)
        save(result, tmp_path / "r.zarr", overwrite=True)
        back = load(tmp_path / "r.zarr")
        np.testing.assert_array_equal(back.effects, result.effects)
        np.testing.assert_array_equal(back.contributions, result.contributions)
        np.testing.assert_array_equal(load(tmp_path / "r.zarr", rows=[2, 0]).effects, result.effects[[2, 0]])
        assert load(tmp_path / "r.zarr", rows=[]).effects.shape == (0, *result.effects.shape[1:])


def test_whether_compiling_pays_is_told_by_the_edits_of_the_stretch(
    wrapped: SequenceModel, sequences: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    monkeypatch.setattr(
        "seqexplain.perturbation._edit_job.Scorer",
        lambda *given: (told.append(given[4]), Scorer(*given))[1],
    )
    X = sequences(2, L)
    in_silico_mutagenesis(wrapped, X, target=0, start=2, end=7)
    window_mutagenesis(wrapped, X, target=0, window=6, stride=6, n_samples=2)
    assert told == [2 * 3 * 5, 2 * 4 * 2]
