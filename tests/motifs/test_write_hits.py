"""Files of hits, read back."""

from __future__ import annotations

import gzip
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_motif_hits import PLACES, hits_at

from seqexplain.errors import ParameterError, SeqExplainWarning, StorageError
from seqexplain.motifs import write_hits
from seqexplain.results import Interval

INTERVALS = (
    Interval("chr2", 1000, 1100, "+"),
    Interval("chr10", 1, 101, "+"),
    Interval("chr10", 2000, 2100, "-"),
    Interval("chr2", 900, 1000, "-"),
)


def rows_of(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt") as stream:
        return [line.rstrip("\n").split("\t") for line in stream]


@pytest.mark.parametrize("name", ["hits.bed", "hits.bed.gz"])
def test_bed_holds_genome_coordinates_in_the_order_bedtools_wants(tmp_path, name):
    hits = replace(hits_at(PLACES), intervals=INTERVALS)
    head, *rows = rows_of(write_hits(hits, tmp_path / name))
    assert head[0] == "#chrom"
    assert {len(row) for row in (head, *rows)} == {19}
    places = [(row[0], int(row[1]), int(row[2]), row[5], row[9]) for row in rows]
    by_hand = [  # strands are + − + − + − + in the order of PLACES; intervals on the − strand turn span and strand
        ("chr2", 1045, 1055, "+", "pos_0"),
        ("chr2", 1005, 1015, "-", "pos_1"),
        ("chr2", 1060, 1070, "+", "pos_0"),
        ("chr10", 2045, 2055, "+", "pos_0"),
        ("chr2", 905, 915, "-", "pos_1"),
        ("chr2", 970, 980, "+", "pos_1"),
        ("chr2", 945, 955, "-", "pos_0"),
    ]
    assert places == sorted(by_hand)
    assert [row[6:8] for row in rows] == [row[1:3] for row in rows]
    assert {row[4] for row in rows} == {"500"}  # −100·log10 of 1e-5
    assert rows[0][3] == "name_of_pos_0"
    assert float(rows[0][14]) == 1e-5
    assert {row[8] for row in rows} == {"31,119,180"}


def test_a_place_in_several_sequences_is_written_once_in_bed_and_each_time_in_tsv(tmp_path):
    hits = replace(
        hits_at([(0, 60, 0), (1, 10, 0)]), intervals=(*[Interval("chr1", k, k + 100) for k in (0, 50)], None, None)
    )
    assert [row[:3] for row in rows_of(write_hits(hits, tmp_path / "h.bed"))[1:]] == [["chr1", "60", "70"]]
    assert len(rows_of(write_hits(hits, tmp_path / "h.tsv"))) == 1 + 2


def test_what_hangs_over_the_begin_of_a_chromosome_begins_at_0_and_is_not_taken_for_unplaced(tmp_path):
    hits = replace(
        hits_at([(0, 60, 0), (1, 10, 0), (2, 0, 0)]),
        intervals=(Interval("chr1", -65, 35), Interval("chr1", -15, 85), Interval("chr1", -100, 0), None),
    )
    assert len(hits.unique()) == 2  # the first two are the same place, before 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = write_hits(hits, tmp_path / "h.bed")
    assert [row[:3] for row in rows_of(path)[1:]] == [["chr1", "0", "5"]]


def test_bed_without_a_genome_holds_coordinates_in_the_sequences(tmp_path):
    hits = replace(hits_at([(1, 30, 2), (0, 7, 0)]), names=("a b", "A", "c", "d"))
    rows = rows_of(write_hits(hits, tmp_path / "h.bed"))[1:]
    assert [row[:3] for row in rows] == [["A", "30", "40"], ["a_b", "7", "17"]]
    assert rows[0][8] == "214,39,40"  # speaks against the target


def test_hits_without_an_interval_beside_others_are_named_and_left_out_of_bed(tmp_path):
    hits = replace(hits_at(PLACES), intervals=(INTERVALS[0], *[None] * 3))
    with pytest.warns(SeqExplainWarning, match="4 of 7 hits lie in sequences without a genome interval"):
        path = write_hits(hits, tmp_path / "h.bed")
    assert len(rows_of(path)) == 1 + 3
    table = pd.read_csv(write_hits(hits, tmp_path / "h.tsv"), sep="\t")
    assert len(table) == 7
    assert table["genome_start"].to_list()[3:] == [-1] * 4


@pytest.mark.parametrize("name", ["h.tsv", "h.tsv.gz", "h.txt"])
def test_a_tsv_is_the_table(tmp_path, name):
    hits = replace(hits_at(PLACES), intervals=INTERVALS)
    table = pd.read_csv(write_hits(hits, tmp_path / name), sep="\t")
    pd.testing.assert_frame_equal(table, hits.to_table(), check_dtype=False, rtol=1e-5)


def test_no_hits_are_a_file_with_names_of_columns_only(tmp_path):
    assert len(rows_of(write_hits(hits_at([]), tmp_path / "h.bed"))) == 1
    assert len(rows_of(write_hits(hits_at([]), tmp_path / "h.tsv"))) == 1


def test_the_same_hits_are_the_same_bytes(tmp_path):
    one, two = (write_hits(hits_at(PLACES), tmp_path / name) for name in ("a.bed.gz", "b.bed.gz"))
    assert one.read_bytes() == two.read_bytes()


def test_files_are_not_overwritten_and_appear_whole(tmp_path):
    path = tmp_path / "h.bed"
    path.write_text("mine")
    with pytest.raises(StorageError, match="exists already"):
        write_hits(hits_at(PLACES), path)
    broken = replace(hits_at(PLACES), labels=("a",))  # writing fails on the way
    with pytest.raises(IndexError):
        write_hits(broken, path, overwrite=True)
    assert path.read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["h.bed"]
    write_hits(hits_at(PLACES), path, overwrite=True)
    assert len(rows_of(path)) == 8


def test_a_name_that_tells_no_format(tmp_path):
    with pytest.raises(ParameterError, match=r"'hits.csv' does not tell the format; expected .bed, .tsv or .txt"):
        write_hits(hits_at([]), tmp_path / "hits.csv")
    with pytest.raises(ParameterError, match="format is 'gff'"):
        write_hits(hits_at([]), tmp_path / "hits.csv", format="gff")
    assert np.shape(rows_of(write_hits(hits_at([]), tmp_path / "hits.csv", format="bed"))) == (1, 19)


def test_a_name_of_several_lines_does_not_break_a_table(tmp_path):
    hits = hits_at(PLACES)
    hits = replace(hits, names=tuple(f"{name}\tof\r\ntwo lines" for name in hits.names))
    for name in ("hits.tsv", "hits.bed"):
        head, *rows = rows_of(write_hits(hits, tmp_path / name))
        assert len(rows) == len(hits)
        assert {len(row) for row in rows} == {len(head)}
