"""A toy job: an explainer of NumPy alone, the same numbers each time.

As a program it is what the tests kill: `python worker.py STORE SEQUENCES [BATCHES SECONDS]`; so many seconds after it
has begun so many batches it gets SIGKILL.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqexplain.pipeline import SequenceSource, run
from seqexplain.results import Array, Attributions, Interval
from seqexplain.sequences import SequenceRecord


class NumpyExplainer:
    """Scores that depend on the sequence, on its position in the job and on nothing else."""

    method = "toy"
    targets = ("t",)
    several_targets = False
    n_references = 2
    has_hypothetical = True

    def __init__(self, batch_sequences: int = 8, *, seed: int = 0, **provenance: Any) -> None:
        self.batch_sequences = batch_sequences
        self.parameters: dict[str, Any] = {"seed": seed, "rule": "linear", "background": (0.3, 0.2)}
        self.provenance: dict[str, Any] = {
            "seqexplain": "0.1.0",
            "backend": {"name": "numpy", "version": "2"},
            "python": "3.11.0",
            "device": "cpu",
            "model": {"sha256": "f" * 64, "path": "/a/model.keras"},
        } | provenance
        self.calls: list[tuple[int, int, int]] = []
        self.begun: Callable[[int], None] = lambda calls: None

    def explain(self, X: Array, *, start: int = 0, names: Sequence[str] = ()) -> Attributions:
        b, length, _ = X.shape
        self.calls.append((start, b, length))
        self.begun(len(self.calls))
        weights = np.sin(np.arange(length * 4, dtype=np.float32).reshape(length, 4) + self.parameters["seed"])
        scores = weights + X.sum(axis=(1, 2))[:, None, None] / 7 + X[:, :1, :1]
        predictions = (scores * X).sum(axis=(1, 2)) + np.arange(start, start + b)
        return Attributions(
            contributions=(scores * X).astype(np.float32),
            X=X,
            predictions=predictions.astype(np.float32),
            hypothetical=scores.astype(np.float32),
            reference_predictions=np.stack([predictions, -predictions], axis=1).astype(np.float32),
            completeness_error=np.full((b, 2), 1e-6, dtype=np.float32),
            names=tuple(names),
            targets=self.targets,
            method=self.method,
            parameters=self.parameters,
        )


def records(n: int, length: int = 30, *, seed: int = 0, varied: bool = False) -> Iterator[SequenceRecord]:
    """Random sequences, made one at a time; from the 21st on, every third has a place on a genome."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        size = length - i // 5 % 3 if varied else length
        letters = np.frombuffer(b"ACGTN", dtype=np.uint8)[rng.choice(5, size, p=(0.3, 0.2, 0.2, 0.25, 0.05))]
        place = Interval("chr1", i, i + size) if i % 3 == 0 and i > 20 else None
        yield SequenceRecord(f"s{i}", letters.tobytes().decode(), interval=place)


def source_of(n: int, length: int = 30, **options: Any) -> SequenceSource:
    return SequenceSource(lambda: records(n, length, **options), "toy.fa")


def main() -> None:
    store, n = Path(sys.argv[1]), int(sys.argv[2])
    import zarr  # its import is no part of the job

    assert zarr
    explainer = NumpyExplainer(8)
    if len(sys.argv) > 3:
        last, seconds = int(sys.argv[3]), float(sys.argv[4])
        killer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL))
        killer.daemon = True
        explainer.begun = lambda calls: killer.start() if calls == last else None
        explainer.begun(0)
    began = time.perf_counter()
    report = run(explainer, source_of(n, varied=True), store, chunk=16, progress=False)
    sys.stdout.write(f"{report.explained} {time.perf_counter() - began}")


if __name__ == "__main__":
    main()
