"""Aligned tracks in sequence and genome coordinates."""

from __future__ import annotations

import numpy as np
import pytest

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot import tracks
from seqexplain.plot._coordinates import Coordinates
from seqexplain.results import Interval

PLUS, MINUS = Interval("chr2", 1000, 1200, "+"), Interval("chr2", 1000, 1200, "-")


def marks(ax):
    """Position in the sequence and label of each tick."""
    names = [label.get_text() for label in ax.get_xticklabels()]
    return dict(zip([int(tick) for tick in ax.get_xticks()], names, strict=True))


def test_logos_and_lines_share_positions():
    rng = np.random.default_rng(0)
    line = np.where(np.arange(60) < 10, np.nan, -rng.random(60))
    top, middle, bottom = panels = tracks(
        {"contribution": rng.normal(size=(60, 4)), "hypothetical": rng.normal(size=(60, 4)), "line": line},
        highlight=[(5, 20, "site")],
        title="title",
    )
    assert {ax.get_xlim() for ax in panels} == {(-0.5, 59.5)}
    assert [ax.get_ylabel() for ax in panels] == ["contribution", "hypothetical", "line"]
    assert [[text.get_text() for text in ax.texts] for ax in panels] == [["site"], [], []]
    assert all(any(patch.get_zorder() == -2 for patch in ax.patches) for ax in panels)
    assert [ax.get_xlabel() for ax in panels] == ["", "", "position (bp)"]
    assert bottom.get_ylim()[1] == 0
    (stairs,) = [patch for patch in bottom.patches if hasattr(patch, "get_data")]
    np.testing.assert_array_equal(stairs.get_data().values, line)
    assert stairs.get_data().edges[0] == -0.5
    top.figure.canvas.draw()
    assert len({round(ax.get_position().x0, 9) for ax in panels}) == 1
    assert top.get_position().y0 > middle.get_position().y1


def test_y_axes_are_shared_on_request_only():
    values = {"small": np.eye(4), "large": -10 * np.eye(4), "line": np.array([0, 20, 0, 0])}
    apart, together = tracks(values), tracks(values, shared_y=True)
    assert len({ax.get_ylim() for ax in apart}) == 3
    ((low, high),) = {ax.get_ylim() for ax in together}
    assert low < -10
    assert high > 20


def test_plus_strand_counts_upward():
    (ax,) = tracks({"line": np.zeros(50)}, interval=PLUS, start=25)
    assert ax.get_xlabel() == "chr2 (bp, 0-based, + strand)"
    seen = marks(ax)
    assert seen
    assert all(int(name.replace(",", "")) == 1000 + position for position, name in seen.items())


def test_minus_strand_counts_downward():
    (ax,) = tracks({"line": np.zeros(50)}, interval=MINUS, start=25)
    assert "− strand" in ax.get_xlabel()
    seen = marks(ax)
    assert seen
    # the sequence's first base is the reverse complement of the genome's base end - 1
    assert all(int(name.replace(",", "")) == 1199 - position for position, name in seen.items())
    assert all(25 <= position < 75 for position in seen)


@pytest.mark.parametrize(("interval", "span"), [(PLUS, (9.5, 19.5)), (MINUS, (179.5, 189.5))])
def test_genome_highlights(interval, span):
    (ax,) = tracks({"line": np.zeros(200)}, interval=interval, highlight=[(Interval("chr2", 1010, 1020), "site")])
    box = ax.patches[0].get_bbox()
    assert (box.x0, box.x1) == span
    # the same ten bases, named one by one
    where = Coordinates(0, 200, interval)
    covered = {where.to_genome(position) for position in range(200) if span[0] < position < span[1]}
    assert covered == set(range(1010, 1020))


@pytest.mark.parametrize("interval", [None, PLUS, MINUS])
@pytest.mark.parametrize("length", [1, 2, 9, 50, 200])
def test_ticks_are_round_few_and_inside(interval, length):
    where = Coordinates(0, length, interval)
    positions, names = where.ticks(6.0)
    assert len(positions) == len(names) <= 12
    assert length < 9 or len(positions) >= 2
    assert all(0 <= position < length for position in positions)
    step = np.unique(np.abs(np.diff(positions)))
    assert step.size <= 1
    assert not step.size or str(step[0]).rstrip("0") in {"1", "2", "5"}


def test_window_beyond_a_chromosomes_start_has_negative_coordinates():
    positions, names = Coordinates(0, 20, Interval("chr1", -10, 10)).ticks(4.0)
    assert names[positions.index(0)] == "−10"
    assert names[positions.index(10)] == "0"


def test_a_line_without_any_value_is_drawn_empty():
    (ax,) = tracks({"nothing": np.full(5, np.nan)})
    ax.figure.canvas.draw()
    assert ax.get_ylim() == (-1, 1)


def test_taller_with_more_tracks():
    one, three = (tracks({str(i): np.eye(4) for i in range(n)})[0].figure.get_figheight() for n in (1, 3))
    assert three > 2 * one - 1
    assert tracks({"a": np.eye(4)}, figsize=(5, 3))[0].figure.get_size_inches().tolist() == [5, 3]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"a": np.ones((5, 4)), "b": np.ones(6)}, "'b' has 6 positions, track 'a' has 5"),
        ({"a": np.ones((5, 3))}, "track 'a' has shape"),
        ({"a": np.full((5, 4), np.nan)}, "track 'a' holds 20 value"),
        ({"a": [1, np.inf]}, "infinity"),
        ({"a": []}, "no positions"),
        ({"a": ["x"]}, "dtype"),
    ],
)
def test_refuses_tracks(values, words):
    with pytest.raises(ShapeError, match=words):
        tracks(values)


@pytest.mark.parametrize(
    ("values", "arguments", "words"),
    [
        ({}, {}, "empty"),
        (np.eye(4), {}, "a ndarray"),
        ({"a": np.ones(201)}, {"interval": PLUS}, "has 200 bp"),
        ({"a": np.ones(5)}, {"interval": PLUS, "start": 198}, "positions 198 to 203"),
        ({"a": np.ones(5)}, {"interval": Interval("chr1", 0, 9, "x")}, "strand"),
        (
            {"a": np.ones(200)},
            {"interval": PLUS, "highlight": [Interval("chr3", 0, 9)]},
            "another chromosome",
        ),
        ({"a": np.ones(200)}, {"interval": PLUS, "highlight": [Interval("chr2", 0, 1000)]}, "outside"),
        ({"a": np.ones(5)}, {"engine": "x"}, "engine"),
        ({"a": np.ones(5)}, {"start": None}, "whole number"),
    ],
)
def test_refuses_parameters(values, arguments, words):
    with pytest.raises(ParameterError, match=words):
        tracks(values, **arguments)
