"""Means of experiments that were repeated, and how far they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Estimate:
    """A mean over repetitions.

    Attributes
    ----------
    mean
        float64.
    standard_error
        Of the mean: standard deviation (of n − 1) / √n; NaN for a single repetition.
    low, high
        Ends of the confidence interval, mean ± t · standard error with Student's t of n − 1 degrees of freedom.
    n
        Number of repetitions.
    """

    mean: Array
    standard_error: Array
    low: Array
    high: Array
    n: int


def estimate(values: Array, axis: int, confidence: float = 0.95) -> Estimate:
    """Average over an axis of repetitions.

    Parameters
    ----------
    values
        Any shape.
    axis
        The repetitions.
    confidence
        Of the interval: how often intervals made this way hold the true mean, where repetitions are independent.

    Raises
    ------
    ParameterError
        When `confidence` is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence is {confidence!r}; expected a share between 0 and 1, such as 0.95.")
    values = np.asarray(values, dtype=np.float64)
    n = values.shape[axis]
    mean = values.mean(axis=axis)
    if n < 2:
        unknown = np.full_like(mean, np.nan)
        return Estimate(mean, unknown, unknown, unknown, n)
    from scipy.special import stdtrit  # the quantile of Student's t, without the weight of scipy.stats

    error = values.std(axis=axis, ddof=1) / np.sqrt(n)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * error
    return Estimate(mean, error, mean - half, mean + half, n)
