"""Several tracks of one sequence, one below the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot._arrays import Floats, as_numbers, check_fraction, check_heights, check_whole
from seqexplain.plot._colors import Colors, base_colors
from seqexplain.plot._coordinates import Coordinates, style_x_axis
from seqexplain.plot._figure import padded, style_axes, width_for, write_title
from seqexplain.plot._highlights import read_highlights, shade, write_labels
from seqexplain.plot._letters import (
    BASELINE_WIDTH,
    Engine,
    LetterStyle,
    check_engine,
    draw_letters,
    height_limits,
)
from seqexplain.plot._panels import align, stacked_axes
from seqexplain.results import Interval

LOGO_HEIGHT, LINE_HEIGHT = 1.25, 0.8  # inches a track
AROUND = 0.5  # inches below all tracks, for the x axis
LINE_COLOR = "0.3"


def tracks(
    tracks: Mapping[str, ArrayLike],
    *,
    highlight: Iterable[Any] = (),
    start: int = 0,
    interval: Interval | None = None,
    shared_y: bool = False,
    colors: Colors = "classic",
    title: str | None = None,
    engine: Engine = "auto",
    font: str = "sans",
    flip_below: bool = True,
    shade_below: float = 0.0,
    fade_below: float = 0.0,
    ax: Axes | Sequence[Axes] | None = None,
    figsize: tuple[float, float] | None = None,
) -> list[Axes]:
    """Draw aligned tracks of one sequence: logos and lines over a common x axis.

    Parameters
    ----------
    tracks
        Name of each track and its values, top to bottom: `(L, 4)` letter heights, columns A C G T, are drawn
        as a logo; `(L,)` values as a line, with a gap where a value is NaN.
    highlight
        Spans to shade through all tracks: `(start, end)`, `(start, end, label)` or `Highlight` in positions
        of the sequence, 0-based half-open; an `Interval` or `(Interval, label)` in genome coordinates.
    start
        Position in the sequence of the first value.
    interval
        Place in the genome of the *whole* sequence, of which `start` counts positions. The x axis then shows
        genome coordinates (0-based), which run downward on the minus strand.
    shared_y
        Give all tracks the same y axis.
    colors, engine, font, flip_below, shade_below, fade_below
        As for `logo`.
    title
        Text above the tracks.
    ax
        Axes in whose place all tracks are put, or as many as there are tracks, top first. Without, a new figure is
        made.
    figsize
        Width and height in inches; default: grows with the length (to 16 inches) and the number of tracks.

    Returns
    -------
    list of matplotlib.axes.Axes
        One a track; `.figure` of any of them is the figure.

    Raises
    ------
    ShapeError
        When a track has another shape or length than the first, or values that cannot be drawn.
    ParameterError
        When another argument makes no sense.

    Examples
    --------
    >>> import numpy as np
    >>> from seqexplain.results import Interval
    >>> where = Interval("chr8", 1000, 1004, "-")
    >>> top, bottom = tracks({"contribution": np.eye(4), "coverage": [1, 2, 3, 4]}, interval=where)
    >>> [label.get_text() for label in bottom.get_xticklabels()]
    ['1,000', '1,002']
    """
    values = _read(tracks)
    check_engine(engine)
    style = LetterStyle(
        base_colors(colors),
        font,
        bool(flip_below),
        check_fraction(shade_below, "shade_below"),
        check_fraction(fade_below, "fade_below"),
    )
    length = len(next(iter(values.values())))
    coordinates = Coordinates(check_whole(start, "start"), length, interval)
    spans = read_highlights(highlight, coordinates)
    limits = {name: _limits(track) for name, track in values.items()}
    if shared_y:
        widest = min(low for low, _ in limits.values()), max(high for _, high in limits.values())
        limits = dict.fromkeys(limits, widest)
    ratios = [LOGO_HEIGHT if track.ndim == 2 else LINE_HEIGHT for track in values.values()]
    panels = stacked_axes(ax, ratios, figsize, width_for(length), AROUND)
    for panel, (name, track) in zip(panels, values.items(), strict=True):
        shade(panel, spans)
        if track.ndim == 2:
            draw_letters(panel, track, coordinates.start, style, engine)
        else:
            _draw_line(panel, track, coordinates.start)
        style_x_axis(panel, coordinates, labels=panel is panels[-1])
        style_axes(panel, padded(limits[name]), name)
    align(panels)
    write_title(panels[0], title, write_labels(panels[0], spans))
    return panels


def _read(tracks: Mapping[str, ArrayLike]) -> dict[str, Floats]:
    """Return the tracks as arrays, all of the same length."""
    if not isinstance(tracks, Mapping) or not tracks:
        raise ParameterError(
            f"tracks is {'empty' if isinstance(tracks, Mapping) else 'a ' + type(tracks).__name__}; "
            f"expected a mapping "
            "from names to arrays, such as {'contribution': matrix}."
        )
    values: dict[str, Floats] = {}
    for name, given in tracks.items():
        array = as_numbers(given, f"track {name!r}")
        if array.ndim == 1:
            if np.isinf(array).any():
                raise ShapeError(f"track {name!r} holds infinity; expected numbers, or NaN for a gap.")
            if not array.size:
                raise ShapeError(f"track {name!r} has no positions; expected (length,) or (length, 4).")
            values[str(name)] = array
        else:
            values[str(name)] = check_heights(array, f"track {name!r}")
    first = next(iter(values))
    for name, array in values.items():
        if len(array) != len(values[first]):
            raise ShapeError(
                f"track {name!r} has {len(array)} positions, track {first!r} has {len(values[first])}; "
                f"expected the "
                "same number. Cut them to the same stretch of the sequence."
            )
    return values


def _limits(track: Floats) -> tuple[float, float]:
    """Return the lowest and highest value of a track, zero included."""
    if track.ndim == 2:
        return height_limits(track)
    known = track[~np.isnan(track)]
    return min(0.0, float(known.min(initial=0.0))), max(0.0, float(known.max(initial=0.0)))


def _draw_line(ax: Axes, track: Floats, start: int) -> None:
    """Draw one step a position: a value belongs to the whole width of its base."""
    ax.axhline(0, color="black", linewidth=BASELINE_WIDTH, zorder=-1)
    edges = np.arange(start, start + len(track) + 1) - 0.5
    ax.stairs(track, edges, baseline=None, color=LINE_COLOR, linewidth=0.9)
