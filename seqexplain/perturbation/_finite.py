"""Scores that are not finite numbers are told of, sequence by sequence: what is made of them means nothing."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from seqexplain.errors import ScoreWarning
from seqexplain.models.backend import Array

_NAMED = 3  # sequences that a warning names
# for functions that subtract scores: infinity less infinity is told of here, by the sequence's name, and not by NumPy
DIFFERENCE = np.errstate(invalid="ignore")


class FiniteScores:
    """Watches the scores of some sequences and of what is made of them, and warns once of each sequence.

    Parameters
    ----------
    names
        Of the sequences.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._told: set[int] = set()

    def look(self, rows: Array, scores: Array, *, edited: bool) -> None:
        """Warn where scores are not finite.

        Parameters
        ----------
        rows
            `(m,)`: which sequence each score is of.
        scores
            `(m, …)`.
        edited
            Whether they are of edits, and not of the sequences themselves.
        """
        if np.isfinite(scores).all():
            return
        odd = ~np.isfinite(scores.reshape(len(scores), -1)).all(axis=1)
        new = [int(row) for row in np.unique(rows[odd]) if int(row) not in self._told]
        if not new:
            return
        self._told.update(new)
        named = ", ".join(repr(self._names[row]) for row in new[:_NAMED]) + (", …" if len(new) > _NAMED else "")
        many = f" ({len(new)} sequences)" if len(new) > 1 else ""
        what = f"Edits of {named}{many} have scores that are" if edited else f"The score of {named}{many} is"
        warnings.warn(
            f"{what} not finite (NaN or infinity), so what is computed from it means nothing. Compare "
            "model.predict (seqexplain score) of the sequence: a weight may be not finite, or a logarithm or quotient "
            "may lack a floor.",
            ScoreWarning,
            stacklevel=6,
        )
