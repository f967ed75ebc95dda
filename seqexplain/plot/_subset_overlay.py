"""Sufficient input subsets over the contributions of the sequence that they are in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

import numpy as np
from matplotlib.axes import Axes

from seqexplain.errors import ParameterError, SequenceError
from seqexplain.plot._arrays import Floats, as_numbers
from seqexplain.plot._colors import Colors, base_colors, pale
from seqexplain.plot._coordinates import Coordinates, style_x_axis, width_in_inches
from seqexplain.plot._effect_curves import PALETTE
from seqexplain.plot._figure import TICK_SIZE, padded, style_axes, width_for, write_title
from seqexplain.plot._highlights import Highlight, shade
from seqexplain.plot._letters import LetterStyle, draw_letters, height_limits
from seqexplain.plot._one_sequence import find_row, length_of, one_target, place_of, read_stretch, target_name, unit_of
from seqexplain.plot._panels import stacked_axes
from seqexplain.results import Attributions, SequenceSubset, SufficientInputSubsets

LOGO_HEIGHT, ROW_HEIGHT = 1.25, 0.17  # inches: the logo, and a subset's row above it
AROUND = 0.5
BLOCK = 0.64  # of a row's height
COLORS = tuple(PALETTE[k] for k in (0, 1, 2, 3, 4, 5))
DIGITS = 3  # of the values beside the rows


def subset_overlay(
    result: SufficientInputSubsets,
    sequence: int | str,
    *,
    over: Attributions | None = None,
    target: int | str | None = None,
    start: int | None = None,
    end: int | None = None,
    coordinates: Literal["auto", "sequence", "genome"] = "auto",
    ax: Axes | Sequence[Axes] | None = None,
    colors: Colors = "classic",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
) -> list[Axes]:
    """Draw the sufficient input subsets of a sequence: a row of blocks each, above the contributions of its bases.

    Each subset's bases are blocks in a row of their own, numbered at the left in the order found, and shaded in the
    logo below. At the right stands f of the sequence with nothing but that subset left, which is sufficient when it
    reaches the threshold; where it does not, that is said.

    Parameters
    ----------
    result
        Of `sufficient_input_subsets`.
    sequence
        Its position in `result`, or its name.
    over
        Contributions to draw, of any method and the same sequence; default: those of `result`, by how much f falls when
        a base of a subset is masked.
    target
        Which of several targets, by position or label.
    start, end
        Stretch to draw, 0-based half-open positions of the sequence; default: all of it.
    coordinates
        As for `attribution_logo`.
    ax
        Axes in whose place all is put, or two: that of the subsets and that of the logo. Without, a new figure is made.
    colors
        Of the letters, as for `logo`.
    title
        Text above; default: the sequence's name, the target, how many subsets there are and the threshold.
    figsize
        Width and height in inches of the new figure.

    Returns
    -------
    list of matplotlib.axes.Axes
        The subsets, and the logo.

    Raises
    ------
    SequenceError
        As `attribution_logo` raises it; or when `over` has not the sequence, or another of its name.
    TargetError
        When there are several targets and none is chosen, or no such target.
    ParameterError
        When `result` holds no subsets of sequences, or another argument makes no sense.

    Examples
    --------
    >>> import numpy as np
    >>> from seqexplain.results import SufficientInputSubsets
    >>> X, one = np.eye(4, dtype=np.float32)[None], np.ones(1, dtype=np.float32)
    >>> sis = SufficientInputSubsets(
    ...     contributions=X, X=X, predictions=4 * one, names=("peak",), subset=np.array([[1, 0, 1, 2]]),
    ...     rank=np.array([[1, 0, 2, 1]]), subset_value=np.array([[3.0, 0, 3.0, 2.5]]), threshold=2 * one,
    ...     rest_predictions=0 * one, masked_predictions=0 * one, stopped=np.ones(1, dtype=np.uint8),
    ... )
    >>> top, bottom = subset_overlay(sis, "peak")
    >>> [text.get_text() for text in top.texts]
    ['f = 3', 'f = 2.5']
    """
    if not isinstance(result, SufficientInputSubsets):
        raise ParameterError(f"result is a {type(result).__name__}; expected what sufficient_input_subsets returns.")
    one = cast(SufficientInputSubsets, one_target(result, target))
    row = find_row(one, sequence)
    length = length_of(one, row)
    first, last = read_stretch(start, end, length, one.names[row])
    heights = _heights(one, row, over, target)[first:last]
    window = Coordinates(first, last - first, place_of(one, row, coordinates))
    subsets = one.subsets(row)
    style = LetterStyle(base_colors(colors))
    sizes = [ROW_HEIGHT * max(len(subsets), 1), LOGO_HEIGHT]
    top, bottom = panels = stacked_axes(ax, sizes, figsize, width_for(last - first), AROUND)
    _draw_rows(top, subsets, window, below=one.negative)
    shade(bottom, _spans(subsets, window))
    draw_letters(bottom, heights, first, style, "auto")
    style_x_axis(bottom, window)
    style_axes(bottom, padded(height_limits(heights)), f"contribution{unit_of(one if over is None else over)}")
    write_title(top, _title(one, row, len(subsets)) if title is None else title, 0)
    return panels


def _heights(result: SufficientInputSubsets, row: int, over: Attributions | None, target: int | str | None) -> Floats:
    if over is None:
        return as_numbers(result.contributions[row], "contributions")
    if not isinstance(over, Attributions):
        raise ParameterError(f"over is a {type(over).__name__}; expected Attributions of the same sequence.")
    other = one_target(over, target if over.several_targets else None)
    name = result.names[row]
    there = find_row(other, name if other.names.count(name) == 1 or name not in other.names else row)
    if other.X[there].shape != result.X[row].shape or not np.array_equal(other.X[there], result.X[row]):
        raise SequenceError(
            f"{name!r} has other bases in over than in result. Explain the same sequences with both methods."
        )
    return as_numbers(other.contributions[there], "contributions")


def _color(subset: SequenceSubset) -> str:
    return COLORS[(subset.number - 1) % len(COLORS)]


def _draw_rows(ax: Axes, subsets: Sequence[SequenceSubset], window: Coordinates, *, below: bool) -> None:
    """Draw a block a base, a row a subset, the first at the top."""
    for line, subset in enumerate(subsets):
        shown = [(p - 0.5, 1.0) for p in np.sort(subset.positions) if window.start <= p < window.end]
        ax.broken_barh(shown, (line - BLOCK / 2, BLOCK), facecolors=_color(subset), linewidth=0)
    style_x_axis(ax, window, labels=False)
    style_axes(ax, (max(len(subsets), 1) - 0.5, -0.5), "")
    ax.spines[:].set_visible(False)
    ax.tick_params(axis="both", length=0)
    ax.set_yticks(range(len(subsets)), [str(subset.number) for subset in subsets])
    for tick, subset in zip(ax.get_yticklabels(), subsets, strict=True):
        tick.set_color(_color(subset))
        tick.set_fontweight("bold")
    edge = window.end - 0.5 + 0.06 / width_in_inches(ax) * window.length
    for line, subset in enumerate(subsets):
        failed = "" if subset.sufficient else (" (too high)" if below else " (too low)")
        ax.text(
            edge, line, f"f = {subset.value:.{DIGITS}g}{failed}".replace("-", "−"), va="center", fontsize=TICK_SIZE,
            color="0.25", clip_on=False,
        )  # fmt: skip
    if not subsets:
        ax.text(0.5, 0.5, "no subset", transform=ax.transAxes, ha="center", va="center", fontsize=TICK_SIZE)


def _spans(subsets: Sequence[SequenceSubset], window: Coordinates) -> list[Highlight]:
    """Return the runs of successive bases of each subset, in a pale shade of its colour."""
    spans: list[Highlight] = []
    for subset in subsets:
        shade_of = pale(_color(subset))
        positions = np.sort(subset.positions)
        positions = positions[(positions >= window.start) & (positions < window.end)]
        for run in np.split(positions, np.flatnonzero(np.diff(positions) > 1) + 1):
            if len(run):
                spans.append(Highlight(int(run[0]), int(run[-1]) + 1, "", shade_of))
    return spans


def _title(result: SufficientInputSubsets, row: int, count: int) -> str:
    reach = "≤" if result.negative else "≥"
    subsets = f"{count} subset{' with' if count == 1 else 's, each with'}" if count else "no subset with"
    target = f"{target_name(result.targets[0])}: " if len(result.targets) == 1 else ""
    return f"{result.names[row]} · {target}{subsets} f {reach} {float(result.threshold[row]):.{DIGITS}g}"
