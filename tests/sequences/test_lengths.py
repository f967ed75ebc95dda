"""Cropping and padding keep the centre, and a record's interval goes with its bases on both strands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqexplain.errors import ParameterError, SequenceError, ShapeError
from seqexplain.results import Interval
from seqexplain.sequences import RecordSource, SequenceRecord, fit_length, one_hot, reverse_complement


@given(st.text("ACGT", min_size=1, max_size=40), st.integers(1, 40))
def test_centre_stays_centre(text: str, length: int) -> None:
    fitted = fit_length(text, length, policy="crop-or-pad")
    assert len(fitted) == length
    assert fitted[length // 2] == text[len(text) // 2]
    assert fitted.strip("N") in text
    if length >= len(text):
        assert fit_length(fitted, len(text), policy="crop") == text
    np.testing.assert_array_equal(fit_length(one_hot([text]), length, policy="crop-or-pad"), one_hot([fitted]))


@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from("+-."))
def test_interval_goes_with_the_bases(have: int, want: int, strand: str) -> None:
    genome = "".join(np.random.default_rng(0).choice(list("ACGT"), 100))
    start = 35
    bases = genome[start : start + have]
    record = SequenceRecord(
        "x",
        reverse_complement(bases) if strand == "-" else bases,
        interval=Interval("chr1", start, start + have, strand),
    )
    fitted = fit_length(record, want, policy="crop-or-pad")
    place = fitted.interval
    assert place is not None
    assert (place.chromosome, place.strand, place.end - place.start) == ("chr1", strand, want)
    there = genome[place.start : place.end]
    there = reverse_complement(there) if strand == "-" else there
    assert all(mine in ("N", true) for mine, true in zip(fitted.sequence, there, strict=True))
    assert sum(mine != "N" for mine in fitted.sequence) == min(have, want)


def test_right_length_is_left_alone_under_every_policy() -> None:
    record = SequenceRecord("x", "ACGT", interval=Interval("c", 0, 4))
    for policy in ("error", "crop", "pad", "crop-or-pad"):
        assert fit_length(record, 4, policy=policy) == record
        assert fit_length("ACGT", 4, policy=policy) == "ACGT"
    assert fit_length(record, 4) == record


@pytest.mark.parametrize(
    ("length", "policy", "message"),
    [
        (3, "error", r'has 4 bases; expected 3\. Use policy="crop"'),
        (6, "error", r'has 4 bases; expected 6\. Use policy="pad"'),
        (3, "pad", "crop-or-pad"),
        (6, "crop", "crop-or-pad"),
    ],
)
def test_refusals_name_the_record(length: int, policy, message: str) -> None:
    record = SequenceRecord("peak", "ACGT", source=RecordSource("x.fa", 7, 19))
    with pytest.raises(SequenceError, match=rf"x\.fa, record 7, line 19: 'peak' .*{message}"):
        fit_length(record, length, policy=policy)
    with pytest.raises(SequenceError, match=message):
        fit_length("ACGT", length, policy=policy)
    with pytest.raises(ShapeError, match=message):
        fit_length(np.zeros((2, 4, 4)), length, policy=policy)


def test_the_default_is_an_error() -> None:
    with pytest.raises(SequenceError):
        fit_length("ACGT", 5)


def test_bad_parameters() -> None:
    with pytest.raises(ParameterError, match="policy is 'trim'"):
        fit_length("ACGT", 4, policy="trim")
    for length in (0, -1, 2.5, True, None):
        with pytest.raises(ParameterError, match="length is"):
            fit_length("ACGT", length)
    with pytest.raises(ParameterError, match="Received NoneType"):
        fit_length(None, 5)
    with pytest.raises(ShapeError, match=r"\(…, length, 4\)"):
        fit_length(np.zeros((4, 10)), 5)


def test_arrays_keep_dtype_and_axes() -> None:
    X = np.ones((2, 3, 5, 4), dtype=np.int8)
    padded = fit_length(X, 8, policy="pad")
    assert padded.shape == (2, 3, 8, 4)
    assert padded.dtype == np.int8
    assert padded.sum() == X.sum()
