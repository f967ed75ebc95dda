"""What an unfinished job has found, block by block, in a folder beside the table that is to be made."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from seqexplain.errors import StorageError
from seqexplain.pipeline._identity import differences
from seqexplain.results import Array
from seqexplain.storage import atomic_file

_RUN = "run.json"


class KeptBlocks:
    """The folder `.NAME.seqexplain-KIND`: `run.json` says what is being computed, `BLOCK.npz` what was found.

    Whoever has one holds the lock of `out`.

    Parameters
    ----------
    out
        The file that is to be made.
    kind
        Of the job.
    """

    def __init__(self, out: Path, kind: str) -> None:
        self._out = out
        self.folder = out.with_name(f".{out.name}.seqexplain-{kind}")

    @property
    def stored(self) -> dict[str, Any] | None:
        """What describes the unfinished job that stands there, if one does."""
        with suppress(OSError, ValueError):
            return dict(json.loads((self.folder / _RUN).read_text("utf-8")))
        return None

    def begin(self, asked: Mapping[str, Any], *, overwrite: bool) -> None:
        """Go on with the job that stands there, or make the folder of a new one.

        Parameters
        ----------
        asked
            All that decides the numbers, ready for JSON.
        overwrite
            Whether an unfinished job with other choices is discarded.

        Raises
        ------
        StorageError
            When an unfinished job of other choices stands there, or the disk cannot be written.
        """
        stored = self.stored
        if stored is not None:
            differing = [name for name, _, _ in differences(stored, asked)]
            if not differing:
                return
            if not overwrite:
                raise StorageError(
                    f"An unfinished job stands beside {self._out}, with other choices: {', '.join(differing)}. Give "
                    "the old ones to go on with it, or begin anew with overwrite=True (--overwrite)."
                )
        self.discard()
        self.folder.mkdir()
        with atomic_file(self.folder / _RUN) as temporary:
            temporary.write_text(json.dumps(asked, indent=1), "utf-8")

    def has(self, index: int) -> bool:
        """Return whether block `index` is there, whole."""
        return self._file(index).exists()

    def write(self, index: int, arrays: Mapping[str, Array]) -> None:
        """Keep the arrays, of any shapes, of block `index`."""
        with atomic_file(self._file(index)) as temporary, temporary.open("wb") as stream:
            numbers: dict[str, Any] = dict(arrays)
            np.savez_compressed(stream, **numbers)

    def read(self, index: int) -> dict[str, Array]:
        """Return the arrays of block `index` by name."""
        with np.load(self._file(index), allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}

    def discard(self) -> None:
        """Remove what was kept: the results are where they belong."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, index: int) -> Path:
        return self.folder / f"{index:07d}.npz"
