"""Jobs: resuming, refusing to mix, bad input, locks, progress, memory."""

from __future__ import annotations

import dataclasses
import errno
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from seqexplain.errors import MissingFileError, ParameterError, SequenceError, SequenceWarning, StorageError
from seqexplain.pipeline import SequenceSource, run, survey
from seqexplain.sequences import RecordSource
from seqexplain.storage import ResultStore, load, peek, writer_lock


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def files_in(store: Path) -> dict[Path, bytes]:
    return {path.relative_to(store): path.read_bytes() for path in store.rglob("*") if path.is_file()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.zarr"


def interrupted(toy: ModuleType, path: Path, n: int = 50, *, after: int = 3, **options: Any) -> Any:
    """Leave a store whose job was stopped by Ctrl-C in batch number `after`; give the explainer."""
    explainer = toy.NumpyExplainer(8, **options)
    explain = explainer.explain

    def stop(*args: Any, **more: Any) -> Any:
        if len(explainer.calls) == after:
            raise KeyboardInterrupt
        return explain(*args, **more)

    explainer.explain = stop
    with pytest.raises(KeyboardInterrupt):
        run(explainer, toy.source_of(n), path, chunk=10, progress=False)
    return explainer


def test_a_job_stores_what_one_call_gives(toy: ModuleType, path: Path) -> None:
    records = list(toy.records(50))
    report = run(toy.NumpyExplainer(8), toy.source_of(50), path, progress=False, command="the command")
    assert (report.sequences, report.explained, report.already_complete) == (50, 50, False)
    result = load(path)
    alone = toy.NumpyExplainer(8).explain(result.X, start=0)
    np.testing.assert_array_equal(result.hypothetical, alone.hypothetical)
    np.testing.assert_array_equal(result.predictions, alone.predictions)
    assert result.names == tuple(record.name for record in records)
    assert result.intervals == tuple(record.interval for record in records)
    assert result.lengths is None
    attrs = ResultStore(path).attrs
    assert attrs["parameters"] == {"seed": 0, "rule": "linear", "background": [0.3, 0.2]}
    assert attrs["run"]["command"] == "the command"
    assert attrs["run"]["batch_sequences"] == 8
    assert attrs["run"]["provenance"]["model"]["sha256"] == "f" * 64
    assert attrs["run"]["input"]["sequences"] == 50
    assert entries(path.parent) == ["out.zarr"]


def test_batches_are_those_of_the_explainer(toy: ModuleType, path: Path) -> None:
    explainer = toy.NumpyExplainer(8)
    run(explainer, toy.source_of(50), path, chunk=20, progress=False)
    assert [call[:2] for call in explainer.calls] == [
        (0, 8), (8, 8), (16, 4), (20, 8), (28, 8), (36, 4), (40, 8), (48, 2),
    ]  # fmt: skip


@pytest.mark.parametrize("batch", [1, 8, 100, 300])
def test_by_default_chunks_are_whole_batches(toy: ModuleType, path: Path, batch: int) -> None:
    run(toy.NumpyExplainer(batch), toy.source_of(400), path, progress=False)
    chunk = ResultStore(path).layout.chunk
    assert chunk % batch == 0
    assert batch <= chunk <= max(256, batch)


@pytest.mark.parametrize("by_position", [True, False])
def test_each_sequence_is_explained_at_its_own_length(toy: ModuleType, path: Path, by_position: bool) -> None:
    explainer = toy.NumpyExplainer(8)
    explainer.by_position = by_position
    run(explainer, toy.source_of(50, varied=True), path, chunk=25, progress=False)
    result, records = load(path), list(toy.records(50, varied=True))
    assert list(result.lengths) == [len(record.sequence) for record in records]
    assert {length for _, _, length in explainer.calls} == {28, 29, 30}
    # runs of 5 sequences of one length follow each other; sorted, a chunk has 10, 10 and 5
    assert [b for _, b, _ in explainer.calls][:5] == ([5] * 5 if by_position else [5, 8, 2, 8, 2])
    for i, record in enumerate(records):
        size = len(record.sequence)
        alone = toy.NumpyExplainer(1).explain(result.X[i : i + 1, :size], start=i)
        np.testing.assert_array_equal(result.hypothetical[i, :size], alone.hypothetical[0])
        assert not result.hypothetical[i, size:].any()
        assert not result.X[i, size:].any()
        if by_position:
            assert result.predictions[i] == alone.predictions[0]


def test_ctrl_c_leaves_a_store_to_go_on_with(
    toy: ModuleType, path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    interrupted(toy, path, after=5)
    assert "Interrupted: 20 of 50 sequences are stored" in caplog.text
    assert "Run the same command to go on" in caplog.text
    with pytest.raises(StorageError, match="20 of 50"):
        load(path)
    explainer = toy.NumpyExplainer(8)
    assert run(explainer, toy.source_of(50), path, progress=False).explained == 30
    assert explainer.calls[0][0] == 20
    run(toy.NumpyExplainer(8), toy.source_of(50), tmp_path / "whole", chunk=10, progress=False)
    assert files_in(path) == files_in(tmp_path / "whole")


def test_ctrl_c_before_the_first_chunk_leaves_nothing(toy: ModuleType, path: Path) -> None:
    interrupted(toy, path, after=1)
    assert entries(path.parent) == []


def test_a_finished_store_is_left_alone(toy: ModuleType, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run(toy.NumpyExplainer(8), toy.source_of(50), path, progress=False)
    before = files_in(path)
    explainer = toy.NumpyExplainer(8)
    with caplog.at_level(logging.INFO):
        report = run(explainer, toy.source_of(50), path, progress=False)
    assert report.already_complete
    assert not explainer.calls
    assert "already complete" in caplog.text
    assert files_in(path) == before


CHANGES: dict[str, tuple[Callable[[ModuleType], tuple[Any, Any]], str]] = {
    "seed": (lambda toy: (toy.NumpyExplainer(8, seed=1), toy.source_of(50)), r"parameters.seed was 0, now 1"),
    "batch": (
        lambda toy: (toy.NumpyExplainer(4), toy.source_of(50)),
        r"batch_sequences was 8, now 4. Ask for the old batch size, 8",
    ),
    "package": (
        lambda toy: (toy.NumpyExplainer(8, seqexplain="0.2.0"), toy.source_of(50)),
        r"provenance.seqexplain was '0.1.0', now '0.2.0'. Use the software and the device it was begun with",
    ),
    "model": (
        lambda toy: (toy.NumpyExplainer(8, model={"sha256": "e" * 64}), toy.source_of(50)),
        r"provenance.model.sha256 was ffffffffffff…, now eeeeeeeeeeee…",
    ),
    "order": (
        lambda toy: (
            toy.NumpyExplainer(8),
            SequenceSource(lambda: reversed(list(toy.records(50))), "toy.fa"),
        ),
        r"input.content_sha256 was",
    ),
    "more": (lambda toy: (toy.NumpyExplainer(8), toy.source_of(51)), r"input.sequences was 50, now 51"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("complete", [True, False])
def test_another_run_is_never_mixed_in(
    toy: ModuleType, path: Path, tmp_path: Path, change: str, complete: bool
) -> None:
    if complete:
        run(toy.NumpyExplainer(8), toy.source_of(50), path, chunk=10, progress=False)
    else:
        interrupted(toy, path)
    before = files_in(path)
    make, message = CHANGES[change]
    explainer, source = make(toy)
    with pytest.raises(StorageError, match=message) as caught:
        run(explainer, source, path, progress=False)
    assert "(--overwrite)" in str(caught.value)
    assert not explainer.calls
    assert files_in(path) == before
    run(explainer, source, path, chunk=10, progress=False, overwrite=True)
    run(explainer, source, tmp_path / "whole", chunk=10, progress=False)
    assert files_in(path) == files_in(tmp_path / "whole")


def test_targets_and_method_belong_to_the_run(toy: ModuleType, path: Path) -> None:
    interrupted(toy, path)
    explainer = toy.NumpyExplainer(8)
    explainer.targets, explainer.method = ("other",), "lrp"
    with pytest.raises(StorageError, match=r"method was 'toy', now 'lrp'; targets was \['t'\], now"):
        run(explainer, toy.source_of(50), path, progress=False)


def test_what_changes_no_number_is_no_reason_to_refuse(toy: ModuleType, path: Path) -> None:
    interrupted(toy, path)
    model = {"sha256": "f" * 64, "path": "/moved/model.keras"}
    explainer = toy.NumpyExplainer(8, python="3.12.1", model=model)
    source = dataclasses.replace(toy.source_of(50), label="moved.fa")
    assert run(explainer, source, path, progress=False, command="with -v").explained == 40
    assert ResultStore(path).complete


def test_the_batch_size_of_an_unfinished_store_can_be_learned(toy: ModuleType, path: Path) -> None:
    assert peek(path) is None
    interrupted(toy, path)
    known = peek(path)
    assert known is not None
    assert known["run"]["batch_sequences"] == 8
    assert known["parameters"]["seed"] == 0


def test_a_model_in_no_file_is_never_taken_for_the_old_one(toy: ModuleType, path: Path) -> None:
    interrupted(toy, path, model={"sha256": None, "path": None})
    explainer = toy.NumpyExplainer(8, model={"sha256": None, "path": None})
    with pytest.raises(StorageError, match="the model is in no file"):
        run(explainer, toy.source_of(50), path, progress=False)
    assert run(explainer, toy.source_of(50), path, progress=False, overwrite=True).explained == 50


def test_a_survey_made_before_is_used(toy: ModuleType, path: Path) -> None:
    times = 0

    def records() -> Iterator[Any]:
        nonlocal times
        times += 1
        return toy.records(50)

    source = SequenceSource(records, "toy.fa")
    run(toy.NumpyExplainer(8), source, path, found=survey(source), progress=False)
    assert times == 2


def test_another_chunk_size_is_refused(toy: ModuleType, path: Path) -> None:
    interrupted(toy, path)
    with pytest.raises(StorageError, match="begun with 10 sequences a chunk, not 20"):
        run(toy.NumpyExplainer(8), toy.source_of(50), path, chunk=20, progress=False)
    with pytest.raises(ParameterError, match="chunk is 0"):
        run(toy.NumpyExplainer(8), toy.source_of(50), path, chunk=0, progress=False)


def test_overwriting_goes_on_with_an_unfinished_store_of_the_same_run(toy: ModuleType, path: Path) -> None:
    interrupted(toy, path)
    explainer = toy.NumpyExplainer(8)
    assert run(explainer, toy.source_of(50), path, progress=False, overwrite=True).explained == 40
    assert run(explainer, toy.source_of(50), path, progress=False, overwrite=True).explained == 50


def test_an_old_store_stays_until_the_new_one_has_a_chunk(toy: ModuleType, path: Path) -> None:
    run(toy.NumpyExplainer(8), toy.source_of(50), path, chunk=10, progress=False)
    before = files_in(path)
    explainer = toy.NumpyExplainer(8, seed=1)
    explainer.explain = lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        run(explainer, toy.source_of(50), path, chunk=10, progress=False, overwrite=True)
    assert files_in(path) == before


@pytest.mark.parametrize("overwrite", [True, False])
def test_what_is_not_ours_is_never_touched(toy: ModuleType, path: Path, overwrite: bool) -> None:
    path.mkdir()
    (path / "thesis.tex").write_text("precious")
    with pytest.raises(StorageError, match="never overwritten"):
        run(toy.NumpyExplainer(8), toy.source_of(5), path, progress=False, overwrite=overwrite)
    assert entries(path) == ["thesis.tex"]
    assert entries(path.parent) == ["out.zarr"]


def source_with(toy: ModuleType, position: int, **changed: Any) -> Any:
    def records() -> Iterator[Any]:
        for i, record in enumerate(toy.records(50)):
            yield dataclasses.replace(record, **changed) if i == position else record

    return SequenceSource(records, "toy.fa")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sequence": ""}, r"toy.fa, sequence number 41 \('s40'\): it is empty"),
        ({"sequence": "ACGTAC-GT" + "A" * 21}, r"toy.fa, sequence number 41 \('s40'\): .*'-'"),
        ({"sequence": "ACGT" * 5}, r"sequence number 41 \('s40'\): it has 20 bp; the model wants 30"),
        (
            {"sequence": "", "source": RecordSource("real.fa", 41, 99)},
            r"real.fa, record 41, line 99 \('s40'\): it is empty",
        ),
    ],
)
def test_bad_input_is_an_error_before_any_work(
    toy: ModuleType, path: Path, changed: dict[str, Any], message: str
) -> None:
    explainer = toy.NumpyExplainer(8)
    with pytest.raises(SequenceError, match=message):
        run(explainer, source_with(toy, 40, **changed), path, chunk=10, length=30, progress=False)
    assert not explainer.calls
    assert entries(path.parent) == []


def test_no_sequences_at_all(toy: ModuleType, path: Path) -> None:
    with pytest.raises(SequenceError, match=r"toy.fa holds no sequences"):
        run(toy.NumpyExplainer(8), toy.source_of(0), path, progress=False)


def test_names_that_occur_twice_are_told_and_kept(toy: ModuleType, path: Path) -> None:
    with pytest.warns(SequenceWarning, match=r"toy.fa: 1 names belong to more than one sequence \('s7'\)"):
        run(toy.NumpyExplainer(8), source_with(toy, 40, name="s7"), path, progress=False)
    with pytest.raises(ParameterError, match="at positions 7, 40"):
        ResultStore(path).row("s7")


def test_survey_finds_lengths_places_and_a_digest_of_all_content(toy: ModuleType) -> None:
    plain = survey(toy.source_of(60))
    assert (plain.n, plain.length, plain.shortest, plain.varied, plain.intervals) == (60, 30, 30, False, True)
    varied = survey(toy.source_of(20, varied=True))
    assert (varied.length, varied.shortest, varied.varied, varied.intervals) == (30, 28, True, False)
    digests = {plain.digest, varied.digest}
    base = list(toy.records(60))
    one, other = base[0], base[1]
    for first in (
        dataclasses.replace(one, name="s"),
        dataclasses.replace(one, sequence="A" * 30),
        dataclasses.replace(one, interval=base[54].interval),
        # the border between name and sequence counts
        dataclasses.replace(one, name=one.name + one.sequence[0], sequence=one.sequence[1:]),
    ):
        digests.add(survey(SequenceSource(lambda first=first: iter([first, other]), "")).digest)
    assert len(digests) == 6


def test_files_behind_the_input_are_hashed(toy: ModuleType, path: Path, tmp_path: Path) -> None:
    (tmp_path / "in.fa").write_bytes(b"abc")
    source = dataclasses.replace(toy.source_of(5), files=(tmp_path / "in.fa",))
    run(toy.NumpyExplainer(8), source, path, progress=False)
    (digest,) = ResultStore(path).attrs["run"]["input"]["files"].values()
    assert digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, "abc"
    with pytest.raises(MissingFileError, match="no file"):
        run(toy.NumpyExplainer(8), dataclasses.replace(source, files=(tmp_path / "none",)), path)


@pytest.mark.parametrize("kind", ["other bases", "fewer", "more", "longer", "gone"])
def test_an_input_that_changes_while_it_is_read(toy: ModuleType, path: Path, kind: str) -> None:
    times = 0

    def records() -> Iterator[Any]:
        nonlocal times
        times += 1
        if times == 1:
            return toy.records(50)
        if kind == "gone":
            raise MissingFileError("There is no file toy.fa.")
        if kind in ("fewer", "more"):
            return toy.records(49 if kind == "fewer" else 51)
        sequence = "A" * (30 if kind == "other bases" else 31)
        return source_with(toy, 45, sequence=sequence).records()

    with pytest.raises(StorageError, match=r"toy.fa changed while it was read"):
        run(toy.NumpyExplainer(8), SequenceSource(records, "toy.fa"), path, chunk=10, progress=False)
    if path.exists():
        assert ResultStore(path, allow_incomplete=True).n_done == 0
    run(toy.NumpyExplainer(8), toy.source_of(50), path, progress=False)
    np.testing.assert_array_equal(load(path).predictions, toy.NumpyExplainer(8).explain(load(path).X).predictions)


def test_two_writers_at_once(toy: ModuleType, path: Path) -> None:
    with writer_lock(path), pytest.raises(StorageError, match=r"being written by process \d+ on "):
        run(toy.NumpyExplainer(8), toy.source_of(5), path, progress=False)
    run(toy.NumpyExplainer(8), toy.source_of(5), path, progress=False)


def test_what_a_killed_process_left_beside_the_store_does_not_matter(toy: ModuleType, path: Path) -> None:
    interrupted(toy, path)
    path.with_name(".out.zarr.lock").write_text("process 1 on elsewhere")
    path.with_name(".out.zarr.seqexplain-new").mkdir()
    (path.with_name(".out.zarr.seqexplain-new") / "zarr.json").write_text("{")
    (path / "codes" / "c" / "3").mkdir(parents=True)
    (path / "codes" / "c" / "3" / "0.0123.partial").write_text("half a chu")
    run(toy.NumpyExplainer(8), toy.source_of(50), path, progress=False)
    assert entries(path.parent) == ["out.zarr"]
    assert not list(path.rglob("*.partial"))
    assert ResultStore(path).complete


def test_a_full_disk_stops_the_job_and_it_goes_on_later(
    toy: ModuleType, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zarr.storage import LocalStore

    real, written = LocalStore.set, 0

    async def limited(self: LocalStore, key: str, value: Any) -> None:
        nonlocal written
        written += 1
        if written > 40:
            raise OSError(errno.ENOSPC, "No space left on device")
        await real(self, key, value)

    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "set", limited)
        with pytest.raises(StorageError, match=r"disk is full.* of 50 sequences that are stored stay"):
            run(toy.NumpyExplainer(8), toy.source_of(50), path, chunk=10, progress=False)
    assert 0 < ResultStore(path, allow_incomplete=True).n_done < 50
    run(toy.NumpyExplainer(8), toy.source_of(50), path, progress=False)
    run(toy.NumpyExplainer(8), toy.source_of(50), tmp_path / "whole", chunk=10, progress=False)
    assert files_in(path) == files_in(tmp_path / "whole")


def test_a_damaged_store_is_replaced_on_request_only(toy: ModuleType, path: Path) -> None:
    interrupted(toy, path)
    (path / "codes" / "zarr.json").write_text("{")
    with pytest.raises(StorageError, match="is damaged"):
        run(toy.NumpyExplainer(8), toy.source_of(50), path, progress=False)
    run(toy.NumpyExplainer(8), toy.source_of(50), path, progress=False, overwrite=True)
    assert ResultStore(path).complete


_PEAK = """
import importlib.util, pathlib, re, sys
spec = importlib.util.spec_from_file_location("toy", sys.argv[1])
toy = importlib.util.module_from_spec(spec)
spec.loader.exec_module(toy)
from seqexplain.pipeline import run
run(toy.NumpyExplainer(64), toy.source_of(int(sys.argv[2]), 100), sys.argv[3], progress=False)
# the peak of this program alone: getrusage also counts the parent at the time of the fork
print(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_number_of_sequences(worker: Path, tmp_path: Path) -> None:
    peaks = []
    for n in (600, 20_000):
        command = [sys.executable, "-c", _PEAK, str(worker), str(n), str(tmp_path / str(n))]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) * 1024)
    # hypothetical scores of the larger job alone: 32 MB
    assert peaks[1] - peaks[0] < 8e6
