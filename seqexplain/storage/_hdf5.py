"""HDF5 files on a disk that may fill up: the HDF5 library itself crashes the process when it cannot write."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class _PatientFile(io.FileIO):
    """A file that keeps its first error to itself and from then on drops what is written.

    HDF5 holds parts of a file in memory. When it cannot write them it cannot close the file either, and the
    process ends in a segmentation fault. So it is told that all went well, and asked to stop.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self.failure: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of `data`: one call to the system may write only a part of it."""
        view = memoryview(data).cast("B")
        at = 0
        while at < len(view) and self.failure is None:
            try:
                at += super().write(view[at:])
            except OSError as error:
                self.failure = error
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Set the size of the file."""
        if self.failure is None:
            try:
                return super().truncate(size)
            except OSError as error:
                self.failure = error
        return size or 0


class Hdf5Writer:
    """An HDF5 file to fill, with a way to ask whether the disk still takes what is written.

    Attributes
    ----------
    file
        The `h5py.File`.
    """

    def __init__(self, raw: _PatientFile) -> None:
        import h5py

        self._raw = raw
        self.file = h5py.File(raw, "w")

    def check(self) -> None:
        """Raise the `OSError` that writing met, if it met one; call it now and then."""
        if self._raw.failure is not None:
            raise self._raw.failure


@contextmanager
def hdf5_writer(path: Path) -> Iterator[Hdf5Writer]:
    """Give an HDF5 file to fill.

    Parameters
    ----------
    path
        File to write.

    Raises
    ------
    OSError
        When the disk is full or the like, at a `check` or at the end.
    """
    with _PatientFile(path) as raw:
        writer = Hdf5Writer(raw)
        try:
            try:
                yield writer
            finally:
                writer.file.close()
        except (OSError, RuntimeError):
            # what HDF5 says when it reads back what was dropped is not the point
            writer.check()
            raise
        writer.check()
