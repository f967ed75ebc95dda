"""Results to report on, whoever computed them: read a block at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import TargetError
from seqexplain.motifs import open_contributions
from seqexplain.results import Attributions, Interval, SufficientInputSubsets
from seqexplain.storage import ResultStore, peek

Array = NDArray[Any]

IN_MEMORY_BASES = 1 << 20  # bases of a block of what lies in memory already

# those of attribution._completeness, which cannot be imported without loading Keras
RELATIVE_TOLERANCE = 1e-4  # of |Δ|
MAGNITUDE_TOLERANCE = 1e-5  # of Σ|c|


@dataclass(frozen=True, eq=False)
class Block:
    """Some sequences of the results, of one target.

    Attributes
    ----------
    first
        Row of the first.
    codes, observed
        `(m, L)`: A C G T = 0 1 2 3, unknown or none = 4; and what the observed base contributes.
    hypothetical, effects
        `(m, L, 4)` or None.
    predictions
        `(m,)`, NaN where they are not known.
    references
        `(m, r)` predictions of the references, or None.
    errors, held
        `(m, r)` completeness errors, and whether each is within tolerance; or None.
    subset, subset_value
        `(m, L)` or None: the number of the sufficient subset that a base belongs to (0 for none), f of it alone.
    threshold
        `(m,)` or None: what subsets have to reach.
    """

    first: int
    codes: Array
    observed: Array
    predictions: Array
    hypothetical: Array | None = None
    effects: Array | None = None
    references: Array | None = None
    errors: Array | None = None
    held: Array | None = None
    subset: Array | None = None
    subset_value: Array | None = None
    threshold: Array | None = None

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, eq=False)
class Explained:
    """Results of one target.

    Attributes
    ----------
    names, intervals, lengths
        Of the sequences: `n` names, their genome intervals (or None), and how long each is.
    length
        Of the longest.
    label, targets
        The target that is shown, and all that were explained.
    method, parameters, run
        How they were computed; `run` is empty where it is not known.
    description
        Where they come from.
    has_hypothetical
        Whether blocks have hypothetical scores.
    """

    names: tuple[str, ...]
    intervals: tuple[Interval | None, ...] | None
    lengths: NDArray[np.int64]
    length: int
    label: str
    targets: tuple[str, ...]
    method: str
    parameters: Mapping[str, Any]
    run: Mapping[str, Any]
    description: str
    has_hypothetical: bool
    source: Any = field(repr=False)
    contributions: Any = field(repr=False)

    @property
    def n(self) -> int:
        """How many sequences there are."""
        return len(self.names)

    def blocks(self) -> Iterator[Block]:
        """Yield all sequences in their order, some at a time."""
        first = 0
        if not isinstance(self.source, Attributions | ResultStore):
            for block in self.contributions.blocks():
                nothing = np.full(len(block), np.nan, dtype=np.float32)
                yield Block(first, block.codes, block.observed, nothing, hypothetical=block.hypothetical)
                first += len(block)
            return
        for part in _parts(self.source):
            one = part.for_target(self.label) if part.several_targets else part
            yield _block(one, first)
            first += len(part)


def open_results(results: Any, target: int | str | None = None) -> Explained:
    """Open results for a report.

    Parameters
    ----------
    results
        `Attributions`, a `ResultStore` or the path of one, or anything else that `open_contributions` takes.
    target
        Which of several targets, by position or label.

    Raises
    ------
    TargetError
        When there are several and none is chosen, or no such target.
    ShapeError, MissingFileError, StorageError, FileFormatError, ParameterError
        As `open_contributions` raises them.
    """
    if isinstance(results, str | Path) and (Path(results).suffix == ".zarr" or peek(results) is not None):
        results = ResultStore(results)
    contributions = open_contributions(results, target=target)
    method, targets = "", tuple([contributions.label] if contributions.label else ())
    parameters: Mapping[str, Any] = {}
    run: Mapping[str, Any] = {}
    if isinstance(results, ResultStore):
        attrs = results.attrs
        method, parameters, run = str(attrs["method"]), attrs["parameters"], attrs.get("run") or {}
        targets = results.targets
    elif isinstance(results, Attributions):
        method, parameters, targets = results.method, dict(results.parameters), results.targets
    return Explained(
        names=contributions.names,
        intervals=contributions.intervals,
        lengths=np.minimum(contributions.lengths, contributions.length),
        length=contributions.length,
        label=contributions.label,
        targets=targets,
        method=method,
        parameters=parameters,
        run=run,
        description=contributions.description,
        has_hypothetical=contributions.has_hypothetical,
        source=results,
        contributions=contributions,
    )


def same_target(results: Any, label: str) -> str | None:
    """Return which target of a companion (subsets, effects of substitutions) goes with the results' `label`.

    Raises
    ------
    TargetError
        When the companion has several targets and none is called so.
    """
    targets = results.targets if isinstance(results, Attributions | ResultStore) else ()
    if len(targets) < 2:
        return None
    if label not in targets:
        raise TargetError(
            f"There is no target {label!r} in the companion results, which have {', '.join(targets)}; explain the same "
            "target there, or choose one that both have."
        )
    return label


def _parts(source: Attributions | ResultStore) -> Iterator[Attributions]:
    if isinstance(source, ResultStore):
        yield from source
        return
    step = max(1, IN_MEMORY_BASES // max(int(source.X.shape[1]), 1))
    for first in range(0, len(source), step):
        yield source.take(slice(first, first + step))


def _block(one: Attributions, first: int) -> Block:
    read = open_contributions(one).read(np.arange(len(one)))
    more: dict[str, Any] = {}
    if isinstance(one, SufficientInputSubsets):
        more = {"subset": one.subset, "subset_value": one.subset_value, "threshold": one.threshold}
    if one.completeness_error is not None and one.reference_predictions is not None:
        size = np.abs(one.completeness_error)
        delta = np.abs(one.predictions[:, None] - one.reference_predictions)
        magnitude = np.abs(read.observed).sum(axis=1)[:, None]
        more["held"] = (size <= RELATIVE_TOLERANCE * delta) | (size <= MAGNITUDE_TOLERANCE * magnitude)
    return Block(
        first=first,
        codes=read.codes,
        observed=read.observed,
        predictions=np.asarray(one.predictions, dtype=np.float32),
        hypothetical=read.hypothetical,
        effects=one.effects,
        references=one.reference_predictions,
        errors=one.completeness_error,
        **more,
    )
