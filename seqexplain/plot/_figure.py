"""Figures without pyplot, and the look that all axes share."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from seqexplain.errors import ParameterError
from seqexplain.plot._arrays import is_number
from seqexplain.plot._coordinates import width_in_inches
from seqexplain.plot._highlights import LABEL_LINE, LETTER_ASPECT

INCHES_PER_LETTER = 0.1  # letters some 7 points wide: 60 positions fit the width of a printed page
MIN_WIDTH, MAX_WIDTH = 3.0, 16.0  # inches: room for ticks; what a screen shows in one piece
SIDE = 1.0  # inches beside the letters, for the y axis
TITLE_SIZE, LABEL_SIZE, TICK_SIZE = 10, 9, 8  # points
NAME_LETTERS = 16  # of a y axis label to an inch
NAME_LINES = 3
TITLE_LINES = 2
LINE_SPACING = 1.3  # in units of the font size
NOTEBOOK_DPI = 110


class PlainFigure(Figure):
    """A Matplotlib figure that shows itself in a notebook without pyplot.

    Jupyter knows how to show a figure only after pyplot has set up the inline backend. This one brings its
    own PNG, so that no global list of open figures is needed and none has to be closed.
    """

    grows = False  # in height, with titles and labels: where the user has not set the size

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=NOTEBOOK_DPI)
        return buffer.getvalue()


class RepeatableLayout(ConstrainedLayoutEngine):
    """Matplotlib's constrained layout, begun from the same positions each time.

    The original goes on from where the last drawing left the axes, so that saving a figure twice gives two
    pictures, a fraction of a pixel apart.
    """

    def execute(self, fig: Figure) -> None:
        """Lay out the axes of `fig`."""
        for ax in fig.axes:
            place = ax.get_subplotspec()
            if place is not None:
                ax.set_subplotspec(place)  # back to where the grid puts it
        super().execute(fig)


def new_figure(figsize: Any, width: float, height: float) -> PlainFigure:
    """Return an empty figure whose layout follows its labels.

    Parameters
    ----------
    figsize
        What the user asked for; None leaves it at `width` and `height` in inches, plus what titles need.

    Raises
    ------
    ParameterError
        When `figsize` is not two positive numbers.
    """
    size = (width, height) if figsize is None else check_figsize(figsize)
    figure = PlainFigure(figsize=size, layout=RepeatableLayout())
    figure.grows = figsize is None
    FigureCanvasAgg(figure)
    return figure


def width_for(length: int) -> float:
    """Return the width in inches for a logo of `length` positions."""
    return min(max(SIDE + INCHES_PER_LETTER * length, MIN_WIDTH), MAX_WIDTH)


def check_figsize(figsize: Any) -> tuple[float, float]:
    """Return width and height in inches.

    Raises
    ------
    ParameterError
        When they are not two positive numbers.
    """
    pair = list(figsize) if isinstance(figsize, Sequence) and not isinstance(figsize, str) else []
    if len(pair) != 2 or not all(is_number(part) and part > 0 for part in pair):
        raise ParameterError(f"figsize is {figsize!r}; expected width and height in inches, such as (8, 2).")
    return float(pair[0]), float(pair[1])


def check_axes(ax: object) -> Axes:
    """Return `ax`, which has to be Matplotlib axes.

    Raises
    ------
    ParameterError
        When it is anything else.
    """
    if not isinstance(ax, Axes) or ax.figure is None:
        raise ParameterError(
            f"ax is a {type(ax).__name__}; expected Matplotlib axes of a figure. Use figure.subplots(), or "
            f"leave it out."
        )
    return ax


def style_axes(ax: Axes, limits: tuple[float, float], ylabel: str) -> None:
    """Give the axes their y limits and the shared look: no box, thin lines, few ticks."""
    ax.set_ylim(*limits)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_linewidth(0.6)
    ax.tick_params(width=0.6, length=3, labelsize=TICK_SIZE)
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    per_line = max(int(ax.get_window_extent().height / ax.figure.dpi * NAME_LETTERS), NAME_LETTERS)
    lines: list[str] = []
    for line in ylabel.splitlines():
        lines += wrap(line, per_line, max_lines=NAME_LINES, placeholder="…")
    ax.set_ylabel("\n".join(lines[:NAME_LINES]), fontsize=LABEL_SIZE, parse_math=False)
    ax.xaxis.label.set_fontsize(LABEL_SIZE)


def write_title(ax: Axes, title: str | None, label_rows: int) -> None:
    """Write the title at the left, above the rows of highlight labels, and make the figure taller for both.

    Names are data, not markup: a dollar sign stays one. What is too long for two lines is left out: the
    layout would squeeze the logo to make room for it.
    """
    lines: list[str] = []
    if title:
        per_line = max(int(width_in_inches(ax) * 72 / (TITLE_SIZE * LETTER_ASPECT)), 1)
        lines = wrap(title, per_line, max_lines=TITLE_LINES, placeholder="…")
        pad = 5 + label_rows * LABEL_LINE
        ax.set_title("\n".join(lines), loc="left", fontsize=TITLE_SIZE, pad=pad, parse_math=False)
    figure = ax.figure
    if isinstance(figure, PlainFigure) and figure.grows:
        extra = label_rows * LABEL_LINE + len(lines) * TITLE_SIZE * LINE_SPACING
        figure.set_figheight(figure.get_figheight() + extra / 72)


def padded(limits: tuple[float, float]) -> tuple[float, float]:
    """Return y limits with air beyond the tallest stack, and with some height even where all is zero."""
    low, high = limits
    if low == high:
        return -1.0, 1.0
    air = 0.04 * (high - low)
    return (low - air if low < 0 else 0.0), (high + air if high > 0 else 0.0)
