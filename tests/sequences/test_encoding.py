"""Strings, codes and one-hot arrays go round without loss; what is no base is named with its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqexplain.errors import ParameterError, SequenceError, ShapeError
from seqexplain.sequences import (
    codes_to_one_hot,
    decode,
    encode_codes,
    one_hot,
    one_hot_to_codes,
    reverse_complement,
)

dna = st.text("ACGTN", max_size=60)


def test_order_is_a_c_g_t() -> None:
    X = one_hot(["ACGT"])
    assert X.dtype == np.float32
    np.testing.assert_array_equal(X[0], np.eye(4))


@pytest.mark.parametrize("letter", list("NRYSWKMBDHVXnryswkmbdhvx"))
def test_unknown_bases_are_zero(letter: str) -> None:
    assert not one_hot([letter]).any()
    assert encode_codes(letter).tolist() == [4]


def test_lower_case_and_u() -> None:
    np.testing.assert_array_equal(one_hot(["acgtuU"]), one_hot(["ACGTTT"]))


@given(st.lists(st.text("ACGTN", min_size=7, max_size=7), max_size=5))
def test_round_trip(texts: list[str]) -> None:
    X = one_hot(texts, length=7)
    assert X.shape == (len(texts), 7, 4)
    assert decode(X) == texts
    np.testing.assert_array_equal(codes_to_one_hot(one_hot_to_codes(X)), X)


@given(dna)
def test_codes_agree_with_one_hot(text: str) -> None:
    np.testing.assert_array_equal(codes_to_one_hot(encode_codes(text)), one_hot([text])[0])


@given(dna)
def test_reverse_complement_of_string_and_array_agree(text: str) -> None:
    back = reverse_complement(text)
    assert reverse_complement(back) == text
    np.testing.assert_array_equal(reverse_complement(one_hot([text])), one_hot([back]))


def test_reverse_complement_keeps_iupac_and_case() -> None:
    # IUPAC (Cornish-Bowden 1985): R=AG Y=CT, K=GT M=AC, B=not A V=not T, D=not C H=not G; S, W, N are their
    # own
    assert reverse_complement("ACGTRYSWKMBDHVN") == "NBDHVKMWSRYACGT"
    assert reverse_complement("aCgU") == "AcGt"


def test_reverse_complement_of_scores() -> None:
    scores = np.arange(24.0).reshape(2, 3, 4)
    back = reverse_complement(scores)
    assert back[1, 0, 3] == scores[1, 2, 0]
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(reverse_complement(back), scores)


def test_one_sequence_without_its_batch_axis_decodes() -> None:
    assert decode(one_hot(["GATTACA"])[0]) == ["GATTACA"]


def test_nothing_at_all() -> None:
    assert one_hot([]).shape == (0, 0, 4)
    assert one_hot([], length=5).shape == (0, 5, 4)
    assert one_hot([""]).shape == (1, 0, 4)
    assert decode(np.zeros((0, 5, 4))) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("AC-T", r"Sequence 1 has '-' \(an alignment gap\?\) at position 2"),
        ("ACG*", r"Sequence 1 has '\*' \(a protein's stop codon\?\) at position 3"),
        ("1CGT", r"Sequence 1 has '1' \(a number\?\) at position 0"),
        ("AEGT", "Sequence 1 has 'E' at position 1"),
        ("Aé\u2028T", "Sequence 1 has 'é' at position 1"),
    ],
)
def test_other_characters_are_named(text: str, message: str) -> None:
    with pytest.raises(SequenceError, match=message):
        one_hot(["ACGT", text])


@pytest.mark.parametrize("function", [encode_codes, reverse_complement])
def test_other_characters_in_one_string(function) -> None:
    with pytest.raises(SequenceError, match="'Z' at position 2"):
        function("ACZ")


def test_lengths_that_differ() -> None:
    with pytest.raises(ShapeError, match=r"Sequence 2 has 3 bases; expected 4, as sequence 0 has.*fit_length"):
        one_hot(["ACGT", "ACGT", "ACG"])
    with pytest.raises(ShapeError, match=r"Sequence 0 has 4 bases; expected 5, as asked for"):
        one_hot(["ACGT"], length=5)


def test_a_bare_string_and_other_types() -> None:
    with pytest.raises(ShapeError, match=r"Use \[sequence\]"):
        one_hot("ACGT")
    with pytest.raises(SequenceError, match="Sequence 0 is bytes"):
        one_hot([b"ACGT"])
    with pytest.raises(SequenceError, match="Received int"):
        encode_codes(3)
    with pytest.raises(ShapeError, match="Received NoneType; expected a list"):
        one_hot(None)
    with pytest.raises(ParameterError, match="length is '4'"):
        one_hot(["ACGT"], length="4")


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((1, 4, 3)), r"transpose\(0, 2, 1\)"),
        (np.zeros(4), "shape"),
        (np.array([["a"] * 4]), "dtype"),
        (np.array([[0.5, 0.5, 0, 0]]), r"X\[0\] is \[0.5, 0.5"),
        (np.array([[0, 0, 0, 1], [1, 1, 0, 0]]), r"X\[1\] is \[1, 1, 0, 0\]"),
        (np.array([[1, np.nan, 0, 0]]), "nan"),
        (np.array([[0, 0, 0, -1]]), "-1"),
    ],
)
def test_rows_that_are_no_base(X, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        one_hot_to_codes(X)


def test_too_many_axes_to_decode() -> None:
    with pytest.raises(ShapeError, match="reshape"):
        decode(np.zeros((2, 3, 5, 4)))


@pytest.mark.parametrize("codes", [[5], [-1], [0.5]])
def test_codes_that_are_none(codes) -> None:
    with pytest.raises(ShapeError, match="codes"):
        codes_to_one_hot(codes)


def test_array_to_reverse_must_end_in_bases() -> None:
    with pytest.raises(ShapeError, match=r"\(…, length, 4\)"):
        reverse_complement(np.zeros((4, 10)))
