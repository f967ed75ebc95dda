"""Windows of one width whose sum is significant, none overlapping another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.motifs._found_spans import FoundSpans, joined
from seqexplain.motifs._span_null import NullTables, RowBlocks

Array = NDArray[Any]


def significant_windows(
    source: RowBlocks, tables: NullTables, signs: tuple[int, ...], width: int, threshold: float
) -> FoundSpans:
    """Take windows with a p-value of `threshold` or less, the most significant first.

    Parameters
    ----------
    source
        Contributions; read once.
    tables
        The null.
    signs
        +1, −1 or both. A window of one sign keeps one of the other from overlapping it.
    width
        Of the windows.
    threshold
        Highest p-value.

    Returns
    -------
    FoundSpans
        By sequence; a q-value is not known yet, and is NaN. What is found at a stricter threshold is a part of it.
    """
    from seqexplain.motifs._span_kernels import take_windows

    # no sum of a sign that is not wanted is significant
    chances_of = np.stack([tables.tables[sign][width] + (sign not in signs) for sign in (+1, -1)])
    parts = []
    for part in source:
        values, bounds = part.flat()
        room = len(values) // width + 1
        spans, chances = np.empty((room, 2), dtype=np.int64), np.empty(room)
        found = take_windows(
            tables.units(values),
            bounds,
            chances_of,
            int(tables.low[width]),
            float(tables.scale[width]),
            width,
            threshold,
            spans,
            chances,
        )
        row, begin = spans[:found].T
        start = begin - bounds[row]
        parts.append(
            FoundSpans(
                sequence=part.rows[row],
                start=start,
                end=start + width,
                score=values[begin[:, None] + np.arange(width)].sum(axis=1, dtype=np.float64),
                p_value=chances[:found].copy(),
                q_value=np.full(found, np.nan),
            )
        )
    return joined(parts).in_order()


def with_rates(found: FoundSpans, tests: int, decoys: Array | None, ratio: float) -> FoundSpans:
    """Return windows of one sign with their false discovery rates.

    Parameters
    ----------
    found
        The windows.
    tests
        Windows that were tried.
    decoys
        `(d,)` p-values of the windows that were taken in the background of a measured null; None for other nulls.
    ratio
        Windows tried in the data over those in the background.
    """
    order = np.argsort(found.p_value, kind="stable")
    p = found.p_value[order]
    false: Array = tests * p
    if decoys is not None:
        # one more than were seen, so that none seen is not taken for none possible
        false = (np.searchsorted(np.sort(decoys), p, side="right") + 1) * ratio
    as_small = np.searchsorted(p, p, side="right")
    rate = np.minimum(false / np.maximum(as_small, 1), 1.0)
    q = np.empty(len(p))
    q[order] = np.minimum.accumulate(rate[::-1])[::-1]
    return FoundSpans(found.sequence, found.start, found.end, found.score, found.p_value, q)
