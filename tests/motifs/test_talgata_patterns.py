"""Contributions of a trained network on sequences with known sites: the native extractor finds and names both."""

from __future__ import annotations

import csv
import gzip
import re

import numpy as np
import pytest

from seqexplain.attribution import deeplift
from seqexplain.models import load_model
from seqexplain.motifs import extract_patterns, match_motifs
from seqexplain.sequences import one_hot

SITE = re.compile(r"pos-(\d+)_(GATA|TAL1)_\w+-([ACGT]+)")
FAMILIES = {"GATA": "GATA-related", "TAL1": "Tal-related"}


@pytest.mark.slow
def test_both_factors_of_a_simulation_are_found_and_named_and_nothing_else(testdata):
    folder = testdata / "models" / "talgata"
    held_out = set(gzip.decompress((folder / "test.txt.gz").read_bytes()).decode().split())
    with gzip.open(folder / "sequences.simdata.gz", "rt") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter="\t") if row["seqName"] in held_out]
    X = one_hot([row["sequence"] for row in rows])
    result = deeplift(load_model(folder / "talgata.keras"), X, target=0)
    found = extract_patterns(result)
    assert len(found) == 2
    named = match_motifs(found).to_table()
    for pattern in found:
        best = named[named["query"] == pattern.id].iloc[0]
        factor = next(factor for factor, family in FAMILIES.items() if family in str(best.to_dict()))
        inside = []
        core = pattern.trimmed()
        for i, start, end in zip(core.sequence, core.start, core.end, strict=True):
            sites = [(int(at), int(at) + len(word), kind) for at, kind, word in SITE.findall(rows[i]["embeddings"])]
            inside.append(any(kind == factor and at < end and start < stop for at, stop, kind in sites))
        assert np.mean(inside) > 0.85  # the rest are places that the network answers to, too
    assert {next(f for f in FAMILIES if FAMILIES[f] in str(named[named["query"] == p.id].iloc[0].to_dict()))
            for p in found} == set(FAMILIES)  # fmt: skip
