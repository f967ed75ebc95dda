"""Integrated gradients of networks that others trained add up after their own choice of steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from attribution.test_real_networks import NETWORKS, dna, opened

from seqexplain.attribution import integrated_gradients

pytestmark = [
    pytest.mark.slow,
    # Keras' own way from a variable to NumPy 2, while a file is read
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]


@pytest.mark.parametrize("network", NETWORKS)
def test_integrated_gradients_of_trained_networks_add_up(network: str, testdata: Path) -> None:
    folder, file, weights, length, target = NETWORKS[network]
    model = opened(testdata / "models" / folder, file, weights)
    size = length or model.length or 60
    found = integrated_gradients(model, dna(3, size), target=target, max_steps=4096)  # which warns of what does not
    delta = found.predictions[..., None] - found.reference_predictions
    magnitude = np.abs(found.contributions).sum(axis=(-2, -1))[..., None]
    error = np.abs(found.completeness_error)
    assert np.all((error <= 1e-3 * np.abs(delta)) | (error <= 1e-5 * magnitude))
    assert np.abs(found.contributions).max() > 0
