"""Logos of one sequence out of a result."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from seqexplain.errors import ParameterError, SequenceError, ShapeError
from seqexplain.plot import attribution_logo
from seqexplain.results import Attributions, Interval

N, L = 4, 40


def result(targets=("CTCF",), *, several=False, **changes):
    rng = np.random.default_rng(0)
    X = np.eye(4, dtype=np.float32)[rng.integers(0, 4, (N, L))]
    X[0, 10:13] = 0  # unknown bases
    shape = (N, len(targets), L, 4) if several else (N, L, 4)
    hypothetical = rng.normal(size=shape).astype(np.float32)
    fields = {
        "hypothetical": hypothetical,
        "contributions": hypothetical * (X[:, None] if several else X),
        "X": X,
        "predictions": np.zeros(shape[:-2], np.float32),
        "names": ("peak_1", "peak_2", "twice", "twice"),
        "targets": targets,
    }
    return Attributions(**{**fields, **changes})


def letters(ax):
    """Centre of each letter drawn (short logos: one patch a letter)."""
    boxes = [patch.get_path().get_extents() for patch in ax.patches if patch.get_zorder() == 0]
    return sorted({round((box.x0 + box.x1) / 2) for box in boxes})


def test_by_name_and_position():
    by_name, by_position, from_end = (attribution_logo(result(), key) for key in ("peak_2", 1, -3))
    assert letters(by_name[0]) == letters(by_position[0]) == letters(from_end[0]) == list(range(L))
    assert by_name[0].get_title(loc="left") == "peak_2 · CTCF"


@pytest.mark.parametrize("hypothetical", [False, True])
def test_unknown_bases_are_gaps(hypothetical):
    (ax,) = attribution_logo(result(), 0, hypothetical=hypothetical)
    assert letters(ax) == [p for p in range(L) if p not in (10, 11, 12)]
    assert len([p for p in ax.patches if p.get_zorder() == 0]) == (L - 3) * (4 if hypothetical else 1)


def test_a_stretch_keeps_its_positions_and_its_highlights():
    (ax,) = attribution_logo(
        result(), "peak_2", start=20, end=30, highlight=[(0, 5, "off"), (18, 22, "cut"), (25, 26, "in")]
    )
    assert letters(ax) == list(range(20, 30))
    assert [text.get_text() for text in ax.texts] == ["cut", "in"]


def test_one_track_a_target():
    panels = attribution_logo(result(("CTCF", "PU.1"), several=True), 1)
    assert [ax.get_ylabel() for ax in panels] == ["CTCF", "PU.1"]
    assert panels[0].get_title(loc="left") == "peak_2"
    same = attribution_logo(result(("x", "x"), several=True), 1)
    assert [ax.get_ylabel() for ax in same] == ["x (0)", "x (1)"]


def test_genome_coordinates_where_there_are_any():
    placed = result(intervals=(Interval("chr8", 100, 140, "-"), None, None, None))
    (ax,) = attribution_logo(placed, 0, highlight=[Interval("chr8", 130, 140)])
    assert ax.get_xlabel() == "chr8 (bp, 0-based, − strand)"
    shaded = [patch.get_bbox() for patch in ax.patches if patch.get_zorder() == -2]
    assert [(box.x0, box.x1) for box in shaded] == [(-0.5, 9.5)]
    assert attribution_logo(placed, 0, coordinates="sequence")[0].get_xlabel() == "position (bp)"
    assert attribution_logo(placed, 1)[0].get_xlabel() == "position (bp)"
    with pytest.raises(ParameterError, match="no genome interval"):
        attribution_logo(placed, 1, coordinates="genome")


def test_padding_is_not_drawn():
    padded = result(lengths=np.array([40, 25, 40, 40]))
    assert attribution_logo(padded, 1)[0].get_xlim() == (-0.5, 24.5)
    with pytest.raises(SequenceError, match="has 25 bp"):
        attribution_logo(padded, 1, end=30)


def test_on_the_users_axes():
    ax = Figure().subplots()
    assert attribution_logo(result(), 1, ax=ax, start=3, end=9) == [ax]
    assert letters(ax) == list(range(3, 9))
    whole, two = Figure().subplots(), Figure().subplots(2)
    several = result(("a", "b"), several=True)
    assert attribution_logo(several, 1, ax=whole) == whole.child_axes
    assert attribution_logo(several, 1, ax=two) == list(two)
    with pytest.raises(ParameterError, match="ax is a int"):
        attribution_logo(result(), 1, ax=3)


@pytest.mark.parametrize(
    ("sequence", "words"),
    [
        ("peak_11", "Close names: peak_1"),
        ("PEAK", "Close names: peak_1, peak_2"),
        ("zzz", "The first ones are: peak_1"),
        ("", "The first ones are: peak_1"),
        ("twice", "2 sequences have the name 'twice'.*2, 3"),
        (4, "numbered 0 to 3"),
        (-5, "out of range"),
    ],
)
def test_refuses_sequences(sequence, words):
    with pytest.raises(SequenceError, match=words):
        attribution_logo(result(), sequence)


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (7, 3), (0, L + 1), (L, None)])
def test_refuses_stretches(start, end):
    with pytest.raises(SequenceError, match="which has 40 bp"):
        attribution_logo(result(), 0, start=start, end=end)


def test_refuses_the_rest():
    with pytest.raises(ParameterError, match="saliency gives no hypothetical"):
        attribution_logo(result(hypothetical=None, method="saliency"), 0, hypothetical=True)
    with pytest.raises(ParameterError, match="whole number"):
        attribution_logo(result(), 1.5)
    with pytest.raises(ParameterError, match="coordinates"):
        attribution_logo(result(), 1, coordinates="chr")
    broken = result()
    broken.contributions[1, 3] = np.nan
    with pytest.raises(ShapeError, match="not finite"):
        attribution_logo(broken, 1)


@pytest.mark.parametrize(
    ("method", "level", "label"),
    [
        ("deeplift", "logit", "contribution (logit)"),
        ("deeplift", "output", "contribution (output)"),
        ("deeplift", "centered_logit", "contribution (centered logit)"),
        ("guided_backprop", "logit", "contribution"),
        ("other", None, "contribution"),
    ],
)
def test_the_axis_has_the_unit_that_is_known(method, level, label):
    (ax,) = attribution_logo(result(method=method, parameters={"level": level}), 0)
    assert " ".join(ax.get_ylabel().split()) == label
