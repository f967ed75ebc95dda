"""Where in the sequence the positions of a hidden layer are: the centre of the bases that each can see.

The centre of each element of a value is followed from the sequence through the graph: windows take the centre of the
centres that they cover, with the same spacing beyond the edges; whatever moves values moves their centres; sums take
the mean. Where elements of different places are mixed so that one centre would say little, there is none (NaN).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seqexplain.models._windows import same_padding
from seqexplain.models.backend import Array, ops, to_numpy, to_tensor
from seqexplain.models.graph import Graph, WeightList
from seqexplain.models.operations import AveragePool, Convolution, Dense, Linear, MaxPool, Operation, Scale

NEAR = 2.0  # bp; channels whose centres are no farther apart have one: windows of even width are half a base off

Shapes = Mapping[int, Sequence[int]]


def centres(graph: Graph, value: int, shapes: Shapes, weights: WeightList) -> Array:
    """Return the centre of each element of a value, in bp from the start of the sequence; NaN where there is none.

    Parameters
    ----------
    graph
        A flattened model; its first input is the sequence `(L, 4)`.
    value
        Number of the value.
    shapes
        Of each value, one example.
    weights
        Of each operation; only their shapes matter.
    """
    length, channels = shapes[graph.inputs[0]]
    found = {v: np.full(shapes[v], np.nan) for v in graph.inputs}
    found[graph.inputs[0]] = np.repeat(np.arange(length, dtype=np.float64)[:, None], channels, axis=1)
    for position in graph.needed_for([value]):
        operation = graph.operations[position]
        inputs = [found[v] for v in operation.inputs]
        for output in operation.outputs:
            found[output] = _pass(operation, weights[position], inputs, tuple(shapes[output]))
    return found[value]


def _pass(
    operation: Operation, weights: Mapping[str, object], inputs: Sequence[Array], shape: tuple[int, ...]
) -> Array:
    """Return the centres of an operation's output from those of its inputs."""
    if all(np.isnan(c).all() for c in inputs):
        return np.full(shape, np.nan)
    if isinstance(operation, (Convolution, AveragePool, MaxPool)):
        return _windowed(operation, weights, inputs[0], shape)
    if isinstance(operation, Dense):
        return np.broadcast_to(_common(inputs[0])[..., None], shape).copy()
    if isinstance(operation, Linear) and not isinstance(operation, Scale):
        return _moved(operation, weights, inputs, shape)
    alike = [c for c in inputs if c.shape == shape]
    if alike:
        return _mean(np.stack(alike))
    # a layer that is not looked into, with as many positions as it reads, is taken to keep them
    keeps = [c for c in inputs if len(shape) > 1 and c.ndim > 1 and len(c) == shape[0]]
    if not keeps:
        return np.full(shape, np.nan)
    first = _mean(np.moveaxis(keeps[0].reshape(len(keeps[0]), -1), 1, 0))
    return np.broadcast_to(first.reshape(-1, *(1,) * (len(shape) - 1)), shape).copy()


def _mean(stack: Array) -> Array:
    """Return the mean over the first axis of what is known."""
    known = ~np.isnan(stack)
    total = np.where(known, stack, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def _common(centre: Array) -> Array:
    """Return what all channels (the last axis) nearly agree on; NaN where they do not."""
    low, high = centre.min(axis=-1), centre.max(axis=-1)  # NaN where any channel has none
    return np.where(high - low <= NEAR, (low + high) / 2, np.nan)


def _windowed(
    operation: Convolution | AveragePool | MaxPool, weights: Mapping[str, object], centre: Array, shape: tuple[int, ...]
) -> Array:
    """Take the centre of each window, axis by axis."""
    rank = centre.ndim - 1
    if isinstance(operation, Convolution):
        window: Sequence[int | None] = tuple(weights["kernel"].shape[:rank])  # type: ignore[attr-defined]
        dilation: Sequence[int] = operation.dilation
        centre = _common(centre)[..., None]
    else:
        window, dilation = operation.window, (1,) * rank
    for axis in range(rank):
        n, out = centre.shape[axis], shape[axis]
        k, s, d = window[axis] or n, operation.strides[axis] or n, dilation[axis]
        span = (k - 1) * d + 1
        before = {"same": same_padding(n, span, s)[0], "causal": span - 1}.get(operation.padding, 0)
        middle = np.arange(out) * s - before + (span - 1) / 2
        centre = _between(centre, middle, axis)
    return np.broadcast_to(centre, shape).copy()


def _between(centre: Array, index: Array, axis: int) -> Array:
    """Return centres at fractions of an index along an axis; beyond the edges their spacing goes on."""
    n = centre.shape[axis]
    if n == 1:
        return np.repeat(centre, len(index), axis=axis)
    low = np.clip(np.floor(index).astype(int), 0, n - 2)
    share = (index - low).reshape((-1,) + (1,) * (centre.ndim - 1 - axis))
    left, right = np.take(centre, low, axis=axis), np.take(centre, low + 1, axis=axis)
    between: Array = left + share * (right - left)
    return between


def _moved(operation: Linear, weights: Mapping[str, object], inputs: Sequence[Array], shape: tuple[int, ...]) -> Array:
    """Let an operation with all weights 1 move the centres, and count how many come together."""
    ones = {name: ops.ones_like(w) for name, w in weights.items() if name != "bias"}
    known = [np.isfinite(c) for c in inputs]
    given = [np.where(k, c, 0.0) for k, c in zip(known, inputs, strict=True)]
    total, count = (
        to_numpy(operation.apply(ones, [to_tensor(t.astype(np.float32)[None]) for t in tensors]))[0]
        for tensors in (given, known)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.where(count > 0, total / count, np.nan).astype(np.float64).reshape(shape)
    return _continued(centre) if centre.ndim > 1 else centre


def _continued(centre: Array) -> Array:
    """Give positions that were added at the edges (zero padding) the spacing of their neighbours."""
    for axis in range(centre.ndim - 1):
        if np.isnan(centre).any():
            centre = np.apply_along_axis(_continue, axis, centre)
    return centre


def _continue(line: Array) -> Array:
    known = np.flatnonzero(np.isfinite(line))
    if len(known) in (0, len(line)) or np.any(np.diff(known) != 1):
        return line
    return _between(line[known], np.arange(len(line)) - known[0], 0)
