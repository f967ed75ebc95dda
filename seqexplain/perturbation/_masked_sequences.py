"""Sequences whose positions are masked, as backward selection sees them: one model evaluation a candidate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqexplain.models.backend import Array
from seqexplain.perturbation._backward_selection import check_finite, first_best
from seqexplain.perturbation._incremental import CHECKED
from seqexplain.perturbation._remembered_effects import RememberedEffects, divide
from seqexplain.perturbation._scorer import BoundSequences, Scorer


class MaskedSequences:
    """A `Maskable`: a feature is a position, whose four numbers are masked together.

    Parameters
    ----------
    scorer
        Of the model and the targets.
    X
        `(n, L, 4)` one-hot.
    start, names
        As for `Scorer.bind`.
    blank
        `(L, 4)`: what stands at masked positions.
    column
        Which of the scorer's targets is explained.
    sign
        1, or −1 to explain −f.
    """

    def __init__(
        self,
        scorer: Scorer,
        X: Array,
        *,
        start: int,
        names: Sequence[str],
        blank: Array,
        column: int,
        sign: float,
    ) -> None:
        self._scorer, self._given = scorer, X
        self._start, self._names = start, names
        # a row of zeros is an unknown base, so the model sees it as it sees those
        self._blank = scorer.model.fill_unknown(blank[None])[0]
        self._column, self._sign = column, sign
        self._x = X
        self._bound: BoundSequences | None = None
        self._memory: RememberedEffects | None = None
        self._steps = 0

    def mask(self, masked: Array) -> Array:
        """See `Maskable`."""
        self._x = self.masked(self._given, masked)
        self._bound = self._memory = None
        return self._signed(self._current().base)

    def masked(self, X: Array, masked: Array) -> Array:
        """Return sequences with positions masked, `(m, L, 4)`."""
        found: Array = np.where(masked[:, :, None], self._blank, X)
        return found

    def step(self, free: Array) -> tuple[Array, Array]:
        """Mask in each sequence the position without which the value stays highest; see `Maskable`."""
        rows, positions = np.nonzero(free)
        base, found = self._effects(rows, positions)
        # effects, not values: small ones keep their digits, and what does not reach the model has exactly none
        effects = np.full(free.shape, -np.inf)
        effects[rows, positions] = self._signed(found)
        best = first_best(effects, free)
        changed = np.unique(rows)
        self._hide(changed, best[changed])
        return best[:, None], self._signed(base) + effects[np.arange(len(best)), best]

    def _effects(self, rows: Array, positions: Array) -> tuple[Array, Array]:
        """Return the sequences' values `(n, t)`, and what masking one more position changes, `(m, t)`."""
        if self._memory is None:
            bound = self._current()
            evaluator = self._scorer.evaluator(1)
            division = None if evaluator is None else divide(evaluator.plan, len(bound))
            if evaluator is None or division is None:
                return bound.base, bound.effects(rows, positions, self._blank[positions][:, None, None, :])[:, 0]
            self._memory = RememberedEffects(
                evaluator, division, self._scorer.weights, bound.X, bound.extra, self._blank
            )
        base, found = self._memory.look(rows, positions)
        self._steps += 1
        if not self._steps & (self._steps - 1):  # the 1st, 2nd, 4th, 8th … step: now and then, and soon
            self._check(rows, positions, found)
        return base, found

    def _check(self, rows: Array, positions: Array, found: Array) -> None:
        """Compare a few effects with whole sequences."""
        evaluator = self._scorer.evaluator(1)
        if evaluator is None:
            return
        bound = self._current()
        some = np.unique(np.linspace(0, len(rows) - 1, CHECKED).astype(int))
        x = bound.X[rows[some]]
        x[np.arange(len(some)), positions[some]] = self._blank[positions[some]]
        wanted = bound.whole(x, rows[some]) - bound.base[rows[some]]
        evaluator.compare(found[some, None], wanted[:, None], bound.base[rows[some]], lambda: "")

    def only(self, rows: Array, visible: Array) -> Array:
        """Return f, by the full model, of sequences with everything but some positions masked.

        Parameters
        ----------
        rows
            `(m,)` int: which sequences.
        visible
            `(m, L)` bool: what is left of each.
        """
        bound = (
            self._bound
            if self._bound is not None
            else self._scorer.bind(self._given, start=self._start, names=self._names)
        )
        filled = self._scorer.model.fill_unknown(self._given)[rows]
        return bound.whole(self.masked(filled, ~visible), rows)[:, self._column]

    def _hide(self, rows: Array, positions: Array) -> None:
        self._x[rows, positions] = self._blank[positions]
        if self._memory is not None:
            self._memory.hide(rows, positions)
        self._bound = None

    def _current(self) -> BoundSequences:
        # bound anew only when it is asked of: after the last step nobody does
        if self._bound is None:
            self._bound = self._scorer.bind(self._x, start=self._start, names=self._names)
        return self._bound

    def _signed(self, values: Array) -> Array:
        return check_finite(self._sign * values[:, self._column].astype(np.float64))
