"""Subsets with motifs that are known: words on either strand, some bases changed, some left out, others added."""

from __future__ import annotations

import numpy as np

WORDS = ("CACGTGAC", "GATAAGGC", "TTCCGGAAGT", "AGGTCANNNTGACC")


def planted(
    n: int = 200,
    *,
    length: int = 80,
    drop: float = 0.0,
    extra: float = 0.0,
    noise: float = 0.0,
    words: tuple[str, ...] = WORDS,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray, dict[tuple[int, int], int]]:
    """X `(n, L, 4)`, subset `(n, L)`, and the word of each (sequence, number)."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, length))
    subset = np.zeros((n, length), dtype=int)
    truth = {}
    for i in range(n):
        free = 0
        for number in range(1, 2 + rng.integers(2)):
            which = int(rng.integers(len(words)))
            word = ["ACGT".find(letter) for letter in words[which]]
            if rng.random() < 0.5:
                word = [3 - c if c >= 0 else -1 for c in word[::-1]]
            at = free + int(rng.integers(0, 20))
            free = at + len(word) + 2
            places = [at + k for k, c in enumerate(word) if c >= 0]
            for k, c in enumerate(word):
                if c >= 0:
                    codes[i, at + k] = rng.integers(4) if rng.random() < noise else c
            kept = [p for p in places if rng.random() >= drop]
            subset[i, kept if len(kept) > 2 else places] = number
            for p in rng.integers(max(0, at - 8), min(length, at + len(word) + 8), rng.poisson(extra)):
                if subset[i, p] == 0 and not at <= p < at + len(word):
                    subset[i, p] = number
            truth[i, number] = which
    return np.eye(4, dtype=np.float32)[codes], subset, truth
