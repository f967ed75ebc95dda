"""The linear operations that one rule passes together: a convolution and the normalisation that is folded into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seqexplain.models._op_call import identity
from seqexplain.models.graph import Graph
from seqexplain.models.joint_operations import Placed
from seqexplain.models.operations import (
    AveragePool,
    Convolution,
    Difference,
    Kind,
    Linear,
    Operation,
    Scale,
    Structural,
)

NEVER_NEGATIVE = ("relu", "relu6", "sigmoid", "hard_sigmoid", "softplus", "exponential", "sparse_plus", "squareplus",
                  "sparse_sigmoid")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Group:
    """Linear operations in a row that count as one layer.

    A batch normalisation belongs to the layer with weights before it, else to the one after it; what only moves values
    may stand between. Everything else is a group by itself.

    Attributes
    ----------
    positions
        In the graph, first to last.
    operations
        At these positions.
    core
        Place of the operation that the rule is about; those before and after it scale or move.
    depth
        Layers with weights from the sequence to this one, itself included.
    height
        Layers with weights from this one to what is explained, itself included.
    """

    positions: tuple[int, ...]
    operations: tuple[Linear, ...]
    core: int
    depth: int
    height: int

    @property
    def layer(self) -> Linear:
        """The operation that the rule is about."""
        return self.operations[self.core]

    @property
    def inputs(self) -> tuple[int, ...]:
        """Values that the group reads."""
        return self.operations[0].inputs

    @property
    def output(self) -> int:
        """Value that the group gives."""
        return self.operations[-1].outputs[0]

    @property
    def kind(self) -> str:
        """`"convolution"`, `"dense"`, or `"sums"` for what has no weights of that sort."""
        if not has_kernel(self.layer):
            return "sums"
        return "convolution" if isinstance(self.layer, Convolution) or "Conv" in self.layer.layer_class else "dense"


def has_kernel(operation: Operation) -> bool:
    """Whether an operation mixes its inputs by weights that were learned."""
    if not isinstance(operation, Linear) or isinstance(operation, (Scale, Difference, AveragePool, Placed)):
        return False
    return type(operation) is not Structural


def _is_layer(operation: Operation) -> bool:
    """Whether an operation counts as a layer with weights: one with a kernel, or a recurrent layer as a whole."""
    return has_kernel(operation) or operation.kind is Kind.SCAN


def only_moves(operation: Operation) -> bool:
    """Whether each output is a copy of one input."""
    return type(operation) is Structural and operation.moves_only


def _shifts(operation: Operation) -> bool:
    """Whether an operation only adds constants."""
    return type(operation) is Structural and operation.function is identity


def _normalises(operation: Operation) -> bool:
    """Whether an operation scales values or adds constants, as normalisations do."""
    return isinstance(operation, Scale) or _shifts(operation)


def linear_groups(graph: Graph, heads: Sequence[int]) -> dict[int, Group]:
    """Return the groups of a graph by the position of their last operation, for targets that read some heads.

    A normalisation that is folded into a layer after it is a group by itself as well, for others that read it.
    """
    producer = {v: p for p, operation in enumerate(graph.operations) for v in operation.outputs}
    readers: dict[int, list[int]] = {}
    for position, operation in enumerate(graph.operations):
        for v in operation.inputs:
            readers.setdefault(v, []).append(position)
    kept = {*heads, *graph.outputs}

    def after(position: int) -> list[int]:
        """Return what follows a layer and is folded into it: up to the last normalisation, where nothing else reads."""
        found: list[int] = []
        value = graph.operations[position].outputs[0]
        while value not in kept and len(readers.get(value, [])) == 1:
            following = readers[value][0]
            operation = graph.operations[following]
            if not (_normalises(operation) or only_moves(operation)) or len(operation.inputs) != 1:
                break
            found.append(following)
            value = operation.outputs[0]
        while found and not _normalises(graph.operations[found[-1]]):
            found.pop()
        return found

    depths, heights = _depths(graph), _heights(graph, heads)
    groups: dict[int, Group] = {}
    taken: set[int] = set()

    def add(before: Sequence[int], core: int, behind: Sequence[int]) -> None:
        positions = (*before, core, *behind)
        operations = tuple(graph.operations[p] for p in positions)
        groups[positions[-1]] = Group(positions, operations, len(before), depths[core], heights[core])  # type: ignore[arg-type]

    for position, operation in enumerate(graph.operations):
        if not has_kernel(operation):
            if isinstance(operation, Linear) and not only_moves(operation) and position not in taken:
                add((), position, ())
            continue
        before: list[int] = []
        value = operation.inputs[0]
        while len(operation.inputs) == 1 and value in producer and producer[value] not in taken:
            earlier = graph.operations[producer[value]]
            if not (_normalises(earlier) or only_moves(earlier)) or len(earlier.inputs) != 1:
                break
            before.insert(0, producer[value])
            value = earlier.inputs[0]
        while before and not _normalises(graph.operations[before[0]]):
            before.pop(0)
        behind = after(position)
        taken.update(behind)
        add(before, position, behind)
    return groups


def _depths(graph: Graph) -> dict[int, int]:
    """Return for each operation the most layers with weights on a way from the sequence, itself included."""
    deepest: dict[int, int] = {}
    found: dict[int, int] = {}
    for position, operation in enumerate(graph.operations):
        below = max((deepest.get(v, 0) for v in operation.inputs), default=0)
        found[position] = below + _is_layer(operation)
        deepest.update(dict.fromkeys(operation.outputs, found[position]))
    return found


def _heights(graph: Graph, heads: Sequence[int]) -> dict[int, int]:
    """Return for each operation the most layers with weights on a way to a head, itself included."""
    highest: dict[int, int] = {}
    found: dict[int, int] = {}
    needed = set(graph.needed_for(heads))
    for position in reversed(range(len(graph.operations))):
        operation = graph.operations[position]
        above = max((highest.get(v, 0) for v in operation.outputs), default=0)
        found[position] = above + _is_layer(operation)
        if position in needed:
            for v in operation.inputs:
                highest[v] = max(highest.get(v, 0), found[position])
    return found


def not_negative(graph: Graph) -> set[int]:
    """Return values that are never negative, whatever the sequence: those after a ReLU, and what sums or moves them."""
    found: set[int] = set()
    for operation in graph.operations:
        # the layer of that name may have a slope below 0
        rectified = getattr(operation, "label", "") in NEVER_NEGATIVE and operation.layer_class != "ReLU"
        keeps = type(operation) in (Structural, AveragePool) and not _shifts(operation)
        keeps |= operation.kind in (Kind.MAX_POOL, Kind.MAXIMUM)
        if rectified or (keeps and found.issuperset(operation.inputs)):
            found.update(operation.outputs)
    return found
