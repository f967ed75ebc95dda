"""Markov models against counts by hand and sums over all that may stand in a stretch."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.sequences import MarkovModel, decode, one_hot


def random_model(order: int, seed: int = 0) -> MarkovModel:
    rng = np.random.default_rng(seed)
    return MarkovModel(tuple(rng.dirichlet(np.ones(4), 4**m) * 0.96 + 0.01 for m in range(order + 1)))


def probability(model: MarkovModel, sequence: str) -> float:
    """The definition, base by base."""
    p, before = 1.0, ""
    for base in sequence:
        if base == "N":
            before = ""
            continue
        row = 0
        for b in before:
            row = 4 * row + "ACGT".index(b)
        p *= model.tables[len(before)][row, "ACGT".index(base)]
        before = (before + base)[-model.order :] if model.order else ""
    return p


def test_fit_counts_bases_after_their_context() -> None:
    model = MarkovModel.fit(["AACGN", "TACAA"], order=2, pseudocount=0.5)
    singles = np.array([[5, 2, 1, 1]]) + 0.5
    np.testing.assert_allclose(model.tables[0], singles / singles.sum())
    after_a = np.array([2, 2, 0, 0]) + 0.5  # AA AC, AC AA
    np.testing.assert_allclose(model.tables[1][0], after_a / after_a.sum())
    after_ac = np.array([1, 0, 1, 0]) + 0.5
    np.testing.assert_allclose(model.tables[2][1], after_ac / after_ac.sum())
    np.testing.assert_allclose(model.tables[2][15], 0.25)  # TT is never seen
    array = MarkovModel.fit(one_hot(["AACGN", "TACAA"]), order=2, pseudocount=0.5)
    assert array.digest == model.digest != MarkovModel.fit(["AACGN"], order=2).digest


@pytest.mark.parametrize("order", [0, 1, 3])
def test_log_likelihood(order: int) -> None:
    model = random_model(order)
    sequences = ["ACGTTGCA", "NNACNGT", "T", "NN"]
    wanted = [np.log(probability(model, s)) for s in sequences]
    np.testing.assert_allclose(model.log_likelihood(sequences), wanted, atol=1e-12)
    np.testing.assert_allclose(model.log_likelihood(one_hot(sequences[:1])), wanted[:1], atol=1e-12)


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("sequence", "start", "width"),
    [("ACGTTGCAGT", 4, 3), ("ACGTTG", 0, 2), ("ACGTTG", 4, 2), ("ACNTTGNAG", 3, 3), ("ACGNTGCA", 2, 3), ("GCT", 0, 3)],
)
def test_stretches_given_both_flanks(order: int, sequence: str, start: int, width: int, conditional: bool) -> None:
    """P(stretch | flanks) is P(whole) over its sum over all stretches."""
    model = random_model(order, seed=order)
    found = model.stretch_probabilities(one_hot([sequence]), start, width, conditional=conditional)[0]
    wanted = []
    for bases in product("ACGT", repeat=width):
        there = sequence[start : start + width]
        fits = all(b == "A" or t != "N" for b, t in zip(bases, there, strict=True))
        middle = "".join("N" if t == "N" else b for b, t in zip(bases, there, strict=True))
        whole = sequence[:start] + middle + sequence[start + width :] if conditional else middle
        wanted.append(fits * probability(model, whole))
    np.testing.assert_allclose(found, np.array(wanted) / sum(wanted), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("conditional", [True, False])
def test_samples_follow_these_probabilities(conditional: bool) -> None:
    model, X, n = random_model(2, seed=5), one_hot(["ACGTTGCAGT", "TTNATGCATC"]), 20_000
    starts, width = np.array([4, 2]), 3
    drawn = model.sample_between(X, starts, width, n, random_state=3, conditional=conditional)
    assert drawn.shape == (2, n, width, 4)
    probabilities = model.stretch_probabilities(X, starts, width, conditional=conditional)
    place = 4 ** np.arange(width - 1, -1, -1)
    for row in range(2):
        index = (drawn[row].argmax(axis=2) * place).sum(axis=1)
        share = np.bincount(index, minlength=64) / n
        spread = np.sqrt(probabilities[row] * (1 - probabilities[row]) / n)
        assert (np.abs(share - probabilities[row]) <= 5 * spread + 1e-9).all()
    assert not drawn[1, :, 0].any()  # the unknown base stays unknown
    alone = model.sample_between(X[1:], starts[1:], width, n, random_state=3, conditional=conditional)
    np.testing.assert_array_equal(alone[0], drawn[1])
    other = model.sample_between(X[1:], starts[1:], width, n, random_state=4, conditional=conditional)
    assert (other != alone).any()


def test_whole_sequences() -> None:
    model = MarkovModel.fit(["ACACACACACAC"], order=1, pseudocount=1e-6)
    drawn = decode(model.sample(3, 30, random_state=1))
    assert all("AA" not in s and set(s) == {"A", "C"} for s in drawn)
    assert model.sample(1, 5).dtype == np.float32


def test_what_cannot_be_is_refused() -> None:
    for options, message in (({"order": 9}, "0 to 8"), ({"order": 1.0}, "order"), ({"pseudocount": 0}, "above 0")):
        with pytest.raises(ParameterError, match=message):
            MarkovModel.fit(["ACGT"], **options)
    with pytest.raises(ParameterError, match="no known base"):
        MarkovModel.fit(["NNN"])
    with pytest.raises(ShapeError, match="one string"):
        MarkovModel.fit("ACGT")
    with pytest.raises(ParameterError, match="shapes"):
        MarkovModel((np.full((2, 4), 0.25),))
    with pytest.raises(ParameterError, match="no distributions"):
        MarkovModel((np.array([[0.5, 0.5, 0.0, 0.0]]),))
    model = random_model(1)
    with pytest.raises(ShapeError, match="leave a sequence of 4 bp"):
        model.sample_between(one_hot(["ACGT"]), 2, 3, 1)
    with pytest.raises(ShapeError, match="2 starts for 1"):
        model.sample_between(one_hot(["ACGT"]), [0, 1], 1, 1)
    with pytest.raises(ParameterError, match="at most 8"):
        model.stretch_probabilities(one_hot(["ACGTACGTACGT"]), 0, 9)
