"""Reading a store: all of it, some rows, or one chunk after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType
from typing import Any

import numpy as np

from seqexplain.errors import MissingFileError, ParameterError, StorageError
from seqexplain.results import BY_BASE, BY_SEQUENCE, Array, Attributions, Interval, SufficientInputSubsets
from seqexplain.sequences import codes_to_one_hot
from seqexplain.storage._files import Occupant, occupant
from seqexplain.storage._group import open_group
from seqexplain.storage._layout import INTEGERS, STRANDS, SUBSET_ARRAYS

Rows = slice | Sequence[int] | Array | EllipsisType

DESCRIBING = ("names", "lengths", "chromosome", "start", "end", "strand")


@dataclass(frozen=True)
class SequenceRows:
    """What some sequences are called and where they lie; see `Attributions` for each."""

    names: tuple[str, ...]
    intervals: tuple[Interval | None, ...] | None
    lengths: Array | None


class ResultStore:
    """A result on disk, of which only the chunks that are asked for are read.

    Iterating yields one `Attributions` a chunk, in order; a chunk is what is in memory at a time.

    Parameters
    ----------
    path
        The store (`….zarr`).
    allow_incomplete
        Whether a store whose job was interrupted may be opened; then only its finished chunks are seen.

    Attributes
    ----------
    path
        The store.
    attrs
        What describes the run: `method`, `parameters`, `layout`, and `run` with versions, model, input, seed.
    layout
        Shapes, targets, chunk size.
    done
        `(n_chunks,)` bool: the chunks that are whole.

    Raises
    ------
    MissingFileError
        When nothing stands there.
    StorageError
        When it is not a store of ours, or is incomplete.
    """

    def __init__(self, path: str | Path, *, allow_incomplete: bool = False) -> None:
        self.path = Path(path).expanduser()
        found = occupant(self.path)
        if found is Occupant.NOTHING:
            raise MissingFileError(f"There is no result store at {self.path}; check the path.")
        if found is Occupant.OTHER:
            raise StorageError(f"{self.path} is not a result store of seqexplain; give the path of one.")
        group = open_group(self.path, "r")
        self.attrs, self.layout, self.done = group.attributes, group.layout, group.done
        self._arrays = group.arrays
        if not self.complete and not allow_incomplete:
            raise StorageError(
                f"{self.path} is incomplete: {self.n_done} of {self.layout.n} sequences are explained. "
                f"{self._how_to_resume()}, or pass allow_incomplete=True for the part that is there."
            )

    def __len__(self) -> int:
        """Sequences of the whole job, finished or not."""
        return self.layout.n

    @property
    def complete(self) -> bool:
        """Whether every chunk is there."""
        return bool(self.done.all())

    @property
    def n_done(self) -> int:
        """Sequences whose chunk is there."""
        return self.layout.rows_in(self.done)

    @property
    def targets(self) -> tuple[str, ...]:
        """Labels of what was explained."""
        return self.layout.targets

    def __iter__(self) -> Iterator[Attributions]:
        for index in np.flatnonzero(self.done):
            yield self.chunk(int(index))

    def chunk(self, index: int) -> Attributions:
        """Return chunk `index`.

        Raises
        ------
        StorageError
            When the chunk is not finished, or a file of it is lost or damaged.
        """
        if not self.done[index]:
            first, end = self.layout.bounds(index)
            raise StorageError(
                f"Sequences {first} to {end - 1} of {self.path} are not explained yet. {self._how_to_resume()}."
            )
        columns = {name: self._column(name, index) for name in self._arrays if name != "done"}
        layout = self.layout
        X = codes_to_one_hot(columns["codes"])
        observed = X[:, None] if layout.several_targets else X
        hypothetical = columns.get("hypothetical")
        scores = columns["contributions"][..., None] if hypothetical is None else hypothetical
        more = {name: columns[name] for name in SUBSET_ARRAYS} if layout.subsets else {}
        return (SufficientInputSubsets if layout.subsets else Attributions)(
            contributions=scores * observed,
            X=X,
            predictions=columns["predictions"],
            hypothetical=hypothetical,
            reference_predictions=columns.get("reference_predictions"),
            completeness_error=columns.get("completeness_error"),
            per_reference=columns.get("per_reference"),
            effects=columns.get("effects"),
            diagnostics=columns.get("diagnostics"),
            edit_effects=columns.get("edit_effects"),
            spread=columns["spread"][..., None] * observed if layout.spread else None,
            names=tuple(str(name) for name in columns["names"]),
            intervals=_intervals(columns) if layout.intervals else None,
            lengths=columns.get("lengths"),
            targets=layout.targets,
            method=str(self.attrs["method"]),
            parameters=self.attrs["parameters"],
            **more,
        )

    def describe(self, index: int) -> SequenceRows:
        """Return what the sequences of finished chunk `index` are called and where they lie, without their scores."""
        columns = {name: self._column(name, index) for name in self._arrays if name in DESCRIBING}
        return SequenceRows(
            names=tuple(str(name) for name in columns["names"]),
            intervals=_intervals(columns) if self.layout.intervals else None,
            lengths=columns.get("lengths"),
        )

    def read(self, rows: Rows = ...) -> Attributions:
        """Return some sequences, in the order given; without rows all that are finished.

        Parameters
        ----------
        rows
            Positions in the job: a slice, integers (negative ones count from the end), or a boolean mask.

        Raises
        ------
        ParameterError
            When a position does not exist.
        StorageError
            When a position is not explained yet.
        """
        if isinstance(rows, EllipsisType):
            wanted = np.flatnonzero(np.repeat(self.done, self.layout.chunk)[: len(self)])
        else:
            wanted = self._positions(rows)
        chunks, places = np.unique(wanted // self.layout.chunk, return_inverse=True)
        parts, at = [], np.empty(len(wanted), dtype=np.int64)
        offset = 0
        for position, index in enumerate(chunks):
            mine = np.flatnonzero(places == position)
            parts.append(self.chunk(int(index)).take(wanted[mine] - self.layout.bounds(int(index))[0]))
            at[mine] = np.arange(offset, offset + len(mine))
            offset += len(mine)
        if not parts:
            return self._nothing()
        joined = join(parts)
        return joined if np.array_equal(at, np.arange(len(at))) else joined.take(at)

    def names(self) -> Iterator[str]:
        """Yield the names of the finished sequences, a chunk in memory at a time."""
        for index in np.flatnonzero(self.done):
            yield from (str(name) for name in self._column("names", int(index)))

    def row(self, name: str) -> int:
        """Return the position of the sequence called `name`.

        Raises
        ------
        ParameterError
            When no finished sequence, or more than one, is called so.
        """
        found: list[int] = []
        examples: list[str] = []
        for index in np.flatnonzero(self.done):
            first, _ = self.layout.bounds(int(index))
            names = self._column("names", int(index))
            found += [first + int(i) for i in np.flatnonzero(names == name)]
            examples = examples or [str(known) for known in names[:3]]
        if not found:
            raise ParameterError(f"{self.path} has no sequence named {name!r}; it has {', '.join(examples)}, …")
        if len(found) > 1:
            listed = ", ".join(str(i) for i in found[:5]) + (", …" if len(found) > 5 else "")
            raise ParameterError(
                f"{self.path} has {len(found)} sequences named {name!r}, at positions {listed}; choose by position."
            )
        return found[0]

    def sequence(self, name: str) -> Attributions:
        """Return the one sequence called `name`; raises as `row` does."""
        return self.read([self.row(name)])

    def _positions(self, rows: slice | Sequence[int] | Array) -> Array:
        everything = np.arange(len(self))
        if isinstance(rows, slice):
            return everything[rows]
        index = np.asarray(rows)
        try:
            # an empty list becomes an array of floats
            picked: Array = everything[index if index.size else index.astype(np.int64)]
        except IndexError as error:
            raise ParameterError(
                f"{self.path} has {len(self)} sequences (positions 0 to {len(self) - 1}); {error}."
            ) from error
        return picked

    def _column(self, name: str, index: int) -> Any:
        array = self._arrays[name]
        first, end = self.layout.bounds(index)
        # a chunk file that is lost would be read as fill values, without a word
        key = array.metadata.encode_chunk_key((index, *(0,) * (array.ndim - 1)))
        file = self.path / name / key
        try:
            if not file.is_file():
                raise FileNotFoundError(f"{file} is missing")
            return array[first:end]
        except (RuntimeError, ValueError, OSError) as error:
            raise StorageError(
                f"{self.path} is damaged at sequences {first} to {end - 1} ({name}): {error}. "
                "Copy it again from where it came, or run its job again."
            ) from error

    def _how_to_resume(self) -> str:
        command = (self.attrs.get("run") or {}).get("command")
        again = "Run the command that made it once more to go on"
        return f"{again}: {command}" if command else again

    def _nothing(self) -> Attributions:
        layout, shapes = self.layout, self.layout.row_shapes()
        types = {name: INTEGERS.get(name, ("float32", 0))[0] for name in shapes}
        empty: dict[str, Any] = {name: np.empty((0, *shape), types[name]) for name, shape in shapes.items()}
        per_target = (len(layout.targets),) if layout.several_targets else ()
        for name in ("contributions", *(["spread"] if layout.spread else [])):
            empty[name] = np.empty((0, *per_target, layout.length, 4), np.float32)
        return (SufficientInputSubsets if layout.subsets else Attributions)(
            X=np.empty((0, layout.length, 4), np.float32),
            intervals=() if layout.intervals else None,
            lengths=np.empty(0, np.int64) if layout.lengths else None,
            targets=layout.targets,
            method=str(self.attrs["method"]),
            parameters=self.attrs["parameters"],
            **empty,
        )


def join(parts: Sequence[Attributions]) -> Attributions:
    """Return the sequences of several results of one run as one result."""
    if len(parts) == 1:
        return parts[0]

    def stack(name: str) -> Array | None:
        values = [getattr(part, name) for part in parts]
        return None if values[0] is None else np.concatenate(values)

    first = parts[0]
    more = SUBSET_ARRAYS if isinstance(first, SufficientInputSubsets) else ()
    stacked: dict[str, Any] = {name: stack(name) for name in (*BY_BASE, *BY_SEQUENCE, *more, "X", "lengths")}
    return (SufficientInputSubsets if more else Attributions)(
        **stacked,
        names=tuple(name for part in parts for name in part.names),
        intervals=(None if first.intervals is None else tuple(i for part in parts for i in part.intervals or ())),
        targets=first.targets,
        method=first.method,
        parameters=first.parameters,
    )


def _intervals(columns: dict[str, Any]) -> tuple[Interval | None, ...]:
    return tuple(
        Interval(str(chromosome), int(start), int(end), STRANDS[strand]) if strand else None
        for chromosome, start, end, strand in zip(
            columns["chromosome"], columns["start"], columns["end"], columns["strand"], strict=True
        )
    )
