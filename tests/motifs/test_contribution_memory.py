"""Contributions that are larger than memory: a process that may not have so much reads them all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc to see what a process has")

N, LENGTH, PART = 12_000, 2_000, 500
MORE = 160 << 20  # bytes that reading and calling may add; as 32-bit numbers the scores have 384 MB

_CHILD = """
import json, resource, sys
import numpy as np
from seqexplain.motifs import _span_null, call_seqlets, open_contributions
from seqexplain.results import Attributions
small = np.random.default_rng(0).laplace(size=(50, 100)).astype(np.float32)
X = np.eye(4, dtype=np.float32)[np.zeros((50, 100), dtype=int)]
call_seqlets(Attributions(contributions=X * small[..., None], X=X, predictions=np.zeros(50), targets=("a",)))
_span_null.HELD_BASES = 0
import h5py
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
source = open_contributions(sys.argv[2] if len(sys.argv) == 3 else tuple(sys.argv[2:]))
found = call_seqlets(source)
print(json.dumps([len(source), len(found), int((found.score > 0).sum())]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The same contributions as a pair of .npy files and as HDF5, with a span of ten high bases in half of the rows."""
    path = tmp_path_factory.mktemp("large")
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, (PART, LENGTH))
    X = np.eye(4, dtype=np.int8)[codes].transpose(0, 2, 1)
    scores = rng.laplace(scale=0.02, size=(PART, 4, LENGTH))
    for i in range(0, PART, 2):
        at = int(rng.integers(5, LENGTH - 20))
        scores[i, :, at : at + 10] += 0.4
    shape = (N, 4, LENGTH)
    pair = [
        np.lib.format.open_memmap(path / name, mode="w+", dtype=dtype, shape=shape)
        for name, dtype in (("X.npy", np.int8), ("s.npy", np.float16))
    ]
    with h5py.File(path / "r.h5", "w") as file:
        data = file.create_dataset("raw/seq", shape, "i1"), file.create_dataset("shap/seq", shape, "f2")
        for first in range(0, N, PART):
            for array in (pair[0], data[0]):
                array[first : first + PART] = X
            for array in (pair[1], data[1]):
                array[first : first + PART] = scores
    return path


@pytest.mark.slow
@pytest.mark.parametrize("names", [("X.npy", "s.npy"), ("r.h5",)])
def test_more_contributions_than_memory(folder, names):
    root = str(Path(__file__).parents[2])
    arguments = [str(MORE), *(str(folder / name) for name in names)]
    environment = os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    n, found, positive = json.loads(done.stdout)
    assert n == N
    assert N // 2 <= positive <= 1.1 * N // 2
    assert found <= 1.1 * positive


@pytest.mark.slow
def test_the_limit_is_one(folder):
    """Read whole, the same contributions do not fit."""
    whole = _CHILD.replace("found = call_seqlets(source)", "found = source.read(np.arange(len(source)))")
    done = subprocess.run(
        [sys.executable, "-c", whole, str(MORE), str(folder / "X.npy"), str(folder / "s.npy")],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode != 0
    assert "MemoryError" in done.stderr
