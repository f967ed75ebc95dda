"""What TF-MoDISco is given: rows in an order of their own, seqlets, and the stretches they lie in."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError
from seqexplain.motifs._contribution_source import ContributionSource
from seqexplain.motifs._pattern import cut_windows
from seqexplain.motifs._seqlets import Seqlets

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class View:
    """The stretch of each sequence that is looked at, and an order that does not depend on how they were given.

    Attributes
    ----------
    first, size
        `(n,)` int64: where the stretch begins, and its length.
    width
        The largest of these lengths.
    order
        `(d,)` int64: a row of the source for each distinct stretch, sorted by what they hold.
    place
        `(n,)` int64: which of these each row of the source is, or repeats.
    """

    first: Array
    size: Array
    width: int
    order: Array
    place: Array

    def with_repeats(self, row: Array, start: Array) -> tuple[Array, Array, Array]:
        """Return spans of distinct stretches, and of all that repeat them: index of the span, row, begin."""
        by_place = np.argsort(self.place, kind="stable")
        bounds = np.searchsorted(self.place[by_place], np.arange(len(self.order) + 1))
        low, high = bounds[self.place[row]], bounds[self.place[row] + 1]
        span = np.repeat(np.arange(len(row)), high - low)
        nth = np.arange(len(span)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
        rows = by_place[low[span] + nth]
        return span, rows, start[span] + self.first[rows] - self.first[row[span]]


def look_at(source: ContributionSource, window: int | None, random_state: int) -> tuple[View, Array]:
    """Return the middle `window` bp of each sequence (all of it, where it is shorter or `window` is None).

    And, `(d, width)` float32, contributions of the observed bases of distinct stretches, in the order of the view; 0
    behind the end of a stretch.
    """
    lengths = np.asarray(source.lengths, dtype=np.int64)
    size = lengths if window is None else np.minimum(lengths, window)
    first = lengths // 2 - size // 2
    width = int(size.max(initial=0))
    observed = np.zeros((source.n, width), dtype=np.float32)
    digests: list[bytes] = []
    key = random_state.to_bytes(8, "little")
    for block in source.blocks():
        rows = np.arange(len(digests), len(digests) + len(block))
        cut = cut_windows(block, rows - rows[0], first[rows], width, np.full(len(rows), "+"))
        observed[rows] = np.where(np.arange(width) < size[rows, None], cut.observed, 0)
        for codes, values, length in zip(cut.codes, observed[rows], size[rows], strict=True):
            content = codes[:length].tobytes() + values[:length].tobytes()
            digests.append(blake2b(content, digest_size=16, key=key, person=b"modisco").digest())
    distinct: dict[bytes, int] = {}
    for row, digest in enumerate(digests):
        distinct.setdefault(digest, row)
    rank = {digest: k for k, digest in enumerate(sorted(distinct))}
    order = np.array([distinct[digest] for digest in rank], dtype=np.int64)
    place = np.array([rank[digest] for digest in digests], dtype=np.int64)
    return View(first=first, size=size, width=width, order=order, place=place), observed[order]


@dataclass(frozen=True, eq=False)
class Windows:
    """Seqlets as TF-MoDISco takes them: all equally wide.

    Attributes
    ----------
    row, start
        `(s,)` int64: row of the source, one that is in the view's order, and where the window begins in its sequence;
        it may hang over an edge.
    sign
        `(s,)` int64: 1 or −1.
    """

    row: Array
    start: Array
    sign: Array

    def __len__(self) -> int:
        return len(self.row)


def windows_of(row: Array, start: Array, score: Array, view: View) -> Windows:
    """Return windows in the order of the view, without those that contribute nothing and without repeats."""
    kept = np.flatnonzero(score)
    row, start = row[kept], start[kept]
    one = view.order[view.place[row]]
    table = np.stack(
        [view.place[row], start - view.first[row] + view.first[one], np.sign(score[kept]).astype(np.int64)]
    )
    # two spans with the same middle, or in sequences that are the same, are one
    table = np.unique(table, axis=1)
    return Windows(row=view.order[table[0]], start=table[1], sign=table[2])


def around(seqlets: Seqlets, width: int, source: ContributionSource) -> tuple[Array, Array]:
    """Return row and begin of windows of `width` around the middles of seqlets.

    Raises
    ------
    ParameterError
        For a seqlet that is not in the source.
    """
    row = np.asarray(seqlets.sequence, dtype=np.int64)
    middle = (np.asarray(seqlets.start, dtype=np.int64) + np.asarray(seqlets.end, dtype=np.int64)) // 2
    if len(row) and (row.min() < 0 or row.max() >= source.n):
        raise ParameterError(
            f"A seqlet lies in row {int(row.max())}, but the source has rows 0 to {source.n - 1}. Give the seqlets "
            "that were called in these contributions."
        )
    return row, middle - width // 2


def drawn(windows: Windows, most: int, random_state: int) -> tuple[Windows, list[str]]:
    """Return at most so many windows of each sign, each with the same chance; and what was left out, in words."""
    generator = np.random.default_rng([random_state, most])
    kept, notes = [], []
    for sign, name in ((1, "positive"), (-1, "negative")):
        mine = np.flatnonzero(windows.sign == sign)
        if len(mine) > most:
            notes.append(f"{most} of {len(mine)} {name} seqlets were clustered, drawn at random (max_seqlets)")
            mine = np.sort(generator.choice(mine, most, replace=False))
        kept.append(mine)
    index = np.sort(np.concatenate(kept))
    return Windows(row=windows.row[index], start=windows.start[index], sign=windows.sign[index]), notes


@dataclass(frozen=True, eq=False)
class Context:
    """The stretches that seqlets lie in, with what is beside them.

    Attributes
    ----------
    rows
        `(m,)` int64: rows of the source, in the order of the view.
    first
        `(m,)` int64: where each stretch begins in its sequence; negative where it hangs over the edge.
    width
        Their common length.
    """

    rows: Array
    first: Array
    width: int

    def place(self, row: Array) -> Array:
        """Return where rows of the source stand in `rows`."""
        by_row = np.argsort(self.rows)
        return np.asarray(by_row[np.searchsorted(self.rows[by_row], row)])


def context_of(windows: Windows, view: View, margin: int) -> Context:
    """Return the stretches of the view that have seqlets, with `margin` bp on both sides."""
    rows = view.order[np.unique(view.place[windows.row])]
    return Context(rows=rows, first=view.first[rows] - margin, width=view.width + 2 * margin)


def fill_context(source: ContributionSource, context: Context, codes: Array, hypothetical: Array) -> None:
    """Write bases and hypothetical contributions of the stretches, in one pass over the source.

    Parameters
    ----------
    source
        The contributions.
    context
        Which stretches.
    codes, hypothetical
        `(m, width)` uint8 and `(m, width, 4)` float32, to be filled; 4 and 0 outside a sequence.
    """
    for block in source.blocks():
        low, high = int(block.rows[0]), int(block.rows[-1])
        mine = np.flatnonzero((context.rows >= low) & (context.rows <= high))
        if len(mine):
            strand = np.full(len(mine), "+")
            cut = cut_windows(block, context.rows[mine] - low, context.first[mine], context.width, strand)
            codes[mine], hypothetical[mine] = cut.codes, cut.hypothetical
