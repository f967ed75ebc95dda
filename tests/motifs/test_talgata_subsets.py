"""Subsets of a trained network on sequences with known sites: their clusters are the motifs that were embedded."""

from __future__ import annotations

import csv
import gzip
import re

import pytest

from seqexplain.models import load_model
from seqexplain.motifs import cluster_subsets
from seqexplain.perturbation import sufficient_input_subsets
from seqexplain.sequences import one_hot

SITE = re.compile(r"pos-(\d+)_(GATA|TAL1)_\w+-([ACGT]+)")


@pytest.mark.slow
def test_the_two_factors_of_a_simulation_are_the_two_clusters(testdata):
    """Task 0 asks for GATA and TAL1 sites in one sequence, so that every subset holds one of each, somewhere."""
    folder = testdata / "models" / "talgata"
    model = load_model(folder / "talgata.keras")
    held_out = set(gzip.decompress((folder / "test.txt.gz").read_bytes()).decode().split())
    with gzip.open(folder / "sequences.simdata.gz", "rt") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter="\t") if row["seqName"] in held_out]
    scores = model.predict(one_hot([row["sequence"] for row in rows]), target=0, level="logit")
    rows = [row for row, score in zip(rows, scores, strict=True) if score >= 2][:40]
    found = sufficient_input_subsets(
        model, one_hot([row["sequence"] for row in rows]), target=0, threshold=2.0, method="gradient"
    )
    clusters = cluster_subsets(found)
    assert [word in motif.name for word, motif in zip(("GATAAG", "CAGATG"), clusters.motifs, strict=True)] == [True] * 2
    assert (clusters.cluster >= 0).mean() > 0.9
    members = clusters.members_table()
    embedded = [row["embeddings"] for row in rows]
    for cluster, factor in enumerate(("GATA", "TAL1")):
        mine = members[members["cluster"] == cluster]
        on_site = 0
        for member in mine.itertuples():
            sites = [(int(at), int(at) + len(word), kind) for at, kind, word in SITE.findall(embedded[member.sequence])]
            on_site += any(kind == factor and at < member.end and member.start < end for at, end, kind in sites)
        assert on_site / len(mine) > 0.85
