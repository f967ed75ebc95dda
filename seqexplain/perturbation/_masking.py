"""What stands in the place of a masked base."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError, ShapeError

Array = NDArray[Any]

UNIFORM = 0.25
NAMED = {"mean": UNIFORM, "zeros": 0.0}
BACKGROUND = "background"


def base_frequencies(X: Array) -> Array:
    """Return the frequencies of A C G T among the known bases of `(n, L, 4)` sequences, `(4,)` float32.

    Raises
    ------
    ParameterError
        When there is no known base.
    """
    counts = X.sum(axis=tuple(range(X.ndim - 1)), dtype=np.float64)
    if not counts.sum() > 0:
        raise ParameterError('masking="background" needs sequences with known bases to count; there are none.')
    return np.asarray(counts / counts.sum(), dtype=np.float32)


def masking_rows(masking: Any, length: int) -> Array:
    """Return what stands at each masked position, `(L, 4)` float32.

    Parameters
    ----------
    masking
        `"mean"`, `"zeros"`, or an array `(4,)` or `(L, 4)`.
    length
        In bp.

    Raises
    ------
    ParameterError
        When it is another name, or not finite.
    ShapeError
        When it is an array of another shape.
    """
    if isinstance(masking, str):
        if masking not in NAMED:
            raise ParameterError(
                f'masking={masking!r} is not known; use "mean", "zeros", "background", four numbers (A C G T), or an '
                "array (L, 4)."
            )
        return np.full((length, 4), NAMED[masking], dtype=np.float32)
    try:
        rows = np.asarray(masking, dtype=np.float32)
    except (TypeError, ValueError):
        raise ParameterError(
            f"masking={masking!r} is no array of numbers; use four numbers, or an array (L, 4)."
        ) from None
    if rows.shape not in ((4,), (length, 4)):
        raise ShapeError(
            f"masking has shape {rows.shape}; expected (4,), one row for all positions, or (L, 4) = ({length}, 4)."
        )
    if not np.isfinite(rows).all():
        raise ParameterError("masking holds numbers that are not finite; give finite ones.")
    return np.broadcast_to(rows, (length, 4)).astype(np.float32)
