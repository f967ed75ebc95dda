"""The graph of seqlets that are alike: candidates by features that need no alignment, then the best alignment."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from seqexplain.motifs._pattern_kernels import embed, keep_largest, neighbour_similarity

Array = NDArray[Any]

FEATURES = 256  # columns of the sketch: products of unrelated seqlets scatter by 1/16 around 0
STRONGEST = 10  # positions of a seqlet whose triples are its features: 120
LONGEST = 20  # bp that a triple spans at most
BLOCK = 256  # seqlets that are compared with all others at a time: 1 KB of memory for each of the others


def features(windows: Array) -> NDArray[np.float32]:
    """Return `(s, 256)` features of windows `(s, w, 4)`, rows of norm 1 (0 for a seqlet of fewer than 3 bases)."""
    out = np.zeros((len(windows), FEATURES), dtype=np.float32)
    flat = windows.reshape(len(windows), -1)

    def work(a: int, b: int) -> None:
        embed(flat[a:b], STRONGEST, LONGEST, out[a:b])

    in_threads(len(windows), work)
    norm = np.sqrt(np.einsum("ij,ij->i", out, out, dtype=np.float64))[:, None]
    return np.asarray(out / np.maximum(norm, 1e-20).astype(np.float32), dtype=np.float32)


def candidates(rows: Array, k: int) -> NDArray[np.int64]:
    """Return for each row `(s, f)` the `k` others with the largest products, exactly, −1 where there are fewer."""
    n = len(rows)
    kept, values = np.empty((n, k), dtype=np.int64), np.empty((n, k), dtype=np.float32)
    for first in range(0, n, BLOCK):
        scores = rows[first : first + BLOCK] @ rows.T
        in_threads(len(scores), partial(_keep, scores, first, kept, values))
    return kept


def _keep(scores: Array, first: int, kept: Array, values: Array, a: int, b: int) -> None:
    keep_largest(scores, first, a, b, kept, values)


def neighbour_graph(windows: Array, rows: Array, *, n_candidates: int, n_neighbors: int) -> csr_array:
    """Return the symmetric graph of seqlets and their most similar ones.

    Parameters
    ----------
    windows
        `(s, w, 4)` float32, each sums to 1.
    rows
        Their features.
    n_candidates
        Others, the nearest by features, that each is aligned with.
    n_neighbors
        Of these, the most similar that become its neighbours.

    Returns
    -------
    csr_array
        `(s, s)`, at most 2 · `n_neighbors` · s entries: continuous Jaccard similarities.
    """
    n = len(windows)
    near = candidates(rows, min(n_candidates, max(n - 1, 1)))
    flat = windows.reshape(n, -1)
    turned = np.ascontiguousarray(flat[:, ::-1])
    similarity = np.empty(near.shape, dtype=np.float32)
    reach = windows.shape[1] // 2

    def work(a: int, b: int) -> None:
        neighbour_similarity(flat, turned, near, reach, a, b, similarity)

    in_threads(n, work)
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :n_neighbors]
    near, similarity = np.take_along_axis(near, order, axis=1), np.take_along_axis(similarity, order, axis=1)
    used = (near >= 0) & (similarity > 0)
    row = np.broadcast_to(np.arange(n)[:, None], near.shape)[used]
    graph = csr_array((similarity[used], (row, near[used])), shape=(n, n))
    return csr_array(graph.maximum(graph.T))


def in_threads(n: int, work: Callable[[int, int], object]) -> None:
    """Do `work(first, last)` for parts of `n` rows, on all cores; what it computes must not depend on the division."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    step = max(64, -(-n // (4 * cores)))
    bounds = [(a, min(a + step, n)) for a in range(0, n, step)]
    if len(bounds) < 2 or cores == 1:
        for a, b in bounds:
            work(a, b)
        return
    with ThreadPoolExecutor(cores) as pool:
        for done in [pool.submit(work, a, b) for a, b in bounds]:
            done.result()
