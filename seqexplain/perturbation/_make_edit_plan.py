"""What has to be computed anew when a stretch of a sequence is replaced: derived from the flattened model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from seqexplain.models._windows import same_padding
from seqexplain.models.backend import Array, to_numpy, to_tensor
from seqexplain.models.operations import AveragePool, Convolution, Dense, Linear, MaxPool, Operation
from seqexplain.models.scan_operation import Scan
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._edit_plan import EditPlan, FullStep, Shapes, Step
from seqexplain.perturbation._frames import Frame, around
from seqexplain.perturbation._local_steps import (
    ByPosition,
    FlatDense,
    LocalStep,
    Rearranged,
    Spread,
    Total,
    moved_frame,
)
from seqexplain.perturbation._local_windows import Largest, Windowed
from seqexplain.perturbation._probes import axis_by_position, moves_of, total_factor

ELEMENT = 32.0  # multiply–adds that a number costs which is only read, changed and written
NEAR = 64  # places side by side, whose frames a dense layer is planned for


def make_edit_plan(model: SequenceModel, length: int, width: int, values: Sequence[int]) -> EditPlan:
    """Plan how the values of some heads change when `width` bp of a sequence of `length` bp are replaced.

    Parameters
    ----------
    model
        A model that is no black box.
    length, width
        In bp; `width` is less than `length`.
    values
        Values of the model's graph.

    Returns
    -------
    EditPlan
        What is computed anew in each operation; remembered with the model.
    """
    key = ("edit plan", length, width, tuple(values))
    plan: EditPlan = model.remembered(key, lambda: _Planner(model, length, width).plan(tuple(values)))
    return plan


class _Planner:
    def __init__(self, model: SequenceModel, length: int, width: int) -> None:
        self._model = model
        self._length, self._width = length, width
        self._shapes = model.value_shapes(length)
        self._weights = model.weights()
        self._random = np.random.default_rng(0)
        self._values: tuple[int, ...] = ()

    def plan(self, values: tuple[int, ...]) -> EditPlan:
        graph = self._model.graph
        self._values = values
        sequence = graph.inputs[0]
        first = Frame(np.arange(self._length - self._width + 1), self._width, self._length, 1, (4,))
        frames: dict[int, Frame] = {sequence: first}
        whole: set[int] = set()
        steps: list[Step] = []
        full_cost: dict[int, float] = {}
        for position in graph.needed_for(values):
            operation = graph.operations[position]
            if not any(v in frames or v in whole for v in operation.inputs):
                continue
            cost = self._full_cost(position, operation)
            step: Step | None = self._after_flattening(position, operation, frames, steps)
            if step is None and not any(v in whole for v in operation.inputs):
                step = self._local(position, operation, frames)
            if step is None or step.cost > cost:
                step = FullStep(position, operation, cost)
            steps.append(step)
            full_cost[position] = cost
            if isinstance(step, LocalStep) and step.frame is not None and not step.frame.whole:
                frames[operation.outputs[0]] = step.frame
            else:
                whole.update(operation.outputs)
        return self._finish(values, steps, frames, full_cost)

    def _finish(
        self,
        values: tuple[int, ...],
        steps: Sequence[Step],
        frames: dict[int, Frame],
        full_cost: dict[int, float],
    ) -> EditPlan:
        axes: dict[int, int] = {}
        rows: set[int] = set()
        for step in steps:
            if isinstance(step, FullStep):
                if not isinstance(step.operation, Linear):
                    rows.update((*step.operation.inputs, *step.operation.outputs))
                continue
            own = step.axes if isinstance(step, ByPosition) else [f.axis if f else None for f in step.frames]
            known = dict(zip(step.operation.inputs, own, strict=True))
            axes.update({v: known[v] or 1 for v in step.windows})
            rows.update(step.rows)
        rows.update(values)
        return EditPlan(
            self._model, self._length, self._width, values, tuple(steps), frames, axes, tuple(sorted(rows)), full_cost,
            self._shapes,
        )  # fmt: skip

    # --- one operation -------------------------------------------------------------------------------------------

    def _local(self, position: int, operation: Operation, frames: Mapping[int, Frame]) -> LocalStep | None:
        """Return how an operation passes on local changes; None where it has to be computed in full."""
        if len(operation.outputs) != 1 or isinstance(operation, Scan):
            return None
        given = tuple(frames.get(v) for v in operation.inputs)
        first = given[0]
        if len(given) == 1 and first is not None:
            if isinstance(operation, Convolution):
                return self._convolution(position, operation, first)
            if isinstance(operation, MaxPool) and all(k is None for k in operation.window):
                return self._largest(position, operation, first)
            if isinstance(operation, (MaxPool, AveragePool)):
                return self._pool(position, operation, first)
        step = self._by_position(position, operation, given)
        if step is None and len(given) == 1 and first is not None and isinstance(operation, Linear):
            return self._rearranged(position, operation, first) or self._total(position, operation, first)
        return step

    def _after_flattening(
        self, position: int, operation: Operation, frames: Mapping[int, Frame], steps: list[Step]
    ) -> FlatDense | None:
        """Return how a dense layer takes flattened positions; the flattening is dropped if no one else reads it."""
        if not isinstance(operation, Dense):
            return None
        source = operation.inputs[0]
        flat = next((s for s in steps if isinstance(s, FullStep) and s.operation.outputs == (source,)), None)
        if flat is None or not isinstance(flat.operation, Linear) or len(flat.operation.inputs) != 1:
            return None
        value = flat.operation.inputs[0]
        frame = frames.get(value)
        if frame is None or frame.length * prod(frame.rest) != prod(self._shapes[source]):
            return None
        span = min(frame.length, frame.width + -(-(NEAR - 1) * frame.length // self._length))
        if span >= frame.length or not self._flattens(flat, value, frame):
            return None
        graph = self._model.graph
        if sum(source in op.inputs for op in graph.operations) == 1 and source not in self._values:
            steps.remove(flat)
        cost = span / frame.length * self._full_cost(position, operation)
        return FlatDense(position, operation, (frame,), None, cost, value, span)

    def _flattens(self, step: FullStep, value: int, frame: Frame) -> bool:
        """Whether an operation puts one position after the other."""
        shape = (frame.length, *frame.rest)
        numbers = np.arange(prod(shape), dtype=np.float32).reshape(1, *shape)
        given = np.moveaxis(numbers, 1, frame.axis)
        found = to_numpy(self._computes(step.position, step.operation)([to_tensor(given)]))
        return bool(np.array_equal(found.ravel(), numbers.ravel()))

    def _computes(self, position: int, operation: Operation) -> Any:
        weights = self._weights[position]
        if isinstance(operation, Linear):
            return lambda inputs: operation.apply(weights, inputs)
        return lambda inputs: operation.forward(weights, inputs)[0]

    def _numbers(self, value: int) -> Array:
        return self._random.normal(size=(1, *self._shapes[value])).astype(np.float32)

    def _by_position(self, position: int, operation: Operation, given: tuple[Frame | None, ...]) -> ByPosition | None:
        known = [f for f in given if f is not None]
        if len({f.length for f in known}) != 1 or known[0].length < 2:
            return None
        length, axis = known[0].length, known[0].axis
        axes: list[int | None] = []
        for value, frame in zip(operation.inputs, given, strict=True):
            shape = self._shapes[value]
            along = len(shape) >= axis and shape[axis - 1] == length
            axes.append(frame.axis if frame is not None else axis if along else None)
        arrays = [self._numbers(v) for v in operation.inputs]
        found = axis_by_position(self._computes(position, operation), arrays, axes)
        if found is None:
            return None
        joint = around(known)
        shape = self._shapes[operation.outputs[0]]
        out = replace(joint, axis=found, rest=_without(shape, found))
        shapes = tuple(self._shapes[v] for v in operation.inputs)
        cost = out.width / length * self._full_cost(position, operation)
        return ByPosition(position, operation, given, out, cost, tuple(axes), joint, shapes)

    def _rearranged(self, position: int, operation: Operation, frame: Frame) -> Rearranged | None:
        shape = (1, *self._shapes[operation.inputs[0]])
        moves = moves_of(self._computes(position, operation), shape, frame.axis)
        if moves is None:
            return None
        out = moved_frame(frame, moves)
        return Rearranged(position, operation, (frame,), out, ELEMENT * out.elements, moves)

    def _total(self, position: int, operation: Operation, frame: Frame) -> Total | None:
        numbers = self._numbers(operation.inputs[0])
        factor = total_factor(self._computes(position, operation), numbers, frame.axis)
        if factor is None:
            return None
        return Total(position, operation, (frame,), None, ELEMENT * frame.elements, factor)

    def _largest(self, position: int, operation: MaxPool, frame: Frame) -> Largest:
        return Largest(position, operation, (frame,), None, ELEMENT * frame.elements)

    def _convolution(self, position: int, operation: Convolution, frame: Frame) -> LocalStep:
        kernel = tuple(int(n) for n in self._weights[position]["kernel"].shape)
        place = frame.axis - 1
        span = (kernel[place] - 1) * operation.dilation[place] + 1
        before = operation._pads(_spatial(self._shapes, operation), kernel[:-2])[place][0]
        ungrouped = kernel[-2] == frame.rest[-1]
        if len(kernel) == 3 and ungrouped and operation.strides == (1,):
            shape = self._shapes[operation.outputs[0]]
            out = Frame(frame.starts + before - span + 1, frame.width + span - 1, shape[0], 1, shape[1:])
            return Spread(position, operation, (frame,), out, float(frame.width * prod(kernel)))
        return self._windowed(position, operation, frame, span, operation.strides[place], before)

    def _pool(self, position: int, operation: MaxPool | AveragePool, frame: Frame) -> LocalStep | None:
        place = frame.axis - 1
        if place >= len(operation.window):
            return None
        others = [k for i, k in enumerate(operation.window) if i != place]
        if isinstance(operation, AveragePool) and operation.padding == "same" and any(k != 1 for k in others):
            return None  # counts differ along the other axis, too
        size, stride = operation.window[place] or frame.length, operation.strides[place] or frame.length
        before = same_padding(frame.length, size, stride)[0] if operation.padding == "same" else 0
        return self._windowed(position, operation, frame, size, stride, before)

    def _windowed(
        self, position: int, operation: Operation, frame: Frame, span: int, stride: int, before: int
    ) -> Windowed:
        place = frame.axis - 1
        shape = self._shapes[operation.outputs[0]]
        starts = -((span - 1 - before - frame.starts) // stride)  # the first window that ends at the change or behind
        ends = (frame.starts + frame.width - 1 + before) // stride + 1
        width = max(1, int((ends - starts).max()))
        out = Frame(starts, width, shape[place], frame.axis, _without(shape, frame.axis))
        aligned = replace(frame, starts=starts * stride - before, width=(width - 1) * stride + span)
        cost = out.width / out.length * self._full_cost(position, operation)
        return Windowed(position, operation, (frame,), out, cost, aligned, place)

    def _full_cost(self, position: int, operation: Operation) -> float:
        """Return about how many multiply–adds an operation takes in full."""
        written = sum(prod(self._shapes[v]) for v in operation.outputs if v in self._shapes)
        sizes = {name: int(prod(w.shape)) for name, w in self._weights[position].items()}
        if isinstance(operation, Convolution):
            shape = self._shapes[operation.outputs[0]]
            return float(prod(shape[:-1]) * sizes["kernel"])
        if isinstance(operation, Dense):
            return float(prod(self._shapes[operation.outputs[0]][:-1]) * sizes["kernel"])
        if isinstance(operation, Scan):
            steps = self._shapes[operation.inputs[0]][0]
            return float(steps * sum(sizes.values()) + ELEMENT * written)
        if isinstance(operation, AveragePool | MaxPool):
            return ELEMENT * prod(self._shapes[operation.inputs[0]])
        return ELEMENT * max(written, *(prod(self._shapes[v]) for v in operation.inputs))


def _without(shape: Sequence[int], axis: int) -> tuple[int, ...]:
    """Return the axes of one example but that of the positions, which is counted with the batch axis."""
    return tuple(n for i, n in enumerate(shape, start=1) if i != axis)


def _spatial(shapes: Shapes, operation: Operation) -> tuple[int, ...]:
    return shapes[operation.inputs[0]][:-1]
