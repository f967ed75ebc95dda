"""How a method passes a recurrent layer: its own steps inside one time step, and a scan from the last to the first.

The forward pass has kept all states, so everything that a rule looks at is computed for all time steps side by side,
with time as part of the batch. Only what is propagated waits for the time step after: it is carried, as what has
arrived at the states, by a scan that goes backwards. What does not depend on the states (the projection of the
sequence, above all) is passed for all time steps at once, behind the scan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from seqexplain.attribution._propagation import NOWHERE, Choose, Step, absorbed_of, choose_all
from seqexplain.models.backend import Tensor, ops, scan
from seqexplain.models.graph import WeightList
from seqexplain.models.operations import Weights
from seqexplain.models.scan_operation import Scan

Values = dict[int, Tensor]


def scan_step(position: int, operation: Scan, choose: Choose) -> Step:
    """Return the step of a recurrent layer.

    Parameters
    ----------
    position
        Of the operation.
    operation
        The scan.
    choose
        The method's step for each operation of the scan's body; positions are those in the body. What rules look at
        has two leading axes and what they pass three, as outside, with all time steps among the sequences.
    """
    body = operation.body
    steps, missing = choose_all(body, body.needed_for(operation.kept), operation.kept, operation.varying, choose)
    inside = [s for s in steps if operation.looped.intersection(body.operations[s.position].outputs)]
    behind = [s for s in steps if s not in inside]
    books = any(NOWHERE in step.inputs for step in steps)
    way = _Way(operation, tuple(inside), tuple(behind), books)

    def run(weights: WeightList, shapes: Any, x: Sequence[Tensor], r: Sequence[Tensor], m: Any) -> list[Tensor]:
        arrived = m if isinstance(m, list) else [m]
        return _sweep(way, weights[position], x, r, arrived)

    reads = (*operation.inputs, *operation.outputs)
    inputs = (*operation.inputs, NOWHERE) if books else operation.inputs
    return Step(position, inputs, reads, run, "scan", missing=tuple(missing))


@dataclass(frozen=True, eq=False)
class _Way:
    """Through the body of a scan, backwards: the steps that wait for the time step after, and those behind them.

    `books` says whether what goes to no value is counted, and with it what arrives at the states before the first step.
    """

    operation: Scan
    inside: tuple[Step, ...]
    behind: tuple[Step, ...]
    books: bool

    @cached_property
    def leaving(self) -> tuple[int, ...]:
        """Values that do not depend on a state, and that something inside leads to."""
        reached = [*self.operation.states, *(v for step in self.inside for v in step.inputs)]
        free = self.operation.varying - self.operation.looped
        return tuple(dict.fromkeys(v for v in reached if v in free))

    @cached_property
    def shapes(self) -> dict[int, tuple[int, ...]]:
        """Shape of each value in the body, one example and one time step."""
        return {v: tuple(int(n or 1) for n in shape) for v, shape in enumerate(self.operation.body.shapes)}

    def factored(self, step: Step) -> bool:
        """Whether what a step multiplies m by can be computed for all time steps before the scan."""
        out = self.shapes[self.operation.body.operations[step.position].outputs[0]]
        return step.proportional and all(self.shapes.get(v) == out for v in step.inputs)

    def send(self, arrived: Values, steps: Sequence[Step], run: Callable[[Step, Any], Sequence[Tensor]]) -> None:
        """Pass what has arrived at some values on, step by step, and add up what comes."""
        for step in steps:
            outputs = [arrived.get(v) for v in self.operation.body.operations[step.position].outputs]
            if all(m is None for m in outputs):
                continue
            for value, m in zip(step.inputs, run(step, outputs[0] if len(outputs) == 1 else outputs), strict=True):
                if value in self.operation.varying or value == NOWHERE:
                    _collect(arrived, value, m)
                elif self.books:
                    _collect(arrived, NOWHERE, absorbed_of(m))


def _collect(arrived: Values, value: int, m: Tensor) -> None:
    arrived[value] = arrived[value] + m if value in arrived else m


def _at_all_times(way: _Way, weights: Weights, given: Sequence[Tensor]) -> Values:
    """Return what rules look at, `(time, sequences, references, *shape)`, from the input's and the kept sequences."""
    operation = way.operation
    lead, length = tuple(given[0].shape[:2]), given[0].shape[2]
    x, *kept = (ops.moveaxis(t, 2, 0) for t in given)
    by_time = {operation.body.inputs[0]: x, **dict(zip(operation.kept, kept, strict=True))}
    for k, (old, new) in enumerate(zip(operation.old_states, operation.states, strict=True)):
        begun = ops.broadcast_to(weights[f"initial/{k}"], (1, *lead, *by_time[new].shape[3:]))
        by_time[old] = ops.concatenate([begun, by_time[new][:-1]], axis=0)
    known = {v: ops.reshape(t, (-1, *t.shape[3:])) for v, t in by_time.items()}
    wanted = {v for step in (*way.inside, *way.behind) for v in step.reads}
    values = operation.compute(weights, known, wanted)
    return {v: ops.reshape(values[v], (length, *lead, *values[v].shape[1:])) for v in wanted}


def _among_sequences(t: Tensor, rows: int) -> Tensor:
    """Lay `(time, sequences or 1, …)` out as `(time · sequences, …)`."""
    length, given, *rest = t.shape
    whole = t if given == rows else ops.broadcast_to(t, (length, rows, *rest))
    return ops.reshape(whole, (length * rows, *rest))


def _sweep(
    way: _Way, weights: Weights, x: Sequence[Tensor], r: Sequence[Tensor], arrived: Sequence[Tensor | None]
) -> list[Tensor]:
    """Propagate from the kept sequences to the input's and, with books, to no value; arguments as those of a rule."""
    operation, shapes = way.operation, way.shapes
    inner = operation.body_weights(weights)
    begins = {v: ops.moveaxis(t, 3, 0) for v, t in zip(operation.kept, arrived, strict=True) if t is not None}
    length = int(x[0].shape[2])
    targets = max(t.shape[1] for t in begins.values())
    sizes = [*(t.shape[:2] for t in (*x, *r)), *(t.shape[2:4] for t in begins.values())]
    rows, columns = (max(int(size[axis]) for size in sizes) for axis in (0, 1))
    at_x, at_r = _at_all_times(way, weights, x), _at_all_times(way, weights, r) if r else {}
    lost = (2, targets, rows, columns)
    folded_x, folded_r = ({v: _among_sequences(t, rows) for v, t in side.items()} for side in (at_x, at_r))

    def at_once(step: Step, m: Any) -> list[Tensor]:
        here, there = ([side[v] for v in step.reads if side] for side in (folded_x, folded_r))
        return step.run(inner, shapes, here, there, m)

    # what goes into each step of the scan: what begins there, then what the steps inside look at or multiply by
    heads = [v for v in begins if v in operation.looped]
    slices = [begins[v] for v in heads]
    places: dict[int, slice] = {}
    for step in way.inside:
        if way.factored(step):
            ones = ops.ones((1, 1, 1, *shapes[operation.body.operations[step.position].outputs[0]]))
            seen = [ops.reshape(f, (length, 1, rows, *f.shape[2:])) for f in at_once(step, ones)]
        else:
            seen = [side[v] for side in (at_x, at_r) if side for v in step.reads]
        places[step.position] = slice(len(slices), len(slices) + len(seen))
        slices += seen

    def full(found: Values, value: int) -> Tensor:
        whole = lost if value == NOWHERE else (targets, rows, columns, *shapes[value])
        return ops.broadcast_to(found[value], whole) if value in found else ops.zeros(whole)

    def backwards(carried: list[Tensor], given: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        found: Values = {}
        for value, m in zip((*operation.states, *heads), (*carried, *given[: len(heads)]), strict=True):
            _collect(found, value, m)

        def run(step: Step, m: Any) -> Sequence[Tensor]:
            seen = given[places[step.position]]
            if way.factored(step):
                return [m * factor for factor in seen]
            return step.run(inner, shapes, seen[: len(step.reads)], seen[len(step.reads) :], m)

        way.send(found, way.inside, run)
        arrived_at = [full(found, v) for v in operation.old_states]
        leaves = [full(found, v) for v in way.leaving]
        if way.books:
            leaves += [full(found, NOWHERE), sum(absorbed_of(m) for m in arrived_at)]
        return arrived_at, leaves

    carry = [ops.zeros((targets, rows, columns, *shapes[v])) for v in operation.old_states]
    out = [(targets, rows, columns, *shapes[v]) for v in way.leaving] + [lost] * (2 * way.books)
    # a scan needs something to go along
    found = scan(backwards, carry, slices or [next(iter(begins.values()))], out, reverse=True)
    behind: Values = {}
    others = {v: t for v, t in begins.items() if v not in operation.looped}
    for value, m in (*zip(way.leaving, found[: len(way.leaving)], strict=True), *others.items()):
        # (time, targets, sequences, references, …) to (targets, time · sequences, references, …)
        m = ops.broadcast_to(m, (*m.shape[:2], rows, *m.shape[3:]))
        _collect(behind, value, ops.reshape(ops.moveaxis(m, 0, 1), (m.shape[1], length * rows, *m.shape[3:])))
    way.send(behind, way.behind, at_once)
    source = operation.body.inputs[0]
    if source in behind:
        m = behind[source]
        results = [ops.moveaxis(ops.reshape(m, (m.shape[0], length, rows, *m.shape[2:])), 1, 3)]
    else:
        results = [ops.zeros((targets, 1, 1, length, *shapes[source]))]
    if way.books:
        inside, begun = found[len(way.leaving) :]
        gone = ops.sum(inside, axis=0) + begun[0]  # the states before the first step are no part of the sequence
        if NOWHERE in behind:
            m = behind[NOWHERE]
            gone = gone + ops.sum(ops.reshape(m, (*m.shape[:2], length, rows, *m.shape[3:])), axis=2)
        results.append(gone)
    return results
