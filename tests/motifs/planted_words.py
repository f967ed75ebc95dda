"""Contributions with motifs in places that are known: words on either strand, their bases up or down, noise around."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqexplain.results import Attributions, Interval


@dataclass(frozen=True)
class Place:
    """Where a word was put."""

    sequence: int
    start: int
    strand: str
    word: str


def planted_words(
    n: int,
    words: dict[str, float],
    *,
    length: int = 80,
    noise: float = 0.03,
    seed: int = 0,
    lengths: np.ndarray | None = None,
) -> tuple[Attributions, list[Place]]:
    """Sequences with one word each, and hypothetical contributions that its bases have: `words` maps to strength."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, length))
    real = np.full(n, length) if lengths is None else lengths
    hypothetical = rng.normal(0, noise, (n, length, 4))
    places = []
    for i in range(n):
        word = list(words)[i % len(words)]
        letters = np.array(["ACGT".index(letter) for letter in word])
        strand = "+-"[int(rng.integers(2))]
        placed = letters if strand == "+" else 3 - letters[::-1]
        at = int(rng.integers(0, real[i] - len(word) + 1))
        codes[i, at : at + len(word)] = placed
        strength = words[word] * rng.uniform(0.7, 1.3)
        window = hypothetical[i, at : at + len(word)]
        window -= strength / 3
        window[np.arange(len(word)), placed] += strength * 4 / 3
        places.append(Place(i, at, strand, word))
    X = np.eye(4, dtype=np.float32)[codes]
    for i in range(n):
        X[i, real[i] :] = 0
        hypothetical[i, real[i] :] = 0
    hypothetical = hypothetical.astype(np.float32)
    result = Attributions(
        contributions=hypothetical * X, X=X, hypothetical=hypothetical, predictions=np.zeros(n, np.float32),
        lengths=None if lengths is None else real.astype(np.int64),
        intervals=tuple(Interval("chr1", 1000 * i, 1000 * i + int(real[i]), "+-"[i % 2]) for i in range(n)),
        names=tuple(f"s{i}" for i in range(n)), method="planted",
    )  # fmt: skip
    return result, places
