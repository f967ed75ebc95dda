"""Strings of bases, base codes and one-hot arrays, and the ways between them.

The one layout everywhere: `(n, L, 4)` float32, order A C G T, unknown bases all zero. Base codes are `uint8`,
0–3 for A C G T and `UNKNOWN` (4) for a base that is not known; they are the compact form of the same thing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqexplain.errors import ParameterError, SequenceError, ShapeError

BASES = "ACGT"
UNKNOWN = 4  # the code of a base that is not known
AMBIGUOUS = "NRYSWKMBDHVX"  # IUPAC ambiguity codes, and X, which maskers write for N

_INVALID = 255
_COMPLEMENT = str.maketrans("ACGTURYSWKMBDHVacgturyswkmbdhv", "TGCAAYRSWMKVHDBtgcaayrswmkvhdb")


def _code_table() -> NDArray[np.uint8]:
    table = np.full(256, _INVALID, dtype=np.uint8)
    for letters, code in (("A", 0), ("C", 1), ("G", 2), ("TU", 3), (AMBIGUOUS, UNKNOWN)):
        for letter in letters + letters.lower():
            table[ord(letter)] = code
    return table


_CODES = _code_table()
_VALID = b"ACGTUacgtu" + (AMBIGUOUS + AMBIGUOUS.lower()).encode()
_ROWS = np.concatenate([np.eye(4, dtype=np.float32), np.zeros((1, 4), dtype=np.float32)])
_LETTERS = np.frombuffer(b"ACGTN", dtype=np.uint8)


def _raw_codes(sequence: str) -> NDArray[np.uint8]:
    """Codes of a string, `_INVALID` where a character stands for no base."""
    # "replace" turns each character outside ASCII into one "?", so positions stay true
    return _CODES[np.frombuffer(sequence.encode("ascii", "replace"), dtype=np.uint8)]


def describe_character(character: str) -> str:
    """Say which character stands where a base is wanted and what it may be, for messages."""
    hints = {"-": " (an alignment gap?)", ".": " (an alignment gap?)", "*": " (a protein's stop codon?)"}
    hint = " (a number?)" if character.isdigit() else hints.get(character, "")
    return f"{character!r}{hint}"


def first_invalid(sequence: str) -> int | None:
    """Return the 0-based position of the first character that stands for no base, or None."""
    if not sequence.encode("ascii", "replace").translate(None, _VALID):
        return None  # the usual case, ten times as fast on short sequences as the array below
    return int(np.flatnonzero(_raw_codes(sequence) == _INVALID)[0])


_ALLOWED = "Wanted are A, C, G, T (or U), N and the IUPAC ambiguity codes, in either case."


def encode_codes(sequence: str) -> NDArray[np.uint8]:
    """Translate a string to base codes.

    Parameters
    ----------
    sequence
        Bases in either case; U is read as T; N, X and the IUPAC ambiguity codes become `UNKNOWN`.

    Returns
    -------
    ndarray of uint8, shape (L,)
        0–3 for A C G T, 4 for an unknown base.

    Raises
    ------
    SequenceError
        At a character that stands for no base.

    Examples
    --------
    >>> encode_codes("ACgtN").tolist()
    [0, 1, 2, 3, 4]
    """
    if not isinstance(sequence, str):
        raise SequenceError(f"Received {type(sequence).__name__}; expected a string of bases such as 'ACGT'.")
    codes = _raw_codes(sequence)
    bad = np.flatnonzero(codes == _INVALID)
    if bad.size:
        raise SequenceError(
            f"The sequence has {describe_character(sequence[bad[0]])} at position {bad[0]} (0-based). {_ALLOWED}"
        )
    return codes


def stack_codes(sequences: Iterable[str], *, length: int | None = None) -> NDArray[np.uint8]:
    """Translate strings of one length to an `(n, L)` array of base codes.

    Parameters
    ----------
    sequences
        Strings of bases.
    length
        The length they must have; by default that of the first.

    Raises
    ------
    SequenceError
        At a character that stands for no base, naming sequence and position.
    ShapeError
        Where a length differs, or one bare string was given.
    """
    if isinstance(sequences, str):
        raise ShapeError("Received one string; expected a list of strings. Use [sequence].")
    if not isinstance(sequences, Iterable):
        raise ShapeError(f"Received {type(sequences).__name__}; expected a list of strings.")
    rows = list(sequences)
    if length is not None and (isinstance(length, bool) or not isinstance(length, int | np.integer)):
        raise ParameterError(f"length is {length!r}; expected a whole number of bases, or None.")
    for i, row in enumerate(rows):
        if not isinstance(row, str):
            raise SequenceError(f"Sequence {i} is {type(row).__name__}; expected a string of bases such as 'ACGT'.")
    wanted = length if length is not None else (len(rows[0]) if rows else 0)
    for i, row in enumerate(rows):
        if len(row) != wanted:
            origin = "as asked for" if length is not None else "as sequence 0 has"
            raise ShapeError(
                f"Sequence {i} has {len(row)} bases; expected {wanted}, {origin}. Bring all to one length "
                f'with fit_length(sequence, {wanted}, policy="crop") or policy="pad".'
            )
    codes = _raw_codes("".join(rows)).reshape(len(rows), wanted)
    if codes.size and codes.max() == _INVALID:
        i, position = (int(k) for k in np.argwhere(codes == _INVALID)[0])
        raise SequenceError(
            f"Sequence {i} has {describe_character(rows[i][position])} at position {position} (0-based). {_ALLOWED}"
        )
    return codes


def codes_to_one_hot(codes: ArrayLike) -> NDArray[np.float32]:
    """Return base `codes` `(…, L)` as one-hot float32 `(…, L, 4)`; code 4 becomes a row of zeros.

    Raises
    ------
    ShapeError
        Where a code is not a whole number from 0 to 4.

    Examples
    --------
    >>> codes_to_one_hot([0, 4]).tolist()
    [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    array = np.asarray(codes)
    if array.size == 0:
        return np.zeros((*array.shape, 4), dtype=np.float32)
    if array.dtype.kind not in "ui":
        raise ShapeError(f"Base codes have dtype {array.dtype}; expected integers 0–3 for A C G T and 4 for unknown.")
    if array.max() > UNKNOWN or array.min() < 0:
        raise ShapeError(
            f"Base codes run from {array.min()} to {array.max()}; expected 0–3 for A C G T and 4 for unknown."
        )
    return np.take(_ROWS, array, axis=0)


def one_hot_to_codes(X: ArrayLike) -> NDArray[np.uint8]:
    """Return one-hot `X` `(…, L, 4)` as base codes `(…, L)`; a row of zeros becomes 4.

    Raises
    ------
    ShapeError
        Where the last axis is not 4 long, or a row is neither one-hot nor all zero.

    Examples
    --------
    >>> one_hot_to_codes([[0, 0, 1, 0], [0, 0, 0, 0]]).tolist()
    [2, 4]
    """
    array = np.asarray(X)
    if array.ndim < 2 or array.shape[-1] != 4:
        hint = " Use X.transpose(0, 2, 1)." if array.ndim == 3 and array.shape[1] == 4 else ""
        raise ShapeError(f"X has shape {array.shape}; expected (n, length, 4).{hint}")
    if array.dtype.kind not in "fuib":
        raise ShapeError(f"X has dtype {array.dtype}; expected a one-hot array of numbers.")
    ones = array == 1
    codes = np.full(array.shape[:-1], UNKNOWN, dtype=np.uint8)
    hits = np.zeros(array.shape[:-1], dtype=np.uint8)
    for base in range(4):  # four passes over contiguous output beat one argmax over a short axis
        column = ones[..., base]
        codes[column] = base
        hits += column
    # a NaN or a soft value is not zero and not one, so it shows as a surplus of non-zeros
    if np.count_nonzero(array) != int(np.count_nonzero(ones)) or (hits.size and hits.max() > 1):
        bad = np.argwhere((np.count_nonzero(array, axis=-1) != hits) | (hits > 1))[0]
        row = array[tuple(bad)]
        where = f"X[{', '.join(str(int(k)) for k in bad)}]"
        raise ShapeError(
            f"{where} is {row.tolist()}; expected a one-hot row (A C G T), or zeros for an unknown base. "
            f"This step takes observed sequences only, not probabilities."
        )
    return codes


def one_hot(sequences: Iterable[str], *, length: int | None = None) -> NDArray[np.float32]:
    """One-hot encode sequences of one length.

    Parameters
    ----------
    sequences
        Strings of bases, upper or lower case. U is read as T. N, X and the IUPAC ambiguity codes are unknown:
        their rows are all zero.
    length
        The length that every sequence must have; by default that of the first.

    Returns
    -------
    ndarray of float32, shape (n, L, 4)
        Order A C G T.

    Raises
    ------
    SequenceError
        At a character that stands for no base; the message names sequence and position.
    ShapeError
        Where lengths differ.
    ParameterError
        For a length that is no whole number.

    Examples
    --------
    >>> one_hot(["ACN", "tta"])[0].tolist()
    [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    return np.take(_ROWS, stack_codes(sequences, length=length), axis=0)


def decode(X: ArrayLike) -> list[str]:
    """Turn one-hot arrays back into strings.

    Parameters
    ----------
    X
        `(n, L, 4)`, or `(L, 4)` for one sequence. Rows of zeros become N.

    Returns
    -------
    list of str
        `n` strings, upper case.

    Raises
    ------
    ShapeError
        Where X has another shape, or a row is neither one-hot nor all zero.

    Examples
    --------
    >>> decode(one_hot(["ACGTN", "ttuuR"]))
    ['ACGTN', 'TTTTN']
    """
    codes = one_hot_to_codes(X)
    if codes.ndim > 2:
        raise ShapeError(f"X has shape {np.shape(X)}; expected (n, length, 4). Use X.reshape(-1, *X.shape[-2:]).")
    letters = np.take(_LETTERS, np.atleast_2d(codes))
    return [row.tobytes().decode("ascii") for row in letters]


@overload
def reverse_complement(sequence: str) -> str: ...
@overload
def reverse_complement(sequence: NDArray[Any]) -> NDArray[Any]: ...
def reverse_complement(sequence: str | NDArray[Any]) -> str | NDArray[Any]:
    """Return the reverse complement of a string or of an array whose last two axes are (length, base).

    Parameters
    ----------
    sequence
        A string (IUPAC codes are complemented, case is kept, U becomes A) or an array `(…, L, 4)`: one-hot,
        or any scores per base, as a base and its complement mirror each other in the order A C G T.

    Returns
    -------
    str or numpy.ndarray
        As given, of the same shape.

    Raises
    ------
    ShapeError
        Where an array's last axis is not 4 long.
    SequenceError
        At a character that stands for no base.

    Examples
    --------
    >>> reverse_complement("AACRn")
    'nYGTT'
    """
    if isinstance(sequence, str):
        bad = first_invalid(sequence)
        if bad is not None:
            raise SequenceError(
                f"The sequence has {describe_character(sequence[bad])} at position {bad} (0-based). {_ALLOWED}"
            )
        return sequence.translate(_COMPLEMENT)[::-1]
    array = np.asarray(sequence)
    if array.ndim < 2 or array.shape[-1] != 4:
        raise ShapeError(f"The array has shape {array.shape}; expected (…, length, 4).")
    return np.ascontiguousarray(array[..., ::-1, ::-1])
