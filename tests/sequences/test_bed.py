"""Regions of a BED file as sequences: coordinates, strand, summit, edges, and bad lines by their number."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from seqexplain.errors import (
    FileFormatError,
    MissingFileError,
    ParameterError,
    SequenceError,
    SequenceWarning,
)
from seqexplain.sequences import Genome, fit_length, read_bed, read_fasta, read_regions, reverse_complement

CHR1 = "ACGTTGCAAGCATCGACTAGCATCAGACGGCTTACGCATGAC"
CHR2 = "TTTTGGGGCCCCAAAA"


@pytest.fixture
def genome(tmp_path: Path) -> Path:
    path = tmp_path / "genome.fa"
    path.write_text(f">chr1\n{CHR1}\n>chr2\n{CHR2}\n")
    return path


@pytest.fixture
def bed(tmp_path: Path):
    def write(content: str, name: str = "x.bed") -> Path:
        path = tmp_path / name
        path.write_text(content)
        return path

    return write


def test_three_columns(genome: Path, bed) -> None:
    (record,) = read_bed(bed("chr1\t5\t15\n"), genome)
    assert record.sequence == CHR1[5:15]
    assert record.name == record.description == "chr1:5-15"
    assert str(record.interval) == "chr1:5-15(.)"
    assert str(record.source).endswith("x.bed, record 1, line 1")


@pytest.mark.parametrize(
    "line",
    [
        "chr1\t5\t15\tpeak\t0\t-",
        "chr1 5 15 peak 0 -",
        "1\t5\t15\tpeak\t0\t-\t5\t15\t0,0,0\t1\t10\t0",
        "chr1\t5\t15\tpeak\t0\t-\r",
    ],
    ids=["tabs", "blanks", "12 columns and an alias", "windows"],
)
def test_minus_strand_is_reverse_complemented(genome: Path, bed, line: str) -> None:
    (record,) = read_bed(bed(f"{line}\n"), genome)
    assert record.sequence == reverse_complement(CHR1[5:15])
    assert (record.name, str(record.interval)) == ("peak", "chr1:5-15(-)")
    (record,) = read_bed(bed(f"{line}\n"), genome, use_strand=False)
    assert record.sequence == CHR1[5:15]
    assert str(record.interval) == "chr1:5-15(.)"


def test_header_lines_blanks_and_names(genome: Path, bed) -> None:
    content = (
        "browser position chr1\n#chrom\tstart\tend\ntrack name=x\n\n"
        "chr1\t0\t2\ta\nchr1\t1\t3\ta\n \nchr2\t0\t4\t.\nchr2\t0\t4\t.\n"
    )
    records = list(read_bed(bed(content), genome))
    assert [r.name for r in records] == ["a", "a.2", "chr2:0-4", "chr2:0-4.2"]
    assert [r.source.line for r in records] == [5, 6, 8, 9]
    assert [r.source.record for r in records] == [1, 2, 3, 4]


def test_compressed(genome: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.bed.gz"
    path.write_bytes(gzip.compress(b"chr2\t0\t4\n"))
    assert [record.sequence for record in read_bed(path, genome)] == ["TTTT"]


def peak(start: int, end: int, summit: int, strand: str = ".") -> str:
    return f"chr1\t{start}\t{end}\t.\t0\t{strand}\t1.5\t-1\t-1\t{summit}\n"


def test_narrow_peak_is_centred_on_its_summit(genome: Path, bed) -> None:
    path = bed(peak(10, 30, 7) + peak(10, 30, -1))
    summit, middle = read_bed(path, genome, length=6)
    assert summit.sequence[3] == CHR1[17]
    assert str(summit.interval) == "chr1:14-20(.)"
    assert str(middle.interval) == "chr1:17-23(.)"  # summit not known
    assert [str(r.interval) for r in read_bed(path, genome, length=6, centre="middle")] == ["chr1:17-23(.)"] * 2
    assert [str(r.interval) for r in read_bed(path, genome)] == ["chr1:10-30(.)"] * 2
    with pytest.raises(SequenceError, match=r"line 2: the region has no summit"):
        list(read_bed(path, genome, length=6, centre="summit"))


def test_summit_on_the_minus_strand(genome: Path, bed) -> None:
    (record,) = read_bed(bed(peak(10, 30, 7, "-")), genome, length=5)
    assert record.sequence == reverse_complement(CHR1[15:20])


@pytest.mark.parametrize("length", [1, 4, 7, 10, 11])
@pytest.mark.parametrize("end", [20, 21])
def test_window_is_what_cropping_the_whole_region_gives(genome: Path, bed, length: int, end: int) -> None:
    path = bed(f"chr1\t8\t{end}\n")
    (whole,) = read_bed(path, genome)
    (window,) = read_bed(path, genome, length=length)
    cropped = fit_length(whole, length, policy="crop-or-pad")
    assert (window.sequence, window.interval) == (cropped.sequence, cropped.interval)


def test_windows_off_the_edge(genome: Path, bed) -> None:
    path = bed("chr2\t0\t4\tleft\t0\t-\nchr2\t6\t10\tinside\nchr2\t12\t16\tright\n")
    with pytest.raises(SequenceError, match=r"line 1: the window chr2:-2-6 runs off chr2, which has 16 bp.*\"pad\""):
        list(read_bed(path, genome, length=8))
    with pytest.warns(SequenceWarning, match=r"Padded with N: 2 windows.*line 1"):
        left, inside, right = read_bed(path, genome, length=8, edges="pad")
    assert left.sequence == reverse_complement("NN" + CHR2[:6])
    assert str(left.interval) == "chr2:-2-6(-)"
    assert inside.sequence == CHR2[4:12]
    assert right.sequence == CHR2[10:] + "NN"
    with pytest.warns(SequenceWarning, match="Skipped: 2 windows"):
        assert [r.name for r in read_bed(path, genome, length=8, edges="skip")] == ["inside"]
    with pytest.raises(SequenceError, match="runs off"):
        list(read_bed(bed("chr2\t10\t17\n"), genome))  # also without a length


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no region"),
        ("#only\n", "holds no region"),
        ("chr1\t5\n", r"line 1: 'chr1\\t5' has 2 columns; expected at least 3"),
        ("chrom\tstart\tend\nchr1\t1\t2\n", r"line 1: the start is 'start'.*begin it with '#'"),
        ("chr1\t1\t2\nchr1\t1\t2.5\n", "line 2: the end is '2.5'; expected a whole number"),
        ("chr1\t5\t5\n", "line 1: the region chr1:5-5 is empty"),
        ("chr1\t9\t5\n", "empty or reversed"),
        ("chr1\t-1\t5\n", "0 <= start < end"),
        ("chr1\t1\t5\tx\t0\tplus\n", "strand, column 6, is 'plus'"),
        (peak(10, 30, 20), "summit, column 10, is 20; expected a distance from the start, 0 to 19"),
        ("chr1\t1\t5\tx\t0\t+\t1\t1\t1\tgene\n", "column 10 is 'gene'.*narrowPeak"),
        (">chr1\nACGT\n", "line 1: this is a FASTA file"),
        ("<html>\n", "web page"),
    ],
)
def test_bad_lines(genome: Path, bed, content: str, message: str) -> None:
    with pytest.raises(FileFormatError, match=message) as caught:
        list(read_bed(bed(content), genome))
    assert "x.bed" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bad_first_line_gives_the_hint_only_there(genome: Path, bed) -> None:
    with pytest.raises(FileFormatError) as caught:
        list(read_bed(bed("chr1\t1\t2\nchrom\tstart\tend\n"), genome))
    assert "#" not in str(caught.value)


def test_unknown_chromosome_names_the_line(genome: Path, bed) -> None:
    with pytest.raises(SequenceError, match=r"x\.bed, record 2, line 2: The genome .* no chromosome 'chr3'"):
        list(read_bed(bed("chr1\t1\t2\nchr3\t1\t2\n"), genome))


def test_genome_with_something_that_is_no_base(tmp_path: Path, bed) -> None:
    path = tmp_path / "odd.fa"
    path.write_text(">chr1\nACGT-CGT\n")
    with pytest.raises(SequenceError, match=r"chr1, position 4 \(0-based\) is '-'.*line 1 asked"):
        list(read_bed(bed("chr1\t2\t7\n"), path))


def test_open_genome_stays_open(genome: Path, bed) -> None:
    path = bed("chr2\t0\t4\n")
    with Genome(genome) as opened:
        assert [r.sequence for r in read_bed(path, opened)] == ["TTTT"]
        assert [r.sequence for r in read_bed(path, opened)] == ["TTTT"]


def test_files_and_options_are_checked_by_the_call_itself(genome: Path, bed, tmp_path: Path) -> None:
    path = bed("chr1\t1\t2\n")
    with pytest.raises(MissingFileError, match="a BED file"):
        read_bed(tmp_path / "none.bed", genome)
    with pytest.raises(MissingFileError, match="a genome"):
        read_bed(path, tmp_path / "none.fa")
    with pytest.raises(ParameterError, match="edges is 'clip'"):
        read_bed(path, genome, edges="clip")
    with pytest.raises(ParameterError, match="centre is 'start'"):
        read_bed(path, genome, centre="start")
    for length in (0, 2.0, True):
        with pytest.raises(ParameterError, match="length is"):
            read_bed(path, genome, length=length)


def test_regions_without_a_genome(bed) -> None:
    (region,) = read_regions(bed(peak(10, 30, 7, "+")))
    assert (region.chromosome, region.start, region.end, region.strand, region.summit) == (
        "chr1",
        10,
        30,
        "+",
        7,
    )


def test_phage_lambda(testdata: Path, bed, tmp_path: Path) -> None:
    """The cohesive end cosL, and gene cro (NC_001416, 38041-38241), which begins ATG and ends TAA."""
    source = testdata / "genome" / "lambda_virus.fa"
    copy = tmp_path / "lambda.fa"
    copy.write_bytes(source.read_bytes())  # no index is left in the folder of test data
    (whole,) = read_fasta(source)
    path = bed(f"{whole.name}\t0\t12\n{whole.name}\t38040\t38241\tcro\t0\t+\n")
    cos, cro = read_bed(path, copy)
    assert cos.sequence == "GGGCGGCGACCT"
    assert cro.sequence.startswith("ATG")
    assert cro.sequence.endswith("TAA")
    assert cro.sequence == whole.sequence[38040:38241]
