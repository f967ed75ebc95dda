"""Shuffled copies of sequences: the references that keep composition and destroy motifs.

A dinucleotide shuffle keeps how often each base follows each other base. The sequence is read as a walk over
the four bases; every walk over the same steps from the same first base is a shuffle, and ends in the same
last base. By the BEST theorem such walks correspond, each the same number of times, to pairs of a spanning
arborescence towards the last base (the edge by which each base is left for the last time) and an order of
each base's other edges. Drawing both uniformly draws the sequences uniformly: all of them can come out, each
with the same chance. (Keeping the original's last edges, as is often done, reaches only a part of them.)
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqexplain.errors import ParameterError, ShapeError, ShuffleWarning
from seqexplain.sequences.encoding import UNKNOWN, one_hot_to_codes, stack_codes

Sequences = ArrayLike | Iterable[str]

SHUFFLES = ("dinucleotide", "mononucleotide")
_CHUNK_BASES = 1 << 18  # shuffled bases a thread takes at a time: some ms of work, so threads end together


def dinucleotide_shuffle(X: Sequences, n: int = 20, *, random_state: int = 0) -> NDArray[np.float32]:
    """Draw sequences uniformly from all that have the same dinucleotide counts.

    Parameters
    ----------
    X
        One-hot `(n_seq, L, 4)` (order A C G T, unknown bases all zero), or strings of one length.
    n
        Shuffles of each sequence.
    random_state
        Seed. A sequence's stream of shuffles comes from the seed and its own bases alone: it is the same in
        any batch and order, and the first shuffles are the same whatever `n` is.

    Returns
    -------
    ndarray of float32, shape (n_seq, n, L, 4)
        One-hot shuffles, with the first and the last base of the original. Unknown bases stay where they are,
        and each run of known bases between them is shuffled by itself.

    Raises
    ------
    ShapeError, SequenceError
        Where `X` is not one-hot, or the strings are not DNA of one length.
    ParameterError
        For `n` below 1 or a seed that is not a whole number from 0 to 2**64 − 1.

    Warns
    -----
    ShuffleWarning
        Where a sequence has fewer than `n` distinct shuffles; some of the drawn ones are then equal.

    Notes
    -----
    Random arborescences are drawn with Wilson's algorithm (Propp & Wilson 1998, J. Algorithms 27:170); the
    use for sequences is due to Kandel, Matias, Unger & Winkler (1996, Discrete Appl. Math. 71:171).

    Examples
    --------
    >>> from seqexplain.sequences.encoding import decode
    >>> shuffles = dinucleotide_shuffle(["ACCCACGATGATG"], n=3)
    >>> shuffles.shape
    (1, 3, 13, 4)
    >>> [text.count("GA") for text in decode(shuffles[0])]
    [2, 2, 2]
    """
    return _shuffled(X, n, random_state, "dinucleotide")


def mononucleotide_shuffle(X: Sequences, n: int = 20, *, random_state: int = 0) -> NDArray[np.float32]:
    """Permute the bases of each sequence uniformly.

    Parameters
    ----------
    X, n, random_state
        As for `dinucleotide_shuffle`.

    Returns
    -------
    ndarray of float32, shape (n_seq, n, L, 4)
        One-hot shuffles. Unknown bases stay where they are; the known ones are permuted over all other
        positions.

    Raises
    ------
    ShapeError, SequenceError, ParameterError
        As for `dinucleotide_shuffle`.

    Warns
    -----
    ShuffleWarning
        Where a sequence has fewer than `n` distinct shuffles.

    Examples
    --------
    >>> from seqexplain.sequences.encoding import decode
    >>> [sorted(text) for text in decode(mononucleotide_shuffle(["GATTACA"], n=1)[0])]
    [['A', 'A', 'A', 'C', 'G', 'T', 'T']]
    """
    return _shuffled(X, n, random_state, "mononucleotide")


def log_distinct_shuffles(X: Sequences, *, kind: str = "dinucleotide") -> NDArray[np.float64]:
    """Return the natural logarithm of how many distinct shuffles each sequence has, itself among them.

    Parameters
    ----------
    X
        One-hot `(n_seq, L, 4)`, or strings of one length.
    kind
        `"dinucleotide"` or `"mononucleotide"`.

    Returns
    -------
    ndarray of float64, shape (n_seq,)

    Raises
    ------
    ParameterError
        For another kind.

    Notes
    -----
    For dinucleotides the number is τ · d(t)! · Π_{v≠t} (d(v) − 1)! / Π_{a,b} c(a, b)!, by the BEST theorem:
    c are the counts, d(v) the edges that leave v, t is the last base and τ the determinant of the Laplacian
    without t.

    Examples
    --------
    >>> np.exp(log_distinct_shuffles(["ACCCACGATGATG"])).round().tolist()
    [27.0]
    """
    if kind not in _COUNTERS:
        raise ParameterError(f"kind is {kind!r}; expected one of {', '.join(map(repr, _COUNTERS))}.")
    return _COUNTERS[kind](_as_codes(X))


def _shuffled(X: Sequences, n: int, random_state: int, kind: str) -> NDArray[np.float32]:
    codes = _as_codes(X)
    n = check_count(n)
    seed = check_seed(random_state)
    warn_if_few_shuffles(codes, n, kind)
    return draw_shuffles(codes, n, seed, kind)


def draw_shuffles(codes: NDArray[np.uint8], n: int, seed: int, kind: str) -> NDArray[np.float32]:
    """Draw shuffles of checked base codes `(s, L)`, `(s, n, L, 4)`, without a warning."""
    from seqexplain.sequences import _kernels

    kernel = _kernels.shuffle_kernel(kind)
    codes = np.ascontiguousarray(codes)
    seeds = _stream_seeds(codes, seed, kind)
    out = np.zeros((*codes.shape[:1], n, *codes.shape[1:], 4), dtype=np.float32)
    if out.size == 0:
        return out
    rows = max(1, _CHUNK_BASES // (n * codes.shape[1]))
    starts = range(0, len(codes), rows)

    def fill(start: int) -> None:
        part = slice(start, start + rows)
        kernel(codes[part], seeds[part], n, out[part])

    workers = min(_available_cores(), len(starts))
    if workers == 1:
        for start in starts:
            fill(start)
    else:
        # the kernels hold no lock, so plain threads serve; numba's own pools crash when two threads enter
        # them
        with ThreadPoolExecutor(workers, thread_name_prefix="seqexplain-shuffle") as pool:
            list(pool.map(fill, starts))
    return out


def check_count(n: int) -> int:
    """Return a number of shuffles or references, or raise `ParameterError`."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ParameterError(f"n is {n!r}; expected a whole number of at least 1.")
    return int(n)


def check_seed(random_state: int) -> int:
    """Return a seed, or raise `ParameterError`."""
    if isinstance(random_state, bool) or not isinstance(random_state, int | np.integer):
        raise ParameterError(
            f"random_state is {type(random_state).__name__}; expected a whole number such as 0, which "
            f"stands for the same shuffles on every machine."
        )
    if not 0 <= random_state < 1 << 64:
        raise ParameterError(f"random_state is {random_state}; expected a whole number from 0 to 2**64 - 1.")
    return int(random_state)


def _as_codes(X: Sequences) -> NDArray[np.uint8]:
    if isinstance(X, str) or not (hasattr(X, "__array__") or isinstance(X, Iterable)):
        return stack_codes(cast("Iterable[str]", X))  # which explains what is wanted
    if not hasattr(X, "__array__"):
        rows: list[Any] = list(cast("Iterable[Any]", X))
        if not rows or isinstance(rows[0], str):
            return stack_codes(rows)
        X = rows
    array = np.asarray(X)
    if array.dtype.kind == "U" and array.ndim == 1:
        return stack_codes(array.tolist())
    if array.ndim != 3:
        hint = " Use X[None] for a single sequence." if array.ndim == 2 else ""
        raise ShapeError(f"X has shape {array.shape}; expected (n, length, 4).{hint}")
    return one_hot_to_codes(array)


def _stream_seeds(codes: NDArray[np.uint8], seed: int, kind: str) -> NDArray[np.uint64]:
    key = seed.to_bytes(8, "little")
    seeds = np.empty(len(codes), dtype=np.uint64)
    for i, row in enumerate(codes):
        digest = blake2b(row.tobytes(), digest_size=8, key=key, person=kind[:16].encode())
        seeds[i] = int.from_bytes(digest.digest(), "little")
    return seeds


def _available_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def warn_if_few_shuffles(codes: NDArray[np.uint8], n: int, kind: str, *, start: int = 0) -> None:
    """Warn of sequences with fewer than `n` distinct shuffles, counting sequences from `start`."""
    log_distinct = _COUNTERS[kind](codes)
    few = np.flatnonzero(log_distinct < np.log(n) - 1e-6)  # the tolerance covers rounding of the logarithms
    if few.size:
        worst = int(few[np.argmin(log_distinct[few])])
        distinct = round(float(np.exp(log_distinct[worst])))
        warnings.warn(
            f"{few.size} of {len(log_distinct)} sequences have fewer than {n} distinct {kind} shuffles "
            f"(sequence {start + worst} has {distinct}), so some of theirs are equal. Ask for fewer, or "
            "choose other "
            f"references for them, such as a constant background.",
            ShuffleWarning,
            stacklevel=4,
        )


def _log_factorials(largest: int) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, largest + 1)))])


def _log_distinct_mononucleotide(codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    table = _log_factorials(codes.shape[1])
    counts = np.stack([np.count_nonzero(codes == base, axis=1) for base in range(4)], axis=1)
    return np.asarray(table[counts.sum(axis=1)] - table[counts].sum(axis=1))


def _log_distinct_dinucleotide(codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    rows, length = codes.shape
    if rows == 0 or length < 2:
        return np.zeros(rows)
    # number the runs of known bases over all sequences; a run begins where a known base follows none
    known = codes != UNKNOWN
    begins = known.copy()
    begins[:, 1:] &= ~known[:, :-1]
    run = np.cumsum(begins.ravel()).reshape(codes.shape) - 1
    n_runs = int(np.count_nonzero(begins))
    if n_runs == 0:
        return np.zeros(rows)
    steps = known[:, 1:] & known[:, :-1]
    edge = run[:, 1:][steps] * 16 + codes[:, :-1][steps] * 4 + codes[:, 1:][steps]
    counts = np.bincount(edge, minlength=n_runs * 16).reshape(n_runs, 4, 4)

    ends = known.copy()
    ends[:, :-1] &= ~known[:, 1:]
    last = codes[ends].astype(np.intp)  # in the order of the runs
    leaving = counts.sum(axis=2)
    laplacian = leaving[:, :, None] * np.eye(4) - counts
    # without the last base, and without bases that are never left: their rows and columns become the
    # identity's
    absent = (leaving == 0) | (np.arange(4) == last[:, None])
    laplacian[absent] = 0.0
    laplacian += absent[:, :, None] * np.eye(4)
    trees = np.linalg.det(laplacian)

    table = _log_factorials(length)
    orders = table[np.where(absent, leaving, leaving - 1)].sum(axis=1)
    per_run = np.log(np.maximum(trees, 1.0)) + orders - table[counts].sum(axis=(1, 2))
    sequence = np.nonzero(begins)[0]
    return np.asarray(np.bincount(sequence, weights=np.maximum(per_run, 0.0), minlength=rows), dtype=np.float64)


_COUNTERS: dict[str, Callable[[NDArray[Any]], NDArray[np.float64]]] = {
    "dinucleotide": _log_distinct_dinucleotide,
    "mononucleotide": _log_distinct_mononucleotide,
}
