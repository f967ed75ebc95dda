"""A genome by interval: the right bases, aliases of names, indexes that need no writable folder."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from seqexplain.errors import FileFormatError, MissingFileError, SequenceError
from seqexplain.sequences import Genome

CHR1 = "ACGTACGTNNacgtTTGCAAGCATCGACTAGCATCAGACGGCTTACG"
MT = "GGGCCCTATA"


def wrapped(text: str, width: int = 10) -> str:
    return "\n".join(text[i : i + width] for i in range(0, len(text), width)) + "\n"


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    path = tmp_path / "genome.fa"
    path.write_text(f">chr1 the first\n{wrapped(CHR1)}>chrM\n{wrapped(MT)}>chr2\nA\n")
    return path


def test_fetches_what_slicing_gives(fasta: Path) -> None:
    with Genome(fasta) as genome:
        for start in range(len(CHR1)):
            for end in range(start, len(CHR1) + 1):
                assert genome.fetch("chr1", start, end) == CHR1[start:end].upper()
        assert genome.lengths == {"chr1": len(CHR1), "chrM": len(MT), "chr2": 1}
        assert genome.length("chrM") == 10


def test_beyond_the_ends_is_n(fasta: Path) -> None:
    with Genome(fasta) as genome:
        assert genome.fetch("chrM", -3, 4) == "NNNGGGC"
        assert genome.fetch("chrM", 8, 12) == "TANN"
        assert genome.fetch("chrM", -1, 12) == "N" + MT + "NN"
        assert genome.fetch("chrM", 20, 23) == "NNN"
        assert genome.fetch("chrM", -5, -1) == "NNNN"
        assert genome.fetch("chrM", 3, 3) == ""


@pytest.mark.parametrize(
    ("asked", "found"),
    [("chr1", "chr1"), ("1", "chr1"), ("M", "chrM"), ("MT", "chrM"), ("chrMT", "chrM"), ("2", "chr2")],
)
def test_aliases_of_ucsc_names(fasta: Path, asked: str, found: str) -> None:
    with Genome(fasta) as genome:
        assert genome.resolve(asked) == found


def test_aliases_of_ensembl_names(tmp_path: Path) -> None:
    path = tmp_path / "ensembl.fa"
    path.write_text(">1\nACGT\n>MT\nGG\n>GL000194.1\nTT\n")
    with Genome(path) as genome:
        assert [genome.resolve(name) for name in ("chr1", "chrM", "M", "GL000194.1")] == [
            "1",
            "MT",
            "MT",
            "GL000194.1",
        ]


def test_unknown_chromosome_lists_some_and_guesses(tmp_path: Path) -> None:
    path = tmp_path / "many.fa"
    path.write_text("".join(f">chromosome_{i}\nACGT\n" for i in range(9)))
    with Genome(path) as genome:
        with pytest.raises(SequenceError, match=r"no chromosome 'chromosme_7'.* \(9 in all\).*mean 'chromosome_7'"):
            genome.resolve("chromosme_7")
        with pytest.raises(SequenceError, match="Is it the right genome"):
            genome.resolve("scaffold9")


def test_index_is_made_beside_the_file_and_renewed(fasta: Path) -> None:
    with Genome(fasta):
        pass
    assert sorted(path.name for path in fasta.parent.iterdir()) == ["genome.fa", "genome.fa.fai"]
    fasta.write_text(">chr9\nGATTACA\n")
    later = fasta.stat().st_mtime + 10
    os.utime(fasta, (later, later))
    with Genome(fasta) as genome:
        assert genome.lengths == {"chr9": 7}


def test_folder_that_cannot_be_written(fasta: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # permissions do not bind the superuser tests may run as
    with Genome(fasta) as genome:
        assert genome.fetch("chrM", 0, 3) == "GGG"
        assert genome._scratch is not None
        scratch = Path(genome._scratch.name)
        assert list(scratch.iterdir())
    assert not scratch.exists()
    assert [path.name for path in fasta.parent.iterdir()] == ["genome.fa"]


def test_old_index_in_a_folder_that_cannot_be_written(fasta: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = fasta.with_name("genome.fa.fai")
    index.write_text("chr1\t4\t6\t4\t5\n")
    earlier = fasta.stat().st_mtime - 10
    os.utime(index, (earlier, earlier))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with Genome(fasta) as genome:
        assert genome.length("chrM") == 10
    assert index.read_text() == "chr1\t4\t6\t4\t5\n"


def test_stale_index_of_another_file_is_noticed(fasta: Path) -> None:
    index = fasta.with_name("genome.fa.fai")
    index.write_text("chr1\t5000\t16\t10\t11\n")
    later = fasta.stat().st_mtime + 10
    os.utime(index, (later, later))
    with Genome(fasta) as genome, pytest.raises(FileFormatError, match=r"delete .*genome\.fa\.fai"):
        genome.fetch("chr1", 1000, 1010)


def test_block_compressed_genome(tmp_path: Path) -> None:
    bgzf = pytest.importorskip("Bio.bgzf", reason="Biopython reads bgzip files")
    path = tmp_path / "genome.fa.gz"
    with bgzf.open(str(path), "wb") as out:
        out.write(f">chr1\n{wrapped(CHR1 * 3000)}>chrM\n{wrapped(MT)}".encode())
    text = (CHR1 * 3000).upper()
    for _ in range(2):  # the second time with the indexes that the first one left
        with Genome(path) as genome:
            for start in (0, 65_530, 100_001):
                assert genome.fetch("chr1", start, start + 30) == text[start : start + 30]
            assert genome.fetch("M", 5, 12) == "CTATANN"
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "genome.fa.gz",
        "genome.fa.gz.fai",
        "genome.fa.gz.gzi",
    ]


def test_plain_gzip_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    path = tmp_path / "genome.fa.gz"
    path.write_bytes(gzip.compress(b">chr1\nACGT\n"))
    pytest.importorskip("Bio.bgzf", reason="Biopython reads bgzip files")
    with pytest.raises(FileFormatError, match=r"gunzip -c .*genome\.fa\.gz \| bgzip"):
        Genome(path)
    assert [p.name for p in tmp_path.iterdir()] == ["genome.fa.gz"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (">chr1\nACGT\n>chr1\nAC\n", "two chromosomes of one name"),
        (">chr1\nACGT\nAC\nACGT\n", "Line length"),
        ("ACGT\n", "cannot be indexed as a genome"),
        ("", "cannot be indexed as a genome"),
        (b"\xff\xfe\x00", "cannot be indexed as a genome"),
    ],
)
def test_files_that_cannot_be_indexed(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = tmp_path / "genome.fa"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(FileFormatError, match=message) as caught:
        Genome(path)
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["genome.fa"]  # no half index is left behind


def test_missing_genome_and_standard_input(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="expected a genome"):
        Genome(tmp_path / "hg38.fa")
    with pytest.raises(FileFormatError, match="folder"):
        Genome(tmp_path)
    with pytest.raises(FileFormatError, match="standard input"):
        Genome("-")
