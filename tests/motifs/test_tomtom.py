"""p-values of the motif comparison against exhaustive enumeration and against another implementation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from seqexplain.errors import ParameterError
from seqexplain.motifs import Motif, load_database, match_motifs
from seqexplain.motifs._tomtom import Targets


def enumerated(query, pool, widths):
    """The definition, word for word: at each offset all ways to draw the columns that lie on the query.

    Returns the chance, for each width of a target, that its best offset on the better strand scores k or more.
    """
    distance = np.sqrt(((query[:, None] - pool[None]) ** 2).sum(-1))
    raw = -distance
    for row in raw:
        grid = ((row - row.min()) / (row.max() - row.min()) * 999).astype(int)
        order = np.sort(grid)
        middle = order[int(np.ceil(len(row) / 2)) - 1]
        row -= row[grid == middle].mean()
    lowest = np.floor(raw.min())
    steps = int(100 / max(raw.max() - lowest, 1))
    score = np.floor((raw - lowest) * steps + 0.5) + lowest * steps  # 0: as good as the median column

    chances = {}
    for width in widths:
        never = {}
        for offset in range(-len(query) + 1, width):
            on = [k for k in range(len(query)) if 0 <= k + offset < width]
            totals = np.array([sum(score[k, c] for k, c in zip(on, way, strict=True))
                               for way in product(range(len(pool)), repeat=len(on))])  # fmt: skip
            for k in range(-400, 400):
                never[k] = never.get(k, 1.0) * np.mean(totals < k)
        chances[width] = {k: 1 - never[k] ** 2 for k in never}
    return score, chances


def test_p_values_are_those_of_enumeration():
    rng = np.random.default_rng(3)
    widths = [1, 2, 3, 3, 4]
    targets = [Motif(f"t{k}", "t", rng.dirichlet(np.full(4, 0.4), w) + 1e-9) for k, w in enumerate(widths)]
    query = rng.dirichlet(np.full(4, 0.4), 3)
    prepared = Targets(targets)
    pool = np.concatenate([t.probabilities for t in targets] + [t.probabilities[::-1, ::-1] for t in targets])
    score, chances = enumerated(query, pool, sorted(set(widths)))

    scores = prepared.scores(query)
    np.testing.assert_array_equal(scores.bins - scores.zero, score)
    placed = scores.align(prepared)
    p = scores.p_values(placed.score, prepared)

    ends = np.cumsum([*widths, *widths])
    best = []
    for t, width in enumerate(widths):
        found = []
        for minus in (False, True):
            columns = score[:, ends[t + len(widths) * minus] - width : ends[t + len(widths) * minus]]
            for offset in range(-2, width):
                on = [k for k in range(3) if 0 <= k + offset < width]
                found.append((sum(columns[k, k + offset] for k in on), len(on), not minus, -offset))
        best.append(max(found))
    for t, (total, overlap, plus, start) in enumerate(best):
        assert (placed.score[t], placed.overlap[t], placed.minus[t], placed.start[t]) == (
            total,
            overlap,
            not plus,
            start,
        )
        assert p[t] == pytest.approx(chances[widths[t]][int(total)], rel=1e-9)


def test_small_p_values_keep_their_digits():
    """Twelve columns that only one in some thousand resembles: far below what 1 − P can hold."""
    database = load_database()
    long = max(database, key=lambda motif: motif.width)
    match = match_motifs([long], database).best[long.id]
    assert 0 < match.p_value < 1e-60


def test_engines_are_known():
    with pytest.raises(ParameterError, match="engine is 'meme'"):
        match_motifs(load_database()[:1], engine="meme")


@pytest.mark.slow  # memelite compiles for minutes where it was never used before
def test_memelite_gives_the_same():
    pytest.importorskip("memelite")
    database = load_database()
    rng = np.random.default_rng(0)
    queries = [database[k] for k in rng.choice(len(database), 60, replace=False)]
    queries += [Motif("one", "one", [[1, 0, 0, 0]]), Motif("flat", "flat", np.ones((5, 4)))]
    queries += [Motif("wide", "wide", rng.dirichlet(np.ones(4), 60))]  # which is not given to memelite
    ours = match_motifs(queries, top=None, engine="numpy")
    theirs = match_motifs(queries, top=None, engine="memelite")
    mine, other = (np.lexsort((found.target, found.query)) for found in (ours, theirs))
    np.testing.assert_allclose(ours.p_value[mine], theirs.p_value[other], rtol=1e-10, atol=1e-300)
    np.testing.assert_array_equal(ours.offset[mine], theirs.offset[other])
