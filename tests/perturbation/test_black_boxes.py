"""A SavedModel is explained by edits as the model that it was exported from, and has no masks to learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_networks import L, dna, network

from seqexplain import (
    ablation,
    kernel_shap,
    lime,
    load_model,
    marginalisation,
    meaningful_perturbation,
    occlusion,
    prediction_difference_analysis,
    spacing,
)
from seqexplain.errors import UnsupportedLayerError
from seqexplain.models.backend import backend_name
from seqexplain.models.sequence_model import SequenceModel


@pytest.fixture(name="both", scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[SequenceModel, SequenceModel]:
    if backend_name() != "tensorflow":
        pytest.skip("SavedModels are written by TensorFlow")
    model = network()
    folder: Path = tmp_path_factory.mktemp("saved") / "model"
    model.export(folder, verbose=False)
    return load_model(folder), SequenceModel(model)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        (occlusion, {"window": 3}),
        (prediction_difference_analysis, {"measure": "weight_of_evidence"}),
        (lime, {"window": 3, "n_samples": 30, "fill": "zeros"}),
        (kernel_shap, {"window": 3, "fill": "zeros"}),
    ],
)
def test_edits_need_no_look_inside(both: Any, method: Any, options: Any) -> None:
    X = dna(2, seed=1)
    box, model = (method(m, X, target=1, level="output", **options) for m in both)
    assert box.contributions.shape == (2, L, 4)
    np.testing.assert_allclose(box.contributions, model.contributions, rtol=0, atol=1e-5)


def test_experiments_with_motifs_need_no_look_inside(both: Any) -> None:
    X = dna(2, seed=1)
    for m in (
        lambda model: marginalisation(model, X, "GRTA", position="all", target=1, level="output").effects,
        lambda model: spacing(model, X, "GAT", "CAN", distances=[0, 4], target=1, level="output").effects(),
        lambda model: ablation(model, X, [(3, 10)], content="random", target=1, level="output").effects,
    ):
        box, model = (m(one) for one in both)
        np.testing.assert_allclose(box, model, rtol=0, atol=1e-6)
        assert np.abs(box).max() > 1e-4


def test_masks_need_gradients(both: Any) -> None:
    with pytest.raises(UnsupportedLayerError, match="is a SavedModel"):
        meaningful_perturbation(both[0], dna(2), target=1, level="output")
