"""A SavedModel is explained by edits as the model that it was exported from, and has no masks to learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_networks import L, dna, network

from seqexplain import (
    kernel_shap,
    lime,
    load_model,
    meaningful_perturbation,
    occlusion,
    prediction_difference_analysis,
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


def test_masks_need_gradients(both: Any) -> None:
    with pytest.raises(UnsupportedLayerError, match="is a SavedModel"):
        meaningful_perturbation(both[0], dna(2), target=1, level="output")
