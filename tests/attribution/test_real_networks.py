"""DeepLIFT on networks that others trained: it adds up, and equals what the authors' own package computed."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqexplain.attribution import deeplift
from seqexplain.models import load_model
from seqexplain.models.sequence_model import SequenceModel

# Keras' own way from a variable to NumPy 2, while a file is read
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

BG3223 = np.array([0.3, 0.2, 0.2, 0.3])


@cache
def opened(folder: Path, name: str, weights: str | None = None, **options: Any) -> SequenceModel:
    return load_model(folder / name, weights=None if weights is None else folder / weights, **options)


def dna(n: int, length: int, seed: int = 0) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[np.random.default_rng(seed).integers(0, 4, (n, length))]


def peaks(path: Path, n: int, length: int) -> np.ndarray:
    """Return the first real sequences of a FASTA in the middle of random ones."""
    with gzip.open(path, "rt") as lines:
        found = "".join(line if line[0] != ">" else ">" for line in lines).replace("\n", "").split(">")[1 : n + 1]
    X = dna(n, length, seed=1)
    for row, text in zip(X, found, strict=True):
        codes = np.array(["ACGT".index(base) for base in text.upper()[:length]])
        start = (length - len(codes)) // 2
        row[start : start + len(codes)] = np.eye(4)[codes]
    return X


def incomplete(result: Any) -> float:
    """Return the share of sequence–reference pairs whose contributions do not add up."""
    delta = result.predictions[..., None] - result.reference_predictions
    total = np.abs(result.contributions).sum(axis=(-2, -1))[..., None]
    error = np.abs(result.completeness_error)
    return float(np.mean((error > 1e-4 * np.abs(delta)) & (error > 1e-5 * total)))


NETWORKS = {
    "talgata": ("talgata", "talgata.keras", None, 200, [0, 1, 2]),
    "ctcf": ("ctcf_gm12878", "ctcf.keras", None, 1000, None),
    "tal1": ("tal1_kipoi", "tal1.keras", None, 500, None),
    "pysster": ("pysster_artificial", "model.keras", None, 140, [0, 1]),
    "znf143": ("znf143_profile", "model.h5", None, 500, [(0, 0), (0, 1), (1, (250, 0)), (1, (10, 1))]),
    "dragonn": ("mpra_dragonn", "model.keras", None, 145, [0, 5, 11]),
    "deepg4": ("deepg4", "model.h5", None, 201, None),
    "exon3": ("mmsplice", "Exon_prime3.h5", None, 0, None),
    "intron3": ("mmsplice", "Intron3.h5", None, 0, None),
    "intron5": ("mmsplice", "Intron5.h5", None, 0, None),
}


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_contributions_of_trained_networks_add_up(network: str, testdata: Path) -> None:
    folder, file, weights, length, target = NETWORKS[network]
    model = opened(testdata / "models" / folder, file, weights)
    for size in [length] if length else ([model.length] if model.length else [23, 60]):
        result = deeplift(model, dna(5, size), target=target, n_references=4)
        assert incomplete(result) == 0, f"{size} bp: worst {np.abs(result.completeness_error).max():.3g}"
        assert np.abs(result.contributions).max() > 0


@pytest.mark.slow
def test_two_inputs_of_a_trained_network(testdata: Path) -> None:
    model = opened(testdata / "models" / "xpresso", "mouse.h5")
    other = model.required_inputs[0]
    result = deeplift(model, dna(3, model.length), n_references=2, extra_inputs={other: np.linspace(-1, 1, 6)})
    assert incomplete(result) == 0


def test_contributions_equal_the_authors_package(testdata: Path) -> None:
    """`m * (x - ref)` for all four bases, as deeplift 0.6.13 gives it: m, and with it all else, follows."""
    published = np.load(testdata / "reference" / "talgata_deeplift_task0_20seqs.npz")
    X = published["X20"].astype(np.float32)
    wanted = published["rescale_all_layers|bg3223|task0"].astype(np.float64)
    model = opened(testdata / "models" / "talgata", "talgata.keras")
    result = deeplift(model, X, target=0, references=BG3223)
    # their package explains one position at a time: what the observed base gives is the sum over its four terms
    np.testing.assert_allclose(result.contributions.sum(axis=2), wanted.sum(axis=2), rtol=0, atol=1e-5)
    m = wanted / (X - BG3223)
    hypothetical = m - (m * BG3223).sum(axis=2, keepdims=True)
    np.testing.assert_allclose(result.hypothetical, hypothetical, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_pooling_modes_on_a_trained_network(testdata: Path) -> None:
    """Where winners move between sequence and reference the original rule loses contributions; ours does not."""
    model = opened(testdata / "models" / "ctcf_gm12878", "ctcf.keras")
    X = peaks(testdata / "seqs" / "ctcf_peaks_100bp.fa.gz", 6, 1000)
    complete = deeplift(model, X, n_references=4)
    winner = deeplift(model, X, n_references=4, max_pool="winner")
    assert incomplete(complete) == 0
    assert incomplete(winner) > 0.9
    np.testing.assert_array_equal(complete.reference_predictions, winner.reference_predictions)
