"""Writing a store chunk by chunk, so that a process killed at any moment leaves whole chunks only."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from seqexplain.errors import ShapeError
from seqexplain.results import BY_SEQUENCE, Array, Attributions, Interval
from seqexplain.sequences import one_hot_to_codes
from seqexplain.storage._files import clear_staging, put_in_place, staging, storage_errors
from seqexplain.storage._group import WRITE_ALL, open_group
from seqexplain.storage._layout import STRANDS, SUBSET_ARRAYS, Layout, describe

_ZSTD_LEVEL = 3
# hypothetical × X and the given contributions may differ by this much of the largest score: float32 sums
_SAME = 1e-5


class StoreWriter:
    """A store that is being written; whoever has one holds the lock of its path.

    Parameters
    ----------
    folder
        Where the store stands.

    Attributes
    ----------
    layout
        What it holds.
    attributes
        What describes the run.
    done
        `(n_chunks,)` bool: the chunks that are whole.

    Raises
    ------
    StorageError
        When it is damaged, or of a newer format.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        group = open_group(folder, "r+")
        self.attributes, self.layout, self.done = group.attributes, group.layout, group.done
        self._arrays = group.arrays

    @classmethod
    def create(cls, folder: Path, layout: Layout, attributes: Mapping[str, Any]) -> StoreWriter:
        """Return an empty store of this `layout`, with `attributes`, made in a `folder` that does not exist yet."""
        import zarr
        from zarr.codecs import ZstdCodec

        with storage_errors(folder):
            group = zarr.create_group(folder, attributes=dict(attributes), zarr_format=3)
            for spec in layout.arrays():
                group.create_array(
                    spec.name,
                    shape=spec.shape,
                    chunks=spec.chunks,
                    dtype=spec.dtype,
                    fill_value=spec.fill_value,
                    dimension_names=spec.dimensions,
                    # the checksum finds a damaged file when it is read
                    compressors=[ZstdCodec(level=_ZSTD_LEVEL, checksum=True)],
                    config=WRITE_ALL,
                )
        return cls(folder)

    @property
    def n_done(self) -> int:
        """Sequences whose chunk is whole."""
        return self.layout.rows_in(self.done)

    def write(self, index: int, block: Attributions) -> None:
        """Write chunk `index`.

        Parameters
        ----------
        index
            Which chunk.
        block
            Its sequences, all of them.

        Raises
        ------
        ShapeError
            When the block does not fit the layout, or its arrays contradict each other.
        StorageError
            When the disk is full or the like; the store keeps the chunks it had.
        """
        first, end = self.layout.bounds(index)
        self.layout.check(block, end - first)
        columns = self._columns(block)
        hint = (
            f"The {self.n_done} of {self.layout.n} sequences that are stored stay; the same command goes on from there."
        )
        done = self.done.copy()
        done[index] = True
        with storage_errors(self.folder, hint):
            for name, values in columns.items():
                self._arrays[name][first:end] = values
            # last: only now does the chunk count
            self._mark(done)

    def forget(self, indices: list[int]) -> None:
        """Take back that the chunks `indices` are whole."""
        done = self.done.copy()
        done[indices] = False
        with storage_errors(self.folder):
            self._mark(done)

    def _mark(self, done: Array) -> None:
        self._arrays["done"][:] = done.astype(np.uint8)
        self.done = done

    def remove_partial_files(self) -> None:
        """Remove the temporary files of chunks that a killed process was writing."""
        for leftover in self.folder.rglob("*.partial"):
            with suppress(OSError):
                leftover.unlink()

    def _columns(self, block: Attributions) -> dict[str, Any]:
        columns: dict[str, Any] = {
            "codes": one_hot_to_codes(block.X),
            "names": np.array(block.names, dtype=object),
        }
        scores, observed = _check_scores(block)
        if self.layout.hypothetical:
            columns["hypothetical"] = scores
        else:
            columns["contributions"] = observed
        for name in (*BY_SEQUENCE, "per_reference", "effects", *SUBSET_ARRAYS):
            if name in self._arrays:
                columns[name] = getattr(block, name)
        if block.spread is not None:
            columns["spread"] = block.spread.sum(axis=-1)
        if self.layout.lengths:
            lengths = block.lengths
            columns["lengths"] = np.full(len(block), self.layout.length) if lengths is None else lengths
        if self.layout.intervals:
            columns |= _interval_columns(block.intervals or (None,) * len(block))
        return columns


def begin_store(
    path: Path,
    index: int,
    block: Attributions,
    *,
    n: int,
    chunk: int,
    intervals: bool,
    lengths: bool,
    run: Any = None,
) -> StoreWriter:
    """Make a store with one chunk in it; call it under the lock of `path`.

    It is built beside its place and moved there in one step, over an older store of ours where there is one.
    So no store is ever without a chunk, and a block decides which arrays there are.

    Parameters
    ----------
    path
        Where the store is to stand: free, or an older store.
    index, block
        Which chunk, and its sequences.
    n, chunk
        Sequences of the whole job, and of a chunk.
    intervals, lengths
        Whether any sequence of the job has coordinates, and whether lengths differ.
    run
        Whatever else is needed to repeat the job.

    Returns
    -------
    StoreWriter
        Of the store in its place.
    """
    layout = Layout.of(block, n=n, chunk=chunk, intervals=intervals, lengths=lengths)
    attributes = describe(layout, block.method, block.parameters, run)
    clear_staging(path)
    with _staged(path):
        StoreWriter.create(staging(path), layout, attributes).write(index, block)
    return StoreWriter(path)


def write_whole(path: Path, result: Attributions, *, chunk: int) -> None:
    """Make a store of a result in memory; call it under the lock of `path`."""
    intervals, lengths = result.intervals is not None, result.lengths is not None
    layout = Layout.of(result, n=len(result), chunk=chunk, intervals=intervals, lengths=lengths)
    attributes = describe(layout, result.method, result.parameters)
    clear_staging(path)
    with _staged(path):
        writer = StoreWriter.create(staging(path), layout, attributes)
        for index in range(layout.n_chunks):
            writer.write(index, result.take(slice(*layout.bounds(index))))


@contextmanager
def _staged(path: Path) -> Iterator[None]:
    try:
        yield
        with storage_errors(path):
            put_in_place(path)
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(staging(path))
        raise


def _check_scores(block: Attributions) -> tuple[Array | None, Array]:
    """Return hypothetical and observed scores; what is derived on reading must equal what was given."""
    X = block.X[:, None] if block.several_targets else block.X
    if block.hypothetical is not None:
        derived = block.hypothetical * X
        observed = derived.sum(axis=-1)
    else:
        observed = block.contributions.sum(axis=-1)
        derived = observed[..., None] * X
    gap = np.abs(derived - block.contributions)
    limit = _SAME * np.abs(block.contributions).max(initial=0.0, where=np.isfinite(block.contributions))
    if (gap > limit).any():
        row = int(np.argwhere(gap > limit)[0, 0])
        wanted = "hypothetical × X" if block.hypothetical is not None else "zero off the observed base"
        raise ShapeError(
            f"The contributions of {block.names[row]!r} are not {wanted} (off by {gap.max():.3g}); "
            "only what can be derived again is stored. Make them so before saving."
        )
    return block.hypothetical, observed


def _interval_columns(intervals: tuple[Interval | None, ...]) -> dict[str, Any]:
    return {
        "chromosome": np.array([i.chromosome if i else "" for i in intervals], dtype=object),
        "start": np.array([i.start if i else -1 for i in intervals], dtype=np.int64),
        "end": np.array([i.end if i else -1 for i in intervals], dtype=np.int64),
        "strand": np.array([STRANDS.index(i.strand) if i else 0 for i in intervals], dtype=np.uint8),
    }
