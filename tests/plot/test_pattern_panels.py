"""Patterns one below the other: contributions and probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot import motif_panels, pattern_panels, save_figure


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


def test_panels_in_the_place_of_other_axes(tmp_path):
    figure = Figure(figsize=(10, 6), layout="constrained")
    place, other = figure.subplots(1, 2)
    pairs = pattern_panels([np.eye(4)] * 2, [np.eye(4)] * 2, labels=["a", "b"], title="both", ax=place)
    bars = {"one": [0.2, 0.4], "two": [0.1, 0.3]}
    logos = motif_panels([np.eye(4)] * 2, labels=["a", "b"], shares=bars, title="shares", ax=other)
    assert place.get_title(loc="left") == "both"
    assert save_figure(pairs, tmp_path / "x.png").stat().st_size > 1000
    boxes = [ax.get_window_extent() for pair in pairs for ax in pair]
    outer = place.get_window_extent()
    assert all(outer.x0 - 1 <= box.x0 < box.x1 <= outer.x1 + 1 for box in boxes)
    assert boxes[0].x1 < boxes[1].x0
    assert boxes[0].y0 > boxes[2].y1  # the first is above
    assert all(ax.get_figure() is figure for ax in logos)
    assert len(other.child_axes) == 4
    with pytest.raises(ParameterError, match="ax is a str"):
        motif_panels([np.eye(4)], ax="left")
