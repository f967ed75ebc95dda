"""A motif found in contributions: occurrences laid over each other, and what they have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.motifs._contribution_source import ContributionBlock, ContributionSource
from seqexplain.motifs._matrices import Motif

Array = NDArray[Any]

CORE_SHARE = 0.3  # of the largest: a position that contributes less is flank
MIN_CORE = 4  # bp; shorter cores match anything


@dataclass(frozen=True, eq=False)
class Pattern:
    """`k` occurrences of one motif, aligned over a window of `w` positions.

    Attributes
    ----------
    id
        `"pos_0"`, `"neg_0"`, …
    sign
        1 where it speaks for the target, −1 where against it.
    motif
        Counts `(w, 4)` of the bases; an occurrence that hangs over its sequence's edge, or has an unknown base,
        counts ¼ for each there.
    cwm
        `(w, 4)` float64, contribution weight matrix: mean over the occurrences of the contributions at their observed
        bases, in the unit of the target.
    hypothetical_cwm
        `(w, 4)` float64 or None: the same of hypothetical contributions.
    sequence, start
        `(k,)` int64: row, and where the window begins in the sequence as given, whatever the strand; negative, or
        reaching further than the sequence, where it hangs over an edge.
    strand
        `(k,)` `"+"`, or `"-"` where the pattern's reverse complement lies there.
    contribution
        `(k,)` float64: contributions of the observed bases, summed over the window.
    core
        Start and end, in the window, of what stands out of it.
    subpatterns
        Its own parts, where it has been divided.
    """

    id: str
    sign: int
    motif: Motif
    cwm: NDArray[np.float64]
    hypothetical_cwm: NDArray[np.float64] | None
    sequence: NDArray[np.int64]
    start: NDArray[np.int64]
    strand: NDArray[np.str_]
    contribution: NDArray[np.float64]
    core: tuple[int, int]
    subpatterns: tuple[Pattern, ...] = ()

    def __post_init__(self) -> None:
        sizes = {name: len(getattr(self, name)) for name in ("sequence", "start", "strand", "contribution")}
        if len(set(sizes.values())) > 1:
            raise ShapeError(f"Pattern {self.id!r} has occurrences of different number, {sizes}; expected the same.")
        matrices = {"cwm": self.cwm, "hypothetical_cwm": self.hypothetical_cwm}
        for name, matrix in matrices.items():
            if matrix is not None and matrix.shape != self.motif.counts.shape:
                raise ShapeError(
                    f"Pattern {self.id!r} has {name} of shape {matrix.shape}; expected {self.motif.counts.shape}."
                )

    def __repr__(self) -> str:
        return f"Pattern(id={self.id!r}, size={self.size}, width={self.width}, consensus={self.trimmed().consensus!r})"

    @property
    def size(self) -> int:
        """Number of occurrences."""
        return len(self.sequence)

    @property
    def width(self) -> int:
        """Width of the window, bp."""
        return self.motif.width

    @property
    def end(self) -> NDArray[np.int64]:
        """`(k,)` where the window ends in the sequence as given."""
        return np.asarray(self.start + self.width)

    @property
    def consensus(self) -> str:
        """The most frequent base at each position of the window."""
        return self.motif.consensus

    def reverse_complement(self) -> Pattern:
        """Return the pattern as it reads on the other strand; occurrences stay where they are."""
        low, high = self.core
        return replace(
            self,
            motif=self.motif.reverse_complement(),
            cwm=self.cwm[::-1, ::-1],
            hypothetical_cwm=None if self.hypothetical_cwm is None else self.hypothetical_cwm[::-1, ::-1],
            strand=np.where(self.strand == "+", "-", "+"),
            core=(self.width - high, self.width - low),
            subpatterns=tuple(part.reverse_complement() for part in self.subpatterns),
        )

    def trimmed(self) -> Pattern:
        """Return the pattern cut to its core, without sub-patterns; `contribution` remains that of the window."""
        low, high = self.core
        turned = self.strand == "-"
        return replace(
            self,
            motif=Motif(self.motif.id, self.motif.name, self.motif.counts[low:high]),
            cwm=self.cwm[low:high],
            hypothetical_cwm=None if self.hypothetical_cwm is None else self.hypothetical_cwm[low:high],
            start=np.where(turned, self.start + self.width - high, self.start + low),
            core=(0, high - low),
            subpatterns=(),
        )


def stack_pattern(
    source: ContributionSource,
    sequence: ArrayLike,
    start: ArrayLike,
    width: int,
    strand: ArrayLike,
    *,
    id: str = "pos_0",
    sign: int = 1,
) -> Pattern:
    """Lay aligned occurrences over each other.

    Parameters
    ----------
    source
        The contributions.
    sequence, start
        `(k,)`: row, and where the window begins in the sequence as given; it may hang over an edge.
    width
        Width of the window, bp.
    strand
        `(k,)` `"+"`, or `"-"` where the window is to be read as its reverse complement.
    id, sign
        As in `Pattern`.

    Returns
    -------
    Pattern
        Only the windows are in memory. Means are over all occurrences; what hangs over an edge adds nothing to them.

    Raises
    ------
    ParameterError
        Without an occurrence, or for a row that does not exist.
    """
    return stack_patterns(source, [Stack(sequence, start, width, strand, id, sign)])[0]


@dataclass(frozen=True, eq=False)
class Stack:
    """What `stack_pattern` takes, for one of several patterns that are made in one pass over the source."""

    sequence: ArrayLike
    start: ArrayLike
    width: int
    strand: ArrayLike
    id: str
    sign: int


def stack_patterns(source: ContributionSource, stacks: list[Stack]) -> list[Pattern]:
    """Lay the occurrences of several patterns over each other, in one pass over the source; see `stack_pattern`."""
    sums = [_Sums(stack, source) for stack in stacks]
    if sums:
        for block in source.blocks():
            for one in sums:
                one.add(block)
    return [one.pattern() for one in sums]


class _Sums:
    """Counts and sums of a pattern as blocks go by."""

    def __init__(self, stack: Stack, source: ContributionSource) -> None:
        self.stack = stack
        self.sequence = np.array(stack.sequence, dtype=np.int64)
        self.start = np.array(stack.start, dtype=np.int64)
        self.strand = np.array(stack.strand, dtype=np.str_)
        if len(self.sequence) == 0:
            raise ParameterError(f"Pattern {stack.id!r} has no occurrence; expected one at least.")
        if self.sequence.min() < 0 or self.sequence.max() >= source.n:
            raise ParameterError(
                f"Pattern {stack.id!r} has an occurrence in row {int(self.sequence.max())}; "
                f"the source has rows 0 to {source.n - 1}."
            )
        self.counts = np.zeros((stack.width, 4))
        self.observed = np.zeros((stack.width, 4))
        self.hypothetical = np.zeros((stack.width, 4)) if source.has_hypothetical else None
        self.contribution = np.zeros(len(self.sequence))

    def add(self, block: ContributionBlock) -> None:
        low, high = int(block.rows[0]), int(block.rows[-1])
        mine = np.flatnonzero((self.sequence >= low) & (self.sequence <= high))
        if len(mine) == 0:
            return
        windows = cut_windows(block, self.sequence[mine] - low, self.start[mine], self.stack.width, self.strand[mine])
        known = windows.codes < 4
        one_hot = np.eye(5, 4)[windows.codes]
        self.counts += one_hot.sum(axis=0) + (~known).sum(axis=0)[:, None] / 4
        self.observed += np.einsum("kwb,kw->wb", one_hot, windows.observed, dtype=np.float64)
        if self.hypothetical is not None and windows.hypothetical is not None:
            self.hypothetical += windows.hypothetical.sum(axis=0, dtype=np.float64)
        self.contribution[mine] = windows.observed.sum(axis=1, dtype=np.float64)

    def pattern(self) -> Pattern:
        stack, size = self.stack, len(self.sequence)
        cwm = self.observed / size
        hypothetical = None if self.hypothetical is None else self.hypothetical / size
        motif = Motif(stack.id, stack.id, self.counts)
        return Pattern(
            id=stack.id,
            sign=stack.sign,
            motif=motif,
            cwm=cwm,
            hypothetical_cwm=hypothetical,
            sequence=self.sequence,
            start=self.start,
            strand=self.strand,
            contribution=self.contribution,
            core=core_of(cwm),
        )


def core_of(cwm: Array, *, share: float = CORE_SHARE) -> tuple[int, int]:
    """Return start and end of the part of a matrix of contributions that stands out.

    From the first to the last position whose contribution, summed over the bases' absolute values, is at least `share`
    of the largest; widened to 4 bp where it is shorter.
    """
    weight = np.abs(cwm).sum(axis=1)
    kept = np.flatnonzero(weight >= share * weight.max())
    low, high = int(kept[0]), int(kept[-1]) + 1
    while high - low < min(MIN_CORE, len(cwm)):
        left = weight[low - 1] if low > 0 else -1.0
        right = weight[high] if high < len(cwm) else -1.0
        low, high = (low - 1, high) if left > right else (low, high + 1)
    return low, high


def cut_windows(block: ContributionBlock, row: Array, start: Array, width: int, strand: Array) -> ContributionBlock:
    """Cut windows out of a block and turn those on the − strand; `row` is the place in the block.

    What hangs over an edge has code 4 and contributes nothing.
    """
    length = block.codes.shape[1]
    places = start[:, None] + np.arange(width)
    turned = np.asarray(strand) == "-"
    places[turned] = places[turned, ::-1]
    inside = (places >= 0) & (places < length)
    at = np.where(inside, places, 0)
    index = np.asarray(row)[:, None]
    codes = np.where(inside, block.codes[index, at], 4)
    codes[turned] = np.where(codes[turned] < 4, 3 - codes[turned], 4)
    observed = np.where(inside, block.observed[index, at], 0)
    hypothetical = None
    if block.hypothetical is not None:
        hypothetical = np.where(inside[..., None], block.hypothetical[index, at], 0)
        hypothetical[turned] = hypothetical[turned, :, ::-1]
    return ContributionBlock(rows=block.rows[row], codes=codes, observed=observed, hypothetical=hypothetical)
