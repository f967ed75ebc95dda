"""The arrays of all sequences as packs, gathered in one pass over the results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.report._explained import Block, Explained
from seqexplain.report._overview import Tally
from seqexplain.report._packing import pack, quantise

Array = NDArray[Any]

CHUNK_BASES = 1 << 16  # bases of a pack: the browser unfolds one in a few milliseconds
FINE_BASES = 2_000_000  # up to so many, contributions keep 16 bits, above 8
HYPOTHETICAL_BASES = 2_000_000  # hypothetical scores of so many are in the page: some 8 MB
_READ_BASES = 1 << 19  # hypothetical scores that are read at a time


@dataclass(eq=False)
class Body:
    """What the page holds of each sequence.

    Attributes
    ----------
    tally
        Numbers of all sequences.
    codes
        `(n, L)` their bases.
    bits
        Of a contribution.
    packs, first
        Bases and contributions; and the first row of each pack, and the number of rows.
    hypothetical, hypothetical_first, hypothetical_rows
        Hypothetical scores, and which row of theirs belongs to each sequence: −1 where they are left out.
    own
        `"sis"`, `"ism"`: what else the results hold themselves.
    """

    tally: Tally
    codes: Array
    bits: int
    packs: list[str] = field(default_factory=list)
    first: list[int] = field(default_factory=lambda: [0])
    hypothetical: list[str] = field(default_factory=list)
    hypothetical_first: list[int] = field(default_factory=lambda: [0])
    hypothetical_rows: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    own: set[str] = field(default_factory=set)

    def add(self, block: Block, step: int) -> None:
        """Take in a block."""
        self.tally.add(block)
        self.codes[block.first : block.first + len(block)] = block.codes
        self.own |= {kind for kind, held in (("sis", block.subset), ("ism", block.effects)) if held is not None}
        for low in range(0, len(block), step):
            rows = slice(low, low + step)
            small = quantise(block.observed[rows], self.bits)
            arrays = {"codes": block.codes[rows], "contributions": small.steps, "scale": small.scale}
            self.packs.append(pack({}, arrays))
            self.first.append(self.first[-1] + len(small.steps))

    def add_hypothetical(self, values: Array, step: int) -> None:
        """Take in hypothetical scores, `(m, L, 4)`."""
        for low in range(0, len(values), step):
            small = quantise(values[low : low + step], 8)
            self.hypothetical.append(pack({}, {"hypothetical": small.steps, "scale": small.scale}))
            self.hypothetical_first.append(self.hypothetical_first[-1] + len(small.steps))


def gather(explained: Explained) -> Body:
    """Read the results once; hypothetical scores once more, of those sequences that keep them."""
    n, length = explained.n, max(explained.length, 1)
    step = max(1, CHUNK_BASES // length)
    body = Body(
        tally=Tally(n, explained.length),
        codes=np.empty((n, explained.length), dtype=np.uint8),
        bits=16 if n * length <= FINE_BASES else 8,
        hypothetical_rows=np.full(n, -1, dtype=np.int32),
    )
    for block in explained.blocks():
        body.add(block, step)
    if explained.has_hypothetical:
        chosen = _foremost(body.tally, HYPOTHETICAL_BASES // length)
        body.hypothetical_rows[chosen] = np.arange(len(chosen))
        at_once = max(1, _READ_BASES // length)
        for low in range(0, len(chosen), at_once):
            values = explained.contributions.read(chosen[low : low + at_once]).hypothetical
            if values is not None:
                body.add_hypothetical(values, step)
    return body


def _foremost(tally: Tally, most: int) -> NDArray[np.int64]:
    """Return the rows with the highest predictions, or, without predictions, sums of contributions; in order."""
    known = np.isfinite(tally.predictions).any()
    value = np.nan_to_num(tally.predictions, nan=-np.inf) if known else tally.total
    return np.sort(np.argsort(-value, kind="stable")[:most])
