"""What several methods say of one sequence, one below the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes

from seqexplain.errors import ParameterError, SequenceError
from seqexplain.plot._arrays import as_numbers
from seqexplain.plot._colors import Colors
from seqexplain.plot._coordinates import Coordinates
from seqexplain.plot._highlights import read_highlights
from seqexplain.plot._letters import Engine
from seqexplain.plot._occurrences import read_occurrences
from seqexplain.plot._one_sequence import find_row, length_of, one_target, place_of, read_stretch, target_name
from seqexplain.plot._tracks import tracks
from seqexplain.results import Attributions


def compare_methods(
    results: Mapping[str, Attributions] | Sequence[Attributions],
    sequence: int | str,
    *,
    target: int | str | None = None,
    start: int | None = None,
    end: int | None = None,
    coordinates: Literal["auto", "sequence", "genome"] = "auto",
    highlight: Iterable[Any] = (),
    hits: Any = None,
    shared_y: bool = False,
    scaled: bool = False,
    ax: Axes | Sequence[Axes] | None = None,
    colors: Colors = "classic",
    title: str | None = None,
    engine: Engine = "auto",
    figsize: tuple[float, float] | None = None,
) -> list[Axes]:
    """Draw the contributions that several methods, or models, give to one sequence, aligned below each other.

    Methods differ in unit and scale, so that each has a y axis of its own, unless something else is asked for: what can
    be compared is which bases stand out, and with which sign.

    Parameters
    ----------
    results
        Name and result of each method, top to bottom; or the results alone, which are named by their methods. They may
        hold different sequences, as long as each has this one.
    sequence
        The sequence's name; or its position in the *first* result, by whose name it is found in the others.
    target
        Which of several targets, by position or label.
    start, end
        Stretch to draw, 0-based half-open positions of the sequence; default: all of it.
    coordinates, highlight, hits
        As for `attribution_logo`. Rows of hits without names, such as those of a `Pattern`, are the first result's.
    shared_y
        Give all methods the same y axis; for results in the same unit.
    scaled
        Divide each method's contributions by its largest in the stretch drawn, so that shapes can be compared.
    ax
        Axes in whose place all is put, or one axes a method. Without, a new figure is made.
    colors, engine, figsize
        As for `logo`.
    title
        Text above; default: the sequence's name and the target.

    Returns
    -------
    list of matplotlib.axes.Axes
        One a method; `.figure` of any of them is the figure.

    Raises
    ------
    SequenceError
        When a result has not the sequence, or another of its name; or the stretch is out of range.
    TargetError
        When a result has several targets and none is chosen, or no such target.
    ParameterError
        When there is no result, or another argument makes no sense.

    Examples
    --------
    >>> import numpy as np
    >>> from seqexplain.results import Attributions
    >>> X = np.eye(4, dtype=np.float32)[None]
    >>> one, two = (Attributions(contributions=k * X, X=X, predictions=np.ones(1)) for k in (1, -2))
    >>> panels = compare_methods({"DeepLIFT": one, "saliency": two}, 0)
    >>> [ax.get_ylabel() for ax in panels]
    ['DeepLIFT', 'saliency']
    """
    named = _read(results)
    chosen = {name: one_target(result, target) for name, result in named.items()}
    rows = _rows(chosen, sequence)
    result, first_row = next(iter(chosen.values())), next(iter(rows.values()))
    length = length_of(result, first_row)
    first, last = read_stretch(start, end, length, result.names[first_row])
    shown = {
        name: as_numbers(one.contributions[rows[name], first:last], f"contributions of {name!r}")
        for name, one in chosen.items()
    }
    if scaled:
        shown = {name: values / (np.abs(values).max() or 1.0) for name, values in shown.items()}
    interval = place_of(result, first_row, coordinates)
    window = Coordinates(first, last - first, interval)
    occurrences = read_occurrences(hits, first_row, result.names, length)
    spans = [read_highlights(given, window, whole=length) for given in (highlight, occurrences)]
    return tracks(
        shown,
        highlight=[span for some in spans for span in some],
        start=first,
        interval=interval,
        shared_y=shared_y,
        colors=colors,
        title=_title(chosen, result.names[first_row]) if title is None else title,
        engine=engine,
        ax=ax,
        figsize=figsize,
    )


def _read(results: Any) -> dict[str, Attributions]:
    """Return results by name; those that share a method are numbered."""
    if isinstance(results, Mapping):
        named = {str(name): result for name, result in results.items()}
    elif isinstance(results, Sequence) and not isinstance(results, str):
        methods = [(getattr(result, "method", "") or "result").replace("_", " ") for result in results]
        names = [
            f"{method} ({methods[:k].count(method) + 1})" if methods.count(method) > 1 else method
            for k, method in enumerate(methods)
        ]
        named = dict(zip(names, results, strict=True))
    else:
        named = {"": results}
    wrong = next((result for result in named.values() if not isinstance(result, Attributions)), None)
    if not named or wrong is not None or not isinstance(results, Mapping | Sequence):
        kind = "none" if not named else type(wrong if wrong is not None else results).__name__
        raise ParameterError(
            f"results holds {kind}; expected Attributions by name, such as {{'DeepLIFT': one, 'saliency': other}}."
        )
    return named


def _rows(results: Mapping[str, Attributions], sequence: int | str) -> dict[str, int]:
    """Return the sequence's row in each result, which has to hold the same bases."""
    rows: dict[str, int] = {}
    first: tuple[str, Any] | None = None
    for name, result in results.items():
        if first is None:
            rows[name] = find_row(result, sequence)
            first = name, result.X[rows[name]]
            sequence = _name_or_row(results, result.names[rows[name]], rows[name])
            continue
        try:
            rows[name] = find_row(result, sequence)
        except SequenceError as error:
            raise SequenceError(f"{name}: {error}") from None
        bases = result.X[rows[name]]
        if bases.shape != first[1].shape or not np.array_equal(bases, first[1]):
            raise SequenceError(
                f"{result.names[rows[name]]!r} has other bases in {name!r} than in {first[0]!r}"
                f"{_where(bases, first[1])}. Explain the same sequences with each method."
            )
    return rows


def _name_or_row(results: Mapping[str, Attributions], name: str, row: int) -> int | str:
    """Return the name, or the row where a result has several sequences of that name."""
    return row if any(result.names.count(name) > 1 for result in results.values()) else name


def _where(bases: Any, others: Any) -> str:
    if bases.shape != others.shape:
        return f": {len(bases)} and {len(others)} positions"
    return f": the first at position {int(np.flatnonzero((bases != others).any(axis=1))[0])}"


def _title(results: Mapping[str, Attributions], name: str) -> str:
    labels = {result.targets for result in results.values()}
    if len(labels) != 1 or len(targets := labels.pop()) != 1:
        return name
    return f"{name} · {target_name(targets[0])}"
