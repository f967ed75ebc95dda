"""Stores in the formats of other tools."""

from __future__ import annotations

import csv
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from seqexplain.errors import ParameterError, SeqExplainWarning, SequenceWarning, StorageError, TargetError
from seqexplain.motifs import open_contributions
from seqexplain.results import Attributions, Interval
from seqexplain.storage import begin_store, export, save

N, LENGTH = 300, 9  # more than one chunk of 256


def make_result(targets: int = 0, *, hypothetical: bool = True) -> Attributions:
    rng = np.random.default_rng(4)
    X = np.concatenate([np.eye(4), np.zeros((1, 4))]).astype(np.float32)[rng.integers(0, 5, (N, LENGTH))]
    per_target = (targets,) if targets else ()
    scores = rng.normal(size=(N, *per_target, LENGTH, 4)).astype(np.float32)
    return Attributions(
        contributions=scores * (X[:, None] if targets else X),
        X=X,
        predictions=rng.normal(size=(N, *per_target)).astype(np.float32),
        hypothetical=scores if hypothetical else None,
        completeness_error=rng.normal(size=(N, *per_target, 2)).astype(np.float32),
        names=tuple(f"p{i}" for i in range(N)),
        intervals=tuple(Interval("chr2", i, i + LENGTH, "-") for i in range(N)),
        targets=tuple("ab"[: max(1, targets)]),
        method="deeplift",
    )


@pytest.fixture
def result() -> Attributions:
    return make_result()


@pytest.fixture
def store(tmp_path: Path, result: Attributions) -> Path:
    save(result, tmp_path / "r.zarr")
    return tmp_path / "r.zarr"


def test_modisco_pair(store: Path, result: Attributions, tmp_path: Path) -> None:
    files = export(store, tmp_path / "out", format="modisco")
    assert [file.name for file in files] == ["ohe.npz", "shap.npz", "regions.bed"]
    with np.load(files[0]) as ohe, np.load(files[1]) as shap:
        assert ohe.files == shap.files == ["arr_0"]
        assert ohe["arr_0"].dtype == np.int8
        np.testing.assert_array_equal(ohe["arr_0"], result.X.transpose(0, 2, 1))
        np.testing.assert_array_equal(shap["arr_0"], result.hypothetical.transpose(0, 2, 1))
    assert files[2].read_text().splitlines()[299] == "chr2\t299\t308\tp299\t0\t-"


def test_h5_in_the_layout_of_chrombpnet(store: Path, result: Attributions, tmp_path: Path) -> None:
    (file,) = export(store, tmp_path / "r.h5", format="h5")
    with h5py.File(file) as data:
        np.testing.assert_array_equal(data["raw/seq"][:], result.X.transpose(0, 2, 1))
        np.testing.assert_array_equal(data["shap/seq"][:], result.hypothetical.transpose(0, 2, 1))
        np.testing.assert_array_equal(data["projected_shap/seq"][:], result.contributions.transpose(0, 2, 1))
        assert list(data["regions/name"].asstr()) == list(result.names)
        assert list(data["regions/start"]) == list(range(N))
        assert set(data["regions/strand"].asstr()) == {"-"}


def test_npz_with_everything(store: Path, result: Attributions, tmp_path: Path) -> None:
    (file,) = export(store, tmp_path / "r.npz")
    with np.load(file) as data:
        np.testing.assert_array_equal(data["one_hot"], result.X.transpose(0, 2, 1))
        np.testing.assert_array_equal(data["contributions"], result.contributions.transpose(0, 2, 1))
        np.testing.assert_array_equal(data["hypothetical"], result.hypothetical.transpose(0, 2, 1))
        np.testing.assert_array_equal(data["predictions"], result.predictions)
        assert list(data["names"]) == list(result.names)
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None


def test_effects_go_along(result: Attributions, tmp_path: Path) -> None:
    """The raw effects of a method that edits; and a store without them has no such array."""
    effects = np.random.default_rng(5).normal(size=result.X.shape).astype(np.float32)
    save(replace(result, effects=effects), tmp_path / "e.zarr")
    with np.load(export(tmp_path / "e.zarr", tmp_path / "e.npz")[0]) as data:
        np.testing.assert_array_equal(data["effects"], effects.transpose(0, 2, 1))
    with h5py.File(export(tmp_path / "e.zarr", tmp_path / "e.h5", format="h5")[0]) as data:
        np.testing.assert_array_equal(data["effects/seq"][:], effects.transpose(0, 2, 1))
    save(result, tmp_path / "r.zarr")
    with np.load(export(tmp_path / "r.zarr", tmp_path / "r.npz")[0]) as data:
        assert "effects" not in data.files


def test_the_same_store_gives_the_same_archive(store: Path, tmp_path: Path) -> None:
    (one,) = export(store, tmp_path / "1.npz")
    (other,) = export(store, tmp_path / "2.npz")
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("target", [1, -1, "b"])
def test_one_of_several_targets(tmp_path: Path, target: int | str) -> None:
    result = make_result(2)
    save(result, tmp_path / "r.zarr")
    (file,) = export(tmp_path / "r.zarr", tmp_path / "r.npz", target=target)
    with np.load(file) as data:
        np.testing.assert_array_equal(data["hypothetical"], result.hypothetical[:, 1].transpose(0, 2, 1))
        np.testing.assert_array_equal(data["predictions"], result.predictions[:, 1])


@pytest.mark.parametrize(("target", "message"), [(None, "choose one .*: a, b"), (2, "no target 2"), ("c", "'c'")])
def test_a_target_that_is_not_there(tmp_path: Path, target: int | str | None, message: str) -> None:
    save(make_result(2), tmp_path / "r.zarr")
    with pytest.raises(TargetError, match=message):
        export(tmp_path / "r.zarr", tmp_path / "r.npz", target=target)
    assert not (tmp_path / "r.npz").exists()


def test_without_hypothetical_scores_the_observed_ones_are_written(tmp_path: Path) -> None:
    result = make_result(hypothetical=False)
    save(result, tmp_path / "r.zarr")
    with pytest.warns(SeqExplainWarning, match="deeplift has no hypothetical scores"):
        _, shap, _ = export(tmp_path / "r.zarr", tmp_path / "out", format="modisco")
    with np.load(shap) as data:
        np.testing.assert_array_equal(data["arr_0"], result.contributions.transpose(0, 2, 1))


def test_bed_leaves_out_what_has_no_place(tmp_path: Path, result: Attributions) -> None:
    places = (None, *result.intervals[1:])
    save(replace(result, intervals=places), tmp_path / "r.zarr")
    with pytest.warns(SequenceWarning, match="1 of 300 sequences"):
        (file,) = export(tmp_path / "r.zarr", tmp_path / "r.bed", format="bed")
    lines = file.read_text().splitlines()
    assert len(lines) == N - 1
    assert lines[0] == "chr2\t1\t10\tp1\t0\t-"


def test_a_sequence_that_was_padded_at_the_begin_of_a_chromosome(tmp_path: Path, result: Attributions) -> None:
    """BED has no places below 0; beside arrays, places are as wide as these, and are read back."""
    width = result.X.shape[1]
    places = tuple(Interval("chr1", 100 * i - 7, 100 * i - 7 + width, "-") for i in range(len(result)))
    save(replace(result, intervals=places, lengths=None), tmp_path / "r.zarr")
    (file,) = export(tmp_path / "r.zarr", tmp_path / "r.bed", format="bed", target=0)
    starts = [int(line.split("\t")[1]) for line in file.read_text().splitlines()]
    assert starts == [max(0, place.start) for place in places]
    export(tmp_path / "r.zarr", tmp_path / "m", format="modisco", target=0)
    assert open_contributions(tmp_path / "m").intervals == places


def test_bed_without_coordinates(tmp_path: Path, result: Attributions) -> None:
    save(replace(result, intervals=None), tmp_path / "r.zarr")
    with pytest.raises(ParameterError, match="genome coordinates"):
        export(tmp_path / "r.zarr", tmp_path / "r.bed", format="bed")


@pytest.mark.parametrize("targets", [0, 2])
def test_tsv_has_a_line_a_sequence(tmp_path: Path, targets: int) -> None:
    result = make_result(targets)
    save(result, tmp_path / "r.zarr")
    (file,) = export(tmp_path / "r.zarr", tmp_path / "r.tsv", format="tsv")
    with file.open(newline="") as stream:
        lines = list(csv.DictReader(stream, delimiter="\t"))
    assert len(lines) == N
    last = lines[270]
    assert (last["name"], last["length"], last["start"]) == ("p270", "9", "270")
    prediction, error, total = (
        (result.predictions, result.completeness_error, result.contributions)
        if not targets
        else (result.predictions[:, 1], result.completeness_error[:, 1], result.contributions[:, 1])
    )
    suffix = ":b" if targets else ""
    assert float(last[f"prediction{suffix}"]) == pytest.approx(prediction[270], rel=1e-5)
    assert float(last[f"contribution_sum{suffix}"]) == pytest.approx(total[270].sum(), rel=1e-4, abs=1e-5)
    assert float(last[f"completeness_error{suffix}"]) == pytest.approx(abs(error[270]).max(), rel=1e-5)


def test_an_unfinished_store_gives_its_finished_part_on_request(tmp_path: Path, result: Attributions) -> None:
    path = tmp_path / "r.zarr"
    begin_store(path, 1, result.take(slice(100, 200)), n=N, chunk=100, intervals=True, lengths=False)
    with pytest.raises(StorageError, match="100 of 300"):
        export(path, tmp_path / "r.npz")
    (file,) = export(path, tmp_path / "r.npz", allow_incomplete=True)
    with np.load(file) as data:
        np.testing.assert_array_equal(data["one_hot"], result.X[100:200].transpose(0, 2, 1))


@pytest.mark.parametrize("format", ["npz", "h5", "bed", "tsv", "modisco"])
def test_files_are_replaced_on_request_only(store: Path, tmp_path: Path, format: str) -> None:
    out = tmp_path / "out"
    export(store, out, format=format)
    with pytest.raises(StorageError, match="exists already"):
        export(store, out, format=format)
    assert export(store, out, format=format, overwrite=True)
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("format", ["npz", "h5", "bed", "tsv", "modisco"])
def test_a_damaged_store_leaves_no_file(store: Path, tmp_path: Path, format: str) -> None:
    (store / "names" / "c" / "1").unlink()
    with pytest.raises(StorageError, match="damaged"):
        export(store, tmp_path / "out", format=format)
    left = [file for file in tmp_path.rglob("*") if file.is_file() and store not in file.parents]
    assert left == []


def test_bad_requests(store: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="choose one of modisco, h5, npz, bed, bigwig, tsv"):
        export(store, tmp_path / "r", format="csv")
    with pytest.raises(StorageError, match=r"folder .* does not exist"):
        export(store, tmp_path / "none" / "r.npz")
    with pytest.raises(StorageError, match="is a folder"):
        export(store, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="is a file"):
        export(store, tmp_path / "file", format="modisco")


def test_an_empty_store(tmp_path: Path, result: Attributions) -> None:
    save(result.take(slice(0, 0)), tmp_path / "r.zarr")
    for format in ("npz", "h5", "bed", "tsv", "modisco"):
        export(tmp_path / "r.zarr", tmp_path / format, format=format)
    with np.load(tmp_path / "modisco" / "shap.npz") as data:
        assert data["arr_0"].shape == (0, 4, LENGTH)


_PEAK = """
import pathlib, re, sys
import numpy as np
from seqexplain.results import Attributions
from seqexplain.storage import begin_store, export
n, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
rng = np.random.default_rng(0)
X = np.eye(4, dtype=np.float32)[rng.integers(0, 4, (256, 500))]
scores = rng.normal(size=X.shape).astype(np.float32)
block = Attributions(scores * X, X, scores[:, 0, 0], hypothetical=scores, targets=("a",))
writer = begin_store(folder / "r.zarr", 0, block, n=n, chunk=256, intervals=False, lengths=False)
for index in range(1, n // 256):
    writer.write(index, block)
for format in ("modisco", "npz", "h5", "tsv"):
    export(folder / "r.zarr", folder / format, format=format)
# the peak of this program alone: getrusage also counts the parent at the time of the fork
print(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_number_of_sequences(tmp_path: Path) -> None:
    peaks = []
    for n in (256 * 10, 256 * 80):
        folder = tmp_path / str(n)
        folder.mkdir()
        command = [sys.executable, "-c", _PEAK, str(n), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) * 1024)
    # the scores of the larger job are 164 MB, its one-hot in float32 as much again
    assert peaks[1] - peaks[0] < 25e6


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
@pytest.mark.parametrize("format", ["npz", "h5"])
def test_a_file_that_may_not_grow_is_an_error(store: Path, tmp_path: Path, format: str) -> None:
    code = (
        "import resource, sys\n"
        "from seqexplain.storage import export\n"
        "from seqexplain.errors import StorageError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "try:\n    export(sys.argv[1], sys.argv[2], format=sys.argv[3])\n"
        "except StorageError as error:\n    sys.exit(str(error))\n"
    )
    command = [sys.executable, "-c", code, str(store), str(tmp_path / "r.out"), format]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "r.out: the file would be larger than allowed" in done.stderr
    assert done.returncode == 1, "an error, not a crash of the HDF5 library"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.zarr"]
