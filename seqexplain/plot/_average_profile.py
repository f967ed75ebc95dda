"""Aligned windows of numbers: their mean and spread, and each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import ArrayLike

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot._arrays import Floats, as_numbers, check_whole
from seqexplain.plot._coordinates import style_relative_axis
from seqexplain.plot._effect_curves import BAND_ALPHA, PALETTE
from seqexplain.plot._effect_map import CMAP, draw_scale, read_cmap, symmetric
from seqexplain.plot._figure import padded, style_axes, write_title
from seqexplain.plot._highlights import HIGHLIGHT_COLOR
from seqexplain.plot._panels import align, stacked_axes

WIDTH, MEAN_HEIGHT, MAP_HEIGHT, AROUND = 5.2, 1.5, 2.2, 0.5  # inches
PANELS = ("mean", "map")
SPREADS = ("quartiles", "deviation", "error", "none")
MOST_ROWS = 250  # of a heat map: more are no longer told apart, and are averaged by groups
FULLEST = 99.0  # percentile of the sizes at which colours are fullest: single large ones would pale the rest
FEWEST = 0.05  # share of the occurrences that a position has to have for a mean: flanks hang over edges
EDGE = "0.35"


def average_profile(
    windows: ArrayLike,
    *,
    start: int = 0,
    span: tuple[int, int] | None = None,
    show: Sequence[str] = PANELS,
    spread: str = "quartiles",
    ax: Axes | Sequence[Axes] | None = None,
    cmap: str | Colormap = CMAP,
    color: Any = PALETTE[0],
    xlabel: str = "position (bp)",
    ylabel: str = "contribution",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
) -> list[Axes]:
    """Draw aligned windows of numbers: their mean with its spread, and below it each of them as a row of colours.

    Parameters
    ----------
    windows
        `(k, w)` numbers, a row a window; NaN where a window hangs over its sequence's edge. Positions that fewer than
        5 % of the windows have are left out of the mean.
    start
        What the x axis calls the first position.
    span
        Start and end to shade, half-open as the x axis counts: the motif. Rows of the map are sorted by their means
        there, the most extreme at the top; without a span they keep their order.
    show
        Panels, top to bottom: `"mean"`, `"map"` or both.
    spread
        What the band around the mean shows: `"quartiles"`, the middle half of the windows; `"deviation"`, ± their
        standard deviation; `"error"`, ± the standard error of the mean; or `"none"`.
    ax
        Axes in whose place all is put, or one axes a panel. Without, a new figure is made.
    cmap
        A diverging colour map of Matplotlib, for the map.
    color
        Of the mean and its band: any Matplotlib colour.
    xlabel, ylabel, title
        Texts.
    figsize
        Width and height in inches of the new figure.

    Returns
    -------
    list of matplotlib.axes.Axes
        One a panel. A map of more than 250 windows shows means of as many successive ones as make it fit.

    Raises
    ------
    ShapeError
        When `windows` has another shape, holds infinity, or nothing but NaN.
    ParameterError
        When another argument makes no sense.

    Examples
    --------
    >>> top, bottom = average_profile([[0, 1, 0], [0, 3, 0]], start=-1, span=(0, 1), spread="deviation")
    >>> top.get_lines()[0].get_ydata().tolist()
    [0.0, 2.0, 0.0]
    """
    values = _check(windows)
    panels = _check_show(show)
    if spread not in SPREADS:
        raise ParameterError(f"spread is {spread!r}; expected one of {', '.join(SPREADS)}.")
    first = check_whole(start, "start")
    marked = None if span is None else _check_span(span, first, values.shape[1])
    colours = read_cmap(cmap)
    heights = [MEAN_HEIGHT if panel == "mean" else MAP_HEIGHT for panel in panels]
    axes = stacked_axes(ax, heights, figsize, WIDTH, AROUND)
    for panel, one in zip(panels, axes, strict=True):
        if panel == "mean":
            if marked is not None:
                one.axvspan(marked[0] - 0.5, marked[1] - 0.5, facecolor=HIGHLIGHT_COLOR, edgecolor="none", zorder=-2)
            _draw_mean(one, values, first, spread, color, ylabel)
        else:
            _draw_map(one, values, first, marked, colours, ylabel)
        style_relative_axis(one, first, values.shape[1], xlabel, labels=one is axes[-1])
    align(axes)
    write_title(axes[0], title, 0)
    return axes


def _check(windows: ArrayLike) -> Floats:
    values = as_numbers(windows, "windows")
    if values.ndim != 2 or 0 in values.shape:
        raise ShapeError(f"windows has shape {values.shape}; expected (windows, positions), one of each at least.")
    if np.isinf(values).any() or np.isnan(values).all():
        raise ShapeError("windows holds infinity, or no number; expected numbers, or NaN for what is not there.")
    return values


def _check_show(show: Sequence[str]) -> list[str]:
    panels = [show] if isinstance(show, str) else list(show)
    if not panels or len(set(panels)) < len(panels) or any(panel not in PANELS for panel in panels):
        raise ParameterError(f"show is {show!r}; expected panels out of {PANELS}, such as show=('mean', 'map').")
    return panels


def _check_span(span: Any, start: int, width: int) -> tuple[int, int]:
    low, high = (check_whole(edge, "span") for edge in span)
    if not start <= low < high <= start + width:
        raise ParameterError(f"span is {span!r}; expected start < end within positions {start} to {start + width}.")
    return low, high


def _draw_mean(ax: Axes, values: Floats, start: int, spread: str, color: Any, ylabel: str) -> None:
    known = (~np.isnan(values)).sum(axis=0)
    seen = known >= max(1, FEWEST * len(values))
    x = np.arange(start, start + values.shape[1])
    mean, low, high = (np.full(values.shape[1], np.nan) for _ in range(3))
    mean[seen] = np.nanmean(values[:, seen], axis=0)
    low[seen], high[seen] = _spread(values[:, seen], mean[seen], known[seen], spread)
    ax.plot(x, mean, color=color, linewidth=1.3)
    if spread != "none":
        ax.fill_between(x, low, high, color=color, alpha=BAND_ALPHA, linewidth=0)
    ax.axhline(0, color="0.6", linewidth=0.6, zorder=-1)
    ends = np.array([mean, low, high])[:, seen]
    style_axes(ax, padded((min(0.0, float(ends.min())), max(0.0, float(ends.max())))), f"mean {ylabel}")


def _spread(values: Floats, mean: Floats, known: Any, spread: str) -> tuple[Floats, Floats]:
    if spread == "quartiles":
        low, high = np.nanpercentile(values, [25, 75], axis=0)
        return low, high
    # of a single window there is no deviation: 0 draws nothing
    square = np.nansum((values - mean) ** 2, axis=0) / np.maximum(known - 1, 1)
    size = {"deviation": np.sqrt(square), "error": np.sqrt(square / known)}.get(spread, np.zeros(len(mean)))
    return mean - size, mean + size


def _draw_map(ax: Axes, values: Floats, start: int, span: tuple[int, int] | None, cmap: Colormap, ylabel: str) -> None:
    rows = _sorted(values, span, start)
    group = -(-len(rows) // MOST_ROWS)
    shown = np.array([_mean_of(rows[first : first + group]) for first in range(0, len(rows), group)])
    sizes = np.abs(shown[~np.isnan(shown)])
    most = float(np.percentile(sizes, FULLEST)) or float(sizes.max()) or 1.0
    image = ax.imshow(
        np.ma.masked_invalid(shown),
        cmap=cmap.with_extremes(bad="0.88"),
        norm=symmetric(most),
        extent=(start - 0.5, start + values.shape[1] - 0.5, len(values), 0),
        aspect="auto",
        interpolation="nearest",
    )
    order = "in their order" if span is None else "strongest first"
    means = f"\n(means of {group})" if group > 1 else ""
    style_axes(ax, (len(values), 0), f"occurrences,\n{order}{means}")
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    if span is not None:
        for edge in span:
            ax.axvline(edge - 0.5, color=EDGE, linewidth=0.6)
    draw_scale(ax, image, ylabel)


def _sorted(values: Floats, span: tuple[int, int] | None, start: int) -> Floats:
    if span is None:
        return values
    inside = values[:, span[0] - start : span[1] - start]
    means = np.nansum(inside, axis=1)
    sign = -1.0 if means.sum() < 0 else 1.0
    return np.asarray(values[np.argsort(-sign * means, kind="stable")])


def _mean_of(rows: Floats) -> Floats:
    known = (~np.isnan(rows)).sum(axis=0)
    return np.where(known > 0, np.nansum(rows, axis=0) / np.maximum(known, 1), np.nan)
