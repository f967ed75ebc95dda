"""The compiled loops behind seqlets; importing this module imports numba."""

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


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def count_bases(values: Any, codes: Any, unknown: int, lengths: Any, scale: float, counts: Any) -> None:
    """Count single values, zeros too, of rows that end at `lengths`, but for unknown bases; bins as in `count_sums`."""
    half = counts.size // 2
    for i in range(values.shape[0]):
        for j in range(lengths[i]):
            if codes[i, j] != unknown:
                counts[math.floor(values[i, j] * scale) + half] += 1


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def count_spans(values: Any, lengths: Any, size: int) -> int:
    """Count the spans of `size` bases that hold anything but zeros."""
    found = 0
    for i in range(values.shape[0]):
        last = -1
        for j in range(lengths[i]):
            if values[i, j] != 0.0:
                last = j
            if j + 1 >= size and last > j - size:
                found += 1
    return found


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _load(values: Any, sign: int, rate: float, out: Any) -> None:
    """Write the units of a row into `out`, times the sign; with a rate they are whole numbers of bins."""
    for j in range(values.size):
        out[j] = sign * (math.floor(values[j] * rate) if rate > 0 else values[j])


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _reach(units: Any, size: int, limits: Any, shortest: int, out: Any) -> None:
    """Write for each start the end of the longest span all of whose parts are significant.

    Where there is none, start + shortest - 1 is written: whatever contains that span has a part that is not.
    """
    longest = limits.size - 1
    for start in range(max(0, size - shortest + 1), size):
        out[start] = size
    reach = size
    for start in range(size - shortest, -1, -1):
        total = 0.0
        for position in range(start, start + shortest):
            total += units[position]
        if total < limits[shortest]:
            reach = start + shortest - 1
        else:
            end, limit = start + shortest + 1, min(reach, start + longest)
            while end <= limit:
                total += units[end - 1]
                if total < limits[end - start]:
                    break
                end += 1
            reach = end - 1
        out[start] = reach


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _longest_row(bounds: Any) -> int:
    longest = 0
    for row in range(bounds.size - 1):
        longest = max(longest, bounds[row + 1] - bounds[row])
    return longest


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def find_islands(values: Any, bounds: Any, sign: int, rate: float, limits: Any, shortest: int, out: Any) -> int:
    """Find where significant spans lie: stretches that hold them, and between which none crosses.

    Parameters
    ----------
    values, bounds, sign, rate, limits, shortest
        As for `take_spans`.
    out
        `(r, 3)` int64: row, first and end position (in `values`) of each stretch; large enough.

    Returns
    -------
    int
        How many there are.
    """
    room = _longest_row(bounds)
    units, reach = np.empty(room), np.empty(room, dtype=np.int64)
    found = 0
    for row in range(bounds.size - 1):
        begin, size = bounds[row], bounds[row + 1] - bounds[row]
        if size < shortest:
            continue
        _load(values[begin : begin + size], sign, rate, units)
        _reach(units, size, limits, shortest, reach)
        end = -1
        for start in range(size - shortest + 1):
            if reach[start] - start < shortest:
                continue
            if start >= end:
                out[found, 0], out[found, 1] = row, begin + start
                found += 1
            end = max(end, reach[start])
            out[found - 1, 2] = begin + end
    return found


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _p_value(total: Any, k: int, table: Any, low: Any, scale: Any) -> Any:
    place = math.floor(total * scale[k]) - low[k]
    return table[k, min(max(place, 0), table.shape[1] - 1)]


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def take_spans(
    values: Any,
    bounds: Any,
    sign: int,
    rate: float,
    limits: Any,
    table: Any,
    low: Any,
    scale: Any,
    shortest: int,
    spans: Any,
    chances: Any,
) -> int:
    """Take spans all of whose parts are significant, the longest first, of equal ones the most significant.

    Parameters
    ----------
    values
        `(v,)` float32, contributions one after the other.
    bounds
        `(r + 1,)`: which of them are a row's; no span crosses rows.
    sign, rate
        +1 or −1; and bins a unit, where contributions are taken in whole numbers of bins, else 0.
    limits
        `(longest + 1,)`: the smallest sum, times the sign, of a significant span of each length.
    table, low, scale
        A span of length k with sum s has the p-value `table[k, floor(s * scale[k]) - low[k]]`, the index being kept
        inside the table.
    shortest
        Bases of the shortest part.
    spans
        `(r, 3)` int64: row, first and end position (in `values`); large enough.
    chances
        `(r, 2)` float64: p-value of the span, and the smallest one of its parts of `shortest` bases.

    Returns
    -------
    int
        How many there are.
    """
    room = _longest_row(bounds)
    units, reach = np.empty(room), np.empty(room, dtype=np.int64)
    found = 0
    for row in range(bounds.size - 1):
        begin, size = bounds[row], bounds[row + 1] - bounds[row]
        if size < shortest:
            continue
        _load(values[begin : begin + size], sign, rate, units)
        _reach(units, size, limits, shortest, reach)
        while True:
            length = 0
            for start in range(size):
                length = max(length, reach[start] - start)
            if length < shortest:
                break
            best, chance = -1, np.inf
            for start in range(size - length + 1):
                if reach[start] - start >= length:
                    total = 0.0
                    for position in range(start, start + length):
                        total += units[position]
                    p = _p_value(sign * total, length, table, low, scale)
                    if p < chance:
                        best, chance = start, p
            core = np.inf
            for start in range(best, best + length - shortest + 1):
                total = 0.0
                for position in range(start, start + shortest):
                    total += units[position]
                core = min(core, _p_value(sign * total, shortest, table, low, scale))
            spans[found, 0], spans[found, 1], spans[found, 2] = row, begin + best, begin + best + length
            chances[found, 0], chances[found, 1] = chance, core
            found += 1
            for start in range(best):
                reach[start] = min(reach[start], best)
            for start in range(best, best + length):
                reach[start] = start
    return found


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def take_windows(
    units: Any, bounds: Any, tables: Any, low: int, scale: float, width: int, threshold: float, spans: Any, chances: Any
) -> int:
    """Take windows that are significant, the most significant first, so that none overlaps another.

    Parameters
    ----------
    units
        Contributions, or whole numbers of bins, one after the other.
    bounds
        `(r + 1,)`: which of them are a row's.
    tables
        `(2, bins)`: p-values of sums above 0, and of sums below; that of s is in place `floor(s * scale) - low`.
    low, scale
        Of the tables.
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
    room = _longest_row(bounds)
    sums, p_values = np.empty(room), np.empty(room)
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
