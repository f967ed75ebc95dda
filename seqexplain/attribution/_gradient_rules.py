"""Plain gradients, operation by operation, which every operation has: also those without a rule of another method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.attribution._deeplift_rules import max_pool_winner
from seqexplain.attribution._propagation import Choose, Rule, Step, rule_step, transpose_step
from seqexplain.attribution._scan_step import scan_step
from seqexplain.models.backend import Tensor, ops, vjp
from seqexplain.models.joint_operations import Stopped
from seqexplain.models.operations import Elementwise, Kind, Linear, Operation
from seqexplain.models.scan_operation import Scan


def elementwise(
    operation: Elementwise,
    weights: Mapping[str, Tensor],
    x: Sequence[Tensor],
    _: Sequence[Tensor],
    m: Tensor,
) -> list[Tensor]:
    """Chain rule: m_x = m_y · dy/dx."""
    return [m * operation.derivative(weights, x[0])]


def general(
    operation: Operation,
    weights: Mapping[str, Tensor],
    x: Sequence[Tensor],
    _: Sequence[Tensor],
    m: Any,
) -> list[Tensor]:
    """Vector–Jacobian product of whatever the operation computes, also of several outputs."""
    arrived = m if isinstance(m, list) else [m]
    present = [i for i, given in enumerate(arrived) if given is not None]
    targets = max(arrived[i].shape[0] for i in present)
    rows = [max([*(v.shape[axis] for v in x), *(arrived[i].shape[1 + axis] for i in present)]) for axis in (0, 1)]
    lead = (targets, *rows)

    def flat(tensor: Tensor, core: Sequence[int]) -> Tensor:
        return ops.reshape(ops.broadcast_to(tensor, (*lead, *core)), (-1, *core))

    primals = [flat(ops.expand_dims(v, 0), v.shape[2:]) for v in x]
    cotangents = [flat(arrived[i], arrived[i].shape[3:]) for i in present]

    def scalars(*inputs: Tensor) -> Tensor:
        outputs = operation.forward(weights, list(inputs))
        return sum(ops.sum(outputs[i] * c) for i, c in zip(present, cotangents, strict=True))

    gradients = vjp(scalars, primals, ops.ones(()))
    return [ops.reshape(g, (*lead, *v.shape[2:])) for g, v in zip(gradients, x, strict=True)]


def stopped(
    operation: Stopped,
    weights: Mapping[str, Tensor],
    x: Sequence[Tensor],
    _: Sequence[Tensor],
    m: Tensor,
) -> list[Tensor]:
    """`stop_gradient`: nothing goes on."""
    return [ops.zeros_like(m)]


GRADIENT_RULES: dict[Kind, Rule] = {Kind.ELEMENTWISE: elementwise, Kind.MAX_POOL: max_pool_winner}


def gradient_step(position: int, operation: Operation) -> Step:
    """Return the step of plain gradients for any operation."""
    if isinstance(operation, Stopped):
        return rule_step(position, operation, stopped)
    if isinstance(operation, Linear):
        return transpose_step(position, operation)
    if isinstance(operation, Scan):
        return scan_step(position, operation, gradient_step)
    simple = operation.kind is Kind.ELEMENTWISE
    return rule_step(position, operation, GRADIENT_RULES.get(operation.kind, general), proportional=simple)


choose_gradient: Choose = gradient_step
