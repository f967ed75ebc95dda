"""Effects of inserted motifs are differences of the model's own scores."""

from __future__ import annotations

import numpy as np
import pytest
from experiments import L, flipped, logits, network, random_sequences, written
from scipy import stats

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.motifs import Motif
from seqexplain.perturbation import marginalisation
from seqexplain.sequences import decode


@pytest.fixture(scope="module")
def model() -> SequenceModel:
    return network()


def test_effects_at_all_positions_are_keras_own(model):
    X = random_sequences(3)
    found = marginalisation(model, X, "GATTNACA", position="all", target=[0, 2], batch_size=16)
    assert found.positions.tolist() == list(range(L - 7))
    assert found.effects.shape == (3, 2, L - 7)
    assert found.effects.dtype == np.float32
    base = logits(model, X)
    for position in (0, 5, L - 8):
        wanted = logits(model, written(X, "GATTNACA", position)) - base
        np.testing.assert_allclose(found.effects[:, :, position], wanted[:, [0, 2]], atol=5e-5)
    np.testing.assert_allclose(found.without, base[:, [0, 2]], atol=2e-5)


def test_the_minus_strand_holds_the_reverse_complement(model):
    X = random_sequences(2)
    found = marginalisation(model, X, "GATTNACA", position=[4, 9], strand="-", target=1)
    for p, position in enumerate((4, 9)):
        wanted = logits(model, written(X, flipped("GATTNACA"), position))[:, 1]
        np.testing.assert_allclose(found.with_motif[:, p], wanted, atol=2e-5)
    assert found.effects.shape == (2, 2)


def test_mean_error_and_interval_are_those_of_scipy(model):
    found = marginalisation(model, random_sequences(12), "CACGTG", target=0)
    assert found.positions.tolist() == [(L - 6) // 2]
    effects = found.effects[:, 0].astype(float)
    summary = found.summary(0.9)
    assert summary.n == 12
    np.testing.assert_allclose(summary.mean, [effects.mean()])
    np.testing.assert_allclose(summary.standard_error, [stats.sem(effects)])
    wanted = stats.ttest_1samp(effects, 0).confidence_interval(0.9)
    np.testing.assert_allclose([summary.low[0], summary.high[0]], wanted)
    table = found.to_table(0.9)
    row = table.iloc[0]
    assert (row["motif"], row["target"], row["position"], row["n"]) == ("CACGTG", found.targets[0], 17, 12)
    assert row["effect"] == pytest.approx(row["with"] - row["without"], abs=1e-6)
    assert row["low"] == pytest.approx(wanted.low)
    each = found.values_table()
    np.testing.assert_allclose(each["effect"], found.effects[:, 0])
    with pytest.raises(ParameterError, match="confidence"):
        found.summary(95)


def test_one_background_has_no_error(model):
    summary = marginalisation(model, random_sequences(1), "CACGTG", target=0).summary()
    assert np.isfinite(summary.mean).all()
    assert np.isnan([summary.standard_error, summary.low, summary.high]).all()


def spy_words(model, motif, X, **options) -> list[str]:
    """What stood at position 3 of each background when the model was asked."""
    seen = {}

    class Spy(SequenceModel):
        pass

    from seqexplain.perturbation import _inserts

    original = _inserts.contents

    def contents(bound, words, rows, starts):
        out = original(bound, words, rows, starts)
        seen.update(
            {(bound.X[r].tobytes(), int(s)): decode(o[None])[0] for r, s, o in zip(rows, starts, out, strict=True)}
        )
        return out

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_inserts, "contents", contents)
        marginalisation(model, X, motif, target=0, **options)
    return [seen[x.tobytes(), 3] for x in X]


def test_ambiguous_letters_are_drawn_for_each_background(model):
    X = random_sequences(200, seed=1)
    words = spy_words(model, "ARBN", X, position=3)
    assert {w[0] for w in words} == {"A"}
    columns = [[w[k] for w in words] for k in range(4)]
    counts = [{b: column.count(b) for b in "ACGT"} for column in columns]
    assert counts[1]["C"] == counts[1]["T"] == counts[2]["A"] == 0
    assert stats.binomtest(counts[1]["A"], 200).pvalue > 0.001
    assert stats.chisquare([counts[2][b] for b in "CGT"]).pvalue > 0.001
    assert columns[3] == [decode(x[None])[0][6] for x in X]  # N leaves the background
    # a word is its background's own, in any company and at any position
    assert spy_words(model, "ARBN", X[150:], position=[9, 3]) == words[150:]
    assert spy_words(model, "ARBN", X, position=3, random_state=1) != words


def test_matrices_give_their_best_word_or_samples(model):
    X = random_sequences(300, seed=2)
    motif = Motif("M1", "box", np.array([[70, 30, 0, 0], [0, 0, 0, 5], [1, 1, 2, 0]]))
    assert set(spy_words(model, motif, X[:20], position=3)) == {"ATG"}
    assert set(spy_words(model, motif.counts, X[:20], position=3)) == {"ATG"}
    words = spy_words(model, motif, X, position=3, sample=True)
    assert {w[1] for w in words} == {"T"}
    assert stats.binomtest(sum(w[0] == "A" for w in words), 300, 0.7).pvalue > 0.001
    assert stats.chisquare([sum(w[2] == b for w in words) for b in "ACG"], [75, 75, 150]).pvalue > 0.001
    assert marginalisation(model, X[:2], motif, target=0).motif == "box"


def test_unknown_bases_around_and_under_the_motif(model):
    uniform = SequenceModel(model.keras_model, unknown="uniform")
    X = random_sequences(2)
    X[:, 10:20] = 0
    found = marginalisation(uniform, X, "GNTA", position=12, target=0)
    filled = X.copy()
    filled[:, 10:20] = 0.25
    wanted = logits(model, written(filled, "GNTA", 12))[:, 0] - logits(model, filled)[:, 0]
    np.testing.assert_allclose(found.effects[:, 0], wanted, atol=5e-5)


def test_batches_and_company_do_not_show(model):
    X = random_sequences(7)
    whole = marginalisation(model, X, "GATRAA", position="all", target=0)
    small = marginalisation(model, X, "GATRAA", position="all", target=0, batch_size=3)
    np.testing.assert_allclose(whole.effects, small.effects, atol=2e-6)
    some = marginalisation(model, X[[5, 2]], "GATRAA", position="all", target=0)
    np.testing.assert_allclose(whole.effects[[5, 2]], some.effects, atol=2e-6)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"motif": "GAJTA"}, ParameterError, "'J' at position 2"),
        ({"motif": ""}, ParameterError, "motif is empty"),
        ({"motif": "A" * 41}, ParameterError, "has 41 bp and the backgrounds have 40"),
        ({"motif": np.ones((4, 7))}, ShapeError, r"Use motif\.T"),
        ({"motif": -np.ones((7, 4))}, ShapeError, "turn log-odds back"),
        ({"motif": 5}, ShapeError, r"expected \(width, 4\)"),
        ({"position": 35}, ParameterError, "fit at 0 to 34 in backgrounds of 40 bp"),
        ({"position": [-1]}, ParameterError, "position -1 does not exist"),
        ({"position": "middle"}, ParameterError, '"centre", "all"'),
        ({"position": 1.5}, ParameterError, '"centre", "all"'),
        ({"strand": "."}, ParameterError, "strand"),
        ({"backgrounds": random_sequences(0)}, ShapeError, "no sequence"),
        ({"names": ["a"]}, ShapeError, "1 names for 2 sequences"),
        ({"random_state": -1}, ParameterError, "random_state"),
    ],
)
def test_what_cannot_be_is_refused(model, options, error, words):
    options = {"backgrounds": random_sequences(2), "motif": "CACGTG", "target": 0, **options}
    with pytest.raises(error, match=words):
        marginalisation(model, **options)


def test_plots(model):
    X = random_sequences(4)
    several = marginalisation(model, X, "CACGTG", position="all", target=[0, 1])
    ax = several.plot()
    assert [line.get_label() for line in ax.get_lines()[:2]] == [f"target {target}" for target in several.targets]
    np.testing.assert_allclose(ax.get_lines()[1].get_ydata(), several.summary().mean[1])
    ax = marginalisation(model, X, "CACGTG", target=0).plot(title="E-box")
    assert ax.get_title(loc="left") == "E-box"
