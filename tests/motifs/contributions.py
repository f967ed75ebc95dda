"""Contributions with motifs that are known: noise everywhere, words that contribute here and there."""

from __future__ import annotations

import numpy as np

from seqexplain.motifs import ContributionSource, open_contributions
from seqexplain.results import Attributions, Interval

GATA = "AGATAAG"


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
