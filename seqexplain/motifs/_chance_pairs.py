"""Groups whose seqlets hold two motifs of others, which happen to lie beside each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.motifs._pattern import core_of
from seqexplain.motifs._window_alignment import Aligner, Layout

Array = NDArray[Any]

HELD = 0.5  # a window holds a motif where it has this share of the motif's core, at half the window's strength
PREFERRED = 0.7  # of the pairs of two motifs: an arrangement that so many have is a motif of its own
EXAMINED = 20_000  # windows, evenly drawn, whose pairs are counted
OF_GROUP = 200  # members, evenly drawn, that speak for a group

Arrangement = tuple[int, int, int, int]


def chance_pairs(aligner: Aligner, layout: Layout) -> list[int]:
    """Return the groups that are pairs of larger groups' motifs in an arrangement that such pairs do not prefer.

    Most members of such a group hold the cores of two motifs, or twice that of one, that do not overlap. It stays a
    group of its own where 70 % of all pairs of these two motifs lie just so, within 1 bp: a composite site.
    """
    chosen: list[int] = []
    everything: Array | None = None
    for group in range(len(layout.means) - 1, 0, -1):
        members = _evenly(np.flatnonzero(layout.which == group), OF_GROUP)
        pairs = _held_pairs(aligner, layout, members, group)
        held = [pair for pair in pairs if pair is not None]
        if 2 * len(held) <= len(members):
            continue
        (p, q, distance, side), _ = Counter(held).most_common(1)[0]
        if everything is None:
            everything = _evenly(np.flatnonzero(layout.which >= 0), EXAMINED)
        among = [pair for pair in _held_pairs(aligner, layout, everything, group) if pair is not None]
        alike = [pair for pair in among if pair[:2] == (p, q)]
        same = sum(pair[3] == side and abs(pair[2] - distance) <= 2 for pair in alike)  # distances are in half bp
        if same <= PREFERRED * len(alike):
            chosen.append(group)
    return chosen


@dataclass(frozen=True)
class _Held:
    """The motif that each window holds best, its middle in half bp and its strand; −1 where it holds none."""

    motif: Array
    middle: Array
    strand: Array


def _held_pairs(aligner: Aligner, layout: Layout, rows: Array, larger_than: int) -> list[Arrangement | None]:
    """Return how two motifs of groups before `larger_than` lie to each other in each window; None: not two."""
    cores = [core_of(mean) for mean in layout.means[:larger_than]]
    halves = np.zeros_like(layout.means[:larger_than])
    for k, (low, high) in enumerate(cores):
        part = layout.means[k, low:high]
        halves[k, low:high] = part / part.sum() / 2
    windows = aligner.flat[rows].reshape(len(rows), aligner.width, 4).copy()
    first = _best_held(windows, halves, cores)
    second = _best_held(windows, halves, cores)  # the first has been taken out
    out: list[Arrangement | None] = []
    for i in range(len(rows)):
        if first.motif[i] < 0 or second.motif[i] < 0:
            out.append(None)
            continue
        a, b = ((int(h.motif[i]), int(h.middle[i]), int(h.strand[i])) for h in (first, second))
        if a[0] > b[0]:
            a, b = b, a
        # b as seen from a; two of one kind are seen from either
        seen = [(x[0], y[0], x[2] * (y[1] - x[1]), x[2] * y[2]) for x, y in ((a, b), (b, a))]
        out.append(min(seen) if a[0] == b[0] else seen[0])
    return out


def _best_held(windows: Array, halves: Array, cores: list[tuple[int, int]]) -> _Held:
    """Find the core that each window holds most of, and set what lies under it to 0."""
    n, width = windows.shape[:2]
    every = np.broadcast_to(np.arange(len(halves)), (n, len(halves)))
    found = Aligner(windows).place(every, halves)
    shared = 2 * found.similarity / (1 + found.similarity)  # Σ min; the half core sums to ½
    motif = np.where(2 * shared >= HELD, found.which, -1)
    low, high = np.array(cores)[found.which].T
    turned = found.turned == 1
    begin = np.where(turned, width - high + found.shift, low - found.shift)
    end = begin + high - low
    place = np.arange(width)
    windows[(place >= begin[:, None]) & (place < end[:, None]) & (motif[:, None] >= 0)] = 0
    return _Held(motif, begin + end, np.where(turned, -1, 1))


def _evenly(rows: Array, n: int) -> Array:
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(n, len(rows))).round().astype(np.int64))]
