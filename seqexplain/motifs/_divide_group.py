"""Sub-patterns: what the members of one motif differ in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from seqexplain.motifs._communities import by_size, communities
from seqexplain.motifs._merge_groups import merge_groups
from seqexplain.motifs._neighbour_graph import candidates
from seqexplain.motifs._pattern_kernels import all_pairs
from seqexplain.motifs._window_alignment import Aligner, Layout

Array = NDArray[Any]

MOST = 2000  # members that are compared, evenly drawn; the others join the part whose mean they resemble most


def divide_group(
    aligner: Aligner,
    layout: Layout,
    group: int,
    *,
    min_size: int,
    n_neighbors: int,
    resolution: float,
    max_auroc: float,
) -> NDArray[np.int64]:
    """Divide the members of a group, as they lie, into parts that can be told apart.

    Returns
    -------
    ndarray of int64
        Part of each member, in the order of `np.flatnonzero(layout.which == group)`, the largest first; all 0 where it
        cannot be divided.
    """
    members = np.flatnonzero(layout.which == group)
    whole = np.zeros(len(members), dtype=np.int64)
    if len(members) < 2 * min_size:
        return whole
    framed = aligner.framed(layout, members)
    drawn = np.unique(np.linspace(0, len(members) - 1, min(MOST, len(members))).round().astype(np.int64))
    lying = np.ascontiguousarray(framed[drawn])
    norm = np.sqrt((lying.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
    unit = (lying / np.maximum(norm, 1e-20)).astype(np.float32)
    near = candidates(unit, min(n_neighbors, len(lying) - 1))
    weight = np.einsum("ikf,if->ik", unit[near], unit)
    used = (near >= 0) & (weight > 0)
    row = np.broadcast_to(np.arange(len(lying))[:, None], near.shape)[used]
    graph = csr_array((weight[used], (row, near[used])), shape=(len(lying), len(lying)))
    label = communities(csr_array(graph.maximum(graph.T)), resolution=resolution)
    label[np.bincount(label)[label] < min_size] = -1
    label = _joined(lying, label, max_auroc)
    parts = int(label.max()) + 1
    if parts < 2:
        return whole
    means = np.stack([lying[label == part].mean(axis=0) for part in range(parts)])
    likeness = np.empty((len(framed), parts), dtype=np.float32)
    all_pairs(framed, np.ascontiguousarray(means), likeness)
    every = likeness.argmax(axis=1)
    if np.bincount(every, minlength=parts).min() < min_size:
        return whole
    return by_size(every)


def _joined(lying: Array, label: Array, max_auroc: float) -> NDArray[np.int64]:
    """Join parts that cannot be told apart, without moving any."""
    kept = np.flatnonzero(label >= 0)
    if len(kept) == 0:
        return np.zeros(len(label), dtype=np.int64)
    aligner = Aligner(np.ascontiguousarray(lying[kept].reshape(len(kept), -1, 4)))
    aligner.reach = 0
    label = by_size(label)
    zero = np.zeros(len(kept), dtype=np.int64)
    means = np.stack([lying[label == part].mean(axis=0) for part in range(int(label.max()) + 1)])
    layout = Layout(
        label[kept], np.ones(len(kept), dtype=np.float32), zero, zero.copy(), means.reshape(len(means), -1, 4)
    )
    merged = merge_groups(aligner, layout, min_cosine=0.0, max_auroc=max_auroc, stay=True)
    out = np.full(len(label), -1, dtype=np.int64)
    out[kept] = merged.which
    return out
