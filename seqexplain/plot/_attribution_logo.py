"""The contributions of one sequence out of a result."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Literal

from matplotlib.axes import Axes

from seqexplain.errors import ParameterError, SequenceError
from seqexplain.plot._arrays import Floats, as_numbers, check_whole
from seqexplain.plot._colors import Colors
from seqexplain.plot._coordinates import Coordinates
from seqexplain.plot._figure import check_axes
from seqexplain.plot._highlights import Highlight, read_highlights
from seqexplain.plot._letters import Engine
from seqexplain.plot._logo import logo
from seqexplain.plot._tracks import tracks
from seqexplain.results import Attributions, Interval

NAMES_SHOWN = 5
NAMES_COMPARED = 20_000  # comparing a name with more of them would take seconds


def attribution_logo(
    result: Attributions,
    sequence: int | str,
    *,
    start: int | None = None,
    end: int | None = None,
    hypothetical: bool = False,
    coordinates: Literal["auto", "sequence", "genome"] = "auto",
    highlight: Iterable[Any] = (),
    ax: Axes | None = None,
    colors: Colors = "classic",
    shared_y: bool = False,
    title: str | None = None,
    engine: Engine = "auto",
    font: str = "sans",
    flip_below: bool = True,
    shade_below: float = 0.0,
    fade_below: float = 0.0,
    figsize: tuple[float, float] | None = None,
) -> list[Axes]:
    """Draw the contributions of one sequence as a logo, one track a target.

    Unknown bases (N) are left as gaps, also among hypothetical contributions.

    Parameters
    ----------
    result
        What a method returned, or `load` read.
    sequence
        Its position in `result`, or its name.
    start, end
        Stretch to draw, 0-based half-open positions of the sequence; default: all of it.
    hypothetical
        Draw the contributions that each of the four bases would have, in place of those of the observed
        bases.
    coordinates
        What the x axis counts: the genome (where the sequence has an interval and `"auto"` or `"genome"` is
        given) or the sequence.
    highlight
        Spans to shade, as for `tracks`, in positions of the whole sequence or genome intervals. Those outside
        the stretch that is drawn are left out.
    ax
        Axes to draw on, for one target and in sequence coordinates.
    colors, engine, font, flip_below, shade_below, fade_below, figsize
        As for `logo`.
    shared_y
        Give the tracks of several targets the same y axis.
    title
        Text above; default: the sequence's name and the target.

    Returns
    -------
    list of matplotlib.axes.Axes
        One a target; `.figure` of any of them is the figure.

    Raises
    ------
    SequenceError
        When no sequence, or more than one, has the name, or the position or the stretch is out of range.
    ParameterError
        When the method gave no hypothetical contributions, or another argument makes no sense.
    """
    row = _find(result, sequence)
    length = int(result.X.shape[1] if result.lengths is None else result.lengths[row])
    first, last = _stretch(start, end, length, result.names[row])
    shown = _by_target(result, row, hypothetical=hypothetical)
    known = as_numbers(result.X[row], "X").any(axis=1, keepdims=True)
    shown = {name: (values * known)[first:last] for name, values in shown.items()}
    interval = _interval(result, row, coordinates)
    window = Coordinates(first, last - first, interval)
    spans: list[Highlight] = read_highlights(highlight, window, whole=length)
    title = _title(result, row) if title is None else title
    if ax is None:
        return tracks(
            shown,
            highlight=spans,
            start=first,
            interval=interval,
            shared_y=shared_y,
            colors=colors,
            title=title,
            engine=engine,
            font=font,
            flip_below=flip_below,
            shade_below=shade_below,
            fade_below=fade_below,
            figsize=figsize,
        )
    if len(shown) > 1:
        raise ParameterError(
            f"ax takes one logo, but {len(shown)} targets were explained: {', '.join(result.targets)}. "
            "Pick one, result.for_target(…), or leave ax out."
        )
    ((name, values),) = shown.items()
    return [
        logo(
            values,
            ax=check_axes(ax),
            colors=colors,
            start=first,
            highlight=spans,
            title=title,
            ylabel=name,
            engine=engine,
            font=font,
            flip_below=flip_below,
            shade_below=shade_below,
            fade_below=fade_below,
        )
    ]


def _find(result: Attributions, sequence: int | str) -> int:
    """Return the row of a sequence given by position or name."""
    count = len(result)
    if not isinstance(sequence, str):
        row = check_whole(sequence, "sequence")
        if not -count <= row < count:
            raise SequenceError(f"sequence {row} is out of range; the result holds {count}, numbered 0 to {count - 1}.")
        return row % count
    rows = [row for row, name in enumerate(result.names) if name == sequence]
    if len(rows) == 1:
        return rows[0]
    if rows:
        listed = ", ".join(map(str, rows[:NAMES_SHOWN])) + (", …" if len(rows) > NAMES_SHOWN else "")
        raise SequenceError(
            f"{len(rows)} sequences have the name {sequence!r}. Give the position of the one you want: {listed}."
        )
    close = _close_names(sequence, result.names)
    hint = (
        f"Close names: {', '.join(close)}."
        if close
        else f"The first ones are: {', '.join(result.names[:NAMES_SHOWN])}."
    )
    raise SequenceError(f"No sequence has the name {sequence!r} among the {count} of the result. {hint}")


def _close_names(wanted: str, names: tuple[str, ...]) -> list[str]:
    """Return a few names that contain the wanted one or are spelled much like it, best first."""
    folded = wanted.casefold()
    containing = [name for name in names if folded in name.casefold()] if folded else []
    similar = get_close_matches(wanted, names[:NAMES_COMPARED], n=NAMES_SHOWN)
    return list(dict.fromkeys([*similar, *containing]))[:NAMES_SHOWN]


def _stretch(start: int | None, end: int | None, length: int, name: str) -> tuple[int, int]:
    """Return the positions to draw, checked."""
    first = 0 if start is None else check_whole(start, "start")
    last = length if end is None else check_whole(end, "end")
    if not 0 <= first < last <= length:
        raise SequenceError(
            f"start {first} and end {last} do not mark a stretch of {name!r}, which has {length} bp; "
            f"expected "
            f"0 <= start < end <= {length} (0-based, end not included)."
        )
    return first, last


def _by_target(result: Attributions, row: int, *, hypothetical: bool) -> dict[str, Floats]:
    """Return a name and `(L, 4)` scores a target."""
    source = result.hypothetical if hypothetical else result.contributions
    if source is None:
        raise ParameterError(
            f"The method {result.method or 'used'} gives no hypothetical contributions. Draw with hypothetical=False."
        )
    scores = as_numbers(source[row], "contributions")
    if not result.several_targets:
        return {"hypothetical contribution" if hypothetical else "contribution": scores}
    labels = result.targets
    if len(set(labels)) < len(labels):  # a mapping needs distinct keys
        labels = tuple(f"{label} ({place})" for place, label in enumerate(labels))
    return dict(zip(labels, scores, strict=True))


def _interval(result: Attributions, row: int, coordinates: str) -> Interval | None:
    if coordinates not in ("auto", "sequence", "genome"):
        raise ParameterError(f"coordinates is {coordinates!r}; expected 'auto', 'sequence' or 'genome'.")
    interval = None if result.intervals is None else result.intervals[row]
    if interval is None and coordinates == "genome":
        raise ParameterError(
            f"{result.names[row]!r} has no genome interval (it was not cut from a genome). Use coordinates='sequence'."
        )
    return None if coordinates == "sequence" else interval


def _title(result: Attributions, row: int) -> str:
    name = result.names[row]
    if len(result.targets) == 1 and not result.several_targets:
        return f"{name} · {result.targets[0]}"
    return name
