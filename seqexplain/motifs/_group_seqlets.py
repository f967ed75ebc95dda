"""From windows of one sign to groups that are motifs: clustered, aligned, merged; what does not fit is left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.motifs._chance_pairs import chance_pairs
from seqexplain.motifs._communities import communities
from seqexplain.motifs._merge_groups import merge_groups, numbered
from seqexplain.motifs._neighbour_graph import features, neighbour_graph
from seqexplain.motifs._window_alignment import Aligner, Layout, medoids

Array = NDArray[Any]

ROUNDS = 6  # of placing and making means anew; later ones hardly move anything
ALTERNATIVES = 8  # groups, the nearest by features, that a seqlet may go to
SHUFFLED = 1000  # windows whose positions are permuted: the null of a group's members


@dataclass(frozen=True)
class Grouping:
    """Options of `group_seqlets`; see `extract_patterns`."""

    min_size: int
    n_candidates: int
    n_neighbors: int
    resolution: float
    min_cosine: float
    max_auroc: float
    max_null: float
    max_compared: int


def group_seqlets(windows: Array, options: Grouping, generator: np.random.Generator) -> tuple[Layout, Aligner]:
    """Group windows `(s, w, 4)` that sum to 1, in an order that their content decides.

    Returns the layout of all windows, groups by size, and the aligner that holds them.
    """
    aligner = Aligner(windows)
    rows = features(windows)
    compared = np.arange(len(windows))
    if len(windows) > options.max_compared:
        compared = np.sort(generator.choice(len(windows), options.max_compared, replace=False))
    part = aligner if len(compared) == len(windows) else Aligner(windows[compared])
    graph = neighbour_graph(
        windows[compared], rows[compared], n_candidates=options.n_candidates, n_neighbors=options.n_neighbors
    )
    label = communities(graph, resolution=options.resolution)
    layout = part.settle(label[:, None], windows[compared][medoids(graph, label)], rounds=ROUNDS)
    del graph
    layout = merge_groups(part, layout, min_cosine=options.min_cosine, max_auroc=options.max_auroc)
    layout = aligner.settle(alternatives(rows, layout.means), layout.means, rounds=ROUNDS)
    layout = merge_groups(aligner, layout, min_cosine=options.min_cosine, max_auroc=options.max_auroc)
    while True:
        layout = _without_small(aligner, rows, layout, options, generator)
        pairs = chance_pairs(aligner, layout) if len(layout.means) > 1 else []
        if not pairs:
            return layout, aligner
        layout = replace(layout, means=np.delete(layout.means, pairs, axis=0))  # their members go where they belong


def _without_small(
    aligner: Aligner, rows: Array, layout: Layout, options: Grouping, generator: np.random.Generator
) -> Layout:
    """Place windows, leave out those that fit nowhere, and take groups that are too small away, the smallest first."""
    while len(layout.means):
        layout = aligner.settle(alternatives(rows, layout.means), layout.means, rounds=ROUNDS)
        layout.which[leave_out(aligner, layout, options.max_null, generator)] = -1
        layout = numbered(layout)
        sizes = layout.sizes
        if len(sizes) == 0 or sizes[-1] >= options.min_size:
            return layout
        # one at a time, as their members may gather in another
        layout = replace(layout, means=layout.means[:-1])
    layout.which[:] = -1
    return layout


def alternatives(rows: Array, means: Array) -> NDArray[np.int64]:
    """Return for each seqlet the groups whose means are nearest by features, `(s, ≤ 8)`."""
    if len(means) <= ALTERNATIVES:
        return np.broadcast_to(np.arange(len(means)), (len(rows), len(means)))
    near = rows @ features(means).T
    return np.asarray(np.argsort(-near, axis=1, kind="stable")[:, :ALTERNATIVES], dtype=np.int64)


def leave_out(aligner: Aligner, layout: Layout, share: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Tell which windows are no more like their group's mean than windows whose positions are permuted.

    The permuted windows, up to 1,000 evenly drawn from all, are aligned with each mean as well as they can be; a window
    stays where it is more similar than all but `share` of them.
    """
    drawn = np.unique(np.linspace(0, len(aligner.flat) - 1, min(SHUFFLED, len(aligner.flat))).round().astype(np.int64))
    windows = aligner.flat[drawn].reshape(len(drawn), aligner.width, 4)
    order = np.argsort(generator.random((len(drawn), aligner.width)), axis=1)
    null = Aligner(np.ascontiguousarray(np.take_along_axis(windows, order[..., None], axis=1)))
    outside = layout.which < 0
    for group in range(len(layout.means)):
        similarity = null.place(np.full((len(drawn), 1), group), layout.means).similarity
        outside |= (layout.which == group) & (layout.similarity <= np.quantile(similarity, 1 - share))
    return np.asarray(outside)
