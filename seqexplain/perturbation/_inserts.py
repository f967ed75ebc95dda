"""What is put into a background: the words of a motif, and where they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.perturbation._scorer import BoundSequences
from seqexplain.sequences.encoding import describe_character
from seqexplain.sequences.streams import stream

Array = NDArray[Any]
Codes = NDArray[np.int8]

KEEP = -1  # the code of a position that leaves the background's base
STRANDS = ("+", "-")
EDIT_NUMBERS = 1 << 22  # of replacements built at a time: 16 MiB

_ROWS = np.eye(4, dtype=np.float32)
_IUPAC = {
    "A": "A", "C": "C", "G": "G", "T": "T", "U": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
    "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "",
}  # fmt: skip


@runtime_checkable
class HasProbabilities(Protocol):
    """A motif as an object: a name, and how probable each base is at each position."""

    @property
    def name(self) -> str:
        """What to call it."""

    @property
    def probabilities(self) -> Array:
        """`(w, 4)`, order A C G T."""


MotifLike = str | ArrayLike | HasProbabilities


@dataclass(frozen=True, eq=False)
class Insert:
    """A motif that is ready to be put into backgrounds.

    Attributes
    ----------
    name
        For tables and messages.
    probabilities
        `(w, 4)` float64: how likely each base is drawn. A row with a single 1 is not drawn at all.
    kept
        `(w,)` bool: the position leaves the background's base (an N of a consensus).
    """

    name: str
    probabilities: NDArray[np.float64]
    kept: NDArray[np.bool_]

    @property
    def width(self) -> int:
        """Number of positions."""
        return len(self.kept)

    @property
    def description(self) -> dict[str, Any]:
        """All that decides the words that are drawn, ready for JSON."""
        return {"name": self.name, "probabilities": self.probabilities.tolist(), "kept": self.kept.tolist()}

    def words(self, X: Array, seed: int, purpose: str) -> Codes:
        """Draw a word for each background, `(n, w)` codes 0–3, or `KEEP`.

        Parameters
        ----------
        X
            `(n, L, 4)`, the backgrounds: a word depends on the seed, the purpose and its own background alone.
        seed, purpose
            As `stream` takes them.
        """
        best = self.probabilities.argmax(axis=1)
        words = np.repeat(np.where(self.kept, KEEP, best)[None], len(X), axis=0)
        drawn = ~self.kept & (self.probabilities.max(axis=1) < 1)
        if drawn.any():
            below = thresholds(self.probabilities[drawn])
            for row, background in enumerate(X):
                numbers = stream(seed, purpose, background).random(self.width)[drawn]
                words[row, drawn] = (numbers[:, None] >= below).sum(axis=1)
        return words.astype(np.int8)


def read_insert(motif: MotifLike, *, sample: bool, parameter: str = "motif") -> Insert:
    """Return what a user gave as a motif, ready to be inserted.

    Parameters
    ----------
    motif
        A consensus with IUPAC codes, a matrix `(w, 4)`, or an object with `probabilities` and a `name`.
    sample
        Whether the bases of a matrix are drawn from it; otherwise each position has its most probable base.
    parameter
        Name of the parameter, for messages.

    Raises
    ------
    ParameterError
        When a consensus has another character, or is empty.
    ShapeError
        When a matrix is not `(w, 4)`, or holds no probabilities.
    """
    if isinstance(motif, str):
        return _from_consensus(motif, parameter)
    name = None
    if isinstance(motif, HasProbabilities):
        name, motif = str(motif.name), motif.probabilities
    probabilities = _probabilities(motif, parameter)
    best = probabilities.argmax(axis=1)
    if not sample:
        probabilities = np.eye(4)[best]
    return Insert(name or "".join("ACGT"[b] for b in best), probabilities, np.zeros(len(best), dtype=bool))


def _from_consensus(text: str, parameter: str) -> Insert:
    for position, letter in enumerate(text):
        if letter.upper() not in _IUPAC:
            raise ParameterError(
                f"{parameter} {text!r} has {describe_character(letter)} at position {position} (0-based); expected "
                "bases and IUPAC codes, such as CACGTG or TGANTCA, or an array (width, 4)."
            )
    if not text:
        raise ParameterError(f"{parameter} is empty; expected bases and IUPAC codes, such as CACGTG.")
    allowed = np.array([[base in _IUPAC[letter.upper()] for base in "ACGT"] for letter in text], dtype=float)
    kept = np.asarray(~allowed.any(axis=1))
    return Insert(text.upper(), allowed / np.where(kept, 1, allowed.sum(axis=1))[:, None], kept)


def _probabilities(matrix: ArrayLike, parameter: str) -> NDArray[np.float64]:
    try:
        values = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        raise ParameterError(
            f"{parameter} is a {type(matrix).__name__}; expected a consensus such as 'CACGTG', or a matrix (width, 4)."
        ) from None
    if values.ndim != 2 or values.shape[1] != 4 or len(values) == 0:
        hint = f" Use {parameter}.T." if values.ndim == 2 and values.shape[0] == 4 else ""
        raise ShapeError(f"{parameter} has shape {values.shape}; expected (width, 4), order A C G T.{hint}")
    sums = values.sum(axis=1, keepdims=True)
    if not np.isfinite(values).all() or (values < 0).any() or (sums <= 0).any():
        raise ShapeError(
            f"{parameter} holds values that are no counts or probabilities (negative, not finite, or a position "
            "without any); turn log-odds back into probabilities first."
        )
    return np.asarray(values / sums)


def thresholds(probabilities: Array) -> Array:
    """Return `(…, 3)`: a number of [0, 1) stands for the base that as many of them do not exceed."""
    sums = np.cumsum(probabilities, axis=-1)
    return np.asarray(sums[..., :3] / sums[..., 3:])  # so that a base of probability 0 is never drawn


def on_strand(words: Codes, strand: str) -> Codes:
    """Return words as they stand when the motif lies on a strand."""
    if strand == "+":
        return words
    reverse = words[:, ::-1]
    return np.where(reverse == KEEP, KEEP, 3 - reverse).astype(np.int8)


def check_strand(strand: str) -> str:
    """Return `"+"` or `"-"`, or raise ParameterError."""
    if strand not in STRANDS:
        raise ParameterError(f'strand is {strand!r}; expected "+" or "-".')
    return strand


def read_positions(position: Any, insert: Insert, length: int) -> NDArray[np.int64]:
    """Return where a motif starts: `(p,)` int64.

    Parameters
    ----------
    position
        `"centre"`, `"all"`, a start, or several.
    insert
        What is to be inserted.
    length
        Of the backgrounds in bp.

    Raises
    ------
    ParameterError
        When the motif does not fit, or the positions are none.
    """
    last = length - insert.width
    if last < 0:
        raise ParameterError(
            f"The motif {insert.name} has {insert.width} bp and the backgrounds have {length}; expected a motif that "
            "fits. Give a shorter one, or longer backgrounds."
        )
    if isinstance(position, str):
        if position not in ("centre", "all"):
            raise ParameterError(f'position is {position!r}; expected "centre", "all", a start in bp, or several.')
        return np.array([last // 2]) if position == "centre" else np.arange(last + 1)
    places = np.atleast_1d(np.asarray(position))
    if places.ndim != 1 or places.dtype.kind not in "iu" or len(places) == 0:
        raise ParameterError(f'position is {position!r}; expected "centre", "all", a start in bp, or several.')
    outside = places[(places < 0) | (places > last)]
    if len(outside):
        raise ParameterError(
            f"position {int(outside[0])} does not exist for the motif {insert.name}: its {insert.width} bp fit at 0 to "
            f"{last} in backgrounds of {length} bp."
        )
    return places.astype(np.int64)


def inserted_effects(bound: BoundSequences, words: Codes, positions: Array) -> Array:
    """Return what words change in backgrounds, each at every position.

    Parameters
    ----------
    bound
        `n` backgrounds.
    words
        `(n, w)` codes.
    positions
        `(p,)` starts.

    Returns
    -------
    numpy.ndarray
        `(n, p, t)` float32: with the word − without.
    """
    n, width = words.shape
    m = n * len(positions)
    out = np.empty((m, bound.base.shape[1]), dtype=np.float32)
    step = max(1, EDIT_NUMBERS // (4 * width))
    for low in range(0, m, step):
        rows, places = np.divmod(np.arange(low, min(low + step, m)), len(positions))
        starts = np.asarray(positions)[places]
        out[low : low + step] = bound.effects(rows, starts, contents(bound, words[rows], rows, starts)[:, None])[:, 0]
    return out.reshape(n, len(positions), -1)


def contents(bound: BoundSequences, words: Codes, rows: Array, starts: Array) -> Array:
    """Return what the model sees of words in their places, `(m, w, 4)` float32."""
    kept = words == KEEP
    replaced = _ROWS[np.where(kept, 0, words)]
    if kept.any():
        there = bound.X[np.asarray(rows)[:, None], np.asarray(starts)[:, None] + np.arange(words.shape[1])]
        replaced = np.where(kept[..., None], there, replaced)
    return replaced


def names_for(names: Sequence[str], n: int) -> tuple[str, ...]:
    """Return `n` names, made up where none are given.

    Raises
    ------
    ShapeError
        When there are some, but not `n`.
    """
    if len(names) not in (0, n):
        raise ShapeError(f"{len(names)} names for {n} sequences; give one name a sequence.")
    return tuple(names) if len(names) else tuple(f"sequence_{i}" for i in range(n))
