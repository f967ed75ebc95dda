"""The contributions of one sequence out of a result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from matplotlib.axes import Axes

from seqexplain.errors import ParameterError
from seqexplain.plot._arrays import Floats, as_numbers
from seqexplain.plot._colors import Colors
from seqexplain.plot._coordinates import Coordinates
from seqexplain.plot._highlights import read_highlights
from seqexplain.plot._letters import Engine
from seqexplain.plot._occurrences import read_occurrences
from seqexplain.plot._one_sequence import find_row, length_of, place_of, read_stretch, title_of, unit_of
from seqexplain.plot._tracks import tracks
from seqexplain.results import Attributions


def attribution_logo(
    result: Attributions,
    sequence: int | str,
    *,
    start: int | None = None,
    end: int | None = None,
    hypothetical: bool = False,
    coordinates: Literal["auto", "sequence", "genome"] = "auto",
    highlight: Iterable[Any] = (),
    hits: Any = None,
    ax: Axes | Sequence[Axes] | None = None,
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
    hits
        Occurrences of motifs to shade, each motif in a colour of its own, with its name and an arrow in the direction
        it reads: `MotifHits`, a `PatternSet` or `Pattern` (their cores), or `Seqlets`. Those of this sequence are
        found by its name.
    ax
        Axes to draw on; of several targets, axes in whose place all are put, or one a target. Without, a new figure is
        made.
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
        When no sequence, or more than one, has the name, or the position or the stretch is out of range; or `hits` are
        those of other sequences.
    ParameterError
        When the method gave no hypothetical contributions, or another argument makes no sense.
    """
    row = find_row(result, sequence)
    length = length_of(result, row)
    first, last = read_stretch(start, end, length, result.names[row])
    shown = _by_target(result, row, hypothetical=hypothetical)
    known = as_numbers(result.X[row], "X").any(axis=1, keepdims=True)
    shown = {name: (values * known)[first:last] for name, values in shown.items()}
    interval = place_of(result, row, coordinates)
    window = Coordinates(first, last - first, interval)
    occurrences = read_occurrences(hits, row, result.names, length)
    spans = [read_highlights(given, window, whole=length) for given in (highlight, occurrences)]
    title = title_of(result, row) if title is None else title
    return tracks(
        shown,
        highlight=[span for some in spans for span in some],
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
        ax=ax,
        figsize=figsize,
    )


def _by_target(result: Attributions, row: int, *, hypothetical: bool) -> dict[str, Floats]:
    """Return a name and `(L, 4)` scores a target."""
    source = result.hypothetical if hypothetical else result.contributions
    if source is None:
        raise ParameterError(
            f"The method {result.method or 'used'} gives no hypothetical contributions. Draw with hypothetical=False."
        )
    scores = as_numbers(source[row], "contributions")
    if not result.several_targets:
        what = "hypothetical contribution" if hypothetical else "contribution"
        return {what + unit_of(result): scores}
    labels = result.targets
    if len(set(labels)) < len(labels):  # a mapping needs distinct keys
        labels = tuple(f"{label} ({place})" for place, label in enumerate(labels))
    return dict(zip(labels, scores, strict=True))
