"""The long job of an experiment on backgrounds: each block is kept at once, so that an interrupted one goes on."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from seqexplain.pipeline._kept_blocks import KeptBlocks
from seqexplain.pipeline._progress import progress_of
from seqexplain.storage import jsonable

if TYPE_CHECKING:
    from seqexplain.perturbation import Experiment

_log = logging.getLogger("seqexplain.pipeline")

BLOCK_EDITS = 8192  # edited sequences of a block: some seconds, lost when the job is killed
Result = TypeVar("Result")


class ExperimentRun:
    """An experiment whose blocks are kept beside the table that is to be made, until it is there.

    Killed at any moment, the same experiment goes on after the last whole block, and gives the same bytes as one
    that was never interrupted.

    Parameters
    ----------
    out
        The table; None where it has no place on the disk, and nothing is kept. Whoever has a run with one holds its
        lock.
    """

    def __init__(self, out: Path | None) -> None:
        self._out = out
        self._kept = None if out is None else KeptBlocks(out, "insert")

    def do(self, experiment: Experiment[Result], *, overwrite: bool = False, progress: bool = True) -> Result:
        """Do what is not there yet of an experiment, and return its result.

        Parameters
        ----------
        experiment
            On `n` backgrounds.
        overwrite
            Whether an unfinished job with other choices is discarded.
        progress
            Whether to show it.

        Returns
        -------
        object
            What the experiment makes of all its blocks: a `Marginalisation`, say.

        Raises
        ------
        StorageError
            When an unfinished job of other choices stands there, or the disk cannot be written.
        """
        from seqexplain.perturbation import joined_blocks

        kept, n = self._kept, len(experiment.X)
        size = self._block(experiment, overwrite=overwrite)
        if kept is not None:
            kept.begin(_describe(experiment, size), overwrite=overwrite)
        blocks = [slice(low, min(low + size, n)) for low in range(0, n, size)]
        here = [kept is not None and kept.has(index) for index in range(len(blocks))]
        done = sum(rows.stop - rows.start for rows, there in zip(blocks, here, strict=True) if there)
        if done:
            _log.info("%s: going on after %d of %d backgrounds.", self._out, done, n)
        parts = []
        with progress_of("inserting", n, done, shown=progress, unit="backgrounds") as advance:
            for index, rows in enumerate(blocks):
                if kept is not None and here[index]:
                    parts.append(kept.read(index))
                    continue
                parts.append(experiment.block(rows))
                if kept is not None:
                    kept.write(index, parts[-1])
                advance(rows.stop - rows.start)
        return experiment.result(joined_blocks(parts))

    @property
    def unfinished(self) -> bool:
        """Whether an unfinished job stands there."""
        return self._kept is not None and self._kept.stored is not None

    def discard(self) -> None:
        """Remove what was kept: the results are where they belong."""
        if self._kept is not None:
            self._kept.discard()

    def _block(self, experiment: Experiment[Any], *, overwrite: bool) -> int:
        """Return how many backgrounds make a block: those of the run that is gone on with, or some seconds' work."""
        stored = None if self._kept is None or overwrite else self._kept.stored
        if stored is not None:  # free memory may be another today
            return int(stored["run"]["block"])
        return max(1, min(experiment.batch, BLOCK_EDITS // max(1, experiment.edits)))


def _describe(experiment: Experiment[Any], size: int) -> dict[str, Any]:
    described = experiment.describe()
    content = hashlib.sha256(np.ascontiguousarray(experiment.X).tobytes())
    content.update("\n".join(experiment.labels).encode())
    return {
        "parameters": jsonable(described["parameters"], "parameters"),
        "run": {
            "backgrounds": len(experiment.X),
            "length": int(experiment.X.shape[1]),
            "content_sha256": content.hexdigest(),
            "block": size,
            "provenance": jsonable(described["provenance"], "provenance"),
        },
    }
