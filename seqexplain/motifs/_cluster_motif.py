"""The motif of a cluster: its pieces laid over each other where they agree the most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.motifs._matrices import Motif
from seqexplain.motifs._subsets import Pieces

Array = NDArray[Any]

MAX_SWEEPS = 20  # over the members; agreement rises with each, and hardly after the third
MAJORITY = 0.5  # of the weight that one base needs to stand in the consensus


@dataclass(frozen=True, eq=False)
class Alignment:
    """Pieces laid over each other.

    Attributes
    ----------
    motif
        Counts: for each position the bases of the members that have one there; those that have a gap count ¼ for each.
    coverage
        `(w,)` how many members have a base at each position.
    consensus
        The base with over half of the weight at each position, or N.
    starts
        `(members,)` 0-based start of the motif in the member's sequence; may be negative at an edge.
    strands
        `(members,)` `"+"` or `"-"`.
    """

    motif: Motif
    coverage: NDArray[np.int64]
    consensus: str
    starts: NDArray[np.int64]
    strands: NDArray[np.str_]


def align(found: Pieces, members: Array, medoid: int, name: str, *, both_strands: bool, trim: float) -> Alignment:
    """Lay pieces over each other and count.

    Begun at the medoid, each member is moved, one after the other, to where it shares the most bases with all others,
    until none moves: the number of pairs of equal bases never falls.

    Parameters
    ----------
    subsets
        All found.
    members
        Those of the cluster.
    medoid
        The one that the others are first laid over.
    name
        Of the motif.
    both_strands
        Whether members may be turned.
    trim
        Share of the members that needs a base at the first and the last position of the motif.
    """
    pieces = [_Piece.of(found, int(i), both_strands) for i in members]
    reach = max(piece.span for piece in pieces)
    counts = np.zeros((int(found.spans[medoid]) + 2 * reach, 4), dtype=np.int64)
    start = int(np.flatnonzero(members == medoid)[0])
    pieces[start].offset = reach
    pieces[start].count(counts, 1)
    for piece in pieces:
        if piece.offset < 0:
            piece.settle(counts)
            piece.count(counts, 1)
    for _ in range(MAX_SWEEPS):
        moved = False
        for piece in pieces:
            piece.count(counts, -1)
            moved |= piece.settle(counts)
            piece.count(counts, 1)
        if not moved:
            break
    return _trimmed(pieces, counts, found.first[members], name, trim)


def _trimmed(pieces: list[_Piece], counts: Array, first: Array, name: str, trim: float) -> Alignment:
    coverage = counts.sum(axis=1)
    kept = np.flatnonzero(coverage >= max(trim * len(pieces), 1))
    if len(kept) == 0:
        kept = np.flatnonzero(coverage == coverage.max())
    low, high = int(kept[0]), int(kept[-1]) + 1
    counts, coverage = counts[low:high], coverage[low:high]
    strands = np.array([piece.strand for piece in pieces])
    offsets = np.array([piece.offset for piece in pieces]) - low
    spans = np.array([piece.span for piece in pieces])
    consensus, turned = _consensus(counts, len(pieces)), _consensus(counts[::-1, ::-1], len(pieces))
    minus = int(strands.sum())
    if 2 * minus > len(pieces) or (2 * minus == len(pieces) and minus and turned < consensus):
        # as most members read it
        counts, coverage, consensus = counts[::-1, ::-1], coverage[::-1], turned
        offsets, strands = len(counts) - offsets - spans, 1 - strands
    # a base at place p of its piece lies in column p + offset, or in span − 1 − p + offset of one that is turned
    starts = first + np.where(strands == 0, -offsets, spans - len(counts) + offsets)
    gaps = len(pieces) - coverage
    return Alignment(
        motif=Motif(name, consensus, counts + gaps[:, None] / 4),
        coverage=coverage,
        consensus=consensus,
        starts=starts.astype(np.int64),
        strands=np.where(strands == 0, "+", "-"),
    )


def _consensus(counts: Array, n: int) -> str:
    weights = (counts + (n - counts.sum(axis=1, keepdims=True)) / 4) / n
    return "".join("ACGT"[row.argmax()] if row.max() > MAJORITY else "N" for row in weights)


class _Piece:
    """A piece that is being placed: its bases on either strand, and where it lies now."""

    def __init__(self, places: Array, codes: Array, span: int) -> None:
        self.places, self.codes, self.span = places, codes, span  # (strands, size) each
        self.offset, self.strand = -1, 0

    @classmethod
    def of(cls, found: Pieces, i: int, both_strands: bool) -> _Piece:
        part = slice(found.bounds[i], found.bounds[i + 1])
        places, codes, span = found.places[part], found.codes[part], int(found.spans[i])
        if not both_strands:
            return cls(places[None], codes[None], span)
        return cls(np.stack([places, span - 1 - places]), np.stack([codes, 3 - codes]), span)

    def count(self, counts: Array, sign: int) -> None:
        counts[self.places[self.strand] + self.offset, self.codes[self.strand]] += sign

    def settle(self, counts: Array) -> bool:
        """Move to where the most bases agree, if that is more than now; return whether it moved."""
        offsets = np.arange(len(counts) - self.span + 1)
        agreeing = np.stack(
            [
                counts[places[None] + offsets[:, None], codes[None]].sum(axis=1)
                for places, codes in zip(self.places, self.codes, strict=True)
            ]
        )
        strand, offset = np.unravel_index(int(agreeing.argmax()), agreeing.shape)
        if self.offset >= 0 and agreeing[strand, offset] <= agreeing[self.strand, self.offset]:
            return False
        self.strand, self.offset = int(strand), int(offset)
        return True
