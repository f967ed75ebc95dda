"""How much the positions of a stretch depend on each other, as a square heat map."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from seqexplain.errors import ShapeError
from seqexplain.plot._arrays import as_numbers, check_whole
from seqexplain.plot._effect_map import read_cmap, read_limit
from seqexplain.plot._figure import LABEL_SIZE, TICK_SIZE, check_axes, new_figure, style_axes, write_title

SIDE = 4.0  # inches
BAR_SHARE = 1.25  # width of a figure with a colour bar, of its height
CMAP = "viridis"  # strengths have no sign; lightness alone tells them, to the colour-blind, too
SIGNED_CMAP = "RdBu_r"
UNDEFINED = "0.85"  # of the diagonal: a position does not pair with itself


def epistasis_map(
    strength: ArrayLike,
    *,
    start: int = 0,
    ax: Axes | None = None,
    cmap: str | None = None,
    limit: float | None = None,
    colorbar: bool = True,
    title: str | None = None,
    label: str = "interaction",
    figsize: tuple[float, float] | None = None,
) -> Axes:
    """Draw how much each two positions depend on each other, as a square heat map.

    Parameters
    ----------
    strength
        `(R, R)` numbers, symmetric or not: one sequence of `Epistasis.strength`, or interactions of chosen bases, with
        their sign. The diagonal is not drawn.
    start
        Position of the first row in the sequence, 0-based.
    ax
        Axes to draw on; a new figure without.
    cmap
        A colour map of Matplotlib, by name. Default: one that runs from dark to light; where values have both signs,
        a diverging one.
    limit
        The value at which colours are fullest; default: the largest there is.
    colorbar
        Draw the scale of colours beside the map.
    title, label
        Texts: above, and at the scale of colours.
    figsize
        Width and height in inches of the new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Those drawn on.

    Raises
    ------
    ShapeError
        When the array is not square, or a value beside the diagonal is not finite.
    ParameterError
        When another argument makes no sense.

    Examples
    --------
    >>> ax = epistasis_map([[0, 2, 1], [2, 0, 0], [1, 0, 0]], start=40)
    >>> [float(x) for x in ax.get_xlim()]
    [40.0, 43.0]
    """
    values = as_numbers(strength, "strength").copy()
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not len(values):
        raise ShapeError(
            f"strength has shape {values.shape}; expected (R, R), of one sequence and target: found.strength()[0]."
        )
    first = check_whole(start, "start")
    np.fill_diagonal(values, 0)
    if not np.isfinite(values).all():
        raise ShapeError("strength holds numbers that are not finite (beside the diagonal); give finite ones.")
    signed = bool((values < 0).any())
    most = read_limit(limit, values)
    colours = read_cmap(cmap or (SIGNED_CMAP if signed else CMAP)).with_extremes(bad=UNDEFINED)
    if ax is None:
        ax = new_figure(figsize, SIDE * (BAR_SHARE if colorbar else 1.0), SIDE).subplots()
    ax = check_axes(ax)
    shown = np.ma.masked_array(values, np.eye(len(values), dtype=bool))
    last = first + len(values)
    image = ax.imshow(
        shown, cmap=colours, vmin=-most if signed else 0.0, vmax=most, extent=(first, last, last, first),
        interpolation="nearest", aspect="equal",
    )  # fmt: skip
    style_axes(ax, (last, first), "position")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_xlabel("position", fontsize=LABEL_SIZE)
    write_title(ax, title, 0)
    if colorbar:
        bar = ax.figure.colorbar(image, ax=ax, shrink=0.8)
        bar.set_label(label, fontsize=LABEL_SIZE, parse_math=False)
        bar.ax.tick_params(labelsize=TICK_SIZE, width=0.6, length=3)
        bar.outline.set_linewidth(0.6)
    return ax
