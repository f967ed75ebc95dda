"""How the values of a model change when a stretch of a sequence is replaced: what is computed, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from seqexplain.models.backend import Tensor, ops
from seqexplain.models.graph import WeightList
from seqexplain.models.operations import Linear, Operation, Weights
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._frames import Edits, Frame
from seqexplain.perturbation._local_steps import (
    LocalStep,
    Spread,
)

WORTH = 1.3  # times less arithmetic: below, the overhead of working on windows takes what is saved

Shapes = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class FullStep:
    """One operation that is computed in full for each edit."""

    position: int
    operation: Operation
    cost: float


Step = LocalStep | FullStep


@dataclass(frozen=True)
class EditRow:
    """What one layer computes anew when a stretch is replaced.

    Attributes
    ----------
    layer, layer_class
        The layer.
    reach
        Positions that change; None where it is computed in full, or has no positions.
    positions
        That its value has; None where it has none.
    full, edit
        Multiply–adds, about: of a whole sequence, and of one edit. A number that is only read, changed and written
        counts as 32.
    """

    layer: str
    layer_class: str
    reach: int | None
    positions: int | None
    full: float
    edit: float


@dataclass(frozen=True, eq=False)
class EditPlan:
    """How the values of some heads change with edits of one width.

    Attributes
    ----------
    model
        The model.
    length, width
        Of the sequences and of the stretch that is replaced, in bp.
    values
        The heads.
    steps
        In the order of computing.
    frames
        Of the values of which only a part is computed anew.
    axes
        Of the positions, of all values of which windows are read.
    rows
        Values that are read whole, of the unedited sequences; the heads are among them.
    full_cost
        Multiply–adds of the same operations in full.
    shapes
        Of all values, one example.
    """

    model: SequenceModel
    length: int
    width: int
    values: tuple[int, ...]
    steps: tuple[Step, ...]
    frames: Mapping[int, Frame]
    axes: Mapping[int, int]
    rows: tuple[int, ...]
    full_cost: Mapping[int, float]
    shapes: Shapes

    @property
    def cost(self) -> float:
        """Multiply–adds of one edit."""
        return sum(step.cost for step in self.steps)

    @property
    def saving(self) -> float:
        """How many times less arithmetic an edit takes than a whole sequence."""
        return sum(self.full_cost.values()) / max(1.0, self.cost)

    @property
    def worth(self) -> bool:
        """Whether so much is saved that the overhead pays."""
        return self.saving >= WORTH

    @property
    def largest(self) -> int:
        """Numbers in the largest tensor of one edit."""
        sizes = [prod(self.shapes[self.model.graph.inputs[0]])]
        for step in self.steps:
            if isinstance(step, Spread) and step.frames[0] is not None:
                kernel = step.cost / (step.frames[0].width * step.frames[0].rest[-1])
                sizes.append(int(step.frames[0].width * kernel))
            elif isinstance(step, LocalStep):
                inputs = [f.elements for f in step.frames if f is not None]
                sizes += [*inputs, step.frame.elements if step.frame else 0]
            else:
                sizes += [prod(self.shapes[v]) for v in step.operation.outputs if v in self.shapes]
        return max(sizes)

    def report(self) -> list[EditRow]:
        """Return what each layer computes anew, in the order of computing."""
        rows: list[EditRow] = []
        for step in self.steps:
            frame = step.frame if isinstance(step, LocalStep) else None
            reach, positions = (min(frame.width, frame.length), frame.length) if frame else (None, None)
            operation = step.operation
            full, edit = self.full_cost[step.position], step.cost
            if rows and rows[-1].layer == operation.layer:  # a layer and its activation
                last = rows.pop()
                full, edit = full + last.full, edit + last.edit
            rows.append(EditRow(operation.layer, operation.layer_class, reach, positions, full, edit))
        return rows

    # --- computing -----------------------------------------------------------------------------------------------

    def base(self, weights: WeightList, x: Tensor, extra: Mapping[str, Tensor]) -> dict[Any, Tensor]:
        """Compute what edits read of the sequences as they are: `(sequences, length, …)`, and rows of others."""
        graph = self.model.graph
        wanted = {*self.axes, *self.rows}
        computed = graph.run(weights, self.model.feeds(x, extra), graph.needed_for(wanted))
        found: dict[Any, Tensor] = {v: positions_first(computed[v], axis) for v, axis in self.axes.items()}
        found |= {("rows", v): computed[v] for v in self.rows}
        for step in self.steps:
            if isinstance(step, LocalStep):
                found |= step.prepared(found)
        return found

    def edited(
        self, weights: WeightList, base: Mapping[Any, Tensor], edits: Edits, change: Tensor
    ) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
        """Compute what edits change.

        All that is passed on are differences from the unedited sequences, also where a layer is computed in full:
        effects are small sums of small numbers then, and no differences of large ones.

        Parameters
        ----------
        weights
            Of all operations.
        base
            From `base`.
        edits
            Which sequences, and where.
        change
            `(P, alternatives, width, 4)`: what is put there less what was there.

        Returns
        -------
        local, whole
            Changes of values inside their frames, `(P, alternatives, width, …)`, and of whole values,
            `(P · alternatives, …)`; the heads are among the latter.
        """
        local: dict[int, Tensor] = {self.model.graph.inputs[0]: change}
        whole: dict[int, Tensor] = {}
        self.advance(self.steps, weights, base, edits, local, whole)
        self.add_heads(edits, local, whole)
        return local, whole

    def advance(
        self,
        steps: Sequence[Step],
        weights: WeightList,
        base: Mapping[Any, Tensor],
        edits: Edits,
        local: dict[int, Tensor],
        whole: dict[int, Tensor],
    ) -> None:
        """Take some of the steps, and add what they change to `local` and `whole`."""
        for step in steps:
            operation, own = step.operation, weights[step.position]
            if isinstance(step, FullStep):
                given = [self._whole(v, edits, local, whole) for v in operation.inputs]
                whole.update(zip(operation.outputs, self._in_full(operation, own, given, base, edits), strict=True))
                continue
            value = operation.outputs[0]
            found = step.run(edits, own, local, base)
            if step.frame is None:
                whole[value] = ops.reshape(found, (-1, *self.shapes[value]))
            elif step.frame.whole:
                whole[value] = _restored(found, step.frame, edits)
            else:
                local[value] = found

    def add_heads(self, edits: Edits, local: Mapping[int, Tensor], whole: dict[int, Tensor]) -> None:
        """See that all heads are among the whole values."""
        for value in self.values:
            head = self._whole(value, edits, local, whole)
            whole[value] = self._zeros(value, edits) if head is None else head

    def _whole(
        self, value: int, edits: Edits, local: Mapping[int, Tensor], whole: Mapping[int, Tensor]
    ) -> Tensor | None:
        """Return the change of a value, `(P · alternatives, …)`; None where there is none."""
        if value in whole:
            return whole[value]
        return _restored(local[value], self.frames[value], edits) if value in local else None

    def _zeros(self, value: int, edits: Edits) -> Tensor:
        return ops.zeros((edits.count * edits.alternatives, *self.shapes[value]), dtype="float32")

    def _in_full(
        self,
        operation: Operation,
        weights: Weights,
        given: Sequence[Tensor | None],
        base: Mapping[Any, Tensor],
        edits: Edits,
    ) -> list[Tensor]:
        if isinstance(operation, Linear):
            pairs = zip(operation.inputs, given, strict=True)
            return [operation.apply(weights, [self._zeros(v, edits) if c is None else c for v, c in pairs])]
        new = []
        for value, change in zip(operation.inputs, given, strict=True):
            unedited = edits.of_rows(base["rows", value])
            new.append(unedited if change is None else unedited + change)
        after = operation.forward(weights, new)
        return [a - edits.of_rows(base["rows", v]) for a, v in zip(after, operation.outputs, strict=True)]


def _restored(change: Tensor, frame: Frame, edits: Edits) -> Tensor:
    """Return a local change as that of the whole value."""
    placed = edits.placed(change, frame)
    batch = ops.reshape(placed, (-1, *placed.shape[2:]))
    return batch if frame.axis == 1 else ops.moveaxis(batch, 1, frame.axis)


def positions_first(value: Tensor, axis: int) -> Tensor:
    """Return a value with the axis of its positions right after the batch axis."""
    return value if axis == 1 else ops.moveaxis(value, axis, 1)
