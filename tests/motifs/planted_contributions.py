"""Contributions with motifs that are known: drawn from matrices, on either strand, in noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqexplain.motifs import Motif, Seqlets
from seqexplain.results import Attributions

WORDS = {"GATA": "AGATAAGG", "EBOX": "GCCACGTGAC", "ETS": "ACCGGAAGTG", "AP1": "ATGACTCATC"}


def matrix(word: str, sharpness: float = 0.85) -> Motif:
    """A word whose bases are each seen with this probability; N is any."""
    ppm = np.full((len(word), 4), (1 - sharpness) / 3)
    for place, letter in enumerate(word):
        ppm[place, "ACGT".index(letter) if letter != "N" else slice(None)] = sharpness if letter != "N" else 0.25
    return Motif(word, word, ppm * 1000)


@dataclass
class Planted:
    result: Attributions
    seqlets: Seqlets  # one a site, moved by up to `jitter`
    kind: np.ndarray  # which motif; -1 for a seqlet without one
    start: np.ndarray
    strand: np.ndarray


def plant(
    motifs: list[Motif],
    *,
    sites: int = 60,
    length: int = 80,
    noise: float = 0.1,
    random_seqlets: int = 0,
    jitter: int = 5,
    span: int = 25,
    signs: tuple[int, ...] | None = None,
    seed: int = 0,
) -> Planted:
    """One site a sequence. Hypothetical contributions are the motif's centred log-odds, times 1 ± 0.2, and noise."""
    rng = np.random.default_rng(seed)
    signs = signs or (1,) * len(motifs)
    kind = np.repeat(np.arange(len(motifs)), sites)
    kind = rng.permutation(np.concatenate([kind, np.full(random_seqlets, -1)]))
    n = len(kind)
    codes = rng.integers(0, 4, (n, length))
    hypothetical = rng.normal(0, noise, (n, length, 4))
    start, strand = np.zeros(n, dtype=np.int64), np.full(n, "+")
    score = np.ones(n)
    for i, k in enumerate(kind):
        if k < 0:
            start[i] = rng.integers(span, length - span)
            hypothetical[i] *= 3
            continue
        p = motifs[k].probabilities
        word = np.array([rng.choice(4, p=row) for row in p])
        scores = np.log(p * 4)
        scores = (scores - scores.mean(axis=1, keepdims=True)) * rng.normal(1, 0.2) * signs[k] / 3
        if rng.random() < 0.5:
            word, scores, strand[i] = 3 - word[::-1], scores[::-1, ::-1], "-"
        start[i] = rng.integers(0, length - len(word) + 1)
        codes[i, start[i] : start[i] + len(word)] = word
        hypothetical[i, start[i] : start[i] + len(word)] += scores
        score[i] = signs[k]
    X = np.eye(4, dtype=np.float32)[codes]
    width = np.array([motifs[k].width if k >= 0 else 10 for k in kind])
    middle = start + width // 2 + rng.integers(-jitter, jitter + 1, n)
    first = np.clip(middle - span // 2, 0, length - span)
    observed = (hypothetical * X).astype(np.float32)
    total = np.array([observed[i, a : a + span].sum() for i, a in enumerate(first)], dtype=np.float64)
    result = Attributions(
        contributions=observed,
        X=X,
        predictions=np.zeros(n, np.float32),
        hypothetical=hypothetical.astype(np.float32),
        names=tuple(f"s{i}" for i in range(n)),
        method="planted",
    )
    nan = np.full(n, np.nan)
    seqlets = Seqlets(np.arange(n), first, first + span, total, nan, nan, names=result.names)
    return Planted(result, seqlets, kind, start, strand)
