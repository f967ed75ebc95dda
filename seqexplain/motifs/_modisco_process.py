"""The process that TF-MoDISco runs in, seen from the one that started it."""

from __future__ import annotations

import importlib.util
import json
import logging
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import LibraryError, MissingExtraError, StorageError
from seqexplain.motifs._host_memory import in_words

Array = NDArray[Any]

_log = logging.getLogger("seqexplain.motifs")

PATIENCE = 30.0  # seconds
LAST_LINES = 5  # of what the library printed, for a message
# what is called; checked rather than the name or version of the package, of which two exist
NEEDED = ("tfmodisco", "extract_seqlets", "core", "affinitymat", "aggregator", "cluster")


def check_installed() -> None:
    """Raise `MissingExtraError` where the library is not installed; import nothing of it."""
    found = importlib.util.find_spec("modiscolite")
    if found is None:
        raise MissingExtraError('TF-MoDISco is not installed. Run: pip install "seqexplain[modisco]"')
    places = [Path(place) for place in found.submodule_search_locations or []]
    missing = [name for name in NEEDED if not any((place / f"{name}.py").is_file() for place in places)]
    if missing:
        raise MissingExtraError(
            f"The installed modiscolite has no {', '.join(missing)}: another version than those known (modisco 2.5, "
            'modisco-lite 2.4 and 3.0). Run: pip install "seqexplain[modisco]"'
        )


class ModiscoProcess:
    """A run of the library; leaving it ends the process and removes its files.

    Parameters
    ----------
    patterns
        Options with which patterns are made of seqlets.
    """

    def __init__(self, patterns: Mapping[str, Any]) -> None:
        self._options = dict(patterns)
        self._process: subprocess.Popen[str] | None = None
        self.peak_bytes = 0

    def __enter__(self) -> ModiscoProcess:
        self._keep = tempfile.TemporaryDirectory(prefix="seqexplain-modisco-")
        self._folder = Path(self._keep.name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._end()
        finally:
            self._keep.cleanup()

    def put(self, name: str, array: Array) -> None:
        """Leave an array for the process."""
        self._room_for(array.nbytes)
        np.save(self._folder / f"{name}.npy", array, allow_pickle=False)

    def create(self, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return an array on disk to fill, which the process then reads."""
        self._room_for(math.prod(shape) * np.dtype(dtype).itemsize)
        return np.lib.format.open_memmap(self._folder / f"{name}.npy", mode="w+", dtype=dtype, shape=shape)

    def _room_for(self, n_bytes: int) -> None:
        """Raise `StorageError` where the disk has less: a mapped file on a full disk would end this process."""
        free = shutil.disk_usage(self._folder).free
        if n_bytes > free:
            raise StorageError(
                f"TF-MoDISco needs {in_words(n_bytes)} of temporary files, but {self._folder.parent} has "
                f"{in_words(free)} free. Free some space, or set TMPDIR to a folder on another disk."
            )

    def put_columns(self, name: str, **columns: Array) -> None:
        """Leave several arrays for the process."""
        np.savez(self._folder / f"{name}.npz", **columns)  # type: ignore[arg-type]

    def columns(self, name: str) -> dict[str, Array]:
        """Return arrays that the process left."""
        with np.load(self._folder / f"{name}.npz", allow_pickle=False) as held:
            return {key: held[key] for key in held.files}

    def start(self, seqlets: Mapping[str, Any] | None = None) -> None:
        """Start the process; with options it calls seqlets first."""
        request = {"seqlets": seqlets, "patterns": self._options}
        (self._folder / "request.json").write_text(json.dumps(request), "utf-8")
        environment = dict(os.environ)
        # the same packages as here, also those of a script that changed its path
        environment["PYTHONPATH"] = os.pathsep.join(str(Path(place).resolve()) for place in sys.path if place != "")
        environment.setdefault("NUMBA_THREADING_LAYER_PRIORITY", "tbb workqueue omp")  # the last must not fork
        with (self._folder / "log.txt").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "seqexplain.motifs._modisco_worker", str(self._folder)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, encoding="utf-8",
                start_new_session=True,
            )  # fmt: skip

    def ask_for_patterns(self) -> None:
        """Let it make patterns of what was left for it."""
        if self._process is None:
            self.start()
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):  # it died: `events` says so
                self._process.stdin.write("patterns\n")
                self._process.stdin.flush()

    def events(self, last: str) -> Iterator[dict[str, Any]]:
        """Yield what it says, up to the event `last`.

        Raises
        ------
        LibraryError
            When it ends before.
        """
        if self._process is None or self._process.stdout is None:
            raise LibraryError("TF-MoDISco was not started.")
        for line in self._process.stdout:
            event = json.loads(line)
            self.peak_bytes = max(self.peak_bytes, event["peak_bytes"])
            yield event
            if event["event"] == last:
                return
        self._fail(self._process.wait())

    def finish(self) -> None:
        """Wait until it is gone, after its last event: it may still write compiled functions for the next time."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=PATIENCE)

    def printed(self) -> str:
        """Return the end of what the library printed, as one line."""
        with suppress(OSError):
            lines = (self._folder / "log.txt").read_text("utf-8", errors="replace").strip().splitlines()
            return " / ".join(line.strip() for line in lines[-LAST_LINES:])
        return ""

    def _fail(self, code: int) -> None:
        if code == -signal.SIGKILL:
            raise LibraryError(
                "TF-MoDISco was killed by the system, most likely for lack of memory. Lower max_seqlets or window, or "
                'use method "fast", which needs far less.'
            )
        why = f"ended with status {code}" if code >= 0 else f"was ended by signal {-code}"
        raise LibraryError(f"TF-MoDISco {why}. The end of what it printed: {self.printed()}")

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        # closing its input ends it; what it forked for its work may be busy
        if process.poll() is None:
            _log.debug("TF-MoDISco is told to stop")
            with suppress(ProcessLookupError, PermissionError):
                if hasattr(os, "killpg"):
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
        process.wait()
