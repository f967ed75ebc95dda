"""Sufficient input subsets of any function of arrays (Carter et al. 2019); no model is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.perturbation._backward_selection import NONE, check_finite, collect, first_best, select_backwards

Array = NDArray[Any]
BatchFunction = Callable[[Array], Any]


@dataclass(frozen=True)
class BackSelection:
    """What `back_select` returns.

    Attributes
    ----------
    order
        `(m, axes of the mask)` int: the index of each feature in the mask, first masked first.
    values
        `(m,)` float64: the function's value after that feature was masked.
    """

    order: Array
    values: Array


@dataclass(frozen=True)
class SufficientSubset:
    """One sufficient subset of an input.

    Attributes
    ----------
    positions
        `(k, axes of the mask)` int: its features, the last masked and most important first.
    mask
        Bool, of the mask's shape: True for its features. `np.where(mask, x, masked)` is the input with nothing else.
    value
        The function's value of that input.
    order, values
        The backward selection it was found by, as in `BackSelection`.
    """

    positions: Array
    mask: Array
    value: float
    order: Array
    values: Array

    def __len__(self) -> int:
        return len(self.positions)


def back_select(
    f: BatchFunction,
    x: ArrayLike,
    masked: ArrayLike,
    *,
    mask_shape: tuple[int, ...] | None = None,
    visible: ArrayLike | None = None,
    batch_size: int | None = None,
) -> BackSelection:
    """Mask the features of an input one after the other, each time the one without which the value stays highest.

    Of features that leave exactly the same value, the one with the lowest index (in C order) is masked first.

    Parameters
    ----------
    f
        From a batch of inputs, `(b, *shape of x)`, to `b` values.
    x
        The input, of any shape.
    masked
        What stands in the place of masked features: of any shape that is broadcast to that of `x`.
    mask_shape
        Shape of the mask, which is broadcast over `x`: a feature is one place of the mask, and `(L, 1)` makes whole
        rows of an `(L, 4)` array features. By default that of `x`: each number is a feature.
    visible
        Bool, the same shape as the mask: False for features that are masked from the beginning.
    batch_size
        Inputs that `f` is given at a time; by default all at once.

    Returns
    -------
    BackSelection
        Features in the order of masking, with the values that were left.

    Raises
    ------
    ShapeError
        When shapes do not go together, or `f` does not return one number for each input.
    ParameterError
        When a value is not a finite number, or a parameter makes no sense.

    References
    ----------
    Carter, Mueller, Jain and Gifford (2019) What made you do this? Understanding black-box decisions with sufficient
    input subsets. AISTATS. (Procedure BackSelect.)

    Examples
    --------
    >>> length = lambda batch: np.linalg.norm(batch, axis=-1)
    >>> found = back_select(length, [0.1, 10, 5, 1], 0)
    >>> found.order.ravel().tolist(), [round(float(v), 3) for v in found.values]
    ([0, 3, 2, 1], [11.225, 11.18, 10.0, 0.0])
    """
    items = _Input(f, x, masked, mask_shape, batch_size)
    hidden = items.hidden(visible)
    found = select_backwards(items, hidden, ~hidden)
    return BackSelection(items.places(found.order[0]), found.values[0])


def find_sis(
    f: BatchFunction,
    threshold: float,
    x: ArrayLike,
    masked: ArrayLike,
    *,
    mask_shape: tuple[int, ...] | None = None,
    visible: ArrayLike | None = None,
    batch_size: int | None = None,
) -> SufficientSubset | None:
    """Find one subset of features that suffices for a function to reach a threshold.

    Backward selection (`back_select`), then the shortest end of it that still reaches the threshold: the features that
    were masked after the value fell below the threshold for good.

    Parameters
    ----------
    f, x, masked, mask_shape, visible, batch_size
        As for `back_select`.
    threshold
        The value to be reached.

    Returns
    -------
    SufficientSubset or None
        None where the input does not reach the threshold, or reaches it also with everything masked.

    Raises
    ------
    ShapeError, ParameterError
        As `back_select` does.
    """
    found = sis_collection(
        f, threshold, x, masked, mask_shape=mask_shape, visible=visible, max_subsets=1, batch_size=batch_size
    )
    return found[0] if found else None


def sis_collection(
    f: BatchFunction,
    threshold: float,
    x: ArrayLike,
    masked: ArrayLike,
    *,
    mask_shape: tuple[int, ...] | None = None,
    visible: ArrayLike | None = None,
    max_subsets: int | None = None,
    batch_size: int | None = None,
) -> tuple[SufficientSubset, ...]:
    """Find disjoint subsets of features, each of which suffices for a function to reach a threshold.

    The first is that of `find_sis`; it is masked, and the next is looked for in what is left, as long as what is left
    reaches the threshold.

    Parameters
    ----------
    f, threshold, x, masked, mask_shape, visible, batch_size
        As for `find_sis`.
    max_subsets
        As many at most; None for all.

    Returns
    -------
    tuple of SufficientSubset
        In the order found. Empty where the input does not reach the threshold, or reaches it also with everything
        masked: then nothing of the input is needed.

    Raises
    ------
    ShapeError, ParameterError
        As `back_select` does.

    Examples
    --------
    >>> length = lambda batch: np.linalg.norm(batch, axis=-1)
    >>> [subset.positions.ravel().tolist() for subset in sis_collection(length, 1.0, [0.1, 10, 5], 0)]
    [[1], [2]]
    """
    if not np.isfinite(threshold):
        raise ParameterError(f"threshold={threshold!r} must be a finite number.")
    if max_subsets is not None and max_subsets < 1:
        raise ParameterError(f"max_subsets={max_subsets!r} must be a whole number from 1, or None for all subsets.")
    items = _Input(f, x, masked, mask_shape, batch_size)
    hidden = items.hidden(visible)
    subsets = []
    for found in collect(items, hidden, ~hidden, threshold, max_subsets).rounds:
        positions = found.subset(0)
        if not len(positions):
            continue
        only = np.ones((1, items.size), dtype=bool)
        only[0, positions] = False
        order = found.order[0][found.order[0] != NONE]
        subsets.append(
            SufficientSubset(
                positions=items.places(positions),
                mask=~only.reshape(items.mask_shape),
                value=float(items.mask(only)[0]),
                order=items.places(order),
                values=found.values[0, : len(order)],
            )
        )
    return tuple(subsets)


class _Input:
    """One array whose features are the places of a mask: a `Maskable` of a single input."""

    def __init__(
        self,
        f: BatchFunction,
        x: ArrayLike,
        masked: ArrayLike,
        mask_shape: tuple[int, ...] | None,
        batch_size: int | None,
    ) -> None:
        self._f, self._x = f, np.asarray(x)
        self.mask_shape = self._x.shape if mask_shape is None else tuple(mask_shape)
        self.size = int(np.prod(self.mask_shape))
        if batch_size is not None and batch_size < 1:
            raise ParameterError(f"batch_size={batch_size!r} must be a whole number from 1, or None for one batch.")
        self._at_once = batch_size or max(1, self.size)
        fits = len(self.mask_shape) == self._x.ndim and all(
            own in (1, whole) for own, whole in zip(self.mask_shape, self._x.shape, strict=True)
        )
        if not fits:
            raise ShapeError(
                f"A mask of shape {self.mask_shape} cannot be spread over an input of shape {self._x.shape}; give as "
                "many axes, each of the input's length or of 1."
            )
        try:
            self._blank = np.broadcast_to(np.asarray(masked), self._x.shape)
        except ValueError:
            raise ShapeError(
                f"What stands for masked features has shape {np.shape(masked)}; the input has {self._x.shape}."
            ) from None
        self._masked = np.zeros(self.size, dtype=bool)

    def hidden(self, visible: ArrayLike | None) -> Array:
        """Return `(1, d)` bool: features that are masked from the beginning."""
        if visible is None:
            return np.zeros((1, self.size), dtype=bool)
        seen = np.asarray(visible, dtype=bool)
        if seen.shape != self.mask_shape:
            raise ShapeError(f"visible has shape {seen.shape}; the mask has {self.mask_shape}.")
        return ~seen.reshape(1, self.size)

    def places(self, features: Array) -> Array:
        """Return the index of features in the mask, `(m, axes)`."""
        return np.stack(np.unravel_index(features, self.mask_shape), axis=-1)

    def mask(self, masked: Array) -> Array:
        """See `Maskable`."""
        self._masked = masked[0].copy()
        return self._values(masked)

    def step(self, free: Array) -> tuple[Array, Array]:
        """See `Maskable`."""
        candidates = np.flatnonzero(free[0])
        masks = np.repeat(self._masked[None], len(candidates), axis=0)
        masks[np.arange(len(candidates)), candidates] = True
        values = np.full(free.shape, -np.inf)
        values[0, candidates] = self._values(masks)
        best = first_best(values, free)
        self._masked[best] = True
        return best[:, None], values[0, best]

    def _values(self, masked: Array) -> Array:
        pieces = []
        for low in range(0, len(masked), self._at_once):
            part = masked[low : low + self._at_once].reshape(-1, *self.mask_shape)
            values = np.asarray(self._f(np.where(part, self._blank, self._x)), dtype=np.float64)
            if values.shape != (len(part),):
                raise ShapeError(
                    f"The function gave values of shape {values.shape} for a batch of {len(part)} inputs; expected "
                    f"({len(part)},)."
                )
            pieces.append(values)
        return check_finite(np.concatenate(pieces))
