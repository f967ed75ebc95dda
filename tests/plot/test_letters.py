"""The two engines against each other and against logomaker itself."""

from __future__ import annotations

import logomaker
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline

from seqexplain.plot import logo
from seqexplain.plot._letters import LOGOMAKER_MAX_LENGTH, height_limits, stack

STYLES = {
    "defaults": {},
    "below shaded and faded": {"shade_below": 0.6, "fade_below": 0.5},
    "below upright": {"flip_below": False},
    "color-blind-safe": {"colors": "colorblind_safe"},
    "monospace": {"font": "monospace"},
}


def heights(length, seed=0):
    """Positive, negative and zero heights, a position without any, and two letters of one size."""
    values = np.random.default_rng(seed).normal(size=(length, 4))
    values[::3, 1] = 0
    values[2] = 0
    values[3, 0] = values[3, 3]
    return values


def pixels(ax):
    figure = ax.figure
    figure.set_dpi(150)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


def plain_logomaker(values, **style):
    """What a user of logomaker gets, on axes of the same size and limits."""
    figure = Figure(figsize=(8, 2))
    FigureCanvasAgg(figure)
    ax = figure.add_axes((0, 0, 1, 1))
    logomaker.Logo(pd.DataFrame(values, columns=list("ACGT")), ax=ax, color_scheme="classic", **style)
    return ax


def assert_same_picture(one, other):
    # letters that touch are painted in another order, which shows in the pixels that both cover in part
    difference = np.abs(one - other)
    assert (one < 255).any(axis=-1).mean() > 0.05
    assert difference.mean() < 0.08
    assert (difference > 12).any(axis=-1).mean() < 0.004


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("length", [1, 7, 60])
def test_engines_give_one_picture(style, length):
    values = heights(max(length, 4))[:length]
    one, other = (logo(values, engine=engine, figsize=(8, 2), **style) for engine in ("logomaker", "paths"))
    assert_same_picture(pixels(one), pixels(other))


def test_negative_letters_are_not_the_positive_ones():
    """Guards the comparison of pictures: it must see a flip, a shade and a fade."""
    values = -np.abs(heights(12))
    for style in ({"flip_below": False}, {"shade_below": 0.5}, {"fade_below": 0.5}):
        with pytest.raises(AssertionError):
            assert_same_picture(
                pixels(logo(values, engine="paths", figsize=(8, 2))),
                pixels(logo(values, engine="paths", figsize=(8, 2), **style)),
            )


@pytest.mark.parametrize("flip_below", [True, False])
def test_letters_lie_where_logomaker_puts_them(flip_below):
    values = heights(20, seed=1)
    theirs = plain_logomaker(values, flip_below=flip_below)
    ours = logo(values, engine="paths", flip_below=flip_below)

    def letters(ax):
        """Outline and colour of each single letter, in a fixed order."""
        found = []
        for patch in ax.patches:
            path = patch.get_path()
            drawn = path.codes != Outline.CLOSEPOLY  # the vertex of a CLOSEPOLY has no meaning
            starts = np.flatnonzero(path.codes == Outline.MOVETO)
            for begin, end in zip(starts, [*starts[1:], len(path.codes)], strict=True):
                points = path.vertices[begin:end][drawn[begin:end]]
                found.append((*np.round(points[0], 9), *patch.get_facecolor(), points))
        return sorted(found, key=lambda item: item[:6])

    one, other = letters(ours), letters(theirs)
    assert len(one) == len(other) > 60
    for mine, their in zip(one, other, strict=True):
        np.testing.assert_allclose(mine[:6], their[:6], atol=1e-9)
        np.testing.assert_allclose(mine[6], their[6], atol=1e-9)


def test_paths_engine_looks_like_untouched_logomaker():
    values = heights(30, seed=2)
    theirs = plain_logomaker(values)
    ours = logo(values, ax=Figure(figsize=(8, 2)).add_axes((0, 0, 1, 1)), engine="paths", ylim=theirs.get_ylim())
    FigureCanvasAgg(ours.figure)
    for ax in (theirs, ours):
        ax.set_axis_off()
        ax.set_xlim(-0.5, 29.5)
    # logomaker lets Matplotlib round the T to whole pixels, we do not: its edges differ
    difference = np.abs(pixels(theirs) - pixels(ours))
    assert difference.mean() < 1
    assert (difference > 140).any(axis=-1).mean() < 0.002


def test_auto_takes_logomaker_for_short_logos_only():
    short = logo(np.ones((LOGOMAKER_MAX_LENGTH, 4)))
    assert len(short.patches) == 4 * LOGOMAKER_MAX_LENGTH
    long = logo(np.ones((LOGOMAKER_MAX_LENGTH + 1, 4)))
    assert len(long.patches) == 4


def test_one_path_a_base_and_sign():
    ax = logo(heights(1000), engine="paths")
    assert len(ax.patches) == 8


def test_stack_by_hand():
    floor, ceiling = stack(np.array([[1.0, -2.0, 3.0, -0.5], [0.0, 0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(floor, [[0, -2.5, 1, -0.5], [0, 0, 0, 0]])
    np.testing.assert_allclose(ceiling, [[1, -0.5, 4, 0], [0, 0, 0, 1]])
    assert height_limits(np.array([[1.0, -2.0, 3.0, -0.5], [0, 0, 0, 1]])) == (-2.5, 4.0)


@pytest.mark.parametrize("engine", ["logomaker", "paths"])
def test_nothing_but_zeros_draws_nothing(engine):
    ax = logo(np.zeros((5, 4)), engine=engine)
    assert not ax.patches
    assert ax.get_ylim() == (-1, 1)
    pixels(ax)


@pytest.mark.parametrize("engine", ["logomaker", "paths"])
@pytest.mark.parametrize("scale", [1e-12, 1e9])
def test_any_unit(engine, scale):
    values = heights(8)
    one = pixels(logo(values, engine=engine, figsize=(4, 2), ylabel="x"))
    ax = logo(values * scale, engine=engine, figsize=(4, 2), ylabel="x")
    for axes in (ax,):
        assert axes.get_ylim()[1] == pytest.approx(height_limits(values)[1] * scale * 1.0, rel=0.2)
    assert abs((pixels(ax) < 128).mean() - (one < 128).mean()) < 0.05
