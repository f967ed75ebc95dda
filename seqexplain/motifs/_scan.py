"""Find the hits of a motif in sequences, on both strands, with exact p-values."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqexplain.errors import SeqExplainWarning, ShapeError
from seqexplain.motifs._matrices import PSEUDOCOUNT, UNIFORM, Motif
from seqexplain.motifs._scores import ScoreTable, score_table
from seqexplain.sequences.encoding import UNKNOWN, one_hot_to_codes

P_VALUE = 1e-4  # of one word; a 100 bp sequence holds some 170 words on two strands, so 2 % have a hit by chance

_CHUNK_WORDS = 1 << 21  # words scored at a time: some 50 MB of scratch
_NO_SCORE = np.iinfo(np.int32).min  # a word with an unknown base


@dataclass(frozen=True, eq=False)
class Hits:
    """Hits of one motif, one entry a hit in each array.

    Attributes
    ----------
    sequence
        `(k,)` int64, row of `X`.
    start, end
        `(k,)` int64, 0-based half-open, on the sequence as given whatever the strand. −1 where `best_hits` found no
        word without an unknown base.
    strand
        `(k,)`: `"+"`, or `"-"` where the reverse complement matches; `"."` without a word.
    score
        `(k,)` float64, log-odds in bits; −inf without a word.
    p_value
        `(k,)` float64: chance that one word of background bases scores as much, not corrected for many words.
    """

    sequence: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    strand: NDArray[np.str_]
    score: NDArray[np.float64]
    p_value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.sequence)


def scan(
    X: ArrayLike,
    motif: Motif,
    *,
    background: Sequence[float] = UNIFORM,
    p_value: float = P_VALUE,
    pseudocount: float = PSEUDOCOUNT,
) -> Hits:
    """Find all words, on either strand, that score as a random word does with probability `p_value` or less.

    Parameters
    ----------
    X
        `(n, L, 4)` one-hot, order A C G T; words with an unknown base (a row of zeros) are no hits.
    motif
        The matrix.
    background
        Probabilities of A, C, G and T; averaged over the strands.
    p_value
        Highest p-value of a hit.
    pseudocount
        See `Motif.log_odds`.

    Returns
    -------
    Hits
        By sequence, then start, then strand. Overlapping hits are all kept.

    Raises
    ------
    ShapeError
        Where X is not one-hot `(n, L, 4)`, or shorter than the motif.
    ParameterError
        For a background, p-value or pseudocount that cannot be.

    Warns
    -----
    SeqExplainWarning
        Where no word at all can reach `p_value`, as the motif is too short or too weak.

    Examples
    --------
    >>> from seqexplain.sequences import one_hot
    >>> box = Motif("M1", "box", [[100, 0, 0, 0], [0, 0, 100, 0], [0, 0, 0, 100]])
    >>> hits = scan(one_hot(["CCAGTCC", "CACTCCC"]), box, p_value=1 / 64)
    >>> [(int(i), int(k), str(s)) for i, k, s in zip(hits.sequence, hits.start, hits.strand)]
    [(0, 2, '+'), (1, 1, '-')]
    """
    codes = _checked_codes(X, motif)
    table = score_table(motif, background, pseudocount=pseudocount)
    threshold = table.threshold(p_value)
    if threshold is None:
        warnings.warn(
            f"No word can be a hit of motif {motif.id!r} at p_value={p_value:g}: its best word has p = "
            f"{table.survival[-1]:.2g}. Give a higher p_value or a longer motif.",
            SeqExplainWarning,
            stacklevel=2,
        )
        threshold = np.iinfo(np.int32).max
    found = [np.empty((0, 4), dtype=np.int64)]
    for first, scores in _word_scores(codes, table):
        rows, starts, strands = np.nonzero(scores >= threshold)
        found.append(np.column_stack([rows + first, starts, strands, scores[rows, starts, strands]]))
    return _hits(np.concatenate(found), motif, table)


def best_hits(
    X: ArrayLike,
    motif: Motif,
    *,
    background: Sequence[float] = UNIFORM,
    pseudocount: float = PSEUDOCOUNT,
) -> Hits:
    """Find the best-scoring word of each sequence, on either strand.

    Parameters
    ----------
    X, motif, background, pseudocount
        As for `scan`.

    Returns
    -------
    Hits
        One entry a sequence, in the order of `X`, however poor it is: see its `p_value`. Of equal scores the
        leftmost counts, and the + strand before the − strand.

    Raises
    ------
    ShapeError, ParameterError
        As for `scan`.

    Examples
    --------
    >>> from seqexplain.sequences import one_hot
    >>> box = Motif("M1", "box", [[100, 0, 0, 0], [0, 0, 100, 0], [0, 0, 0, 100]])
    >>> hit = best_hits(one_hot(["CCAGTCC"]), box)
    >>> int(hit.start[0]), int(hit.end[0]), float(hit.p_value[0])
    (2, 5, 0.015625)
    """
    codes = _checked_codes(X, motif)
    table = score_table(motif, background, pseudocount=pseudocount)
    found = [np.empty((0, 4), dtype=np.int64)]
    for first, scores in _word_scores(codes, table):
        flat = scores.reshape(len(scores), -1)
        best = flat.argmax(axis=1)
        rows = np.arange(len(scores))
        found.append(np.column_stack([rows + first, best // 2, best % 2, flat[rows, best]]))
    return _hits(np.concatenate(found), motif, table)


def _checked_codes(X: ArrayLike, motif: Motif) -> NDArray[np.uint8]:
    codes = one_hot_to_codes(X)
    if codes.ndim != 2:
        hint = " Use X[None]." if codes.ndim == 1 else ""
        raise ShapeError(f"X has shape {np.shape(X)}; expected (n, length, 4).{hint}")
    if codes.shape[1] < motif.width:
        raise ShapeError(
            f"X has sequences of {codes.shape[1]} bp; expected at least {motif.width} bp, the width "
            f"of motif {motif.id!r}."
        )
    return codes


def _word_scores(codes: NDArray[np.uint8], table: ScoreTable) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Score every word, some sequences at a time: first row, and scores `(rows, words, strand)`."""
    width = len(table.weights)
    n_words = codes.shape[1] - width + 1
    rows = max(1, _CHUNK_WORDS // n_words)
    # the fifth column is for unknown bases, whose words are struck out below
    forward = np.pad(table.weights, ((0, 0), (0, 1)))
    reverse = np.pad(table.weights[::-1, ::-1], ((0, 0), (0, 1)))
    for first in range(0, len(codes), rows):
        part = codes[first : first + rows]
        scores = np.zeros((len(part), n_words, 2), dtype=np.int32)
        for strand, weights in enumerate((forward, reverse)):
            for position in range(width):
                scores[..., strand] += weights[position][part[:, position : position + n_words]]
        unknown = part == UNKNOWN
        if unknown.any():
            before = np.pad(np.cumsum(unknown, axis=1, dtype=np.int64), ((0, 0), (1, 0)))
            scores[before[:, width:] > before[:, :n_words]] = _NO_SCORE
        yield first, scores


def _hits(found: NDArray[np.int64], motif: Motif, table: ScoreTable) -> Hits:
    """Turn columns (sequence, start, strand, score in steps) into `Hits`."""
    sequence, start, strand, score = found.T
    scored = score > _NO_SCORE
    return Hits(
        sequence=sequence.copy(),
        start=np.where(scored, start, -1),
        end=np.where(scored, start + motif.width, -1),
        strand=np.where(scored, np.array(["+", "-"])[strand], "."),
        score=np.where(scored, score * table.step, -np.inf),
        p_value=np.where(scored, table.p_values(score), 1.0),
    )
