"""Compiled loops of the native extractor; importing this module imports numba.

Windows are laid out flat, `4 · position + base`. A window read backwards is then its reverse complement (A and T, C
and G are 0 and 3, 1 and 2), and a shift by one base is one by four places.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

_FLAGS = {"nogil": True, "cache": True, "fastmath": {"reassoc", "nsz", "nnan"}}


@numba.njit(**_FLAGS)  # type: ignore[untyped-decorator]
def shared(x: Any, y: Any, shift: int) -> Any:
    """Return Σ min(x, y) of two flat windows of one size, `y` moved `shift` places to the right."""
    size = x.size - abs(shift)
    # slices, whose indices are plainly not negative: else the loop is not turned into vector instructions
    a = x[shift:] if shift > 0 else x[:size]
    b = y[:size] if shift > 0 else y[-shift:]
    total = np.float32(0)
    for k in range(size):
        total += a[k] if a[k] < b[k] else b[k]
    return total


@numba.njit(**_FLAGS)  # type: ignore[untyped-decorator]
def best_shared(x: Any, y: Any, turned: Any, reach: int) -> Any:
    """Return the largest Σ min over both strands and shifts up to `reach` bp, the shift and whether `y` is turned."""
    best, offset, strand = np.float32(-1), 0, 0
    for magnitude in range(reach + 1):  # small shifts first: of equal ones the smallest is taken
        for sign in (1, -1):
            if magnitude == 0 and sign < 0:
                continue
            shift = sign * magnitude
            value = shared(x, y, 4 * shift)
            if value > best:
                best, offset, strand = value, shift, 0
            value = shared(x, turned, 4 * shift)
            if value > best:
                best, offset, strand = value, shift, 1
    return best, offset, strand


@numba.njit(**_FLAGS)  # type: ignore[untyped-decorator]
def neighbour_similarity(x: Any, turned: Any, neighbours: Any, reach: int, first: int, last: int, out: Any) -> None:
    """Write the continuous Jaccard similarity of windows `first` to `last` and their neighbours at the best alignment.

    Windows `(s, 4w)` sum to 1, so Σ min / Σ max = m / (2 − m) with m = Σ min.
    """
    for i in range(first, last):
        for k in range(neighbours.shape[1]):
            j = neighbours[i, k]
            if j < 0:
                out[i, k] = 0
            else:
                value = best_shared(x[i], x[j], turned[j], reach)[0]
                out[i, k] = value / (2 - value)


@numba.njit(**_FLAGS)  # type: ignore[untyped-decorator]
def align_to(
    x: Any, turned: Any, means: Any, candidates: Any, reach: int, first: int, last: int,
    which: Any, similarity: Any, shift: Any, strand: Any,
) -> None:  # fmt: skip
    """Find for windows `first` to `last` the most similar of their candidate means, and how the window lies on it."""
    for i in range(first, last):
        similarity[i] = -1
        for k in range(candidates.shape[1]):
            p = candidates[i, k]
            if p < 0:
                continue
            value, offset, side = best_shared(means[p], x[i], turned[i], reach)
            value = value / (2 - value)
            if value > similarity[i]:
                which[i], similarity[i], shift[i], strand[i] = p, value, offset, side


@numba.njit(**_FLAGS)  # type: ignore[untyped-decorator]
def keep_largest(scores: Any, first: int, begin: int, end: int, kept: Any, values: Any) -> None:
    """Keep the columns of the largest entries of rows `begin` to `end`; row r belongs to column `first + r`, left out.

    `kept` and `values` `(rows, k)` come out with the largest first; of equal ones the first column is kept.
    """
    k = kept.shape[1]
    for r in range(begin, end):
        for c in range(k):
            values[first + r, c] = -np.inf
            kept[first + r, c] = -1
        smallest = np.float32(-np.inf)
        for column in range(scores.shape[1]):
            value = scores[r, column]
            if value > smallest and column != first + r:
                c = k - 1
                while c > 0 and values[first + r, c - 1] < value:
                    values[first + r, c] = values[first + r, c - 1]
                    kept[first + r, c] = kept[first + r, c - 1]
                    c -= 1
                values[first + r, c] = value
                kept[first + r, c] = column
                smallest = values[first + r, k - 1]


@numba.njit(**_FLAGS)  # type: ignore[untyped-decorator]
def lay_over(x: Any, turned: Any, which: Any, shift: Any, strand: Any, sums: Any, sizes: Any) -> None:
    """Add each window to the sum `(p, 4·(w + 2·reach))` of the mean it belongs to, as it lies there."""
    size = x.shape[1]
    margin = (sums.shape[1] - size) // 2
    for i in range(x.shape[0]):
        p = which[i]
        if p < 0:
            continue
        at = margin + 4 * shift[i]
        sizes[p] += 1
        for k in range(size):
            sums[p, at + k] += x[i, k] if strand[i] == 0 else turned[i, k]


@numba.njit(**_FLAGS)  # type: ignore[untyped-decorator]
def frame(x: Any, turned: Any, rows: Any, shift: Any, strand: Any, out: Any) -> None:
    """Write some windows into `out`, zeros before, as they lie on their mean."""
    size = x.shape[1]
    for r in range(rows.size):
        i = rows[r]
        at = 4 * shift[i]
        for k in range(max(-at, 0), min(size, size - at)):
            out[r, k + at] = x[i, k] if strand[i] == 0 else turned[i, k]


@numba.njit(**_FLAGS)  # type: ignore[untyped-decorator]
def embed(x: Any, strongest: int, longest: int, out: Any) -> None:
    """Write features of windows `(s, 4w)` that are the same wherever a motif lies in them and on whichever strand.

    Of each window's `strongest` positions all triples that span at most `longest` bp: three bases and two distances,
    read on the strand where that is the smaller key. A triple weighs the cube root of its contributions' product, and
    is added to one of the columns, with a sign, both drawn by its key's hash (a count sketch: products of two rows are
    unbiased estimates of those of the triples).
    """
    n, width, columns = x.shape[0], x.shape[1] // 4, out.shape[1]
    value = np.empty(width, dtype=np.float32)
    base = np.empty(width, dtype=np.int64)
    chosen = np.empty(strongest, dtype=np.int64)
    for i in range(n):
        for p in range(width):
            value[p], base[p] = 0, -1
            for b in range(4):
                if x[i, 4 * p + b] > value[p]:
                    value[p], base[p] = x[i, 4 * p + b], b
        count = 0
        for _ in range(strongest):
            best, at = np.float32(0), -1
            for p in range(width):
                if value[p] > best:
                    taken = False
                    for c in range(count):
                        taken = taken or chosen[c] == p
                    if not taken:
                        best, at = value[p], p
            if at < 0:
                break
            chosen[count] = at
            count += 1
        positions = np.sort(chosen[:count])
        for a in range(count):
            for b in range(a + 1, count):
                for c in range(b + 1, count):
                    p, q, r = positions[a], positions[b], positions[c]
                    if r - p > longest:
                        break
                    forward = (((base[p] * 4 + base[q]) * 4 + base[r]) * 64 + (q - p)) * 64 + (r - q)
                    back = (((3 - base[r]) * 4 + 3 - base[q]) * 4 + 3 - base[p]) * 64 * 64 + (r - q) * 64 + (q - p)
                    key = np.uint64(min(forward, back)) + np.uint64(1)
                    key = key * np.uint64(0x9E3779B97F4A7C15)
                    key = (key ^ (key >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
                    key = key ^ (key >> np.uint64(32))
                    weight = np.float32((value[p] * value[q] * value[r]) ** (1 / 3))
                    column = np.int64((key >> np.uint64(1)) % np.uint64(columns))
                    out[i, column] += weight if key & np.uint64(1) else -weight


@numba.njit(**_FLAGS)  # type: ignore[untyped-decorator]
def all_pairs(x: Any, y: Any, out: Any) -> None:
    """Write the continuous Jaccard similarity of all rows of `x` with all of `y`, without moving them."""
    mass = np.empty(y.shape[0], dtype=np.float32)
    for j in range(y.shape[0]):
        mass[j] = y[j].sum()
    for i in range(x.shape[0]):
        own = x[i].sum()
        for j in range(y.shape[0]):
            value = shared(x[i], y[j], 0)
            union = own + mass[j] - value
            out[i, j] = value / union if union > 0 else 0
