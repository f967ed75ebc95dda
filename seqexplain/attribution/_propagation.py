"""The propagation engine: one forward pass, then an explicit reverse sweep with a rule for each kind of operation.

Axes. Activations have two leading axes, (sequences, references), either of which may be 1; multipliers have three,
(targets, sequences, references). Everything broadcasts, so the explained sequence is computed once for all its
references, constant references once for all sequences, and several targets share both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqexplain.attribution._chains import BoundChain, Chain
from seqexplain.errors import UnsupportedLayerError
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.graph import WeightList
from seqexplain.models.operations import Kind, Linear, Operation
from seqexplain.models.sequence_model import SequenceModel

Rule = Callable[[Any, Mapping[str, Tensor], Sequence[Tensor], Sequence[Tensor], Tensor], list[Tensor]]
"""`rule(operation, weights, inputs at x, inputs at the reference, multiplier of the output)` -> those of the inputs."""

FusedRule = Callable[[Any, Mapping[str, Tensor], BoundChain, Sequence[Tensor], Sequence[Tensor], Tensor], list[Tensor]]
"""As `Rule`, with the linear operations before an activation: first input its own, the others those of the chain."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What a sweep over one model, for certain heads, computes and keeps.

    Attributes
    ----------
    model
        The model.
    heads
        Values in the graph that the targets read.
    forward
        Positions of the operations that those values need.
    backward
        The part of them that depends on the sequence, in reverse order.
    saved
        Values that rules look at again: inputs of what is not linear.
    rules
        The rule of each kind that is not linear.
    fused
        For some activations the linear operations before them, which `fused_rule` passes together with them.
    fused_rule
        The rule of an activation together with the linear operations before it.
    """

    model: SequenceModel
    heads: tuple[int, ...]
    forward: tuple[int, ...]
    backward: tuple[int, ...]
    saved: tuple[int, ...]
    rules: Mapping[Kind, Rule]
    varying: frozenset[int]
    fused: Mapping[int, Chain]
    fused_rule: FusedRule | None


def make_plan(
    model: SequenceModel,
    heads: Sequence[int],
    rules: Mapping[Kind, Rule],
    method: str,
    fused: Mapping[int, Chain] | None = None,
    fused_rule: FusedRule | None = None,
) -> Plan:
    """Plan a sweep, and refuse a model that it cannot explain before anything is computed.

    Raises
    ------
    UnsupportedLayerError
        When an operation between the sequence and the target has no rule.
    """
    graph = model.graph
    forward = graph.needed_for(heads)
    varying = graph.reached_from(graph.inputs[0])
    backward = [p for p in reversed(forward) if varying.intersection(graph.operations[p].outputs)]
    missing = [
        graph.operations[p]
        for p in backward
        if graph.operations[p].kind is not Kind.LINEAR and graph.operations[p].kind not in rules
    ]
    if missing:
        raise UnsupportedLayerError(_explain_missing(missing[::-1], method, model.name))
    saved: list[int] = []
    for p in backward:
        operation = graph.operations[p]
        if operation.kind is not Kind.LINEAR:
            wanted = [*operation.inputs, *(fused[p].inputs if fused and p in fused else ())]
            saved += [v for v in wanted if v not in saved]
    return Plan(
        model,
        tuple(heads),
        tuple(forward),
        tuple(backward),
        tuple(saved),
        dict(rules),
        frozenset(varying),
        fused or {},
        fused_rule,
    )


def _explain_missing(missing: Sequence[Operation], method: str, model: str) -> str:
    listed = "; ".join(f"layer {op.layer!r} ({op.layer_class})" for op in missing)
    softmax = all(op.kind is Kind.SOFTMAX for op in missing)
    advice = (
        'Where the softmax ends the model, explain the logit below it: level="logit".'
        if softmax
        else "Replace it by layers that have a rule (the README lists them), or use a method that only edits sequences."
    )
    return f"{method} has no rule for {listed} of the model {model!r}. {advice}"


def forward_pass(
    plan: Plan, weights: WeightList, x: Tensor, extra: Mapping[str, Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Compute the saved values and the heads' values for a batch `(b, L, 4)`."""
    values = plan.model.graph.run(weights, plan.model.feeds(x, extra), plan.forward)
    return [values[v] for v in plan.saved], [values[v] for v in plan.heads]


def sweep(
    plan: Plan,
    weights: WeightList,
    at_x: Sequence[Tensor],
    at_reference: Sequence[Tensor],
    target_weights: Sequence[Tensor],
    shapes: Mapping[int, Sequence[int]],
    observe: Callable[[Operation, Tensor, Sequence[int], Sequence[Tensor]], None] | None = None,
) -> Tensor:
    """Propagate multipliers from the targets to the sequence.

    Parameters
    ----------
    at_x, at_reference
        The saved values, with leading axes (sequences, references).
    target_weights
        For each head `(targets, *shape of the head)`.
    shapes
        Shape of each value, one example.
    observe
        Called with each operation, the multiplier of its output, the values that it leads to and their multipliers.

    Returns
    -------
    Tensor
        Multipliers of the input, `(targets, sequences or 1, references or 1, L, 4)`.
    """
    graph = plan.model.graph
    x_values = dict(zip(plan.saved, at_x, strict=True))
    reference_values = dict(zip(plan.saved, at_reference, strict=True))
    multipliers: dict[int, Tensor] = {}

    def collect(value: int, m: Tensor) -> None:
        multipliers[value] = multipliers[value] + m if value in multipliers else m

    for head, w in zip(plan.heads, target_weights, strict=True):
        collect(head, ops.reshape(w, (w.shape[0], 1, 1, *w.shape[1:])))
    for position in plan.backward:
        operation = graph.operations[position]
        m = multipliers.pop(operation.outputs[0], None)
        if m is None:  # nothing that is explained depends on this
            continue
        inputs = operation.inputs
        if position in plan.fused and plan.fused_rule is not None:
            chain = plan.fused[position]
            inputs = chain.inputs
            results = plan.fused_rule(
                operation,
                weights[position],
                chain.bind(weights, shapes),
                [x_values[v] for v in (*operation.inputs, *inputs)],
                [reference_values[v] for v in (*operation.inputs, *inputs)],
                m,
            )
        elif isinstance(operation, Linear):
            lead = tuple(m.shape[:3])
            core_shapes = [shapes[v] for v in operation.inputs]
            flat = ops.reshape(m, (-1, *m.shape[3:]))
            parts = operation.transpose(weights[position], flat, core_shapes)
            results = [ops.reshape(p, (*lead, *s)) for p, s in zip(parts, core_shapes, strict=True)]
        else:
            rule = plan.rules[operation.kind]
            results = rule(
                operation,
                weights[position],
                [x_values[v] for v in operation.inputs],
                [reference_values[v] for v in operation.inputs],
                m,
            )
        if observe is not None:
            observe(operation, m, inputs, results)
        for value, result in zip(inputs, results, strict=True):
            if value in plan.varying:
                collect(value, result)
    sequence = graph.inputs[0]
    if sequence not in multipliers:
        return ops.zeros((target_weights[0].shape[0], 1, 1, *shapes[sequence]))
    return multipliers[sequence]


def target_values(heads: Sequence[Tensor], target_weights: Sequence[Tensor], offsets: Tensor) -> Tensor:
    """Return the targets' values for a batch of heads' values: `(targets, batch)`."""
    total = offsets[:, None]
    for value, w in zip(heads, target_weights, strict=True):
        flat = ops.reshape(value, (value.shape[0], -1))
        total = total + ops.matmul(ops.reshape(w, (w.shape[0], -1)), ops.transpose(flat))
    return total
