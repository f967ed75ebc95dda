"""The shipped motif database against another reader and against an older release."""

from __future__ import annotations

import gzip
from collections import Counter

import numpy as np
from Bio import motifs

from seqexplain.data import JASPAR_VERTEBRATES, bundled
from seqexplain.motifs import load_database, read_motifs


def test_biopython_reads_the_same_counts():
    with gzip.open(bundled(JASPAR_VERTEBRATES), "rt") as stream:
        theirs = motifs.parse(stream, "TRANSFAC")
    theirs = {motif["AC"]: motif for motif in theirs if "AC" in motif}
    ours = load_database("jaspar")
    assert len(theirs) == len(ours) == 1019
    for motif in ours:
        other = theirs[motif.id]
        assert motif.name == other["ID"]
        np.testing.assert_array_equal(motif.counts, np.array([other.counts[base] for base in "ACGT"]).T)


def test_it_is_sorted_without_repeats_and_annotated():
    ours = load_database()
    ids = [motif.id for motif in ours]
    assert ids == sorted(set(ids))
    assert max(Counter(id.split(".")[0] for id in ids).values()) == 1, "one version of each"
    assert {motif.annotations["tax_group"] for motif in ours} == {"vertebrates"}
    assert sum(not motif.family for motif in ours) == 3, "JASPAR gives no family for three"
    families = {motif.name: motif.family for motif in ours}
    assert (families["CTCF"], families["Spi1"]) == ("More than 3 adjacent zinc fingers", "Ets-related")
    assert {motif.kind for motif in ours} == {"counts"}
    text = gzip.decompress(bundled(JASPAR_VERTEBRATES).read_bytes()).decode("ascii")
    assert "Creative Commons Attribution 4.0" in text
    assert "10.1093/nar/gkaf1209" in text


def test_unchanged_matrices_are_those_of_the_2022_release(testdata):
    old = {m.id.split("_")[0]: m for m in read_motifs(testdata / "motifs" / "JASPAR2022_vertebrates.pfm")}
    shared = [motif for motif in load_database() if motif.id in old]
    assert len(shared) > 150
    for motif in shared:
        np.testing.assert_allclose(motif.counts, old[motif.id].counts, atol=0.06)  # the old file has one decimal
