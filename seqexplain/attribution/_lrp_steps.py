"""How relevance passes each operation: the steps of a sweep."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from seqexplain.attribution._deeplift_rules import max_pool_winner
from seqexplain.attribution._lrp_bound import bind
from seqexplain.attribution._lrp_choice import choose_rules, spread
from seqexplain.attribution._lrp_groups import Group, linear_groups, not_negative
from seqexplain.attribution._lrp_passes import ABSORBED, needs_output, pass_group, pass_sum
from seqexplain.attribution._lrp_products import Weighers, constant_step, product_step, select_step
from seqexplain.attribution._propagation import Choose, Shapes, Step, absorbed_of, rule_step, transpose_step
from seqexplain.attribution._scan_step import scan_step
from seqexplain.attribution.lrp_rules import Rule
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.graph import Graph, WeightList
from seqexplain.models.joint_operations import Product, Select
from seqexplain.models.operations import Kind, Linear, Maximum, MaxPool, Operation
from seqexplain.models.scan_operation import Scan


def lrp_steps(
    graph: Graph, groups: Mapping[int, Group], rules: Mapping[int, Rule], pooling: str, varying: Collection[int]
) -> Choose:
    """Return the step of each operation.

    Parameters
    ----------
    graph
        The flattened model.
    groups
        Its groups of linear operations, by the position of their last.
    rules
        Of each group, and of what is inside each recurrent layer.
    pooling
        `"winner"` or `"proportional"`.
    varying
        Values that depend on what is explained.
    """
    weighers = Weighers(graph, varying)
    unsigned = not_negative(graph)
    pool = max_pool_winner if pooling == "winner" else max_pool_proportional

    def choose(position: int, operation: Operation) -> Step | None:
        if position in groups:
            group = groups[position]
            return _group_step(position, group, rules[position], unsigned.issuperset(group.inputs))
        if isinstance(operation, Linear):  # moves values, or is passed with the group that it belongs to
            return transpose_step(position, operation)
        if operation.kind is Kind.ELEMENTWISE:
            return Step(position, operation.inputs, (), lambda weights, shapes, x, r, m: [m], "pass")
        if operation.kind is Kind.MAX_POOL:
            return rule_step(position, operation, pool)
        if operation.kind is Kind.MAXIMUM:
            return rule_step(position, operation, maximum_winner)
        if isinstance(operation, Product):
            return product_step(position, operation, weighers.signals(operation))
        if isinstance(operation, Scan):
            return scan_step(position, operation, _inside(operation, rules[position], pooling))
        if isinstance(operation, Select):
            return select_step(position, operation)
        return constant_step(position) if operation in weighers.softmaxes else None

    return choose


def _inside(operation: Scan, rule: Rule, pooling: str) -> Choose:
    """Return the steps inside a recurrent layer: one rule for all that is linear there."""
    body = operation.body
    groups = linear_groups(body, body.outputs)
    return lrp_steps(body, groups, choose_rules(body, groups, spread(rule)), pooling, operation.varying)


def _group_step(position: int, group: Group, rule: Rule, unsigned: bool) -> Step:
    passes = pass_sum if group.kind == "sums" else pass_group
    looks = needs_output(rule)

    def run(weights: WeightList, shapes: Shapes, x: Sequence[Tensor], _: Sequence[Tensor], m: Tensor) -> list[Tensor]:
        inputs, z = (x[:-1], x[-1]) if looks else (x, None)
        passed = passes(rule, bind(group, weights, shapes, unsigned), inputs, z, m)
        return [*passed.inputs, absorbed_of(passed.absorbed)]

    reads = (*group.inputs, group.output) if looks else group.inputs
    return Step(position, (*group.inputs, ABSORBED), reads, run, rule.name)


def max_pool_proportional(
    operation: MaxPool, weights: Mapping[str, Tensor], x: Sequence[Tensor], reference: Sequence[Tensor], m: Tensor
) -> list[Tensor]:
    """Max pooling as if it were a sum: in proportion to what is positive; all to the winner where nothing is."""
    a = operation.windows(x[0], first=2)
    above = ops.maximum(a, 0.0)
    total = ops.sum(above, axis=-2, keepdims=True)
    some = total > 0
    share = ops.where(some, above / ops.where(some, total, 1.0), 0.0)
    spread = operation.scatter(share * ops.expand_dims(m, -2), x[0].shape[2:-1], first=3)
    rest = ops.where(ops.squeeze(some, -2), 0.0, m)
    return [spread + max_pool_winner(operation, weights, x, reference, rest)[0]]


def maximum_winner(
    operation: Maximum, weights: Mapping[str, Tensor], x: Sequence[Tensor], reference: Sequence[Tensor], m: Tensor
) -> list[Tensor]:
    """Maximum of several inputs: all to the winner, of equals to the first."""
    top = operation.sign * x[0]
    for t in x[1:]:
        top = ops.maximum(top, operation.sign * t)
    left = ops.ones_like(top, dtype="bool")
    results = []
    for t in x:
        won = ops.logical_and(left, operation.sign * t == top)
        left = ops.logical_and(left, ops.logical_not(won))
        part = ops.where(won, m, 0.0)
        axes = [3 + i for i, n in enumerate(t.shape[2:]) if n == 1 and part.shape[3 + i] != 1]  # repeated to fit
        results.append(ops.sum(part, axis=axes, keepdims=True) if axes else part)
    return results
