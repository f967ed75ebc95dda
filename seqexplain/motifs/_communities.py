"""Communities of a sparse graph: the Louvain method, in an order that is fixed.

Written here because no library serves: igraph and leidenalg are under the GPL, networkx takes minutes for what takes a
second here, and scikit-network compares gains in float32, whose rounding lets its Leiden method run for ever.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Array = NDArray[Any]

MAX_PASSES = 30  # over the nodes, at each level; later ones move hardly any
LEAST_GAIN = 1e-10  # of modularity: smaller ones are rounding, and could go back and forth


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _move(indptr: Any, indices: Any, weights: Any, degree: Any, resolution: float, label: Any, passes: int) -> Any:
    """Move each node, in order, to the community that gains most, until none moves; return how many moved ever."""
    n = degree.size
    total = degree.sum()
    community = np.zeros(n)
    for i in range(n):
        community[label[i]] += degree[i]
    to = np.zeros(n)
    touched = np.empty(n, dtype=np.int64)
    ever = 0
    for _ in range(passes):
        moved = 0
        for i in range(n):
            count = 0
            for e in range(indptr[i], indptr[i + 1]):
                j = indices[e]
                if j != i:
                    c = label[j]
                    if to[c] == 0:
                        touched[count] = c
                        count += 1
                    to[c] += weights[e]
            old = label[i]
            community[old] -= degree[i]
            rate = resolution * degree[i] / total
            best, gain = old, to[old] - rate * community[old] + LEAST_GAIN * total
            for k in range(count):
                c = touched[k]
                value = to[c] - rate * community[c]
                if value > gain:
                    best, gain = c, value
            for k in range(count):
                to[touched[k]] = 0
            community[best] += degree[i]
            if best != old:
                label[i] = best
                moved += 1
        ever += moved
        if moved == 0:
            break
    return ever


def communities(graph: csr_array, *, resolution: float = 1.0) -> NDArray[np.int64]:
    """Divide a graph's nodes so that its modularity is locally largest, then each community into connected parts.

    Parameters
    ----------
    graph
        `(n, n)` symmetric, weights above 0.
    resolution
        γ of Σ_c (w_c − γ d_c² / 2m) / m, with the weight w_c within community c, its nodes' degrees d_c, and the
        graph's weight m. Higher: more and smaller ones.

    Returns
    -------
    ndarray of int64, shape (n,)
        Community of each node, the largest first; of equal ones that of the first node.
    """
    n = graph.shape[0]
    label = np.arange(n)
    level = graph.astype(np.float64)
    while level.shape[0] > 1 and level.nnz:
        at = np.arange(level.shape[0])
        degree = np.asarray(level.sum(axis=1)).ravel()
        if not _move(
            level.indptr.astype(np.int64),
            level.indices.astype(np.int64),
            level.data,
            degree,
            resolution,
            at,
            MAX_PASSES,
        ):
            break
        _, at = np.unique(at, return_inverse=True)
        label = at[label]
        member = csr_array((np.ones(len(at)), (np.arange(len(at)), at)))
        level = csr_array(member.T @ level @ member)
    within = graph.tocoo()
    kept = label[within.row] == label[within.col]
    parts = csr_array((np.ones(int(kept.sum())), (within.row[kept], within.col[kept])), shape=graph.shape)
    _, label = connected_components(parts, directed=False)
    return by_size(label)


def by_size(label: Array) -> NDArray[np.int64]:
    """Return groups numbered anew, the largest first; of equal ones that whose first member comes first. −1 stays."""
    inside = np.flatnonzero(label >= 0)
    out = np.full(len(label), -1, dtype=np.int64)
    if len(inside):
        _, first, renamed, sizes = np.unique(label[inside], return_index=True, return_inverse=True, return_counts=True)
        rank = np.empty(len(sizes), dtype=np.int64)
        rank[np.lexsort((first, -sizes))] = np.arange(len(sizes))
        out[inside] = rank[renamed]
    return out
