"""Do contributions add up? Errors against the differences in score that were to be explained."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from seqexplain._completeness import completeness_of
from seqexplain.errors import ParameterError
from seqexplain.plot._arrays import Floats
from seqexplain.plot._effect_curves import PALETTE
from seqexplain.plot._figure import LABEL_SIZE, TICK_SIZE, check_axes, new_figure, write_title
from seqexplain.plot._one_sequence import one_target, unit_of
from seqexplain.results import Attributions

WIDTH, HEIGHT = 4.6, 3.4  # inches
HELD, MISSED = PALETTE[0], PALETTE[1]
BAND = "#e3eef5"
MOST_POINTS = 4000  # of those that hold: more only darken the cloud
VECTOR_POINTS = 1500  # more are drawn as pixels, also in PDF and SVG
LEAST = 1e-12  # nothing that is computed in float32 is told below


def completeness_plot(
    result: Attributions,
    *,
    target: int | str | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
) -> Axes:
    """Draw by how much contributions miss the difference in score that they explain, for each sequence and reference.

    The x axis is |Δ|, Δ = f(x) − f(reference) (for LRP f(x), which it distributes), the y axis the size of the error
    Σ contributions − Δ; both are logarithmic. In the shaded band the error is within the method's tolerance of |Δ|.
    Pairs above may hold nonetheless, in the same colour: where Δ is near 0, what counts is Σ|c|, and the rounding of
    the scores. Errors of exactly 0 stand at the lower edge. LRP is not bound to add up: what biases and the rules'
    stabilisers absorb is missing from the sum, see `lrp_conservation`.

    Parameters
    ----------
    result
        Of a method that checks completeness.
    target
        Which of several targets, by position or label.
    ax
        Axes to draw on. Without, a new figure is made; reach it as `.figure` of what is returned.
    title
        Text above; default: the method, and how many of the pairs hold.
    figsize
        Width and height in inches of the new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ParameterError
        When the method has no completeness error, or there is no sequence.
    TargetError
        When there are several targets and none is chosen, or no such target.

    Examples
    --------
    >>> import numpy as np
    >>> from seqexplain.results import Attributions
    >>> X = np.eye(4, dtype=np.float32)[None]
    >>> one = Attributions(
    ...     contributions=X, X=X, predictions=np.array([4.0]), reference_predictions=np.zeros((1, 2)),
    ...     completeness_error=np.array([[1e-6, 0.5]]), method="deeplift",
    ... )
    >>> completeness_plot(one).get_title(loc="left")
    'deeplift: 50 % of 2 pairs add up'
    """
    one = one_target(result, target)
    found = completeness_of(one)
    if found is None or not found[0].size:
        why = "has no completeness error" if found is None else "holds no sequence"
        raise ParameterError(
            f"The result of {one.method or 'this method'} {why}. Methods that check completeness are deeplift, "
            "integrated_gradients, expected_gradients and lrp."
        )
    error, delta, held = (np.asarray(part).ravel() for part in found[:3])
    x, y = np.maximum(np.abs(delta), LEAST), np.abs(error)
    floor = _floor(y)
    y = np.maximum(y, floor)
    if ax is None:
        ax = new_figure(figsize, WIDTH, HEIGHT).subplots()
    ax = check_axes(ax)
    ax.set_xscale("log")
    ax.set_yscale("log")
    limits = _limits(x), _limits(np.append(y, found[3] * x.max()))
    kept = np.flatnonzero(held)
    kept = kept[:: -(-len(kept) // MOST_POINTS) or 1]
    for rows, color, marker, size, order in ((kept, HELD, "o", 9, 1), (np.flatnonzero(~held), MISSED, "X", 16, 2)):
        ax.scatter(
            x[rows], y[rows], s=size, c=color, marker=marker, linewidths=0, alpha=0.45 if order == 1 else 0.9,
            zorder=order, rasterized=len(rows) > VECTOR_POINTS,
        )  # fmt: skip
    _draw_band(ax, limits, found[3])
    _style(ax, limits, unit_of(one), references=one.reference_predictions is not None)
    things = "sequences" if one.reference_predictions is None else "pairs"
    write_title(ax, _title(one.method, held, things) if title is None else title, 0)
    return ax


def _floor(sizes: Floats) -> float:
    """Return where errors of exactly 0 are put: a little below the least other one."""
    seen = sizes[sizes > LEAST]
    return float(seen.min()) / 2 if seen.size else LEAST


def _limits(values: Floats) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    air = 1.6 if high / low > 100 else 1.2
    return low / air, high * air


def _draw_band(ax: Axes, limits: tuple[tuple[float, float], tuple[float, float]], relative: float) -> None:
    ends = np.array(limits[0])
    ax.fill_between(ends, np.full(2, limits[1][0]), relative * ends, color=BAND, linewidth=0, zorder=-2)
    (line,) = ax.plot(ends, relative * ends, color="0.45", linewidth=0.8, linestyle="--", zorder=-1)
    power = int(np.floor(np.log10(relative) + 1e-9))
    share = f"$10^{{{power}}}$" if np.isclose(relative, 10.0**power) else f"{relative:g}"
    line.set_label(f"tolerance {share} |Δ|")
    ax.legend(handles=[line], loc="best", fontsize=TICK_SIZE, frameon=False)


def _style(ax: Axes, limits: tuple[tuple[float, float], tuple[float, float]], unit: str, *, references: bool) -> None:
    ax.set_xlim(*limits[0])
    ax.set_ylim(*limits[1])
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_linewidth(0.6)
    ax.tick_params(width=0.6, length=3, labelsize=TICK_SIZE)
    ax.tick_params(which="minor", width=0.4, length=1.5, labelsize=TICK_SIZE)
    for axis, (low, high) in ((ax.xaxis, limits[0]), (ax.yaxis, limits[1])):
        if high / low > 100:
            axis.set_major_locator(LogLocator(numticks=7))
            axis.set_minor_formatter(NullFormatter())
        else:  # within a decade or two only ticks between the powers of ten have room, and as plain numbers
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=7))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_locator(NullLocator())
    explained = "|Δ| = |f(x) − f(reference)|" if references else "|f(x)|"
    ax.set_xlabel(explained + unit, fontsize=LABEL_SIZE)
    error = "|Σ contributions − Δ|" if references else "|Σ contributions − f(x)|"
    ax.set_ylabel(error + unit, fontsize=LABEL_SIZE)


def _title(method: str, held: Floats, things: str) -> str:
    count, n = int(held.sum()), held.size
    name = f"{method or 'contributions'}: "
    if count == n:
        return f"{name}all {n:,} {things} add up" if n > 1 else f"{name}the one {things[:-1]} adds up"
    return f"{name}{min(100 * count / n, 99.9):.3g} % of {n:,} {things} add up"
