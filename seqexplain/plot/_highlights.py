"""Shaded spans with labels behind the letters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.colors import is_color_like
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from seqexplain.errors import ParameterError
from seqexplain.plot._arrays import check_whole
from seqexplain.plot._coordinates import Coordinates, width_in_inches
from seqexplain.results import Interval

HIGHLIGHT_COLOR = "#fdeebb"  # pale enough to leave each scheme's letters readable on it
BAR_COLOR = "0.45"
LABEL_SIZE = 8.0  # points
LABEL_LINE = 12.0  # points from one row of labels to the next
LETTER_ASPECT = 0.62  # mean width of a letter in units of the font size
MAX_ROWS = 8  # of labels: more would leave no room for the logo


class Highlight(NamedTuple):
    """A stretch of positions to shade.

    Attributes
    ----------
    start, end
        0-based half-open, in positions of the sequence as the x axis counts them.
    label
        Written above the span.
    color
        Any Matplotlib colour.
    """

    start: int
    end: int
    label: str = ""
    color: Any = HIGHLIGHT_COLOR


def read_highlights(highlight: Iterable[Any], coordinates: Coordinates, *, whole: int | None = None) -> list[Highlight]:
    """Bring each way to write a highlight into one form, cut to the positions drawn.

    Parameters
    ----------
    highlight
        `Highlight`, `(start, end)`, `(start, end, label)`, `(start, end, label, color)`, a genome `Interval`,
        or `(Interval, label)`.
    whole
        Length of the whole sequence, of which a window is drawn: what lies outside the window is then left
        out, not refused.

    Raises
    ------
    ParameterError
        When one cannot be read, is empty, or lies off the sequence.
    """
    if isinstance(highlight, (str, Interval, Highlight)) or not isinstance(highlight, Iterable):
        raise ParameterError(f"highlight is {highlight!r}; expected a list of them. Write highlight=[(start, end)].")
    first, last = (coordinates.start, coordinates.end) if whole is None else (0, whole)
    spans = []
    for item in highlight:
        span = _read(item, coordinates)
        if span.start >= span.end:
            raise ParameterError(f"highlight {item!r} is empty; expected start < end, 0-based half-open.")
        if span.end <= first or span.start >= last:
            raise ParameterError(
                f"highlight {item!r} lies outside the positions {first} to {last} of the sequence. "
                "Count as the x axis does: 0-based from the sequence's first base, or from `start`."
            )
        start, end = max(span.start, coordinates.start), min(span.end, coordinates.end)
        if start < end:
            spans.append(span._replace(start=start, end=end))
    return sorted(spans, key=lambda span: (span.start, span.end))


def _read(item: Any, coordinates: Coordinates) -> Highlight:
    if isinstance(item, Interval):
        return Highlight(*coordinates.from_genome(item))
    if isinstance(item, (str, bytes)) or not hasattr(item, "__len__") or not 2 <= len(item) <= 4:
        raise ParameterError(
            f"highlight {item!r} cannot be read; expected (start, end), (start, end, label) or an Interval."
        )
    if isinstance(item[0], Interval):
        if len(item) > 2:
            raise ParameterError(f"highlight {item!r} cannot be read; expected (Interval, label).")
        return Highlight(*coordinates.from_genome(item[0]), str(item[1]))
    span = Highlight(check_whole(item[0], "highlight start"), check_whole(item[1], "highlight end"), *item[2:])
    if not is_color_like(span.color):
        raise ParameterError(f"highlight {item!r} has the colour {span.color!r}, which Matplotlib does not know.")
    return span._replace(label=str(span.label))


def shade(ax: Axes, spans: list[Highlight]) -> None:
    """Shade the spans over the whole height of the axes, behind everything else."""
    for span in spans:
        ax.axvspan(span.start - 0.5, span.end - 0.5, facecolor=span.color, edgecolor="none", zorder=-2)


def write_labels(ax: Axes, spans: list[Highlight]) -> int:
    """Write the labels above the axes, each over a bar as long as its span.

    They take as many rows as they need not to run into each other (at most MAX_ROWS), and stay within the
    sides of the axes. The limits of the x axis have to be set.

    Returns
    -------
    int
        The number of rows.
    """
    low, high = ax.get_xlim()
    width = width_in_inches(ax) * 72
    per_position = width / (high - low)
    row_ends: list[float] = []  # where each row is taken up to, in points from the left
    for span in spans:
        if not span.label:
            continue
        label = cut(span.label, int(width / (LABEL_SIZE * LETTER_ASPECT)))
        left, right = ((edge - 0.5 - low) * per_position for edge in (span.start, span.end))
        half = len(label) * LABEL_SIZE * LETTER_ASPECT / 2
        own = (left + right) / 2
        middle = min(max(own, half), width - half)
        free = (i for i, end in enumerate(row_ends) if end + LABEL_SIZE / 2 < min(left, middle - half))
        row = min(next(free, len(row_ends)), MAX_ROWS - 1)
        row_ends[row : row + 1] = [max(right, middle + half)]
        if middle == own:
            place, align = low + own / per_position, "center"
        else:  # the width of a label is only estimated: the side it would run over is where it has to start
            place, align = (low, "left") if middle > own else (high, "right")
        _write_label(ax, span, label, (place, align), 2 + row * LABEL_LINE)
    return len(row_ends)


def cut(text: str, length: int) -> str:
    """Return `text` in at most `length` letters, an ellipsis for what is left out."""
    return text if len(text) <= length else text[: max(length - 1, 0)] + "…"


def _write_label(ax: Axes, span: Highlight, label: str, at: tuple[float, str], lift: float) -> None:
    """Draw the bar and the label of one span, `lift` points above the axes."""
    raised = ax.get_xaxis_transform() + ScaledTranslation(0, lift / 72, ax.figure.dpi_scale_trans)
    bar = Line2D(
        (span.start - 0.5, span.end - 0.5),
        (1, 1),
        transform=raised,
        color=BAR_COLOR,
        linewidth=1,
        solid_capstyle="butt",
        clip_on=False,
    )
    ax.add_artist(bar)
    ax.annotate(
        label,
        xy=(at[0], 1),
        xycoords=ax.get_xaxis_transform(),
        xytext=(0, lift + 1.5),
        textcoords="offset points",
        ha=at[1],
        va="bottom",
        fontsize=LABEL_SIZE,
        color="0.25",
        annotation_clip=False,
        parse_math=False,
    )
