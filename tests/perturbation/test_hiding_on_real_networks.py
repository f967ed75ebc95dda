"""On a network that others trained on motifs of known places, what hiding bases says lies in these motifs."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqexplain
from seqexplain.sequences import one_hot

pytestmark = [
    pytest.mark.slow,
    # Keras' own way from a variable to NumPy 2, while a file is read
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]
N = 4


@pytest.fixture(name="case", scope="module")
def talgata(testdata: Path) -> tuple[Any, np.ndarray, np.ndarray]:
    """The network, the sequences with both motifs that it is surest of, and where the motifs are, `(n, 200)` bool."""
    folder = testdata / "models" / "talgata"
    model = seqexplain.load_model(folder / "talgata.keras")
    sequences, inside = [], []
    with gzip.open(folder / "sequences.simdata.gz", "rt") as lines:
        for line in lines:
            _, sequence, embedded, *_ = line.split("\t")
            if "TAL1" in embedded and "GATA" in embedded and len(sequences) < 200:
                places = np.zeros(len(sequence), dtype=bool)
                for start, motif in re.findall(r"pos-(\d+)_[^,]*?-([ACGT]+)(?:,|$)", embedded):
                    places[int(start) : int(start) + len(motif)] = True
                sequences.append(sequence)
                inside.append(places)
    X = one_hot(sequences)
    surest = np.argsort(-model.predict(X, target=0, level="logit"))[:N]
    return model, X[surest], np.array(inside)[surest]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("occlusion", {"window": 5, "fill": "uniform"}),
        ("occlusion", {"window": 10, "fill": "shuffle"}),
        ("prediction_difference_analysis", {}),
        ("prediction_difference_analysis", {"window": 3, "level": "output"}),
        ("lime", {"window": 5}),
        ("kernel_shap", {"window": 5}),
        ("meaningful_perturbation", {"game": "deletion"}),
        ("meaningful_perturbation", {"game": "preservation", "fill": "shuffle", "n_fills": 5}),
    ],
)
def test_scores_lie_in_the_motifs(case: Any, name: str, options: Any) -> None:
    model, X, inside = case
    found = getattr(seqexplain, name)(model, X, target=0, **options)
    positive = np.maximum(found.contributions.sum(axis=-1), 0)
    assert (positive * inside).sum() > 0.7 * positive.sum() > 0
    assert inside.mean() < 0.4
    best = np.argsort(-positive, axis=1)[:, :20]
    assert np.take_along_axis(inside, best, axis=1).mean() > 0.75
