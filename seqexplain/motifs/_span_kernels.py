"""The compiled loops behind seqlets; importing this module imports numba.

`units` are contributions (or whole numbers of bins), one after the other; `bounds` cuts them into sequences or parts of
sequences, which no span crosses. A span of length k with sum s has the p-value
`table[k, floor(s * scale[k]) - low[k]]`, the index being kept inside the table.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def count_sums(values: Any, lengths: Any, first: int, scale: Any, counts: Any) -> None:
    """Count the sums of all spans of several lengths, of sequences in rows.

    Parameters
    ----------
    values
        `(m, L)` float32.
    lengths
        `(m,)`: where each row ends.
    first
        The shortest length; the others follow one by one.
    scale
        `(k,)` float64: bins a unit, one for each length.
    counts
        `(k, 2 h)` int64, to which is added: bin `b` is `[(b - h) / scale, (b - h + 1) / scale)`. Spans of nothing but
        zeros are left out.
    """
    half = counts.shape[1] // 2
    last = first + scale.size - 1
    for i in range(values.shape[0]):
        end = lengths[i]
        for start in range(end - first + 1):
            total = 0.0
            anything = False
            stop = min(last, end - start)
            for k in range(1, stop + 1):
                value = values[i, start + k - 1]
                total += value
                anything = anything or value != 0.0
                if k >= first and anything:
                    counts[k - first, math.floor(total * scale[k - first]) + half] += 1


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _p_value(total: Any, k: int, table: Any, low: Any, scale: Any) -> Any:
    place = math.floor(total * scale[k]) - low[k]
    return table[k, min(max(place, 0), table.shape[1] - 1)]


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _reach(
    units: Any, begin: int, stop: int, table: Any, low: Any, scale: Any, shortest: int, threshold: float, out: Any
) -> None:
    """Write for each start the end of the longest span all of whose parts are significant.

    Where there is none, start + shortest - 1 is written: whatever contains that span has a part that is not.
    """
    longest = table.shape[0] - 1
    for start in range(max(begin, stop - shortest + 1), stop):
        out[start - begin] = stop
    reach = stop
    for start in range(stop - shortest, begin - 1, -1):
        limit = min(reach, start + longest)
        total = 0.0
        for position in range(start, start + shortest):
            total += units[position]
        end = start + shortest
        while end <= limit and _p_value(total, end - start, table, low, scale) <= threshold:
            if end < stop:
                total += units[end]
            end += 1
        reach = end - 1
        out[start - begin] = reach


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def find_islands(
    units: Any, bounds: Any, table: Any, low: Any, scale: Any, shortest: int, threshold: float, out: Any
) -> int:
    """Find where significant spans lie: stretches that hold them, and between which none crosses.

    Parameters
    ----------
    units, bounds, table, low, scale
        See the module.
    shortest, threshold
        Of the spans.
    out
        `(r, 3)` int64: row, first and end position (in `units`) of each stretch; large enough.

    Returns
    -------
    int
        How many there are.
    """
    longest_row = 0
    for row in range(bounds.size - 1):
        longest_row = max(longest_row, bounds[row + 1] - bounds[row])
    reach = np.empty(longest_row, dtype=np.int64)
    found = 0
    for row in range(bounds.size - 1):
        begin, stop = bounds[row], bounds[row + 1]
        if stop - begin < shortest:
            continue
        _reach(units, begin, stop, table, low, scale, shortest, threshold, reach)
        end = -1
        for start in range(begin, stop - shortest + 1):
            if reach[start - begin] - start < shortest:
                continue
            if start >= end:
                out[found, 0], out[found, 1] = row, start
                found += 1
            end = max(end, reach[start - begin])
            out[found - 1, 2] = end
    return found


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def take_spans(
    units: Any,
    bounds: Any,
    table: Any,
    low: Any,
    scale: Any,
    shortest: int,
    threshold: float,
    spans: Any,
    chances: Any,
) -> int:
    """Take spans all of whose parts are significant, the longest first, of equal ones the most significant.

    Parameters
    ----------
    units, bounds, table, low, scale
        See the module.
    shortest, threshold
        Of the spans and their parts.
    spans
        `(r, 3)` int64: row, first and end position (in `units`); large enough.
    chances
        `(r, 2)` float64: p-value of the span, and the smallest one of its parts of `shortest` bases.

    Returns
    -------
    int
        How many there are.
    """
    longest_row = 0
    for row in range(bounds.size - 1):
        longest_row = max(longest_row, bounds[row + 1] - bounds[row])
    reach = np.empty(longest_row, dtype=np.int64)
    found = 0
    for row in range(bounds.size - 1):
        begin, stop = bounds[row], bounds[row + 1]
        if stop - begin < shortest:
            continue
        _reach(units, begin, stop, table, low, scale, shortest, threshold, reach)
        while True:
            length = 0
            for start in range(begin, stop):
                length = max(length, reach[start - begin] - start)
            if length < shortest:
                break
            best, chance = -1, np.inf
            for start in range(begin, stop - length + 1):
                if reach[start - begin] - start >= length:
                    total = 0.0
                    for position in range(start, start + length):
                        total += units[position]
                    p = _p_value(total, length, table, low, scale)
                    if p < chance:
                        best, chance = start, p
            core = np.inf
            for start in range(best, best + length - shortest + 1):
                total = 0.0
                for position in range(start, start + shortest):
                    total += units[position]
                core = min(core, _p_value(total, shortest, table, low, scale))
            spans[found, 0], spans[found, 1], spans[found, 2] = row, best, best + length
            chances[found, 0], chances[found, 1] = chance, core
            found += 1
            for start in range(begin, best):
                reach[start - begin] = min(reach[start - begin], best)
            for start in range(best, best + length):
                reach[start - begin] = start
    return found


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def take_windows(
    units: Any, bounds: Any, tables: Any, low: int, scale: float, width: int, threshold: float, spans: Any, chances: Any
) -> int:
    """Take windows that are significant, the most significant first, so that none overlaps another.

    Parameters
    ----------
    units, bounds
        See the module.
    tables
        `(2, bins)`: p-values of sums above 0, and of sums below.
    low, scale
        Of the tables, as in the module, for `width` alone.
    width, threshold
        Of the windows.
    spans
        `(r, 2)` int64: row, and first position (in `units`); large enough.
    chances
        `(r,)` float64: p-values.

    Returns
    -------
    int
        How many there are. Of windows with equal p-values the one with the larger sum counts, then the leftmost.
    """
    longest_row = 0
    for row in range(bounds.size - 1):
        longest_row = max(longest_row, bounds[row + 1] - bounds[row])
    sums = np.empty(longest_row)
    p_values = np.empty(longest_row)
    found = 0
    for row in range(bounds.size - 1):
        begin, windows = bounds[row], bounds[row + 1] - bounds[row] - width + 1
        candidates = 0
        for start in range(windows):
            total = 0.0
            for position in range(begin + start, begin + start + width):
                total += units[position]
            sums[start], p_values[start] = abs(total), np.inf
            if total != 0.0:
                place = min(max(math.floor(total * scale) - low, 0), tables.shape[1] - 1)
                p = tables[0 if total > 0 else 1, place]
                if p <= threshold:
                    p_values[start] = p
                    candidates += 1
        while candidates > 0:
            best = 0
            for start in range(1, windows):
                p = p_values[start]
                if p < p_values[best] or (p == p_values[best] and sums[start] > sums[best]):
                    best = start
            spans[found, 0], spans[found, 1] = row, begin + best
            chances[found] = p_values[best]
            found += 1
            for start in range(max(0, best - width + 1), min(windows, best + width)):
                candidates -= p_values[start] <= threshold
                p_values[start] = np.inf
    return found
