"""NumPy archives written piece by piece: `numpy.savez` wants each array whole in memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from seqexplain.results import Array


class NpzWriter:
    """An archive that `numpy.load` reads; use it in a `with` statement.

    Parameters
    ----------
    path
        File to write, any name.
    """

    def __init__(self, path: Any) -> None:
        self._archive = zipfile.ZipFile(path, "w")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def write(self, name: str, shape: tuple[int, ...], dtype: DTypeLike, pieces: Iterable[Array]) -> None:
        """Add one array, whose pieces follow each other along the first axis; as `savez` does, uncompressed.

        Parameters
        ----------
        name, shape, dtype
            Of the whole array.
        pieces
            Arrays that make up the first axis, in order.
        """
        # a ZipInfo of our own carries no time of day: the same scores give the same file
        info = zipfile.ZipInfo(f"{name}.npy")
        info.external_attr = 0o644 << 16
        header = {
            "shape": shape,
            "fortran_order": False,
            "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
        }
        # the size is not known beforehand, and may pass 4 GiB
        with self._archive.open(info, "w", force_zip64=True) as member:
            np.lib.format.write_array_header_1_0(member, header)
            for piece in pieces:
                member.write(np.ascontiguousarray(piece, dtype=dtype).tobytes())
