"""What a result store holds: its arrays, their shapes and chunks, and the attributes of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError, ShapeError, StorageError
from seqexplain.results import (
    SUBSETS_BY_POSITION,
    SUBSETS_BY_SEQUENCE,
    Array,
    Attributions,
    SufficientInputSubsets,
)

ATTRIBUTE = "seqexplain"  # the one attribute of the group, under which everything of ours lives
FORMAT = "seqexplain-attributions"
FORMAT_VERSION = 1
MISSING_CODE = 255  # fill value of `codes`: no stored base has it, so a lost chunk cannot pass for data
STRANDS = ("", "+", "-", ".")  # position = the stored number; 0 says that a sequence has no interval
DEFAULT_CHUNK_BYTES = 8 * 2**20  # scores in one chunk: large enough to read fast, small enough to hold twice
DEFAULT_CHUNK_ROWS = 256  # and never more rows than this, for all of a chunk is lost when a job is killed
SCORE_BYTES = 4  # float32
OBSERVED = ("contributions", "spread")  # not 0 at the observed base alone: stored without an axis for the bases

# of sufficient input subsets; what is not named is float32
SUBSET_ARRAYS = (*SUBSETS_BY_POSITION, *SUBSETS_BY_SEQUENCE)
INTEGERS: Mapping[str, tuple[str, int]] = {  # type and fill value
    "subset": ("int32", -1),
    "rank": ("int32", -1),
    "stopped": ("uint8", 255),
}

OPTIONAL = (
    "hypothetical",
    "reference_predictions",
    "completeness_error",
    "per_reference",
    "effects",
    "spread",
    "diagnostics",
    "edit_effects",
)


@dataclass(frozen=True)
class ArraySpec:
    """One array of a store: the first axis runs over sequences, or, for `done`, over chunks."""

    name: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: Any
    fill_value: Any
    dimensions: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """Everything that decides which arrays a store has, and their shapes.

    Attributes
    ----------
    n, length
        Sequences, and the length in bp of the longest.
    chunk
        Sequences in a chunk: the unit that is written, and that is lost when a job is killed.
    targets, several_targets
        Labels of the targets, and whether the arrays have an axis for them.
    n_references, n_errors
        Columns of `reference_predictions` and of `completeness_error`; None where the method has none.
    hypothetical, intervals, lengths
        Whether these are stored.
    per_reference, effects, spread
        Likewise; the first needs `n_references`.
    n_diagnostics
        Columns of `diagnostics`; None where the method has none.
    subsets
        Whether the results are `SufficientInputSubsets`.
    edits
        Shape of `edit_effects` of one sequence and target; None where the method has none.
    """

    n: int
    length: int
    chunk: int
    targets: tuple[str, ...]
    several_targets: bool
    n_references: int | None
    n_errors: int | None
    hypothetical: bool
    intervals: bool
    lengths: bool
    per_reference: bool = False
    spread: bool = False
    effects: bool = False
    n_diagnostics: int | None = None
    subsets: bool = False
    edits: tuple[int, ...] | None = None

    @classmethod
    def of(cls, result: Attributions, *, n: int, chunk: int, intervals: bool, lengths: bool) -> Layout:
        """Return the layout of a store of `n` sequences of which `result` has some."""
        references, errors = result.reference_predictions, result.completeness_error
        return cls(
            n=n,
            length=int(result.X.shape[1]),
            chunk=chunk,
            targets=tuple(result.targets),
            several_targets=result.several_targets,
            n_references=None if references is None else int(references.shape[-1]),
            n_errors=None if errors is None else int(errors.shape[-1]),
            hypothetical=result.hypothetical is not None,
            intervals=intervals,
            lengths=lengths,
            per_reference=result.per_reference is not None,
            spread=result.spread is not None,
            effects=result.effects is not None,
            n_diagnostics=None if result.diagnostics is None else int(result.diagnostics.shape[-1]),
            subsets=isinstance(result, SufficientInputSubsets),
            edits=None if result.edit_effects is None else result.edit_effects.shape[1 + result.several_targets :],
        )

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> Layout:
        """Read the layout back from the attributes of a store."""
        stored = dict(attributes["layout"])
        stored["targets"] = tuple(stored["targets"])
        if stored.get("edits") is not None:
            stored["edits"] = tuple(stored["edits"])
        return cls(**stored)

    def to_attributes(self) -> dict[str, Any]:
        """Return the layout as attributes."""
        return asdict(self) | {"targets": list(self.targets)}

    @property
    def n_chunks(self) -> int:
        """Number of chunks."""
        return -(-self.n // self.chunk)

    def bounds(self, index: int) -> tuple[int, int]:
        """Return first row and end row of chunk `index`."""
        return index * self.chunk, min((index + 1) * self.chunk, self.n)

    def rows_in(self, done: Array) -> int:
        """Return how many sequences the chunks marked in `done`, `(n_chunks,)` bool, hold."""
        if not done.size:
            return 0
        # only the last chunk may be shorter
        short = self.n_chunks * self.chunk - self.n
        return int(done.sum()) * self.chunk - short * int(done[-1])

    def row_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return, for every array of numbers, the shape that belongs to one sequence."""
        per_target = (len(self.targets),) if self.several_targets else ()
        scores = "hypothetical" if self.hypothetical else "contributions"
        bases = (4,) if self.hypothetical else ()
        shapes = {scores: (*per_target, self.length, *bases), "predictions": per_target}
        if self.n_references is not None:
            shapes["reference_predictions"] = (*per_target, self.n_references)
        if self.n_errors is not None:
            shapes["completeness_error"] = (*per_target, self.n_errors)
        if self.per_reference and self.n_references is not None:
            shapes["per_reference"] = (*per_target, self.n_references, self.length, 4)
        if self.effects:
            shapes["effects"] = (*per_target, self.length, 4)
        if self.spread:
            shapes["spread"] = (*per_target, self.length)
        if self.n_diagnostics is not None:
            shapes["diagnostics"] = (*per_target, self.n_diagnostics)
        if self.edits is not None:
            shapes["edit_effects"] = (*per_target, *self.edits)
        if self.subsets:
            shapes |= dict.fromkeys(SUBSETS_BY_SEQUENCE, per_target)
            shapes |= dict.fromkeys(SUBSETS_BY_POSITION, (*per_target, self.length))
        return shapes

    def arrays(self) -> Iterator[ArraySpec]:
        """Yield the arrays of the store, `done` last."""
        for name, row in self.row_shapes().items():
            dtype, fill = INTEGERS.get(name, ("float32", float("nan")))
            yield self._array(name, row, dtype, fill, self._dimensions(name))
        yield self._array("codes", (self.length,), "uint8", MISSING_CODE, ("position",))
        yield self._array("names", (), str, "", ())
        if self.lengths:
            yield self._array("lengths", (), "int64", -1, ())
        if self.intervals:
            yield self._array("chromosome", (), str, "", ())
            yield self._array("start", (), "int64", -1, ())
            yield self._array("end", (), "int64", -1, ())
            yield self._array("strand", (), "uint8", MISSING_CODE, ())
        whole = (self.n_chunks,)
        yield ArraySpec("done", whole, (max(1, self.n_chunks),), "uint8", 0, ("chunk",))

    def _dimensions(self, name: str) -> tuple[str, ...]:
        if name != "edit_effects":
            return _dimensions(name, self.several_targets)
        pairs = len(self.edits or ()) == 4
        inner = ("position_a", "base_a", "position_b", "base_b") if pairs else ("position", "edit")
        return ("target", *inner) if self.several_targets else inner

    def _array(self, name: str, row: tuple[int, ...], dtype: Any, fill: Any, dimensions: tuple[str, ...]) -> ArraySpec:
        # a chunk spans all other axes; an axis of length 0 still needs a chunk of 1
        inner = tuple(max(1, size) for size in row)
        return ArraySpec(name, (self.n, *row), (self.chunk, *inner), dtype, fill, ("sequence", *dimensions))

    def check(self, block: Attributions, rows: int) -> None:
        """Raise ShapeError unless `block` is one chunk of `rows` sequences of this layout."""
        if block.X.shape != (rows, self.length, 4):
            raise ShapeError(f"A block has X of shape {block.X.shape}; this store wants ({rows}, {self.length}, 4).")
        for name, row in self.row_shapes().items():
            value = getattr(block, name, None)
            wanted = (rows, *row, 4) if name in OBSERVED else (rows, *row)
            received = "nothing" if value is None else f"shape {value.shape}"
            if value is None or value.shape != wanted:
                raise ShapeError(f"A block has {received} for {name}; this store wants shape {wanted}.")
        for name in OPTIONAL:
            if getattr(block, name) is not None and name not in self.row_shapes():
                raise ShapeError(f"A block has {name}, which the first block of this store had not.")


def default_chunk(length: int, *, targets: int = 1, batch: int = 1) -> int:
    """Return how many sequences make a chunk: whole batches, within the limits named in this module.

    Parameters
    ----------
    length
        Length of the longest sequence, in bp.
    targets
        Number of targets.
    batch
        Sequences that are computed together.
    """
    rows = min(DEFAULT_CHUNK_ROWS, DEFAULT_CHUNK_BYTES // max(1, length * targets * 4 * SCORE_BYTES))
    return max(1, rows // batch) * batch


def describe(layout: Layout, method: str, parameters: Mapping[str, Any], run: Any = None) -> dict[str, Any]:
    """Return the attributes of a store's group.

    Parameters
    ----------
    layout
        Shapes and targets.
    method, parameters
        How the scores were computed.
    run
        Whatever else is needed to repeat the job, JSON-able, or None.
    """
    described: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "layout": layout.to_attributes(),
        "method": method,
        "parameters": jsonable(parameters, "parameters"),
    }
    if run is not None:
        described["run"] = jsonable(run, "run")
    return {ATTRIBUTE: described}


def recognise(attributes: Mapping[str, Any], path: Any) -> dict[str, Any]:
    """Return our part of a group's attributes.

    Raises
    ------
    StorageError
        When the group is not ours, or is of a newer format.
    """
    ours = attributes.get(ATTRIBUTE)
    if not isinstance(ours, Mapping) or ours.get("format") != FORMAT:
        raise StorageError(f"{path} is not a result store of seqexplain; give the path of one.")
    if ours["format_version"] > FORMAT_VERSION:
        raise StorageError(
            f"{path} has format version {ours['format_version']}; this seqexplain reads up to "
            f"{FORMAT_VERSION}. Install a newer seqexplain."
        )
    return dict(ours)


def jsonable(value: Any, where: str) -> Any:
    """Return `value` as what JSON can hold: what is read back equals what a later run will compare with.

    Parameters
    ----------
    value
        Nested mappings, sequences, NumPy scalars and arrays, paths, numbers, text, None. Numbers that are not
        finite become text, for JSON has none.
    where
        What it is, for the message.

    Raises
    ------
    ParameterError
        For any other class.

    Examples
    --------
    >>> jsonable({"background": (0.3, 0.2), "seed": np.int64(3)}, "parameters")
    {'background': [0.3, 0.2], 'seed': 3}
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if isinstance(value, np.generic | np.ndarray):
        return jsonable(value.tolist(), where)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): jsonable(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item, where) for item in value]
    raise ParameterError(
        f"{where} is of class {type(value).__name__}, which cannot be stored; give numbers, text, lists or mappings."
    )


def _dimensions(name: str, several_targets: bool) -> tuple[str, ...]:
    inner = {
        "hypothetical": ("position", "base"),
        "per_reference": ("reference", "position", "base"),
        "effects": ("position", "base"),
        "spread": ("position",),
        "contributions": ("position",),
        "predictions": (),
        "reference_predictions": ("reference",),
        "completeness_error": ("reference",),
        "diagnostics": ("diagnostic",),
        **dict.fromkeys(SUBSETS_BY_SEQUENCE, ()),
        **dict.fromkeys(SUBSETS_BY_POSITION, ("position",)),
    }[name]
    return ("target", *inner) if several_targets else inner
