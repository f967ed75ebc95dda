"""Arrays in `.npy`, `.npz` and HDF5 files, of which some rows at a time are read."""

from __future__ import annotations

import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import FileFormatError, MissingExtraError

Array = NDArray[Any]
Reader = Callable[[int, int], Array]

NUMBERS = "biuf"  # dtype kinds of bool, integers and floats


class ArrayFile(ABC):
    """One array of a file.

    Attributes
    ----------
    shape, dtype
        Of the whole array.
    where
        File, and the array's name in it, for messages.
    rows_together
        Rows that are stored together, so that reading fewer at a time costs more.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    where: str
    rows_together: int = 1

    @abstractmethod
    def opened(self) -> Any:
        """Return a context manager that gives a function `(first, end) → rows`."""

    def whole(self) -> Array:
        """Return all of it."""
        with self.opened() as read:
            return np.asarray(read(0, self.shape[0]))


class NpyFile(ArrayFile):
    """The array of a `.npy` file, or one member of a `.npz` archive.

    A member that is compressed is unpacked on the way; going back in it begins at its start again, so that ascending
    rows are the ones to ask for.

    Parameters
    ----------
    path
        The file.
    member
        Name of the array in an archive; None for a `.npy` file.
    """

    def __init__(self, path: Path, member: str | None = None) -> None:
        self.path, self.member = path, member
        self.where = str(path) if member is None else f"{path}, array {member!r}"
        with self._bytes() as file:
            try:
                version = np.lib.format.read_magic(file)
                header = {
                    (1, 0): np.lib.format.read_array_header_1_0,
                    (2, 0): np.lib.format.read_array_header_2_0,
                }[version]
                self.shape, fortran, self.dtype = header(file)
            except (ValueError, KeyError) as error:
                raise FileFormatError(f"{self.where} is not an array that NumPy saved ({error}).") from error
            self._begin = file.tell()
        if self.dtype.kind == "O":
            raise FileFormatError(
                f"{self.where} holds Python objects, which may run code when they are read; expected an array of "
                "numbers. Save it again as one: array.astype('float32')."
            )
        if fortran and len(self.shape) > 1:
            raise FileFormatError(
                f"{self.where} is stored column by column, so that no row of it can be read alone. Save it again "
                "with np.ascontiguousarray(array)."
            )
        self._row_bytes = int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize

    @contextmanager
    def _bytes(self) -> Iterator[IO[bytes]]:
        if self.member is None:
            with self.path.open("rb") as file:
                yield file
            return
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{self.member}.npy") as file:
                yield file
        except zipfile.BadZipFile as error:
            raise FileFormatError(f"{self.path} is damaged ({error}). Copy it again from where it came.") from error

    @contextmanager
    def opened(self) -> Iterator[Reader]:
        """Give a function that reads rows `first` to `end`."""
        with self._bytes() as file:

            def read(first: int, end: int) -> Array:
                wanted = (end - first) * self._row_bytes
                file.seek(self._begin + first * self._row_bytes)
                data = file.read(wanted)
                if len(data) < wanted:
                    raise FileFormatError(f"{self.where} ends early; it is damaged. Copy it again from where it came.")
                return np.frombuffer(data, self.dtype).reshape(end - first, *self.shape[1:])

            yield read


class Hdf5Array(ArrayFile):
    """A data set of an HDF5 file.

    Parameters
    ----------
    path
        The file.
    name
        Of the data set, with its groups: `shap/seq`.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.where = f"{path}, data set {name}"
        with hdf5_file(path) as file:
            data = file[name]
            self.shape, self.dtype = tuple(int(size) for size in data.shape), data.dtype
            if data.chunks is not None:
                self.rows_together = int(data.chunks[0])

    @contextmanager
    def opened(self) -> Iterator[Reader]:
        """Give a function that reads rows `first` to `end`."""
        with hdf5_file(self.path) as file:
            data = file[self.name]

            def read(first: int, end: int) -> Array:
                try:
                    return np.asarray(data[first:end])
                except OSError as error:
                    # an unknown filter is the library's "can't open directory" or "filter … is not registered"
                    if "filter" in str(error) or "plugin" in str(error) or "open directory" in str(error):
                        raise MissingExtraError(
                            f"{self.where} is compressed in a way that HDF5 alone does not know ({_filters(data)}). "
                            "Run: pip install hdf5plugin"
                        ) from error
                    raise FileFormatError(f"{self.where} cannot be read ({error}).") from error

            yield read


@contextmanager
def hdf5_file(path: Path) -> Iterator[Any]:
    """Open an HDF5 file for reading.

    Raises
    ------
    FileFormatError
        When it is none.
    """
    import h5py

    with suppress(ImportError):
        import_module("hdf5plugin")  # where it is installed, HDF5 reads blosc, zstd and the like
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise FileFormatError(f"{path} is not an HDF5 file, or is damaged ({error}).") from error
    with file:
        yield file


def _filters(data: Any) -> str:
    plist = data.id.get_create_plist()
    names = (plist.get_filter(i) for i in range(plist.get_nfilters()))
    return ", ".join(name.decode() or f"filter {number}" for number, _, _, name in names)


def npz_members(path: Path) -> list[str]:
    """Return the names of the arrays of a `.npz` archive.

    Raises
    ------
    FileFormatError
        When it is no archive of arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    except zipfile.BadZipFile as error:
        raise FileFormatError(f"{path} is not an archive of NumPy arrays (.npz), or is damaged ({error}).") from error
    if not names:
        raise FileFormatError(f"{path} holds no NumPy array.")
    return names
