"""The compiled loops behind hits; importing this module imports numba."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

SAME_STRAND = 1e-5  # relative: scores of the two strands that differ by less are equal but for rounding


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def tally(products: Any, scale: Any, least: float, per_motif: int, counts: Any) -> None:
    """Count the better strand's scores of at least `least`, of each motif, or of its `per_motif` decoys together.

    `products` are (windows, 2·motifs·per_motif), both strands side by side; a score is `products` times the window's
    `scale`, at most 1. Adds to `counts` (motifs, bins): bin b holds scores from b / bins on.
    """
    bins = counts.shape[1]
    for i in range(products.shape[0]):
        enough = np.float32(least / scale[i])
        for k in range(products.shape[1] // 2):
            best = max(products[i, 2 * k], products[i, 2 * k + 1])
            if best >= enough:
                score = best * scale[i]
                counts[k // per_motif, min(int(score * bins), bins - 1)] += 1


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def pick(products: Any, scale: Any, lowest: Any, found: Any) -> int:
    """Write (window, motif, strand) of scores of at least `lowest[motif]` into `found`; return how many there are.

    When there are more than `found` has rows, only the number is right. The + strand (0) is preferred to an equal −.
    """
    n = 0
    for i in range(products.shape[0]):
        for k in range(lowest.size):
            plus, minus = products[i, 2 * k], products[i, 2 * k + 1]
            best = max(plus, minus)
            if best > 0 and best * scale[i] >= lowest[k]:
                if n < found.shape[0]:
                    found[n, 0] = i
                    found[n, 1] = k
                    found[n, 2] = 1 if minus > plus + SAME_STRAND * abs(plus) else 0
                n += 1
    return n


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def without_overlaps(order: Any, group: Any, start: Any, end: Any, share: float, keep: Any) -> None:
    """Set `keep` for hits that, taken in `order`, share less than `share` of the narrower with all kept before.

    Hits of one `group` must follow each other in `order`; those of different groups are no rivals.
    """
    first = 0
    for i in range(order.size):
        hit = order[i]
        if i > 0 and group[hit] != group[order[i - 1]]:
            first = i
        free = True
        for j in range(first, i):
            other = order[j]
            if keep[other]:
                shared = min(end[hit], end[other]) - max(start[hit], start[other])
                narrower = min(end[hit] - start[hit], end[other] - start[other])
                if shared > 0 and shared >= share * narrower:
                    free = False
                    break
        keep[hit] = free


def resolve(group: Any, start: Any, end: Any, rank: Any, share: float) -> Any:
    """Return which hits stay, `(h,)` bool, when in each group those of the highest `rank` are taken first."""
    order = np.lexsort((start, -rank, group))
    keep = np.zeros(len(order), dtype=np.bool_)
    if len(order):
        without_overlaps(order, group, start, end, share, keep)
    return keep
