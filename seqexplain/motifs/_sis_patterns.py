"""Clusters of sufficient subsets as patterns, as all other methods give them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError, ShapeError, TargetError
from seqexplain.motifs._cluster_subsets import cluster_subsets
from seqexplain.motifs._contribution_source import ContributionSource, open_contributions
from seqexplain.motifs._pattern import Pattern, Stack, stack_patterns
from seqexplain.motifs._pattern_set import PatternSet
from seqexplain.motifs._subsets import read_pieces
from seqexplain.results import Attributions, SufficientInputSubsets
from seqexplain.sequences.encoding import one_hot_to_codes
from seqexplain.storage import ResultStore

Array = NDArray[Any]

FLANK = 5  # bp beside a cluster's motif that are looked at: contributions tell whether they belong to it


def sis_patterns(
    subsets: Any,
    *,
    contributions: Any = None,
    target: int | str | None = None,
    method: str = "hierarchical",
    max_distance: float = 0.6,
    min_size: int = 5,
    max_gap: int | None = 10,
    min_bases: int = 3,
    both_strands: bool = True,
    trim: float = 0.25,
    flank: int = FLANK,
    max_compared: int = 5000,
    random_state: int = 0,
) -> PatternSet:
    """Cluster sufficient input subsets, and make a pattern of each cluster.

    Parameters
    ----------
    subsets
        What `sufficient_input_subsets` returns, a `ResultStore` of it, or the path of one; or a list of these on the
        same sequences: one that explains f, say, and one with `negative=True`, whose clusters become the negative
        patterns. Each is clustered by itself.
    contributions
        Of the same sequences in the same order, as `open_contributions` takes them: what the patterns' contribution
        matrices are made of. None: the subsets' own contributions, which are 0 outside the subsets.
    target
        Which of several targets, by position or label.
    method, max_distance, min_size, max_gap, min_bases, both_strands, trim, max_compared, random_state
        As in `cluster_subsets`.
    flank
        Bases on either side of a cluster's motif that are in the pattern's window, too.

    Returns
    -------
    PatternSet
        `sequence`, `start` and `strand` of a pattern are those of the cluster's pieces, each place once. Its counts are
        of all bases there, also of those that no subset has. Its core is what stands out in the contributions given, or
        else the cluster's motif. Without a cluster it is empty, and its notes say why.

    Raises
    ------
    ParameterError
        When an option makes no sense, or these are no subsets.
    ShapeError
        When results are not of the same sequences.
    TargetError
        When there are several targets and none is chosen.
    MissingFileError, StorageError
        When a store is missing or incomplete.

    Notes
    -----
    A base of a subset counts whether or not it is there in other subsets: see `cluster_subsets` for distances between
    pieces, and `seqexplain.motifs` for the convention of coordinates.

    References
    ----------
    Carter, Mueller, Jain and Gifford (2019) What made you do this? Understanding black-box decisions with sufficient
    input subsets. AISTATS.
    """
    if isinstance(flank, bool) or not isinstance(flank, int | np.integer) or flank < 0:
        raise ParameterError(f"flank is {flank!r}; expected a whole number of bp from 0.")
    options = {
        "method": method, "max_distance": max_distance, "min_size": min_size, "max_gap": max_gap,
        "min_bases": min_bases, "both_strands": both_strands, "trim": trim, "max_compared": max_compared,
        "random_state": random_state,
    }  # fmt: skip
    found = [_read(one, target) for one in (subsets if isinstance(subsets, list | tuple) else [subsets])]
    if not found:
        raise ParameterError("subsets is an empty list; expected one result at least.")
    for other in found[1:]:
        if not np.array_equal(other.codes, found[0].codes):
            raise ShapeError(
                "The results are not of the same sequences; give results of the same sequences in one order, or call "
                "sis_patterns for each."
            )
    source = None if contributions is None else _same_sequences(contributions, target, found[0].codes)
    patterns: list[Pattern] = []
    notes: list[str] = []
    for one in found:
        stacks = _stacks(one, options, int(flank), notes)
        stacked = stack_patterns(source or one.source, stacks)
        if source is None:
            # what masking a base costs depends on how much has been masked: the pieces say better what belongs to them
            stacked = [replace(pattern, core=(int(flank), pattern.width - int(flank))) for pattern in stacked]
        patterns += stacked
    used = source or found[0].source
    return PatternSet.of(
        used,
        patterns,
        method="sis",
        parameters={**options, "flank": int(flank), "contributions": used.description},
        notes=notes,
    )


@dataclass(frozen=True, eq=False)
class _Subsets:
    """Subsets for one target: `codes` `(n, L)` uint8, `subset` `(n, L)`, and the result's own contributions."""

    codes: Array
    subset: Array
    negative: bool
    source: ContributionSource


def _read(given: Any, target: int | str | None) -> _Subsets:
    """Read one result, chunk by chunk where it is stored."""
    if isinstance(given, str | Path):
        given = ResultStore(given)
    if not isinstance(given, ResultStore | SufficientInputSubsets):
        raise ParameterError(
            f"subsets is of type {type(given).__name__}; expected what sufficient_input_subsets returns, a store of "
            "it, or its path."
        )
    codes, subset = [], []
    negative = False
    for part in _parts(given):
        if not isinstance(part, SufficientInputSubsets):
            raise ParameterError(
                f"The result was computed with {part.method!r} and holds no subsets; expected one of "
                "sufficient_input_subsets (seqexplain sis)."
            )
        one = part
        if part.several_targets:
            if target is None and len(part.targets) > 1:
                raise TargetError(f"There are subsets of several targets, {', '.join(part.targets)}; choose one.")
            chosen = part.for_target(0 if target is None else target)
            one = chosen if isinstance(chosen, SufficientInputSubsets) else part
        codes.append(one_hot_to_codes(one.X))
        subset.append(np.asarray(one.subset))
        negative = one.negative
    if not codes:
        raise ParameterError("The result has no sequence, so no subset either; expected one sequence at least.")
    return _Subsets(np.concatenate(codes), np.concatenate(subset), negative, open_contributions(given, target=target))


def _parts(given: ResultStore | SufficientInputSubsets) -> Iterator[Attributions]:
    if isinstance(given, ResultStore):
        yield from given
    else:
        yield given


def _same_sequences(contributions: Any, target: int | str | None, codes: Array) -> ContributionSource:
    """Open contributions, and check that they are of these sequences."""
    # what is open already may call its target otherwise than the subsets do
    opened = isinstance(contributions, ContributionSource)
    source = contributions if opened else open_contributions(contributions, target=target)
    if (source.n, source.length) != codes.shape:
        raise ShapeError(
            f"The contributions are of {source.n} sequences of {source.length} bp, the subsets of {codes.shape[0]} of "
            f"{codes.shape[1]} bp. Give contributions of the same sequences."
        )
    for block in source.blocks():
        differing = np.flatnonzero((block.codes != codes[block.rows]).any(axis=1))
        if len(differing):
            row = int(block.rows[differing[0]])
            raise ShapeError(
                f"The contributions are of other sequences than the subsets; the first that differs is "
                f"{source.names[row]!r} (row {row}). Give contributions of the same sequences in the same order."
            )
    return source


def _stacks(given: _Subsets, options: dict[str, Any], flank: int, notes: list[str]) -> list[Stack]:
    """Return the places of the clusters' pieces; notes say what there is none of."""
    kind = "negative subsets" if given.negative else "subsets"
    bases = np.eye(5, 4, dtype=np.uint8)[given.codes]
    pieces, _ = read_pieces((bases, given.subset), max_gap=options["max_gap"], min_bases=options["min_bases"])
    number = len(pieces.all_subsets)
    if len(pieces) < options["min_size"]:
        notes.append(
            f"{number} {kind} have {len(pieces)} pieces of {options['min_bases']} bases or more: too few for a "
            f"cluster, which takes {options['min_size']}."
        )
        return []
    clusters = cluster_subsets((bases, given.subset), **options)
    if len(clusters) == 0:
        notes.append(f"None of {len(pieces)} pieces of {number} {kind} are alike: there is no cluster.")
        return []
    if clusters.unclustered:
        notes.append(f"{clusters.unclustered} of {len(pieces)} pieces of {number} {kind} are in no cluster.")
    sign = -1 if given.negative else 1
    stacks = []
    for c, motif in enumerate(clusters.motifs):
        mine = clusters.cluster == c
        # two subsets of a sequence may share out one occurrence: it counts once, also a palindrome's on both strands
        places = np.stack(
            [clusters.sequence[mine], clusters.start[mine], (clusters.strand[mine] == "-").astype(np.int64)], axis=1
        )
        places = np.unique(places, axis=0)
        _, first = np.unique(places[:, :2], axis=0, return_index=True)
        sequence, start, turned = places[first].T
        strand = np.where(turned == 1, "-", "+")
        stacks.append(Stack(sequence, start - flank, motif.width + 2 * flank, strand, f"cluster_{c}", sign))
    return stacks
