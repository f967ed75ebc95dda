"""Do contributions add up, and where do they stop to?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from seqexplain._completeness import MAGNITUDE_TOLERANCE as MAGNITUDE_TOLERANCE
from seqexplain._completeness import RELATIVE_TOLERANCE as RELATIVE_TOLERANCE
from seqexplain._completeness import holds as holds
from seqexplain.attribution._propagation import Plan, sweep
from seqexplain.models.backend import Tensor, ops, to_numpy
from seqexplain.models.graph import WeightList
from seqexplain.models.operations import Operation


def worst_operation(
    plan: Plan,
    weights: WeightList,
    x: Tensor,
    reference: Tensor,
    extra: Mapping[str, Tensor],
    start: Callable[[list[Tensor]], list[Tensor]],
    shapes: Mapping[int, Sequence[int]],
) -> str:
    """Return a description of the operation that loses most for one sequence–reference pair `(1, L, 4)` each.

    `start` gives what begins at the heads, of their values at x, `(1, 1, *head)`.
    """
    graph = plan.graph
    at_x = graph.run(weights, plan.model.feeds(x, extra), plan.forward)
    at_r = graph.run(weights, plan.model.feeds(reference, extra), plan.forward)
    losses: list[tuple[float, Operation]] = []

    def contribution(m: Tensor, value: int) -> float:
        delta = to_numpy(at_x[value]).astype(np.float64) - to_numpy(at_r[value]).astype(np.float64)
        return float((to_numpy(m).astype(np.float64) * delta).sum())

    def observe(operation: Operation, m: Any, inputs: Sequence[int], results: Sequence[Tensor]) -> None:
        arrived = m if isinstance(m, list) else [m]
        out = sum(contribution(a, v) for a, v in zip(arrived, operation.outputs, strict=True) if a is not None)
        into = sum(
            contribution(result, value) for result, value in zip(results, inputs, strict=True) if value in plan.varying
        )
        losses.append((abs(out - into), operation))

    saved = (
        [ops.expand_dims(at_x[v], 1) for v in plan.saved],
        [ops.expand_dims(at_r[v], 1) for v in plan.saved],
    )
    heads = [ops.expand_dims(at_x[v], 1) for v in plan.heads]
    sweep(plan, weights, *saved, start(heads), shapes, observe)
    loss, operation = max(losses, key=lambda pair: pair[0])
    return f"{operation.name!r} ({operation.layer_class}, {loss:.3g})"
