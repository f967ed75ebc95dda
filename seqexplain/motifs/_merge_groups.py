"""Groups of aligned seqlets that are one motif are made one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.motifs._pattern_kernels import all_pairs, best_shared
from seqexplain.motifs._window_alignment import Aligner, Layout

Array = NDArray[Any]

SPOKESMEN = 60  # members of a group, evenly drawn, that are compared in pairs: 2 · 1,770 within groups, 3,600 across


def merge_groups(
    aligner: Aligner, layout: Layout, *, min_cosine: float, max_auroc: float, stay: bool = False
) -> Layout:
    """Join groups whose means are alike and whose members cannot be told apart, the most alike first.

    Parameters
    ----------
    aligner
        The windows.
    layout
        How they lie.
    min_cosine
        Least cosine of two means, at their best alignment on either strand.
    max_auroc
        Most that a pair of members of the same group may be told from one of both groups by its similarity, as the area
        under the receiver operating characteristic: .5 where it cannot be told at all.
    stay
        Whether groups are compared as they lie, all on one frame, and none is moved or turned.

    Returns
    -------
    Layout
        Members of joined groups lie as they lay, moved with their group. Groups are numbered anew, those without
        members are gone.
    """
    which, shift, turned = layout.which.copy(), layout.shift.copy(), layout.turned.copy()
    out = Layout(which, layout.similarity.copy(), shift, turned, layout.means.copy())
    sizes = out.sizes
    alive = [int(g) for g in np.flatnonzero(sizes)]
    between: dict[tuple[int, int], tuple[float, int, int]] = {}
    for k, a in enumerate(alive):
        for b in alive[k + 1 :]:
            between[a, b] = mean_similarity(out.means[a], out.means[b], stay=stay)
    while between:
        pair = max(between, key=lambda p: (between[p][0], -p[0], -p[1]))
        cosine, offset, side = between.pop(pair)
        if cosine < min_cosine:
            break
        a, b = pair if sizes[pair[0]] >= sizes[pair[1]] else pair[::-1]
        if a != pair[0]:
            # how a lies on b, turned round: how b lies on a
            offset = offset if side else -offset
        if auroc(aligner, out, a, b, offset, side) > max_auroc:
            continue
        moved = which == b
        shift[moved] = offset + (-shift[moved] if side else shift[moved])
        turned[moved] ^= side
        which[moved] = a
        np.clip(shift, -aligner.reach, aligner.reach, out=shift)
        out.means[a] = aligner.means(out, only=a, centred=False)[a]
        sizes = out.sizes
        alive.remove(b)
        between = {p: found for p, found in between.items() if b not in p and a not in p}
        for c in alive:
            if c != a:
                first, second = (a, c) if a < c else (c, a)
                between[first, second] = mean_similarity(out.means[first], out.means[second], stay=stay)
    return numbered(out)


def numbered(layout: Layout) -> Layout:
    """Return the groups numbered anew, the largest first, and leave out those without members."""
    sizes = layout.sizes
    kept = np.array([g for g in np.argsort(-sizes, kind="stable") if sizes[g]], dtype=np.int64)
    place = np.full(len(sizes) + 1, -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    return Layout(place[layout.which], layout.similarity, layout.shift, layout.turned, layout.means[kept])


def mean_similarity(a: Array, b: Array, *, stay: bool = False) -> tuple[float, int, int]:
    """Return the cosine of two means `(w, 4)` as they share the most, and how `b` lies on `a`: shift, turned."""
    x, y = (np.ascontiguousarray(m.reshape(-1), dtype=np.float32) for m in (a, b))
    back = np.ascontiguousarray(y[::-1])
    _, shift, side = (0.0, 0, 0) if stay else best_shared(x, y, back, len(a) // 2)
    laid = moved_by(back if side else y, shift)
    norm = float(np.sqrt((x.astype(np.float64) ** 2).sum() * (y.astype(np.float64) ** 2).sum()))
    return float(x.astype(np.float64) @ laid) / max(norm, 1e-30), int(shift), int(side)


def moved_by(flat: Array, shift: int) -> Array:
    """Return flat windows `(…, 4w)` moved to the right; what leaves them is lost."""
    out = np.zeros_like(flat)
    size, at = flat.shape[-1], 4 * shift
    out[..., max(at, 0) : size + min(at, 0)] = flat[..., max(-at, 0) : size - max(at, 0)]
    return out


def auroc(aligner: Aligner, layout: Layout, a: int, b: int, shift: int, side: int) -> float:
    """Return how well pairs of members of one group are told from pairs across two groups by their similarity."""
    first, second = (aligner.framed(layout, spokesmen(layout, g)) for g in (a, b))
    second = np.ascontiguousarray(moved_by(second[:, ::-1] if side else second, shift))
    across = np.sort(pairs(first, second).ravel())
    within = np.concatenate(
        [pairs(group, group)[np.triu_indices(len(group), 1)] for group in (first, second) if len(group) > 1] or [across]
    )
    low, high = (np.searchsorted(across, within, side=end) for end in ("left", "right"))
    return float((low + high).mean() / 2 / len(across))


def spokesmen(layout: Layout, group: int, n: int = SPOKESMEN) -> Array:
    """Return up to `n` members of a group, evenly drawn."""
    members = np.flatnonzero(layout.which == group)
    return members[np.unique(np.linspace(0, len(members) - 1, min(n, len(members))).round().astype(np.int64))]


def pairs(x: Array, y: Array) -> Array:
    """Return the similarities of all rows with all others."""
    out = np.empty((len(x), len(y)), dtype=np.float32)
    all_pairs(x, y, out)
    return out
