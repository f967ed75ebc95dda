"""What deletions and insertions change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from seqexplain.models.backend import Array
from seqexplain.results import target_position


@dataclass(frozen=True, eq=False)
class IndelEffects:
    """Effects of edits that move bases; what `DeletionEffects` and `InsertionEffects` have in common.

    With a list of targets the arrays marked † have one more axis, the targets, after the first.

    Attributes
    ----------
    effects †
        `(n, p)` float32 of deletions, `(n, p, k)` of `k` insertions: f of the edited sequence, less f(x).
    positions
        `(p,)` int64: of a deletion the first base that is lost; of an insertion the base that it is put before.
    size
        Bases that are lost or put in.
    X
        `(n, L, 4)` float32.
    predictions †
        `(n,)` float32: the target's value f(x).
    names, targets, parameters
        As in `Attributions`.
    """

    effects: Array
    positions: Array
    size: int
    X: Array
    predictions: Array
    names: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.X.shape[0])

    @property
    def several_targets(self) -> bool:
        """Whether the arrays carry an axis of targets."""
        return self.predictions.ndim == 2

    def for_target(self, target: int | str) -> Self:
        """Return the effects on one of several targets, by position or label.

        Raises
        ------
        TargetError
            When there is no such target.
        """
        position = target_position(target, self.targets)
        if not self.several_targets:
            return self
        return replace(
            self,
            effects=self.effects[:, position],
            predictions=self.predictions[:, position],
            targets=(self.targets[position],),
        )


@dataclass(frozen=True, eq=False)
class DeletionEffects(IndelEffects):
    """Effects of losing `size` bases, `(n, p)` †; see `IndelEffects` for the fields."""

    def per_base(self) -> Array:
        """Return `(n, L)` † float32: minus the mean effect of the deletions that a base is lost in; 0 where in none.

        Positive where losing the base lowers f, as contributions are.
        """
        return per_base_of_deletions(self.effects, self.positions, self.size, self.X.shape[1])


@dataclass(frozen=True, eq=False)
class InsertionEffects(IndelEffects):
    """Effects of `k` insertions before each base, `(n, p, k)` †; see `IndelEffects` for the fields.

    Attributes
    ----------
    inserted
        `(n, k, size, 4)` float32: what was put in.
    """

    inserted: Array = field(default_factory=lambda: np.zeros((0, 0, 0, 4), dtype=np.float32))

    def per_base(self) -> Array:
        """Return `(n, L)` † float32: minus the mean effect of what was put in before the base; 0 where nothing was.

        Positive where parting the base from the one before it lowers f, as contributions are.
        """
        return per_base_of_insertions(self.effects, self.positions, self.X.shape[1])


def per_base_of_deletions(effects: Array, positions: Array, size: int, length: int) -> Array:
    """Return `(…, length)`: minus the mean effect, `(…, p)`, of the deletions that a base is lost in."""
    total = np.zeros((*effects.shape[:-1], length), dtype=np.float64)
    times = np.zeros(length, dtype=np.int64)
    for offset in range(size):
        total[..., positions + offset] -= effects
        times[positions + offset] += 1
    return np.asarray(total / np.maximum(times, 1), dtype=np.float32)


def per_base_of_insertions(effects: Array, positions: Array, length: int) -> Array:
    """Return `(…, length)`: minus the mean effect, `(…, p, k)`, of the insertions before a base."""
    found = np.zeros((*effects.shape[:-2], length), dtype=np.float32)
    found[..., positions] = -effects.mean(axis=-1)
    return found
