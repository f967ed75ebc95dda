"""Aligned windows: mean, spread and map."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot import average_profile, save_figure

W = np.array([[0, 1, 5, 0], [0, 3, 1, 0], [0, 8, 3, np.nan], [0, 4, -1, 0.0]])


def line(ax):
    return ax.get_lines()[0].get_xdata().tolist(), ax.get_lines()[0].get_ydata().tolist()


def band(ax):
    """Lower and upper edge of the band at each position."""
    vertices = ax.collections[0].get_paths()[0].vertices
    return {x: (min(ys), max(ys)) for x in set(vertices[:, 0]) for ys in [vertices[vertices[:, 0] == x, 1]]}


def test_mean_leaves_out_what_is_not_there():
    top, bottom = average_profile(W, start=-1)
    assert line(top) == ([-1, 0, 1, 2], [0, 4, 2, 0])
    assert top.get_xlim() == bottom.get_xlim() == (-1.5, 2.5)
    assert (top.get_ylabel(), bottom.child_axes[0].get_ylabel()) == ("mean contribution", "contribution")


def test_spread():
    for spread, low, high in (
        ("quartiles", 2.5, 5.0),
        ("deviation", 4 - np.sqrt(26 / 3), 4 + np.sqrt(26 / 3)),
        ("error", 4 - np.sqrt(26 / 12), 4 + np.sqrt(26 / 12)),
    ):
        (ax,) = average_profile(W, show="mean", spread=spread)
        assert band(ax)[1.0] == pytest.approx((low, high)), spread
    (ax,) = average_profile(W, show="mean", spread="none")
    assert not ax.collections
    (ax,) = average_profile(W[:1], show="mean", spread="deviation")
    assert band(ax)[1.0] == (1, 1)


def test_positions_that_few_windows_reach_have_no_mean():
    many = np.zeros((100, 3))
    many[:96, 0] = many[:94, 2] = np.nan
    (ax,) = average_profile(many, show="mean")
    assert np.isnan(line(ax)[1]).tolist() == [True, False, False]


def test_the_map_is_sorted_by_the_span_strongest_first():
    _, bottom = average_profile(W, span=(1, 3))
    shown = bottom.get_images()[0].get_array()
    assert shown[:, 1].tolist() == [8, 1, 3, 4]  # sums of the span: 11, 6, 4, 3
    assert shown.mask.sum() == 1
    assert bottom.get_ylabel().startswith("occurrences,\nstrongest first")
    (against,) = average_profile(-W, span=(1, 3), show=["map"])
    assert against.get_images()[0].get_array()[:, 1].tolist() == [-8, -1, -3, -4]
    (unsorted,) = average_profile(W, show=["map"])
    assert unsorted.get_images()[0].get_array()[:, 1].tolist() == [1, 3, 8, 4]


def test_colours_are_centred_at_zero():
    (ax,) = average_profile(W, show="map")
    norm = ax.get_images()[0].norm
    assert norm(0.0) == 0.5
    assert norm.vmin == -norm.vmax
    (flat,) = average_profile(np.zeros((2, 2)), show="map")
    assert flat.get_images()[0].norm.vmax == 1


def test_many_windows_are_averaged_by_groups():
    values = np.arange(501.0)[:, None] * [1, 1]
    (ax,) = average_profile(values, show="map")
    shown = ax.get_images()[0].get_array()
    assert shown[:, 0].tolist() == [
        *np.arange(1.0, 500, 3),
    ]
    assert "means of 3" in ax.get_ylabel()
    assert ax.get_ylim() == (501, 0)


def test_span_is_shaded():
    top, bottom = average_profile(W, start=-1, span=(0, 2))
    boxes = [patch.get_bbox() for patch in top.patches]
    assert [(box.x0, box.x1) for box in boxes] == [(-0.5, 1.5)]
    assert [one.get_xdata()[0] for one in bottom.get_lines()] == [-0.5, 1.5]


def test_on_the_users_axes_and_the_same_bytes(tmp_path):
    ax = Figure().subplots()
    assert average_profile(W, ax=ax, show="mean") == [ax]
    ax = Figure().subplots()
    assert average_profile(W, ax=ax) == ax.child_axes
    first, second = (save_figure(average_profile(W), tmp_path / name).read_bytes() for name in ("a.svg", "b.svg"))
    assert first == second


@pytest.mark.parametrize(
    ("windows", "changes", "error", "words"),
    [
        ([1, 2], {}, ShapeError, r"expected \(windows, positions\)"),
        ([[np.inf]], {}, ShapeError, "infinity"),
        ([[np.nan]], {}, ShapeError, "no number"),
        (W, {"show": "heat"}, ParameterError, "expected panels out of"),
        (W, {"show": []}, ParameterError, "expected panels out of"),
        (W, {"spread": "sd"}, ParameterError, "expected one of quartiles, deviation, error, none"),
        (W, {"span": (2, 9)}, ParameterError, "expected start < end within positions 0 to 4"),
    ],
)
def test_errors_teach(windows, changes, error, words):
    with pytest.raises(error, match=words):
        average_profile(windows, **changes)
