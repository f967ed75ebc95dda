"""One matrix of letter heights as a logo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from seqexplain.plot._arrays import check_fraction, check_heights, check_limits, check_whole
from seqexplain.plot._colors import Colors, base_colors
from seqexplain.plot._coordinates import Coordinates, style_x_axis
from seqexplain.plot._figure import (
    check_axes,
    new_figure,
    padded,
    style_axes,
    width_for,
    write_title,
)
from seqexplain.plot._highlights import read_highlights, shade, write_labels
from seqexplain.plot._letters import Engine, LetterStyle, check_engine, draw_letters, height_limits

HEIGHT = 1.7  # inches, without title and labels of highlights


def logo(
    matrix: ArrayLike,
    *,
    ax: Axes | None = None,
    colors: Colors = "classic",
    start: int = 0,
    highlight: Iterable[Any] = (),
    ylim: tuple[float, float] | None = None,
    title: str | None = None,
    ylabel: str = "contribution",
    engine: Engine = "auto",
    font: str = "sans",
    flip_below: bool = True,
    shade_below: float = 0.0,
    fade_below: float = 0.0,
    figsize: tuple[float, float] | None = None,
) -> Axes:
    """Draw a matrix of letter heights as a logo, in logomaker's look.

    Positive letters are stacked upward from zero, negative ones downward and upside down; at each position
    larger letters lie farther from zero. Zeros draw nothing.

    Parameters
    ----------
    matrix
        `(L, 4)` finite heights, columns A C G T, in any unit.
    ax
        Axes to draw on. Without, a new figure is made; reach it as `.figure` of what is returned.
    colors
        A name out of `color_schemes()` (logomaker's; `"colorblind_safe"` is one of them), one Matplotlib
        colour, or a mapping from bases to colours.
    start
        Position of the first row on the x axis.
    highlight
        Spans to shade: `(start, end)`, `(start, end, label)` or `Highlight`, 0-based half-open as the x axis
        counts.
    ylim
        Ends of the y axis; default: what the letters need.
    title, ylabel
        Texts above and beside the logo.
    engine
        `"logomaker"` draws with logomaker, one patch a letter; `"paths"` draws the same picture as one path a
        base and sign, which is far faster; `"auto"` uses logomaker up to 50 positions.
    font
        Font family of the letters, drawn bold.
    flip_below, shade_below, fade_below
        What becomes of letters below zero: upside down or not; darkened; made transparent (both 0 to 1).
    figsize
        Width and height in inches of the new figure; default: the width grows with the length, to 16 inches.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ShapeError
        When `matrix` is not `(L, 4)` or holds NaN or infinity.
    ParameterError
        When another argument makes no sense.

    References
    ----------
    Tareen A, Kinney JB. Logomaker: beautiful sequence logos in Python. Bioinformatics 2020, 36:2272.

    Examples
    --------
    >>> import numpy as np
    >>> ax = logo(np.eye(4), title="ACGT", highlight=[(1, 3, "CG")])
    >>> [text.get_text() for text in ax.texts]
    ['CG']
    """
    heights = check_heights(matrix)
    check_engine(engine)
    style = LetterStyle(
        base_colors(colors),
        font,
        bool(flip_below),
        check_fraction(shade_below, "shade_below"),
        check_fraction(fade_below, "fade_below"),
    )
    coordinates = Coordinates(check_whole(start, "start"), len(heights))
    spans = read_highlights(highlight, coordinates)
    limits = padded(height_limits(heights)) if ylim is None else check_limits(ylim)
    if ax is None:
        ax = new_figure(figsize, width_for(len(heights)), HEIGHT).subplots()
    ax = check_axes(ax)
    shade(ax, spans)
    draw_letters(ax, heights, coordinates.start, style, engine)
    style_x_axis(ax, coordinates)
    style_axes(ax, limits, ylabel)
    write_title(ax, title, write_labels(ax, spans))
    return ax
