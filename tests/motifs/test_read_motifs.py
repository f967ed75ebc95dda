"""JASPAR and MEME files, in the shapes they come in, and files that are neither."""

from __future__ import annotations

import numpy as np
import pytest

from seqexplain.data import MOTIFS, bundled
from seqexplain.errors import FileFormatError, MissingFileError
from seqexplain.motifs import read_motifs

LABELLED = ">MA0001.1\tAGL3\nA  [ 0  3 79 ]\nC  [94 75  4 ]\nG  [ 1  0  3 ]\nT  [ 2 19 11 ]\n"
BARE = ">MA0001.1 AGL3\n0 3 79\n94 75 4\n1 0 3\n2 19 11\n"
POSITIONS = ">MA0001.1 AGL3\n0 94 1 2\n3 75 0 19\n79 4 3 11\n"
MEME = """MEME version 4

ALPHABET= ACGT

strands: + -

Background letter frequencies
A 0.25 C 0.25 G 0.25 T 0.25

MOTIF MA0001.1 AGL3
letter-probability matrix: alength= 4 w= 3 nsites= 97 E= 0
 0.000000  0.969072  0.010309  0.020619
 0.030928  0.773196  0.000000  0.195876
 0.814433  0.041237  0.030928  0.113402

URL http://jaspar.genereg.net/matrix/MA0001.1

MOTIF second
letter-probability matrix:
0.5 0.5 0 0
"""
COUNTS = [[0, 94, 1, 2], [3, 75, 0, 19], [79, 4, 3, 11]]


def write(folder, text):
    path = folder / "motifs.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        LABELLED,
        BARE,
        POSITIONS,
        ("# a comment\n\n" + LABELLED.replace("G  [", "# another\nG  [")).replace("\n", "\r\n"),
    ],
)
def test_jaspar_in_its_three_shapes(tmp_path, text):
    (motif,) = read_motifs(write(tmp_path, text))
    assert (motif.id, motif.name) == ("MA0001.1", "AGL3")
    np.testing.assert_array_equal(motif.counts, COUNTS)


def test_rows_may_stand_in_any_order_when_they_are_labelled(tmp_path):
    header, a, c, g, t = LABELLED.strip().split("\n")
    (motif,) = read_motifs(write(tmp_path, "\n".join([header, t, g, a, c])))
    np.testing.assert_array_equal(motif.counts, COUNTS)


def test_several_motifs_and_a_missing_name(tmp_path):
    motifs = read_motifs(write(tmp_path, LABELLED + ">X\n" + LABELLED.split("\n", 1)[1]))
    assert [(motif.id, motif.name) for motif in motifs] == [("MA0001.1", "AGL3"), ("X", "X")]


def test_meme_probabilities_become_counts(tmp_path):
    first, second = read_motifs(write(tmp_path, MEME))
    assert (first.id, first.name) == ("MA0001.1", "AGL3")
    np.testing.assert_allclose(first.counts, COUNTS, atol=1e-3)
    np.testing.assert_allclose(second.counts, [[10, 10, 0, 0]])  # 20 sites, as the format says


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("AGCT\n", "begins with 'AGCT'"),
        (">X\n", "line 1: motif 'X' has no matrix"),
        (">X\nA [ 1 2 ]\nC [ 1 2 ]\nG [ 1 2 ]\n", "no row for T"),
        (">X\nA [ 1 2 ]\nA [ 1 2 ]\nG [ 1 2 ]\n", "line 3: a second row for A"),
        (">X\nA [ 1 2 ]\nC [ 1 ]\nG [ 1 2 ]\nT [ 1 2 ]\n", r"have \[2, 1, 2, 2\] numbers"),
        (">X\n1 2 3 4\n1 2 3 4\n1 2 3 4\n1 2 3 4\n", "Label the rows"),
        (">X\n1 2 3\n1 2 3\n", "line 2: '1 2 3' has 3 numbers"),
        (">chr1\nACGTACGTNN\n", "line 2: 'CGTACGTNN' is a sequence.*Is it FASTA"),
        (">X\n1 2 x 4\n1 1 1 1\n", "line 2: '1 2 x 4' is not a row of numbers"),
        (">X\n1 2 -1 4\n1 1 1 1\n", "line 1: Motif 'X' has -1.0 for G"),
        (MEME.replace("w= 3", "w= 4"), "says w= 4 but has 3 rows"),
        (MEME.replace("w= 3", "w= three"), "no number"),
        (MEME.replace("alength= 4", "alength= 20"), "expected 4, for DNA"),
        (MEME.replace("ALPHABET= ACGT", "ALPHABET= ACDEFGHIKLMNPQRSTVWY"), "line 3"),
        ("MEME version 4\n", "holds no motif"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(FileFormatError, match=message) as caught:
        read_motifs(path)
    assert str(path) in str(caught.value)


def test_binary_and_missing_files(tmp_path):
    path = tmp_path / "motifs.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00\xff\xfe")
    with pytest.raises(FileFormatError, match="not a text file"):
        read_motifs(path)
    with pytest.raises(MissingFileError, match="no motif file"):
        read_motifs(tmp_path / "absent.jaspar")


def test_bundled_matrices_are_those_of_jaspar(testdata):
    everything = {
        motif.id.split("_")[0]: motif for motif in read_motifs(testdata / "motifs" / "JASPAR2022_vertebrates.pfm")
    }
    bundle = read_motifs(bundled(MOTIFS))
    assert [(motif.id, motif.width) for motif in bundle] == [("MA0139.1", 19), ("MA0080.6", 17)]
    for motif in bundle:
        np.testing.assert_allclose(motif.counts, everything[motif.id].counts, atol=1e-6)


def test_whole_databases_are_read(testdata):
    jaspar = read_motifs(testdata / "motifs" / "JASPAR2022_vertebrates.pfm")
    hocomoco = read_motifs(testdata / "motifs" / "HOCOMOCOv9.meme")
    assert len(jaspar) == (testdata / "motifs" / "JASPAR2022_vertebrates.pfm").read_text().count(">")
    assert len(hocomoco) == (testdata / "motifs" / "HOCOMOCOv9.meme").read_text().count("\nMOTIF")
