"""`seqexplain ism` does what the functions do, goes on where it stopped, and other commands read its stores."""

from __future__ import annotations

import shlex

import keras
import numpy as np
import pytest
from plain_reading import hand_one_hot, records

import seqexplain
from seqexplain.storage import ResultStore, StoreWriter, load


@pytest.fixture(scope="module")
def small(folder, few):
    """A quick model of 100 bp, and 5 sequences."""
    keras.utils.set_random_seed(3)
    x = keras.Input((100, 4))
    y = keras.layers.GlobalMaxPooling1D()(keras.layers.Conv1D(4, 6, activation="relu")(x))
    model = keras.Model(x, keras.layers.Dense(2, activation="sigmoid")(y))
    model.save(folder / "small.keras")
    model.export(folder / "small_saved", verbose=False)
    (folder / "five.fa").write_text("".join(few.read_text("ascii").splitlines(keepends=True)[:10]))
    return folder / "small.keras", folder / "five.fa"


def test_effects_are_those_of_the_function(cli, small, folder):
    path, fasta = small
    outcome = cli(
        "ism", path, fasta, "-o", "x.zarr", "--target", "0", "--target", "0-1", "--start", "20", "--end", "60"
    )
    assert outcome.code == 0, outcome.err
    X = hand_one_hot([s for _, s in records(fasta)])
    model = seqexplain.load_model(path)
    wanted = seqexplain.in_silico_mutagenesis(model, X, target=[0, seqexplain.contrast(0, 1)], start=20, end=60)
    found = load("x.zarr")
    np.testing.assert_allclose(found.effects, wanted.effects, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.contributions, wanted.contributions, rtol=0, atol=1e-6)
    assert found.targets == ("0", "0 − 1")
    row, place, base = np.unravel_index(np.abs(found.effects[:, 0]).argmax(), (5, 100, 4))
    largest = f"{'ACGT'[X[row, place].argmax()]}{place}{'ACGT'[base]} in {found.names[row]}"
    assert f"largest effect of a substitution (positions from 0): {largest}: " in outcome.out
    commands = [line.partition("#")[0] for line in outcome.out.splitlines() if line.startswith("  seqexplain ")]
    assert len(commands) == 3
    for command in commands:
        assert cli(*shlex.split(command)[1:]).code == 0, command
    assert cli("logo", "x.zarr", "--position", "0", "--target", "0", "--hypothetical", "-o", "y.svg").code == 0
    assert cli("export", "x.zarr", "--target", "0", "-o", "y.npz").code == 0
    with np.load("y.npz") as data:
        np.testing.assert_array_equal(data["effects"], found.effects[:, 0].transpose(0, 2, 1))

    box = ("--target", "0", "--level", "output", "--start", "20", "--end", "30", "-q")
    assert cli("ism", folder / "small_saved", fasta, "-o", "box.zarr", *box).code == 0
    assert cli("ism", path, fasta, "-o", "net.zarr", *box).code == 0
    np.testing.assert_allclose(load("box.zarr").effects, load("net.zarr").effects, rtol=0, atol=1e-6)


def test_windows(cli, small):
    path, fasta = small
    words = (
        "--window",
        "9",
        "--stride",
        "4",
        "--samples",
        "3",
        "--replacement",
        "random",
        "--seed",
        "5",
        "--end",
        "50",
    )
    assert cli("ism", path, fasta, "-o", "w.zarr", "--target", "1", *words, "--seed", "5", "-q") == (0, "", "")
    X = hand_one_hot([s for _, s in records(fasta)])
    wanted = seqexplain.window_mutagenesis(
        seqexplain.load_model(path), X, target=1, window=9, stride=4, n_samples=3, replacement="random", end=50,
        random_state=5,
    )  # fmt: skip
    found = load("w.zarr")
    np.testing.assert_allclose(found.contributions, wanted.contributions, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.spread, wanted.spread, rtol=0, atol=1e-6)
    assert found.effects is None
    assert cli("logo", "w.zarr", "--position", "0", "-o", "w.svg").code == 0


def test_ctrl_c_can_be_gone_on_from(cli, small, monkeypatch):
    path, fasta = small
    command = ("ism", path, fasta, "--target", "0", "--chunk", "2", "--end", "9", "-o")
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
    assert outcome.err.splitlines()[-1] == "seqexplain: interrupted: run the same command again to go on with x.zarr."
    assert 0 < ResultStore("x.zarr", allow_incomplete=True).n_done < 5
    again = cli(*command, "x.zarr")
    assert again.code == 0
    assert "going on after" in again.err
    assert load("x.zarr").effects.tobytes() == load("whole.zarr").effects.tobytes()
    other = cli(*(word if word != "9" else "8" for word in command), "x.zarr")
    assert other.code == 2
    assert "end was 9, now 8" in other.err
    whole = cli(*command, "x.zarr", "--evaluation", "full")
    assert whole.code == 2
    assert "evaluation was 'auto', now 'full'" in whole.err


@pytest.mark.parametrize(
    ("words", "culprit"),
    [
        (["--stride", "3"], "--stride belongs to windows; say how wide they are with --window"),
        (["--samples", "3", "--replacement", "random"], "--replacement belongs to windows"),
        (["--start", "5", "--end", "5"], "--end is 5; expected a whole number from 6"),
        (["--window", "5", "--stride", "6"], "--stride is 6; expected a whole number from 1 to 5"),
        (["--end", "101"], "--start 0, --end 101 is no stretch of a sequence of 100 bp"),
        (["--window", "30", "--end", "20"], "--window 30 is longer than the 20 bp"),
        (["--target", "5"], "out of range"),
    ],
)
def test_what_cannot_be(cli, small, tmp_path, words, culprit):
    path, fasta = small
    target = [] if "--target" in words else ["--target", "0"]
    outcome = cli("ism", path, fasta, "-o", "x.zarr", *target, *words)
    assert outcome.code == 2
    assert culprit in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not (tmp_path / "x.zarr").exists()
