"""A result in memory to disk and back."""

from __future__ import annotations

from pathlib import Path

from seqexplain.errors import StorageError
from seqexplain.results import Attributions
from seqexplain.storage._files import Occupant, refuse_foreign
from seqexplain.storage._layout import default_chunk
from seqexplain.storage._lock import writer_lock
from seqexplain.storage._store import ResultStore, Rows
from seqexplain.storage._writer import write_whole


def save(result: Attributions, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a result as a Zarr store, which appears whole or not at all.

    Contributions that follow from hypothetical scores are not written; `load` derives them again.

    Parameters
    ----------
    result
        What to write.
    path
        Folder to make, by custom `….zarr`.
    overwrite
        Whether an older result store at this path may be replaced. Nothing else ever is.

    Raises
    ------
    StorageError
        When the path is taken, or cannot be written.
    ShapeError
        When X is not one-hot, or the contributions are not hypothetical × X.
    ParameterError
        When `parameters` hold something that JSON cannot.
    """
    target = Path(path).expanduser().resolve()
    with writer_lock(target):
        if refuse_foreign(target) is Occupant.STORE and not overwrite:
            raise StorageError(f"{target} exists already; choose another path, or pass overwrite=True (--overwrite).")
        chunk = default_chunk(result.X.shape[1], targets=max(1, len(result.targets)))
        write_whole(target, result, chunk=chunk)


def load(path: str | Path, *, rows: Rows = ..., allow_incomplete: bool = False) -> Attributions:
    """Read a result store into memory; `ResultStore` reads it piece by piece.

    Parameters
    ----------
    path
        The store.
    rows
        Which sequences: a slice, positions, or a boolean mask; all by default.
    allow_incomplete
        Whether the finished part of an interrupted job will do.

    Returns
    -------
    Attributions
        As saved. `parameters` come back as JSON has them: tuples as lists.

    Raises
    ------
    MissingFileError
        When nothing stands there.
    StorageError
        When it is not a store of ours, is damaged, or is incomplete: the message says how far it got and how
        to go on.
    """
    return ResultStore(path, allow_incomplete=allow_incomplete).read(rows)
