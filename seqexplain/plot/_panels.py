"""Axes one above the other: on a figure of their own, or in the room of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from seqexplain.errors import ParameterError
from seqexplain.plot._figure import LABEL_SIZE, check_axes, new_figure

GAP = 0.12  # inches between panels that share one place
HEADING_PAD = 20  # points: above the first panel stands a label
ROW_GAP, COLUMN_GAP = 0.45, 0.6  # inches, where labels stand between them


def stacked_axes(
    ax: Axes | Sequence[Axes] | None, heights: Sequence[float], figsize: Any, width: float, around: float
) -> list[Axes]:
    """Return axes one above the other, top first.

    Parameters
    ----------
    ax
        None for a figure of their own; axes, in whose place all are put; or as many axes as there are panels.
    heights
        Of the panels, inches; in the place of other axes, their ratios.
    figsize
        What the user asked for.
    width, around
        Of a new figure: its width, and the height that is not the panels', inches.

    Raises
    ------
    ParameterError
        When `ax` are no axes, or not as many as there are panels.
    """
    n = len(heights)
    if ax is None:
        figure = new_figure(figsize, width, around + sum(heights))
        return list(figure.subplots(n, 1, squeeze=False, height_ratios=list(heights))[:, 0])
    if isinstance(ax, Axes):
        return [check_axes(ax)] if n == 1 else _split(check_axes(ax), heights)
    given = list(ax) if isinstance(ax, Sequence | np.ndarray) and not isinstance(ax, str) else [ax]
    axes = [check_axes(one) for one in given]
    if len(axes) != n:
        raise ParameterError(
            f"ax holds {len(axes)} axes; expected {n}, one a panel, or one in whose place all are put."
        )
    return axes


def gridded_axes(
    ax: Axes | None, rows: int, ratios: Sequence[float], figsize: Any, width: float, height: float
) -> NDArray[Any]:
    """Return `(rows, columns)` axes, on a figure of their own or in the place of the user's.

    Parameters
    ----------
    ax
        None for a figure of their own; or axes, in whose place all are put.
    rows, ratios
        How many rows, and the columns' widths to each other.
    figsize
        What the user asked for.
    width, height
        Of a new figure, inches.

    Raises
    ------
    ParameterError
        When `ax` are no axes.
    """
    if ax is None:
        figure = new_figure(figsize, width, height)
        return np.asarray(figure.subplots(rows, len(ratios), squeeze=False, width_ratios=list(ratios)))
    ax = check_axes(ax)
    ax.set_axis_off()
    extent, dpi = ax.get_window_extent(), ax.get_figure(root=True).dpi  # type: ignore[union-attr]
    across = min(COLUMN_GAP * dpi / extent.width, 0.3 / len(ratios))
    down = min(ROW_GAP * dpi / extent.height, 0.5 / rows)
    unit = (1 - across * (len(ratios) - 1)) / sum(ratios)
    tall = (1 - down * (rows - 1)) / rows
    panels = np.empty((rows, len(ratios)), dtype=object)
    for row in range(rows):
        left = 0.0
        for column, ratio in enumerate(ratios):
            panels[row, column] = ax.inset_axes((left, 1 - tall - row * (tall + down), ratio * unit, tall))
            left += ratio * unit + across
    return panels


def _split(ax: Axes, heights: Sequence[float]) -> list[Axes]:
    """Put panels in the place of `ax`, which itself is no longer seen."""
    ax.set_axis_off()
    inches = ax.get_window_extent().height / ax.figure.dpi
    gap = min(GAP / inches, 0.3 / len(heights))
    unit = (1 - gap * (len(heights) - 1)) / sum(heights)
    panels, top = [], 1.0
    for height in heights:
        panels.append(ax.inset_axes((0.0, top - height * unit, 1.0, height * unit)))
        top -= height * unit + gap
    return panels


def write_heading(first: Axes, title: str | None, ax: Axes | None) -> None:
    """Write a title above all panels: over the figure, or over the axes in whose place they are."""
    if not title:
        return
    if ax is None:
        figure = first.get_figure(root=True)
        figure.suptitle(title, x=0.01, ha="left", fontsize=LABEL_SIZE + 1, parse_math=False)  # type: ignore[union-attr]
    else:
        ax.set_title(title, loc="left", fontsize=LABEL_SIZE + 1, parse_math=False, pad=HEADING_PAD)


def align(panels: Sequence[Axes]) -> None:
    """Bring the labels of the y axes of panels below each other."""
    figure = panels[0].get_figure(root=True)
    if figure is not None:
        figure.align_ylabels(panels)
