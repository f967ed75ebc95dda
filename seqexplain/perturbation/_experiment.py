"""What experiments on backgrounds have in common: blocks of sequences, and one target out of several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ShapeError

Array = NDArray[Any]


FEW_EDITS = 8  # of a sequence: fewer cost less as whole sequences than what has to be kept and compiled for them


def evaluation_of(asked: str, edits: float) -> str:
    """Return how to evaluate so many edits a sequence: `"full"` for few, where the choice is ours."""
    return "full" if asked == "auto" and edits < FEW_EDITS else asked


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
