"""The value that a sufficient subset has to reach: a number, or a quantile of what the model says of sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError, ShapeError

Array = NDArray[Any]

# A quantile may be the very prediction of a sequence, which has to reach it whatever batch it is computed in.
ROUNDING = 1e-6


def parse_threshold(threshold: Any) -> tuple[float, bool]:
    """Read one threshold.

    Returns
    -------
    value
        The number; for a quantile from 0 to 1.
    quantile
        Whether it is a quantile.

    Raises
    ------
    ParameterError
        When it is neither a finite number nor a text such as `"90%"`.

    Examples
    --------
    >>> parse_threshold(0.5), parse_threshold("90%")
    ((0.5, False), (0.9, True))
    """
    if isinstance(threshold, str):
        text = threshold.strip()
        try:
            number = float(text.removesuffix("%"))
        except ValueError:
            number = float("nan")
        if text.endswith("%") and 0 <= number <= 100:
            return number / 100, True
        if not text.endswith("%") and np.isfinite(number):
            return number, False
    elif (
        isinstance(threshold, (int, float, np.integer, np.floating))
        and not isinstance(threshold, bool)
        and np.isfinite(threshold)
    ):
        return float(threshold), False
    raise ParameterError(
        f"threshold={threshold!r} is not understood; give a number in the target's unit, or a quantile of the "
        'predictions from "0%" to "100%".'
    )


def thresholds_of(threshold: Any, n_targets: int) -> list[Any]:
    """Return one threshold a target: one is for all, a list gives each its own.

    Raises
    ------
    ShapeError
        When a list has another length.
    ParameterError
        As `parse_threshold` does.
    """
    given = list(threshold) if isinstance(threshold, (list, tuple, np.ndarray)) else [threshold] * n_targets
    if len(given) != n_targets:
        raise ShapeError(f"{len(given)} thresholds for {n_targets} targets; give one for all, or one a target.")
    for one in given:
        parse_threshold(one)
    return given


def resolve_thresholds(
    threshold: Any, n_targets: int, predictions: Callable[[], Array], *, negative: bool = False
) -> tuple[float, ...]:
    """Return thresholds as numbers, one a target.

    Parameters
    ----------
    threshold
        A number, a quantile (`"90%"`), or one of these a target.
    n_targets
        How many there are.
    predictions
        Called only where there is a quantile: the predictions `(n, targets)` that quantiles are of.
    negative
        Whether values at or below the threshold are meant.
    """
    parsed = [parse_threshold(one) for one in thresholds_of(threshold, n_targets)]
    if not any(quantile for _, quantile in parsed):
        return tuple(value for value, _ in parsed)
    known = predictions()
    if not len(known):
        raise ParameterError("A quantile needs sequences; there are none. Give the threshold as a number.")
    return tuple(
        _within(float(np.quantile(known[:, t], value)), negative) if quantile else value
        for t, (value, quantile) in enumerate(parsed)
    )


def _within(value: float, negative: bool) -> float:
    slack = ROUNDING * max(1.0, abs(value))
    return value + slack if negative else value - slack
