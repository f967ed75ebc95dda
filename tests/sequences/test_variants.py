"""Variants are read whole from VCF and tables, whatever state these are in."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import pandas as pd
import pytest
from Bio import bgzf

from seqexplain.errors import FileFormatError, MissingFileError, ParameterError
from seqexplain.sequences import Variant, read_variants
from seqexplain.sequences.variants import read_lines, variants_of

HEADER = "##fileformat=VCFv4.2\n##a line of no known kind\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n"
REST = "\t30.50\tPASS\tAF=0.10\tGT\t0/1"


def vcf(*lines: str) -> str:
    return HEADER + "".join(f"{line}{REST}\n" for line in lines)


def short(variants: list[Variant]) -> list[tuple[object, ...]]:
    return [(v.chromosome, v.start, v.reference, v.alternative, v.id, v.line, v.allele) for v in variants]


PLAIN = vcf("chr1\t10\trs1\tA\tG", "chr1\t12\t.\tAC\tA,ACT,<DEL>,*,G]chr2:30]", "2\t1\t.\ta\tn")
FOUND = [
    ("chr1", 9, "A", "G", "rs1", 4, 1),
    ("chr1", 11, "AC", "A", "", 5, 1),
    ("chr1", 11, "AC", "ACT", "", 5, 2),
    ("chr1", 11, "AC", "<DEL>", "", 5, 3),
    ("chr1", 11, "AC", "*", "", 5, 4),
    ("chr1", 11, "AC", "G]chr2:30]", "", 5, 5),
    ("2", 0, "A", "N", "", 6, 1),
]


@pytest.mark.parametrize("packed", ["plain", "gzip", "bgzip", "bzip2", "crlf", "bom"])
def test_vcf_in_any_packing(tmp_path: Path, packed: str) -> None:
    path = tmp_path / "x.vcf"
    data = PLAIN.encode()
    if packed == "bgzip":
        with bgzf.open(str(path), "wb") as stream:
            stream.write(data)
    else:
        change = {"gzip": gzip.compress, "bzip2": bz2.compress, "crlf": lambda d: d.replace(b"\n", b"\r\n")}
        change["bom"] = lambda d: b"\xef\xbb\xbf" + d
        path.write_bytes(change.get(packed, lambda d: d)(data))
    assert short(list(read_variants(path))) == FOUND


def test_without_a_header_lines_are_numbered_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "x.vcf"
    path.write_text("\n".join(PLAIN.splitlines()[3:]))
    assert short(list(read_variants(path))) == [(*v[:5], v[5] - 3, v[6]) for v in FOUND]


def test_a_header_alone_holds_no_variants_and_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.vcf"
    path.write_text(HEADER)
    assert list(read_variants(path)) == []
    for nothing in ("", "\n \n"):
        path.write_text(nothing)
        with pytest.raises(FileFormatError, match=r"x\.vcf is empty; expected variants"):
            list(read_variants(path))
    with pytest.raises(MissingFileError, match="does not exist"):
        read_variants(tmp_path / "y.vcf")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("chr1\t10\trs1\tA", "has 4 columns"),
        ("chr1 10 rs1 A G . . .", "between blanks"),
        ("chr1\tten\trs1\tA\tG", "position is 'ten'"),
        ("chr1\t-3\trs1\tA\tG", "position is '-3'"),
        ("chr1\t1e6\trs1\tA\tG", "position is '1e6'"),
        ("\t10\trs1\tA\tG", "chromosome is empty"),
    ],
)
def test_a_broken_line_is_a_variant_with_a_problem(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "x.vcf"
    path.write_text(f"{PLAIN}{line}\n\n{HEADER.splitlines()[2]}\nchr3\t5\t.\tC\tT\n")
    *before, broken, after = read_variants(path)
    assert short(before) == FOUND
    assert (broken.line, broken.start, broken.allele) == (7, -1, 1)
    assert why in broken.problem
    assert short([after]) == [("chr3", 4, "C", "T", "", 10, 1)]


def test_lines_keep_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.vcf"
    data = (PLAIN + "chr\xe9\t5\t\xe9\tC\tT\tNOTE=\xe9").encode("latin-1").replace(b"\n", b"\r\n", 4)
    path.write_bytes(data)
    lines = list(read_lines(path))
    assert "".join(line.text for line in lines).encode("utf-8", "surrogateescape") == data
    (last,) = lines[-1].variants
    assert (last.chromosome, last.id) == ("chr�", "�")  # but what tables get is text


def test_huge_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.vcf"
    path.write_text(f"{HEADER}chr1\t10\t.\tA\t{'ACGT' * 50_000}\t.\t.\tX={'y' * 3_000_000}\n")
    (variant,) = read_variants(path)
    assert len(variant.alternative) == 200_000
    assert variant.name == "chr1:10:A:ACGTACGTACGT…(200000 bp)"


@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_tables_say_by_the_column_what_they_count_from(tmp_path: Path, separator: str) -> None:
    rows = [["#Chrom", "POS", "score", "REF", "ALT", "name"], ["chr1", "10", "x", "a", "G", "rs1"]]
    path = tmp_path / "x.txt"
    path.write_text("## a remark\n" + "\n".join(separator.join(row) for row in rows) + "\n\n")
    assert short(list(read_variants(path))) == [("chr1", 9, "A", "G", "rs1", 3, 1)]
    both = [[*rows[0], "start"], [*rows[1], "30"]]
    path.write_text("\n".join(separator.join(row) for row in both))
    assert short(list(read_variants(path))) == [("chr1", 30, "A", "G", "rs1", 2, 1)]  # as our tables have it
    rows[0][1] = "start"
    path.write_text("\n".join(separator.join(row) for row in rows))
    assert short(list(read_variants(path))) == [("chr1", 10, "A", "G", "rs1", 2, 1)]


def test_rows_of_tables_can_be_broken(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('chromosome,start,ref,alt\nchr1,3,A\n"chr1",4,A,"C,G"\nchr1,,A,C\nchr1,5,A,\n')
    first, *both, third, last = read_variants(path)
    assert first.problem == "the line has 3 columns, the header 4."
    assert [(v.start, v.alternative, v.allele) for v in both] == [(4, "C", 1), (4, "G", 2)]
    assert "position is ''" in third.problem
    assert (last.alternative, last.problem) == (".", "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("chromosome\tstart\tref\n", "neither VCF nor a table"),
        ("chromosome\tref\talt\n", "either start"),
        ("chr\tpos\tref\talt\tchrom\n", "both say the chromosome"),
        (">chr1\nACGT\n", "begins with '>chr1'"),
        ("BCF\2\2\0\0", "binary"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "x"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=why):
        list(read_variants(path))


def test_variants_in_memory() -> None:
    frame = pd.DataFrame({"chrom": ["chr1", "chr2"], "pos": [10, 3], "ref": ["A", "c"], "alt": ["G", None]})
    assert [(v.chromosome, v.start, v.reference, v.alternative) for v in variants_of(frame)] == [
        ("chr1", 9, "A", "G"),
        ("chr2", 2, "C", "."),
    ]
    (one,) = variants_of([Variant("chr1", 9, "a", "<Del>")])
    assert (one.reference, one.alternative) == ("A", "<Del>")
    for wrong in (3, [("chr1", 9, "A", "G")]):
        with pytest.raises(ParameterError, match="expected"):
            list(variants_of(wrong))
