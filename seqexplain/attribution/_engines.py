"""How each engine of this room passes each operation of a model, with the methods' defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seqexplain.attribution._propagation import Choose
    from seqexplain.models.sequence_model import SequenceModel


def _deeplift(model: SequenceModel) -> Choose:
    from seqexplain.attribution._deeplift_job import choose_steps

    return choose_steps(model.graph, "rescale", "complete")


def _lrp(model: SequenceModel) -> Choose:
    from seqexplain.attribution._lrp_choice import DEFAULT, choose_rules
    from seqexplain.attribution._lrp_groups import linear_groups
    from seqexplain.attribution._lrp_steps import lrp_steps

    graph = model.graph
    groups = linear_groups(graph, [head.value for head in model.heads_at("logit")])
    rules = choose_rules(graph, groups, DEFAULT)
    return lrp_steps(graph, groups, rules, "winner", graph.reached_from(graph.inputs[0]))


def _guided(model: SequenceModel) -> Choose:
    from seqexplain.attribution._modified_backward import choose_guided

    return choose_guided


def _deconvnet(model: SequenceModel) -> Choose:
    from seqexplain.attribution._modified_backward import choose_deconvolved

    return choose_deconvolved


def _gradients(model: SequenceModel) -> Choose:
    from seqexplain.attribution._gradient_rules import choose_gradient

    return choose_gradient


_ENGINES: Mapping[str, Callable[[SequenceModel], Choose]] = {
    "deeplift": _deeplift,
    "lrp": _lrp,
    "guided_backprop": _guided,
    "deconvnet": _deconvnet,
    "gradients": _gradients,
}


def rules_by_engine(model: SequenceModel) -> dict[str, list[str | None]]:
    """Return how each engine passes each operation of a model, with the methods' defaults.

    Returns
    -------
    dict
        For `deeplift` and so on, and `gradients` for all methods that use plain gradients: the name of the rule of each
        operation in `model.graph.operations`, `"with the next"` where another one's rule passes it as well, None where
        it has none.
    """
    from seqexplain.attribution._propagation import reached

    graph = model.graph
    found = {}
    for name, chooser in _ENGINES.items():
        choose = chooser(model)
        steps = [choose(position, operation) for position, operation in enumerate(graph.operations)]
        backward = [step for step in reversed(steps) if step is not None]
        # where an operation has no rule, what is before it counts as reached
        missing = {v for s, op in zip(steps, graph.operations, strict=True) if s is None for v in op.inputs}
        alone = {
            s.position for s in reached(graph, backward, missing.union(graph.outputs), set(range(len(graph.shapes))))
        }
        found[name] = [
            None if step is None or step.missing else step.label if step.position in alone else "with the next"
            for step in steps
        ]
    return found
