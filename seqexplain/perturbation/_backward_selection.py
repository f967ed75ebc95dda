"""The procedure behind sufficient input subsets, for many inputs at once and for whatever can be masked.

Written once, for a plain function and for a model's sequences alike: what differs is how the next features to mask are
found (`Maskable`). NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError

Array = NDArray[Any]

NONE = -1  # in place of a feature


class Stopped(IntEnum):
    """Why no further subset was looked for."""

    BELOW = 1  # the input itself does not reach the threshold
    REST = 2  # what is left, with all subsets masked, does not
    LIMIT = 3  # as many subsets were found as were asked for
    MASKED = 4  # the threshold is reached with everything masked: nothing in the input is needed for it


class Maskable(Protocol):
    """`n` inputs of `d` features each."""

    def mask(self, masked: Array) -> Array:
        """Mask these features, `(n, d)` bool, and no others; return the inputs' values, `(n,)`."""
        ...

    def step(self, free: Array) -> tuple[Array, Array]:
        """Mask more, for good.

        Parameters
        ----------
        free
            `(n, d)` bool: what may be masked now. Inputs without a free feature are left alone.

        Returns
        -------
        chosen
            `(n, k)` int: features in the order in which they are masked; `NONE` fills the rows.
        values
            `(n,)`: the inputs' values afterwards.
        """
        ...


@dataclass(frozen=True)
class Selection:
    """One backward selection of each of `n` inputs.

    Attributes
    ----------
    order
        `(n, m)` int: features, first masked first; `NONE` fills the rows.
    values
        `(n, m)` float: value after the feature was masked; NaN where another was masked in the same step after it.
    first
        `(n,)` int: where the smallest sufficient subset begins in `order`; NONE for an input without one.
    before
        `(n,)` float: value before anything was masked.
    """

    order: Array
    values: Array
    first: Array
    before: Array

    def subset(self, row: int) -> Array:
        """Return the features of an input's subset, the last masked and most important first."""
        if self.first[row] == NONE:
            return np.empty(0, dtype=np.int64)
        order = self.order[row]
        found: Array = order[self.first[row] : (order != NONE).sum()][::-1]
        return found

    def drops(self, row: int) -> Array:
        """Return by how much the value fell when each feature of a subset was masked, in the order of `subset`.

        Together they are the subset's value less that of the input with everything masked. What several features
        cost that were masked in one step is shared evenly.
        """
        begin, size = int(self.first[row]), len(self.subset(row))
        values = self.values[row, begin : begin + size]
        last = self.before[row] if begin == 0 else self.values[row, begin - 1]
        known = np.flatnonzero(~np.isnan(values))
        steps = np.diff(np.concatenate([[-1], known]))
        falls = -np.diff(np.concatenate([[last], values[known]]))
        return np.repeat(falls / steps, steps)[::-1]


@dataclass(frozen=True)
class Collection:
    """Disjoint sufficient subsets of `n` inputs.

    Attributes
    ----------
    rounds
        One backward selection for each subset in turn; only some inputs take part in the later ones.
    stopped
        `(n,)` int: a `Stopped` each.
    initial
        `(n,)` float: values of the inputs as they are.
    rest
        `(n,)` float: values with all subsets that were found masked.
    masked
        `(n,)` float: values with every feature masked.
    """

    rounds: tuple[Selection, ...]
    stopped: Array
    initial: Array
    rest: Array
    masked: Array


def first_best(values: Array, free: Array) -> Array:
    """Return for each row the lowest free column whose value is the largest; NONE where no column is free.

    Parameters
    ----------
    values
        `(n, d)`; read where `free`.
    free
        `(n, d)` bool.
    """
    if not free.shape[1]:
        return np.full(len(free), NONE)
    best = np.where(free, values, -np.inf).argmax(axis=1)
    return np.where(free.any(axis=1), best, NONE)


def check_finite(values: Array) -> Array:
    """Return values; raise where one is no number, for such cannot be put in an order."""
    if not np.isfinite(values).all():
        raise ParameterError(
            "The function's value of a masked input is not a finite number, so inputs cannot be compared by it. "
            'Explain a value that is finite (level="logit", say), or mask in another way.'
        )
    return values


def select_backwards(items: Maskable, masked: Array, free: Array, threshold: Array | float | None = None) -> Selection:
    """Mask every free feature, one step after the other, each time what leaves the value highest.

    Parameters
    ----------
    items
        The inputs.
    masked
        `(n, d)` bool: what is masked from the beginning.
    free
        `(n, d)` bool: what is to be masked. Inputs without a free feature take no part.
    threshold
        Value that a subset has to reach, one for all or `(n,)`; None to look for no subset.
    """
    free = free & ~masked
    n, most = free.shape[0], int(free.sum(axis=1).max(initial=0))
    order = np.full((n, most), NONE, dtype=np.int64)
    values = np.full((n, most), np.nan)
    done = np.zeros(n, dtype=np.int64)
    before = np.asarray(items.mask(masked), dtype=np.float64)
    takes_part = free.any(axis=1)
    while free.any():
        chosen, after = items.step(free)
        for column in range(chosen.shape[1]):
            rows = np.flatnonzero(chosen[:, column] != NONE)
            features = chosen[rows, column]
            order[rows, done[rows]] = features
            free[rows, features] = False
            done[rows] += 1
        rows = np.flatnonzero(chosen[:, 0] != NONE)
        values[rows, done[rows] - 1] = after[rows]
    first = np.full(n, NONE, dtype=np.int64)
    if threshold is not None and most:
        reached = values >= np.broadcast_to(threshold, n)[:, None]
        # behind the last step after which the threshold was still reached
        last = most - reached[:, ::-1].argmax(axis=1)
        first[takes_part] = np.where(reached.any(axis=1), last, 0)[takes_part]
    return Selection(order, values, first, before)


def collect(
    items: Maskable,
    masked: Array,
    free: Array,
    threshold: Array | float,
    most: int | None = None,
    finer: Maskable | None = None,
) -> Collection:
    """Find disjoint subsets of each input: one, then one of what is left with the first masked, and so on.

    Parameters
    ----------
    items, masked, free
        As for `select_backwards`.
    threshold
        Value that a subset has to reach, one for all or `(n,)`.
    most
        Subsets of an input to stop at; None for all there are.
    finer
        The same inputs, masked in smaller steps: each subset that is found is selected from once more by these, with
        everything else masked.
    """
    masked, free = masked.copy(), free & ~masked
    threshold = np.broadcast_to(np.asarray(threshold, dtype=np.float64), len(masked))
    everything = np.asarray(items.mask(masked | free), dtype=np.float64)
    initial = np.asarray(items.mask(masked), dtype=np.float64)
    rest, count = initial.copy(), np.zeros(len(masked), dtype=np.int64)
    stopped = np.zeros(len(masked), dtype=np.int64)
    stopped[everything >= threshold] = Stopped.MASKED
    stopped[initial < threshold] = Stopped.BELOW  # said first: such an input has no evidence for anything
    rounds = []
    while (stopped == 0).any():
        stopped[(stopped == 0) & (count == (-1 if most is None else most))] = Stopped.LIMIT
        stopped[(stopped == 0) & ~free.any(axis=1)] = Stopped.REST
        running = stopped == 0
        if not running.any():
            break
        found = select_backwards(items, masked, free & running[:, None], threshold)
        if finer is not None:
            found = _select_again(finer, masked | free, found, threshold)
        for row in np.flatnonzero(running):
            subset = found.subset(int(row))
            if not len(subset):  # everything masked lies so near the threshold that rounding lifts it there
                stopped[row] = Stopped.MASKED
            masked[row, subset] = True
            free[row, subset] = False
        count[running & (stopped == 0)] += 1
        rounds.append(found)
        rest = np.asarray(items.mask(masked), dtype=np.float64)
        stopped[(stopped == 0) & (rest < threshold)] = Stopped.REST
    return Collection(tuple(rounds), stopped, initial, rest, everything)


def _select_again(items: Maskable, everything: Array, found: Selection, threshold: Array) -> Selection:
    """Select backwards from subsets that were found, with everything but them masked."""
    free = np.zeros(everything.shape, dtype=bool)
    for row in range(len(free)):
        free[row, found.subset(row)] = True
    return select_backwards(items, everything & ~free, free, threshold)
