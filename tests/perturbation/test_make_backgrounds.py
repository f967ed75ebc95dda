"""Backgrounds have the composition that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.perturbation import make_backgrounds
from seqexplain.sequences import decode, dinucleotide_shuffle, one_hot, one_hot_to_codes


def test_shuffles_are_the_packages():
    X = one_hot(["ACGTTGCATCGATTAC", "GGGATCCATTACAGAT"])
    found = make_backgrounds(X, 3, random_state=4)
    np.testing.assert_array_equal(found, dinucleotide_shuffle(X, 3, random_state=4).reshape(6, 16, 4))
    text = decode(make_backgrounds(decode(X), 2, kind="mononucleotide"))
    assert [sorted(t) for t in text] == [sorted(t) for t in (decode(X)[0],) * 2 + (decode(X)[1],) * 2]


def test_random_bases_have_the_composition():
    found = make_backgrounds(n=200, kind="random", length=100, composition=(0.4, 0.1, 0, 0.5))
    codes = one_hot_to_codes(found)
    counts = np.bincount(codes.ravel(), minlength=4)
    assert counts[2] == 0
    assert stats.chisquare(counts[[0, 1, 3]], np.array([0.4, 0.1, 0.5]) * counts.sum()).pvalue > 0.001
    np.testing.assert_array_equal(
        found, make_backgrounds(n=200, kind="random", length=100, composition=(0.4, 0.1, 0, 0.5))
    )
    assert (found != make_backgrounds(n=200, kind="random", length=100, random_state=1)).any()


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_chains_keep_the_words_of_the_sequences(order):
    rng = np.random.default_rng(1)
    # a second-order source: the base repeats the one before last with probability .7
    codes = rng.integers(0, 4, (50, 300))
    for k in range(2, 300):
        codes[:, k] = np.where(rng.random(50) < 0.7, codes[:, k - 2], codes[:, k])
    X = np.eye(4, dtype=np.float32)[codes]
    found = one_hot_to_codes(make_backgrounds(X, 60, kind="markov", order=order, length=250)).astype(int)
    assert found.shape == (60, 250)
    again = (found[:, 2:] == found[:, :-2]).mean()
    assert again == pytest.approx(0.775 if order >= 2 else 0.25, abs=0.02)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"kind": "genome"}, ParameterError, "kind is 'genome'"),
        ({"kind": "dinucleotide"}, ParameterError, "needs sequences"),
        ({"kind": "random"}, ParameterError, "needs a length"),
        ({"kind": "random", "length": 0}, ParameterError, "length is 0"),
        ({"kind": "random", "length": 5, "composition": (1, 1, 0, 0)}, ParameterError, "sum to 1"),
        ({"X": ["ACGT"], "kind": "markov", "order": 9}, ParameterError, "from 0 to 8"),
        ({"X": ["NNNN"], "kind": "markov"}, ParameterError, "no known base"),
        ({"X": ["ACGT"], "n": 0}, ParameterError, "n is 0"),
        ({"X": np.ones((1, 4, 4))}, ShapeError, "one-hot"),
    ],
)
def test_what_cannot_be_is_refused(options, error, words):
    with pytest.raises(error, match=words):
        make_backgrounds(**options)
