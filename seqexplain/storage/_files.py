"""Files and folders on disk: whose they are, errors of the system in plain words, replacement in one step."""

from __future__ import annotations

import errno
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import Any

from seqexplain.errors import StorageError
from seqexplain.storage._layout import ATTRIBUTE, FORMAT

# errno → what to tell the user; {path} is what was being written
_REASONS = {
    errno.ENOSPC: "the disk is full. Free some space, or write to another disk",
    errno.EDQUOT: "your disk quota is used up. Free some space, or write to another disk",
    errno.EFBIG: "the file would be larger than allowed here. Raise the limit (ulimit -f)",
    errno.EACCES: "you may not write there. Choose another place, or change its permissions",
    errno.EPERM: "you may not write there. Choose another place, or change its permissions",
    errno.EROFS: "the disk is read-only. Choose another place",
    errno.ENOENT: "the folder does not exist (or vanished meanwhile). Make it first, or choose another place",
    errno.ENOTDIR: "a part of the path is a file, not a folder. Choose another place",
    errno.ENAMETOOLONG: "the name is too long. Choose a shorter one",
    errno.EMFILE: "too many files are open. Raise the limit (ulimit -n)",
}


class Occupant(Enum):
    """What stands at a path."""

    NOTHING = "nothing"
    STORE = "a result store"
    OTHER = "something that is not a result store of seqexplain"


def peek(path: str | Path) -> dict[str, Any] | None:
    """Return what describes the run of the store at `path`, finished or not; None where there is no store.

    Fast, for zarr is not imported: to learn, say, `["parameters"]["batch_sequences"]` before a job is resumed.
    """
    with suppress(OSError, ValueError, AttributeError):
        document = (Path(path).expanduser() / "zarr.json").read_text("utf-8")
        ours = json.loads(document).get("attributes", {}).get(ATTRIBUTE, {})
        if ours.get("format") == FORMAT:
            return dict(ours)
    return None


def occupant(path: Path) -> Occupant:
    """Return what stands at `path`, without importing zarr."""
    if not os.path.lexists(path):
        return Occupant.NOTHING
    return Occupant.OTHER if peek(path) is None else Occupant.STORE


def refuse_foreign(path: Path) -> Occupant:
    """Return what stands at `path`.

    Raises
    ------
    StorageError
        Where it is not ours to replace.
    """
    found = occupant(path)
    if found is Occupant.OTHER:
        kind = "folder" if path.is_dir() else "file"
        raise StorageError(
            f"{path} exists and is a {kind} that is not a result store of seqexplain; it is never "
            "overwritten. Choose another path, or remove it yourself."
        )
    return found


@contextmanager
def storage_errors(path: Path, hint: str = "") -> Iterator[None]:
    """Turn what the system says about writing `path` into a StorageError.

    Parameters
    ----------
    path
        What is being written.
    hint
        A sentence to append: how to go on.
    """
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, f"the system says: {error.strerror or error}")
        raise StorageError(f"Cannot write {path}: {reason}.{f' {hint}' if hint else ''}") from error


@contextmanager
def atomic_file(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it takes the place of `path`, on error it is removed.

    Parameters
    ----------
    path
        The file that is to appear, whole or not at all.
    overwrite
        Whether a file that stands there may be replaced.

    Yields
    ------
    pathlib.Path
        The temporary path, to write to.

    Raises
    ------
    StorageError
        When the path is taken, or cannot be written.
    """
    refuse_taken(path, overwrite=overwrite)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        with storage_errors(path):
            yield temporary
            temporary.replace(path)
    finally:
        # on success nothing is left to remove
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def refuse_taken(path: Path, *, overwrite: bool) -> None:
    """Raise where the output file `path` cannot be made: it exists, without `overwrite`, or its folder does not.

    Raises
    ------
    StorageError
        In these cases.
    """
    if path.is_dir():
        raise StorageError(f"{path} is a folder; give the name of a file to write.")
    if path.exists() and not overwrite:
        raise StorageError(f"{path} exists already; choose another name, or pass overwrite=True (--overwrite).")
    if not path.parent.is_dir():
        raise StorageError(f"Cannot write {path}: the folder {path.parent} does not exist. Make it first.")


def staging(path: Path) -> Path:
    """Return where a store is built: beside its place, for a rename must not cross disks."""
    return path.with_name(f".{path.name}.seqexplain-new")


def clear_staging(path: Path) -> None:
    """Remove what a killed process left beside `path`; call it under the lock of `path` only."""
    for leftover in (staging(path), _retired(path)):
        if leftover.is_dir():
            with storage_errors(leftover):
                shutil.rmtree(leftover)


def put_in_place(path: Path) -> None:
    """Move the staged store to `path`, where an older store of ours may stand; call it under the lock."""
    if occupant(path) is Occupant.STORE:
        path.rename(_retired(path))
    staging(path).rename(path)
    if _retired(path).is_dir():
        shutil.rmtree(_retired(path))


def _retired(path: Path) -> Path:
    return path.with_name(f".{path.name}.seqexplain-old")
