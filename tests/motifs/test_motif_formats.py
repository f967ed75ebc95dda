"""Motif files of other projects: HOMER, ENCODE, HOCOMOCO, CIS-BP, TRANSFAC, MEME's own output; sums that are off."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from seqexplain.errors import FileFormatError
from seqexplain.motifs import read_motifs

P = [[0.1, 0.2, 0.3, 0.4], [0.97, 0.01, 0.01, 0.01], [0.25, 0.25, 0.25, 0.25]]

HOMER = (
    ">ATGN\tAP-1(bZIP)/ThioMac-PU.1-ChIP-Seq(GSE21512)/Homer\t6.049537\t-1782.996\t0\t9805.3,5781.0\n"
    + "".join("\t".join(f"{p:.3f}" for p in row) + "\n" for row in P)
    + ">NNN\tde novo 1\t5.5\n0.5\t0.5\t0.0\t0.0\n0.997\t0.001\t0.001\t0.001\n"
)
ENCODE = ">AP1_disc1 AP1_K562_encode\n" + "".join(
    f"{letter} {' '.join(f'{p:.6f}' for p in row)}\n" for letter, row in zip("NAN", P, strict=True)
)
HOCOMOCO_COUNTS = (
    ">AHR_HUMAN.H11MO.0.B\n40.51\t18.25\t56.36\t38.77\n10.8\t11.9\t34.6\t96.5\n21.71\t43.85\t20.71\t67.6\n"
)
CIS_BP = "Pos\tA\tC\tG\tT\n" + "".join(f"{k}\t" + "\t".join(map(str, row)) + "\n" for k, row in enumerate(P, 1))
SWAPPED = "Pos\tT\tG\tC\tA\n" + "".join(f"{k}\t" + "\t".join(map(str, row[::-1])) + "\n" for k, row in enumerate(P, 1))
HEADERLESS = "".join(" ".join(map(str, row)) + "\n" for row in P)
TRANSFAC = """VV  TRANSFAC MATRIX TABLE, Release 1.0
XX
//
AC  M00001
XX
ID  V$MYOD_01
XX
NA  MyoD
XX
BF  T00526; MyoD; Species: mouse, Mus musculus.
XX
P0      A      C      G      T
01      1      2      2      0      S
02      2      1      2      0      R
03      0      5      0      0      C
XX
CC  tf_family:MyoD/ASC-related
//
AC  M00002
XX
ID  only a name
PO T G C A
1 1 2 3 4
2 4 3 2 1
//
"""
MEME_OUTPUT = """********************************************************************************
MEME - Motif discovery tool
********************************************************************************
MEME version 5.5.7 (Release date: Wed Jun 19)

ALPHABET "DNA" DNA-LIKE
A "Adenine" CC0000 ~ T "Thymine" 0000CC
END ALPHABET

MOTIF GATA MEME-1	width =   3  sites =  10  llr = 77  E-value = 1.2e-003
********************************************************************************
log-odds matrix: alength= 4 w= 3 n= 100 bayes= 4 E= 1.2e-003
   104  -945  -945    55
   104  -945  -945    55
  -945  -945   218  -945
letter-probability matrix: alength= 4 w= 3 nsites= 10 E= 1.2e-003
 0.100000  0.200000  0.300000  0.400000
 0.970000  0.010000  0.010000  0.010000
 0.250000  0.250000  0.250000  0.250000
--------------------------------------------------------------------------------
MOTIF second width = 1
letter-probability matrix: alength= 4 w= 1 nsites= 4 E= 1
1e0 0 0 0
URL https://example.org
"""


def write(folder, text, name="some_motif.txt"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_homer(tmp_path):
    first, second = read_motifs(write(tmp_path, HOMER))
    assert (first.id, first.name) == ("AP-1(bZIP)/ThioMac-PU.1-ChIP-Seq(GSE21512)/Homer", "AP-1")
    assert first.family == "bZIP"
    assert first.annotations["log_odds_threshold"] == "6.049537"
    assert (second.id, second.name, second.family) == ("de novo 1", "de novo 1", "")
    np.testing.assert_allclose(first.probabilities, P)


@pytest.mark.parametrize(
    ("text", "id"),
    [(ENCODE, "AP1_disc1"), (CIS_BP, "some_motif"), (SWAPPED, "some_motif"), (HEADERLESS, "some_motif")],
)
def test_probabilities_in_other_dress(tmp_path, text, id):
    (motif,) = read_motifs(write(tmp_path, text))
    assert (motif.id, motif.kind) == (id, "probabilities")
    np.testing.assert_allclose(motif.probabilities, P)
    np.testing.assert_allclose(motif.counts, np.multiply(P, 20))  # assumed sites


def test_hocomoco_counts(tmp_path):
    (motif,) = read_motifs(write(tmp_path, HOCOMOCO_COUNTS))
    assert (motif.id, motif.kind) == ("AHR_HUMAN.H11MO.0.B", "counts")
    np.testing.assert_array_equal(motif.counts[1], [10.8, 11.9, 34.6, 96.5])


def test_transfac(tmp_path):
    first, second = read_motifs(write(tmp_path, TRANSFAC))
    assert (first.id, first.name, first.family) == ("M00001", "MyoD", "MyoD/ASC-related")
    assert first.annotations["species"] == "mouse, Mus musculus"
    np.testing.assert_array_equal(first.counts, [[1, 2, 2, 0], [2, 1, 2, 0], [0, 5, 0, 0]])
    assert (second.id, second.name) == ("M00002", "only a name")
    np.testing.assert_array_equal(second.counts, [[4, 3, 2, 1], [1, 2, 3, 4]])


def test_what_meme_itself_writes(tmp_path):
    first, second = read_motifs(write(tmp_path, MEME_OUTPUT))
    assert (first.id, first.name, first.kind) == ("GATA", "MEME-1", "counts")
    np.testing.assert_allclose(first.counts, np.multiply(P, 10))
    assert (second.id, second.name, second.annotations) == ("second", "second", {"url": "https://example.org"})


def test_four_rows_of_four_are_told_by_their_sums(tmp_path):
    p = np.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1], [0.9, 0.05, 0.03, 0.02], [0.6, 0.2, 0.1, 0.1]])
    bare = [" ".join(map(str, row)) for row in p]
    as_bases = [" ".join(map(str, row)) for row in p.T]
    for rows in (bare, as_bases, [f"{c} {row}" for c, row in zip("TACG", bare, strict=True)]):
        (motif,) = read_motifs(write(tmp_path, ">m\n" + "\n".join(rows) + "\n"))
        np.testing.assert_allclose(motif.probabilities, p)
    labelled = [f"{base} [ {row} ]" for base, row in zip("ACGT", as_bases, strict=True)]
    (motif,) = read_motifs(write(tmp_path, ">m\n" + "\n".join(labelled) + "\n"))
    np.testing.assert_allclose(motif.probabilities, p)


def test_counts_of_one_site_are_counts(tmp_path):
    (motif,) = read_motifs(write(tmp_path, ">m\n1 0 0 0\n0 0 1 0\n"))
    assert motif.kind == "counts"
    (motif,) = read_motifs(write(tmp_path, ">m\n1.0 0.0 0.0 0.0\n0.0 0.0 1.0 0.0\n"))
    assert motif.kind == "probabilities"
    np.testing.assert_array_equal(motif.counts.sum(1), 20)


@pytest.mark.parametrize(
    ("row", "fine"),
    [
        ("0.333 0.333 0.333 0", True),  # 1e-3 short with three decimals
        ("0.333333 0.333333 0.333333 0", True),
        ("0.333 0.333 0.333000 0", False),  # six decimals: 1e-3 is not rounding
        ("0.25 0.25 0.25 0.22", True),  # within four units of the second decimal
        ("0.25 0.25 0.25 0.20", False),
        ("0.250 0.250 0.250 0.246", True),
        ("0.250 0.250 0.250 0.245", False),
        ("3.33e-1 3.33e-1 3.34e-1 0", True),
        ("0.5 0.5 0.5 0.5", False),
        ("1 1 0 0", False),
    ],
)
@pytest.mark.parametrize("head", ["MEME version 4\nMOTIF m\nletter-probability matrix: nsites= 7\n1 0 0 0\n"])
def test_sums_that_rounding_explains_and_others(tmp_path, row, fine, head):
    path = write(tmp_path, head + row + "\n")
    if fine:
        (motif,) = read_motifs(path)
        numbers = np.array(row.split(), dtype=float)
        np.testing.assert_allclose(motif.counts[1], numbers * 7)  # as written, not divided by anything
    else:
        with pytest.raises(FileFormatError, match=r"line 5: motif 'm', position 1: the probabilities sum to"):
            read_motifs(path)
        (motif,) = read_motifs(path, normalise=True)
        np.testing.assert_allclose(motif.counts[1].sum(), 7)


_MATRIX = "MOTIF M1 box\nletter-probability matrix: alength= 4 w= 2 nsites= 10 E= 0\n 0 0 1 0\n 0 0 0 1\n"
_RNA = 'ALPHABET "RNA" RNA-LIKE\nA "Adenine" CC0000\nC "Cytosine" 0000CC\nG "Guanine" FFB300\nU "Uracil" 008000\n'


@pytest.mark.parametrize(
    "alphabet", ["", "ALPHABET= ACGT\n", "ALPHABET= ACGU\n", f"{_RNA}N = ACGU\nEND ALPHABET\n", "alphabet= acgt\n"]
)
def test_alphabets_of_meme_files(tmp_path, alphabet):
    (motif,) = read_motifs(write(tmp_path, f"MEME version 5.5.5\n\n{alphabet}\nstrands: +\n\n{_MATRIX}"))
    assert (motif.consensus, motif.counts.sum(), motif.id, motif.name) == ("GT", 20, "M1", "box")


@pytest.mark.parametrize("line", ["letter-probability matrix:", "letter-probability matrix: alength=4 w=2 E=1e-12"])
def test_meme_files_that_say_less(tmp_path, line):
    text = f"MEME version 4\r\n\r\nMOTIF M1\r\n{line}\r\n0 0 1 0\r\n0 0 0 1\r\n\r\nURL http://x\r\n"
    (motif,) = read_motifs(write(tmp_path, text))
    assert (motif.consensus, motif.kind, motif.name) == ("GT", "probabilities", "M1")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0 0 0 0", r"line 8: motif 'M1', position 1: all probabilities are 0; expected a sum of 1"),
        ("0 1.5 -0.5 0", r"line 8: motif 'M1' has -0.5 for G at position 1; expected probabilities of at least 0"),
        ("0 nan 0 1", r"line 8: motif 'M1' has nan for C at position 1"),
    ],
)
@pytest.mark.parametrize("normalise", [False, True])
def test_positions_that_are_none(tmp_path, row, message, normalise):
    text = "MEME version 4\n\nALPHABET= ACGT\n\n" + _MATRIX.replace(" 0 0 0 1", f" {row}")
    with pytest.raises(FileFormatError, match=message):
        read_motifs(write(tmp_path, text), normalise=normalise)


def test_a_meme_file_without_its_first_line_is_told(tmp_path):
    for text in (_MATRIX, f"ALPHABET= ACGT\n\n{_MATRIX}"):
        with pytest.raises(FileFormatError, match="write 'MEME version 4' above"):
            read_motifs(write(tmp_path, text))


def test_log_odds_are_no_motif(tmp_path):
    with pytest.raises(FileFormatError, match="Turn log-odds back"):
        read_motifs(write(tmp_path, ">AHR_HUMAN.H11MO.0.B\n-1.2 0.3 0.5 0.1\n0.2 -0.7 1.1 -0.3\n"))


def test_compressed_files(tmp_path):
    path = tmp_path / "x.homer.gz"
    path.write_bytes(gzip.compress(HOMER.encode()))
    assert [motif.name for motif in read_motifs(path)] == ["AP-1", "de novo 1"]


def test_encode_motifs_are_read(testdata):
    path = testdata / "motifs" / "encode_motifs.txt.gz"
    found = read_motifs(path)
    assert len(found) == gzip.decompress(path.read_bytes()).count(b">")
    assert {motif.kind for motif in found} == {"probabilities"}
    in_front = {"R": "AG", "W": "AT"}  # GARWTGTAGT stands in front of its rows
    assert all(
        base in in_front.get(letter, letter) for base, letter in zip(found[0].consensus, "GARWTGTAGT", strict=True)
    )


@pytest.mark.parametrize("value", ["nan", "inf", "1e400", "many"])
def test_a_number_of_sites_that_is_none_is_refused(tmp_path, value):
    text = f"MEME version 4\n\nMOTIF a\nletter-probability matrix: alength= 4 w= 1 nsites= {value}\n1 0 0 0\n"
    (tmp_path / "x.meme").write_text(text)
    with pytest.raises(FileFormatError, match=r"line 4.*a field that is no number"):
        read_motifs(tmp_path / "x.meme")
