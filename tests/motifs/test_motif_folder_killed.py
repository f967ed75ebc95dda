"""`kill -9` while motifs are written: what stood there stands, and the next run leaves nothing of the killed one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seqexplain.errors import StorageError
from seqexplain.motifs import PatternSet, load_motifs, open_contributions, save_motifs, stack_pattern
from seqexplain.results import Attributions
from seqexplain.storage import save
from seqexplain.storage._lock import writer_lock

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")

ROOT = str(Path(__file__).parents[2])

# kills itself at the n-th call of a function that writes, or of the renames that put the folder in its place
_CHILD = """
import os, resource, signal, sys
from pathlib import Path
from seqexplain.motifs import _motif_folder, load_motifs, save_motifs
store, old, out, where, times = sys.argv[1:]
found = load_motifs(old)
left = [int(times)]
def dying(function):
    def call(*arguments, **options):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call
if where == "rename":
    inner = Path.rename
    Path.rename = dying(inner)
elif where == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(times), int(times)))
elif where != "nowhere":
    setattr(_motif_folder, where, dying(getattr(_motif_folder, where)))
save_motifs(found, out, store, overwrite=True)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, and a folder of motifs found in it."""
    folder = tmp_path_factory.mktemp("made")
    rng = np.random.default_rng(1)
    X = np.eye(4, dtype=np.float32)[rng.integers(0, 4, (6, 40))]
    scores = rng.normal(size=X.shape).astype(np.float32)
    result = Attributions(
        contributions=scores * X, X=X, predictions=np.zeros(6, np.float32), hypothetical=scores, targets=("t",),
        method="made up",
    )  # fmt: skip
    save(result, folder / "peaks.zarr")
    source = open_contributions(folder / "peaks.zarr")
    pattern = stack_pattern(source, [0, 1, 2], [2, 5, 11], 9, ["+", "-", "+"])
    save_motifs(PatternSet.of(source, [pattern], method="fast", parameters={}, notes=["old"]), folder / "m", source)
    return folder


def run(made: Path, out: str, where: str, times: int = 1) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _CHILD, str(made / "peaks.zarr"), str(made / "m"), out, where, str(times)]
    environment = os.environ | {"PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize(
    ("where", "times"),
    [
        ("write_table", 2), ("rename", 2), pytest.param("write_patterns", 1, marks=pytest.mark.slow),
        pytest.param("write_motifs", 1, marks=pytest.mark.slow), pytest.param("rename", 1, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_the_next_run_cleans_up(made, tmp_path, where, times):
    out = tmp_path / "m"
    source = open_contributions(made / "peaks.zarr")
    found = load_motifs(made / "m")
    save_motifs(found, out, source)
    old = (out / "motifs.json").read_bytes()
    assert run(made, str(out), where, times).returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) > 1, "killed in the middle"
    if (where, times) != ("rename", 2):  # between the two renames neither stands there
        assert (out / "motifs.json").read_bytes() == old
        assert len(load_motifs(out)) == 1
    save_motifs(found, out, source, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert len(load_motifs(out)) == 1


def test_what_another_process_is_writing_is_left_alone(made, tmp_path):
    staged = tmp_path / ".m.seqexplain-new"
    staged.mkdir()
    (staged / "motifs.h5").write_text("half")
    source, found = open_contributions(made / "peaks.zarr"), load_motifs(made / "m")
    with writer_lock(tmp_path / "m"), pytest.raises(StorageError, match="/m is being written by process"):
        save_motifs(found, tmp_path / "m", source)
    assert (staged / "motifs.h5").read_text() == "half"


def test_a_link_is_followed(made, tmp_path):
    source, found = open_contributions(made / "peaks.zarr"), load_motifs(made / "m")
    save_motifs(found, tmp_path / "real", source)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    save_motifs(found, tmp_path / "link", source, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]
    assert (tmp_path / "link").is_symlink()
    assert len(load_motifs(tmp_path / "real")) == 1


# one that the HDF5 file does not fit into, and one for a picture
@pytest.mark.parametrize("bytes_allowed", [2000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_a_disk_that_is_full_is_told_by_the_name_that_was_asked_for(made, tmp_path, bytes_allowed):
    pytest.importorskip("resource")
    done = run(made, str(tmp_path / "m"), "limit", bytes_allowed)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "StorageError" in last
    assert f"Cannot write {tmp_path / 'm'}" in last
    assert "seqexplain-new" not in last
    assert list(tmp_path.iterdir()) == []
