"""The primitive operation of recurrent layers: one time step, repeated along a sequence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from seqexplain.models.backend import Tensor, ops, scan
from seqexplain.models.graph import Graph, WeightList
from seqexplain.models.operations import Kind, Operation, Weights

_NO_BODY = Graph((), (), (), ())


@dataclass(frozen=True, eq=False)
class Scan(Operation):
    """`s_t, y_t = f(s_{t−1}, x_t)` along the first axis of an example.

    The input is a sequence x. Every output is the sequence of one value inside f, over all time steps.

    Attributes
    ----------
    body
        The operations of f; its inputs are x_t, then the states s_{t−1}. Their weights are the operation's, under
        `"position/name"`; the weight `"initial/k"`, with a batch axis of 1, is the state k before the first step.
    states
        Values in the body that the new states s_t are, in the order of the old ones.
    kept
        Values in the body that are outputs; the states are among them. Others spare whoever looks inside from computing
        all of f again.
    """

    kind: ClassVar[Kind] = Kind.SCAN
    body: Graph = field(default=_NO_BODY, repr=False)
    states: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()

    @property
    def old_states(self) -> tuple[int, ...]:
        """Values in the body that the old states are."""
        return self.body.inputs[1:]

    @cached_property
    def varying(self) -> frozenset[int]:
        """Values in the body that depend on the sequence or on a state."""
        return frozenset(v for i in self.body.inputs for v in self.body.reached_from(i))

    @cached_property
    def looped(self) -> frozenset[int]:
        """Values in the body that depend on a state; all others can be computed for all steps at once."""
        return frozenset(v for state in self.old_states for v in self.body.reached_from(state))

    @cached_property
    def loop(self) -> tuple[int, ...]:
        """Positions in the body that have to wait for the step before."""
        needed = self.body.needed_for(self.kept)
        return tuple(p for p in needed if self.looped.intersection(self.body.operations[p].outputs))

    @cached_property
    def ahead(self) -> tuple[int, ...]:
        """Positions in the body that do not."""
        return tuple(p for p in self.body.needed_for(self.kept) if p not in set(self.loop))

    @cached_property
    def fed(self) -> tuple[int, ...]:
        """Values that the loop takes from what was computed ahead."""
        read = [v for p in self.loop for v in self.body.operations[p].inputs]
        found = dict.fromkeys(v for v in (*read, *self.states) if v not in self.looped)
        return tuple(found) or self.body.inputs[:1]

    def body_weights(self, weights: Weights) -> WeightList:
        """Return the weights of each operation in the body."""
        found: WeightList = [{} for _ in self.body.operations]
        for name, value in weights.items():
            place, _, own = name.partition("/")
            if place != "initial":
                found[int(place)][own] = value
        return found

    def initial_state(self, weights: Weights, k: int, batch: int) -> Tensor:
        """Return a state before the first step, for a batch."""
        state = weights[f"initial/{k}"]
        return ops.broadcast_to(state, (batch, *state.shape[1:]))

    def compute(self, weights: Weights, known: dict[int, Tensor], wanted: Iterable[int]) -> dict[int, Tensor]:
        """Compute values in the body from those that are known, for any number of steps side by side in the batch."""
        missing, positions = {v for v in wanted if v not in known}, []
        for position in reversed(range(len(self.body.operations))):
            operation = self.body.operations[position]
            if missing.intersection(operation.outputs):
                missing.update(v for v in operation.inputs if v not in known)
                positions.append(position)
        return self.body.run(self.body_weights(weights), known, positions[::-1])

    def forward(self, weights: Weights, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Compute the sequences of all kept values for one batch."""
        x = ops.moveaxis(inputs[0], 1, 0)  # time first
        length, batch = x.shape[:2]
        flat = ops.reshape(x, (length * batch, *x.shape[2:]))
        inner = self.body_weights(weights)
        ahead = self.body.run(inner, {self.body.inputs[0]: flat}, self.ahead)
        kept = [v for v in self.kept if v in self.looped]

        def by_time(value: int) -> Tensor:
            return ops.reshape(ahead[value], (length, batch, *ahead[value].shape[1:]))

        def step(states: list[Tensor], given: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
            feeds = dict(zip((*self.old_states, *self.fed), (*states, *given), strict=True))
            values = self.body.run(inner, feeds, self.loop)
            return [values[v] for v in self.states], [values[v] for v in kept]

        begun = [self.initial_state(weights, k, batch) for k in range(len(self.states))]
        shapes = [(batch, *(int(n or 1) for n in self.body.shapes[v])) for v in kept]
        looped = dict(zip(kept, scan(step, begun, [by_time(v) for v in self.fed], shapes), strict=True))
        return [ops.moveaxis(looped[v] if v in looped else by_time(v), 0, 1) for v in self.kept]
