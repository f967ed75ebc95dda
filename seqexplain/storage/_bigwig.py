"""Contributions along the genome as a bigWig file, which genome browsers show."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import numpy as np

from seqexplain.errors import (
    MissingExtraError,
    ParameterError,
    SequenceError,
    SequenceWarning,
    StorageError,
    TargetError,
)
from seqexplain.results import Array, Attributions, target_position
from seqexplain.storage._chromosome_sizes import chromosome_sizes as read_sizes
from seqexplain.storage._files import atomic_file, storage_errors
from seqexplain.storage._overlaps import OverlapMerger, OverlapRule
from seqexplain.storage._store import ResultStore

logger = logging.getLogger(__name__)

_MAGIC = (0x888FFC26).to_bytes(4, "little")  # a bigWig file begins and ends with it

_Values = Callable[[int], Array]


class _Places:
    """Where the sequences of a store lie; arrays with one entry for each that lies anywhere, by place.

    `row` is the position among the store's sequences; `chromosome` a position in `names`; `length` how many bases
    of the row are real.
    """

    def __init__(self, store: ResultStore) -> None:
        rows, names, starts, ends, turned, lengths = [], [], [], [], [], []
        first = 0
        for index in np.flatnonzero(store.done):
            described = store.describe(int(index))
            for i, place in enumerate(described.intervals or ()):
                if place is not None:
                    rows.append(first + i)
                    names.append(place.chromosome)
                    starts.append(place.start)
                    ends.append(place.end)
                    turned.append(place.strand == "-")
                    lengths.append(store.layout.length if described.lengths is None else int(described.lengths[i]))
            first += len(described.names)
        self.left_out = first - len(rows)
        # in the order of their bytes: readers look chromosomes up by bisection
        self.names = sorted(set(names), key=str.encode)
        code = {name: i for i, name in enumerate(self.names)}
        chromosome = np.array([code[name] for name in names], dtype=np.int64)
        row, start, end = (np.array(column, dtype=np.int64) for column in (rows, starts, ends))
        by_place = np.lexsort((row, start, chromosome))
        self.row, self.chromosome, self.start, self.end = (column[by_place] for column in (row, chromosome, start, end))
        self.turned, self.length = np.array(turned, dtype=bool)[by_place], np.array(lengths, dtype=np.int64)[by_place]

    def __len__(self) -> int:
        return len(self.row)

    def sizes(self, given: str | Path | Mapping[str, int] | None) -> dict[str, int]:
        """Return the lengths of the chromosomes that occur: as given, or up to the last end."""
        if given is None:
            ends = np.zeros(len(self.names), dtype=np.int64)
            np.maximum.at(ends, self.chromosome, self.end)
            logger.info(
                "chromosomes are taken to end with the last interval on them; give chromosome_sizes to have their "
                "true lengths in the file"
            )
            return {name: max(1, int(end)) for name, end in zip(self.names, ends, strict=True)}
        sizes = read_sizes(given)
        lacking = [name for name in self.names if name not in sizes]
        if lacking:
            raise SequenceError(
                f"The table of chromosome lengths has no {lacking[0]!r}, where sequences lie; it has "
                f"{', '.join(list(sizes)[:5])}{', …' if len(sizes) > 5 else ''}. Is it that of the same genome?"
            )
        # all of them, in the order of their bytes
        return {name: sizes[name] for name in sorted(sizes, key=str.encode)}


def export_bigwig(
    store: str | Path | ResultStore,
    out: str | Path,
    *,
    target: int | str | None = None,
    overlaps: OverlapRule = "mean",
    chromosome_sizes: str | Path | Mapping[str, int] | None = None,
    overwrite: bool = False,
    allow_incomplete: bool = False,
) -> Path:
    """Write the contributions of the observed bases along the genome, as a bigWig file.

    Sequences need genome intervals. Those that were read from the − strand are turned, so that values stand where their
    bases are; what runs off a chromosome's ends is left out. The file appears whole or not at all; a few sequences are
    in memory at a time, and where the store is not in the genome's order, its contributions lie in a temporary file
    beside the output (4 bytes a base) meanwhile.

    Parameters
    ----------
    store
        The store, or its path.
    out
        File to write (`.bw`).
    target
        Which of several targets: position or label.
    overlaps
        What becomes of a base that several sequences cover: `"mean"` of their contributions; `"largest"`, the one
        farthest from 0; `"centre"`, that of the sequence whose centre is nearest to the base; `"first"`, that of the
        sequence that comes first in the store. Of equals the leftmost sequence counts.
    chromosome_sizes
        Lengths of the chromosomes: a mapping, a table (`hg38.chrom.sizes`, `genome.fa.fai`), or a FASTA file with its
        index. Without them chromosomes end with the last interval, which some browsers take amiss.
    overwrite
        Whether a file that exists may be replaced.
    allow_incomplete
        Whether the finished part of an interrupted job will do.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    MissingExtraError
        Without pyBigWig.
    ParameterError
        When no sequence has an interval, or for another rule.
    SequenceError
        For a chromosome whose length is not given, or an interval as long as another sequence.
    TargetError
        When the store has several targets and none is chosen.
    StorageError
        When the store cannot be read, or the file cannot be written.

    Warns
    -----
    SequenceWarning
        When sequences without an interval are left out.
    """
    if overlaps not in get_args(OverlapRule):
        choices = ", ".join(repr(rule) for rule in get_args(OverlapRule))
        raise ParameterError(f"overlaps is {overlaps!r}; expected one of {choices}.")
    try:
        library = import_module("pyBigWig")
    except ImportError as error:
        raise MissingExtraError('bigWig files need pyBigWig. Run: pip install "seqexplain[tracks]"') from error
    opened = store if isinstance(store, ResultStore) else ResultStore(store, allow_incomplete=allow_incomplete)
    position = _position(opened, target)
    path = Path(out).expanduser()
    places = _Places(opened) if opened.layout.intervals else None
    if places is None or not len(places):
        raise ParameterError(
            f"No sequence of {opened.path} has genome coordinates, which a bigWig file needs. Explain a BED file with "
            "its genome."
        )
    _check_widths(places, opened.path)
    sizes = places.sizes(chromosome_sizes)
    with atomic_file(path, overwrite=overwrite) as temporary, ExitStack() as stack:
        values = stack.enter_context(_values_by_row(opened, position, places, path.parent))
        _write(library, temporary, sizes, _stretches(places, values, sizes, overlaps))
    if places.left_out:
        warnings.warn(
            f"{places.left_out} of {opened.n_done} sequences have no genome coordinates and are not in {path}.",
            SequenceWarning,
            stacklevel=2,
        )
    return path


def _position(store: ResultStore, target: int | str | None) -> int:
    if target is not None:
        return target_position(target, store.targets)
    if store.layout.several_targets and len(store.targets) > 1:
        raise TargetError(
            f"{store.path} has several targets; choose one with target= (--target): {', '.join(store.targets)}."
        )
    return 0


def _check_widths(places: _Places, path: Path) -> None:
    odd = np.flatnonzero(places.end - places.start != places.length)
    if odd.size:
        i = int(odd[0])
        raise SequenceError(
            f"{path}: row {int(places.row[i])} has {int(places.length[i])} bases, but its interval "
            f"{places.names[places.chromosome[i]]}:{int(places.start[i])}-{int(places.end[i])} has "
            f"{int(places.end[i] - places.start[i])}; values cannot be placed."
        )


@contextmanager
def _values_by_row(store: ResultStore, position: int, places: _Places, folder: Path) -> Iterator[_Values]:
    """Give a function from a row to its `(L,)` contributions, which is asked for rows in the order of `places`."""
    if (np.diff(places.row) > 0).all():
        blocks = _observed(store, position)
        held: list[Any] = [0, np.empty((0, 0), dtype=np.float32)]  # first row of the block, and the block

        def in_turn(row: int) -> Array:
            while row >= held[0] + len(held[1]):
                held[:] = held[0] + len(held[1]), next(blocks)
            return np.asarray(held[1][row - held[0]])

        yield in_turn
        return
    width = store.layout.length * np.dtype(np.float32).itemsize
    with ExitStack() as stack:
        with storage_errors(folder):
            file = stack.enter_context(tempfile.TemporaryFile(dir=folder, prefix=".seqexplain-"))
            for block in _observed(store, position):
                file.write(np.ascontiguousarray(block).tobytes())

        def anywhere(row: int) -> Array:
            file.seek(row * width)
            return np.frombuffer(file.read(width), dtype=np.float32)

        yield anywhere


def _observed(store: ResultStore, position: int) -> Iterator[Array]:
    for block in store:
        one: Attributions = block.for_target(position) if block.several_targets else block
        yield one.contributions.sum(axis=-1, dtype=np.float32)


def _stretches(
    places: _Places, values: _Values, sizes: Mapping[str, int], rule: OverlapRule
) -> Iterator[tuple[str, int, Array]]:
    """Yield chromosome, start and values of what is covered, in order and without overlaps."""
    for code, name in enumerate(places.names):
        merger = OverlapMerger(rule)
        for i in np.flatnonzero(places.chromosome == code):
            start, end = int(places.start[i]), int(places.end[i])
            row = values(int(places.row[i]))[: end - start]
            row = row[::-1] if places.turned[i] else row
            first, last = max(start, 0), min(end, sizes[name])
            if first >= last:
                continue
            inside = row[first - start : last - start]
            for begin, part in merger.add(first, inside, (start + end) / 2, int(places.row[i])):
                yield name, begin, part
        for begin, part in merger.finished():
            yield name, begin, part


def _write(library: Any, path: Path, sizes: Mapping[str, int], stretches: Iterator[tuple[str, int, Array]]) -> None:
    written = 0
    file = library.open(str(path), "w")
    try:
        file.addHeader(list(sizes.items()))
        for name, start, values in stretches:
            file.addEntries(name, start, values=values, span=1, step=1)
            written += len(values)
        file.close()
    except (RuntimeError, SystemError) as error:
        raise StorageError(
            f"Cannot write {path.parent}: the file could not be completed. Is the disk full? Free some space, or write "
            "to another disk."
        ) from error
    # the library tells no error at the end: what it wrote is looked at
    if not _is_whole(library, path, written):
        raise StorageError(
            f"The bigWig file in {path.parent} is not whole. Is the disk full? Free some space, or write to another "
            "disk."
        )


def _is_whole(library: Any, path: Path, bases: int) -> bool:
    """Whether a file ends as it should, and says that it covers so many bases."""
    with path.open("rb") as raw:
        begins = raw.read(len(_MAGIC))
        raw.seek(-len(_MAGIC), 2)
        if begins != _MAGIC or raw.read() != _MAGIC:
            return False
    try:
        check = library.open(str(path))
        covered = int(check.header()["nBasesCovered"])
        check.close()
    except RuntimeError:
        return False
    return covered == bases
