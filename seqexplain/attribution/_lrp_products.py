"""Relevance at products: gates, attention, normalisation.

The literature treats what weighs a signal as a constant: relevance goes to the signal alone. That holds for gates
(Arras et al. 2017), for the weights of attention and the divisor of a layer normalisation (Ali et al. 2022). Of two
signals each gets half (Achtibat et al. 2024).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from seqexplain.attribution._lrp_passes import ABSORBED, TINY
from seqexplain.attribution._product_rules import _flatten, _sum_repeated
from seqexplain.attribution._propagation import Shapes, Step, absorbed_of
from seqexplain.models.backend import Tensor, ops, vjp
from seqexplain.models.graph import Graph, WeightList
from seqexplain.models.joint_operations import Product, Select
from seqexplain.models.joint_operations import Step as Jumps
from seqexplain.models.operations import Elementwise, Linear, Operation, Softmax

GATES = ("sigmoid", "hard_sigmoid", "sparse_sigmoid")
DIVISORS = ("rsqrt", "reciprocal")


class Weighers:
    """Which factor of each product weighs the other one.

    Parameters
    ----------
    graph
        The flattened model.
    varying
        Values that depend on what is explained.
    """

    def __init__(self, graph: Graph, varying: Collection[int]) -> None:
        self._varying = varying
        self._producer = {v: operation for operation in graph.operations for v in operation.outputs}
        self.softmaxes: set[Operation] = set()  # those that weigh something
        for operation in graph.operations:
            if isinstance(operation, Product):
                kept = self.signals(operation)
                for place, value in enumerate(operation.inputs):
                    source = self._source(value)
                    if place not in kept and isinstance(source, Softmax):
                        self.softmaxes.add(source)

    def signals(self, operation: Product) -> tuple[int, ...]:
        """Return the places of the factors that get relevance: one, or both."""
        first, second = (self._rank(v) for v in operation.inputs)
        if first == second:
            return (0, 1)
        return (0,) if first < second else (1,)

    def _rank(self, value: int) -> int:
        """Return how much a factor is a weight: 0 for a signal."""
        if value not in self._varying:
            return 3
        source = self._source(value)
        if isinstance(source, (Softmax, Jumps)) or getattr(source, "label", "") in DIVISORS:
            return 2
        return int(isinstance(source, Elementwise) and source.label in GATES)

    def _source(self, value: int) -> Operation | None:
        """Return what computes a value, before it is moved, scaled or repeated."""
        operation = self._producer.get(value)
        while isinstance(operation, Linear) and len(operation.inputs) == 1:
            if set(operation.read_weights()) - {"scale", "bias"}:
                break
            operation = self._producer.get(operation.inputs[0])
        return operation


def product_step(position: int, operation: Product, places: Sequence[int]) -> Step:
    """Pass a product to one factor, or half each to both: in proportion to the terms a_i b_j that make each output."""
    function = operation.function

    def run(weights: WeightList, shapes: Shapes, x: Sequence[Tensor], _: Sequence[Tensor], m: Tensor) -> list[Tensor]:
        share = m / len(places)
        if function is None:  # one term
            return [_sum_repeated(share, x[k].shape[2:]) for k in places]
        lead = (m.shape[0], *(max(sizes) for sizes in zip(m.shape[1:3], *(v.shape[:2] for v in x), strict=True)))
        a, b = (_flatten(v, lead) for v in x)
        y = function(a, b)
        share = ops.reshape(ops.broadcast_to(share, (*lead, *m.shape[3:])), (-1, *m.shape[3:]))
        nothing = ops.abs(y) <= TINY
        s = ops.where(nothing, 0.0, share / ops.where(nothing, 1.0, y))
        terms = {}
        if 0 in places:
            terms[0] = a * vjp(lambda t: function(t, b), [a], s)[0]
        if 1 in places:
            terms[1] = b * vjp(lambda t: function(a, t), [b], s)[0]
        lost = len(places) * ops.where(nothing, share, 0.0)
        results = [ops.reshape(terms[k], (*lead, *x[k].shape[2:])) for k in places]
        return [*results, absorbed_of(ops.reshape(lost, (*lead, *m.shape[3:])))]

    inputs = tuple(operation.inputs[k] for k in places)
    if function is not None:
        inputs = (*inputs, ABSORBED)
    label = "half to each" if len(places) > 1 else "to the signal"
    return Step(position, inputs, operation.inputs, run, label)


def select_step(position: int, operation: Select) -> Step:
    """Pass a choice to what was chosen; the mask gets nothing."""

    def run(weights: WeightList, shapes: Shapes, x: Sequence[Tensor], _: Sequence[Tensor], m: Tensor) -> list[Tensor]:
        chosen = x[0] != 0
        return [ops.where(chosen, m, 0.0), ops.where(chosen, 0.0, m)]

    return Step(position, operation.inputs[1:], operation.inputs[:1], run, "to the chosen")


def constant_step(position: int) -> Step:
    """Pass nothing: what arrives is absorbed."""

    def run(weights: WeightList, shapes: Shapes, x: Sequence[Tensor], _: Sequence[Tensor], m: Tensor) -> list[Tensor]:
        return [absorbed_of(m)]

    return Step(position, (ABSORBED,), (), run, "constant")
