"""`seqexplain explain` against the function it calls, and what happens when it is stopped."""

from __future__ import annotations

import hashlib
import json
import shlex
import signal
import subprocess
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from plain_reading import hand_one_hot, records

import seqexplain
from seqexplain.pipeline import _jobs
from seqexplain.storage import ResultStore, StoreWriter, load


def digest(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a store; the attributes hold the command line, which may be written otherwise."""
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p != folder / "zarr.json"
    }


def test_contributions_are_those_of_the_function(cli, model, few):
    outcome = cli("explain", model, few, "-o", "x.zarr", "--target", "0", "-n", "4", "--seed", "7")
    assert outcome.code == 0
    assert outcome.out.splitlines()[0] == "x.zarr: 12 sequences, explained: 0"
    assert "100 % of 48 sequence–reference pairs" in outcome.out
    assert "seqexplain logo x.zarr --sequence" in outcome.out
    found = load("x.zarr")
    X = hand_one_hot([s for _, s in records(few)])
    wanted = seqexplain.deeplift(seqexplain.load_model(model), X, target=0, n_references=4, random_state=7)
    np.testing.assert_allclose(found.contributions, wanted.contributions, atol=1e-5)
    np.testing.assert_array_equal(found.X, X)
    assert found.names == tuple(name for name, _ in records(few))
    assert str(found.intervals[0]) == records(few)[0][0] + "(.)"


@pytest.fixture(scope="module")
def any_length(tmp_path_factory):
    """A model of sequences of any length, with a value for each position and one for the whole."""
    keras.utils.set_random_seed(4)
    sequence = keras.Input((None, 4))
    hidden = keras.layers.Conv1D(6, 5, padding="same", activation="relu")(sequence)
    along = keras.layers.Dense(1, name="along")(hidden)
    whole = keras.layers.Dense(1, name="whole")(keras.layers.GlobalMaxPooling1D()(hidden))
    path = tmp_path_factory.mktemp("models") / "any.keras"
    keras.Model(sequence, [along, whole]).save(path)
    return path


def test_a_position_of_a_model_of_any_length(cli, any_length, tmp_path):
    """It has to exist in the shortest sequence; the scores are those of each sequence at its own length."""
    sequences = {"long": "ACGTTGCATGCATTTACGGA", "short": "GGCATTAAGC"}
    (tmp_path / "x.fa").write_text("".join(f">{k}\n{v}\n" for k, v in sequences.items()))
    wanted = ("--references", "zeros", "-o", "x.zarr", "-q")
    refused = cli("explain", any_length, "x.fa", "--target", "along:10,0", *wanted)
    assert refused.code == 2
    assert "along:10,0 is out of range" in refused.err
    assert not (tmp_path / "x.zarr").exists()
    assert cli("explain", any_length, "x.fa", "--target", "along:9,0", "--target", "whole", *wanted).code == 0
    found, network = load("x.zarr"), keras.models.load_model(any_length)
    for row, bases in enumerate(sequences.values()):
        X = hand_one_hot([bases])
        (at_x, top_x), (at_zero, top_zero) = network(X), network(np.zeros_like(X))
        gained = [float((at_x - at_zero)[0, 9, 0]), float((top_x - top_zero)[0, 0])]
        np.testing.assert_allclose(found.contributions[row].sum((-1, -2)), gained, atol=1e-5)


def test_the_commands_named_next_run(cli, model, few):
    """Also where several targets were explained, of which an export takes one."""
    outcome = cli("explain", model, few, "-o", "x.zarr", "--target", "0", "--target", "0-1", "-n", "2")
    commands = [line.partition("#")[0] for line in outcome.out.splitlines() if line.startswith("  seqexplain ")]
    assert len(commands) == 3
    for command in commands:
        assert cli(*shlex.split(command)[1:]).code == 0, command
    assert cli("logo", "x.zarr", "--position", "0", "--target", "0-1", "-o", "y.svg").code == 0
    assert cli("export", "x.zarr", "--target", "0-1", "-o", "y.npz").code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ("rescale", "rescale_all_layers"),
        ("genomics_default", "rescale_conv_revealcancel_fc"),
        ("reveal_cancel", "revealcancel_all_layers"),
    ],
)
def test_published_contributions(cli, testdata, tmp_path, rule, key):
    """Task 0 of the method's own simulation against the reference A .3 C .2 G .2 T .3, by the original package."""
    stored = np.load(testdata / "reference" / "talgata_deeplift_task0_20seqs.npz")
    bases = np.array(list("ACGT"))[stored["X20"].argmax(-1)]
    (tmp_path / "x.fa").write_text("".join(f">s{i}\n{''.join(row)}\n" for i, row in enumerate(bases)))
    path = testdata / "models" / "talgata" / "talgata.keras"
    choices = ("--target", "0", "--references", "0.3,0.2,0.2,0.3", "--rule", rule)
    outcome = cli("explain", path, "x.fa", "-o", "x.zarr", *choices)
    assert outcome.code == 0
    wanted = stored[f"{key}|bg3223|task0"]
    # a constant reference differs from the sequence in all four channels of a base; the package keeps them apart
    np.testing.assert_allclose(load("x.zarr").contributions.sum(-1), wanted.sum(-1), atol=1e-4)


def test_several_targets_and_a_contrast(cli, model, few):
    names = ("--target", "0", "--target", "1", "--target", "0-1")
    assert cli("explain", model, few, "-o", "x.zarr", *names, "-n", "2", "-q") == (0, "", "")
    found = load("x.zarr")
    assert found.targets == ("0", "1", "0 − 1")
    c = found.contributions
    np.testing.assert_allclose(c[:, 2], c[:, 0] - c[:, 1], atol=1e-4)


@pytest.mark.slow
def test_references_from_files(cli, model, few, tmp_path):
    """The same references as FASTA, as .npy and as .npz."""
    _, sequences = zip(*records(few), strict=True)
    chosen = list(sequences[:3])
    (tmp_path / "r.fa").write_text("".join(f">r{i}\n{s}\n" for i, s in enumerate(chosen)))
    np.save("r.npy", hand_one_hot(chosen))
    np.savez("r.npz", references=hand_one_hot(chosen), other=np.zeros(3))
    results = []
    for name in ("r.fa", "r.npy", "r.npz"):
        store = f"{name}.zarr"
        assert cli("explain", model, few, "-o", store, "--target", "0", "--references", name).code == 0
        results.append(load(store))
    assert results[0].reference_predictions.shape == (12, 3)
    for other in results[1:]:
        np.testing.assert_array_equal(other.contributions, results[0].contributions)
    # a sequence that is its own reference, and the only one, contributes nothing
    np.save("own.npy", hand_one_hot(list(sequences))[:, None])
    assert cli("explain", model, few, "-o", "own.zarr", "--target", "0", "--references", "own.npy").code == 0
    assert np.abs(load("own.zarr").contributions).max() < 1e-6


def test_the_same_command_again_has_nothing_to_do(cli, model, few):
    command = ("explain", model, few, "-o", "x.zarr", "--target", "0", "-n", "2")
    assert cli(*command).code == 0
    before = digest(Path("x.zarr"))
    again = cli(*command)
    assert again.code == 0
    assert "is already complete" in again.err
    assert digest(Path("x.zarr")) == before
    assert cli(*command, "--overwrite").code == 0
    assert digest(Path("x.zarr")) == before


def test_ctrl_c_can_be_gone_on_from(cli, model, few, monkeypatch):
    """Interrupted after two chunks, gone on with, the bytes are those of a run that was not interrupted."""
    command = ("explain", model, few, "--target", "0", "-n", "2", "--chunk", "4", "-o")
    assert cli(*command, "whole.zarr").code == 0
    real, calls = StoreWriter.write, []

    def interrupted(self: StoreWriter, *arguments: object) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(StoreWriter, "write", interrupted)
        outcome = cli(*command, "x.zarr")
    assert outcome.code == 130
    assert outcome.out == ""
    assert outcome.err.splitlines()[-1] == "seqexplain: interrupted: run the same command again to go on with x.zarr."
    assert 0 < ResultStore("x.zarr", allow_incomplete=True).n_done < 12
    refused = cli("export", "x.zarr", "-o", "x.tsv")
    assert refused.code == 2
    assert "seqexplain explain" in refused.err  # the command to run again
    assert not Path("x.tsv").exists()
    outcome = cli(*command, "x.zarr")
    assert outcome.code == 0
    assert "going on after" in outcome.err
    assert digest(Path("x.zarr")) == digest(Path("whole.zarr"))


def test_the_batch_shape_is_kept_with_the_run(cli, model, few, monkeypatch):
    """Where a batch is chosen for memory, another amount of it tomorrow does not stop a run from going on."""
    command = ("explain", model, few, "--target", "0", "-n", "2", "--chunk", "4", "-o", "x.zarr")
    with monkeypatch.context() as patch:
        patch.setattr(_jobs._Job, "go", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        cli(*command)
    assert cli(*command).code == 0
    attributes = json.loads(Path("x.zarr/zarr.json").read_text())
    stored = attributes["attributes"]["seqexplain"]
    # as if the run had been begun with another batch
    other = stored["parameters"]["batch_sequences"] + 3
    stored["parameters"]["batch_sequences"] = stored["run"]["batch_sequences"] = other
    Path("x.zarr/zarr.json").write_text(json.dumps(attributes))
    assert cli(*command).code == 0
    refused = cli(*command, "--batch-size", str(other + 1))
    assert refused.code == 2
    assert f"{other}" in refused.err


def test_another_run_is_not_mixed_with(cli, model, few):
    command = ("explain", model, few, "-o", "x.zarr", "-n", "2")
    assert cli(*command, "--target", "0").code == 0
    before = digest(Path("x.zarr"))
    for other, culprit in (
        (("--target", "1"), "targets"),
        (("--target", "0", "--seed", "5"), "random_state"),
        (("--target", "0", "--max-pool", "winner"), "max_pool"),
        (("--target", "0", "--average-strands"), "average_strands"),
    ):
        outcome = cli(*command, *other)
        assert outcome.code == 2
        assert "results of another run" in outcome.err
        assert culprit in outcome.err
        assert digest(Path("x.zarr")) == before


def test_other_inputs_belong_to_the_run(cli, testdata, tmp_path):
    path = testdata / "models" / "xpresso" / "mouse.h5"
    rng = np.random.default_rng(0)
    (tmp_path / "x.fa").write_text(f">a\n{''.join(rng.choice(list('ACGT'), 10500))}\n")
    (tmp_path / "t.tsv").write_text("a\t1\t0\t2\t0\t0\t3\n")
    command = ("explain", path, "x.fa", "-o", "x.zarr", "-n", "1", "--extra")
    assert cli(*command, "halflife=t.tsv").code == 0
    refused = cli(*command, "halflife=0.5")
    assert refused.code == 2
    assert "extra_inputs" in refused.err


def test_any_length_at_the_output(cli, testdata, tmp_path):
    path = testdata / "models" / "mmsplice" / "Exon_prime3.h5"
    sequences = ["ACGTACGTAGGTACAA", "TTGACCATGGTACCAAGTCA"]
    (tmp_path / "x.fa").write_text("".join(f">s{i}\n{s}\n" for i, s in enumerate(sequences)))
    assert cli("explain", path, "x.fa", "-o", "x.zarr", "--references", "uniform", "--level", "output").code == 0
    found = load("x.zarr")
    assert found.lengths.tolist() == [16, 20]
    assert found.contributions.shape == (2, 20, 4)


@pytest.mark.parametrize("word", ["dinucleotide", "mononucleotide", "zeros", "uniform"])
def test_named_references(cli, model, few, word):
    assert cli("explain", model, few, "-o", "x.zarr", "--target", "0", "-n", "2", "--references", word).code == 0
    kind = load("x.zarr").parameters["references"]["kind"]
    assert kind == (word if "nucleotide" in word else "constant")


@pytest.mark.slow
def test_killed_it_goes_on_and_gives_the_same_bytes(program, model, peaks, tmp_path):
    """kill -9 at three moments, each after more chunks are whole; then the same command once more."""
    words = ["explain", str(model), str(peaks), "--target", "0", "-n", "5", "--chunk", "16", "-q", "-o"]
    store = tmp_path / "x.zarr"
    seen = 0
    for _ in range(3):
        process = subprocess.Popen([*program, *words, "x.zarr"], cwd=tmp_path)
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            n_done = ResultStore(store, allow_incomplete=True).n_done if store.exists() else 0
            if n_done > seen:
                process.kill()
            seen = max(seen, n_done)
        assert process.wait(60) == -signal.SIGKILL
        assert 0 < seen < 400
    # all in processes of the same kind: in this one another copy of zstd may be loaded first, which packs otherwise
    for name in ("x.zarr", "whole.zarr"):
        subprocess.run([*program, *words, name], cwd=tmp_path, check=True)
    assert digest(tmp_path / "x.zarr") == digest(tmp_path / "whole.zarr")
