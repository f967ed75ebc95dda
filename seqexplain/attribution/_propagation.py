"""The propagation engine: one forward pass, then an explicit reverse sweep, one step an operation.

A method chooses the step of each operation: which values its rule looks at, and how what has arrived at the operation's
output goes on to its inputs. What is propagated is a multiplier (DeepLIFT), a gradient or relevance (LRP); the engine
adds up what arrives at a value and knows no more.

Axes. Activations have two leading axes, (sequences, references), either of which may be 1; what is propagated has
three, (targets, sequences, references). Everything broadcasts, so the explained sequence is computed once for all its
references, constant references once for all sequences, and several targets share both.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqexplain.attribution._chains import BoundChain, Chain
from seqexplain.errors import UnsupportedLayerError
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.graph import Graph, WeightList
from seqexplain.models.operations import Kind, Linear, Operation
from seqexplain.models.sequence_model import SequenceModel

Rule = Callable[[Any, Mapping[str, Tensor], Sequence[Tensor], Sequence[Tensor], Tensor], list[Tensor]]
"""`rule(operation, weights, inputs at x, inputs at the reference, multiplier of the output)` -> those of the inputs.

A method that looks at x alone has no inputs at the reference: the list is empty. Of an operation with several outputs
the multiplier is a list, with None for an output that nothing reads.
"""

FusedRule = Callable[[Any, Mapping[str, Tensor], BoundChain, Sequence[Tensor], Sequence[Tensor], Tensor], list[Tensor]]
"""As `Rule`, with the linear operations before an activation: first input its own, the others those of the chain."""

Shapes = Mapping[int, Sequence[int]]  # of each value, one example

NOWHERE = -1
"""Stands among the inputs of a step for what goes to no value (see `absorbed_of`); sweeps leave it to who observes."""

Pass = Callable[[WeightList, Shapes, Sequence[Tensor], Sequence[Tensor], Any], list[Tensor]]


@dataclass(frozen=True, eq=False)
class Step:
    """How one operation is passed.

    Attributes
    ----------
    position
        Of the operation whose output has been reached.
    inputs
        Values that the result goes to: the operation's inputs, or those of the operations fused with it; `NOWHERE`
        where something goes to none.
    reads
        Values that the rule looks at.
    run
        `run(weights, shapes, reads at x, reads at the reference, m)` -> one tensor for each of `inputs`.
    label
        What the rule is called, for people.
    proportional
        Whether each result is m, element by element, times a factor that does not depend on m.
    missing
        Operations inside this one that the method has no rule for.
    """

    position: int
    inputs: tuple[int, ...]
    reads: tuple[int, ...]
    run: Pass
    label: str = ""
    proportional: bool = False
    missing: tuple[Operation, ...] = ()


def absorbed_of(lost: Tensor) -> Tensor:
    """Return the sum and the size of what goes to no value, `(2, targets, sequences, references)`.

    `lost` is `(targets, sequences, references, *shape)`; the size is the sum of absolute values.
    """
    axes = tuple(range(3, len(lost.shape)))
    return ops.stack([ops.sum(lost, axis=axes), ops.sum(ops.abs(lost), axis=axes)])


Choose = Callable[[int, Operation], Step | None]
"""Returns the step of an operation, by its position; None where the method has no rule for it."""


def transpose_step(position: int, operation: Linear) -> Step:
    """Pass a linear operation by its transpose: what multipliers and gradients have in common."""

    def run(weights: WeightList, shapes: Shapes, x: Sequence[Tensor], _: Sequence[Tensor], m: Tensor) -> list[Tensor]:
        lead = tuple(m.shape[:3])
        core = [shapes[v] for v in operation.inputs]
        parts = operation.transpose(weights[position], ops.reshape(m, (-1, *m.shape[3:])), core)
        return [ops.reshape(p, (*lead, *s)) for p, s in zip(parts, core, strict=True)]

    return Step(position, operation.inputs, (), run, "transpose")


def rule_step(position: int, operation: Operation, rule: Rule, *, proportional: bool = False) -> Step:
    """Pass an operation by a rule that looks at its inputs."""

    def run(weights: WeightList, shapes: Shapes, x: Sequence[Tensor], r: Sequence[Tensor], m: Any) -> list[Tensor]:
        return rule(operation, weights[position], x, r, m)

    return Step(position, operation.inputs, operation.inputs, run, label_of(rule), proportional)


def fused_step(position: int, operation: Operation, chain: Chain, rule: FusedRule) -> Step:
    """Pass an activation together with the linear operations before it."""

    def run(weights: WeightList, shapes: Shapes, x: Sequence[Tensor], r: Sequence[Tensor], m: Any) -> list[Tensor]:
        return rule(operation, weights[position], chain.bind(weights, shapes), x, r, m)

    return Step(position, chain.inputs, (*operation.inputs, *chain.inputs), run, label_of(rule))


def label_of(rule: Callable[..., Any]) -> str:
    """Return what a rule is called, for people: its name."""
    return str(getattr(rule, "__name__", type(rule).__name__)).replace("_", " ")


def by_kind(rules: Mapping[Kind, Rule], proportional: Container[Kind] = ()) -> Choose:
    """Choose each operation's rule by its kind; linear operations are passed by their transpose.

    `proportional` are the kinds whose rules multiply m by a factor that does not depend on m.
    """

    def choose(position: int, operation: Operation) -> Step | None:
        if operation.kind in rules:
            rule, simple = rules[operation.kind], operation.kind in proportional
            return rule_step(position, operation, rule, proportional=simple)
        return transpose_step(position, operation) if isinstance(operation, Linear) else None

    return choose


@dataclass(frozen=True, eq=False)
class Plan:
    """What a sweep over one model, for certain heads, computes and keeps.

    Attributes
    ----------
    model
        The model.
    graph
        Its operations; those of `model.graph`, unless the call has rules for whole layers.
    heads
        Values in the graph that the targets read.
    source
        The value that is explained: the sequence, or a hidden layer.
    forward
        Positions of the operations that the heads need.
    steps
        Of the operations between the source and the heads, last first.
    saved
        Values that rules look at again.
    varying
        Values that depend on the source.
    key
        Tells the plan from others of the same model: what is compiled is kept under it.
    """

    model: SequenceModel
    graph: Graph
    heads: tuple[int, ...]
    source: int
    forward: tuple[int, ...]
    steps: tuple[Step, ...]
    saved: tuple[int, ...]
    varying: frozenset[int]
    key: Hashable


def make_plan(
    model: SequenceModel,
    heads: Sequence[int],
    choose: Choose,
    method: str,
    key: Hashable = None,
    *,
    graph: Graph | None = None,
    source: int | None = None,
    keep: Sequence[int] = (),
) -> Plan:
    """Plan a sweep, and refuse a model that it cannot explain before anything is computed.

    Parameters
    ----------
    model
        The model.
    heads
        Values that the targets read.
    choose
        The method's step for each operation.
    method
        Its name, for messages.
    key
        What the steps depend on beside the method: its options.
    graph
        Instead of the model's own: one that keeps layers whole for which the call has rules.
    source
        The value to explain; default the sequence.
    keep
        Values to save beside those that rules look at.

    Raises
    ------
    UnsupportedLayerError
        When an operation between the source and the target has no rule.
    """
    graph = graph or model.graph
    source = graph.inputs[0] if source is None else source
    forward = graph.needed_for(heads)
    varying = frozenset(graph.reached_from(source))
    steps, missing = choose_all(graph, forward, heads, varying, choose)
    if missing:
        raise UnsupportedLayerError(_explain_missing(missing, method, model.name))
    saved = tuple(dict.fromkeys([*(v for step in steps for v in step.reads), *keep]))
    key = (method, key, tuple(heads), source, saved, len(graph.operations))
    return Plan(model, graph, tuple(heads), source, tuple(forward), tuple(steps), saved, varying, key)


def choose_all(
    graph: Graph, positions: Sequence[int], heads: Sequence[int], varying: frozenset[int], choose: Choose
) -> tuple[list[Step], list[Operation]]:
    """Return the steps from some heads backwards, and the operations that the method has no rule for.

    `positions` are those of the operations that the heads need; only operations that read what varies have a step.
    Operations that another one's fused step passes with it are left out.
    """
    steps: list[Step] = []
    missing: list[Operation] = []
    for position in reversed(positions):
        operation = graph.operations[position]
        if not varying.intersection(operation.inputs):
            continue
        step = choose(position, operation)
        if step is None:
            missing.insert(0, operation)
        else:
            missing[:0] = step.missing
            steps.append(step)
    return reached(graph, steps, heads, varying), missing


def reached(graph: Graph, steps: Sequence[Step], heads: Iterable[int], varying: Container[int]) -> list[Step]:
    """Leave out the operations that another one's fused step passes with it."""
    seen, kept = set(heads), []
    for step in steps:
        if seen.intersection(graph.operations[step.position].outputs):
            seen.update(v for v in step.inputs if v in varying)
            kept.append(step)
    return kept


def _explain_missing(missing: Sequence[Operation], method: str, model: str) -> str:
    listed = "; ".join(f"layer {op.layer!r} ({op.layer_class})" for op in missing)
    softmax = all(op.kind is Kind.SOFTMAX for op in missing)
    advice = (
        'Where the softmax ends the model, explain the logit below it: level="logit".'
        if softmax
        else "If it is a layer of your own, say what it is made of with seqexplain.register_decomposition, or give "
        f"deeplift or lrp a rule: rules={{{missing[0].layer_class}: rule}}. Otherwise replace it by layers that have a "
        "rule (the README lists them), or use a method of plain gradients (integrated_gradients, say) or one that only "
        "edits sequences."
    )
    return f"{method} has no rule for {listed} of the model {model!r}. {advice}"


def forward_pass(
    plan: Plan, weights: WeightList, x: Tensor, extra: Mapping[str, Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Compute the saved values and the heads' values for a batch `(b, L, 4)`."""
    values = plan.graph.run(weights, plan.model.feeds(x, extra), plan.forward)
    return [values[v] for v in plan.saved], [values[v] for v in plan.heads]


def sweep(
    plan: Plan,
    weights: WeightList,
    at_x: Sequence[Tensor],
    at_reference: Sequence[Tensor],
    start: Sequence[Tensor],
    shapes: Shapes,
    observe: Callable[[Operation, Any, Sequence[int], Sequence[Tensor]], None] | None = None,
) -> Tensor:
    """Propagate from the targets to the source.

    Parameters
    ----------
    at_x, at_reference
        The saved values, with leading axes (sequences, references); no reference for a method without any.
    start
        For each head what begins there, `(targets, sequences or 1, references or 1, *shape of the head)`.
    shapes
        Shape of each value, one example.
    observe
        Called with each operation, what has arrived at its output, the values that it leads to and what they get.

    Returns
    -------
    Tensor
        What has arrived at the source, `(targets, sequences or 1, references or 1, *its shape)`.
    """
    graph = plan.graph
    x_values = dict(zip(plan.saved, at_x, strict=True))
    reference_values = dict(zip(plan.saved, at_reference, strict=True)) if at_reference else {}
    arrived: dict[int, Tensor] = {}

    def collect(value: int, m: Tensor) -> None:
        arrived[value] = arrived[value] + m if value in arrived else m

    for head, m in zip(plan.heads, start, strict=True):
        collect(head, m)
    for step in plan.steps:
        operation = graph.operations[step.position]
        outputs = [arrived.get(v) for v in operation.outputs]
        if all(m is None for m in outputs):  # nothing that is explained depends on this
            continue
        m = outputs[0] if len(outputs) == 1 else outputs
        results = step.run(
            weights,
            shapes,
            [x_values[v] for v in step.reads],
            [reference_values[v] for v in step.reads] if at_reference else [],
            m,
        )
        if observe is not None:
            observe(operation, m, step.inputs, results)
        for v in operation.outputs:
            if v != plan.source:
                arrived.pop(v, None)
        for value, result in zip(step.inputs, results, strict=True):
            if value in plan.varying:
                collect(value, result)
    if plan.source not in arrived:
        return ops.zeros((start[0].shape[0], 1, 1, *shapes[plan.source]))
    return arrived[plan.source]


def target_values(heads: Sequence[Tensor], weights: Sequence[Tensor], offsets: Tensor) -> Tensor:
    """Return the targets' values, `(targets, sequences, references)`.

    `heads` are `(sequences or 1, references, *shape)` each, `weights` `(targets, sequences or 1, 1, *shape)`.
    """
    total = ops.reshape(offsets, (-1, 1, 1))
    for value, w in zip(heads, weights, strict=True):
        product = ops.expand_dims(value, 0) * w
        total = total + ops.sum(product, axis=tuple(range(3, len(product.shape))))
    return total
