"""`seqexplain ism` with deletions, insertions and pairs does what the functions do, and goes on where it stopped."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers as kl
from plain_reading import hand_one_hot

from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation import Epistasis, deletion_effects, epistasis, insertion_effects
from seqexplain.perturbation._moving_edits_job import Deletions
from seqexplain.storage import ResultStore, load

LENGTH = 16


@pytest.fixture(scope="module")
def models(folder):
    """A model of 16 bp, one of any length, and sequences for each."""
    rng = np.random.default_rng(2)
    made = {}
    for name, length in (("fixed", LENGTH), ("any", None)):
        keras.utils.set_random_seed(5)
        x = keras.Input((length, 4))
        y = kl.GlobalAveragePooling1D()(kl.Conv1D(4, 5, activation="relu")(x))
        model = keras.Model(x, kl.Dense(2, activation="sigmoid")(y))
        model.save(folder / f"{name}.keras")
        sizes = [LENGTH] * 3 if length else [LENGTH, 11]
        words = ["".join(rng.choice(list("ACGTN"), size, p=(0.24, 0.24, 0.24, 0.24, 0.04))) for size in sizes]
        fasta = folder / f"{name}.fa"
        fasta.write_text("".join(f">s{i}\n{word}\n" for i, word in enumerate(words)))
        made[name] = folder / f"{name}.keras", fasta, words, SequenceModel(model)
    return made


def test_deletions(cli, models):
    path, fasta, words, model = models["fixed"]
    args = ("--deletions", "3", "--keep", "right", "--fill", "random", "--seed", "4", "--start", "2", "--end", "12")
    outcome = cli("ism", path, fasta, "-o", "d.zarr", "--target", "0", "--target", "1", *args)
    assert outcome.code == 0, outcome.err
    wanted = deletion_effects(
        model, words, target=[0, 1], size=3, keep="right", fill="random", random_state=4, start=2, end=12
    )
    found = load("d.zarr")
    assert found.edit_effects.shape == (3, 2, LENGTH, 1)
    np.testing.assert_allclose(found.edit_effects[:, :, wanted.positions, 0], wanted.effects, atol=1e-6)
    assert np.isnan(found.edit_effects).sum() == 3 * 2 * (LENGTH - 8)
    X = hand_one_hot(words)
    np.testing.assert_allclose(found.contributions, wanted.per_base()[..., None] * X[:, None], atol=1e-6)
    assert cli("logo", "d.zarr", "--position", "0", "--target", "0", "-o", "y.svg").code == 0
    assert cli("export", "d.zarr", "--target", "0", "-o", "y.npz").code == 0


def test_insertions(cli, models):
    path, fasta, words, model = models["fixed"]
    assert cli("ism", path, fasta, "-o", "i.zarr", "--target", "0", "--insertions", "ga,tc", "-q").code == 0
    wanted = insertion_effects(model, words, target=0, inserts=["GA", "TC"])
    np.testing.assert_allclose(load("i.zarr").edit_effects, wanted.effects, atol=1e-6)
    np.testing.assert_allclose(
        wanted.per_base(), -wanted.effects.mean(axis=2), atol=1e-7
    )  # each base has insertions before it
    drawn = ("--insertions", "random:2", "--samples", "3", "--seed", "9", "--keep", "center")
    assert cli("ism", path, fasta, "-o", "r.zarr", "--target", "0", *drawn, "-q").code == 0
    wanted = insertion_effects(
        model, words, target=0, inserts="random", size=2, n_samples=3, random_state=9, keep="center"
    )
    np.testing.assert_allclose(load("r.zarr").edit_effects, wanted.effects, atol=1e-6)


def test_pairs(cli, models):
    path, fasta, words, model = models["fixed"]
    args = ("--pairs", "--start", "3", "--end", "6", "--target", "1", "-q")
    assert cli("ism", path, fasta, "-o", "p.zarr", *args).code == 0
    wanted = epistasis(model, words, target=1, start=3, end=6)
    found = Epistasis.of(load("p.zarr"))
    np.testing.assert_allclose(found.interactions, wanted.interactions, atol=1e-6)
    np.testing.assert_allclose(found.singles, wanted.singles, atol=1e-6)
    np.testing.assert_allclose(found.strength(), wanted.strength(), atol=1e-6)
    np.testing.assert_array_equal(found.X, wanted.X)


def test_sequences_of_several_lengths(cli, models):
    """Each is edited at its own length; what it has not is NaN, or 0 among pairs."""
    path, fasta, words, model = models["any"]
    kinds = {
        "d": ("--deletions", "6", "--keep", "none"), "i": ("--insertions", "A,C,G,T"),
        "p": ("--pairs", "--start", "9", "--end", "12"),
    }  # fmt: skip
    for name, args in kinds.items():
        outcome = cli("ism", path, fasta, "-o", f"{name}.zarr", "--target", "0", *args, "-q")
        assert outcome.code == 0, outcome.err
    for row, word in enumerate(words):
        size = len(word)
        found = load("d.zarr").edit_effects[row, :, 0]
        wanted = deletion_effects(model, [word], target=0, size=6, keep=None).effects[0]
        np.testing.assert_allclose(found[: size - 5], wanted, atol=1e-6)
        assert np.isnan(found[size - 5 :]).all()
        found = load("i.zarr").edit_effects[row]
        wanted = insertion_effects(model, [word], target=0).effects[0]
        np.testing.assert_allclose(found[:size], wanted, atol=1e-6)
        assert np.isnan(found[size:]).all()
        found = load("p.zarr").edit_effects[row]
        assert found.shape == (3, 4, 3, 4)
        last = min(12, size)
        wanted = epistasis(model, [word], target=0, start=9, end=last).interactions[0]
        np.testing.assert_allclose(found[: last - 9, :, : last - 9], wanted, atol=1e-6)
        assert not found[last - 9 :].any()


def test_it_goes_on_to_the_same_bytes(cli, models, tmp_path, monkeypatch):
    path, fasta, _, _ = models["fixed"]
    words = ("ism", path, fasta, "--target", "0", "--deletions", "2", "--fill", "random", "--chunk", "1", "-q")
    assert cli(*words, "-o", "whole.zarr").code == 0
    explain, seen = Deletions.explain, []

    def stop(self, X, **more):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(more["start"])
        return explain(self, X, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Deletions, "explain", stop)
        assert cli(*words, "-o", "o.zarr").code == 130
    assert ResultStore("o.zarr", allow_incomplete=True).n_done == 2
    other = cli(*words, "--deletions", "3", "-o", "o.zarr")
    assert other.code == 2
    assert "parameters.size was 2, now 3" in other.err
    assert cli(*words, "-o", "o.zarr").code == 0
    for name in ("edit_effects", "contributions", "predictions"):
        files = sorted(p.relative_to(tmp_path / "whole.zarr") for p in (tmp_path / "whole.zarr" / name).rglob("*"))
        assert files
        for file in files:
            if (tmp_path / "o.zarr" / file).is_file():
                assert (tmp_path / "o.zarr" / file).read_bytes() == (tmp_path / "whole.zarr" / file).read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--deletions", "2", "--pairs"), "--deletions and --pairs are different edits"),
        (("--deletions", "2", "--window", "3"), "--window and --deletions are different edits"),
        (("--deletions", "16"), "size=16 leaves nothing"),
        (("--deletions", "2", "--keep", "none"), "reads 16 bp"),
        (("--keep", "left"), "--keep belongs to deletions and insertions"),
        (("--insertions", "A", "--fill", "random"), "--fill belongs to deletions"),
        (("--insertions", "A,CG"), "bases of one length"),
        (("--insertions", "A,N"), "bases of one length"),
        (("--insertions", ""), "bases of one length"),
        (("--insertions", "random"), "as in random:3"),
        (("--insertions", "A", "--samples", "3"), "--samples belongs to windows and random insertions"),
        (("--stride", "3"), "--stride belongs to windows"),
    ],
)
def test_mistakes_leave_nothing(cli, models, tmp_path, words, message):
    outcome = cli("ism", *models["fixed"][:2], "--target", "0", "-o", "x.zarr", *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert not list(tmp_path.iterdir())
