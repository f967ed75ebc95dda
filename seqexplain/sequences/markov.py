"""Markov models of DNA: how likely a sequence is, and what may stand in a stretch of it, given both flanks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.sequences._stretches import (
    context_of,
    enumerate_stretches,
    given_flanks,
    known_before,
    sample_stretches,
)
from seqexplain.sequences.encoding import UNKNOWN, codes_to_one_hot, encode_codes, one_hot_to_codes
from seqexplain.sequences.shuffle import check_count, check_seed
from seqexplain.sequences.streams import stream

Array = NDArray[Any]

MAX_ORDER = 8  # 4**8 contexts; beyond, no background has bases enough to fit them
MAX_ENUMERATED = 8  # bp whose 4**8 stretches are still listed one by one
SUM_TOLERANCE = 1e-6  # of probabilities that a user brings


@dataclass(frozen=True, eq=False)
class MarkovModel:
    """Bases that depend on up to `order` bases before them.

    Each run of known bases is a chain of its own: its first base is drawn from the frequencies of single bases, its
    second from those of bases after a base, and so on until `order` bases are known. Unknown bases (N) have no
    probability; they end one run, and the next begins anew.

    Parameters
    ----------
    tables
        `tables[m]`, `(4**m, 4)` for m = 0 … order: the probability of each base after each m bases, of which the last
        counts units (`AC` is row 1, `CA` row 4).

    Raises
    ------
    ParameterError
        When the tables have other shapes, or their rows are no distributions of positive probabilities.

    Examples
    --------
    >>> model = MarkovModel.fit(["ACACACACAC", "ACACAC"], order=1, pseudocount=0.01)
    >>> model.order, model.tables[1][0].round(2).tolist()
    (1, [0.0, 1.0, 0.0, 0.0])
    """

    tables: tuple[Array, ...]
    expanded: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        tables = tuple(np.asarray(t, dtype=np.float64) for t in self.tables)
        shapes = [(4**m, 4) for m in range(len(tables))]
        if not tables or [t.shape for t in tables] != shapes:
            raise ParameterError(
                f"tables have the shapes {[t.shape for t in tables]}; expected (1, 4), (4, 4), (16, 4) … for 0, 1, 2 … "
                "bases before. MarkovModel.fit makes them from sequences."
            )
        for m, table in enumerate(tables):
            if not (np.isfinite(table).all() and (table > 0).all() and (abs(table.sum(1) - 1) < SUM_TOLERANCE).all()):
                raise ParameterError(
                    f"tables[{m}] has rows that are no distributions of four probabilities above 0; give each base a "
                    "small one and divide by the row's sum."
                )
        object.__setattr__(self, "tables", tables)
        # all tables over contexts of `order` bases: those with fewer bases before repeat
        full = 4 ** (len(tables) - 1)
        object.__setattr__(self, "expanded", np.stack([np.tile(t, (full // len(t), 1)) for t in tables]))

    @classmethod
    def fit(cls, background: Iterable[str] | Array, *, order: int = 1, pseudocount: float = 1.0) -> MarkovModel:
        """Fit a model: counted bases after each context, plus `pseudocount` for each base, over their sum.

        Parameters
        ----------
        background
            Strings of any lengths, or one-hot `(n, L, 4)`; unknown bases are left out.
        order
            Bases that the next one depends on, 0 to 8.
        pseudocount
            Above 0; what is never seen stays possible.

        Returns
        -------
        MarkovModel
            With one table for each number of known bases before, 0 to `order`.

        Raises
        ------
        ParameterError
            When `order` or `pseudocount` is another number, or there are no known bases.
        """
        if isinstance(order, bool) or not isinstance(order, int | np.integer) or not 0 <= order <= MAX_ORDER:
            raise ParameterError(f"order={order!r} must be a whole number from 0 to {MAX_ORDER}.")
        number = isinstance(pseudocount, int | float | np.integer | np.floating) and not isinstance(pseudocount, bool)
        if not number or not np.isfinite(pseudocount) or pseudocount <= 0:
            raise ParameterError(f"pseudocount={pseudocount!r} must be a number above 0.")
        codes = _one_row(background)
        known = codes != UNKNOWN
        if not known.any():
            raise ParameterError("The background holds no known base; give sequences with A, C, G or T.")
        before, context = known_before(codes[None], int(order))[0], context_of(codes[None], int(order))[0]
        tables = []
        for m in range(int(order) + 1):
            here = known & (before >= m)
            cell = (context[here] % 4**m) * 4 + codes[here]
            counts = np.bincount(cell, minlength=4 ** (m + 1)).reshape(4**m, 4) + float(pseudocount)
            tables.append(counts / counts.sum(axis=1, keepdims=True))
        return cls(tuple(tables))

    @property
    def order(self) -> int:
        """How many bases the next one depends on."""
        return len(self.tables) - 1

    @property
    def digest(self) -> str:
        """Tell this model from others."""
        return blake2b(self.expanded.tobytes(), digest_size=16).hexdigest()

    def log_likelihood(self, X: Iterable[str] | Array) -> Array:
        """Return the natural logarithm of each sequence's probability, `(n,)` float64.

        Parameters
        ----------
        X
            Strings of any lengths, or one-hot `(n, L, 4)`. Unknown bases count nothing.
        """
        return np.array([self._log_likelihood(codes) for codes in _rows(X)], dtype=np.float64)

    def _log_likelihood(self, codes: Array) -> float:
        before, context = known_before(codes[None], self.order)[0], context_of(codes[None], self.order)[0]
        known = codes != UNKNOWN
        return float(np.log(self.expanded[before[known], context[known], codes[known]]).sum())

    def sample(self, n: int, length: int, *, random_state: int = 0) -> NDArray[np.float32]:
        """Draw whole sequences, one-hot `(n, length, 4)` float32.

        Parameters
        ----------
        n, length
            How many, and of how many bp.
        random_state
            Seed.

        Returns
        -------
        ndarray of float32, shape (n, length, 4)
            One-hot.
        """
        n, length = check_count(n), check_count(length)
        around = np.full((1, length + 2 * self.order), UNKNOWN, dtype=np.uint8)
        around[:, self.order : self.order + length] = 0
        uniform = stream(check_seed(random_state), "markov-whole").random((1, n, length))
        return codes_to_one_hot(sample_stretches(self._steps(around, length), around, uniform)[0])

    def sample_between(
        self, X: Array, starts: Any, width: int, n: int, *, random_state: int = 0, conditional: bool = True
    ) -> NDArray[np.float32]:
        """Draw what may stand in a stretch of each sequence, exactly: P(stretch | both flanks).

        What comes after the stretch is known too, so bases are not simply drawn one after the other: the probability of
        the right flank is passed backwards through the stretch (filtering), and bases are drawn forwards with it.

        Parameters
        ----------
        X
            One-hot `(n_seq, L, 4)`.
        starts
            First position of the stretch in each sequence, a number or `(n_seq,)`.
        width
            Of the stretches in bp.
        n
            Draws for each sequence.
        random_state
            Seed; a sequence's draws depend on it, on the sequence and on where its stretch is.
        conditional
            False: drawn as a sequence of its own, P(stretch), whatever stands beside it.

        Returns
        -------
        numpy.ndarray
            `(n_seq, n, width, 4)` float32, one-hot. Unknown bases stay unknown.

        Raises
        ------
        ShapeError
            When X is not one-hot, or a stretch leaves its sequence.
        """
        n, seed = check_count(n), check_seed(random_state)
        codes, places, around = self._around(X, starts, width, conditional)
        generators = (stream(seed, "markov", row, place) for row, place in zip(codes, places, strict=True))
        uniform = np.array([g.random((n, width)) for g in generators]).reshape(len(codes), n, width)
        return codes_to_one_hot(sample_stretches(self._steps(around, width), around, uniform))

    def stretch_probabilities(self, X: Array, starts: Any, width: int, *, conditional: bool = True) -> Array:
        """Return the probability of everything that may stand in a stretch of each sequence.

        Parameters
        ----------
        X, starts, conditional
            As for `sample_between`.
        width
            Of the stretches, up to 8 bp.

        Returns
        -------
        numpy.ndarray
            `(n_seq, 4**width)` float64, each row a distribution; stretches are in alphabetic order. Where a base is
            unknown, stretches with another base than A there have probability 0.

        Raises
        ------
        ParameterError
            When stretches are longer than that, or do not lie in the sequence.
        """
        _, _, around = self._around(X, starts, width, conditional)
        if width > MAX_ENUMERATED:
            raise ParameterError(f"width={width} has 4**{width} stretches; at most {MAX_ENUMERATED} bp are listed.")
        return enumerate_stretches(self._steps(around, width), around)

    def _steps(self, around: Array, width: int) -> Array:
        return given_flanks(self.expanded[None], np.zeros(len(around), dtype=np.intp), around, width)

    def _around(self, X: Array, starts: Any, width: int, conditional: bool) -> tuple[Array, Array, Array]:
        codes = one_hot_to_codes(X)
        width = check_count(width)
        try:
            places = np.broadcast_to(np.asarray(starts, dtype=np.int64), (len(codes),))
        except ValueError:
            raise ShapeError(f"There are {np.size(starts)} starts for {len(codes)} sequences.") from None
        length = codes.shape[1]
        if len(places) and (places.min() < 0 or places.max() + width > length):
            raise ShapeError(
                f"Stretches of {width} bp at {places.min()} to {places.max()} leave a sequence of {length} bp."
            )
        return codes, places, around_stretches(codes, np.arange(len(codes)), places, width, self.order, conditional)


def around_stretches(codes: Array, rows: Array, starts: Array, width: int, order: int, conditional: bool) -> Array:
    """Return stretches with their flanks, `(m, order + width + order)` base codes.

    Beyond the ends of a sequence, and in the flanks unless `conditional`, bases are unknown.
    """
    padded = np.full((codes.shape[0], codes.shape[1] + 2 * order), UNKNOWN, dtype=np.uint8)
    padded[:, order : order + codes.shape[1]] = codes
    around: Array = padded[rows[:, None], starts[:, None] + np.arange(width + 2 * order)]
    if not conditional:
        around[:, :order] = UNKNOWN
        around[:, order + width :] = UNKNOWN
    return around


def _rows(sequences: Iterable[str] | Array) -> list[Array]:
    if isinstance(sequences, str):
        raise ShapeError("Received one string; expected a list of strings. Use [sequence].")
    if hasattr(sequences, "__array__") and np.asarray(sequences).dtype.kind not in "UO":
        return list(one_hot_to_codes(np.asarray(sequences)))
    return [encode_codes(text) for text in sequences]


def _one_row(sequences: Iterable[str] | Array) -> Array:
    """Return all sequences as one row of base codes, with an unknown base between any two."""
    gap = np.array([UNKNOWN], dtype=np.uint8)
    return np.concatenate([gap, *(part for row in _rows(sequences) for part in (row, gap))])
