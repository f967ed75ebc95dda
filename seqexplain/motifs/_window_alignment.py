"""Seqlets laid over the means of their groups, the means made anew, until they stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from seqexplain.motifs._neighbour_graph import in_threads
from seqexplain.motifs._pattern_kernels import align_to, frame, lay_over

Array = NDArray[Any]


@dataclass(eq=False)
class Layout:
    """Which group each of `s` windows belongs to, and how it lies on that group's mean.

    Attributes
    ----------
    which
        `(s,)` int64: group, −1 for none.
    similarity
        `(s,)` float32: continuous Jaccard similarity with the mean.
    shift
        `(s,)` int64: bp that the window, turned where it is, lies to the right of the mean.
    turned
        `(s,)` int64: 1 where the window lies there as its reverse complement.
    means
        `(g, w, 4)` float32, each sums to 1.
    """

    which: NDArray[np.int64]
    similarity: NDArray[np.float32]
    shift: NDArray[np.int64]
    turned: NDArray[np.int64]
    means: NDArray[np.float32]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """`(g,)` number of members of each group."""
        return np.bincount(self.which[self.which >= 0], minlength=len(self.means)).astype(np.int64)


class Aligner:
    """Windows `(s, w, 4)` that sum to 1, and what is done with them again and again."""

    def __init__(self, windows: Array) -> None:
        self.width = windows.shape[1]
        self.reach = self.width // 2  # bp: at least half of two windows lie over each other
        self.flat = windows.reshape(len(windows), -1)
        self.turned = np.ascontiguousarray(self.flat[:, ::-1])

    def place(self, candidates: Array, means: Array) -> Layout:
        """Lay each window on the most similar of its candidate means `(s, c)`; −1 is no candidate."""
        n = len(self.flat)
        found = Layout(
            which=np.full(n, -1, dtype=np.int64),
            similarity=np.empty(n, dtype=np.float32),
            shift=np.zeros(n, dtype=np.int64),
            turned=np.zeros(n, dtype=np.int64),
            means=means,
        )
        flat = np.ascontiguousarray(means.reshape(len(means), -1))
        given = np.ascontiguousarray(candidates, dtype=np.int64)

        def work(a: int, b: int) -> None:
            align_to(
                self.flat, self.turned, flat, given, self.reach, a, b,
                found.which, found.similarity, found.shift, found.turned,
            )  # fmt: skip

        in_threads(n, work)
        return found

    def means(self, layout: Layout, *, only: int | None = None, centred: bool = True) -> NDArray[np.float32]:
        """Return the means of the groups (or of one) as members lie on those before.

        `centred`: each is cut to the window that holds the most. Else positions remain those of the means before.
        """
        margin = 4 * self.reach
        sums = np.zeros((len(layout.means), self.flat.shape[1] + 2 * margin))
        sizes = np.zeros(len(layout.means), dtype=np.int64)
        which = layout.which if only is None else np.where(layout.which == only, only, -1)
        lay_over(self.flat, self.turned, which, layout.shift, layout.turned, sums, sizes)
        out = np.zeros_like(layout.means)
        for g in np.flatnonzero(sizes):
            frame = sums[g].reshape(-1, 4)
            low = self.reach
            if centred:
                # squares: a window is to lie around what is high, not around what is wide
                weight = (frame**2).sum(axis=1)
                middle = float(weight @ np.arange(len(weight)) / weight.sum())
                low = int(np.clip(round(middle - (self.width - 1) / 2), 0, 2 * self.reach))
            out[g] = frame[low : low + self.width] / frame[low : low + self.width].sum()
        return out

    def settle(self, candidates: Array, means: Array, *, rounds: int) -> Layout:
        """Place windows and make the means anew, in turns, until hardly any window moves or `rounds` are over."""
        layout = self.place(candidates, means)
        for _ in range(rounds - 1):
            old = layout
            layout = self.place(candidates, self.means(old))
            moved = (old.which != layout.which) | (old.shift != layout.shift) | (old.turned != layout.turned)
            if moved.sum() <= len(moved) // 1000:
                break
        return layout

    def framed(self, layout: Layout, members: Array) -> NDArray[np.float32]:
        """Return members `(m, 4w)` as they lie on their mean; what hangs over its edges is cut off."""
        out = np.zeros((len(members), self.flat.shape[1]), dtype=np.float32)
        frame(self.flat, self.turned, members, layout.shift, layout.turned, out)
        return out


def medoids(graph: csr_array, label: Array) -> NDArray[np.int64]:
    """Return of each community the node with the largest sum of similarities to the others; of equal the first."""
    edges = graph.tocoo()
    inside = label[edges.row] == label[edges.col]
    sums = np.bincount(edges.row[inside], weights=edges.data[inside], minlength=len(label))
    order = np.lexsort((np.arange(len(label)), -sums, label))
    first = np.ones(len(order), dtype=bool)
    first[1:] = label[order][1:] != label[order][:-1]
    return np.asarray(order[first][label[order][first] >= 0], dtype=np.int64)
