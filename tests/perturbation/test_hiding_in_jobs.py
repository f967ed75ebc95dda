"""Long jobs of sequences of several lengths store what single calls give, and what fits say of themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqexplain
from seqexplain import SequenceModel
from seqexplain.perturbation import (
    KernelShap,
    KernelShapOptions,
    Lime,
    LimeOptions,
    MeaningfulPerturbation,
    MeaningfulPerturbationOptions,
    Occlusion,
    OcclusionOptions,
    PredictionDifference,
    PredictionDifferenceOptions,
)
from seqexplain.pipeline import SequenceSource, run
from seqexplain.sequences import SequenceRecord, decode

LENGTHS = (20, 26, 9, 20, 7)
JOBS: dict[str, tuple[Any, Any]] = {
    "occlusion": (Occlusion, OcclusionOptions(window=8, fill="mononucleotide", n_samples=2)),
    "prediction_difference_analysis": (PredictionDifference, PredictionDifferenceOptions(window=3, n_samples=5)),
    "lime": (Lime, LimeOptions(window=4, n_samples=20, fill="uniform")),
    "kernel_shap": (KernelShap, KernelShapOptions(window=6, fill="blur")),
    "meaningful_perturbation": (MeaningfulPerturbation, MeaningfulPerturbationOptions(steps=5)),
}
EXTRA_FIELDS = {"target", "level", "batch_size", "random_state", "extra_inputs", "evaluation"}


@pytest.mark.parametrize("name", JOBS)
def test_what_is_stored_is_what_each_length_gives(
    name: str, any_length: Any, sequences: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    job, options = JOBS[name]
    texts = [decode(sequences(1, length, seed=i))[0] for i, length in enumerate(LENGTHS)]
    model = SequenceModel(any_length)
    records = [SequenceRecord(f"s{i}", text) for i, text in enumerate(texts)]
    source = SequenceSource(lambda: iter(records), label="x", files=())
    explainer = job(model, max(LENGTHS), len(texts), options)
    run(explainer, source, tmp_path / "out.zarr", progress=False, chunk=2)
    found = seqexplain.load(tmp_path / "out.zarr")
    own = {f: getattr(options, f) for f in options.__dataclass_fields__ if f not in EXTRA_FIELDS}
    for i, text in enumerate(texts):
        if len(text) < own.get("window", 0):
            continue  # a job makes one window of it, a single call refuses
        alone = getattr(seqexplain, name)(model, [text], **own)
        np.testing.assert_allclose(found.contributions[i, : len(text)], alone.contributions[0], rtol=0, atol=1e-5)
        assert not found.contributions[i, len(text) :].any()
        if alone.diagnostics is not None:
            np.testing.assert_allclose(found.diagnostics[i], alone.diagnostics[0], rtol=1e-4, atol=1e-5)
            assert len(found.parameters["diagnostics"]) == found.diagnostics.shape[1]
    assert np.isfinite(found.contributions).all()
