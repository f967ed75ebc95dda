"""References: every accepted form, drawn by parts as by the whole; every other one explained."""

from __future__ import annotations

import json

import numpy as np
import pytest

from seqexplain.errors import ParameterError, ShapeError, ShuffleWarning
from seqexplain.sequences import (
    References,
    dinucleotide_shuffle,
    mononucleotide_shuffle,
    one_hot,
    resolve_references,
)

RNG = np.random.default_rng(0)
X = one_hot(["".join(row) for row in RNG.choice(list("ACGT"), (6, 40))])


def from_function(sequences, n, random_state):
    return np.repeat(sequences[:, None, ::-1], n, axis=1)


ALL = {
    "dinucleotide": "dinucleotide",
    "mononucleotide": "mononucleotide",
    "zeros": "zeros",
    "uniform": "uniform",
    "text": "0.3, 0.2 0.2,0.3",
    "tuple": (0.3, 0.2, 0.2, 0.3),
    "mapping": {"T": 0.3, "A": 0.3, "C": 0.2, "G": 0.2},
    "array L": RNG.random((40, 4)),
    "array r": RNG.random((3, 40, 4)),
    "array n": RNG.random((6, 2, 40, 4)),
    "function": from_function,
}


@pytest.mark.parametrize("spec", ALL.values(), ids=ALL)
def test_drawn_in_parts_as_in_one(spec) -> None:
    references = resolve_references(spec, 5, random_state=3)
    whole = references.draw(X)
    assert whole.shape == (6, references.n, 40, 4)
    assert whole.dtype == np.float32
    parts = [references.draw(X[i : i + 2], start=i) for i in (0, 2, 4)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    if not references.per_sequence:
        np.testing.assert_array_equal(whole, np.repeat(whole[:1], 6, axis=0))
    references.check(6, 40)
    assert json.loads(json.dumps(references.label)) == references.label
    assert resolve_references(references) is references


def test_values() -> None:
    np.testing.assert_array_equal(
        resolve_references("dinucleotide", 4, random_state=7).draw(X),
        dinucleotide_shuffle(X, 4, random_state=7),
    )
    np.testing.assert_array_equal(
        resolve_references("mononucleotide", 4, random_state=7).draw(X),
        mononucleotide_shuffle(X, 4, random_state=7),
    )
    assert not resolve_references("zeros").draw(X).any()
    assert (resolve_references("uniform").draw(X) == 0.25).all()
    background = np.array([0.3, 0.2, 0.2, 0.3], dtype=np.float32)
    for name in ("text", "tuple", "mapping"):
        drawn = resolve_references(ALL[name]).draw(X)
        assert drawn.shape == (6, 1, 40, 4)
        assert (drawn == background).all()
    array = ALL["array n"].astype(np.float32)
    np.testing.assert_array_equal(resolve_references(array).draw(X[2:4], start=2), array[2:4])
    np.testing.assert_array_equal(resolve_references(ALL["array L"]).draw(X)[4, 0], ALL["array L"].astype(np.float32))


@pytest.mark.parametrize(
    ("name", "n", "per_sequence"),
    [
        ("dinucleotide", 5, True),
        ("zeros", 1, False),
        ("tuple", 1, False),
        ("array L", 1, False),
        ("array r", 3, False),
        ("array n", 2, True),
        ("function", 5, True),
    ],
)
def test_number_and_kind(name: str, n: int, per_sequence: bool) -> None:
    references = resolve_references(ALL[name], 5)
    assert isinstance(references, References)
    assert (references.n, references.per_sequence) == (n, per_sequence)


def test_labels_tell_what_differs() -> None:
    def label(spec, **options):
        return json.dumps(resolve_references(spec, **options).label)

    assert label("dinucleotide") != label("dinucleotide", random_state=1)
    assert label("dinucleotide") != label("dinucleotide", n=3)
    changed = ALL["array r"].copy()
    changed[2, 39, 3] += 0.5
    assert label(ALL["array r"]) != label(changed)
    assert label(ALL["tuple"]) == label(ALL["text"])
    assert "from_function" in label(from_function)


def test_seed_and_number_reach_the_function() -> None:
    seen = []

    def function(sequences, n, random_state):
        seen.append((len(sequences), n, random_state))
        return np.zeros((len(sequences), n, 40, 4))

    resolve_references(function, 7, random_state=11).draw(X[:2])
    assert seen == [(2, 7, 11)]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("dinuc", "references are 'dinuc'. Expected 'dinucleotide'"),
        ("0.3,0.2,0.2", "has 3 values; expected four"),
        (
            (0.3, 0.2, 0.2, 0.2),
            r"sums to 0.9; expected frequencies that sum to 1, such as 0.333,0.222,0.222,0.222",
        ),
        ((0.5, 0.6, 0.2, -0.3), "frequencies of 0 to 1"),
        ((np.nan, 0.5, 0.25, 0.25), "frequencies of 0 to 1"),
        (np.zeros(7), "has 7 values; expected four"),
        ({"A": 0.5, "C": 0.5}, "has the keys A, C; expected A, C, G and T"),
        ({"A": 0.3, "C": 0.2, "G": "x", "T": 0.3}, "expected four numbers"),
    ],
)
def test_bad_names_and_backgrounds(spec, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        resolve_references(spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (np.zeros((3, 4, 40)), r"shape \(3, 4, 40\); expected .* Use references.transpose\(0, 2, 1\)"),
        (np.zeros((2, 3, 4, 40)), r"transpose\(0, 1, 3, 2\)"),
        (np.zeros((1, 2, 3, 40, 4)), r"expected \(L, 4\)"),
        (np.zeros((0, 40, 4)), "at least one reference"),
        (np.where(np.arange(160).reshape(40, 4) == 9, np.nan, 0), r"references\[2, 1\] is nan"),
        ([["A"] * 4], "dtype"),
        ([[0, 0], [1]], "no regular array"),
        (None, "dtype object"),
    ],
)
def test_bad_arrays(spec, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        resolve_references(spec)


def test_arrays_that_do_not_fit_the_sequences() -> None:
    with pytest.raises(ShapeError, match="length 40, the sequences 30"):
        resolve_references(ALL["array r"]).draw(X[:, :30])
    with pytest.raises(ShapeError, match="length 40, the sequences 30"):
        resolve_references(ALL["array r"]).check(None, 30)
    per_sequence = resolve_references(ALL["array n"])
    with pytest.raises(ShapeError, match="are for 6 sequences; there are 7"):
        per_sequence.check(7, 40)
    with pytest.raises(ShapeError, match=r"sequence 7 \(counted from 0\) has none"):
        per_sequence.draw(X[:4], start=4)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda s, n, r: s, r"function .*lambda.* returned shape \(6, 40, 4\); expected \(6, 2, 40, 4\)"),
        (lambda s, n, r: np.full((6, 2, 40, 4), np.inf), "not finite"),
        (lambda s, n, r: np.full((6, 2, 40, 4), "A"), "not finite"),
    ],
)
def test_functions_that_return_something_else(result, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        resolve_references(result, 2).draw(X)


def test_sequences_of_another_layout() -> None:
    with pytest.raises(ShapeError, match=r"transpose\(0, 2, 1\)"):
        resolve_references("zeros").draw(X.transpose(0, 2, 1))


@pytest.mark.parametrize("options", [{"n": 0}, {"n": 2.5}, {"random_state": -1}, {"random_state": "0"}])
def test_bad_number_or_seed(options) -> None:
    with pytest.raises(ParameterError):
        resolve_references("dinucleotide", **options)


def test_warning_counts_sequences_of_the_whole_job() -> None:
    with pytest.warns(ShuffleWarning, match="sequence 12 has 1"):
        resolve_references("dinucleotide", 2).draw(one_hot(["AAAA", "AAAA"]), start=12)
