"""What is laid over contributions to find hits: a motif's weights, and scrambled motifs to compare it with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError
from seqexplain.motifs._matrices import Motif
from seqexplain.motifs._pattern import Pattern
from seqexplain.motifs._pattern_set import PatternSet

Array = NDArray[Any]

ALIKE = 0.7  # similarity, at the best offset and strand, from which on a scrambled motif is too like the motif
TRIES = 4  # scrambled motifs drawn for each one that is wanted


@dataclass(frozen=True, eq=False)
class HitMotif:
    """A motif as it is looked for.

    Attributes
    ----------
    id, name
        Of the pattern or motif; what it is called.
    sign
        1 where hits speak for the target, −1 where against it.
    motif
        Counts of its core.
    weights
        `(w, 4)` float64, of length 1 as a vector: what a hit's contributions should be proportional to.
    """

    id: str
    name: str
    sign: int
    motif: Motif
    weights: NDArray[np.float64]

    @property
    def width(self) -> int:
        """Width of the core, bp."""
        return len(self.weights)


def hit_motifs(
    patterns: PatternSet | Sequence[Pattern | Motif] | Pattern | Motif,
    background: Array,
    names: Mapping[str, str] | None,
    sign: int,
) -> tuple[list[HitMotif], list[str]]:
    """Return the motifs to look for, and statements on those that cannot be.

    Raises
    ------
    ParameterError
        When something is neither a pattern nor a motif, or two have the same id.
    """
    given: list[Any] = [patterns] if isinstance(patterns, Pattern | Motif) else list(patterns)
    found: list[HitMotif] = []
    notes: list[str] = []
    for one in given:
        if isinstance(one, Pattern):
            core = one.trimmed()
            motif, weights, own_sign, name = core.motif, core.cwm, one.sign, core.consensus
        elif isinstance(one, Motif):
            motif, own_sign, name = one, sign, one.name
            weights = sign * matrix_weights(one, background)
        else:
            raise ParameterError(
                f"patterns holds a {type(one).__name__}; expected Patterns (such as extract_patterns finds) or Motifs."
            )
        size = float(np.linalg.norm(weights))
        if not size > 0:
            notes.append(f"{one.id} contributes nothing in its own occurrences: it was not looked for")
            continue
        found.append(HitMotif(one.id, (names or {}).get(one.id, name), own_sign, motif, weights / size))
    ids = [one.id for one in found]
    twice = sorted({id for id in ids if ids.count(id) > 1})
    if twice:
        raise ParameterError(f"patterns holds several of the id {twice[0]!r}; give each an id of its own.")
    return found, notes


def matrix_weights(motif: Motif, background: Array) -> Array:
    """Return `(w, 4)` contributions such as a site of the motif might have, known only its matrix: its logo.

    Each base's share times the position's information against the background. Log-odds would be no stand-in: bases that
    a site seldom has would be expected to speak against it, and stretches where such bases do would be hits.
    """
    shares = motif.probabilities
    information = (shares * np.log2(np.where(shares > 0, shares, 1.0) / background)).sum(axis=1, keepdims=True)
    return np.asarray(shares * information)


def scrambled(weights: Array, count: int, rng: np.random.Generator) -> Array:
    """Return motifs like this one that are another motif, `(count, w, 4)`.

    Which bases a position wants is taken from another position at random; how much the position weighs stays where it
    is, so that a scrambled motif meets the same profile of contributions. Those that are still like the motif (or its
    reverse complement), at any offset, are drawn anew; in a motif of few different bases, where all are, the bases of
    each position are exchanged too.
    """
    width = len(weights)
    sizes = np.linalg.norm(weights, axis=1)
    shapes = weights / np.where(sizes > 0, sizes, 1.0)[:, None]
    order = rng.permuted(np.broadcast_to(np.arange(width), (TRIES * count, width)), axis=1)
    by_order = shapes[order] * sizes[:, None]
    chosen = _unlike(by_order, weights)[:count]
    if len(chosen) < count:
        bases = rng.permuted(np.broadcast_to(np.arange(4), (TRIES * count, width, 4)), axis=2)
        relabelled = np.take_along_axis(shapes[order], bases, axis=2) * sizes[:, None]
        chosen = np.concatenate([chosen, _unlike(relabelled, weights)])[:count]
    if len(chosen) < count:  # hardly: then the least alike are repeated
        chosen = np.concatenate([chosen, relabelled[np.argsort(_likeness(relabelled, weights), kind="stable")]])[:count]
    return _normed(chosen)


def _normed(motifs: Array) -> Array:
    lengths = np.linalg.norm(motifs, axis=(1, 2), keepdims=True)
    return np.asarray(motifs / np.where(lengths > 0, lengths, 1.0))


def _unlike(motifs: Array, weights: Array) -> Array:
    return np.asarray(motifs[_likeness(motifs, weights) < ALIKE])


def _likeness(motifs: Array, weights: Array) -> Array:
    """Return the largest cosine of each `(m, w, 4)` with the motif, over offsets and both strands, `(m,)`."""
    width = len(weights)
    target = weights / np.linalg.norm(weights)
    best = np.full(len(motifs), -1.0)
    for one in (_normed(motifs), _normed(motifs)[:, ::-1, ::-1]):
        for offset in range(1 - width, width):
            mine = one[:, max(0, offset) : width + min(0, offset)]
            other = target[max(0, -offset) : width + min(0, -offset)]
            best = np.maximum(best, np.einsum("mwb,wb->m", mine, other))
    return best
