"""The linear operations between the sequence and the first thing that is not: most often one convolution.

On a straight path from a reference to the sequence their output moves on a straight line too, and what is averaged
along the path can be averaged at their output: they are passed once a path, and not at each of its points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seqexplain.attribution._propagation import Plan, Shapes
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.graph import Graph, WeightList
from seqexplain.models.joint_operations import Stopped
from seqexplain.models.operations import Linear


@dataclass(frozen=True, eq=False)
class LinearPrefix:
    """Linear operations, first to last, through which alone the sequence acts.

    Attributes
    ----------
    graph
        The flattened model.
    positions
        Of the operations; none where the sequence is read by several, or by one that is not linear.
    value
        Their output, or the sequence.
    """

    graph: Graph
    positions: tuple[int, ...]
    value: int

    def apply(self, weights: WeightList, x: Tensor) -> Tensor:
        """Compute the output for sequences `(b, L, 4)`."""
        return self.graph.run(weights, {self.graph.inputs[0]: x}, self.positions)[self.value]

    def transpose(self, weights: WeightList, m: Tensor, shapes: Shapes) -> Tensor:
        """Bring multipliers of the output `(b, *its shape)` to the sequence, `(b, L, 4)`."""
        for position in reversed(self.positions):
            operation = self.graph.operations[position]
            if isinstance(operation, Linear):  # all are
                (m,) = operation.transpose(weights[position], m, [shapes[v] for v in operation.inputs])
        return ops.reshape(m, (m.shape[0], *shapes[self.graph.inputs[0]]))

    def values_after(
        self, plan: Plan, weights: WeightList, z: Tensor, extra: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """As `forward_pass`, from the output `(b, *its shape)` on."""
        feeds = {v: t for v, t in plan.model.feeds(z, extra).items() if v != self.graph.inputs[0]}
        rest = [p for p in plan.forward if p not in self.positions]
        values = self.graph.run(weights, {**feeds, self.value: z}, rest)
        return [values[v] for v in plan.saved], [values[v] for v in plan.heads]


def linear_prefix(graph: Graph, heads: Sequence[int]) -> LinearPrefix:
    """Return the linear prefix of what these values need."""
    needed = graph.needed_for(heads)
    value = graph.inputs[0]
    positions: list[int] = []
    while value not in heads:
        readers = [p for p in needed if value in graph.operations[p].inputs]
        if len(readers) != 1:
            break
        operation = graph.operations[readers[0]]
        if not isinstance(operation, Linear) or isinstance(operation, Stopped) or len(operation.inputs) != 1:
            break
        positions.append(readers[0])
        (value,) = operation.outputs
    return LinearPrefix(graph, tuple(positions), value)
