"""The compiled loop behind distances of pieces; importing this module imports numba."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def most_shared(
    places: Any, codes: Any, bounds: Any, spans: Any, rows: Any, columns: Any, both_strands: bool, out: Any
) -> None:
    """Write into `out` (rows, columns) how many bases two pieces share at the offset where they share the most.

    Piece i has the bases `codes[bounds[i]:bounds[i + 1]]` at `places[…]`, counted from its first base, which lies
    `spans[i] - 1` bp before its last.
    """
    at_offset = np.zeros(2 * spans.max(), dtype=np.int64)
    for r in range(rows.size):
        i = rows[r]
        for c in range(columns.size):
            j = columns[c]
            last = spans[j] - 1
            best = 0
            for strand in range(2 if both_strands else 1):
                for x in range(bounds[i], bounds[i + 1]):
                    for y in range(bounds[j], bounds[j + 1]):
                        code = codes[y] if strand == 0 else 3 - codes[y]
                        if codes[x] == code:
                            place = places[y] if strand == 0 else last - places[y]
                            offset = places[x] - place + last
                            at_offset[offset] += 1
                            if at_offset[offset] > best:
                                best = at_offset[offset]
                # clearing what was touched is cheaper than clearing all: spans are far longer than pieces are large
                for x in range(bounds[i], bounds[i + 1]):
                    for y in range(bounds[j], bounds[j + 1]):
                        place = places[y] if strand == 0 else last - places[y]
                        at_offset[places[x] - place + last] = 0
            out[r, c] = best
