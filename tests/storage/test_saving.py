"""Results in memory to disk and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seqexplain.errors import MissingFileError, ParameterError, ShapeError, StorageError
from seqexplain.results import Attributions, Interval
from seqexplain.storage import ResultStore, StoreWriter, begin_store, load, save

ARRAYS = (
    "contributions",
    "hypothetical",
    "X",
    "predictions",
    "reference_predictions",
    "completeness_error",
    "per_reference",
    "effects",
    "spread",
    "diagnostics",
    "lengths",
)


def make_result(
    n: int = 7,
    length: int = 12,
    *,
    targets: int = 0,
    hypothetical: bool = True,
    references: int = 3,
    seed: int = 0,
    **more: object,
) -> Attributions:
    """Random scores that keep the promise contributions = hypothetical × X; `targets=0` is a single one."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 5, (n, length))
    X = np.concatenate([np.eye(4), np.zeros((1, 4))]).astype(np.float32)[codes]
    per_target = (targets,) if targets else ()
    scores = rng.normal(size=(n, *per_target, length, 4)).astype(np.float32)
    observed = scores * (X[:, None] if targets else X)
    return Attributions(
        contributions=observed,
        X=X,
        predictions=rng.normal(size=(n, *per_target)).astype(np.float32),
        hypothetical=scores if hypothetical else None,
        reference_predictions=(
            rng.normal(size=(n, *per_target, references)).astype(np.float32) if references else None
        ),
        completeness_error=(rng.normal(size=(n, *per_target, references)).astype(np.float32) if references else None),
        names=tuple(f"peak {i} µ" for i in range(n)),
        targets=tuple(f"task:{t}" for t in range(max(1, targets))),
        method="deeplift",
        parameters={"seed": 3, "rule": "rescale", "background": (0.3, 0.2)},
        **more,  # type: ignore[arg-type]
    )


def assert_same(one: Attributions, other: Attributions) -> None:
    for name in ARRAYS:
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine is None or theirs is None:
            assert mine is None, name
            assert theirs is None, name
        else:
            np.testing.assert_array_equal(mine, theirs, err_msg=name)
            assert mine.dtype == theirs.dtype, name
    assert one.names == other.names
    assert one.intervals == other.intervals
    assert one.targets == other.targets
    assert one.method == other.method


def entries(folder: Path) -> list[str]:
    """What stands in a folder: nothing may be left beside a store."""
    return sorted(path.name for path in folder.iterdir())


INTERVALS = (
    *(Interval("chr1", 10 * i, 10 * i + 12, strand) for i, strand in enumerate("+-.")),
    None,
    *(Interval("chrUn_ü", 2**40 + i, 2**40 + i + 12) for i in range(3)),
)


@pytest.mark.parametrize("targets", [0, 1, 3])
@pytest.mark.parametrize("hypothetical", [True, False])
@pytest.mark.parametrize("references", [0, 3])
@pytest.mark.parametrize("intervals", [None, INTERVALS])
def test_what_is_saved_is_loaded(
    tmp_path: Path, targets: int, hypothetical: bool, references: int, intervals: object
) -> None:
    result = make_result(targets=targets, hypothetical=hypothetical, references=references, intervals=intervals)
    save(result, tmp_path / "a.zarr")
    back = load(tmp_path / "a.zarr")
    assert_same(back, result)
    assert back.parameters == {"seed": 3, "rule": "rescale", "background": [0.3, 0.2]}
    assert entries(tmp_path) == ["a.zarr"]


def test_lengths_come_back(tmp_path: Path) -> None:
    result = make_result(lengths=np.arange(7, dtype=np.int64) + 3)
    save(result, tmp_path / "a.zarr")
    assert_same(load(tmp_path / "a.zarr"), result)


@pytest.mark.parametrize("targets", [0, 2])
def test_what_some_methods_add_comes_back(tmp_path: Path, targets: int) -> None:
    result = make_result(targets=targets)
    rng, shape = np.random.default_rng(1), result.contributions.shape
    many = (*shape[:-2], 3, *shape[-2:])
    X = result.X[:, None] if targets else result.X
    more = {"effects": rng.normal(size=shape), "per_reference": rng.normal(size=many), "spread": rng.random(shape) * X}
    more["diagnostics"] = rng.normal(size=(*result.predictions.shape, 2))
    result = replace(result, **{name: value.astype(np.float32) for name, value in more.items()})
    save(result, tmp_path / "a.zarr")
    assert_same(load(tmp_path / "a.zarr"), result)
    plain = begin_store(tmp_path / "b.zarr", 0, make_result(), n=7, chunk=7, intervals=False, lengths=False)
    with pytest.raises(ShapeError, match="which the first block of this store had not"):
        plain.write(0, replace(make_result(), effects=make_result().hypothetical))


@pytest.mark.parametrize("n", [0, 1, 255, 256, 257, 600])
def test_any_number_of_sequences_over_chunk_edges(tmp_path: Path, n: int) -> None:
    result = make_result(n, 5, targets=2)
    save(result, tmp_path / "a.zarr")
    store = ResultStore(tmp_path / "a.zarr")
    assert len(store) == store.n_done == n
    assert_same(store.read(), result)
    assert [len(block) for block in store] == [256] * (n // 256) + [n % 256] * (n % 256 > 0)
    assert list(store.names()) == list(result.names)


@pytest.mark.parametrize(
    "rows",
    [
        slice(250, 270),
        slice(None, None, -100),
        [599, 0, 256, 255, 0, -1],
        np.arange(600) % 7 == 0,
        [],
        np.array([], dtype=np.int64),
    ],
)
def test_rows_in_the_order_asked_for(tmp_path: Path, rows: object) -> None:
    result = make_result(600, 5)
    save(result, tmp_path / "a.zarr")
    wanted = np.array(rows, dtype=np.int64) if isinstance(rows, list) else rows
    assert_same(load(tmp_path / "a.zarr", rows=rows), result.take(wanted))


def test_a_row_that_does_not_exist(tmp_path: Path) -> None:
    save(make_result(), tmp_path / "a.zarr")
    with pytest.raises(ParameterError, match=r"7 sequences \(positions 0 to 6\)"):
        load(tmp_path / "a.zarr", rows=[7])


def test_a_sequence_by_name(tmp_path: Path) -> None:
    result = replace(make_result(300, 5), names=(*(f"s{i}" for i in range(298)), "twice", "twice"))
    save(result, tmp_path / "a.zarr")
    store = ResultStore(tmp_path / "a.zarr")
    assert store.row("s280") == 280
    assert_same(store.sequence("s280"), result.take([280]))
    with pytest.raises(ParameterError, match="no sequence named 'S1'; it has s0, s1, s2"):
        store.row("S1")
    with pytest.raises(ParameterError, match="2 sequences named 'twice', at positions 298, 299"):
        store.row("twice")


def test_a_store_is_replaced_on_request_only(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    save(make_result(seed=1), path)
    with pytest.raises(StorageError, match="exists already"):
        save(make_result(seed=2), path)
    assert_same(load(path), make_result(seed=1))
    save(make_result(n=3, seed=2), path, overwrite=True)
    assert_same(load(path), make_result(n=3, seed=2))
    assert entries(tmp_path) == ["a.zarr"]


@pytest.mark.parametrize("kind", ["file", "folder", "foreign zarr"])
def test_what_is_not_ours_is_never_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.zarr"
    if kind == "file":
        path.write_text("precious")
    else:
        path.mkdir()
        (path / "zarr.json").write_text(
            "precious" if kind == "folder" else json.dumps({"node_type": "group", "attributes": {}})
        )
    with pytest.raises(StorageError, match="not a result store"):
        save(make_result(), path, overwrite=True)
    with pytest.raises(StorageError, match="not a result store"):
        load(path)
    assert path.is_file() or (path / "zarr.json").read_text()


def test_a_failing_save_leaves_nothing_new_and_the_old_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.zarr"
    save(make_result(seed=1), path)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(StoreWriter, "_mark", fail)
    with pytest.raises(StorageError, match="disk is full"):
        save(make_result(seed=2), path, overwrite=True)
    assert entries(tmp_path) == ["a.zarr"]
    assert_same(load(path), make_result(seed=1))


def test_unwritable_places_are_errors_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"does not exist\. Make it first"):
        save(make_result(), tmp_path / "none" / "a.zarr")
    with pytest.raises(StorageError, match="does not exist"):
        save(make_result(), tmp_path / "file" / "a.zarr")
    with pytest.raises(StorageError, match="too long"):
        save(make_result(), tmp_path / ("a" * 300))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="you may not write there"):
            save(make_result(), tmp_path / "a.zarr")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("targets", [0, 2])
@pytest.mark.parametrize("hypothetical", [True, False])
def test_contributions_that_cannot_be_derived_again_are_refused(
    tmp_path: Path, targets: int, hypothetical: bool
) -> None:
    result = make_result(targets=targets, hypothetical=hypothetical)
    wrong = result.contributions.copy()
    row = int(np.argwhere(result.X.sum(axis=-1) == 1)[3, 0])
    wrong[row] += 0.1
    with pytest.raises(ShapeError, match=f"'peak {row} µ'"):
        save(replace(result, contributions=wrong), tmp_path / "a.zarr")
    assert entries(tmp_path) == []


def test_soft_sequences_are_refused(tmp_path: Path) -> None:
    result = make_result()
    X = np.full_like(result.X, 0.25)
    with pytest.raises(ShapeError, match="one-hot"):
        save(replace(result, X=X, contributions=result.hypothetical * X), tmp_path / "a.zarr")


def test_parameters_that_json_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"parameters.model is of class object"):
        save(replace(make_result(), parameters={"model": object()}), tmp_path / "a.zarr")
    save(replace(make_result(), parameters={"eps": np.float32(0.5), "top": np.inf}), tmp_path / "a.zarr")
    assert load(tmp_path / "a.zarr").parameters == {"eps": 0.5, "top": "inf"}


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"no result store at .*none\.zarr"):
        load(tmp_path / "none.zarr")


def test_an_incomplete_store_says_how_far_it_got(tmp_path: Path) -> None:
    result, path = make_result(10, 5), tmp_path / "a.zarr"
    writer = begin_store(
        path,
        2,
        result.take(slice(8, 10)),
        n=10,
        chunk=4,
        intervals=False,
        lengths=False,
        run={"command": "seqexplain explain m.keras p.fa -o a.zarr"},
    )
    with pytest.raises(StorageError, match=r"2 of 10 .* explain m.keras p.fa -o a.zarr, or pass allow_inc"):
        load(path)
    assert_same(load(path, allow_incomplete=True), result.take(slice(8, 10)))
    writer.write(0, result.take(slice(0, 4)))
    assert_same(load(path, allow_incomplete=True), result.take([0, 1, 2, 3, 8, 9]))
    with pytest.raises(StorageError, match=r"Sequences 4 to 7 .* not explained yet"):
        load(path, rows=[0, 5], allow_incomplete=True)
    writer.write(1, result.take(slice(4, 8)))
    assert_same(load(path), result)


def test_a_block_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    result, path = make_result(10, 5), tmp_path / "a.zarr"
    writer = begin_store(path, 0, result.take(slice(0, 4)), n=10, chunk=4, intervals=False, lengths=False)
    with pytest.raises(ShapeError, match=r"wants \(4, 5, 4\)"):
        writer.write(1, result.take(slice(4, 7)))
    with pytest.raises(ShapeError, match="nothing for hypothetical"):
        writer.write(1, replace(result.take(slice(4, 8)), hypothetical=None))
    assert ResultStore(path, allow_incomplete=True).n_done == 4


@pytest.mark.parametrize("damage", ["lost", "cut", "flipped"])
def test_a_damaged_chunk_is_an_error(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.zarr"
    save(make_result(300, 5), path)
    file = path / "hypothetical" / "c" / "1" / "0" / "0"
    whole = file.read_bytes()
    if damage == "lost":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(whole[:-5])
    else:
        file.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    with pytest.raises(StorageError, match=r"damaged at sequences 256 to 299 \(hypothetical\)"):
        load(path)
    assert len(load(path, rows=slice(0, 256))) == 256


@pytest.mark.parametrize("edit", ["lost array", "cut", "newer"])
def test_damaged_metadata_is_an_error(tmp_path: Path, edit: str) -> None:
    path = tmp_path / "a.zarr"
    save(make_result(), path)
    if edit == "lost array":
        (path / "codes" / "zarr.json").unlink()
    elif edit == "cut":
        (path / "codes" / "zarr.json").write_text("{")
    else:
        described = json.loads((path / "zarr.json").read_text())
        described["attributes"]["seqexplain"]["format_version"] = 99
        (path / "zarr.json").write_text(json.dumps(described))
    with pytest.raises(StorageError, match="format version 99" if edit == "newer" else "is damaged"):
        load(path)


def test_other_tools_can_read_the_arrays(tmp_path: Path) -> None:
    """The layout that the package documents, read with zarr alone."""
    import zarr

    result = make_result(targets=2, intervals=INTERVALS)
    save(result, tmp_path / "a.zarr")
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    np.testing.assert_array_equal(group["hypothetical"][:], result.hypothetical)
    codes = group["codes"][:]
    assert codes.dtype == np.uint8
    np.testing.assert_array_equal(codes == 4, result.X.sum(axis=-1) == 0)
    np.testing.assert_array_equal((codes[..., None] == np.arange(4)).astype(np.float32), result.X)
    assert list(group["names"][:]) == list(result.names)
    assert list(group["strand"][:]) == [1, 2, 3, 0, 1, 1, 1]
    assert group["start"][5] == 2**40 + 1
    assert group["hypothetical"].metadata.dimension_names == ("sequence", "target", "position", "base")
    assert list(group["done"][:]) == [1]


def test_the_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        save(make_result(300, 5), tmp_path / name)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) > 10
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_importing_loads_nothing_heavy() -> None:
    code = (
        "import sys, seqexplain.storage, seqexplain.pipeline\n"
        "heavy = {'zarr', 'h5py', 'pandas', 'rich', 'numba', 'keras', 'tensorflow'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
