"""Scores of a motif on a grid, and the exact chance that a random word scores as much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqexplain.errors import ParameterError
from seqexplain.motifs._matrices import PSEUDOCOUNT, UNIFORM, Motif, check_background

SCORE_STEP = 1e-3  # bits; a word's score is off by half of it a position at most, 0.01 bits for 20 bp


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Whole-numbered log-odds of a motif and their distribution over random words.

    Attributes
    ----------
    weights
        `(w, 4)` int32: log-odds in units of `step`.
    survival
        `(m,)` float64: `survival[k]` is the probability that a word of independent background bases scores
        `lowest + k` or more.
    lowest
        The lowest score a word can have, in units of `step`.
    step
        Bits a unit.
    """

    weights: NDArray[np.int32]
    survival: NDArray[np.float64]
    lowest: int
    step: float

    def p_values(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return p-values of scores in units of `step`: 1 below the lowest, 0 above the highest.

        Parameters
        ----------
        scores
            Whole numbers, any shape.

        Returns
        -------
        ndarray of float64
            The same shape.
        """
        index = np.asarray(scores, dtype=np.int64) - self.lowest
        inside = np.clip(index, 0, len(self.survival) - 1)
        return np.where(index >= len(self.survival), 0.0, self.survival[inside])

    def threshold(self, p_value: float) -> int | None:
        """Return the lowest score, in units of `step`, with at most `p_value`; None if no word has it.

        Raises
        ------
        ParameterError
            Where `p_value` is not above 0 and at most 1.
        """
        if not 0 < p_value <= 1:
            raise ParameterError(f"p_value is {p_value}; expected a probability above 0 and at most 1, such as 1e-4.")
        # survival never rises, so the scores that are rare enough are a tail
        first = int(np.searchsorted(-self.survival, -p_value, side="left"))
        return None if first == len(self.survival) else first + self.lowest


def score_table(motif: Motif, background: Sequence[float] = UNIFORM, *, pseudocount: float = PSEUDOCOUNT) -> ScoreTable:
    """Compute the exact distribution of a motif's score.

    Parameters
    ----------
    motif
        The matrix.
    background
        Probabilities of A, C, G and T; those of A and T, and of C and G, are averaged, as both strands are
        read.
    pseudocount
        See `Motif.log_odds`.

    Returns
    -------
    ScoreTable

    Raises
    ------
    ParameterError
        For a background or pseudocount that cannot be.

    Notes
    -----
    Log-odds are rounded to multiples of 0.001 bit; for the rounded scores the probabilities are exact. The
    distribution of the sum over positions 0…j is that over 0…j−1, shifted by each base's score and weighted
    with its probability (Staden 1989, Comput. Appl. Biosci. 5:89).

    Examples
    --------
    >>> table = score_table(Motif("M1", "box", [[98, 1, 1, 0], [0, 0, 0, 100]]))
    >>> float(table.p_values(table.weights.max(axis=1).sum()))  # one word of sixteen scores the most
    0.0625
    """
    b = check_background(background)
    b = (b + b[::-1]) / 2
    log_odds = motif.log_odds(tuple(b), pseudocount=pseudocount)
    weights = np.rint(log_odds / SCORE_STEP).astype(np.int32)
    density = np.ones(1)
    for row in weights - weights.min(axis=1, keepdims=True):
        longer = np.zeros(len(density) + int(row.max()))
        for shift, probability in zip(row, b, strict=True):
            longer[shift : shift + len(density)] += probability * density
        density = longer
    # summed from the rare end, so that small tails keep their digits
    survival = np.minimum(np.cumsum(density[::-1])[::-1], 1.0)
    return ScoreTable(weights, survival, int(weights.min(axis=1).sum()), SCORE_STEP)
