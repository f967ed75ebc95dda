"""What experiments on backgrounds have in common: blocks of sequences, and one target out of several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ShapeError

Array = NDArray[Any]


def blocks(n: int, size: int) -> Iterator[slice]:
    """Yield slices of at most `size` sequences: what is kept of them at a time fits memory."""
    for low in range(0, n, size):
        yield slice(low, min(low + size, n))


def refuse_nothing(X: Array, parameter: str) -> None:
    """Raise ShapeError where there is no sequence."""
    if len(X) == 0:
        raise ShapeError(f"{parameter} has shape {X.shape}: no sequence; expected one at least.")


def one_target(values: Array, target: int, *, several: bool) -> Array:
    """Return the values of one target: `values[:, target]` where there is an axis of targets."""
    return np.asarray(values[:, target] if several else values)
