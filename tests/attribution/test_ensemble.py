"""An ensemble is explained as the model that averages its members would be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import L, dna, randomise, tasks
from keras import layers as kl

import seqexplain
from seqexplain import deeplift, ensemble
from seqexplain.attribution import DeepLift, DeepLiftOptions, EnsembleJob
from seqexplain.errors import ParameterError, ShapeError
from seqexplain.models.sequence_model import SequenceModel


def folds(final: str | None = None) -> list[Any]:
    return [randomise(tasks(final=final), seed=s) for s in (1, 2, 3)]


@pytest.mark.slow
@pytest.mark.parametrize("target", [1, [0, 2]])
def test_as_the_model_that_averages_them(target: Any) -> None:
    models, X = folds(), dna(4, seed=1)
    x = keras.Input((L, 4))
    named = [keras.Model(m.inputs, m.outputs[0], name=f"fold_{k}") for k, m in enumerate(models)]
    mean = SequenceModel(keras.Model(x, kl.Average()([m(x) for m in named])))
    found = ensemble(deeplift, models, X, target=target, n_references=3)
    wanted = deeplift(mean, X, target=target, n_references=3)
    for name in ("contributions", "hypothetical", "predictions", "reference_predictions"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=0, atol=2e-6, err_msg=name)
    each = [deeplift(m, X, target=target, n_references=3).contributions for m in models]
    np.testing.assert_allclose(found.spread, np.std(each, axis=0, ddof=1), rtol=0, atol=1e-6)
    assert found.spread.max() > 0.1
    assert np.abs(found.completeness_error).max() < 2e-6


def test_saved_and_taken_apart(tmp_path: Path) -> None:
    found = ensemble(deeplift, folds(), dna(5, seed=2), target=[0, 1], n_references=2, keep_references=True)
    seqexplain.save(found, tmp_path / "folds.zarr")
    back = seqexplain.load(tmp_path / "folds.zarr")
    for name in ("contributions", "spread", "per_reference", "completeness_error"):
        np.testing.assert_array_equal(getattr(back, name), getattr(found, name), err_msg=name)
    assert [m["name"] for m in back.parameters["ensemble"]] == ["three_tasks"] * 3
    one = back.for_target(1).take([3, 1])
    np.testing.assert_array_equal(one.spread, found.spread[[3, 1], 1])
    np.testing.assert_array_equal(one.per_reference, found.per_reference[[3, 1], 1])
    assert seqexplain.load(tmp_path / "folds.zarr", rows=[]).spread.shape == (0, 2, L, 4)


def test_as_a_job_in_pieces() -> None:
    models, X = [SequenceModel(m) for m in folds()], dna(6, seed=3)
    options = DeepLiftOptions(target=1, n_references=2, batch_size=2)
    job = EnsembleJob([DeepLift(m, L, len(X), options) for m in models])
    whole = ensemble(deeplift, models, X, target=1, n_references=2, batch_size=2)
    for low in (0, 3):
        part = job.explain(X[low : low + 3], start=low)
        np.testing.assert_allclose(part.contributions, whole.contributions[low : low + 3], rtol=0, atol=1e-6)
        np.testing.assert_allclose(part.spread, whole.spread[low : low + 3], rtol=0, atol=1e-6)
    assert job.batch_sequences == 2
    assert job.provenance["model"]["sha256"] is None
    assert len(job.parameters["ensemble"]) == 3
    assert "batch_sequences" not in job.parameters


@pytest.mark.parametrize("models", [[], "one", None])
def test_fewer_than_two(models: Any) -> None:
    given = [tasks()] if models == "one" else models
    with pytest.raises(ParameterError, match="at least two models"):
        ensemble(deeplift, given, dna(1), target=0)


def test_models_of_other_targets() -> None:
    other = randomise(keras.Sequential([keras.Input((L, 4)), kl.Flatten(), kl.Dense(1)]))
    with pytest.raises(ShapeError, match="same targets"):
        ensemble(lambda m, X, **k: deeplift(m, X, target=[0] if m.name == "three_tasks" else [0, 0], **k),
                 [tasks(), other], dna(1), n_references=1)  # fmt: skip


@pytest.mark.parametrize(
    ("method", "culprit"),
    [("deeplift", "'deeplift' must be a function"), (seqexplain.lrp_conservation, "lrp_conservation returns list")],
)
def test_what_is_no_method(method: Any, culprit: str) -> None:
    with pytest.raises(ParameterError, match=culprit):
        ensemble(method, folds(), dna(2), target=0)


def test_every_model_keeps_its_own_batch_of_points() -> None:
    X = dna(2, seed=3)
    found = ensemble(seqexplain.smooth_grad, folds(), X, target=0, n_samples=2)
    assert "batch_points" not in found.parameters
    assert all(one["batch_points"] >= 1 for one in found.parameters["ensemble"])
