"""When contributions add up: one rule, for the methods that check it and for those who draw or tell it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

RELATIVE_TOLERANCE = 1e-4  # of |Δ|
MAGNITUDE_TOLERANCE = 1e-5  # of Σ|c|, for pairs whose Δ is near 0
ROUNDING = (
    8 * 2.0**-23
)  # of the scores: what two forward passes in float32 differ by where the model sees no difference
# a method with a tolerance of its own, of |Δ|, allows this part of it for Σ|c|, and the gradients' rounding at least
OF_MAGNITUDE = 1e-2
LEAST_OF_MAGNITUDE = 1e-6


def holds(
    error: Array,
    delta: Array,
    magnitude: Array,
    score: Array | float = 0.0,
    relative: float = RELATIVE_TOLERANCE,
    of_magnitude: float = MAGNITUDE_TOLERANCE,
) -> Array:
    """Return where completeness holds: |error| ≤ 1e-4·|Δ| or ≤ 1e-5·Σ|c|, or is the rounding of the score.

    Parameters
    ----------
    error
        Σ m·(x − ref) − Δ.
    delta
        Δ = f(x) − f(ref).
    magnitude
        Σ |m·(x − ref)|.
    score
        Size of the score, |f|, in general. Where sequence and reference differ only in what the model does not look
        at, Σ|c| is near 0 and Δ is the rounding of two forward passes.
    relative, of_magnitude
        Other tolerances, of |Δ| and of Σ|c|.
    """
    size = np.abs(error)
    result: Array = size <= relative * np.abs(delta)
    result |= size <= of_magnitude * magnitude
    result |= size <= ROUNDING * np.abs(score)
    return result


def completeness_of(result: Any) -> tuple[Array, Array, Array, float] | None:
    """Return errors and Δ of all pairs of `Attributions`, where it holds, and the tolerance of |Δ|.

    Where a method has no references, as LRP, Δ is f(x) itself. Sums of contributions stand for those of m·(x − ref),
    which are not kept. The arrays have the shape of `completeness_error`; None without one.
    """
    if result.completeness_error is None:
        return None
    error = np.asarray(result.completeness_error, dtype=np.float64)
    predictions = np.asarray(result.predictions, dtype=np.float64)[..., None]
    references = result.reference_predictions
    delta = predictions - (0.0 if references is None else np.asarray(references, dtype=np.float64))
    delta = np.broadcast_to(delta, error.shape)
    axes = tuple(range(result.predictions.ndim, result.contributions.ndim))
    magnitude = np.abs(result.contributions).sum(axis=axes, dtype=np.float64)[..., None]
    usual = np.abs(predictions)
    if references is not None:
        usual = np.maximum(usual, np.abs(references).max(axis=-1, keepdims=True, initial=0))
    usual = usual.max(axis=0, keepdims=True, initial=0)  # of each target: a sum of terms of that size
    relative = result.parameters.get("tolerance", RELATIVE_TOLERANCE)
    if not isinstance(relative, float | int) or relative == RELATIVE_TOLERANCE:
        relative, part = RELATIVE_TOLERANCE, MAGNITUDE_TOLERANCE
    else:
        part = max(OF_MAGNITUDE * relative, LEAST_OF_MAGNITUDE)
    return error, delta, holds(error, delta, magnitude, usual, relative, part), float(relative)
