"""Which features of a sequence are present at a time: all combinations, or a sample of them, and what each weighs."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np

from seqexplain.models.backend import Array

MAX_LISTED = 1 << 20  # coalitions that are written down at most


def shapley_weight(n_features: int, size: int) -> float:
    """Return the Shapley kernel (M − 1) / (C(M, s) s (M − s)) of a coalition of `size` out of M features."""
    return (n_features - 1) / (comb(n_features, size) * size * (n_features - size))


def all_coalitions(n_features: int) -> tuple[Array, Array]:
    """Return all coalitions but the empty and the whole one, `(2**M − 2, M)` bool, and their Shapley kernel."""
    numbers = np.arange(1, 2**n_features - 1)
    present = (numbers[:, None] >> np.arange(n_features)) & 1 > 0
    kernel = np.array([0.0] + [shapley_weight(n_features, s) for s in range(1, n_features)])
    return present, kernel[present.sum(axis=1)]


def paired_coalitions(n_features: int, budget: int, generator: np.random.Generator) -> tuple[Array, Array]:
    """Return at most `budget` coalitions, each with its complement, and weights that stand for the Shapley kernel.

    The kernel's mass lies at the smallest and the largest coalitions. Sizes s and M − s are listed whole, from s = 1
    on, while their share of what is left of the budget would pay for it; s = 1 always is. What is left goes to pairs of
    coalitions that are drawn from the sizes between, which share those sizes' mass.

    Parameters
    ----------
    n_features
        M, at least 2.
    budget
        At least 2 M, and less than 2**M − 2.
    generator
        Draws the pairs.

    Returns
    -------
    tuple of numpy.ndarray
        `(s, M)` bool, whether each feature is present, and `(s,)` float64 weights.
    """
    half = n_features // 2  # sizes 1 … M // 2 stand for M − 1 … too
    sizes = np.arange(1, half + 1)
    middle = (sizes * 2 == n_features).astype(int)  # is its own complement's size
    count = np.array([comb(n_features, int(s)) * (2 - m) for s, m in zip(sizes, middle, strict=True)], dtype=object)
    mass = (n_features - 1) / (sizes * (n_features - sizes)) * (2 - middle)
    listed, weights, left = [], [], budget
    whole = 0
    for k, size in enumerate(sizes):
        if k and (count[k] > left * mass[k] / mass[k:].sum() or count[k] > min(left, MAX_LISTED)):
            break
        for chosen in combinations(range(n_features), int(size)):
            listed.append(_members(chosen, n_features))
        rows = len(listed)
        if not middle[k]:
            listed.extend(~row for row in listed[rows - comb(n_features, int(size)) :])
        weights.extend([mass[k] / count[k]] * int(count[k]))
        left -= int(count[k])
        whole = k + 1
    present, weight = np.array(listed), np.array(weights)
    if whole == half or left < 2:
        return present, weight
    drawn = generator.choice(sizes[whole:], size=left // 2, p=mass[whole:] / mass[whole:].sum())
    rank = generator.random((len(drawn), n_features)).argsort(axis=1).argsort(axis=1)
    some = rank < drawn[:, None]
    pairs, times = np.unique(np.concatenate([some, ~some]), axis=0, return_counts=True)
    return (
        np.concatenate([present, pairs]),
        np.concatenate([weight, mass[whole:].sum() * times / times.sum()]),
    )


def _members(chosen: tuple[int, ...], n_features: int) -> Array:
    row = np.zeros(n_features, dtype=bool)
    row[list(chosen)] = True
    return row
