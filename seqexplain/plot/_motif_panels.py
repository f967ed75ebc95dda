"""Several motifs, one below the other, and how often each of some groups uses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot._arrays import as_numbers
from seqexplain.plot._colors import Colors
from seqexplain.plot._effect_curves import PALETTE
from seqexplain.plot._figure import LABEL_SIZE, TICK_SIZE, width_for
from seqexplain.plot._matrix_logo import matrix_logo
from seqexplain.plot._panels import gridded_axes, write_heading

PANEL_HEIGHT, SHARES_WIDTH = 1.15, 2.2  # inches
AROUND = 0.45  # inches above and below all panels


def motif_panels(
    ppms: Sequence[ArrayLike],
    *,
    labels: Sequence[str] = (),
    shares: Mapping[str, ArrayLike] | None = None,
    share_of: str = "subsets",
    title: str | None = None,
    colors: Colors = "classic",
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
) -> list[Axes]:
    """Draw motifs as logos of information content, one below the other, with bars of their shares beside them.

    Parameters
    ----------
    ppms
        One `(w, 4)` matrix of probabilities a motif, columns A C G T; widths may differ.
    labels
        One text a motif.
    shares
        Name of each group, and its share of each motif, `(motifs,)` from 0 to 1. Without, no bars are drawn.
    share_of
        What the shares are of, for the bars' axis.
    title, colors
        As for `logo`.
    ax
        Axes in whose place all panels are put. Without, a new figure is made.
    figsize
        Width and height in inches; default: grows with the longest motif and their number.

    Returns
    -------
    list of matplotlib.axes.Axes
        The logos, one a motif; `.figure` of any of them is the figure.

    Raises
    ------
    ShapeError
        When a matrix holds no probabilities, or numbers do not go together.
    ParameterError
        When there is no motif, or another argument makes no sense.

    Examples
    --------
    >>> import numpy as np
    >>> top, bottom = motif_panels([np.eye(4), np.eye(4)[::-1]], shares={"right": [0.5, 0.1], "wrong": [0.2, 0.3]})
    >>> len(top.figure.axes)
    4
    """
    if len(ppms) == 0:
        raise ParameterError("ppms is empty; expected one motif at least.")
    if len(labels) not in (0, len(ppms)):
        raise ShapeError(f"{len(labels)} labels for {len(ppms)} motifs; give one a motif.")
    bars = {str(name): as_numbers(values, f"shares[{name!r}]") for name, values in (shares or {}).items()}
    for name, values in bars.items():
        if values.shape != (len(ppms),):
            raise ShapeError(f"shares[{name!r}] has shape {values.shape}; expected ({len(ppms)},), one a motif.")
    longest = max(len(np.asarray(ppm)) for ppm in ppms)
    logo_width = width_for(longest)
    ratios = [logo_width, SHARES_WIDTH] if bars else [logo_width]
    panels = gridded_axes(ax, len(ppms), ratios, figsize, sum(ratios), AROUND + PANEL_HEIGHT * len(ppms))
    most = max((float(np.nanmax(values, initial=0.0)) for values in bars.values()), default=1.0) or 1.0
    for k, ppm in enumerate(ppms):
        drawn = matrix_logo(ppm, ax=panels[k, 0], colors=colors)
        drawn.set_xlim(-0.5, longest - 0.5)  # positions of all motifs are as wide
        drawn.set_xlabel("")
        if labels:
            drawn.set_title(labels[k], loc="left", fontsize=LABEL_SIZE, parse_math=False)
        if bars:
            below = f"share of {share_of}" if k == len(ppms) - 1 else ""
            _draw_bars(panels[k, 1], [values[k] for values in bars.values()], list(bars), most, below)
    logos: list[Axes] = list(panels[:, 0])
    write_heading(logos[0], title, ax)
    return logos


def _draw_bars(ax: Axes, values: Sequence[float], names: Sequence[str], most: float, below: str) -> None:
    heights = [0.0 if np.isnan(value) else float(value) for value in values]
    ax.barh(range(len(names)), heights, color=[PALETTE[k % len(PALETTE)] for k in range(len(names))], height=0.7)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlim(0, 1.05 * most)
    ax.set_yticks(range(len(names)), names)
    for label in ax.get_yticklabels():
        label.set_parse_math(False)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=TICK_SIZE, width=0.6, length=3, labelbottom=bool(below))
    if below:
        ax.set_xlabel(below, fontsize=LABEL_SIZE)
