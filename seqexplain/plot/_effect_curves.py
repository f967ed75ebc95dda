"""Effects of experiments that were repeated over backgrounds: curves along positions or distances, and points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot._arrays import Floats, as_numbers
from seqexplain.plot._figure import LABEL_SIZE, TICK_SIZE, check_axes, new_figure, style_axes, write_title

WIDTH, HEIGHT = 5.5, 2.8  # inches
INCHES_PER_GROUP = 0.45  # room for a column of points and its name
MAX_WIDTH = 16.0
# Okabe & Ito's colours, which colour-blind readers can tell apart, the darker ones first
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
STYLES = ("-", "--", ":", "-.")  # so that lines differ in print without colours too
BAND_ALPHA = 0.2
JITTER = 0.18  # half the width over which points of a group are spread
NAME_LETTERS = 24


def effect_curves(
    x: ArrayLike,
    effects: Mapping[str, ArrayLike],
    *,
    ax: Axes | None = None,
    xlabel: str = "position (bp)",
    ylabel: str = "effect",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
) -> Axes:
    """Draw mean effects along positions or distances, each line in a band of ± its standard error.

    Parameters
    ----------
    x
        `(p,)` positions or distances, in rising order.
    effects
        Name of each line and its values `(n, p)`, one row a background. One background gives a line without a band.
    ax
        Axes to draw on. Without, a new figure is made; reach it as `.figure` of what is returned.
    xlabel, ylabel, title
        Texts.
    figsize
        Width and height in inches of the new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ShapeError
        When shapes do not fit, or a value is not finite.
    ParameterError
        When there is no line, or another argument makes no sense.

    Examples
    --------
    >>> ax = effect_curves([0, 1, 2], {"++": [[0, 1, 2], [0, 3, 2]], "+-": [[0, 0, 0], [1, 0, 0]]})
    >>> [line.get_label() for line in ax.get_lines()[:2]]
    ['++', '+-']
    """
    places = as_numbers(x, "x")
    if places.ndim != 1 or len(places) == 0 or not np.isfinite(places).all() or (np.diff(places) <= 0).any():
        raise ShapeError(f"x has shape {places.shape}; expected (positions,), finite numbers in rising order.")
    lines = _read(effects, (len(places),))
    if ax is None:
        ax = new_figure(figsize, WIDTH, HEIGHT).subplots()
    ax = check_axes(ax)
    for k, (name, values) in enumerate(lines.items()):
        color, style = PALETTE[k % len(PALETTE)], STYLES[k % len(STYLES)]
        mean, error = values.mean(axis=0), _standard_error(values)
        marker = "o" if len(places) == 1 else None
        ax.plot(places, mean, color=color, linestyle=style, linewidth=1.3, marker=marker, label=name)
        ax.fill_between(places, mean - error, mean + error, color=color, alpha=BAND_ALPHA, linewidth=0)
    _finish(ax, ylabel)
    ax.set_xlabel(xlabel, fontsize=LABEL_SIZE, parse_math=False)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
    if len(lines) > 1:
        legend = ax.legend(fontsize=TICK_SIZE, frameon=False, ncols=min(len(lines), 2))
        for text in legend.get_texts():
            text.set_parse_math(False)
    write_title(ax, title, 0)
    return ax


def effect_points(
    effects: Mapping[str, ArrayLike],
    *,
    ax: Axes | None = None,
    ylabel: str = "effect",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
) -> Axes:
    """Draw the effects of groups as columns of points, each with its mean ± standard error.

    Parameters
    ----------
    effects
        Name of each group and its values `(n,)`; groups may differ in number.
    ax
        Axes to draw on. Without, a new figure is made, the wider the more groups there are.
    ylabel, title
        Texts.
    figsize
        Width and height in inches of the new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ShapeError
        When a group is empty, or holds values that are not finite.
    ParameterError
        When there is no group, or another argument makes no sense.

    Examples
    --------
    >>> ax = effect_points({"10-16": [1.0, 2.0, 3.0], "40-46": [0.1, 0.0, 0.2]})
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['10-16', '40-46']
    """
    groups = _read(effects, ())
    if ax is None:
        width = min(max(2 * INCHES_PER_GROUP + INCHES_PER_GROUP * len(groups), WIDTH / 2), MAX_WIDTH)
        ax = new_figure(figsize, width, HEIGHT).subplots()
    ax = check_axes(ax)
    for k, values in enumerate(groups.values()):
        # spread evenly in the order given: the same picture each time
        spread = np.linspace(-JITTER, JITTER, len(values)) if len(values) > 1 else np.zeros(1)
        ax.plot(k + spread, values, "o", color="0.65", markersize=2.5, markeredgewidth=0, zorder=1)
        mean, error = values.mean(), float(_standard_error(values[:, None])[0])
        ax.errorbar(k, mean, error, fmt="_", color=PALETTE[0], markersize=14, capsize=3, linewidth=1.3, zorder=2)
    _finish(ax, ylabel)
    ax.set_xlim(-0.6, len(groups) - 0.4)
    names = [name if len(name) <= NAME_LETTERS else f"{name[: NAME_LETTERS - 1]}…" for name in groups]
    crowded = max(map(len, names)) > 8 and len(names) > 2
    ax.set_xticks(range(len(names)), names, rotation=60 if crowded else 0, ha="right" if crowded else "center")
    for label in ax.get_xticklabels():
        label.set_parse_math(False)
    write_title(ax, title, 0)
    return ax


def _read(effects: Mapping[str, Any], rest: tuple[int, ...]) -> dict[str, Floats]:
    if not isinstance(effects, Mapping) or not effects:
        kind = "empty" if isinstance(effects, Mapping) else f"a {type(effects).__name__}"
        raise ParameterError(f"effects is {kind}; expected a mapping from names to arrays, such as {{'GATA': values}}.")
    found = {}
    for name, given in effects.items():
        values = as_numbers(given, f"effects[{name!r}]")
        if values.ndim != 1 + len(rest) or values.shape[1:] != rest or len(values) == 0:
            wanted = ", ".join(["n", *map(str, rest)]) + ("" if rest else ",")
            raise ShapeError(f"effects[{name!r}] has shape {values.shape}; expected ({wanted}), a row a background.")
        if not np.isfinite(values).all():
            raise ShapeError(f"effects[{name!r}] holds values that are not finite; leave those backgrounds out.")
        found[str(name)] = values
    return found


def _standard_error(values: Floats) -> Floats:
    """Return the standard error of means over rows; 0, which draws nothing, for a single row."""
    if len(values) < 2:
        return np.zeros(values.shape[1:])
    return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))


def _finish(ax: Axes, ylabel: str) -> None:
    ax.axhline(0, color="0.6", linewidth=0.6, zorder=-1, label="_zero")
    style_axes(ax, ax.get_ylim(), ylabel)
