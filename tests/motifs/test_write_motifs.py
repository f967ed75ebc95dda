"""Motif files that are read back, by us and by others."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from Bio import motifs as bio
from Bio.motifs import jaspar, transfac

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
    path = write_motifs([Motif("m", "box", np.eye(4)[[2, 0, 3, 0]] * 7 + 0.25)], tmp_path / "x.meme")
    with path.open() as stream:
        (found,) = bio.parse(stream, "minimal")
    assert (found.name, found.length, found.num_occurrences) == ("m", 4, 8)
    assert str(found.consensus) == "GATA"


RNG = np.random.default_rng(2)
COUNTED = [
    Motif(f"M{k}.1", f"Factor {k}", RNG.integers(0, 900, (w, 4)) + 0.5 * (k == 2)) for k, w in enumerate((6, 9, 5))
]
SHARES = [Motif("P1", "p", RNG.dirichlet(np.ones(4), 7), kind="probabilities")]


@pytest.mark.parametrize("name", ["x.jaspar", "x.transfac", "x.tf", "x.pfm", "x.pfm.gz", "x.jaspar.gz"])
def test_counts_come_back_as_they_are(tmp_path, name):
    again = read_motifs(write_motifs(COUNTED, tmp_path / name))
    for one, other in zip(COUNTED, again, strict=True):
        assert (other.id, other.kind) == (one.id, "counts")
        assert other.name.replace("_", " ") == one.name
        np.testing.assert_array_equal(other.counts, one.counts)


@pytest.mark.parametrize("name", ["x.meme", "x.jaspar", "x.transfac", "x.pfm", "x.homer", "x.motif", "x.txt"])
def test_probabilities_come_back_as_such(tmp_path, name):
    """Nobody said how many sites: no file may make them up."""
    (again,) = read_motifs(write_motifs(SHARES, tmp_path / name))
    assert again.kind == "probabilities"
    np.testing.assert_allclose(again.probabilities, SHARES[0].probabilities, atol=2e-6)


def test_formats_by_suffix_and_by_name(tmp_path):
    assert write_motifs(COUNTED, tmp_path / "a.tf").read_text().startswith("AC  M0.1\n")
    assert write_motifs(COUNTED, tmp_path / "b.txt", format="jaspar").read_text().startswith(">M0.1\tFactor 0\nA  [")
    assert write_motifs(COUNTED, tmp_path / "c.motif").read_text().startswith(f">{COUNTED[0].iupac}\tM0.1\t0\n")
    assert write_motifs(COUNTED, tmp_path / "d.unknown").read_text().startswith("MEME version 4")
    packed = write_motifs(COUNTED, tmp_path / "e.meme.gz")
    assert gzip.decompress(packed.read_bytes()) == (tmp_path / "d.unknown").read_bytes()
    with pytest.raises(ParameterError, match="format is 'xms'; expected one of 'meme', 'jaspar'"):
        write_motifs(COUNTED, tmp_path / "f", format="xms")
    with pytest.raises(ParameterError, match="four positions"):
        write_motifs([Motif("m", "m", np.ones((4, 4)))], tmp_path / "g.pfm")
    assert not (tmp_path / "g.pfm").exists()


def test_annotations_are_kept_where_the_format_has_room(tmp_path):
    known = {"family": "Ets-related", "class": "Tryptophan cluster factors", "url": "https://example.org/M"}
    motif = Motif("M1.1", "SPI1", np.eye(4)[[2, 2, 0, 0]] * 9 + 1, annotations=known)
    (again,) = read_motifs(write_motifs([motif], tmp_path / "x.transfac"))
    assert again.annotations == known
    assert again.family == "Ets-related"
    (again,) = read_motifs(write_motifs([motif], tmp_path / "x.meme"))
    assert again.annotations == {"url": known["url"]}


@pytest.mark.parametrize(("name", "theirs"), [("x.jaspar", "jaspar"), ("x.transfac", "transfac"), ("x.pfm", "jaspar")])
def test_biopython_reads_what_we_write(tmp_path, name, theirs):
    path = write_motifs(COUNTED, tmp_path / name)
    with path.open() as stream:
        found = list(bio.parse(stream, theirs)) if name != "x.pfm" else list(bio.parse(stream, "pfm-four-rows"))
    assert len(found) == len(COUNTED)
    for one, other in zip(COUNTED, found, strict=True):
        np.testing.assert_allclose(np.array([other.counts[base] for base in "ACGT"]).T, one.counts)


@pytest.mark.parametrize("theirs", ["jaspar", "transfac", "clusterbuster", "pfm"])
def test_we_read_what_biopython_writes(tmp_path, theirs):
    made = []
    for motif in COUNTED[: 1 if theirs == "pfm" else 2]:
        counts = {base: list(motif.counts[:, k]) for k, base in enumerate("ACGT")}
        if theirs == "transfac":
            one = transfac.Motif("ACGT", counts=counts)
            one["AC"], one["ID"] = motif.id, motif.name
        else:
            one = jaspar.Motif(motif.id, motif.name, counts=counts)
        made.append(one)
    path = tmp_path / "theirs.txt"
    path.write_text(bio.write(made, theirs))
    found = read_motifs(path)
    assert len(found) == len(made)
    for one, other in zip(COUNTED, found, strict=False):
        np.testing.assert_allclose(other.counts, one.counts, atol=0.01)
        if theirs in ("jaspar", "transfac"):
            assert other.id == one.id


@pytest.mark.parametrize("suffix", ["meme", "jaspar", "transfac", "pfm", "homer"])
def test_no_name_breaks_a_file(tmp_path, suffix):
    counts = np.array([[10, 0, 0, 5], [0, 3, 2, 1], [1, 1, 1, 1], [9, 0, 0, 0], [0, 2, 2, 2]])
    odd = Motif("M\n1\t2", "a\tb\r\nP0", counts, {"url": "x\nMOTIF y", "log_odds_threshold": "1\n>z"})
    found = read_motifs(write_motifs([odd, Motif("M3", "c", counts[::-1])], tmp_path / f"x.{suffix}"))
    assert len(found) == 2
    assert "_".join(found[0].id.split()) == "M_1_2"
    if suffix != "homer":  # which has ids only
        assert "_".join(found[0].name.split()) == "a_b_P0"
    for one, other in zip((counts, counts[::-1]), found, strict=True):
        np.testing.assert_allclose(other.probabilities, one / one.sum(axis=1, keepdims=True), atol=1e-6)
