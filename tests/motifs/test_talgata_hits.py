"""Hits in what a trained network answers to, against sites that are known."""

from __future__ import annotations

import csv
import gzip
import re

import numpy as np
import pytest

from seqexplain.attribution import deeplift
from seqexplain.models import load_model
from seqexplain.motifs import find_hits, load_database
from seqexplain.sequences import one_hot

SITE = re.compile(r"pos-(\d+)_(GATA|TAL1)_\w+?-([ACGT]+)")


@pytest.mark.slow
def test_hits_of_matrices_lie_on_the_sites_that_were_embedded_and_only_for_the_motif_s_own_task(testdata):
    folder = testdata / "models" / "talgata"
    model = load_model(folder / "talgata.keras")
    with gzip.open(folder / "sequences.simdata.gz", "rt") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))[:400]
    X = one_hot([row["sequence"] for row in rows])
    background = np.tile(np.array([0.3, 0.2, 0.2, 0.3], dtype=np.float32), (1, X.shape[1], 1))  # the paper's reference
    result = deeplift(model, X, target=[1, 2], references=background)
    database = {motif.id.split(".")[0]: motif for motif in load_database()}
    matrices = [database["MA1104"], database["MA0091"]]
    for target, name in enumerate(("GATA", "TAL1")):
        sites = {
            (i, int(at)): len(word)
            for i, row in enumerate(rows)
            for at, kind, word in SITE.findall(row["embeddings"] or "")
            if kind == name
        }
        hits = find_hits(result, matrices, target=target)
        assert len(hits.of(matrices[1 - target].id)) <= 2  # the other motif contributes to the other task
        mine = hits.of(matrices[target].id)
        found = set()
        for row, start, end in zip(mine.sequence, mine.start, mine.end, strict=True):
            for (i, at), width in sites.items():
                if i == row and 2 * (min(at + width, end) - max(at, start)) >= min(width, end - start):
                    found.add((i, at))
        assert len(found) / len(sites) > 0.9
        assert len(found) / len(mine) > 0.83  # the others: words that are there by chance
        assert np.median(mine.fimo_p_value) < 1e-4
