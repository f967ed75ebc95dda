"""The frozen result types: arrays with their names, nothing else. Saving lives in `storage`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ShapeError, TargetError

Array = NDArray[Any]


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
        if isinstance(target, str):
            if target not in self.targets:
                raise TargetError(f"No target {target!r}; explained were: {', '.join(self.targets)}.")
            position = self.targets.index(target)
        elif -len(self.targets) <= target < len(self.targets):
            position = target % len(self.targets)
        else:
            raise TargetError(f"Target {target} is out of range; explained were: {', '.join(self.targets)}.")
        if not self.several_targets:
            return self
        pick: dict[str, Any] = {"targets": (self.targets[position],)}
        for name in self._per_target:
            value = getattr(self, name)
            pick[name] = None if value is None else value[:, position]
        return replace(self, **pick)

    def take(self, rows: Sequence[int] | slice | Array) -> Attributions:
        """Return the attributions of some of the sequences, in the order given."""
        index = np.arange(len(self))[rows]
        pick: dict[str, Any] = {"names": tuple(self.names[i] for i in index)}
        if self.intervals is not None:
            pick["intervals"] = tuple(self.intervals[i] for i in index)
        for name in (*self._per_target, "X", "lengths"):
            value = getattr(self, name)
            pick[name] = None if value is None else value[index]
        return replace(self, **pick)


# arrays with the axes (…, length, base), and those without
BY_BASE = ("contributions", "hypothetical", "per_reference", "effects", "spread")
BY_SEQUENCE = ("predictions", "reference_predictions", "completeness_error", "diagnostics")


@dataclass(frozen=True)
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

    def __len__(self) -> int:
        return int(self.contributions.shape[0])

    def by_channel(self) -> Array:
        """Return contributions summed over positions, `(n, channels)` †: which filters matter."""
        lead = 1 + (self.predictions.ndim == 2)
        axes = tuple(range(lead, self.contributions.ndim - 1))
        return np.asarray(self.contributions.sum(axis=axes))
