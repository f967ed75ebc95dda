"""Compiled loops behind the shuffles; importing this module imports numba.

Randomness is a SplitMix64 generator (Steele, Lea & Flood 2014) kept in a local variable, one per sequence and
shuffle, so that any shuffle can be drawn alone and in any order. Bounded integers follow Lemire (2019), with
the rejection step, so they are free of bias.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np
from numba import float32, int64, uint8, uint64

UNKNOWN = 4

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_U27, _U30, _U31, _U32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
_LOW_32 = np.uint64(0xFFFFFFFF)
_TWO_32 = np.uint64(1 << 32)


def _inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """`numba.njit` for what only other kernels call; LLVM inlines it."""
    return numba.njit(function)  # type: ignore[no-any-return]


@_inlined
def _mixed(state: Any) -> Any:
    z = (state ^ (state >> _U30)) * _MIX_1
    z = (z ^ (z >> _U27)) * _MIX_2
    return z ^ (z >> _U31)


@_inlined
def _below(state: Any, bound: int) -> Any:
    """Return the next state and a uniform integer of [0, bound), bound < 2**32."""
    wide = np.uint64(bound)
    state += _GOLDEN
    product = (_mixed(state) >> _U32) * wide
    if (product & _LOW_32) < wide:
        threshold = (_TWO_32 - wide) % wide
        while (product & _LOW_32) < threshold:
            state += _GOLDEN
            product = (_mixed(state) >> _U32) * wide
    return state, np.int64(product >> _U32)


@_inlined
def _shuffle_run(run: Any, state: Any, edges: Any, base_edges: Any, counts: Any, first: Any, out: Any) -> Any:
    """Write one uniform dinucleotide shuffle of a run of known bases into `out` (one-hot, zeroed before)."""
    length = run.size
    last = np.int64(run[length - 1])
    n_edges = length - 1
    for i in range(n_edges):
        edges[i] = base_edges[i]

    # A random arborescence towards the last base: Wilson's loop-erased walks. A step that stays on its base
    # would be erased at once, so it is not drawn.
    in_tree = np.zeros(4, dtype=np.bool_)
    in_tree[last] = True
    step = np.zeros(4, dtype=np.int64)
    for root in range(4):
        if in_tree[root] or first[root + 1] == first[root]:
            continue
        vertex = root
        while not in_tree[vertex]:
            leaving = first[vertex + 1] - first[vertex] - counts[vertex, vertex]
            state, pick = _below(state, leaving)
            target = 0
            while True:
                if target != vertex:
                    pick -= counts[vertex, target]
                    if pick < 0:
                        break
                target += 1
            step[vertex] = target
            vertex = target
        vertex = root
        while not in_tree[vertex]:
            in_tree[vertex] = True
            vertex = step[vertex]

    # Each base leaves for the last time along its tree edge; its other edges come in random order.
    for vertex in range(4):
        start = first[vertex]
        free = first[vertex + 1] - start
        if free == 0:
            continue
        if vertex != last:
            free -= 1
            place = start
            for target in range(step[vertex]):
                place += counts[vertex, target]
            edges[place], edges[start + free] = edges[start + free], edges[place]
        for i in range(free - 1, 0, -1):
            state, j = _below(state, i + 1)
            edges[start + i], edges[start + j] = edges[start + j], edges[start + i]

    cursor = first[:4].copy()
    base = np.int64(run[0])
    out[0, base] = 1.0
    for i in range(1, length):
        place = cursor[base]
        cursor[base] = place + 1
        base = np.int64(edges[place])
        out[i, base] = 1.0
    return state


def _dinucleotide(codes: Any, seeds: Any, n: Any, out: Any) -> None:
    """Fill `out` (s, n, L, 4), zeroed before, with uniform dinucleotide shuffles of `codes` (s, L)."""
    length = codes.shape[1]
    edges = np.empty(length, dtype=np.uint8)
    base_edges = np.empty(length, dtype=np.uint8)
    counts = np.empty((4, 4), dtype=np.int64)
    first = np.empty(5, dtype=np.int64)
    states = np.empty(n, dtype=np.uint64)
    for s in range(codes.shape[0]):
        for j in range(n):
            states[j] = _mixed(seeds[s] + np.uint64(j) * _GOLDEN)
        start = 0
        while start < length:
            if codes[s, start] == UNKNOWN:
                start += 1
                continue
            stop = start + 1
            while stop < length and codes[s, stop] != UNKNOWN:
                stop += 1
            run = codes[s, start:stop]

            # The run's edges, grouped by the base they leave and sorted by the base they reach.
            counts[:] = 0
            for i in range(stop - start - 1):
                counts[run[i], run[i + 1]] += 1
            place = 0
            for vertex in range(4):
                first[vertex] = place
                for target in range(4):
                    for _ in range(counts[vertex, target]):
                        base_edges[place] = target
                        place += 1
            first[4] = place

            for j in range(n):
                states[j] = _shuffle_run(run, states[j], edges, base_edges, counts, first, out[s, j, start:stop])
            start = stop


def _mononucleotide(codes: Any, seeds: Any, n: Any, out: Any) -> None:
    """Fill `out` (s, n, L, 4), zeroed before, with uniform permutations of the known bases of `codes`."""
    length = codes.shape[1]
    bases = np.empty(length, dtype=np.uint8)
    places = np.empty(length, dtype=np.int64)
    for s in range(codes.shape[0]):
        known = 0
        for i in range(length):
            if codes[s, i] != UNKNOWN:
                places[known] = i
                known += 1
        for j in range(n):
            state = _mixed(seeds[s] + np.uint64(j) * _GOLDEN)
            for i in range(known):
                bases[i] = codes[s, places[i]]
            for i in range(known - 1, 0, -1):
                state, k = _below(state, i + 1)
                bases[i], bases[k] = bases[k], bases[i]
            for i in range(known):
                out[s, j, places[i], bases[i]] = 1.0


_KERNELS = {"dinucleotide": _dinucleotide, "mononucleotide": _mononucleotide}
# base codes (s, L), seeds (s,), shuffles of each, output (s, n, L, 4)
_SIGNATURE = [(uint8[:, ::1], uint64[::1], int64, float32[:, :, :, ::1])]


@cache
def shuffle_kernel(kind: str) -> Callable[..., None]:
    """Return the compiled kernel of a kind of shuffle: from numba's cache on disk, else compiled in some seconds."""
    try:
        return numba.njit(_SIGNATURE, cache=True, nogil=True)(_KERNELS[kind])  # type: ignore[no-any-return]
    except Exception:
        # no folder can be written, the disk is full, or a cached file is damaged: an error in the kernel itself
        # shows again here
        return numba.njit(_SIGNATURE, nogil=True)(_KERNELS[kind])  # type: ignore[no-any-return]
