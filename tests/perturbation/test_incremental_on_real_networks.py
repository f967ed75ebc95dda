"""Every substitution in trained networks of other groups: what is computed incrementally is what the model says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqexplain.models import load_model
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation import EditOptions, Scorer

OF_RANGE = 1e-5  # of the range of a sequence's scores, over all its substitutions


# file, target, other inputs, every how many positions, at least how many times less arithmetic
NETWORKS: dict[str, tuple[str, Any, dict[str, Any], int, float]] = {
    "CTCF": ("ctcf_gm12878/ctcf.keras", 0, {}, 1, 30),
    "talgata": ("talgata/talgata.keras", 0, {}, 1, 8),
    "TAL1": ("tal1_kipoi/tal1.keras", 0, {}, 1, 8),
    "MPRA-DragoNN": ("mpra_dragonn/model.keras", 3, {}, 1, 2),
    "ZNF143, counts": ("znf143_profile/model.h5", ("task0_logcount", 0), {}, 1, 2),
    "ZNF143, profile": ("znf143_profile/model.h5", ("task0_profile", (250, 1)), {}, 3, 2),
    "Xpresso": ("xpresso/mouse.h5", 0, {"half_life": np.zeros(6)}, 9, 100),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_substitution(name: str, testdata: Path) -> None:
    file, target, extra, step, saving = NETWORKS[name]
    model = load_model(testdata / "models" / file)
    if extra:
        model = SequenceModel(
            model.keras_model, extra_inputs=dict(zip(model.required_inputs, extra.values(), strict=True))
        )
    length = model.length
    assert length is not None
    X = np.eye(4, dtype=np.float32)[np.random.default_rng(0).integers(0, 4, (1, length))]
    starts = np.unique([*range(0, length, step), length - 1])
    others = np.eye(4, dtype=np.float32)[(X[0].argmax(-1)[starts, None] + [1, 2, 3]) % 4][:, :, None]
    found, wanted = (
        Scorer(model, length, 1, EditOptions(target=target, evaluation=e)).bind(X) for e in ("incremental", "full")
    )
    rows = np.zeros_like(starts)
    effects, truth = found.effects(rows, starts, others), wanted.effects(rows, starts, others)
    assert np.abs(effects - truth).max() <= OF_RANGE * np.ptp(truth)
    evaluator = found.scorer.evaluator(1)
    assert evaluator is not None
    assert evaluator.plan.saving >= saving
