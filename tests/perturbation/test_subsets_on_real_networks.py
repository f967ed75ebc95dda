"""Subsets of a trained network: what suffices for it are the motifs that its training sequences were made with."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from seqexplain import load_model, one_hot, sufficient_input_subsets

N = 20


def positives(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Held-out sequences with both motifs, and which bases lie in motifs."""
    with gzip.open(folder / "test.txt.gz", "rt") as file:
        held_out = set(file.read().split())
    sequences, inside = [], []
    with gzip.open(folder / "sequences.simdata.gz", "rt") as file:
        next(file)
        for line in file:
            name, sequence, embeddings, both, *_ = line.rstrip("\n").split("\t")
            if name not in held_out or both != "1":
                continue
            within = np.zeros(len(sequence), dtype=bool)
            for embedding in embeddings.split(","):
                start, word = embedding.removeprefix("pos-").split("_", 1)[0], embedding.rsplit("-", 1)[1]
                within[int(start) : int(start) + len(word)] = True
            sequences.append(sequence)
            inside.append(within)
            if len(sequences) == N:
                break
    return one_hot(sequences), np.array(inside)


@pytest.mark.slow
def test_bases_of_subsets_lie_in_motifs(testdata: Path) -> None:
    folder = testdata / "models" / "talgata"
    X, inside = positives(folder)
    found = sufficient_input_subsets(load_model(folder / "talgata.keras"), X, target=0, threshold=0.0, max_subsets=1)
    members = found.subset > 0
    assert (found.n_subsets[found.predictions >= 0] == 1).all()
    assert all(subset.sufficient for subset in found.subsets())
    assert members.sum(axis=1).max() <= 12
    share = (members & inside).sum() / members.sum()
    assert share > 0.9 > 4 * inside.mean(), f"{share:.3f} of {members.sum()} bases lie in motifs"
