"""The compiled loops of the native extractor, against plain NumPy and closed forms."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import csr_array

from seqexplain.motifs._communities import by_size, communities
from seqexplain.motifs._merge_groups import auroc, mean_similarity
from seqexplain.motifs._neighbour_graph import candidates, features, neighbour_graph
from seqexplain.motifs._pattern_kernels import all_pairs, best_shared, embed
from seqexplain.motifs._window_alignment import Aligner, Layout, medoids

WIDTH = 13


def windows(n: int, seed: int = 0, width: int = WIDTH) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = np.zeros((n, width, 4), dtype=np.float32)
    x[np.arange(n)[:, None], np.arange(width), rng.integers(0, 4, (n, width))] = rng.random((n, width)) ** 3
    return x / x.sum(axis=(1, 2), keepdims=True)


def moved(x: np.ndarray, shift: int) -> np.ndarray:
    """`(w, 4)` moved to the right, zeros coming in."""
    out = np.zeros_like(x)
    for place in range(len(x)):
        if 0 <= place + shift < len(x):
            out[place + shift] = x[place]
    return out


def best_by_hand(x: np.ndarray, y: np.ndarray, reach: int) -> float:
    return max(np.minimum(x, moved(z, shift)).sum() for z in (y, y[::-1, ::-1]) for shift in range(-reach, reach + 1))


def test_the_best_alignment_is_that_of_all_strands_and_shifts() -> None:
    x = windows(12)
    flat = x.reshape(12, -1)
    turned = np.ascontiguousarray(flat[:, ::-1])
    for i, j in combinations(range(12), 2):
        for reach in (0, 3, WIDTH // 2):
            value, shift, strand = best_shared(flat[i], flat[j], turned[j], reach)
            assert value == pytest.approx(best_by_hand(x[i], x[j], reach), abs=1e-6)
            laid = moved(x[j][::-1, ::-1] if strand else x[j], shift)
            assert value == pytest.approx(np.minimum(x[i], laid).sum(), abs=1e-6)
            assert abs(shift) <= reach


def test_similarity_is_one_with_itself_turned_and_moved_and_zero_without_a_shared_base() -> None:
    x = np.zeros((1, WIDTH, 4), dtype=np.float32)
    x[0, np.arange(3, 7), [0, 1, 1, 2]] = [0.4, 0.3, 0.2, 0.1]
    flat = x.reshape(1, -1)
    for shift in (-3, 0, 3):
        other = np.ascontiguousarray(moved(x[0][::-1, ::-1], shift).reshape(1, -1))
        value, _, strand = best_shared(flat[0], other[0], np.ascontiguousarray(other[0, ::-1]), 6)
        assert value == pytest.approx(1)
        assert strand == 1
    a = np.zeros((WIDTH, 4), dtype=np.float32)
    a[2:6, 0] = 0.25
    c = np.zeros_like(a)
    c[2:6, 1] = 0.25
    assert best_shared(a.ravel(), c.ravel(), np.ascontiguousarray(c.ravel()[::-1]), 6)[0] == 0


def test_pairs_are_continuous_jaccard_similarities() -> None:
    x, y = windows(5, 1), windows(7, 2)
    out = np.empty((5, 7), dtype=np.float32)
    all_pairs(x.reshape(5, -1), y.reshape(7, -1), out)
    for i in range(5):
        for j in range(7):
            assert out[i, j] == pytest.approx(np.minimum(x[i], y[j]).sum() / np.maximum(x[i], y[j]).sum(), abs=1e-6)


def test_each_window_goes_to_its_most_similar_mean() -> None:
    x, means = windows(30, 3), windows(4, 4)
    aligner = Aligner(x)
    candidates_of = np.tile(np.arange(4), (30, 1))
    candidates_of[::5, 1] = -1
    layout = aligner.place(candidates_of, means)
    for i in range(30):
        shared = np.array(
            [best_by_hand(means[g], x[i], aligner.reach) if g in candidates_of[i] else -1 for g in range(4)]
        )
        best = shared.max()
        assert layout.similarity[i] == pytest.approx(best / (2 - best), abs=1e-6)
        assert shared[layout.which[i]] == pytest.approx(best, abs=1e-6)


def test_means_are_those_of_the_members_as_they_lie() -> None:
    x = windows(20, 5)
    aligner = Aligner(x)
    layout = aligner.place(np.tile(np.arange(2), (20, 1)), windows(2, 6))
    means = aligner.means(layout, centred=False)
    for group in range(2):
        laid = [
            moved(x[i][::-1, ::-1] if layout.turned[i] else x[i], int(layout.shift[i]))
            for i in np.flatnonzero(layout.which == group)
        ]
        wanted = np.sum(laid, axis=0, dtype=np.float64)
        np.testing.assert_allclose(means[group], wanted / wanted.sum(), atol=1e-6)
        np.testing.assert_allclose(
            aligner.framed(layout, np.flatnonzero(layout.which == group)).reshape(-1, WIDTH, 4), laid, atol=1e-7
        )
    np.testing.assert_allclose(aligner.means(layout).sum(axis=(1, 2)), 1, atol=1e-6)


def test_features_know_neither_place_nor_strand() -> None:
    core = windows(40, 7, width=9)
    x = np.zeros((40, 25, 4), dtype=np.float32)
    y = np.zeros_like(x)
    x[:, 2:11] = core
    y[:, 14:23] = core[:, ::-1, ::-1]
    np.testing.assert_allclose(features(x), features(y), atol=1e-6)
    np.testing.assert_allclose((features(x) ** 2).sum(axis=1), 1, atol=1e-5)


def test_products_of_features_estimate_those_of_triples() -> None:
    x = windows(60, 8, width=8)
    x[30:, :5] = x[:30, :5]  # some triples are shared
    x /= x.sum(axis=(1, 2), keepdims=True)

    def triples(window: np.ndarray) -> dict[tuple[int, ...], float]:
        found: dict[tuple[int, ...], float] = {}
        base, value = window.argmax(axis=1), window.max(axis=1)
        for p, q, r in combinations(range(8), 3):
            a, b, c = (int(base[k]) for k in (p, q, r))
            key = min((a, b, c, q - p, r - q), (3 - c, 3 - b, 3 - a, r - q, q - p))
            found[key] = found.get(key, 0.0) + float((value[p] * value[q] * value[r]) ** (1 / 3))
        return found

    wide = np.zeros((60, 1 << 15), dtype=np.float32)  # so wide that hardly two triples meet
    embed(x.reshape(60, -1), 8, 20, wide)
    every = [triples(window) for window in x]
    for i in range(30):
        wanted = sum(weight * every[i + 30].get(key, 0.0) for key, weight in every[i].items())
        assert wide[i] @ wide[i + 30] == pytest.approx(wanted, abs=0.02)


def test_candidates_are_the_largest_products() -> None:
    rows = np.random.default_rng(9).normal(size=(700, 6)).astype(np.float32)
    found = candidates(rows, 5)
    scores = rows @ rows.T
    np.fill_diagonal(scores, -np.inf)
    wanted = np.sort(scores, axis=1)[:, ::-1][:, :5]
    np.testing.assert_allclose(np.take_along_axis(scores, found, axis=1), wanted, atol=1e-5)
    assert (candidates(rows[:3], 4) == -1).sum() == 6  # of three, two are others


def test_the_graph_holds_similarities_of_neighbours() -> None:
    x = windows(80, 10)
    graph = neighbour_graph(x, features(x), n_candidates=79, n_neighbors=4)
    dense = graph.toarray()
    np.testing.assert_allclose(dense, dense.T)
    exact = np.array([[best_by_hand(a, b, WIDTH // 2) for b in x] for a in x])
    exact = exact / (2 - exact)
    np.fill_diagonal(exact, -1)
    near = np.argsort(-exact, axis=1)[:, :4]
    for i in range(80):
        np.testing.assert_allclose(dense[i, near[i]], exact[i, near[i]], atol=1e-5)
    assert graph.nnz <= 2 * 4 * 80


def cliques(sizes: tuple[int, ...], weight: float = 1.0) -> csr_array:
    n = sum(sizes)
    dense, first = np.zeros((n, n)), 0
    for size in sizes:
        dense[first : first + size, first : first + size] = weight
        first += size
    np.fill_diagonal(dense, 0)
    return csr_array(dense)


def test_cliques_are_communities_and_join_where_that_is_better() -> None:
    graph = cliques((4, 9, 6)).tolil()
    graph[3, 4] = graph[4, 3] = graph[12, 13] = graph[13, 12] = 0.5
    assert communities(csr_array(graph)).tolist() == [2] * 4 + [0] * 9 + [1] * 6
    assert communities(csr_array(graph), resolution=0.001).tolist() == [0] * 19
    # a ring of 30 cliques of 5: modularity prefers pairs of them (Fortunato and Barthelemy 2007), a higher γ each alone
    ring = cliques((5,) * 30).tolil()
    for k in range(30):
        a, b = 5 * k, (5 * k + 6) % 150
        ring[a, b] = ring[b, a] = 1
    assert len(np.unique(communities(csr_array(ring)))) < 30
    assert len(np.unique(communities(csr_array(ring), resolution=3.0))) == 30


def test_modularity_is_that_of_networkx_or_better() -> None:
    networkx = pytest.importorskip("networkx")
    rng = np.random.default_rng(11)
    group = rng.integers(0, 6, 200)
    dense = np.triu(rng.random((200, 200)) < np.where(group[:, None] == group, 0.2, 0.02), 1)
    graph = csr_array((dense | dense.T).astype(np.float64))
    label = communities(graph)
    whole = networkx.from_scipy_sparse_array(graph)

    def modularity(sets: list[set[int]]) -> float:
        return float(networkx.community.modularity(whole, sets))

    ours = modularity([set(np.flatnonzero(label == k).tolist()) for k in range(label.max() + 1)])
    theirs = modularity([set(one) for one in networkx.community.louvain_communities(whole, seed=0)])
    assert ours > theirs - 0.01


def test_a_graph_without_edges_and_numbers_by_size() -> None:
    assert communities(csr_array((3, 3))).tolist() == [0, 1, 2]
    assert by_size(np.array([5, 2, 2, -1, 7, 7, 5, 2])).tolist() == [1, 0, 0, -1, 2, 2, 1, 0]


def test_medoids_have_the_largest_sum() -> None:
    dense = np.array([[0, 2, 1, 0, 9], [2, 0, 3, 0, 0], [1, 3, 0, 0, 0], [0, 0, 0, 0, 1], [9, 0, 0, 1, 0]], dtype=float)
    assert medoids(csr_array(dense), np.array([0, 0, 0, 1, 1])).tolist() == [1, 3]


def test_means_are_compared_where_they_share_the_most() -> None:
    a = windows(1, 12, width=21)[0]
    a[:6] = a[-6:] = 0
    b = moved(a[::-1, ::-1], 3)
    cosine, shift, turned = mean_similarity(a, b)
    assert cosine == pytest.approx(1)
    assert turned == 1
    np.testing.assert_allclose(moved(b[::-1, ::-1], shift), a)


def test_groups_of_one_kind_cannot_be_told_apart() -> None:
    rng = np.random.default_rng(13)
    kinds = windows(2, 14)
    x = kinds[np.repeat([0, 1], 40)] * rng.uniform(0.5, 1.5, (80, WIDTH, 1)).astype(np.float32)
    x = (x / x.sum(axis=(1, 2), keepdims=True)).astype(np.float32)
    aligner = Aligner(x)
    zero = np.zeros(80, dtype=np.int64)

    def layout(which: np.ndarray) -> Layout:
        return Layout(which, np.ones(80, np.float32), zero, zero, np.zeros((2, WIDTH, 4), np.float32))

    assert auroc(aligner, layout(np.repeat([0, 1], 40)), 0, 1, 0, 0) == 1
    halves = np.where(np.arange(80) < 40, np.arange(80) % 2, -1)
    assert auroc(aligner, layout(halves), 0, 1, 0, 0) == pytest.approx(0.5, abs=0.03)
