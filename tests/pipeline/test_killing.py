"""`kill -9` at any moment: what is stored is right, and the same command ends with the same bytes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seqexplain.storage import ResultStore, load

N = 2000  # 125 chunks of 16, 250 batches of 8
KILLS = 10

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")


def start(worker: Path, store: Path, *moment: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(worker), str(store), str(N), *map(str, moment)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def files_in(store: Path) -> dict[Path, bytes]:
    return {path.relative_to(store): path.read_bytes() for path in store.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_killed_again_and_again_it_gives_the_same_bytes(worker: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole.zarr", tmp_path / "killed.zarr"
    done = start(worker, whole)
    assert done.returncode == 0, done.stderr
    explained, duration = done.stdout.split()
    assert int(explained) == N
    truth = load(whole)

    moments = random.Random(1)
    progress = []
    for kill in range(KILLS):
        # counted in batches, as a busy machine takes any time for them; on the whole less than all of them, so that the
        # job cannot end before the last kill. The first kills may come before the first batch
        batches = 0 if kill < 2 else moments.randint(1, N // 8 // KILLS)
        done = start(worker, killed, batches, moments.uniform(0, 3 * float(duration) / (N // 8)))
        assert done.returncode == -signal.SIGKILL, done.stderr
        if not killed.exists():
            progress.append(0)
            continue
        store = ResultStore(killed, allow_incomplete=True)
        progress.append(store.n_done)
        rows = np.flatnonzero(np.repeat(store.done, 16)[:N])
        part, wanted = store.read(), truth.take(rows)
        np.testing.assert_array_equal(part.hypothetical, wanted.hypothetical)
        np.testing.assert_array_equal(part.predictions, wanted.predictions)
        assert part.names == wanted.names
        assert part.intervals == wanted.intervals
    assert progress == sorted(progress), "nothing that was whole is lost"
    assert 0 < progress[-1] < N, "killed before the end, after something was done"

    done = start(worker, killed)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) == N - progress[-1], "what was there is not computed again"
    expected, received = files_in(whole), files_in(killed)
    assert expected.keys() == received.keys()
    assert len(expected) > 125 * 8
    assert [name for name in expected if expected[name] != received[name]] == []
    assert sorted(os.listdir(tmp_path)) == ["killed.zarr", "whole.zarr"]  # noqa: PTH208 - names are wanted
