"""Windows along a sequence: where they begin, how they are scored, and what a base gets of their effects."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array
from seqexplain.perturbation._checks import check_count

EDIT_BYTES = 32 << 20  # of replacements that are made at a time


def check_windows(window: int, stride: int, length: int) -> None:
    """Raise unless windows fit a sequence and leave no base out."""
    check_count("window", window)
    check_count("stride", stride)
    if window > length:
        raise ParameterError(
            f"window={window} is longer than the {length} bp that windows slide over; use a shorter one."
        )
    if stride > window:
        raise ParameterError(f"stride={stride} leaves bases between windows of {window} bp out; use {window} or less.")


def window_starts(length: int, window: int, stride: int) -> Array:
    """Return where windows begin: every `stride` bp, and at the end the last that fits, so that all bases are covered.

    Examples
    --------
    >>> window_starts(10, 4, 3).tolist()
    [0, 3, 6]
    >>> window_starts(11, 4, 3).tolist()
    [0, 3, 6, 7]
    """
    starts = np.arange(0, length - window + 1, stride)
    return starts if starts[-1] == length - window else np.append(starts, length - window)


def mean_over_windows(values: Array, starts: Array, window: int, length: int) -> Array:
    """Return for each base the mean over the windows that cover it.

    Parameters
    ----------
    values
        `(n, windows, t)`.
    starts
        `(windows,)`, each another.
    window, length
        In bp.

    Returns
    -------
    numpy.ndarray
        `(n, t, length)` float32.
    """
    total = np.zeros((values.shape[0], values.shape[2], length), dtype=np.float64)
    covering = np.zeros(length)
    by_window = np.moveaxis(values, 1, 2)
    for offset in range(window):
        total[:, :, starts + offset] += by_window
        covering[starts + offset] += 1
    return (total / covering).astype(np.float32)


def by_target(values: Array) -> Array:
    """Return the values of windows `(n, windows, t)` as results have them, `(n, t, windows)` float32."""
    return np.ascontiguousarray(np.moveaxis(values, 1, 2), dtype=np.float32)


def in_parts(n: int, bytes_each: float) -> Iterator[slice]:
    """Yield slices of `n` edits, so large that a part takes some megabytes."""
    size = max(1, int(EDIT_BYTES // max(1.0, bytes_each)))
    for low in range(0, n, size):
        yield slice(low, min(low + size, n))
