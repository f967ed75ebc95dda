"""Motifs found in contributions, one a row: what the bases contribute, and which bases there are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot._colors import Colors
from seqexplain.plot._figure import LABEL_SIZE, width_for
from seqexplain.plot._logo import logo
from seqexplain.plot._matrix_logo import matrix_logo
from seqexplain.plot._panels import gridded_axes, write_heading

PANEL_HEIGHT = 1.25  # inches, with the line of text above
AROUND = 0.45  # inches above and below all panels
MAX_LOGO_WIDTH = 7.0  # inches; two stand side by side


def pattern_panels(
    cwms: Sequence[ArrayLike],
    ppms: Sequence[ArrayLike],
    *,
    labels: Sequence[str] = (),
    title: str | None = None,
    ylabel: str = "contribution",
    colors: Colors = "classic",
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
) -> list[tuple[Axes, Axes]]:
    """Draw motifs one below the other: left mean contributions, right probabilities in bits.

    Parameters
    ----------
    cwms
        One `(w, 4)` matrix of mean contributions a motif, columns A C G T; widths may differ.
    ppms
        One `(w, 4)` matrix of probabilities a motif, as wide as its contributions.
    labels
        One text a motif, written above it.
    title, ylabel, colors
        As for `logo`.
    ax
        Axes in whose place all panels are put. Without, a new figure is made.
    figsize
        Width and height in inches; default: grows with the longest motif and their number.

    Returns
    -------
    list of (Axes, Axes)
        Of each motif the contributions and the probabilities; `.figure` of any of them is the figure.

    Raises
    ------
    ShapeError
        When matrices do not go together, or one holds no probabilities.
    ParameterError
        When there is no motif, or another argument makes no sense.

    Examples
    --------
    >>> import numpy as np
    >>> ((left, right),) = pattern_panels([np.eye(4)], [np.eye(4)], labels=["pos_0"])
    >>> left.get_title(loc="left")
    'pos_0'
    """
    if len(cwms) == 0:
        raise ParameterError("cwms is empty; expected one motif at least.")
    if len(ppms) != len(cwms) or len(labels) not in (0, len(cwms)):
        raise ShapeError(f"{len(cwms)} cwms, {len(ppms)} ppms and {len(labels)} labels; give one of each a motif.")
    widths = [np.shape(cwm)[0] for cwm in cwms]
    for k, (width, ppm) in enumerate(zip(widths, ppms, strict=True)):
        if np.shape(ppm)[0] != width:
            raise ShapeError(f"motif {k} has {width} rows of contributions and {np.shape(ppm)[0]} of probabilities.")
    longest = max(widths)
    each = min(width_for(longest), MAX_LOGO_WIDTH)
    panels = gridded_axes(ax, len(cwms), [each, each], figsize, 2 * each, AROUND + PANEL_HEIGHT * len(cwms))
    drawn: list[tuple[Axes, Axes]] = []
    for k, (cwm, ppm) in enumerate(zip(cwms, ppms, strict=True)):
        left = logo(cwm, ax=panels[k, 0], colors=colors, ylabel=ylabel)
        right = matrix_logo(ppm, ax=panels[k, 1], colors=colors)
        for one in (left, right):
            one.set_xlim(-0.5, longest - 0.5)  # positions of all motifs are as wide
            one.set_xlabel("")
        if labels:
            left.set_title(labels[k], loc="left", fontsize=LABEL_SIZE, parse_math=False)
        drawn.append((left, right))
    write_heading(drawn[0][0], title, ax)
    return drawn
