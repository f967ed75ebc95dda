"""Subsets of many sequences, sorted by the evidence they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.motifs._association import association
from seqexplain.motifs._cluster_motif import Alignment, align
from seqexplain.motifs._subset_clusters import SubsetClusters
from seqexplain.motifs._subsets import HasSubsets, Pieces, condensed_distances, distances, read_pieces
from seqexplain.sequences.shuffle import check_seed

Array = NDArray[Any]
Given = HasSubsets | tuple[Array, Array]

METHODS = ("hierarchical", "hdbscan")
DENSEST = 0.3  # distances below count as this to HDBSCAN: equal pieces would be clusters of infinite density
SPOKESMEN = 200  # of a cluster, evenly drawn, that stand for it where all would take long
BLOCK = 256  # pieces that are compared with all others at a time


def cluster_subsets(
    subsets: Given | Mapping[str, Given],
    *,
    labels: Sequence[Any] | Array | None = None,
    method: str = "hierarchical",
    max_distance: float = 0.6,
    min_size: int = 5,
    max_gap: int | None = 10,
    min_bases: int = 3,
    both_strands: bool = True,
    trim: float = 0.25,
    max_compared: int = 5000,
    random_state: int = 0,
) -> SubsetClusters:
    """Cluster the subsets of many sequences, and make a motif of each cluster.

    A subset may hold several motifs, whose distance means nothing: it is cut into pieces where more than `max_gap`
    masked bases lie between two of its own. Two pieces are near where one of them, shifted and perhaps turned, holds
    the same bases as the other: their distance is 1 − shared bases / all bases at the best alignment, the Jaccard
    distance (a metric, also after taking the best alignment; masked positions are gaps, which match nothing).

    Parameters
    ----------
    subsets
        What `sufficient_input_subsets` returns for one target, or a pair `(X, subset)`: `(n, L, 4)` one-hot, and
        `(n, L)` whole numbers, the subset that each base belongs to, from 1, 0 for none. Or a mapping from names to
        these, the results of two models for instance, which become the groups that are compared; lengths may differ.
    labels
        `(n,)`: one a sequence, such as right and wrong: the groups that are compared. With several results: none.
    method
        - `"hierarchical"`: average linkage, cut where clusters are farther apart than `max_distance` on average;
        - `"hdbscan"`: scikit-learn's HDBSCAN, which needs no distance to cut at, and leaves out what lies between
          dense places. It wants a larger `min_size`, 15 perhaps; where subsets are noisy it finds far less than the
          tree.
    max_distance
        Where the tree is cut, 0 to 1. Pieces of 4 to 12 random bases are .72 to .79 apart on average, and among
        hundreds of them a few are alike by chance: many small clusters of weak motifs are a sign of noise. Raise it
        where subsets are noisy and motifs few.
    min_size
        Pieces that make a cluster; what is in smaller ones is in none.
    max_gap
        Masked bases between two bases of the same piece at most; None leaves subsets whole.
    min_bases
        Pieces with fewer bases are left out.
    both_strands
        Whether a piece and its reverse complement are the same.
    trim
        Share of a cluster's pieces that needs a base at the first and the last position of its motif.
    max_compared
        Where there are more pieces, so many, drawn at random, are clustered, and the others join the cluster to whose
        members (up to 200 of them) they are nearest on average, unless they are farther from it than those. Bounds
        time, and memory to some 12 · `max_compared`² bytes (hierarchical; 24 with HDBSCAN).
    random_state
        Seed of that draw. Nothing else is random.

    Returns
    -------
    SubsetClusters

    Raises
    ------
    ParameterError
        When an option makes no sense.
    ShapeError
        When arrays do not go together, or there is no subset at all.

    Notes
    -----
    Tests of groups (Fisher's exact, or χ²) count subsets that have a piece in the cluster. They take them to be
    independent: several subsets of one sequence, and two models on the same sequences, are not quite, so read p-values
    as a ranking.

    The place and strand of each member are those where it shares the most bases with the others of its cluster, found
    by moving one after the other; the motif reads as most of its members do.

    References
    ----------
    Carter, Mueller, Jain and Gifford (2019) What made you do this? Understanding black-box decisions with sufficient
    input subsets. AISTATS. (Clusters of subsets, and models compared by them.)

    Campello, Moulavi and Sander (2013) Density-based clustering based on hierarchical density estimates. PAKDD.

    Examples
    --------
    >>> from seqexplain.sequences import one_hot
    >>> X = one_hot(["CCGATACC", "GATAGGGG", "TTTTATCT", "CACTGCAC", "CACTGTTT"])
    >>> subset = [[0, 0, 1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, 1, 0]]
    >>> subset += [[1, 1, 1, 1, 1, 0, 0, 0]] * 2
    >>> found = cluster_subsets((X, np.array(subset)), min_size=2)
    >>> found.cluster.tolist(), [motif.name for motif in found.motifs]
    ([0, 0, 0, 1, 1], ['GATA', 'CACTG'])
    >>> found.strand.tolist(), found.start.tolist()
    (['+', '+', '-', '+', '+'], [2, 0, 3, 0, 0])
    """
    random_state = check_seed(random_state)
    _check(method, max_distance, min_size, max_gap, min_bases, trim, max_compared)
    found, names = read_pieces(subsets, max_gap=max_gap, min_bases=min_bases)
    if len(found) == 0:
        raise ShapeError(
            f"Among {len(found.all_subsets)} subsets there is no piece of {min_bases} bases, so nothing can be "
            "clustered. Lower min_bases, or look at what the search for subsets found."
        )
    groups, label = _groups(names, labels, subsets)
    group = _group_of(found.source, found.sequence, label)
    compared = np.arange(len(found))
    if len(found) > max_compared:
        compared = np.sort(np.random.default_rng(random_state).choice(len(found), max_compared, replace=False))
    between = condensed_distances(found, compared, both_strands=both_strands)
    cluster = np.full(len(found), -1, dtype=np.int64)
    cluster[compared] = _clustered(between, len(compared), method, max_distance, min_size)
    del between
    if len(compared) < len(found):
        _join(found, cluster, compared, both_strands=both_strands)
    cluster = _by_size(cluster)
    n_clusters = int(cluster.max(initial=-1)) + 1
    start, strand = np.full(len(found), -1, dtype=np.int64), np.full(len(found), ".")
    alignments: list[Alignment] = []
    medoids, spread = np.zeros(n_clusters, dtype=np.int64), np.zeros(n_clusters)
    for c in range(n_clusters):
        members = np.flatnonzero(cluster == c)
        medoids[c], spread[c] = _medoid(found, members, both_strands=both_strands)
        name = f"cluster_{c}"
        alignments.append(align(found, members, int(medoids[c]), name, both_strands=both_strands, trim=trim))
        start[members], strand[members] = alignments[c].starts, alignments[c].strands
    inside = cluster >= 0
    # a subset counts once in a cluster, however many of its pieces are there
    places = np.stack([cluster, group, found.source, found.sequence, found.number])[:, inside]
    in_cluster, of_group = np.unique(places, axis=1)[:2]
    counts = np.zeros((n_clusters, len(groups)), dtype=np.int64)
    np.add.at(counts, (in_cluster, of_group), 1)
    totals = np.bincount(
        _group_of(found.all_subsets[:, 0], found.all_subsets[:, 1], label), minlength=len(groups)
    ).astype(np.int64)
    return SubsetClusters(
        cluster=cluster,
        source=found.source,
        sequence=found.sequence,
        number=found.number,
        start=start,
        strand=strand,
        motifs=tuple(a.motif for a in alignments),
        coverage=tuple(a.coverage for a in alignments),
        medoids=medoids,
        spread=spread,
        groups=groups,
        group=group,
        counts=counts,
        group_sizes=totals,
        association=association(counts, totals),
        parameters={
            "method": method, "max_distance": max_distance, "min_size": min_size, "max_gap": max_gap,
            "min_bases": min_bases, "both_strands": both_strands,
            "trim": trim, "max_compared": max_compared, "compared": len(compared), "random_state": random_state,
        },
    )  # fmt: skip


def _check(
    method: str, max_distance: float, min_size: int, max_gap: int | None, min_bases: int, trim: float, max_compared: int
) -> None:
    if method not in METHODS:
        raise ParameterError(f"method is {method!r}; expected one of {', '.join(map(repr, METHODS))}.")
    for name, share in (("max_distance", max_distance), ("trim", trim)):
        if not 0 <= share <= 1:
            raise ParameterError(f"{name} is {share!r}; expected a share from 0 to 1.")
    for name, number, least in (
        ("min_size", min_size, 2), ("max_gap", 0 if max_gap is None else max_gap, 0), ("min_bases", min_bases, 1),
        ("max_compared", max_compared, 2),
    ):  # fmt: skip
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < least:
            raise ParameterError(f"{name} is {number!r}; expected a whole number from {least}.")


def _groups(names: tuple[str, ...], labels: Any, given: Any) -> tuple[tuple[str, ...], Array | None]:
    """Return the groups' names and, where they are labels, the group of each sequence."""
    if labels is None:
        return names or ("all",), None
    if names:
        raise ParameterError("labels and several results are both given; the results' names are the groups already.")
    X = given.X if isinstance(given, HasSubsets) else given[0]
    values = [str(label) for label in labels]
    if len(values) != len(X):
        raise ShapeError(f"{len(values)} labels for {len(X)} sequences; give one label a sequence.")
    groups = tuple(sorted(set(values)))
    return groups, np.array([groups.index(value) for value in values], dtype=np.int64)


def _group_of(source: Array, sequence: Array, label: Array | None) -> Array:
    return source if label is None else np.asarray(label[sequence])


def _clustered(between: Array, n: int, method: str, max_distance: float, min_size: int) -> Array:
    """Return the cluster of each, −1 for none, in no order."""
    if n < 2 or n < min_size:
        return np.full(n, -1, dtype=np.int64)
    if method == "hdbscan":
        from scipy.spatial.distance import squareform
        from sklearn.cluster import HDBSCAN

        square = squareform(np.maximum(between, DENSEST))
        model = HDBSCAN(min_cluster_size=min_size, metric="precomputed", algorithm="brute", copy=False)
        return np.asarray(model.fit_predict(square), dtype=np.int64)
    from scipy.cluster.hierarchy import fcluster, linkage

    cluster = fcluster(linkage(between, method="average"), max_distance, criterion="distance").astype(np.int64)
    cluster[np.bincount(cluster)[cluster] < min_size] = -1
    return np.asarray(cluster)


def _join(found: Pieces, cluster: Array, compared: Array, *, both_strands: bool) -> None:
    """Put what was not compared into the cluster it is nearest to; changes `cluster`."""
    kinds = np.unique(cluster[compared][cluster[compared] >= 0])
    if len(kinds) == 0:
        return
    spokesmen = [_some(np.flatnonzero(cluster == c)) for c in kinds]
    members = np.concatenate(spokesmen)
    kind = np.repeat(np.arange(len(kinds)), [len(some) for some in spokesmen])
    sizes = np.bincount(kind)
    indicator = np.zeros((len(members), len(kinds)))
    indicator[np.arange(len(members)), kind] = 1.0
    farthest = np.zeros(len(kinds))
    for low in range(0, len(members), BLOCK):
        own = kind[low : low + BLOCK]
        sums = distances(found, members[low : low + BLOCK], members, both_strands=both_strands) @ indicator
        # the distance of a member to itself is 0 and is not averaged over
        means = sums[np.arange(len(own)), own] / np.maximum(sizes[own] - 1, 1)
        np.maximum.at(farthest, own, means)
    rest = np.setdiff1d(np.arange(len(found)), compared)
    for low in range(0, len(rest), BLOCK):
        rows = rest[low : low + BLOCK]
        means = distances(found, rows, members, both_strands=both_strands) @ indicator / sizes
        nearest = means.argmin(axis=1)
        near = means[np.arange(len(rows)), nearest] <= farthest[nearest]
        cluster[rows[near]] = kinds[nearest[near]]


def _by_size(cluster: Array) -> Array:
    """Return cluster numbers from the largest on; of equal ones that with the first subset comes first."""
    kinds, first, sizes = np.unique(cluster, return_index=True, return_counts=True)
    real = kinds >= 0
    order = np.lexsort((first[real], -sizes[real]))
    renamed = np.full(len(kinds), -1, dtype=np.int64)
    renamed[np.flatnonzero(real)[order]] = np.arange(len(order))
    return np.asarray(renamed[np.searchsorted(kinds, cluster)])


def _some(members: Array) -> Array:
    """Return a cluster's members, or as many of them, evenly drawn, as are to stand for it."""
    if len(members) <= SPOKESMEN:
        return members
    return np.asarray(members[np.linspace(0, len(members) - 1, SPOKESMEN).astype(int)])


def _medoid(found: Pieces, members: Array, *, both_strands: bool) -> tuple[int, float]:
    """Return the member nearest to the others (of a large cluster, to some), and the mean distance to it."""
    shown = _some(members)
    medoid = int(shown[distances(found, shown, shown, both_strands=both_strands).sum(axis=1).argmin()])
    return medoid, float(distances(found, np.array([medoid]), members, both_strands=both_strands).mean())
