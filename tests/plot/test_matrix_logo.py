"""Probability matrices to bits."""

from __future__ import annotations

import logomaker
import numpy as np
import pandas as pd
import pytest

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot import matrix_logo
from seqexplain.plot._matrix_logo import information

EVEN = np.full(4, 0.25)


def test_information_in_closed_form():
    p = np.array([[1, 0, 0, 0], [0.5, 0, 0, 0.5], [0.25, 0.25, 0.25, 0.25]])
    np.testing.assert_allclose(information(p, EVEN), [[2, 0, 0, 0], [0.5, 0, 0, 0.5], [0, 0, 0, 0]], atol=1e-15)
    skewed = np.array([0.5, 0.125, 0.125, 0.25])
    np.testing.assert_allclose(information(p[:1], skewed), [[1, 0, 0, 0]])


def test_information_is_logomakers():
    p = np.random.default_rng(0).dirichlet([0.4] * 4, size=30)
    for background in (EVEN, np.array([0.3, 0.2, 0.2, 0.3])):
        theirs = logomaker.transform_matrix(
            pd.DataFrame(p, columns=list("ACGT")),
            from_type="probability",
            to_type="information",
            background=background,
        )
        np.testing.assert_allclose(information(p, background), theirs.to_numpy(), atol=1e-6)


def test_rounding_never_puts_letters_below_zero():
    background = np.array([0.3, 0.2, 0.2, 0.3])
    p = background + np.random.default_rng(0).normal(scale=1e-17, size=(1000, 4))
    p = (p * 3) / (p * 3).sum(axis=1, keepdims=True)
    assert (information(p, background) >= 0).all()
    matrix_logo(p[:10], background=tuple(background))


def test_a_motif_of_jaspar(testdata):
    text = (testdata / "motifs" / "JASPAR2022_vertebrates.pfm").read_text()
    record = text.split(">MA0139.1")[1].split(">")[0].splitlines()[1:]
    counts = np.array([row.split() for row in record if row], dtype=float)  # a row a position
    ax = matrix_logo(counts / counts.sum(axis=1, keepdims=True), title="CTCF")
    assert ax.get_ylim() == (0, 2)
    assert ax.get_ylabel() == "bits"
    tops = [patch.get_path().get_extents().ymax for patch in ax.patches]
    assert 1.7 < max(tops) <= 2.0


def test_y_axis_reaches_the_most_that_can_be():
    assert matrix_logo(np.eye(4), background=(0.5, 0.125, 0.125, 0.25)).get_ylim() == (0, 3)
    assert matrix_logo(np.eye(4), ylim=(0, 5)).get_ylim() == (0, 5)


@pytest.mark.parametrize(
    ("ppm", "words"),
    [
        (np.full((3, 4), 5.0), "row 0 of ppm sums to 20; expected 1"),
        ([[0, 0, 0, 0]], "sums to 0"),
        ([[1.5, -0.5, 0, 0]], "negative"),
        (np.full((4, 7), 0.25), r"ppm\.T"),
        ([[np.nan, 1, 0, 0]], "not finite"),
    ],
)
def test_refuses_matrices(ppm, words):
    with pytest.raises(ShapeError, match=words):
        matrix_logo(ppm)


@pytest.mark.parametrize("background", [(1, 0, 0, 0), (0.5, 0.5), (1, 1, 1, 1), (np.nan,) * 4])
def test_refuses_backgrounds(background):
    with pytest.raises(ParameterError, match="background"):
        matrix_logo(np.eye(4), background=background)
