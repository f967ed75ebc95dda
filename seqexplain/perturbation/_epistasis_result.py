"""What pairs of substitutions do together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array
from seqexplain.perturbation._substitutions import is_base
from seqexplain.results import Attributions, target_position
from seqexplain.sequences.encoding import BASES

if TYPE_CHECKING:
    from pandas import DataFrame

SUMMARIES = ("max", "mean")


@dataclass(frozen=True, eq=False)
class Epistasis:
    """Interactions of all pairs of substitutions in a stretch of `R` bp of `n` sequences.

    With a list of targets the arrays marked † have one more axis, the targets, after the first.

    Attributes
    ----------
    interactions †
        `(n, R, 4, R, 4)` float32: entry (i, a, j, b) is the effect of both substitutions, less the sum of the
        effects of each alone; 0 where they add up, for observed bases and for i = j. Symmetric.
    singles †
        `(n, R, 4)` float32: the effect of each substitution alone, f(x(i→a)) − f(x).
    X
        `(n, R, 4)` float32: the stretch of the sequences.
    predictions †
        `(n,)` float32: the target's value f(x).
    start, end
        The stretch, 0-based and half-open.
    names, targets, parameters
        As in `Attributions`.
    """

    interactions: Array
    singles: Array
    X: Array
    predictions: Array
    start: int
    end: int
    names: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.X.shape[0])

    @property
    def several_targets(self) -> bool:
        """Whether the arrays carry an axis of targets."""
        return self.predictions.ndim == 2

    @classmethod
    def of(cls, result: Attributions) -> Epistasis:
        """Return the interactions in a store that `seqexplain ism --pairs` made, as `load` reads it.

        Parameters
        ----------
        result
            With `edit_effects` `(n, R, 4, R, 4)` †.

        Raises
        ------
        ParameterError
            When the result is one of another method.
        """
        if result.method != "epistasis" or result.edit_effects is None or result.effects is None:
            raise ParameterError(
                f"The result is one of {result.method or 'no'} method; expected pairs of substitutions, as seqexplain "
                "ism --pairs stores them."
            )
        start = int(result.parameters["start"])
        end = start + result.edit_effects.shape[-2]
        return cls(
            interactions=result.edit_effects,
            singles=result.effects[..., start:end, :],
            X=result.X[:, start:end],
            predictions=result.predictions,
            start=start,
            end=end,
            names=result.names,
            targets=result.targets,
            parameters=result.parameters,
        )

    def for_target(self, target: int | str) -> Epistasis:
        """Return the interactions of `target`, one of several, by position or label.

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
            interactions=self.interactions[:, position],
            singles=self.singles[:, position],
            predictions=self.predictions[:, position],
            targets=(self.targets[position],),
        )

    def doubles(self) -> Array:
        """Return `(n, R, 4, R, 4)` † float32: the effects of both substitutions, f(x(i→a, j→b)) − f(x).

        For i = j they are not defined, and NaN.
        """
        found = self.interactions + self.singles[..., :, :, None, None] + self.singles[..., None, None, :, :]
        place = np.arange(self.end - self.start)
        # the axes that are indexed come first
        found[..., place, :, place, :] = np.nan
        return np.asarray(found, dtype=np.float32)

    def strength(self, summary: str = "max") -> Array:
        """Return `(n, R, R)` † float32: how much two positions depend on each other.

        Parameters
        ----------
        summary
            `"max"`: the largest size of an interaction between them; `"mean"`: the mean size over all pairs of
            substitutions.

        Raises
        ------
        ParameterError
            For another summary.
        """
        if summary not in SUMMARIES:
            raise ParameterError(f'summary={summary!r} is not known; use "max" or "mean".')
        size = np.abs(self.interactions)
        if summary == "max":
            return np.asarray(size.max(axis=(-3, -1)))
        changes = np.where(is_base(self.X), 3, 4)  # substitutions at a position
        pairs = changes[:, :, None] * changes[:, None, :]
        return np.asarray(size.sum(axis=(-3, -1)) / (pairs[:, None] if self.several_targets else pairs), np.float32)

    def to_table(self, largest: int = 100) -> DataFrame:
        """Return the largest interactions of each sequence and target, largest first.

        Parameters
        ----------
        largest
            Pairs of substitutions of each sequence and target.

        Returns
        -------
        pandas.DataFrame
            `sequence`, `target`, `position_a`, `from_a`, `to_a`, `position_b`, `from_b`, `to_b`, `effect_a`,
            `effect_b`, `effect_both`, `interaction`; positions in the sequence, 0-based, the first left of the second.
        """
        import pandas as pd

        rows: list[tuple[Any, ...]] = []
        span = self.end - self.start
        upper = np.triu_indices(span, 1)
        for target in range(len(self.targets)):
            one = self.for_target(target)
            for row, name in enumerate(self.names):
                values = one.interactions[row].transpose(0, 2, 1, 3)[upper]  # (pairs, 4, 4)
                order = np.argsort(-np.abs(values), axis=None, kind="stable")[:largest]
                for pair, a, b in zip(*np.unravel_index(order, values.shape), strict=True):
                    if values[pair, a, b] == 0:
                        break
                    i, j = int(upper[0][pair]), int(upper[1][pair])
                    alone = float(one.singles[row, i, a]), float(one.singles[row, j, b])
                    rows.append(
                        (
                            name, self.targets[target], self.start + i, _letter(self.X[row, i]), BASES[a],
                            self.start + j, _letter(self.X[row, j]), BASES[b], *alone,
                            float(values[pair, a, b]) + sum(alone), float(values[pair, a, b]),
                        )
                    )  # fmt: skip
        columns = ["sequence", "target", "position_a", "from_a", "to_a", "position_b", "from_b", "to_b", "effect_a",
                   "effect_b", "effect_both", "interaction"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)


def _letter(row: Array) -> str:
    return BASES[int(row.argmax())] if is_base(row) else "N"
