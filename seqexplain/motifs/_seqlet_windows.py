"""Seqlets as windows of equal width: what the native extractor compares."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.motifs._contribution_source import ContributionSource
from seqexplain.motifs._pattern import cut_windows
from seqexplain.motifs._seqlets import Seqlets

Array = NDArray[Any]

NARROWEST = 21  # bp; of a shorter seqlet so much around its middle is looked at: a few bases alone fit anywhere
WIDEST = 41  # bp; of a longer one its middle: no factor's motif is longer, and two motifs are not to be one


@dataclass(frozen=True, eq=False)
class SeqletWindows:
    """`s` seqlets of one sign in an order that does not depend on the order of sequences.

    Attributes
    ----------
    weights
        `(s, w, 4)` float32: contributions at the observed bases times the sign; 0 where that is below 0 and outside
        the seqlet. Each window sums to 1.
    strength
        `(s,)` float64: what each window summed to before; falling.
    sequence, start
        `(s,)` int64: row, and where the window begins in the sequence; negative where it hangs over the edge.
    """

    weights: NDArray[np.float32]
    strength: NDArray[np.float64]
    sequence: NDArray[np.int64]
    start: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sequence)

    @property
    def width(self) -> int:
        """Width of the windows, bp."""
        return int(self.weights.shape[1])


def read_windows(source: ContributionSource, seqlets: Seqlets) -> dict[int, SeqletWindows]:
    """Cut the windows of all seqlets out of a source, in one pass over it.

    Parameters
    ----------
    source
        The contributions; only the windows stay in memory, 16 bytes a base.
    seqlets
        Where. The sign of a seqlet is its score's; where that is 0 or unknown, that of the contributions in its window.

    Returns
    -------
    dict
        Windows of sign 1 and −1. Seqlets without a contribution of their sign are in neither.
    """
    sequence, first, end = (np.asarray(a, dtype=np.int64) for a in (seqlets.sequence, seqlets.start, seqlets.end))
    width = int(np.clip((end - first).max(initial=NARROWEST), NARROWEST, WIDEST))
    start = (first + end) // 2 - width // 2
    # bases of the window that are looked at: the seqlet's, or those around its middle where it is short
    middle = width // 2
    low = np.minimum(np.maximum(first - start, 0), middle - NARROWEST // 2)
    high = np.maximum(np.minimum(end - start, width), middle + (NARROWEST + 1) // 2)
    codes = np.full((len(seqlets), width), 4, dtype=np.uint8)
    observed = np.zeros((len(seqlets), width), dtype=np.float32)
    for block in source.blocks():
        mine = np.flatnonzero((sequence >= block.rows[0]) & (sequence <= block.rows[-1]))
        if len(mine) == 0:
            continue
        lean = type(block)(rows=block.rows, codes=block.codes, observed=block.observed)
        cut = cut_windows(lean, sequence[mine] - block.rows[0], start[mine], width, np.full(len(mine), "+"))
        codes[mine], observed[mine] = cut.codes, cut.observed
    place = np.arange(width)
    observed[(place < low[:, None]) | (place >= high[:, None])] = 0
    signs = np.sign(seqlets.score)
    signs = np.where((signs == 1) | (signs == -1), signs, np.sign(observed.sum(axis=1, dtype=np.float64)))
    found = {}
    for sign in (1, -1):
        rows = np.flatnonzero(signs == sign)
        weight = np.maximum(observed[rows] * np.float32(sign), 0)
        strength = weight.sum(axis=1, dtype=np.float64)
        rows, weight, strength = rows[strength > 0], weight[strength > 0], strength[strength > 0]
        order = canonical_order(strength, codes[rows], weight)
        rows, weight, strength = rows[order], weight[order], strength[order]
        weights = np.zeros((len(rows), width, 5), dtype=np.float32)
        share = (weight / strength[:, None]).astype(np.float32)
        np.put_along_axis(weights, codes[rows][..., None].astype(np.int64), share[..., None], axis=2)
        found[sign] = SeqletWindows(
            weights=np.ascontiguousarray(weights[..., :4]),
            strength=strength,
            sequence=sequence[rows],
            start=start[rows],
        )
    return found


def canonical_order(strength: Array, codes: Array, weight: Array) -> Array:
    """Return an order by content: the strongest first, then by a hash of bases and contributions."""
    content = np.concatenate([codes, np.ascontiguousarray(weight).view(np.uint8)], axis=1)
    keys = [int.from_bytes(blake2b(row.tobytes(), digest_size=8).digest(), "little") for row in content]
    return np.lexsort((np.array(keys, dtype=np.uint64), -strength))
