"""MEME files that are read back."""

from __future__ import annotations

import numpy as np
import pytest

from seqexplain.errors import ParameterError, StorageError
from seqexplain.motifs import Motif, read_motifs, write_motifs


def test_what_is_written_is_read_again(tmp_path):
    rng = np.random.default_rng(0)
    motifs = [
        Motif(f"m{k}", f"name {k}", rng.integers(1, 9, (5 + k, 1)) * rng.dirichlet(np.ones(4), 5 + k)) for k in range(3)
    ]
    path = write_motifs(motifs, tmp_path / "x.meme", background=(0.3, 0.2, 0.2, 0.3))
    again = read_motifs(path)
    assert [(m.id, m.name) for m in again] == [("m0", "name_0"), ("m1", "name_1"), ("m2", "name_2")]
    for one, other in zip(motifs, again, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-6)
        np.testing.assert_allclose(other.counts.sum(axis=1), round(one.counts.sum(axis=1).max()), rtol=1e-5)
    assert "A 0.3 C 0.2 G 0.2 T 0.3" in path.read_text()
    with pytest.raises(StorageError, match="exists already"):
        write_motifs(motifs, path)
    with pytest.raises(ParameterError, match="empty"):
        write_motifs([], path, overwrite=True)


def test_other_readers_agree(tmp_path):
    """Biopython reads minimal MEME files, too."""
    from Bio import motifs

    path = write_motifs([Motif("m", "box", np.eye(4)[[2, 0, 3, 0]] * 7 + 0.25)], tmp_path / "x.meme")
    with path.open() as stream:
        (found,) = motifs.parse(stream, "minimal")
    assert (found.name, found.length, found.num_occurrences) == ("m", 4, 8)
    assert str(found.consensus) == "GATA"
