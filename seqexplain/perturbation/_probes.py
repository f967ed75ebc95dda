"""What an operation does along the sequence, found by trying it on numbers.

An operation that is one function of Keras among hundreds, or a layer of the user's own, does not say how it treats
positions. It is tried: on slices, to see whether each position is computed from itself alone; on numbers that are all
different, to see whether positions are only moved. What is found so is checked again on real edits at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqexplain.models.backend import Array, Tensor, to_numpy, to_tensor

Integers = NDArray[np.int64]
Computes = Callable[[Sequence[Tensor]], Tensor]

MOST_NUMBERS = 1 << 24  # that float32 tells apart, counting from 1
CLOSE = 1e-5  # of the largest value


@dataclass(frozen=True, eq=False)
class Moves:
    """An operation that moves positions.

    Attributes
    ----------
    axis
        Of the positions in the result, counted with the batch axis.
    source
        `(length of the result,)`: which position stands there; −1 for zeros.
    order
        Which of a position's numbers stands where, of the other axes in one; None where they stay.
    rest
        The result's other axes.
    """

    axis: int
    source: Integers
    order: Integers | None
    rest: tuple[int, ...]


def _tried(computes: Computes, arrays: Sequence[Array]) -> Array | None:
    """Return what an operation gives for a batch of one; None where it cannot be computed on such shapes."""
    try:
        return to_numpy(computes([to_tensor(a) for a in arrays]))
    except Exception:  # whatever a backend or a layer raises about shapes that it was not built for
        return None


def _close(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0) <= CLOSE * max(1e-30, np.abs(b).max(initial=0)))


def axis_by_position(computes: Computes, arrays: Sequence[Array], axes: Sequence[int | None]) -> int | None:
    """Return the axis of the positions in the result of an operation that treats each position by itself.

    Parameters
    ----------
    computes
        The operation.
    arrays
        Its inputs, random, with a batch of one.
    axes
        Of the positions in each input; None where it has none.

    Returns
    -------
    int or None
        None when a position depends on others or on where it stands.
    """
    whole = _tried(computes, arrays)
    length = next(a.shape[axis] for a, axis in zip(arrays, axes, strict=True) if axis is not None)
    if whole is None or length < 2 or not np.isfinite(whole).all():
        return None
    size = max(1, length // 3)
    found: set[int] = set()
    for low in (0, (length - size) // 2, length - size):
        cut = [
            a if axis is None else np.take(a, range(low, low + size), axis)
            for a, axis in zip(arrays, axes, strict=True)
        ]
        part = _tried(computes, cut)
        if part is None or part.ndim != whole.ndim:
            return None
        fits = {
            axis
            for axis in range(1, whole.ndim)
            if whole.shape[axis] == length
            and part.shape[axis] == size
            and _close(part, np.take(whole, range(low, low + size), axis))
        }
        found = fits if low == 0 else found & fits
    return min(found) if found else None


def moves_of(computes: Computes, shape: Sequence[int], axis: int) -> Moves | None:
    """Return how an operation moves the positions of its only input, where that is all that it does.

    Parameters
    ----------
    computes
        The operation.
    shape
        Of the input, with a batch of one.
    axis
        Of the positions.
    """
    count = int(np.prod(shape))
    if count >= MOST_NUMBERS:
        return None
    length, width = shape[axis], count // shape[axis]
    first = [shape[0], *(n for i, n in enumerate(shape) if i not in (0, axis))]
    numbered = np.arange(1, count + 1, dtype=np.float32).reshape(length, *first)
    result = _tried(computes, [np.moveaxis(numbered, 0, axis)])
    if result is None or not np.array_equal(result, np.round(result)) or result.min(initial=0) < 0:
        return None
    fits = []
    for out_axis in range(1, result.ndim):
        rows = np.moveaxis(result, out_axis, 0).reshape(result.shape[out_axis], -1).astype(np.int64)
        if rows.shape[1] != width or rows.max(initial=0) > count:
            continue
        empty = (rows == 0).all(axis=1)
        place, number = np.divmod(rows[~empty] - 1, width)
        if not len(place) or (place != place[:, :1]).any() or (number != number[:1]).any():
            continue
        source = np.full(len(rows), -1)
        source[~empty] = place[:, 0]
        order = None if np.array_equal(number[0], np.arange(width)) else number[0]
        rest = tuple(n for i, n in enumerate(result.shape) if i not in (0, out_axis))
        fits.append(Moves(out_axis, source, order, rest))
    # the mean of numbered positions is the number of the middle one: only other numbers tell the two apart
    random = np.random.default_rng(0).normal(size=np.moveaxis(numbered, 0, axis).shape).astype(np.float32)
    again = _tried(computes, [random])
    fits = [moves for moves in fits if again is not None and _only_moves(moves, np.moveaxis(random, axis, 0), again)]
    return max(fits, key=lambda m: len(m.source)) if fits else None


def _only_moves(moves: Moves, given: Array, result: Array) -> bool:
    """Whether a result holds the positions `(length, …)` that were given where an operation is said to move them."""
    flat = given.reshape(len(given), -1)
    flat = flat if moves.order is None else flat[:, moves.order]
    expected = np.where(moves.source[:, None] >= 0, flat[moves.source], 0)
    return _close(np.moveaxis(result, moves.axis, 0).reshape(expected.shape), expected)


def total_factor(computes: Computes, array: Array, axis: int) -> float | None:
    """Return c where an operation gives c times the sum over the positions, its other axes in order; else None."""
    result = _tried(computes, [array])
    if result is None:
        return None
    summed = array.sum(axis=axis, dtype=np.float64).astype(np.float32).ravel()
    for factor in (1.0, 1.0 / array.shape[axis]):
        if result.size == summed.size and _close(result.ravel(), np.float32(factor) * summed):
            return factor
    return None
