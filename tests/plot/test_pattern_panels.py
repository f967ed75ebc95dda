"""Patterns one below the other: contributions and probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot import pattern_panels, save_figure


def test_pairs_have_one_scale_and_their_labels(tmp_path):
    pairs = pattern_panels(
        [np.eye(4), -np.ones((7, 4))], [np.eye(4), np.full((7, 4), 0.25)], labels=["a $x$", "b"], title="t"
    )
    assert [ax.get_xlim() for pair in pairs for ax in pair] == [(-0.5, 6.5)] * 4
    assert [left.get_title(loc="left") for left, _ in pairs] == ["a $x$", "b"]
    (_, above), (low, _) = pairs[0][0].get_ylim(), pairs[1][0].get_ylim()
    assert above >= 1
    assert low <= -4  # four letters of -1 below each other
    assert [right.get_ylabel() for _, right in pairs] == ["bits", "bits"]
    assert save_figure(pairs[0][0], tmp_path / "x.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"cwms": [], "ppms": []}, ParameterError, "empty"),
        ({"labels": ["a"]}, ShapeError, "1 labels"),
        ({"ppms": [np.eye(4), np.full((5, 4), 0.25)]}, ShapeError, "motif 1 has 4 rows"),
        ({"ppms": [np.ones((4, 4)), np.eye(4)]}, ShapeError, "sums to 4"),
    ],
)
def test_refusals(change, error, words):
    with pytest.raises(error, match=words):
        pattern_panels(**{"cwms": [np.eye(4), np.eye(4)], "ppms": [np.eye(4), np.eye(4)], **change})
