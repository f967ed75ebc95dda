"""`seqexplain sis` does what the function does, goes on where it stopped, and other commands read its stores."""

from __future__ import annotations

import shlex

import keras
import numpy as np
import pytest
from plain_reading import hand_one_hot, records

import seqexplain
from seqexplain.storage import ResultStore, StoreWriter, load

ARRAYS = ("subset", "rank", "subset_value", "contributions", "predictions", "stopped", "threshold", "rest_predictions")


@pytest.fixture(scope="module")
def small(folder, few):
    """A quick model of 100 bp, and 5 sequences."""
    keras.utils.set_random_seed(4)
    x = keras.Input((100, 4))
    y = keras.layers.GlobalMaxPooling1D()(keras.layers.Conv1D(4, 6, activation="relu")(x))
    keras.Model(x, keras.layers.Dense(2, activation="sigmoid")(y)).save(folder / "sis.keras")
    (folder / "five.fa").write_text("".join(few.read_text("ascii").splitlines(keepends=True)[:10]))
    return folder / "sis.keras", folder / "five.fa"


def same(found, wanted):
    for name in ARRAYS:
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=0, atol=2e-6)


@pytest.mark.slow
def test_subsets_are_those_of_the_function(cli, small):
    path, fasta = small
    command = ("sis", path, fasta, "--target", "1", "--threshold", "40%", "--masking", "background")
    outcome = cli(*command, "-o", "x.zarr", "--chunk", "2")
    assert outcome.code == 0, outcome.err
    X = hand_one_hot([s for _, s in records(fasta)])
    model = seqexplain.load_model(path)
    wanted = seqexplain.sufficient_input_subsets(model, X, target=1, threshold="40%", masking="background")
    found = load("x.zarr")
    same(found, wanted)
    n = len(wanted.subsets())
    assert n
    assert f"subsets: {n} in {(wanted.n_subsets > 0).sum()} of 5 sequences" in outcome.out
    assert f"{n} of {n} suffice on the full model" in outcome.out
    commands = [line.partition("#")[0] for line in outcome.out.splitlines() if line.startswith("  seqexplain ")]
    assert len(commands) == 4
    for words in commands:
        assert cli(*shlex.split(words)[1:]).code == 0, words
    assert cli("export", "x.zarr", "--format", "blocks", "-o", "x.bed").code == 0


def test_other_ways_to_search(cli, small):
    path, fasta = small
    X = hand_one_hot([s for _, s in records(fasta)])
    model = seqexplain.load_model(path)
    words = ("--target", "0", "--target", "1", "--threshold", "60%", "--threshold", "30%", "--threshold-of", fasta)
    more = ("--method", "gradient", "--per-step", "5", "--no-refine", "--negative", "--masking", "0.3,0.2,0.2,0.3")
    assert cli("sis", path, fasta, "-o", "g.zarr", *words, *more, "--max-subsets", "1", "-q") == (0, "", "")
    wanted = seqexplain.sufficient_input_subsets(
        model, X, target=[0, 1], threshold=["60%", "30%"], method="gradient", per_step=5, refine=False, negative=True,
        masking=[0.3, 0.2, 0.2, 0.3], max_subsets=1,
    )  # fmt: skip
    same(load("g.zarr"), wanted)


@pytest.mark.slow
def test_ctrl_c_can_be_gone_on_from(cli, small, monkeypatch):
    path, fasta = small
    command = ("sis", path, fasta, "--target", "1", "--threshold", "40%", "--chunk", "2", "-o")
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
    assert 0 < ResultStore("x.zarr", allow_incomplete=True).n_done < 5
    again = cli(*command, "x.zarr")
    assert again.code == 0
    assert "going on after" in again.err
    for name in ARRAYS:
        assert getattr(load("x.zarr"), name).tobytes() == getattr(load("whole.zarr"), name).tobytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--threshold", "much"), "'much' is not understood"),
        (("--threshold", "1", "--threshold", "2"), "2 thresholds for 1 targets"),
        (("--threshold", "0", "--masking", "1,2"), "expected mean, zeros, background, or four numbers"),
        (("--threshold", "0", "--per-step", "3"), "--per-step belongs to --method gradient"),
        (("--threshold", "0", "--max-subsets", "0"), "--max-subsets is 0"),
        (("--threshold", "50%", "--threshold-of", "none.fa"), "none.fa"),
    ],
)
def test_mistakes_are_one_line(cli, small, words, message):
    path, fasta = small
    outcome = cli("sis", path, fasta, "-o", "x.zarr", "--target", "0", *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert len(outcome.err.splitlines()) == 1
