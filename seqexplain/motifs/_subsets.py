"""Pieces of subsets of the bases of sequences, and how far apart two of them are.

A subset may hold several motifs, whose distance means nothing: it is cut where many masked bases lie between two of
its own. A piece is a set of (position, base) pairs; masked positions between them hold nothing, as gaps do. Shifting a
piece, or reading it on the other strand, gives the same evidence in another place, so pieces are compared up to both:

    d(A, B) = min over shifts g (and strands) of 1 − |A ∩ gB| / |A ∪ gB|

the Jaccard distance at the alignment where they agree the most. A position where both have a base, but not the same
one, counts twice in the union, as two elements; a base against a gap counts once. It is 0 for the same pattern anywhere
on either strand, 1 where no base is shared at all. The Jaccard distance is a metric, and shifts and reverse complements
form a group that leaves it unchanged; its minimum over such a group is a metric again: for the best g and h,
d(A, C) ≤ J(A, ghC) ≤ J(A, gB) + J(gB, ghC) = d(A, B) + d(B, C). With s = max |A ∩ gB|, |A ∪ gB| is |A| + |B| − s, so
that only s is looked for: at each offset, how many pairs of equal bases lie that far apart.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.sequences.encoding import UNKNOWN, one_hot_to_codes

Array = NDArray[Any]

BLOCK_ROWS = 64  # rows of a distance matrix that are computed at a time


@runtime_checkable
class HasSubsets(Protocol):
    """The result of a search for sufficient subsets, or the like."""

    @property
    def X(self) -> Array:  # noqa: N802 - the field's name for the one-hot array
        """`(n, L, 4)` one-hot."""

    @property
    def subset(self) -> Array:
        """`(n, L)` whole numbers: the subset that a base belongs to, from 1; 0 for none."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """`k` pieces of subsets as flat arrays, in the order of sources, sequences, numbers and positions.

    Attributes
    ----------
    places, codes
        `(total,)`: position of each base, counted from the piece's first, and its code.
    bounds
        `(k + 1,)`: piece i has the bases from `bounds[i]` to `bounds[i + 1]`.
    spans
        `(k,)` bp from the first to the last base, both included.
    first
        `(k,)` position of the first base in its sequence.
    source, sequence, number
        `(k,)`: which of the results it comes from, row of the sequence there, and number of the subset in the sequence.
    all_subsets
        `(m, 3)`: source, sequence and number of every subset, also of those of which no piece is large enough.
    """

    places: NDArray[np.int64]
    codes: NDArray[np.int64]
    bounds: NDArray[np.int64]
    spans: NDArray[np.int64]
    first: NDArray[np.int64]
    source: NDArray[np.int64]
    sequence: NDArray[np.int64]
    number: NDArray[np.int64]
    all_subsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.spans)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """`(k,)` number of bases."""
        return np.diff(self.bounds)


def read_pieces(given: Any, *, max_gap: int | None = None, min_bases: int = 1) -> tuple[Pieces, tuple[str, ...]]:
    """Return the pieces of the subsets of one result or of several, and the names of the results (none for one).

    Parameters
    ----------
    given, max_gap, min_bases
        As `cluster_subsets` takes them.

    Raises
    ------
    ParameterError, ShapeError
        When they are of another form.
    """
    named = isinstance(given, Mapping)
    results = list(given.values()) if named else [given]
    if not results:
        raise ParameterError("subsets is empty; expected one result at least.")
    parts = [_bases_of(result) for result in results]
    source = np.concatenate([np.full(len(part[0]), k) for k, part in enumerate(parts)])
    row, position, code, number = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    # rows come in order, positions too: a stable sort by number keeps positions in order within each subset
    order = np.lexsort((position, number, row, source))
    source, row, position, code, number = (column[order] for column in (source, row, position, code, number))
    key = np.stack([source, row, number], axis=1).astype(np.int64)
    begins = np.ones(len(key), dtype=bool)
    begins[1:] = (key[1:] != key[:-1]).any(axis=1)
    all_subsets = key[begins]
    if max_gap is not None:
        begins[1:] |= np.diff(position) - 1 > max_gap
    sizes = np.diff(np.append(np.flatnonzero(begins), len(key)))
    kept = np.repeat(sizes >= min_bases, sizes)
    source, row, position, code, number, begins = (v[kept] for v in (source, row, position, code, number, begins))
    starts = np.flatnonzero(begins)
    bounds = np.append(starts, len(begins)).astype(np.int64)
    first = position[starts]
    pieces = Pieces(
        places=position - np.repeat(first, np.diff(bounds)),
        codes=code,
        bounds=bounds,
        spans=position[bounds[1:] - 1] - first + 1,
        first=first,
        source=source[starts],
        sequence=row[starts],
        number=number[starts],
        all_subsets=all_subsets,
    )
    return pieces, tuple(str(name) for name in given) if named else ()


def _bases_of(result: Any) -> tuple[Array, Array, Array, Array]:
    """Return row, position, code and subset of every base that belongs to one."""
    if isinstance(result, HasSubsets):
        X, subset = result.X, np.asarray(result.subset)
    elif isinstance(result, tuple) and len(result) == 2:
        X, subset = result[0], np.asarray(result[1])
    else:
        raise ParameterError(
            f"subsets is a {type(result).__name__}; expected what sufficient_input_subsets returns, a pair (X, subset) "
            "of arrays (n, L, 4) and (n, L), or a mapping from names to these."
        )
    codes = one_hot_to_codes(X)
    if subset.ndim == codes.ndim + 1:
        raise ShapeError(f"subset has shape {subset.shape}: several targets; choose one with .for_target(…).")
    if codes.ndim != 2 or subset.shape != codes.shape or subset.dtype.kind not in "iu":
        raise ShapeError(
            f"X has shape {np.shape(X)} and subset {subset.shape} ({subset.dtype}); expected (n, length, 4), and whole "
            "numbers (n, length)."
        )
    row, position = np.nonzero(subset > 0)
    code = codes[row, position]
    if (code == UNKNOWN).any():
        k = int(np.flatnonzero(code == UNKNOWN)[0])
        raise ShapeError(f"Position {position[k]} of sequence {row[k]} is in a subset, but its base is unknown.")
    return row, position, code.astype(np.int64), subset[row, position].astype(np.int64)


def distances(pieces: Pieces, rows: Array, columns: Array, *, both_strands: bool) -> NDArray[np.float64]:
    """Return the distances of some pieces to others, `(rows, columns)`."""
    from seqexplain.motifs._subset_kernels import most_shared

    out = np.zeros((len(rows), len(columns)), dtype=np.int64)
    most_shared(
        pieces.places, pieces.codes, pieces.bounds, pieces.spans, rows.astype(np.int64), columns.astype(np.int64),
        both_strands, out,
    )  # fmt: skip
    sizes = pieces.sizes
    return np.asarray(1.0 - out / (sizes[rows][:, None] + sizes[columns][None] - out))


def condensed_distances(pieces: Pieces, chosen: Array, *, both_strands: bool) -> NDArray[np.float64]:
    """Return the distances between all pairs of some pieces, as SciPy orders them: (0, 1), (0, 2), … (1, 2), …"""
    n = len(chosen)
    out = np.zeros(n * (n - 1) // 2, dtype=np.float64)

    def fill(low: int) -> None:
        rows = chosen[low : low + BLOCK_ROWS]
        block = distances(pieces, rows, chosen[low:], both_strands=both_strands)
        for k in range(len(rows)):
            i = low + k
            begin = i * n - i * (i + 1) // 2
            out[begin : begin + n - i - 1] = block[k, k + 1 :]

    starts = range(0, n, BLOCK_ROWS)
    if len(starts) > 1:
        fill(starts[-1])  # compiled before threads come
        with ThreadPoolExecutor(_cores(), thread_name_prefix="seqexplain-distances") as pool:
            list(pool.map(fill, starts[:-1]))  # the kernel holds no lock
    elif n:
        fill(0)
    return out


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
