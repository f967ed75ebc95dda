"""Which of many matrices say the same, also shifted or on the other strand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

ALIKE = 0.8  # cosine from which two matrices count as one motif: five of six bases, where one is a base further on

ROUND = 9  # digits; what differs by less is equal, and the first of equal ones is taken


@dataclass(frozen=True)
class Likeness:
    """That a matrix says what another one says.

    Attributes
    ----------
    other
        Index of the other.
    offset
        Where this one begins in the other (in the reverse complement of this one, with strand `"-"`).
    strand
        `"-"` where this one's reverse complement is like the other.
    similarity
        Cosine, 0 to 1.
    """

    other: int
    offset: int
    strand: str
    similarity: float


def likenesses(matrices: Array, background: Array, *, least: float = ALIKE) -> list[Likeness | None]:
    """Compare each matrix with those before it.

    Matrices are compared as p − b, probabilities less the background's, so that positions without information count
    nothing; the similarity at an offset is Σ x·y / (‖x‖·‖y‖), with the norms of the whole matrices: what lies beyond
    the overlap lowers it.

    Parameters
    ----------
    matrices
        `(m, w, 4)` probabilities.
    background
        `(4,)`.
    least
        Similarity that is needed.

    Returns
    -------
    list
        For each the most similar one before it that is not itself like an earlier one; None where there is none. Of
        equal similarities the first strand, the smallest shift, and the first matrix.
    """
    m, width = matrices.shape[:2]
    found: list[Likeness | None] = [None] * m
    if m < 2:
        return found
    similarity, offset, turned = _best(matrices, background, width)
    for i in range(1, m):
        # only those that are not like another themselves: of three alike, two point at the first
        open_ones = np.array([j for j in range(i) if found[j] is None])
        j = int(open_ones[similarity[i, open_ones].argmax()])
        if similarity[i, j] >= least:
            found[i] = Likeness(j, int(offset[i, j]), "-" if turned[i, j] else "+", float(similarity[i, j]))
    return found


def _best(matrices: Array, background: Array, width: int) -> tuple[Array, Array, Array]:
    """Return the best similarity of each pair, with its offset and whether the first is turned, `(m, m)` each."""
    m, size = len(matrices), 2 * width  # no shift wraps around
    shifts = np.array(sorted(range(-(width - 1), width), key=lambda s: (abs(s), s)))
    others = np.fft.rfft(_unit(matrices - background), size, axis=1)
    turned_over = np.fft.rfft(_unit(matrices[:, ::-1, ::-1] - background), size, axis=1)
    best = np.zeros((m, m))
    offset, turned = np.zeros((m, m), dtype=np.int64), np.zeros((m, m), dtype=bool)
    for i in range(m):
        found = []
        for mine in (others[i], turned_over[i]):
            at_shifts = np.fft.irfft((mine.conj() * others).sum(axis=2), size, axis=1)[:, shifts % size]
            place = np.round(at_shifts, ROUND).argmax(axis=1)
            found.append((at_shifts[np.arange(m), place], shifts[place]))
        (plus, plus_shift), (minus, minus_shift) = found
        turned[i] = np.round(minus, ROUND) > np.round(plus, ROUND)
        best[i] = np.where(turned[i], minus, plus)
        offset[i] = np.where(turned[i], minus_shift, plus_shift)
    return best, offset, turned


def _unit(x: Array) -> Array:
    norm = np.sqrt((x**2).sum(axis=(1, 2), keepdims=True))
    return np.asarray(x / np.where(norm > 0, norm, 1.0))
