"""Values of intervals on a genome, of which several may cover a base: one value a base."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

OverlapRule = Literal["mean", "largest", "centre", "first"]


class OverlapMerger:
    """Takes intervals of a chromosome by ascending start, and gives stretches with one value a base.

    No more is kept than what the next interval may still cover.

    Parameters
    ----------
    rule
        Of several values of a base: `"mean"`, their mean; `"largest"`, the one farthest from 0; `"centre"`, that of the
        interval whose centre is nearest; `"first"`, that of the interval with the lowest number. Among equals the
        interval that was added first counts.
    """

    def __init__(self, rule: OverlapRule) -> None:
        self._rule = rule
        self._origin = 0
        self._clear()

    def _clear(self) -> None:
        self._values = np.empty(0)
        self._keys = np.empty(0)  # of the value that is kept, the lower the better; of means minus how many

    def add(self, start: int, values: Array, centre: float, number: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Add an interval, and yield stretches `(start, values)` that no later one can change.

        Parameters
        ----------
        start
            First base; not below that of the interval before.
        values
            `(m,)`, along the + strand.
        centre
            Middle of the whole interval, in bp.
        number
            For the rule `"first"`.
        """
        yield from self.finished(start)
        have, need = len(self._values), start + len(values) - self._origin
        if need > have:
            self._values = np.concatenate([self._values, np.zeros(need - have)])
            # a mean counts from 0; for other rules anything is better than nothing
            nothing = 0.0 if self._rule == "mean" else np.inf
            self._keys = np.concatenate([self._keys, np.full(need - have, nothing)])
        at = slice(start - self._origin, start - self._origin + len(values))
        if self._rule == "mean":
            self._values[at] += values
            self._keys[at] -= 1
            return
        if self._rule == "largest":
            keys = -np.abs(values.astype(np.float64))
        elif self._rule == "centre":
            keys = np.abs(start + np.arange(len(values)) + 0.5 - centre)
        else:
            keys = np.full(len(values), float(number))
        better = keys < self._keys[at]
        self._values[at][better] = values[better]
        self._keys[at][better] = keys[better]

    def finished(self, before: int | None = None) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield what lies before a base, or all that is left, and forget it."""
        size = len(self._values) if before is None else min(max(before - self._origin, 0), len(self._values))
        values, keys = self._values[:size], self._keys[:size]
        covered = keys < 0 if self._rule == "mean" else np.isfinite(keys)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], covered, [False]]).astype(np.int8)))
        for begin, end in edges.reshape(-1, 2).tolist():
            part = values[begin:end]
            if self._rule == "mean":
                part = part / -keys[begin:end]
            yield self._origin + begin, part.astype(np.float32)
        self._origin += size
        self._values, self._keys = self._values[size:], self._keys[size:]
        if not len(self._values):
            self._clear()
            if before is not None:
                self._origin = before
