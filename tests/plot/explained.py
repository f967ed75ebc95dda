"""A small result to draw."""

from __future__ import annotations

import numpy as np

from seqexplain.results import Attributions, Interval, SufficientInputSubsets

N, L = 4, 40
NAMES = ("peak_1", "peak_2", "twice", "twice")


def explained(targets=("CTCF",), *, several=False, seed=0, **changes):
    """Random hypothetical contributions and effects; bases 10 to 12 of the first sequence are unknown."""
    rng = np.random.default_rng(0)
    X = np.eye(4, dtype=np.float32)[rng.integers(0, 4, (N, L))]
    X[0, 10:13] = 0
    rng = np.random.default_rng(seed)
    shape = (N, len(targets), L, 4) if several else (N, L, 4)
    bases = X[:, None] if several else X
    hypothetical = rng.normal(size=shape).astype(np.float32)
    fields = {
        "hypothetical": hypothetical,
        "contributions": hypothetical * bases,
        "effects": rng.normal(size=shape).astype(np.float32) * (1 - bases),
        "X": X,
        "predictions": np.ones(shape[:-2], np.float32),
        "names": NAMES,
        "targets": targets,
        "method": "in_silico_mutagenesis",
    }
    return Attributions(**{**fields, **changes})


def placed(strand="-"):
    """Genome intervals, of the first sequence only."""
    return (Interval("chr8", 100, 100 + L, strand), None, None, None)


def with_subsets(**changes):
    """Two subsets in the first sequence, the second of which falls short of the threshold; none in the others."""
    one = explained()
    subset, rank, value = (np.zeros((N, L), dtype) for dtype in (np.int32, np.int32, np.float32))
    for number, positions, f in ((1, (20, 21, 25), 3.25), (2, (30, 5), 1.5)):
        subset[0, list(positions)], value[0, list(positions)] = number, f
        rank[0, list(positions)] = np.arange(1, len(positions) + 1)
    zero = np.zeros(N, np.float32)
    fields = {
        "contributions": one.contributions * (subset > 0)[..., None],
        "X": one.X,
        "predictions": zero + 4,
        "names": NAMES,
        "targets": ("CTCF",),
        "method": "sufficient_input_subsets",
        "subset": subset,
        "rank": rank,
        "subset_value": value,
        "threshold": zero + 2,
        "rest_predictions": zero,
        "masked_predictions": zero,
        "stopped": np.ones(N, np.uint8),
    }
    return SufficientInputSubsets(**{**fields, **changes})
