"""Motifs from seqlets, fast: a graph of what is alike on either strand, its communities, aligned and merged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError
from seqexplain.motifs._contribution_source import ContributionSource, open_contributions
from seqexplain.motifs._draw_seqlets import draw_seqlets
from seqexplain.motifs._open_background import check_length, open_background
from seqexplain.motifs._pattern import Pattern, Stack, core_of, stack_patterns
from seqexplain.motifs._pattern_set import PatternSet
from seqexplain.motifs._seqlet_windows import SeqletWindows, read_windows
from seqexplain.motifs._seqlets import Seqlets
from seqexplain.sequences.shuffle import check_seed

if TYPE_CHECKING:
    from seqexplain.motifs._window_alignment import Layout

Array = NDArray[Any]

WINDOW = 21  # bp of a seqlet, as TF-MoDISco has them
FDR = 0.05

SUBPATTERN_AUROC = 0.75  # above it parts are shown apart; sites that differ by independent draws are told apart at .7


def extract_patterns(
    source: Any,
    seqlets: Seqlets | None = None,
    *,
    target: int | str | None = None,
    fdr: float = FDR,
    background: Any = None,
    max_seqlets: int | None = None,
    min_size: int = 20,
    n_neighbors: int = 20,
    n_candidates: int = 60,
    resolution: float = 1.0,
    min_cosine: float = 0.8,
    max_auroc: float = 0.8,
    max_null: float = 0.05,
    min_information: float = 5.0,
    max_compared: int = 20_000,
    flank: int = 5,
    subpatterns: bool = True,
    random_state: int = 0,
) -> PatternSet:
    """Find the motifs that seqlets are made of.

    Parameters
    ----------
    source
        Contributions: anything `open_contributions` takes.
    seqlets
        Spans that contribute; None calls `call_seqlets` with `method="window"`. Positive and negative ones are
        clustered apart.
    target
        Which of several targets.
    fdr
        False discovery rate of the seqlets that are called here.
    background
        Contributions of shuffled sequences, which these seqlets are to stand out against (see `call_seqlets`): the same
        method and target, sequences of the same length.
    max_seqlets
        Of more seqlets, so many are looked at, each drawn with the same chance by the seed and its own sequence: the
        order of sequences has no say. None for all.
    min_size
        Seqlets that make a pattern, and a sub-pattern.
    n_neighbors
        Most similar seqlets that each is joined with in the graph.
    n_candidates
        Seqlets, the nearest by features that know neither place nor strand, that each is aligned with to find them.
    resolution
        Of the communities. Higher ones are smaller and more; what is one motif is merged afterwards.
    min_cosine, max_auroc
        Two groups are one motif where their means, at the best alignment, have this cosine at least, and a pair of
        seqlets of one group cannot be told from a pair across both by its similarity: the area under the receiver
        operating characteristic is this at most (.5: not at all).
    max_null
        A seqlet is left out where more than this share of seqlets with permuted positions are as similar to the mean.
    min_information
        Bits that a pattern's core has at least: with 5 it occurs in random sequence every 32 bp.
    max_compared
        Where there are more seqlets of a sign, so many, drawn at random, are clustered, and the others join the pattern
        that they resemble most. A motif needs but a few among those that are drawn. Bounds the time, which else grows
        with the square of the number.
    flank
        bp that a pattern's window has on both sides of its core.
    subpatterns
        Whether patterns are divided further, in what their members differ in.
    random_state
        Seed of that draw and of the permutations.

    Returns
    -------
    PatternSet
        With notes where there is nothing to be found, and why.

    Raises
    ------
    ParameterError
        When an option makes no sense, seqlets are not of this source, or a background is given beside seqlets or was
        made in another way.
    TargetError, ShapeError, StorageError
        As `open_contributions`.

    Notes
    -----
    Contributions at the observed bases are compared, each window's divided by their sum; hypothetical ones are not
    needed, and are averaged over the aligned members where the source has them. The result does not depend on the order
    of the sequences: seqlets are worked on in an order of their own, the strongest first.

    The steps and their equations are in `seqexplain/motifs/README.md`. The first call compiles for some seconds; what
    it compiled is kept on disk.

    References
    ----------
    Shrikumar, Tian, Avsec et al. (2018) Technical note on Transcription Factor Motif Discovery from Importance Scores
    (TF-MoDISco). arXiv:1811.00416. (Seqlets, the continuous Jaccard index, clusters of a graph of nearest neighbours.)

    Blondel, Guillaume, Lambiotte and Lefebvre (2008) Fast unfolding of communities in large networks. J. Stat. Mech.
    P10008.

    Charikar, Chen and Farach-Colton (2002) Finding frequent items in data streams. ICALP. (Count sketch.)

    Examples
    --------
    >>> from seqexplain.results import Attributions
    >>> from seqexplain.sequences import one_hot
    >>> flanks = ["ACTG", "TTCA", "CGAT", "GGCT", "CATC"]
    >>> X = one_hot([left + ("AGATAAGG" if k % 2 else "CCTTATCT") + right for k in range(2) for left in flanks
    ...              for right in flanks])
    >>> contributions = X * np.array([0.1] * 4 + [1.0] * 8 + [0.1] * 4)[:, None]
    >>> whole = (np.arange(50), np.zeros(50, int), np.full(50, 16))
    >>> seqlets = Seqlets(*whole, np.full(50, 8.0), *np.full((2, 50), np.nan))
    >>> found = extract_patterns(Attributions(contributions=contributions, X=X, predictions=np.zeros(50)), seqlets)
    >>> [(pattern.size, pattern.trimmed().consensus) for pattern in found]
    [(50, 'CCTTATCT')]
    """
    random_state = check_seed(random_state)
    options = {
        "min_size": min_size, "n_neighbors": n_neighbors, "n_candidates": n_candidates, "resolution": resolution,
        "min_cosine": min_cosine, "max_auroc": max_auroc, "max_null": max_null, "min_information": min_information,
        "max_compared": max_compared,
        "flank": flank, "subpatterns": subpatterns, "random_state": random_state,
    }  # fmt: skip
    _check(options)
    _check_most(max_seqlets)
    opened = open_contributions(source, target=target)
    notes: list[str] = []
    called: dict[str, Any] = {"max_seqlets": max_seqlets}
    if seqlets is None:
        seqlets = _called(opened, fdr, background, target)
        called |= {name: seqlets.parameters.get(name) for name in ("null", "fdr", "background")}
    elif background is not None:
        raise ParameterError("background is for seqlets that are called here; leave it out, or leave out seqlets.")
    else:
        _check_rows(opened, seqlets)
    if max_seqlets is not None:
        seqlets = draw_seqlets(opened, seqlets, max_seqlets, random_state)
    notes += seqlets.notes
    found: list[tuple[Stack, list[Stack]]] = []
    if len(seqlets) == 0:
        notes.append("There is no seqlet, so there is no pattern.")
    else:
        by_sign = read_windows(opened, seqlets)
        silent = len(seqlets) - sum(len(windows) for windows in by_sign.values())
        if silent:
            notes.append(f"{silent} of {len(seqlets)} seqlets contribute nothing, and are in no pattern.")
        for sign, windows in by_sign.items():
            found += _of_sign(sign, windows, options, notes)
    patterns = _stacked(opened, found)
    kept = [p for p in patterns if p.trimmed().motif.information.sum() >= min_information]
    if len(kept) < len(patterns):
        notes.append(
            f"{len(patterns) - len(kept)} of {len(patterns)} patterns hold less than {min_information:g} bits, and "
            f"were left out (min_information)."
        )
    return PatternSet.of(
        opened, kept, method="fast", parameters={**options, **called, "seqlets": len(seqlets)}, notes=notes
    )


def _check(options: dict[str, Any]) -> None:
    least = {"min_size": 2, "n_neighbors": 1, "n_candidates": 1, "max_compared": 2, "flank": 0}
    for name, smallest in least.items():
        value = options[name]
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < smallest:
            raise ParameterError(f"{name} is {value!r}; expected a whole number from {smallest}.")
    for name, low, high in (
        ("min_cosine", 0, 1), ("max_auroc", 0.5, 1), ("max_null", 0, 1), ("min_information", 0, np.inf),
    ):  # fmt: skip
        if not low <= options[name] <= high:
            raise ParameterError(f"{name} is {options[name]}; expected {low} to {high}.")
    if not options["resolution"] > 0:
        raise ParameterError(f"resolution is {options['resolution']}; expected a number above 0, such as 1.")


def _check_most(most: Any) -> None:
    if most is not None and (isinstance(most, bool) or not isinstance(most, int | np.integer) or most < 1):
        raise ParameterError(f"max_seqlets is {most!r}; expected a whole number from 1, or None for all.")


def _check_rows(source: ContributionSource, seqlets: Seqlets) -> None:
    if len(seqlets) == 0:
        return
    if seqlets.sequence.min() < 0 or seqlets.sequence.max() >= source.n:
        raise ParameterError(
            f"Seqlets lie in rows {int(seqlets.sequence.min())} to {int(seqlets.sequence.max())}; the source has rows "
            f"0 to {source.n - 1}. Give the seqlets of this source."
        )


def _of_sign(
    sign: int, windows: SeqletWindows, options: dict[str, Any], notes: list[str]
) -> list[tuple[Stack, list[Stack]]]:
    """Group the seqlets of one sign; return for each pattern what is to be stacked, and for its sub-patterns."""
    from seqexplain.motifs._divide_group import divide_group  # imports numba
    from seqexplain.motifs._group_seqlets import Grouping, group_seqlets

    word = "positive" if sign > 0 else "negative"
    min_size = options["min_size"]
    if len(windows) == 0:
        return []
    if len(windows) < min_size:
        notes.append(f"{len(windows)} {word} seqlets are too few to cluster (min_size is {min_size}).")
        return []
    named = ("min_size", "n_candidates", "n_neighbors", "resolution", "min_cosine", "max_auroc", "max_null")
    grouping = Grouping(**{name: options[name] for name in named}, max_compared=options["max_compared"])
    layout, aligner = group_seqlets(windows.weights, grouping, np.random.default_rng(options["random_state"]))
    if len(windows) > options["max_compared"]:
        notes.append(
            f"{options['max_compared']} of {len(windows)} {word} seqlets, drawn at random, were clustered; the others "
            f"joined what was found (max_compared)."
        )
    outside = int((layout.which < 0).sum())
    if len(layout.means) == 0:
        notes.append(f"Of {len(windows)} {word} seqlets no {min_size} are alike, so there is no {word} pattern.")
    elif outside:
        notes.append(f"{outside} of {len(windows)} {word} seqlets are in no pattern.")
    found = []
    for group in range(len(layout.means)):
        members = np.flatnonzero(layout.which == group)
        low, high = core_of(layout.means[group])
        place = _Place(
            low - options["flank"], high + options["flank"], bool(2 * layout.turned[members].sum() > len(members)), sign
        )
        parts: list[Stack] = []
        if options["subpatterns"]:
            part = divide_group(
                aligner, layout, group, min_size=min_size, n_neighbors=options["n_neighbors"],
                resolution=options["resolution"], max_auroc=SUBPATTERN_AUROC,
            )  # fmt: skip
            if part.max() > 0:
                parts = [
                    place.stack(windows, layout, members[part == k], f"subpattern_{k}")
                    for k in range(int(part.max()) + 1)
                ]
        found.append((place.stack(windows, layout, members, "pattern"), parts))
    return found


@dataclass(frozen=True)
class _Place:
    """A pattern's window on the mean of its group, and whether the mean is read backwards, as most members are."""

    low: int
    high: int
    flipped: bool
    sign: int

    def stack(self, windows: SeqletWindows, layout: Layout, members: Array, id: str) -> Stack:
        """Say where the window lies for each member."""
        shift, turned = layout.shift[members], layout.turned[members] == 1
        start = windows.start[members] + np.where(turned, windows.width - self.high + shift, self.low - shift)
        sequence = windows.sequence[members]
        # two seqlets of one site are one occurrence, also of a palindrome on both strands: the stronger one
        _, kept = np.unique(np.stack([sequence, start]), axis=1, return_index=True)
        strand = np.where(turned ^ self.flipped, "-", "+")
        kept = np.sort(kept)
        return Stack(sequence[kept], start[kept], self.high - self.low, strand[kept], id, self.sign)


def _stacked(source: ContributionSource, found: list[tuple[Stack, list[Stack]]]) -> list[Pattern]:
    """Make all patterns and their parts in one pass over the source."""
    made = iter(stack_patterns(source, [stack for whole, parts in found for stack in (whole, *parts)]))
    return [replace(next(made), subpatterns=tuple(next(made) for _ in parts)) for _, parts in found]


def _called(source: ContributionSource, fdr: float, background: Any, target: int | str | None) -> Seqlets:
    """Call seqlets to be clustered: windows, which hold more of the weaker motifs than recursive seqlets do."""
    from seqexplain.motifs._call_seqlets import call_seqlets

    behind = None
    if background is not None:
        behind = open_background(source, background, target=target)
        check_length(source, behind)
    width = max(1, min(WINDOW, source.length))
    return call_seqlets(source, method="window", window=width, fdr=fdr, background=behind)
