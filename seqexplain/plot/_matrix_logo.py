"""A probability matrix as a logo in bits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot._arrays import Floats, as_numbers, check_heights
from seqexplain.plot._colors import Colors
from seqexplain.plot._letters import Engine
from seqexplain.plot._logo import logo

SUM_TOLERANCE = 0.01  # motif databases print two or three decimals


def matrix_logo(
    ppm: ArrayLike,
    *,
    background: Sequence[float] = (0.25, 0.25, 0.25, 0.25),
    ax: Axes | None = None,
    colors: Colors = "classic",
    start: int = 0,
    highlight: Iterable[Any] = (),
    ylim: tuple[float, float] | None = None,
    title: str | None = None,
    ylabel: str = "bits",
    engine: Engine = "auto",
    font: str = "sans",
    figsize: tuple[float, float] | None = None,
) -> Axes:
    """Draw a position probability matrix as a logo of information content.

    The stack at position `i` is as high as the relative entropy Σ_b p_ib log2(p_ib / q_b) in bits, and each
    base takes its share p_ib of it.

    Parameters
    ----------
    ppm
        `(L, 4)` probabilities, columns A C G T, each row summing to 1 (within .01; rows are then normalised).
    background
        Probabilities q of A, C, G and T outside the motif.
    ax, colors, start, highlight, title, ylabel, engine, font, figsize
        As for `logo`.
    ylim
        Ends of the y axis in bits; default: 0 to the highest stack possible, 2 bits for the even background.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ShapeError
        When `ppm` is not `(L, 4)` or its rows are no probabilities.
    ParameterError
        When `background` or another argument makes no sense.

    References
    ----------
    Schneider TD, Stephens RM. Sequence logos: a new way to display consensus sequences. Nucleic Acids Res
    1990, 18:6097.

    Examples
    --------
    >>> ax = matrix_logo([[1, 0, 0, 0], [0.5, 0, 0, 0.5]])
    >>> float(ax.get_ylim()[1])
    2.0
    """
    expected = _check_background(background)
    bits = information(_check_probabilities(ppm), expected)
    return logo(
        bits,
        ax=ax,
        colors=colors,
        start=start,
        highlight=highlight,
        ylim=(0.0, float(-np.log2(expected.min()))) if ylim is None else ylim,
        title=title,
        ylabel=ylabel,
        engine=engine,
        font=font,
        figsize=figsize,
    )


def information(probabilities: Floats, background: Floats) -> Floats:
    """Return `(L, 4)` letter heights in bits: p_ib · Σ_b p_ib log2(p_ib / q_b), with 0 · log 0 = 0."""
    ratio = np.where(probabilities > 0, probabilities, background) / background
    entropy = (probabilities * np.log2(ratio)).sum(axis=1, keepdims=True)
    return np.asarray(probabilities * np.maximum(entropy, 0.0))  # rounding alone can take it below 0


def _check_probabilities(ppm: ArrayLike) -> Floats:
    values = check_heights(ppm, "ppm")
    sums = values.sum(axis=1, keepdims=True)
    if (values < 0).any():
        raise ShapeError(
            f"ppm holds negative values (least: {values.min():g}); expected probabilities. For scores such "
            f"as "
            "log-odds or contributions use `logo`."
        )
    wrong = np.flatnonzero(np.abs(sums[:, 0] - 1) > SUM_TOLERANCE)
    if wrong.size:
        raise ShapeError(
            f"row {wrong[0]} of ppm sums to {sums[wrong[0], 0]:g}; expected 1. For counts use "
            "(counts + pseudocount) divided by its sum over each row: p / p.sum(axis=1, keepdims=True)."
        )
    return np.asarray(values / sums)


def _check_background(background: Sequence[float]) -> Floats:
    values = as_numbers(background, "background")
    if (
        values.shape != (4,)
        or not np.isfinite(values).all()
        or (values <= 0).any()
        or abs(values.sum() - 1) > SUM_TOLERANCE
    ):
        raise ParameterError(
            f"background is {background!r}; expected four probabilities above 0 that sum to 1, for A, C, G "
            f"and T, "
            "such as (.3, .2, .2, .3)."
        )
    return np.asarray(values / values.sum())
