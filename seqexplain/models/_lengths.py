"""Shapes of all values for sequences of one length, and the refusal of sequences that are too short for the model."""

from __future__ import annotations

from collections.abc import Mapping

from seqexplain.errors import ShapeError
from seqexplain.models.backend import Tensor
from seqexplain.models.graph import Graph, WeightList
from seqexplain.models.operations import AveragePool, Convolution, MaxPool, Operation, Weights


def shapes_of(
    graph: Graph, weights: WeightList, feeds: Mapping[int, Tensor], length: int, name: str
) -> dict[int, tuple[int, ...]]:
    """Return the shape of every value, one example.

    Parameters
    ----------
    graph
        A flattened model.
    weights
        Of its operations.
    feeds
        One example of each input.
    length, name
        Of the sequence in bp, and of the model, for messages.

    Raises
    ------
    ShapeError
        When an operation is left with no position: the sequence is too short for its window.
    """
    values = dict(feeds)
    for position, operation in enumerate(graph.operations):
        before = tuple(int(n) for n in values[operation.inputs[0]].shape[1:])
        if not _fits(operation, weights[position], before):
            raise _too_short(operation, before, length, name)
        values = graph.run(weights, values, [position])
        if any(0 in values[v].shape for v in operation.outputs):
            raise _too_short(operation, before, length, name)
    return {k: tuple(int(n) for n in v.shape[1:]) for k, v in values.items()}


def _fits(operation: Operation, weights: Weights, shape: tuple[int, ...]) -> bool:
    """Whether a window that does not reach over the edges has room in an input of this shape."""
    if not isinstance(operation, (Convolution, AveragePool, MaxPool)) or operation.padding != "valid":
        return True
    if isinstance(operation, Convolution):
        taps = tuple(weights["kernel"].shape[:-2])
        window = [(int(k) - 1) * d + 1 for k, d in zip(taps, operation.dilation, strict=True)]
    else:
        window = [k or 1 for k in operation.window]
    return all(k <= n for k, n in zip(window, shape, strict=False))


def _too_short(operation: Operation, shape: tuple[int, ...], length: int, name: str) -> ShapeError:
    return ShapeError(
        f"Sequences of {length} bp are too short for the model {name!r}: the layer {operation.layer!r} "
        f"({operation.layer_class}) gets {shape} and is left with no position. Leave short sequences out, or pad them: "
        'seqexplain.fit_length(…, policy="pad").'
    )
