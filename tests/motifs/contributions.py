"""Contributions with motifs that are known: noise everywhere, words that contribute here and there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from seqexplain.motifs import ContributionSource, Motif, open_contributions, stack_pattern
from seqexplain.results import Attributions, Interval

GATA = "AGATAAG"
QUICK = {"null_windows": 200_000}
EVERYTHING = {"q_value": 1.0, "p_value": 1.0, "match_p_value": 1.0, "overlaps": "all", **QUICK}


def attributions(
    codes: np.ndarray,
    observed: np.ndarray,
    *,
    intervals: tuple[Interval | None, ...] | None = None,
    lengths: np.ndarray | None = None,
) -> Attributions:
    """Of base codes `(n, L)` (4: unknown) and what each base contributes."""
    X = np.eye(5, 4, dtype=np.float32)[codes]
    return Attributions(
        contributions=(X * observed[..., None]).astype(np.float32),
        X=X,
        predictions=np.zeros(len(codes), dtype=np.float32),
        intervals=intervals,
        lengths=lengths,
        method="made up",
    )


def letters(word: str) -> np.ndarray:
    """Codes of a word."""
    return np.array(["ACGTN".index(letter) for letter in word])


def reverse_complement(codes: np.ndarray) -> np.ndarray:
    """Codes on the other strand."""
    return np.where(codes < 4, 3 - codes, 4)[::-1]


def noise(n: int, length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random bases, and contributions with heavy tails that know nothing of the bases."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 4, (n, length)), rng.laplace(0, 0.1, (n, length))


def with_words(
    n: int = 200, length: int = 100, *, word: str = GATA, share: float = 0.5, size: float = 1.0, seed: int = 0
) -> tuple[ContributionSource, np.ndarray, np.ndarray]:
    """A source, and of each sequence where the word begins (−1: nowhere) and on which strand it contributes."""
    rng = np.random.default_rng(seed + 1)
    codes, observed = noise(n, length, seed)
    planted = letters(word)
    start = np.where(np.arange(n) < share * n, rng.integers(0, length - len(word) + 1, n), -1)
    strand = np.where(rng.random(n) < 0.5, "-", "+")
    for i in np.flatnonzero(start >= 0):
        there = slice(start[i], start[i] + len(word))
        codes[i, there] = planted if strand[i] == "+" else reverse_complement(planted)
        observed[i, there] += size
    return open_contributions(attributions(codes, observed)), start, strand


def pattern_of(weights, *, id="pos_0", sign=1, counts=None):
    """A pattern with these weights: its occurrence does not matter."""
    source = open_contributions(attributions(np.zeros((1, len(weights)), dtype=int), np.ones((1, len(weights)))))
    one = stack_pattern(source, [0], [0], len(weights), ["+"], id=id, sign=sign)
    motif = one.motif if counts is None else Motif(id, id, counts)
    return replace(one, cwm=np.asarray(weights, dtype=float), motif=motif, core=(0, len(weights)))


def word_pattern(word=GATA, **options):
    weights = np.eye(5, 4)[letters(word)] * options.get("sign", 1)
    return pattern_of(weights, counts=np.eye(5, 4)[letters(word)] * 100 + 1, **options)


def random_pattern(width, seed, **options):
    """At each position one base contributes, and the others next to nothing, as in patterns that are real."""
    rng = np.random.default_rng(seed)
    weights = np.eye(4)[rng.integers(0, 4, width)] * rng.uniform(0.3, 1, (width, 1))
    return pattern_of(weights + rng.normal(0, 0.05, (width, 4)), **options)
