"""Which bases each position of a value can depend on, followed through a flattened model.

For each position the first and the last base that it sees are kept. A window takes the first and the last of the
positions that it covers; beyond the edges, where there is padding, positions are counted on with the same spacing, so
that all windows of a layer are of one width. What only moves positions (a crop, a pad, a flip, a reshape) moves the
bounds; what treats each position by itself keeps them. Whatever else there is mixes positions, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError
from seqexplain.models._windows import same_padding
from seqexplain.models.backend import Array, Tensor
from seqexplain.models.graph import Graph, WeightList
from seqexplain.models.operations import (
    AveragePool,
    Convolution,
    Elementwise,
    Linear,
    MaxPool,
    Operation,
    Scale,
    Weights,
)
from seqexplain.perturbation._probes import axis_by_position, moves_of

Integers = NDArray[np.int64]
Shapes = Mapping[int, Sequence[int]]


@dataclass(frozen=True, eq=False)
class Reach:
    """What the positions of a value see.

    Attributes
    ----------
    first, last
        `(positions,)`: first base, and last; both are seen. They may lie outside the sequence.
    axis
        Of the positions, counted with the batch axis.
    turned
        Whether positions follow each other as on the other strand.
    """

    first: Integers
    last: Integers
    axis: int
    turned: bool = False

    def __len__(self) -> int:
        return len(self.first)


def reach_of(graph: Graph, value: int, shapes: Shapes, weights: WeightList, layer: str) -> Reach:
    """Return what each position of a value sees.

    Parameters
    ----------
    graph
        A flattened model; its first input is the sequence `(L, 4)`.
    value
        Number of the value.
    shapes
        Of each value, one example.
    weights
        Of each operation.
    layer
        Its name, for messages.

    Raises
    ------
    ParameterError
        When the value does not depend on the sequence, or its positions cannot be told.
    """
    length = int(shapes[graph.inputs[0]][0])
    places = np.arange(length, dtype=np.int64)
    found: dict[int, Reach] = {graph.inputs[0]: Reach(places, places, 1)}
    for position in graph.needed_for([value]):
        operation = graph.operations[position]
        if not any(v in found for v in operation.inputs):
            continue  # of other inputs alone
        given = [found.get(v) for v in operation.inputs]
        reach = _pass(operation, weights[position], given, shapes)
        if reach is None:
            raise ParameterError(
                f"The layer {layer!r} has no receptive field: before it, the layer {operation.layer!r} "
                f"({operation.layer_class}) mixes the positions of the sequence. Choose a layer before that one."
            )
        for output in operation.outputs:
            found[output] = reach
    if value not in found:
        raise ParameterError(f"The layer {layer!r} does not depend on the sequence. Choose another one.")
    return found[value]


def _pass(operation: Operation, weights: Weights, given: Sequence[Reach | None], shapes: Shapes) -> Reach | None:
    """Return the reach of an operation's output; None where positions are mixed."""
    first = given[0]
    if len(given) == 1 and first is not None:
        if isinstance(operation, (Convolution, AveragePool, MaxPool)):
            return _windowed(operation, weights, first, shapes)
        if isinstance(operation, (Elementwise, Scale)):
            return first
    if len(operation.outputs) != 1:
        return None
    return _by_position(operation, weights, given, shapes) or _moved(operation, weights, given, shapes)


def _windowed(
    operation: Convolution | AveragePool | MaxPool, weights: Weights, reach: Reach, shapes: Shapes
) -> Reach | None:
    place = reach.axis - 1
    if isinstance(operation, Convolution):
        window: Sequence[int | None] = tuple(int(k) for k in weights["kernel"].shape[:-2])
        dilation: Sequence[int] = operation.dilation
    else:
        window, dilation = operation.window, (1,) * len(operation.window)
    if place >= len(window):
        return None  # positions are what the convolution takes for channels
    n = len(reach)
    taps, stride, step = window[place] or n, operation.strides[place] or n, dilation[place]
    span = (taps - 1) * step + 1
    before = {"same": same_padding(n, span, stride)[0], "causal": span - 1}.get(operation.padding, 0)
    out = int(shapes[operation.outputs[0]][place])
    covered = np.arange(out)[:, None] * stride - before + np.arange(taps) * step
    return replace(reach, first=_at(reach.first, covered).min(axis=1), last=_at(reach.last, covered).max(axis=1))


def _at(bounds: Integers, index: Integers) -> Integers:
    """Return bounds at positions, which go on with the same spacing beyond the edges."""
    n = len(bounds)
    inside = np.clip(index, 0, n - 1)
    found = bounds[inside]
    if n > 1:
        found = found + np.minimum(index, 0) * (bounds[1] - bounds[0])
        found = found + np.maximum(index - (n - 1), 0) * (bounds[-1] - bounds[-2])
    return np.asarray(found)


def _computes(operation: Operation, weights: Weights) -> Callable[[Sequence[Tensor]], Tensor]:
    if isinstance(operation, Linear):
        return lambda inputs: operation.apply(weights, inputs)
    return lambda inputs: operation.forward(weights, inputs)[0]


def _by_position(operation: Operation, weights: Weights, given: Sequence[Reach | None], shapes: Shapes) -> Reach | None:
    """Return what is seen where each position is computed from the same position of all inputs."""
    known = [reach for reach in given if reach is not None]
    if len({len(reach) for reach in known}) != 1:
        return None
    length = len(known[0])
    random = np.random.default_rng(0)
    arrays: list[Array] = []
    axes: list[int | None] = []
    for value, reach in zip(operation.inputs, given, strict=True):
        shape = tuple(int(n) for n in shapes[value])
        usual = known[0].axis
        along = len(shape) >= usual and shape[usual - 1] == length
        axes.append(reach.axis if reach is not None else usual if along else None)
        arrays.append(random.normal(size=(1, *shape)).astype(np.float32))
    axis = axis_by_position(_computes(operation, weights), arrays, axes)
    if axis is None:
        return None
    return Reach(
        np.min([reach.first for reach in known], axis=0),
        np.max([reach.last for reach in known], axis=0),
        axis,
        known[0].turned,
    )


def _moved(operation: Operation, weights: Weights, given: Sequence[Reach | None], shapes: Shapes) -> Reach | None:
    """Return what is seen after positions have been moved."""
    reach = given[0]
    if len(given) != 1 or reach is None or not isinstance(operation, Linear):
        return None
    shape = (1, *(int(n) for n in shapes[operation.inputs[0]]))
    moves = moves_of(_computes(operation, weights), shape, reach.axis)
    if moves is None:
        return None
    source = _continued(moves.source)
    backwards = len(source) > 1 and bool((np.diff(source) <= 0).all())
    return Reach(_at(reach.first, source), _at(reach.last, source), moves.axis, reach.turned != backwards)


def _continued(source: Any) -> Integers:
    """Let positions that were added at the edges (−1) follow on those that they are beside."""
    found = np.array(source, dtype=np.int64)
    held = np.flatnonzero(found >= 0)
    low, high = int(held[0]), int(held[-1])
    step_low = found[low + 1] - found[low] if high > low else 1
    step_high = found[high] - found[high - 1] if high > low else 1
    found[:low] = found[low] - step_low * np.arange(low, 0, -1)
    found[high + 1 :] = found[high] + step_high * np.arange(1, len(found) - high)
    return found
