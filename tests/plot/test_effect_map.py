"""Effects of substitutions as a heat map: arrays."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot import effect_map, save_figure
from seqexplain.results import Interval

EFFECTS = np.array([[0, -1, 2, -4], [1, 0, 0, 0], [0, 0, 0, -2.0]])
X = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0.0]])


def mesh(ax):
    (found,) = [one for one in ax.collections if isinstance(one, QuadMesh)]
    return found


def dots(ax):
    return [
        (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in ax.get_lines() if line.get_marker() == "o"
    ]


def test_rows_are_bases_a_at_the_top_and_columns_are_positions():
    (ax,) = effect_map(EFFECTS, start=5)
    drawn = mesh(ax)
    assert np.array_equal(np.asarray(drawn.get_array()).reshape(4, 3), EFFECTS.T)
    assert drawn.get_coordinates()[0, :, 0].tolist() == [4.5, 5.5, 6.5, 7.5]
    assert ax.get_xlim() == (4.5, 7.5)
    assert ax.get_ylim() == (3.5, -0.5)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["A", "C", "G", "T"]


def test_colours_are_centred_at_zero():
    (ax,) = effect_map(EFFECTS)
    drawn = mesh(ax)
    assert (drawn.norm.vmin, drawn.norm(0.0), drawn.norm.vmax) == (-4, 0.5, 4)
    red, blue = drawn.to_rgba(2.0), drawn.to_rgba(-2.0)
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    assert np.allclose(drawn.to_rgba(0.0)[:3], 0.97, atol=0.01)  # all but white
    (ax,) = effect_map(EFFECTS, limit=2, cmap="PuOr_r")
    assert (mesh(ax).norm.vmax, mesh(ax).cmap.name) == (2, "PuOr_r")
    (flat,) = effect_map(np.zeros((2, 4)))
    assert mesh(flat).norm.vmax == 1


def test_observed_bases_have_a_dot_and_unknown_ones_none():
    (ax,) = effect_map(EFFECTS, X, start=5)
    assert dots(ax) == [([5, 6], [0, 1])]
    (ax,) = effect_map(EFFECTS)
    assert dots(ax) == []


def test_dots_fit_their_cells():
    (wide,), (narrow,) = (effect_map(np.ones((n, 4)), np.eye(4)[np.zeros(n, int)]) for n in (20, 300))
    sizes = [next(line.get_markersize() for line in ax.get_lines()) for ax in (wide, narrow)]
    assert sizes[0] > 3 > 1.6 > sizes[1]
    (dense,) = effect_map(np.ones((1000, 4)), np.eye(4)[np.zeros(1000, int)])
    assert dots(dense) == []
    assert (mesh(dense).get_rasterized(), mesh(narrow).get_rasterized()) == (True, False)


def test_a_logo_stands_above_with_the_same_positions():
    top, bottom = effect_map(EFFECTS, X, contributions=X, interval=Interval("chr1", 100, 103, "-"), title="peak")
    assert top.get_xlim() == bottom.get_xlim()
    assert top.get_position().y0 > bottom.get_position().y0
    assert bottom.get_xlabel() == "chr1 (bp, 0-based, − strand)"
    assert top.get_xlabel() == ""
    assert top.get_title(loc="left") == "peak"
    assert (top.get_ylabel(), bottom.child_axes[0].get_ylabel()) == ("contribution", "effect")


def test_highlights_frame_the_map_and_shade_the_logo():
    top, bottom = effect_map(EFFECTS, contributions=X, highlight=[(1, 2, "site", "#ff0000")])
    assert [text.get_text() for text in top.texts] == ["site"]
    assert [patch.get_facecolor() for patch in top.patches if patch.get_zorder() == -2] == [to_rgba("#ff0000")]
    assert [line.get_xdata()[0] for line in bottom.get_lines() if line.get_zorder() == 2] == [0.5, 1.5]


def test_letters_of_the_axis_have_the_bases_colours():
    (ax,) = effect_map(EFFECTS, colors={"A": "#111111", "C": "#222222", "G": "#333333", "T": "#444444"})
    assert [text.get_color() for text in ax.get_yticklabels()] == [
        tuple(channel / 255 for channel in (k * 17,) * 3) for k in (1, 2, 3, 4)
    ]


def test_on_the_users_axes():
    one = Figure(figsize=(6, 4)).subplots()
    assert effect_map(EFFECTS, ax=one) == [one]
    whole = Figure(figsize=(6, 4)).subplots()
    panels = effect_map(EFFECTS, contributions=X, ax=whole)
    assert whole.child_axes == panels
    assert not whole.axison
    boxes = [panel.get_position() for panel in panels]
    assert boxes[0].y0 > boxes[1].y1
    assert boxes[0].width == boxes[1].width == whole.get_position().width
    two = Figure(figsize=(6, 4)).subplots(2, 1)
    assert effect_map(EFFECTS, contributions=X, ax=two) == list(two)


def test_no_scale_on_request():
    (ax,) = effect_map(EFFECTS, colorbar=False)
    assert not ax.child_axes


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_saved_bytes_repeat(tmp_path, suffix):
    written = []
    for k in range(2):
        axes = effect_map(EFFECTS, X, contributions=X, highlight=[(0, 1, "a")])
        written += [save_figure(axes, tmp_path / f"{k}.{suffix}").read_bytes() for _ in range(2)]
    assert len(set(written)) == 1


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"effects": EFFECTS.T}, ShapeError, r"expected \(length, 4\), columns A C G T. Use effects.T"),
        ({"effects": EFFECTS * np.nan}, ShapeError, "not finite"),
        ({"X": X[:2]}, ShapeError, r"X has shape \(2, 4\); expected \(3, 4\)"),
        ({"contributions": X[:2]}, ShapeError, r"contributions has shape"),
        ({"limit": 0}, ParameterError, "expected a number above 0"),
        ({"cmap": "rainbows"}, ParameterError, "Take a diverging one: 'RdBu_r'"),
        ({"ax": 3}, ParameterError, "expected Matplotlib axes"),
        ({"ax": Figure().subplots(3)}, ParameterError, "ax holds 3 axes; expected 1"),
        ({"highlight": [(7, 9)]}, ParameterError, "outside the positions 0 to 3"),
    ],
)
def test_errors_teach(changes, error, words):
    given = {"effects": EFFECTS, "X": X, **changes}
    with pytest.raises(error, match=words):
        effect_map(given.pop("effects"), given.pop("X"), **given)
