"""Contributions to look for motifs in, whoever computed them: read a block at a time, or by row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError, ShapeError, TargetError
from seqexplain.results import Attributions, Interval
from seqexplain.sequences.encoding import UNKNOWN, codes_to_one_hot, one_hot_to_codes

if TYPE_CHECKING:
    from seqexplain.storage import ResultStore

Array = NDArray[Any]

BLOCK_BASES = 1 << 20  # bases of a block of what lies in memory already: 16 MB of hypothetical scores


@dataclass(frozen=True, eq=False)
class ContributionBlock:
    """Contributions of `m` sequences.

    Attributes
    ----------
    rows
        `(m,)` int64: which sequences of the source.
    codes
        `(m, L)` uint8: A C G T = 0 1 2 3, unknown or none = 4.
    observed
        `(m, L)` float32: what the observed base contributes; 0 for a base that is not known.
    hypothetical
        `(m, L, 4)` float32 or None: the contribution each base would have.
    """

    rows: Array
    codes: Array
    observed: Array
    hypothetical: Array | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def projected(self) -> Array:
        """`(m, L, 4)` float32: contributions at the observed bases, 0 elsewhere."""
        return np.asarray(codes_to_one_hot(self.codes) * self.observed[..., None])


class ContributionSource(ABC):
    """Contributions of `n` sequences of length `L`, for one target.

    Attributes
    ----------
    n, length
        Number of sequences, and their length (of the longest).
    names
        `n` names.
    intervals
        `n` genome intervals (None for a sequence without one), or None when no sequence has one.
    lengths
        `(n,)` int64: row `i` is real only up to `lengths[i]`.
    has_hypothetical
        Whether blocks have hypothetical scores.
    label
        Of the target; empty where none is known.
    targets
        Labels of all targets of what was opened, of which `label` is one; empty where none is known.
    description
        Where the contributions come from, for messages and records.
    origin
        What is known of how they were made: `method`, `level` of the target, and `model`, a digest of its file.
    """

    n: int
    length: int
    names: tuple[str, ...]
    intervals: tuple[Interval | None, ...] | None
    lengths: Array
    has_hypothetical: bool
    label: str
    targets: tuple[str, ...] = ()
    description: str
    origin: Mapping[str, str] = MappingProxyType({})

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.description}: {self.n} sequences of {self.length} bp)"

    @abstractmethod
    def blocks(self) -> Iterator[ContributionBlock]:
        """Yield all sequences in their order, some at a time, so that memory is bounded."""

    @abstractmethod
    def read(self, rows: Sequence[int] | Array) -> ContributionBlock:
        """Return the sequences of `rows`, `(m,)`, in the order given."""


def open_contributions(source: Any, *, target: int | str | None = None) -> ContributionSource:
    """Open contributions, whoever computed them.

    Parameters
    ----------
    source
        `Attributions`; a `ResultStore`, or the path of one; what this function returned, which is passed through if it
        is of the target; or files of other tools, and exports of ours:

        - a folder with `ohe.npz` and `shap.npz` (or `.npy`), as MoDISco takes them, and maybe `regions.bed`;
        - the paths (sequences, scores), or (sequences, scores, BED file), of `.npz` or `.npy` files;
        - a `.npz` archive with both: `one_hot`, `sequences` or `X`, and `hypothetical`, `contributions`,
          `attributions` or `shap`;
        - a `.h5` file with `raw/seq` and `shap/seq` or `projected_shap/seq` (chrombpnet, our own), or with
          `input_seqs` and `hyp_scores` (bpnet, bpreveal).

        Their arrays are `(n, 4, L)` or `(n, L, 4)`, which the shape tells; scores may be `(n, L)`. Scores that are 0
        at all but the observed bases are not hypothetical ones.
    target
        Which of several targets, by position or label. Files of other tools have one.

    Returns
    -------
    ContributionSource
        Of a store or a file only what is asked for is read.

    Raises
    ------
    TargetError
        When there are several targets and none is chosen, or no such target.
    ShapeError
        Where shapes do not go together or do not tell the layout; when blocks are read, where contributions hold NaN
        or infinite values, or sequences are not one-hot.
    ParameterError
        When the source is none of these.
    MissingFileError, StorageError, FileFormatError
        When a file is missing, incomplete or not what it should be.
    """
    from seqexplain.storage import ResultStore, peek

    if isinstance(source, ContributionSource):
        _check_opened(source, target)
        return source
    if isinstance(source, Attributions):
        return _FromMemory(source, target)
    if isinstance(source, str | Path) and (Path(source).suffix == ".zarr" or peek(source) is not None):
        source = ResultStore(source)
    if isinstance(source, ResultStore):
        return _FromStore(source, target)
    if isinstance(source, str | Path | tuple | list):
        _check_only(target)
        from seqexplain.motifs._foreign_contributions import open_files

        return open_files(source)
    raise ParameterError(
        f"source is of type {type(source).__name__}; expected Attributions, a result store, the path of a file, or "
        "the paths (sequences, scores)."
    )


def _check_opened(source: ContributionSource, target: int | str | None) -> None:
    """Raise TargetError where contributions that are open already are to another target."""
    if not source.targets:
        _check_only(target)
    elif target is not None and _choose(source.targets, True, target, "") != source.label:
        raise TargetError(
            f"Target {target!r} was asked for, but these contributions were opened for {source.label!r}. Open "
            f"{source.description} anew: open_contributions(…, target={target!r})."
        )


def _check_only(target: int | str | None) -> None:
    if isinstance(target, bool) or target not in (None, 0):
        raise TargetError(f"Target {target!r} was asked for, but files of other tools have one target, 0.")


def _choose(targets: Sequence[str], several: bool, target: int | str | None, what: str) -> str:
    """Return the label of the target; `several` says whether arrays have an axis of targets."""
    from seqexplain.results import target_position

    if target is not None:
        return targets[target_position(target, targets)]
    if several and len(targets) > 1:
        listed = ", ".join(targets)
        raise TargetError(f"{what} has {len(targets)} targets, {listed}; choose one with target= (--target).")
    return targets[0] if targets else ""


def _block(result: Attributions, rows: Array, where: str) -> ContributionBlock:
    observed = result.contributions.sum(axis=-1, dtype=np.float32)
    for name, values in (("contributions", observed), ("hypothetical scores", result.hypothetical)):
        if values is not None and not np.isfinite(values).all():
            bad = int(np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))[0])
            raise ShapeError(
                f"{where}: {name} of sequence {result.names[bad]!r} (row {int(rows[bad])}) hold NaN or infinity; "
                f"expected numbers only. Explain it again, or leave it out."
            )
    codes = one_hot_to_codes(result.X)
    hypothetical = None if result.hypothetical is None else np.asarray(result.hypothetical, dtype=np.float32)
    return ContributionBlock(
        rows=rows, codes=codes, observed=np.where(codes == UNKNOWN, 0, observed), hypothetical=hypothetical
    )


def _origin(method: Any, parameters: Any, run: Any) -> dict[str, str]:
    """Return what is known of how contributions were made, in words."""
    found = {"method": str(method or "")}
    if isinstance(parameters, Mapping) and isinstance(parameters.get("level"), str):
        found["level"] = parameters["level"]
    provenance = run.get("provenance") if isinstance(run, Mapping) else None
    models = provenance.get("model") if isinstance(provenance, Mapping) else None
    listed = models if isinstance(models, list | tuple) else [models]
    digests = [str(one["sha256"]) for one in listed if isinstance(one, Mapping) and one.get("sha256")]
    if digests and len(digests) == len(listed):
        found["model"] = " ".join(digests)
    return found


class _FromMemory(ContributionSource):
    def __init__(self, result: Attributions, target: int | str | None) -> None:
        self.targets = tuple(result.targets)
        self.label = _choose(result.targets, result.several_targets, target, "The result")
        if result.several_targets:
            result = result.for_target(self.label)
        self._result = result
        self.n, self.length = len(result), int(result.X.shape[1])
        self.names, self.intervals = result.names, result.intervals
        self.lengths = np.full(self.n, self.length) if result.lengths is None else np.asarray(result.lengths)
        self.has_hypothetical = result.hypothetical is not None
        self.description = f"{result.method or 'contributions'} in memory"
        self.origin = _origin(result.method, result.parameters, None)

    def blocks(self) -> Iterator[ContributionBlock]:
        step = max(1, BLOCK_BASES // max(self.length, 1))
        for first in range(0, self.n, step):
            rows = np.arange(first, min(first + step, self.n))
            yield _block(self._result.take(slice(first, first + step)), rows, "The result")

    def read(self, rows: Sequence[int] | Array) -> ContributionBlock:
        index = np.asarray(rows, dtype=np.int64)
        return _block(self._result.take(index), index, "The result")


class _FromStore(ContributionSource):
    def __init__(self, store: ResultStore, target: int | str | None) -> None:
        layout = store.layout
        self._store = store
        self.targets = tuple(store.targets)
        self.label = _choose(store.targets, layout.several_targets, target, str(store.path))
        self.n, self.length = store.n_done, int(layout.length)
        # an interrupted job that is read all the same: its finished rows, counted anew
        self._places = np.flatnonzero(np.repeat(store.done, layout.chunk)[: len(store)])
        names: list[str] = []
        intervals: list[Interval | None] = []
        lengths: list[Array] = []
        for index in np.flatnonzero(store.done):
            described = store.describe(int(index))
            names += described.names
            intervals += described.intervals or [None] * len(described.names)
            lengths.append(
                np.full(len(described.names), self.length) if described.lengths is None else described.lengths
            )
        self.names = tuple(names)
        self.intervals = tuple(intervals) if layout.intervals else None
        self.lengths = np.concatenate([np.empty(0, dtype=np.int64), *lengths])
        self.has_hypothetical = layout.hypothetical
        self.description = str(store.path)
        self.origin = _origin(store.attrs.get("method"), store.attrs.get("parameters"), store.attrs.get("run"))

    def _one(self, result: Attributions) -> Attributions:
        return result.for_target(self.label) if result.several_targets else result

    def blocks(self) -> Iterator[ContributionBlock]:
        first = 0
        for result in self._store:
            rows = np.arange(first, first + len(result))
            first += len(result)
            yield _block(self._one(result), rows, self.description)

    def read(self, rows: Sequence[int] | Array) -> ContributionBlock:
        index = np.asarray(rows, dtype=np.int64)
        return _block(self._one(self._store.read(self._places[index])), index, self.description)
