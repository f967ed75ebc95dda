"""Sufficient subsets over contributions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from explained import explained, placed, with_subsets
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from seqexplain.errors import ParameterError, SequenceError
from seqexplain.plot import save_figure, subset_overlay


def blocks(ax):
    """Positions of each row's blocks, by row."""
    return [
        sorted(float(path.get_extents().x0 + 0.5) for path in row.get_paths())
        for row in ax.collections
        if row.get_paths()
    ]


def shaded(ax):
    return [(p.get_bbox().x0, p.get_bbox().x1) for p in ax.patches if p.get_zorder() == -2]


def test_a_row_a_subset_with_number_and_value():
    top, bottom = subset_overlay(with_subsets(), "peak_1")
    assert blocks(top) == [[20, 21, 25], [5, 30]]
    assert [text.get_text() for text in top.get_yticklabels()] == ["1", "2"]
    assert [text.get_text() for text in top.texts] == ["f = 3.25", "f = 1.5 (too low)"]
    assert top.get_xlim() == bottom.get_xlim()
    assert top.get_title(loc="left") == "peak_1 · CTCF: 2 subsets, each with f ≥ 2"


def test_runs_of_bases_are_shaded_in_the_rows_colours():
    top, bottom = subset_overlay(with_subsets(), 0)
    assert sorted(shaded(bottom)) == [(4.5, 5.5), (19.5, 21.5), (24.5, 25.5), (29.5, 30.5)]
    colors = [to_hex(text.get_color()) for text in top.get_yticklabels()]
    assert [to_hex(row.get_facecolor()[0]) for row in top.collections] == colors
    assert len(set(colors)) == 2


def test_a_stretch_on_the_genome():
    top, bottom = subset_overlay(with_subsets(intervals=placed("+")), 0, start=21, end=31)
    assert blocks(top) == [[21, 25], [30]]
    assert sorted(shaded(bottom)) == [(20.5, 21.5), (24.5, 25.5), (29.5, 30.5)]
    assert bottom.get_xlabel() == "chr8 (bp, 0-based, + strand)"


def test_over_contributions_of_another_method():
    own, other = subset_overlay(with_subsets(), 0)[1], subset_overlay(with_subsets(), 0, over=explained())[1]
    letters = [len([p for p in ax.patches if p.get_zorder() == 0]) for ax in (own, other)]
    assert letters == [5, 37]  # the bases of both subsets; all that are known
    assert subset_overlay(with_subsets(), 3, over=explained())  # of two of one name the row tells
    with pytest.raises(SequenceError, match="'peak_1' has other bases in over"):
        subset_overlay(with_subsets(), 0, over=replace(explained(), X=explained().X[:, ::-1]))
    with pytest.raises(SequenceError, match="No sequence has the name 'peak_1'"):
        subset_overlay(with_subsets(), 0, over=explained().take([1]))


def test_none_found():
    top, _ = subset_overlay(with_subsets(), 1)
    assert [text.get_text() for text in top.texts] == ["no subset"]
    assert top.get_title(loc="left") == "peak_2 · CTCF: no subset with f ≥ 2"


def test_below_a_threshold():
    top, _ = subset_overlay(with_subsets(parameters={"negative": True}), 0)
    assert [text.get_text() for text in top.texts] == ["f = 3.25 (too high)", "f = 1.5"]
    assert "f ≤ 2" in top.get_title(loc="left")


def test_on_the_users_axes_and_the_same_bytes(tmp_path):
    ax = Figure().subplots()
    assert subset_overlay(with_subsets(), 0, ax=ax) == ax.child_axes
    two = Figure().subplots(2)
    assert subset_overlay(with_subsets(), 0, ax=two) == list(two)
    saved = [save_figure(subset_overlay(with_subsets(), 0), tmp_path / f"{k}.png").read_bytes() for k in range(2)]
    assert saved[0] == saved[1]


def test_errors_teach():
    with pytest.raises(ParameterError, match="result is a Attributions; expected what sufficient_input_subsets"):
        subset_overlay(explained(), 0)
    with pytest.raises(ParameterError, match="over is a ndarray"):
        subset_overlay(with_subsets(), 0, over=np.zeros((4, 40, 4)))
