"""What stands in place of bases that are hidden: a track beside each sequence, from which stretches are taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.models.backend import Array
from seqexplain.perturbation._checks import check_count, check_number
from seqexplain.sequences.references import References, resolve_references
from seqexplain.sequences.shuffle import check_seed

BLUR_REACH = 4.0  # standard deviations; what is farther weighs less than 1 in 2,900

CHOICES = (
    'Use "zeros", "uniform", "shuffle", "mononucleotide", "blur", four background frequencies (A, C, G, T), or an '
    "array (L, 4) or (r, L, 4)."
)


def is_known(X: Array) -> Array:
    """Tell where sequences `(n, L, 4)` say anything, `(n, L)`: not where all four values are equal, as of an N."""
    known: Array = X.max(axis=-1) > X.min(axis=-1)
    return known


def without_unknown(X: Array) -> Array:
    """Return sequences with rows of zeros wherever all four values are equal: one-hot, where the others are."""
    return np.where(is_known(X)[..., None], X, np.float32(0.0))


class Fill:
    """What stands in place of hidden bases.

    Parameters
    ----------
    fill
        `"zeros"`; `"uniform"` (¼ of each base); `"shuffle"` and `"mononucleotide"`: what a shuffle of the whole
        sequence has at those positions, one that keeps the dinucleotides or the bases alone; `"blur"`: what a Gaussian
        makes of the one-hot rows along the sequence; four frequencies, or an array `(L, 4)` or `(r, L, 4)`.
    n
        Shuffles; the mean of their effects is taken. Constants and arrays bring their own number.
    sigma
        Standard deviation of the Gaussian in bp.
    seed
        Of the shuffles. A sequence's shuffles depend on it and on the sequence alone.

    Attributes
    ----------
    n
        Tracks of each sequence.
    label
        What they are, ready for JSON.
    """

    def __init__(self, fill: Any, n: int, sigma: float, seed: int) -> None:
        n, sigma, seed = check_count("n_samples", n), check_number("blur_sigma", sigma), check_seed(seed)
        self._sigma = sigma
        self._references: References | None = None
        if isinstance(fill, str) and fill == "blur":
            self.n, self.label = 1, {"kind": "blur", "sigma": sigma}
            return
        self._references = _resolved(fill, n, seed)
        self.n, self.label = self._references.n, self._references.label

    def check(self, length: int) -> None:
        """Raise unless the fill is for sequences of `length` bp."""
        if self._references is not None:
            self._references.check(None, length)

    def tracks(self, X: Array, shown: Array) -> Array:
        """Return the tracks of each sequence, `(n, k, L, 4)` float32.

        Where a base is unknown the tracks have what the model is shown there: nothing is hidden by hiding it.

        Parameters
        ----------
        X
            `(n, L, 4)`.
        shown
            `(n, L, 4)`, with unknown bases filled in as the model wants to see them.
        """
        known = is_known(X)
        if self._references is None:
            found = _blurred(X * known[..., None], known, self._sigma)[:, None]
        elif self._references.per_sequence:
            found = self._references.draw(without_unknown(X))
        else:
            found = self._references.draw(X[:1]) if len(X) else np.zeros((1, self.n, *X.shape[1:]), dtype=np.float32)
        tracks: Array = np.where(known[:, None, :, None], found, shown[:, None]).astype(np.float32)
        return tracks


def _resolved(fill: Any, n: int, seed: int) -> References:
    if isinstance(fill, str) and fill == "shuffle":
        fill = "dinucleotide"
    if fill is None or not isinstance(fill, (str, Mapping, list, tuple, np.ndarray)):
        raise ParameterError(f"fill={fill!r} is not known. {CHOICES}")
    try:
        found = resolve_references(fill, n, random_state=seed)
    except (ParameterError, ShapeError) as error:
        raise type(error)(f"fill={fill!r} cannot be used: {error} {CHOICES}") from error
    if found.per_sequence and not isinstance(fill, str):
        raise ShapeError(f"fill has shape {np.asarray(fill).shape}, one for each sequence. {CHOICES}")
    return found


def _blurred(X: Array, known: Array, sigma: float) -> Array:
    """Return the Gaussian mean of known rows around each position; 0 where none is near."""
    reach = min(int(np.ceil(BLUR_REACH * sigma)), X.shape[1] - 1)
    rows = np.zeros(X.shape, dtype=np.float64)
    weights = np.zeros((*known.shape, 1), dtype=np.float64)
    present = known[..., None].astype(np.float64)
    for shift in range(-reach, reach + 1):
        here = slice(max(0, -shift), X.shape[1] - max(0, shift))
        there = slice(max(0, shift), X.shape[1] - max(0, -shift))
        weight = np.exp(-0.5 * (shift / sigma) ** 2)
        rows[:, here] += weight * X[:, there]
        weights[:, here] += weight * present[:, there]
    return np.divide(rows, weights, out=np.zeros_like(rows), where=weights > 0).astype(np.float32)
