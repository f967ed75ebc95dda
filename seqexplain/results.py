"""The frozen result types: arrays with their names, nothing else. Saving lives in `storage`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain._result_cards import attributions_html, attributions_text, layer_html, layer_text
from seqexplain.errors import ShapeError, TargetError

Array = NDArray[Any]

# arrays with the axes (…, length, base), and those without
BY_BASE = ("contributions", "hypothetical", "per_reference", "effects", "spread")
BY_SEQUENCE = ("predictions", "reference_predictions", "completeness_error", "diagnostics", "edit_effects")
# those of sufficient input subsets, which have no axis of bases
SUBSETS_BY_POSITION = ("subset", "rank", "subset_value")
SUBSETS_BY_SEQUENCE = ("threshold", "rest_predictions", "masked_predictions", "stopped")


@dataclass(frozen=True)
class Interval:
    """A stretch of a genome: 0-based, half-open, on the strand that was read.

    Attributes
    ----------
    chromosome
        Name as the genome file has it.
    start, end
        0-based half-open coordinates in bp.
    strand
        `"+"`, `"-"` or `"."`. With `"-"` the sequence is the reverse complement of the genome's.
    """

    chromosome: str
    start: int
    end: int
    strand: str = "+"

    def __str__(self) -> str:
        return f"{self.chromosome}:{self.start}-{self.end}({self.strand})"


def target_position(target: int | str, labels: Sequence[str]) -> int:
    """Return the position of `target` among several with these `labels`, told by position or label.

    Raises
    ------
    TargetError
        When no such target was explained.
    """
    if isinstance(target, str):
        if target in labels:
            return labels.index(target)
        raise TargetError(f"No target {target!r}; explained were: {', '.join(labels)}.")
    if -len(labels) <= target < len(labels):
        return target % len(labels)
    raise TargetError(f"Target {target} is out of range; explained were: {', '.join(labels)}.")


@dataclass(frozen=True)
class Attributions:
    """Per-base contribution scores of `n` sequences of length `L`.

    With one target the arrays have the shapes below; when a *list* of targets was asked for, every array marked
    † has one more axis, the targets, after the first (as NumPy keeps an axis that is indexed with a list).

    Attributes
    ----------
    contributions †
        `(n, L, 4)` float32, in the unit of the target (logits, by default): what each observed base contributes.
    hypothetical †
        `(n, L, 4)` float32 or None: the contribution each base *would* have; `contributions = hypothetical * X`.
    X
        `(n, L, 4)` float32, one-hot, order A C G T, unknown bases all zero.
    predictions †
        `(n,)` float32, the target's value f(X).
    reference_predictions †
        `(n, r)` float32 or None, the target's value at each reference.
    completeness_error †
        `(n, r)` float32 or None: Σ m·(x − ref) − (f(x) − f(ref)) for each sequence–reference pair.
    per_reference †
        `(n, r, L, 4)` float32 or None: the hypothetical scores of each reference, where they were asked for.
    effects †
        `(n, L, 4)` float32 or None: f of the sequence with that base there, less f(X); 0 for the observed base, and
        where nothing was edited.
    spread †
        `(n, L, 4)` float32 or None: standard deviation of the contributions over the models of an ensemble, or over the
        random samples of a method that draws them.
    diagnostics †
        `(n, k)` float32 or None: what a method that fits something to each sequence says of its fit; what each of the
        `k` numbers is stands in `parameters["diagnostics"]`.
    edit_effects †
        `(n, …)` float32 or None: f of the edited sequence, less f(X), of edits that are no substitutions. `(n, L, 1)`:
        deletions from that base on; `(n, L, k)`: `k` insertions before it; NaN where none was made. `(n, R, 4, R, 4)`:
        what pairs of substitutions in a stretch of `R` bp do beyond the sum of what each does.
    names
        `n` names.
    intervals
        `n` genome intervals (None for a sequence without one), or None when no sequence has one.
    lengths
        `(n,)` int64 or None: where given, row `i` is real only up to `lengths[i]`; what follows is zero.
    targets
        What was explained, one label a target.
    method, parameters
        How it was computed.
    """

    contributions: Array
    X: Array
    predictions: Array
    hypothetical: Array | None = None
    reference_predictions: Array | None = None
    completeness_error: Array | None = None
    per_reference: Array | None = None
    effects: Array | None = None
    spread: Array | None = None
    diagnostics: Array | None = None
    edit_effects: Array | None = None
    names: tuple[str, ...] = ()
    intervals: tuple[Interval | None, ...] | None = None
    lengths: Array | None = None
    targets: tuple[str, ...] = ()
    method: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n, length = self.X.shape[0], self.X.shape[1]
        wanted = (n, len(self.targets), length, 4) if self.several_targets else (n, length, 4)
        if self.contributions.shape != wanted:
            raise ShapeError(
                f"contributions have shape {self.contributions.shape}; expected {wanted} to go with X of shape "
                f"{self.X.shape}."
            )
        if not self.names:
            object.__setattr__(self, "names", tuple(f"sequence_{i}" for i in range(n)))
        if len(self.names) != n:
            raise ShapeError(f"{len(self.names)} names for {n} sequences; give one name a sequence.")

    @property
    def several_targets(self) -> bool:
        """Whether the arrays carry an axis of targets."""
        return self.contributions.ndim == 4

    def __repr__(self) -> str:
        return attributions_text(self)

    def _repr_html_(self) -> str:
        return attributions_html(self)

    def __len__(self) -> int:
        return int(self.X.shape[0])

    @property
    def _per_target(self) -> tuple[str, ...]:
        """Names of the arrays with sequences, and targets, as their first axes."""
        return (*BY_BASE, *BY_SEQUENCE)

    def for_target(self, target: int | str) -> Attributions:
        """Return the attributions of one of several targets.

        Parameters
        ----------
        target
            Position in `targets`, or the label.

        Raises
        ------
        TargetError
            When no such target was explained.
        """
        position = target_position(target, self.targets)
        if not self.several_targets:
            return self
        pick: dict[str, Any] = {"targets": (self.targets[position],)}
        for name in self._per_target:
            value = getattr(self, name)
            pick[name] = None if value is None else value[:, position]
        return replace(self, **pick)

    def take(self, rows: Sequence[int] | slice | Array) -> Attributions:
        """Return the attributions of the sequences `rows`, `(k,)` numbers or a mask, in the order given."""
        index = np.arange(len(self))[rows]
        pick: dict[str, Any] = {"names": tuple(self.names[i] for i in index)}
        if self.intervals is not None:
            pick["intervals"] = tuple(self.intervals[i] for i in index)
        for name in (*self._per_target, "X", "lengths"):
            value = getattr(self, name)
            pick[name] = None if value is None else value[index]
        return replace(self, **pick)


@dataclass(frozen=True, repr=False)
class WindowAttributions(Attributions):
    """Contributions of bases, and the effects of the windows that they were made of.

    Only what `Attributions` has is stored. With a list of targets the arrays marked † have one more axis, the targets,
    after the first.

    Attributes
    ----------
    window_starts
        `(w,)` int64: the first position of each window.
    window_effects †
        `(n, w)` float32: f of the sequence with that window replaced, mean over samples, less f(X).
    window_spread †
        `(n, w)` float32 or None: standard deviation of the effect over samples (that of a sample, with m − 1).
    """

    window_starts: Array | None = None
    window_effects: Array | None = None
    window_spread: Array | None = None

    @property
    def _per_target(self) -> tuple[str, ...]:
        return (*super()._per_target, "window_effects", "window_spread")


@dataclass(frozen=True)
class SequenceSubset:
    """One sufficient input subset of a sequence.

    Attributes
    ----------
    sequence
        Row of the sequence.
    number
        From 1, in the order found.
    positions
        `(k,)` int64: its bases, 0-based, the most important first.
    value
        f of the sequence with this subset left and everything else masked, by the full model.
    sufficient
        Whether that value reaches the threshold.
    """

    sequence: int
    number: int
    positions: Array
    value: float
    sufficient: bool

    def __len__(self) -> int:
        return len(self.positions)


STOPPED = (
    "",
    "the sequence does not reach the threshold",
    "what is left does not reach the threshold",
    "as many subsets as were asked for",
    "the threshold is reached with everything masked",
)


@dataclass(frozen=True, kw_only=True, repr=False)
class SufficientInputSubsets(Attributions):
    """Disjoint subsets of the bases of `n` sequences of length `L`, each of which suffices for the model's decision.

    Subsets of a sequence share no base, so they are kept as arrays along the sequence: see `subsets` for a list.
    With a list of targets the arrays marked † have one more axis, the targets, after the first.

    Attributes
    ----------
    contributions †
        `(n, L, 4)` float32, 0 outside the subsets: by how much f falls when the base is masked, in the order of masking
        and with nothing but the rest of its subset left. They add up to f of the subset alone − `masked_predictions`.
    subset †
        `(n, L)` int32: the number of the subset that a base belongs to, from 1 in the order found; 0 for none.
    rank †
        `(n, L)` int32: the base's place in its subset, 1 for the most important, which was masked last; 0 for none.
    subset_value †
        `(n, L)` float32: f with the base's subset left and everything else masked, by the full model; 0 for none.
    threshold †
        `(n,)` float32: the value of f that a subset has to reach (with `negative`: to stay at or below).
    rest_predictions †
        `(n,)` float32: f with all subsets masked and everything else left.
    masked_predictions †
        `(n,)` float32: f with everything masked.
    stopped †
        `(n,)` uint8: why no more was looked for; `STOPPED` has the words.
    negative
        Whether −f is explained.
    """

    subset: Array
    rank: Array
    subset_value: Array
    threshold: Array
    rest_predictions: Array
    masked_predictions: Array
    stopped: Array

    @property
    def _per_target(self) -> tuple[str, ...]:
        return (*super()._per_target, *SUBSETS_BY_POSITION, *SUBSETS_BY_SEQUENCE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.subset.shape != self.contributions.shape[:-1]:
            raise ShapeError(
                f"subset has shape {self.subset.shape}; expected {self.contributions.shape[:-1]}, one number a base."
            )

    @property
    def negative(self) -> bool:
        """Whether −f is explained: subsets that keep f at or below the threshold."""
        return bool(self.parameters.get("negative", False))

    @property
    def n_subsets(self) -> Array:
        """`(n,)` †: how many subsets were found."""
        return np.asarray(self.subset.max(axis=-1, initial=0))

    def subsets(self, row: int | None = None) -> list[SequenceSubset]:
        """Return the subsets of the sequence `row`, or of all, in the order found.

        Raises
        ------
        TargetError
            When several targets were explained: choose one with `for_target`.
        """
        if self.several_targets:
            raise TargetError(f"There are subsets of several targets; choose one: .for_target({self.targets[0]!r}).")
        found = []
        for i in range(len(self)) if row is None else [range(len(self))[row]]:
            for number in range(1, int(self.subset[i].max(initial=0)) + 1):
                positions = np.flatnonzero(self.subset[i] == number)
                positions = positions[np.argsort(self.rank[i, positions])]
                value = self.subset_value[i, positions[0]]
                reached = value <= self.threshold[i] if self.negative else value >= self.threshold[i]
                found.append(SequenceSubset(i, number, positions, float(value), bool(reached)))
        return found

    def masked_one_hot(self, fill: float = 0.0) -> Array:
        """Return each subset as a sequence of its own, `(subsets, L, 4)` float32, in the order of `subsets`.

        Parameters
        ----------
        fill
            What stands in all four channels of a base that is masked.

        Raises
        ------
        TargetError
            As `subsets` does.
        """
        found = self.subsets()
        arrays = np.full((len(found), *self.X.shape[1:]), fill, dtype=np.float32)
        for array, one in zip(arrays, found, strict=True):
            array[one.positions] = self.X[one.sequence, one.positions]
        return arrays


@dataclass(frozen=True)
class LayerAttributions:
    """Contributions of a hidden layer's units, of `n` sequences.

    With a list of targets the arrays marked † have one more axis, the targets, after the first.

    Attributes
    ----------
    contributions †
        `(n, *shape of the layer)` float32, in the unit of the target: mean over references of m·(h(x) − h(ref)).
        `(n, positions, channels)` for a convolution: summed over positions, what each filter contributes.
    predictions †
        `(n,)` float32, the target's value f(X).
    reference_predictions †
        `(n, r)` float32, the target's value at each reference.
    completeness_error †
        `(n, r)` float32: Σ contributions − (f(x) − f(ref)) of each pair. Not near 0 where the target also depends on
        the sequence around the layer, by a skip connection, say.
    layer
        Name of the layer.
    names, targets, method, parameters
        As in `Attributions`.
    """

    contributions: Array
    predictions: Array
    reference_predictions: Array
    completeness_error: Array
    layer: str
    names: tuple[str, ...]
    targets: tuple[str, ...] = ()
    method: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return layer_text(self)

    def _repr_html_(self) -> str:
        return layer_html(self)

    def __len__(self) -> int:
        return int(self.contributions.shape[0])

    def by_channel(self) -> Array:
        """Return contributions summed over positions, `(n, channels)` †: which filters matter."""
        lead = 1 + (self.predictions.ndim == 2)
        axes = tuple(range(lead, self.contributions.ndim - 1))
        return np.asarray(self.contributions.sum(axis=axes))
