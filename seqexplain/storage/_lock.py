"""One writer a store: an advisory lock that the system releases when its process dies, however it dies."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seqexplain.errors import StorageError
from seqexplain.storage._files import storage_errors

_log = logging.getLogger(__name__)


@contextmanager
def writer_lock(path: Path) -> Iterator[None]:
    """Hold the right to write the store at `path`.

    The lock is `flock` on a file beside the store, so nothing has to be mended after `kill -9`; the file
    itself only says who holds it and is removed at the end.

    Parameters
    ----------
    path
        The store, which need not exist.

    Yields
    ------
    None
        While it is held.

    Raises
    ------
    StorageError
        When another process writes this store, or its folder cannot be written.
    """
    try:
        import fcntl
    except ImportError:  # no flock on Windows
        _log.warning("This system has no file locks: make sure that no other process writes %s.", path)
        yield
        return

    if not path.parent.is_dir():
        raise StorageError(
            f"Cannot write {path}: the folder {path.parent} does not exist. Make it first (mkdir -p {path.parent})."
        )
    lock = path.with_name(f".{path.name}.lock")
    while True:
        with storage_errors(path):
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(handle, 200, 0).decode("utf-8", "replace").strip() or "another process"
            os.close(handle)
            raise StorageError(
                f"{path} is being written by {owner}. Wait until it has ended, or write to another path."
            ) from error
        except OSError as error:  # some network disks have no locks
            _log.warning(
                "No lock can be had on this disk (%s): make sure that no other process writes %s.",
                error,
                path,
            )
        if _still_there(lock, handle):
            break
        os.close(handle)  # its last holder removed it between our opening and our locking: once more
    try:
        with storage_errors(path):
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        yield
    finally:
        # removed while still locked, so nobody can hold a lock on a file that is about to vanish unseen
        with suppress(OSError):
            lock.unlink()
        os.close(handle)


def _still_there(lock: Path, handle: int) -> bool:
    try:
        return os.path.samestat(lock.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
