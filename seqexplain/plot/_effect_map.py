"""What each substitution does to one sequence, as a heat map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, TwoSlopeNorm
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot._arrays import BASES, Floats, as_numbers, check_heights, check_whole, is_number
from seqexplain.plot._colors import Colors, base_colors
from seqexplain.plot._coordinates import Coordinates, style_x_axis, width_in_inches
from seqexplain.plot._figure import LABEL_SIZE, TICK_SIZE, padded, style_axes, width_for, write_title
from seqexplain.plot._highlights import Highlight, read_highlights, shade, write_labels
from seqexplain.plot._letters import LetterStyle, draw_letters, height_limits
from seqexplain.plot._panels import align, stacked_axes
from seqexplain.results import Interval

MAP_HEIGHT, LOGO_HEIGHT = 0.95, 1.1  # inches
AROUND = 0.5  # inches below the map, for the x axis
BAR_GAP, BAR_WIDTH = 0.12, 0.09  # inches: from the map to its colour bar, and the bar
DOT_SHARE, DOT_SIZE = 0.4, 3.2  # of a cell's width; points at most
LEAST_CELL = 2.0  # points: dots in narrower ones would be dust
VECTOR_LENGTH = 400  # positions: longer maps are pixels in SVG and PDF, too, as a file of thousands of cells is slow
EDGE_COLOR = "0.25"
CMAP = "RdBu_r"  # blue and red differ in lightness' order from the middle, and to the colour-blind, too


def effect_map(
    effects: ArrayLike,
    X: ArrayLike | None = None,
    *,
    contributions: ArrayLike | None = None,
    start: int = 0,
    interval: Interval | None = None,
    highlight: Iterable[Any] = (),
    ax: Axes | Sequence[Axes] | None = None,
    cmap: str | Colormap = CMAP,
    limit: float | None = None,
    colors: Colors = "classic",
    colorbar: bool = True,
    title: str | None = None,
    label: str = "effect",
    logo_label: str = "contribution",
    figsize: tuple[float, float] | None = None,
) -> list[Axes]:
    """Draw the effects of substitutions as a heat map: a row a base, a column a position, white for no effect.

    Parameters
    ----------
    effects
        `(L, 4)` finite numbers, columns A C G T, in any unit: what changes with that base at that position.
    X
        `(L, 4)` one-hot sequence: its bases are marked by dots. An unknown base has no dot; nor has any where
        positions are too narrow for one, past some 500 of them.
    contributions
        `(L, 4)` letter heights: drawn as a logo above the map.
    start, interval
        Position of the first row in the sequence, and the place in the genome of the *whole* sequence, as for `tracks`.
    highlight
        Spans to mark by a frame in the map and to shade in the logo, as for `tracks`.
    ax
        Axes to draw on: one, in whose place all is put, or with a logo two, that of the logo first. Without, a new
        figure is made.
    cmap
        A diverging colour map of Matplotlib, by name or itself. The default, `"RdBu_r"`, and `"PuOr_r"` serve
        colour-blind readers.
    limit
        The effect at which colours are fullest, either way; default: the largest there is.
    colors
        Of the letters, as for `logo`.
    colorbar
        Draw the scale of colours beside the map.
    title, label, logo_label
        Texts: above, at the scale of colours, and beside the logo.
    figsize
        Width and height in inches of the new figure.

    Returns
    -------
    list of matplotlib.axes.Axes
        The map; with `contributions`, the logo and the map.

    Raises
    ------
    ShapeError
        When an array has another shape, or a value is not finite.
    ParameterError
        When another argument makes no sense.

    Examples
    --------
    >>> import numpy as np
    >>> (ax,) = effect_map([[0, -1, -1, -2], [0.5, 0, -1, 0]], np.eye(4)[:2])
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['A', 'C', 'G', 'T']
    """
    values = check_heights(effects, "effects")
    letters = base_colors(colors)
    bases = None if X is None else _same_length(X, values, "X")
    heights = None if contributions is None else _same_length(contributions, values, "contributions")
    coordinates = Coordinates(check_whole(start, "start"), len(values), interval)
    spans = read_highlights(highlight, coordinates)
    most = read_limit(limit, values)
    colours = read_cmap(cmap)
    sizes = [MAP_HEIGHT] if heights is None else [LOGO_HEIGHT, MAP_HEIGHT]
    panels = stacked_axes(ax, sizes, figsize, width_for(len(values)), AROUND)
    if heights is not None:
        top = panels[0]
        shade(top, spans)
        draw_letters(top, heights, coordinates.start, LetterStyle(letters), "auto")
        style_x_axis(top, coordinates, labels=False)
        style_axes(top, padded(height_limits(heights)), logo_label)
    ax = panels[-1]
    mesh = _draw_map(ax, values, coordinates.start, colours, most)
    style_x_axis(ax, coordinates)
    if bases is not None:
        _mark_bases(ax, bases, coordinates)
    for span in spans:
        _frame(ax, span)
    _style_map(ax, letters)
    if colorbar:
        draw_scale(ax, mesh, label)
    align(panels)
    write_title(panels[0], title, write_labels(panels[0], spans))
    return panels


def symmetric(most: float) -> TwoSlopeNorm:
    """Return what maps 0 to the middle of a colour map, and `most` either way to its ends."""
    return TwoSlopeNorm(0.0, -most, most)


def _same_length(given: ArrayLike, values: Floats, name: str) -> Floats:
    array = as_numbers(given, name)
    if array.shape != values.shape:
        raise ShapeError(f"{name} has shape {array.shape}; expected {values.shape}, that of effects.")
    return check_heights(array, name)


def read_limit(limit: float | None, values: Floats) -> float:
    """Return the value at which colours are fullest: as asked for (`ParameterError` unless above 0), or the largest."""
    if limit is None:
        return float(np.abs(values).max()) or 1.0
    if not is_number(limit) or limit <= 0:
        raise ParameterError(f"limit is {limit!r}; expected a number above 0, the effect at which colours are fullest.")
    return float(limit)


def read_cmap(cmap: str | Colormap) -> Colormap:
    """Return a colour map, by name or itself.

    Raises
    ------
    ParameterError
        When Matplotlib knows none of that name.
    """
    if isinstance(cmap, Colormap):
        return cmap
    if cmap not in colormaps:
        raise ParameterError(
            f"cmap is {cmap!r}, which Matplotlib does not know. Take a diverging one: 'RdBu_r', 'PuOr_r', 'coolwarm'."
        )
    return colormaps[cmap]


def _draw_map(ax: Axes, values: Floats, start: int, cmap: Colormap, most: float) -> QuadMesh:
    edges = np.arange(start, start + len(values) + 1) - 0.5
    # thin edges in the colour of the cell: some viewers of PDF leave white seams between them otherwise
    return ax.pcolormesh(
        edges, np.arange(5) - 0.5, values.T, cmap=cmap, norm=symmetric(most), edgecolors="face", linewidth=0.1,
        zorder=0, rasterized=len(values) > VECTOR_LENGTH,
    )  # fmt: skip


def _mark_bases(ax: Axes, bases: Floats, coordinates: Coordinates) -> None:
    rows = np.flatnonzero(bases.sum(axis=1) > 0)
    cell = width_in_inches(ax) * 72 / coordinates.length
    if cell < LEAST_CELL:
        return
    ax.plot(
        rows + coordinates.start,
        bases[rows].argmax(axis=1),
        "o",
        color="0.15",
        markersize=min(DOT_SIZE, DOT_SHARE * cell),
        markeredgewidth=0,
        zorder=1,
    )


def _frame(ax: Axes, span: Highlight) -> None:
    for edge in (span.start - 0.5, span.end - 0.5):
        ax.axvline(edge, color=EDGE_COLOR, linewidth=0.7, zorder=2)


def _style_map(ax: Axes, letters: dict[str, Any]) -> None:
    style_axes(ax, (len(BASES) - 0.5, -0.5), "")
    ax.set_yticks(range(len(BASES)), list(BASES))
    for tick, base in zip(ax.get_yticklabels(), BASES, strict=True):
        tick.set_color(letters[base])
        tick.set_fontweight("bold")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def draw_scale(ax: Axes, mesh: Any, label: str) -> Axes:
    """Draw the scale of colours to the right of the axes."""
    width = width_in_inches(ax)
    bar = ax.inset_axes((1 + BAR_GAP / width, 0.0, BAR_WIDTH / width, 1.0))
    Colorbar(bar, mesh)
    bar.spines["outline"].set_visible(False)
    bar.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10], symmetric=True))
    bar.tick_params(labelsize=TICK_SIZE, width=0.6, length=2.5)
    bar.set_ylabel(label, fontsize=LABEL_SIZE, parse_math=False)
    return bar
