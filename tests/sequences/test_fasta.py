"""FASTA in all its dialects, and one clear line for each file that is something else."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import dnaio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqexplain.errors import (
    FileFormatError,
    MissingFileError,
    ParameterError,
    SequenceError,
    SequenceWarning,
)
from seqexplain.sequences import read_fasta

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(content: str | bytes, name: str = "x.fa") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to_file


def pairs(path: Path | str, **options) -> list[tuple[str, str]]:
    return [(record.name, record.sequence) for record in read_fasta(path, **options)]


def test_the_plain_case(write: Write) -> None:
    path = write(">one first of two\nACGT\nAC\n>two\nTT\n")
    first, second = read_fasta(path)
    assert (first.name, first.description, first.sequence) == ("one", "first of two", "ACGTAC")
    assert (second.name, second.description, second.sequence) == ("two", "", "TT")
    assert str(second.source) == f"{path}, record 2, line 4"
    assert len(first) == 6


@pytest.mark.parametrize(
    "content",
    [
        ">a\r\nACG\r\nT\r\n>b\r\nNN\r\n",
        ">a\rACG\rT\r>b\rNN\r",
        ">a\nacg\nt\n>b\nnn",
        "\ufeff>a\nACGT\n>b\nNN\n",
        "# a comment\n\n; another\n> a\nAC GT\n\n#inside\n>b  \n  NN  \n",
        "\n\n>a\n\n\nACGT\n\n>b\nN\n\nN",
    ],
    ids=["windows", "old mac", "lower case, no last line end", "byte order mark", "comments", "blank lines"],
)
def test_dialects_read_the_same(write: Write, content: str) -> None:
    assert pairs(write(content)) == [("a", "ACGT"), ("b", "NN")]


def bgzip(data: bytes) -> bytes:
    """Several gzip members after each other, as bgzip writes them."""
    return b"".join(gzip.compress(data[i : i + 11]) for i in range(0, len(data), 11)) + gzip.compress(b"")


@pytest.mark.parametrize("compress", [gzip.compress, bgzip, bz2.compress, lzma.compress])
def test_compressed_whatever_the_name(write: Write, compress) -> None:
    content = b">a\nACGT\n>b desc\nNNNN\nRYK\n"
    assert pairs(write(compress(content), "x.txt")) == [("a", "ACGT"), ("b", "NNNNRYK")]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(gzip.compress(b">a\nAC\n")))
    monkeypatch.setattr(sys, "stdin", stdin)
    (record,) = read_fasta("-")
    assert record.sequence == "AC"
    assert record.source is not None
    assert record.source.file == "standard input"
    assert not stdin.buffer.closed


def test_reading_is_streamed(write: Write) -> None:
    records = read_fasta(write(">a\nAC\n>b\nAC\n>c\nA!\n"))
    assert next(records).name == "a"
    assert next(records).name == "b"
    with pytest.raises(SequenceError):
        next(records)


def test_repeated_names(write: Write) -> None:
    path = write(">p\nA\n>p\nC\n>p.2\nG\n>p\nT\n>\nA\n>\nC\n")
    assert [name for name, _ in pairs(path)] == ["p", "p.2", "p.2.2", "p.3", "unnamed", "unnamed.2"]
    assert [name for name, _ in pairs(path, duplicates="keep")] == [
        "p",
        "p",
        "p.2",
        "p",
        "unnamed",
        "unnamed",
    ]
    taken = write(">p.2\nA\n>p\nC\n>p\nG\n", "taken.fa")
    assert [name for name, _ in pairs(taken)] == ["p.2", "p", "p.3"]
    with pytest.raises(SequenceError, match=r"record 2, line 3: the name 'p'"):
        pairs(path, duplicates="error")


def test_empty_records(write: Write) -> None:
    path = write(">a\nAC\n>b\n>c\n\n>d\nG\n")
    with pytest.raises(SequenceError, match=r"record 2, line 3: 'b' has no bases.*empty=\"skip\""):
        pairs(path)
    with pytest.warns(SequenceWarning, match=r"Skipped 2 records .* record 2, line 3"):
        assert pairs(path, empty="skip") == [("a", "AC"), ("d", "G")]
    with pytest.raises(FileFormatError, match="holds no sequence"):
        pairs(write(">a\n>b\n"), empty="skip")


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("chr1:100-104", "chr1:100-104(.)"),
        ("chr1:100-104(-)", "chr1:100-104(-)"),
        ("chr1:1,000-1,004(+) some words", "chr1:1000-1004(+)"),
        ("peak_7::chrUn_KI270742v1:100-104", "chrUn_KI270742v1:100-104(.)"),
        ("chr1:101-104", "chr1:100-104(.)"),  # samtools faidx counts from 1 and includes the end
        ("chr1:100-200", "None"),
        ("chr1:100-104:x", "None"),
        ("ECK120010467__accAp__forward__208411", "None"),
    ],
)
def test_intervals_in_headers(write: Write, header: str, wanted: str) -> None:
    (record,) = read_fasta(write(f">{header}\nACGT\n"))
    assert str(record.interval) == wanted
    (record,) = read_fasta(write(f">{header}\nACGT\n"), parse_intervals=False)
    assert record.interval is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no sequence"),
        ("# only a comment\n", "holds no sequence"),
        ("@r1\nACGT\n+\nIIII\n", r"line 1: this is a FASTQ file.*seqtk"),
        ("@HD\tVN:1.6\nr1\t0\n", "line 1: this is a SAM file"),
        ("<!DOCTYPE html>\n<html>", "line 1: this is a web page"),
        ("chr1\t100\t200\tpeak\n", r"line 1: this is a BED file.*--genome"),
        ("#c\nACGTACGT\n", "line 2: bases before the first header"),
        ("character\tvalue\n", r"line 1: 'character\\tvalue' is no FASTA header"),
        (b">a\nAC\0GT\n", "line 2: the file is binary"),
        (b"PK\x03\x04....", "a Zip archive"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (">a\nACGT\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_files_that_are_something_else(write: Write, content: str | bytes, message: str) -> None:
    with pytest.raises(FileFormatError, match=message) as caught:
        pairs(write(content))
    assert "\n" not in str(caught.value)
    assert "x.fa" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (">a\nACGT\n>b\nAC\nG-T\n", r"x.fa, record 2 \('b'\), line 5, column 2: '-' \(an alignment gap\?\)"),
        (">sp|P04637|P53_HUMAN\nMEEPQSDPSVEP\n", r"column 2: 'E' is not a base.*Is this a protein\?"),
        (">a\n1 acgt\n", r"line 2, column 1: '1' \(a number\?\)"),
        (">a\n  ACé\n", "line 2, column 5: 'é'"),
    ],
)
def test_characters_that_are_no_base(write: Write, content: str, message: str) -> None:
    with pytest.raises(SequenceError, match=message):
        pairs(write(content))


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_data_cut_short(write: Write, compress) -> None:
    content = "".join(f">s{i}\n{'ACGTTGCA' * (i % 9 + 1)}\n" for i in range(4000)).encode()
    path = write(compress(content)[: len(compress(content)) // 2])
    with pytest.raises(FileFormatError, match=r"x\.fa is cut short.*Copy or download it again"):
        pairs(path)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_data_damaged(write: Write, compress) -> None:
    content = "".join(f">s{i}\n{'ACGTTGCA' * (i % 9 + 1)}\n" for i in range(4000)).encode()
    data = bytearray(compress(content))
    data[-8:] = b"\x55" * 8  # where each format keeps its check sum or its end mark
    with pytest.raises(FileFormatError, match=r"x\.fa .*(damaged|cannot be read).*Copy or download it again"):
        pairs(write(bytes(data)))


def test_missing_file_and_folder_at_once(tmp_path: Path) -> None:
    """The call itself raises: no need to ask for a first record."""
    with pytest.raises(MissingFileError, match=r"nothing\.fa does not exist; expected a FASTA file"):
        read_fasta(tmp_path / "nothing.fa")
    with pytest.raises(MissingFileError, match=r"folder .* does not exist either"):
        read_fasta(tmp_path / "no" / "nothing.fa")
    with pytest.raises(FileFormatError, match="is a folder"):
        read_fasta(tmp_path)
    with pytest.raises(ParameterError, match="Received int"):
        read_fasta(3)
    with pytest.raises(ParameterError, match="path is empty"):
        read_fasta("")


def test_unknown_options(write: Write) -> None:
    path = write(">a\nA\n")
    with pytest.raises(ParameterError, match="duplicates is 'first'; expected one of 'number', 'keep', 'error'"):
        read_fasta(path, duplicates="first")
    with pytest.raises(ParameterError, match="empty is 'drop'"):
        read_fasta(path, empty="drop")


@given(st.lists(st.tuples(st.text("abc123_|", min_size=1, max_size=8), st.text("ACGTNacgtRY", min_size=1)), min_size=1))
def test_agrees_with_dnaio(tmp_path_factory: pytest.TempPathFactory, records) -> None:
    path = tmp_path_factory.mktemp("fasta") / "x.fa"
    lines = []
    for name, sequence in records:
        lines.append(f">{name}")
        lines.extend(sequence[i : i + 7] for i in range(0, len(sequence), 7))
    path.write_text("\n".join(lines) + "\n")
    with dnaio.open(path) as reader:
        wanted = [(record.name, record.sequence.upper()) for record in reader]
    assert pairs(path, duplicates="keep") == wanted


@pytest.mark.parametrize(
    ("file", "n", "lengths", "with_interval"),
    [
        ("ctcf_peaks_100bp.fa.gz", 39_184, {100}, 39_184),
        ("TAp73alpha.fa", 1000, {200}, 1000),
        ("ecoli_nonpromoters.fa", 3000, {81}, 0),
        ("crp_sites.fa", 358, {26}, 0),
        ("cap_dna.fa", 49, {22}, 0),
    ],
)
def test_real_files(testdata: Path, file: str, n: int, lengths: set[int], with_interval: int) -> None:
    records = list(read_fasta(testdata / "seqs" / file))
    assert len(records) == n
    assert {len(record) for record in records} == lengths
    assert sum(record.interval is not None for record in records) == with_interval
    assert len({record.name for record in records}) == n
