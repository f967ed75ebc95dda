"""Backward passes that are changed at rectifiers: guided backpropagation and the deconvolutional network.

Both are the gradient, but for what they do to the signal R_y that arrives at a rectifier's output: where it is negative
it goes no further. Guided backpropagation multiplies the rest by the rectifier's derivative, a deconvolutional network
does not look at the rectifier's input at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seqexplain.attribution._deeplift_rules import maximum as route
from seqexplain.attribution._gradient_rules import gradient_step
from seqexplain.attribution._propagation import Choose, Plan, Rule, Step, make_plan, rule_step
from seqexplain.attribution._scan_step import scan_step
from seqexplain.attribution._sequence_job import SequenceJob
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.operations import Elementwise, Kind, Maximum, Operation
from seqexplain.models.scan_operation import Scan

# Activations that pass what is large as it is and (nearly) stop what is small: they stand where the papers have a ReLU.
RECTIFIERS = frozenset(
    {
        "relu", "relu6", "leaky_relu", "prelu", "elu", "celu", "selu", "gelu", "silu", "hard_silu", "mish", "softplus",
        "squareplus", "sparse_plus", "threshold",
        "bent relu", "maximum",  # `keras.ops.relu` with options, and the maximum of a value and a constant
    }
)  # fmt: skip


def guided(
    operation: Elementwise,
    weights: Mapping[str, Tensor],
    x: Sequence[Tensor],
    _: Sequence[Tensor],
    m: Tensor,
) -> list[Tensor]:
    """Guided backpropagation at a rectifier: R_x = max(R_y, 0) · dy/dx; of a ReLU dy/dx is 1 where x > 0, else 0."""
    return [ops.relu(m) * operation.derivative(weights, x[0])]


def deconvolved(
    operation: Elementwise,
    weights: Mapping[str, Tensor],
    x: Sequence[Tensor],
    _: Sequence[Tensor],
    m: Tensor,
) -> list[Tensor]:
    """Deconvolutional network at a rectifier: R_x = max(R_y, 0), whatever x is."""
    return [ops.relu(m)]


def first_largest(
    operation: Maximum,
    weights: Mapping[str, Tensor],
    x: Sequence[Tensor],
    _: Sequence[Tensor],
    m: Tensor,
) -> list[Tensor]:
    """Maximum of several inputs: all to the largest, and to the first of equals, on every backend."""
    return route(operation, weights, x, x, m)


def modified(rule: Rule) -> Choose:
    """Return the steps of a backward pass that has this rule at rectifiers and is the gradient elsewhere.

    Layers that cannot be looked into are refused: they may hold rectifiers.
    """

    def choose(position: int, operation: Operation) -> Step | None:
        if operation.kind is Kind.OPAQUE:
            return None
        if isinstance(operation, Elementwise) and operation.label in RECTIFIERS:
            return rule_step(position, operation, rule)
        if isinstance(operation, Maximum):
            return rule_step(position, operation, first_largest)
        if isinstance(operation, Scan):
            return scan_step(position, operation, choose)
        return gradient_step(position, operation)

    return choose


choose_guided = modified(guided)
choose_deconvolved = modified(deconvolved)


class GuidedBackprop(SequenceJob):
    """A prepared job of guided backpropagation."""

    method = "guided_backprop"

    def _make_plan(self, heads: list[int]) -> Plan:
        return make_plan(self.model, heads, choose_guided, "guided_backprop")


class DeconvNet(SequenceJob):
    """A prepared job of the deconvolutional network."""

    method = "deconvnet"

    def _make_plan(self, heads: list[int]) -> Plan:
        return make_plan(self.model, heads, choose_deconvolved, "deconvnet")
