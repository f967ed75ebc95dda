"""The linear operations before an activation, taken as one: a convolution with its batch normalisation, say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seqexplain.models.backend import Tensor, ops
from seqexplain.models.graph import Graph, WeightList
from seqexplain.models.operations import Linear, Scale, Structural


@dataclass(frozen=True, eq=False)
class Chain:
    """Linear operations, first to last; all but the first have one input, which nothing else reads.

    Scaling each channel and moving values commute with taking absolute values, so `|A|` of the whole is the product of
    the operations' own.

    Attributes
    ----------
    positions
        In the graph.
    operations
        At these positions.
    """

    positions: tuple[int, ...]
    operations: tuple[Linear, ...]

    @property
    def inputs(self) -> tuple[int, ...]:
        """Values that the chain reads."""
        return self.operations[0].inputs

    def bind(self, weights: WeightList, shapes: Mapping[int, Sequence[int]]) -> BoundChain:
        """Return the chain with its weights."""
        return BoundChain(
            self.operations,
            [weights[p] for p in self.positions],
            [[shapes[v] for v in operation.inputs] for operation in self.operations],
        )


@dataclass(frozen=True, eq=False)
class BoundChain:
    """A chain with its weights, for tensors with any number of leading axes."""

    operations: Sequence[Linear]
    weights: Sequence[Mapping[str, Tensor]]
    shapes: Sequence[Sequence[Sequence[int]]]

    def absolute(self) -> BoundChain:
        """Return the chain of `|A|`."""
        pairs = zip(self.operations, self.weights, strict=True)
        return BoundChain(self.operations, [op.absolute(w) for op, w in pairs], self.shapes)

    def apply(self, inputs: Sequence[Tensor]) -> Tensor:
        """Compute `A(inputs)`, without biases."""
        rank = len(self.shapes[0][0])
        lead = tuple(inputs[0].shape[: len(inputs[0].shape) - rank])
        values = [ops.reshape(x, (-1, *s)) for x, s in zip(inputs, self.shapes[0], strict=True)]
        for operation, weights in zip(self.operations, self.weights, strict=True):
            values = [operation.apply(weights, values)]
        return ops.reshape(values[0], (*lead, *values[0].shape[1:]))

    def transpose(self, cotangent: Tensor, lead: int) -> list[Tensor]:
        """Compute `Aᵀ(cotangent)`, one tensor an input; `lead` is the number of leading axes."""
        before = tuple(cotangent.shape[:lead])
        parts = [ops.reshape(cotangent, (-1, *cotangent.shape[lead:]))]
        for operation, weights, shapes in reversed(list(zip(self.operations, self.weights, self.shapes, strict=True))):
            parts = operation.transpose(weights, parts[0], shapes)
        return [ops.reshape(p, (*before, *s)) for p, s in zip(parts, self.shapes[0], strict=True)]


def chain_before(graph: Graph, value: int, source: int | None = None) -> Chain | None:
    """Return the linear operations that compute a value; None where it is not computed by a linear operation.

    Nothing before `source`, the value that is explained, belongs to the chain.
    """
    producer = {v: p for p, operation in enumerate(graph.operations) for v in operation.outputs}
    readers: dict[int, int] = {}
    for operation in graph.operations:
        for v in operation.inputs:
            readers[v] = readers.get(v, 0) + 1
    positions: list[int] = []
    while value in producer and value != source:
        operation = graph.operations[producer[value]]
        if not isinstance(operation, Linear):
            break
        positions.insert(0, producer[value])
        passes = isinstance(operation, Scale) or (isinstance(operation, Structural) and operation.moves_only)
        value = operation.inputs[0]
        if not passes or len(operation.inputs) != 1 or readers[value] != 1 or value in graph.outputs:
            break
    if not positions:
        return None
    return Chain(tuple(positions), tuple(graph.operations[p] for p in positions))  # type: ignore[misc]
