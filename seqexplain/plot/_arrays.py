"""Checks of the arrays and numbers that a user hands over to be drawn."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqexplain.errors import ParameterError, ShapeError

Floats = NDArray[np.float64]

BASES = "ACGT"


def as_numbers(values: ArrayLike, name: str) -> Floats:
    """Return `values` as float64, refusing what is not a real number."""
    try:
        array = np.asarray(values)
    except ValueError as error:  # ragged nested lists
        raise ShapeError(f"{name} is not a rectangular array ({error}). Give every row the same length.") from None
    if array.dtype.kind not in "biuf":
        raise ShapeError(
            f"{name} has dtype {array.dtype}; expected real numbers. Convert it with np.asarray({name}, dtype=float)."
        )
    return array.astype(np.float64)


def check_heights(matrix: ArrayLike, name: str = "matrix") -> Floats:
    """Return letter heights as a finite `(L, 4)` float64 array.

    Raises
    ------
    ShapeError
        When the shape is another one or a value is not finite.
    """
    heights = as_numbers(matrix, name)
    if heights.ndim != 2 or heights.shape[1] != len(BASES):
        raise ShapeError(
            f"{name} has shape {heights.shape}; expected (length, 4), columns A C G T.{_mend(heights, name)}"
        )
    if heights.shape[0] == 0:
        raise ShapeError(f"{name} has no positions; expected (length, 4) with a length of at least 1.")
    bad = ~np.isfinite(heights)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ShapeError(
            f"{name} holds {int(bad.sum())} value(s) that are not finite, the first {heights[row, column]} "
            f"at position "
            f"{row}, base {BASES[column]}; a letter needs a height. np.nan_to_num({name}) draws them as gaps."
        )
    return heights


def _mend(heights: Floats, name: str) -> str:
    """Return a hint on the commonest mistakes with shapes."""
    if heights.ndim == 2 and heights.shape[0] == len(BASES):
        return f" Use {name}.T."
    if heights.ndim == 3 and heights.shape[2] == len(BASES):
        return f" Pick one sequence, such as {name}[0]."
    if heights.ndim == 1:
        return (
            f" Multiply the scores with the one-hot sequence: scores[:, None] * X[i]; `tracks` draws {name} as a line."
        )
    return ""


def check_whole(value: object, name: str) -> int:
    """Return `value` as an int, refusing floats and the like.

    Raises
    ------
    ParameterError
        When it is not a whole number.
    """
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ParameterError(f"{name} is {value!r}; expected a whole number. Give an int, such as {name}=0.") from None


def check_fraction(value: float, name: str) -> float:
    """Return `value`, which has to lie in [0, 1].

    Raises
    ------
    ParameterError
        When it does not.
    """
    if not is_number(value) or not 0 <= value <= 1:
        raise ParameterError(f"{name} is {value!r}; expected a number from 0 (none) to 1 (all). Try {name}=0.5.")
    return float(value)


def check_limits(ylim: Any) -> tuple[float, float]:
    """Return the ends of the y axis, lower first.

    Raises
    ------
    ParameterError
        When they are not two finite numbers in rising order.
    """
    try:
        low, high = ylim
    except (TypeError, ValueError):
        low = high = None
    if not (is_number(low) and is_number(high) and low < high):
        raise ParameterError(f"ylim is {ylim!r}; expected two numbers, the lower first, such as ylim=(-1, 1).")
    return float(low), float(high)


def is_number(value: object) -> bool:
    """Tell whether `value` is one finite real number."""
    return isinstance(value, (int, float, np.integer, np.floating)) and bool(np.isfinite(value))
