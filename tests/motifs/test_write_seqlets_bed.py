"""Seqlets as BED, read back line by line."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from seqexplain.errors import SequenceWarning, StorageError
from seqexplain.motifs import Seqlets, write_seqlets_bed
from seqexplain.results import Interval
from seqexplain.sequences.bed import read_regions


def some(intervals):
    return Seqlets(
        sequence=np.array([0, 1, 1, 2]),
        start=np.array([5, 0, 20, 30]),
        end=np.array([15, 4, 29, 41]),
        score=np.array([2.5, -1.0, 0.25, 4.0]),
        p_value=np.array([1e-5, 0.01, np.nan, 1e-30]),
        q_value=np.array([1e-3, 0.2, np.nan, 1e-20]),
        names=("a", "b c", "d"),
        intervals=intervals,
    )


def lines(path):
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    head, *rows = text.splitlines()
    assert head.startswith("#chrom\tchromStart\tchromEnd\tname\tscore\tstrand")
    return [row.split("\t") for row in rows]


def test_on_the_genome(tmp_path):
    """Spans of a sequence from the − strand are turned; order, names, scores and colours."""
    places = (Interval("chr2", 100, 150, "+"), Interval("chr10", 200, 250, "-"), Interval("chr2", 0, 50, "."))
    path = write_seqlets_bed(some(places), tmp_path / "s.bed")
    rows = lines(path)
    assert [row[:6] for row in rows] == [
        ["chr10", "221", "230", "pos_2", "0", "."],
        ["chr10", "246", "250", "neg_0", "200", "."],
        ["chr2", "30", "41", "pos_0", "1000", "."],
        ["chr2", "105", "115", "pos_1", "500", "."],
    ]
    assert [row[6:8] == row[1:3] for row in rows] == [True] * 4
    blue, red = "31,119,180", "214,39,40"
    assert [row[8] for row in rows] == [blue, red, blue, blue]
    assert rows[1][9:] == ["-1", "0.01", "0.2", "b_c", "0", "4"]
    assert [(r.chromosome, r.start, r.end) for r in read_regions(path)] == [(r[0], int(r[1]), int(r[2])) for r in rows]


def test_without_a_genome(tmp_path):
    """The sequences take the place of chromosomes; the same seqlets are the same bytes."""
    path = write_seqlets_bed(some(None), tmp_path / "s.bed.gz")
    assert [row[:3] for row in lines(path)] == [
        ["a", "5", "15"],
        ["b_c", "0", "4"],
        ["b_c", "20", "29"],
        ["d", "30", "41"],
    ]
    before = path.read_bytes()
    with pytest.raises(StorageError, match="exists already"):
        write_seqlets_bed(some(None), path)
    assert write_seqlets_bed(some(None), path, overwrite=True).read_bytes() == before


def test_some_without_an_interval(tmp_path):
    with pytest.warns(SequenceWarning, match="2 of 4 seqlets lie in sequences without genome coordinates"):
        path = write_seqlets_bed(some((Interval("chr2", 100, 150), None, Interval("chr1", 0, 50))), tmp_path / "s.bed")
    assert [row[0] for row in lines(path)] == ["chr1", "chr2"]
    nothing = some(None).take([])
    assert lines(write_seqlets_bed(nothing, tmp_path / "none.bed")) == []


def test_what_hangs_over_the_begin_of_a_chromosome_begins_at_0(tmp_path):
    """BED has no negative places; what lies before the chromosome altogether is padding, and not on it."""
    places = (Interval("chr1", -10, 40, "+"), Interval("chr1", -22, 28, "-"), Interval("chr1", -60, -10, "+"))
    rows = lines(write_seqlets_bed(some(places), tmp_path / "s.bed"))
    assert [row[:3] for row in rows] == [["chr1", "0", "5"], ["chr1", "0", "8"], ["chr1", "24", "28"]]
    assert [row[6:8] for row in rows] == [row[1:3] for row in rows]
    assert [row[13:15] for row in rows] == [["5", "15"], ["20", "29"], ["0", "4"]]


def test_a_place_in_several_sequences_is_written_once(tmp_path):
    """Of each sign the seqlet with the smallest p-value, then that with the larger contribution."""
    found = Seqlets(
        sequence=np.array([0, 1, 2, 2, 3]),
        start=np.array([30, 10, 15, 15, 15]),
        end=np.array([40, 20, 25, 25, 25]),
        score=np.array([1.0, 2.0, -1.0, 3.0, 4.0]),
        p_value=np.array([1e-3, 1e-5, 1e-2, 1e-5, np.nan]),
        q_value=np.full(5, np.nan),
        names=("a", "b", "c", "d"),
        intervals=(Interval("chr1", 0, 60), Interval("chr1", 20, 80), Interval("chr1", 5, 55, "-"), None),
    )
    assert found.unique().score.tolist() == [-1.0, 3.0, 4.0]
    with pytest.warns(SequenceWarning, match="1 of 3 seqlets"):
        rows = lines(write_seqlets_bed(found, tmp_path / "s.bed"))
    assert [(row[1], row[2], row[9]) for row in rows] == [("30", "40", "-1"), ("30", "40", "3")]
