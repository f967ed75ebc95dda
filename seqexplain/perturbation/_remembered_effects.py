"""Effects of masking one more position, step after step: what the last masked position cannot have changed is kept.

In layers that look at windows, the change that masking a position makes depends on the sequence near that position
alone. When another position is masked for good, it is the same as before wherever the two cannot be seen together, so
it is computed anew for the neighbours only. What follows (activations of dense layers behind a pooling, say) is
computed for every candidate: it sees the whole sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqexplain.models._prediction import pad_rows, values_of
from seqexplain.models.backend import Array, Tensor, ops, to_numpy, to_tensor
from seqexplain.models.graph import WeightList
from seqexplain.models.operations import AveragePool, Linear
from seqexplain.perturbation._edit_plan import EditPlan, Step
from seqexplain.perturbation._frames import Edits
from seqexplain.perturbation._incremental import IncrementalEvaluator
from seqexplain.perturbation._local_steps import LocalStep
from seqexplain.perturbation._local_windows import Largest

MEMORY_BYTES = 512 << 20  # of what is kept of all candidates
BATCH_NEAR, BATCH_BEHIND = 256, 1024  # candidates; one compiled shape serves every step


@dataclass(frozen=True)
class Division:
    """A plan's steps, divided.

    Attributes
    ----------
    near
        Those whose changes depend on what is near the edit: on windows, and all that is linear in their changes.
    behind
        The others.
    carried
        Values that go from the first to the second, or are heads.
    """

    near: tuple[Step, ...]
    behind: tuple[Step, ...]
    carried: tuple[int, ...]


def divide(plan: EditPlan, n_sequences: int) -> Division | None:
    """Divide a plan; None where nothing is gained, or what is carried of all candidates is too much for memory."""
    changed = {v for step in plan.steps for v in step.operation.outputs} | {plan.model.graph.inputs[0]}
    known, near, behind = {plan.model.graph.inputs[0]}, [], []
    for step in plan.steps:
        linear = isinstance(step.operation, (Linear, AveragePool))
        if isinstance(step, LocalStep):
            if isinstance(step, Largest) or (step.frame is not None and step.frame.whole and not linear):
                return None  # a maximum over all positions: any of them can have changed it
        elif not linear or not changed.intersection(step.operation.inputs) <= known:
            behind.append(step)
            continue
        near.append(step)
        known.update(step.operation.outputs)
    wanted = {v for step in behind for v in step.operation.inputs} | {*plan.values}
    carried = tuple(v for step in near for v in step.operation.outputs if v in wanted)
    numbers = sum(plan.frames[v].elements if v in plan.frames else int(np.prod(plan.shapes[v])) for v in carried)
    fits = 4 * numbers * n_sequences * plan.length <= MEMORY_BYTES
    return Division(tuple(near), tuple(behind), carried) if fits else None


class RememberedEffects:
    """Effects of masking each position of some sequences, which are masked further and further.

    Parameters
    ----------
    evaluator
        Of edits of one base.
    division
        Of its plan.
    weights
        Of the model.
    x, extra
        The sequences `(n, L, 4)`, as the model sees them, and their other inputs.
    blank
        `(L, 4)`: what stands at masked positions, as the model sees it.

    Attributes
    ----------
    known
        `(n, L)` bool: the candidates of which what is near need not be computed anew.
    """

    def __init__(
        self,
        evaluator: IncrementalEvaluator,
        division: Division,
        weights: WeightList,
        x: Array,
        extra: Mapping[str, Array],
        blank: Array,
    ) -> None:
        self._evaluator, self._plan, self._weights = evaluator, evaluator.plan, weights
        self._x, self._extra, self._blank = x.copy(), extra, blank
        self._division = division
        self._rows = [key for key in evaluator.keys if isinstance(key, tuple) and key[0] == "rows"]
        self._kept: list[Array] = []
        self.known = np.zeros(x.shape[:2], dtype=bool)
        frames = self._plan.frames.values()
        starts = np.stack([frame.starts for frame in frames])
        widths = np.array([frame.width for frame in frames])
        # (L, L): whether masking one position can change what masking the other does
        self._near = np.zeros((x.shape[1], x.shape[1]), dtype=bool)
        for own, width in zip(starts, widths, strict=True):
            self._near |= np.abs(own[:, None] - own) < width

    @property
    def x(self) -> Array:
        """`(n, L, 4)`: the sequences as they are masked now."""
        return self._x

    def hide(self, rows: Array, positions: Array) -> None:
        """Mask a position of each of some sequences for good."""
        self._x[rows, positions] = self._blank[positions]
        self.known[rows] &= ~self._near[positions]

    def look(self, rows: Array, positions: Array) -> tuple[Array, Array]:
        """Return the values of the sequences, `(n, t)`, and what masking one more position changes, `(m, t)`.

        Parameters
        ----------
        rows, positions
            `(m,)` int: the candidates.
        """
        base = self._evaluator.base(self._weights, self._x, self._extra)
        anew = np.flatnonzero(~self.known[rows, positions])
        self._compute(base, rows[anew], positions[anew])
        found = np.zeros((len(rows), self._evaluator.n_targets), dtype=np.float32)
        run = self._compiled("behind", self._behind_steps)
        known = [base[key] for key in self._rows]
        for low in range(0, len(rows), BATCH_BEHIND):
            part = slice(low, low + BATCH_BEHIND)
            given = [to_tensor(pad_rows(a, BATCH_BEHIND)) for a in (rows[part], positions[part])]
            kept = [to_tensor(pad_rows(k[rows[part], positions[part]], BATCH_BEHIND)) for k in self._kept]
            effects = run(self._weights, known, *given, kept, self._evaluator.target_weights)
            found[part] = to_numpy(effects)[: len(rows[part])]
        heads = {v: to_numpy(base["rows", v]) for v in self._plan.values}
        return values_of(self._evaluator.targets, heads), found

    def _compute(self, base: Mapping[Any, Tensor], rows: Array, positions: Array) -> None:
        """Compute what is carried on of some candidates, and keep it."""
        run = self._compiled("near", self._near_steps)
        for low in range(0, len(rows), BATCH_NEAR):
            mine, places = rows[low : low + BATCH_NEAR], positions[low : low + BATCH_NEAR]
            change = (self._blank[places] - self._x[mine, places])[:, None, None]
            given = [to_tensor(pad_rows(a, BATCH_NEAR)) for a in (mine, places, change)]
            results = run(self._weights, [base[key] for key in self._evaluator.keys], *given)
            for k, result in enumerate(results):
                array = to_numpy(result)[: len(mine)]
                if len(self._kept) == k:
                    self._kept.append(np.zeros((*self.known.shape, *array.shape[1:]), dtype=np.float32))
                self._kept[k][mine, places] = array
        self.known[rows, positions] = True

    def _compiled(self, part: str, make: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
        key = ("remembered", part, self._evaluator.key, self._x.shape)
        return self._plan.model.compiled(key, make)

    def _near_steps(self) -> Callable[..., Any]:
        plan, division, keys = self._plan, self._division, self._evaluator.keys

        def run(weights: WeightList, base: Sequence[Tensor], rows: Tensor, places: Tensor, change: Tensor) -> Any:
            edits = Edits(ops.cast(rows, "int32"), ops.cast(places, "int32"), 1)
            local: dict[int, Tensor] = {plan.model.graph.inputs[0]: change}
            whole: dict[int, Tensor] = {}
            known = dict(zip(keys, base, strict=True))
            plan.advance(division.near, weights, known, edits, local, whole)
            return [whole[v] if v in whole else local[v][:, 0] for v in division.carried]

        return run

    def _behind_steps(self) -> Callable[..., Any]:
        plan, division, evaluator, keys = self._plan, self._division, self._evaluator, self._rows

        def run(
            weights: WeightList, base: Sequence[Tensor], rows: Tensor, places: Tensor, kept: Sequence[Tensor],
            target_weights: Sequence[Tensor],
        ) -> Tensor:  # fmt: skip
            edits = Edits(ops.cast(rows, "int32"), ops.cast(places, "int32"), 1)
            local: dict[int, Tensor] = {}
            whole: dict[int, Tensor] = {}
            for value, tensor in zip(division.carried, kept, strict=True):
                if value in plan.frames:
                    local[value] = ops.expand_dims(tensor, 1)
                else:
                    whole[value] = tensor
            known = dict(zip(keys, base, strict=True))
            plan.advance(division.behind, weights, known, edits, local, whole)
            plan.add_heads(edits, local, whole)
            return evaluator.change_of_targets(whole, known, edits, target_weights)

        return run
