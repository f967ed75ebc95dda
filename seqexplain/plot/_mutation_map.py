"""In-silico mutagenesis of one sequence out of a result, as a heat map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.colors import Colormap

from seqexplain.errors import ParameterError
from seqexplain.plot._arrays import Floats, as_numbers
from seqexplain.plot._colors import Colors
from seqexplain.plot._coordinates import Coordinates
from seqexplain.plot._effect_map import CMAP, effect_map
from seqexplain.plot._highlights import read_highlights
from seqexplain.plot._occurrences import read_occurrences
from seqexplain.plot._one_sequence import find_row, length_of, one_target, place_of, read_stretch, title_of, unit_of
from seqexplain.results import Attributions


def mutation_map(
    result: Attributions,
    sequence: int | str,
    *,
    target: int | str | None = None,
    values: Literal["effects", "hypothetical"] = "effects",
    start: int | None = None,
    end: int | None = None,
    logo: bool = True,
    coordinates: Literal["auto", "sequence", "genome"] = "auto",
    highlight: Iterable[Any] = (),
    hits: Any = None,
    ax: Axes | Sequence[Axes] | None = None,
    cmap: str | Colormap = CMAP,
    limit: float | None = None,
    colors: Colors = "classic",
    colorbar: bool = True,
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
) -> list[Axes]:
    """Draw what each substitution in a sequence does to the score, with the contributions above.

    A column is a position, a row the base that is put there; red raises the score and blue lowers it. Dots mark the
    bases that the sequence has, whose effect is 0.

    Parameters
    ----------
    result
        Of `in_silico_mutagenesis`, which has effects; or, with `values="hypothetical"`, of any method with hypothetical
        contributions.
    sequence
        Its position in `result`, or its name.
    target
        Which of several targets, by position or label.
    values
        `"effects"`: f with that base there, less f of the sequence; `"hypothetical"`: the contribution that each base
        would have.
    start, end
        Stretch to draw, 0-based half-open positions of the sequence; default: all of it.
    logo
        Draw the contributions as a logo above the map.
    coordinates, highlight, hits
        As for `attribution_logo`.
    ax, cmap, limit, colors, colorbar, figsize
        As for `effect_map`.
    title
        Text above; default: the sequence's name and the target.

    Returns
    -------
    list of matplotlib.axes.Axes
        The logo, unless it is not wanted, and the map.

    Raises
    ------
    SequenceError
        As `attribution_logo` raises it.
    TargetError
        When there are several targets and none is chosen, or no such target.
    ParameterError
        When the result has no such values, or another argument makes no sense.

    Examples
    --------
    >>> import numpy as np
    >>> from seqexplain.results import Attributions
    >>> X = np.eye(4, dtype=np.float32)[None]
    >>> effects = -np.arange(4, dtype=np.float32)[None, :, None] * (1 - X)
    >>> scores = -effects.mean(axis=-1, keepdims=True) * X
    >>> ism = Attributions(contributions=scores, X=X, predictions=np.zeros(1), effects=effects, names=("peak",))
    >>> top, bottom = mutation_map(ism, "peak")
    >>> top.get_title(loc="left")
    'peak'
    """
    one = one_target(result, target)
    row = find_row(one, sequence)
    length = length_of(one, row)
    first, last = read_stretch(start, end, length, one.names[row])
    shown = _values(one, values)[row]
    interval = place_of(one, row, coordinates)
    window = Coordinates(first, last - first, interval)
    occurrences = read_occurrences(hits, row, one.names, length)
    spans = [read_highlights(given, window, whole=length) for given in (highlight, occurrences)]
    return effect_map(
        shown[first:last],
        one.X[row, first:last],
        contributions=one.contributions[row, first:last] if logo else None,
        start=first,
        interval=interval,
        highlight=[span for some in spans for span in some],
        ax=ax,
        cmap=cmap,
        limit=limit,
        colors=colors,
        colorbar=colorbar,
        title=title_of(one, row) if title is None else title,
        label=("effect" if values == "effects" else "hypothetical") + unit_of(one),
        logo_label=f"contribution{unit_of(one)}",
        figsize=figsize,
    )


def _values(result: Attributions, values: str) -> Floats:
    if values not in ("effects", "hypothetical"):
        raise ParameterError(f"values is {values!r}; expected 'effects' or 'hypothetical'.")
    found = getattr(result, values)
    if found is None:
        others = "hypothetical" if values == "effects" else "effects"
        instead = f", or draw values={others!r}" if getattr(result, others) is not None else ""
        raise ParameterError(
            f"The method {result.method or 'used'} gives no {values}. Use in_silico_mutagenesis, which does{instead}."
        )
    return as_numbers(found, values)
