"""All methods of this room by name: the job and options of each, and how each engine passes an operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

from seqexplain.errors import ParameterError

if TYPE_CHECKING:
    from seqexplain.attribution._job import Job, JobOptions
    from seqexplain.attribution._propagation import Choose
    from seqexplain.models.sequence_model import SequenceModel

_HOME = "seqexplain.attribution"


@dataclass(frozen=True)
class MethodEntry:
    """One method.

    Attributes
    ----------
    name
        As its function is called.
    module, job, options
        Where its job lives, and the names of the two classes; options that are everyone's live with `Job`.
    summary
        What it computes, in a few words.
    """

    name: str
    module: str
    job: str
    options: str
    summary: str

    def classes(self) -> tuple[type[Job], type[JobOptions]]:
        """Import and return the class of the job and that of its options."""
        home = import_module(f"{_HOME}.{self.module}")
        shared = import_module(f"{_HOME}._job")
        return getattr(home, self.job), getattr(home, self.options, None) or getattr(shared, self.options)

    def parameters(self) -> dict[str, Any]:
        """Return the parameters that the method takes, with their defaults."""
        return {f.name: f.default for f in fields(self.classes()[1]) if f.init}


_ENTRIES = (
    MethodEntry("deeplift", "_deeplift_job", "DeepLift", "DeepLiftOptions", "differences from references that add up"),
    MethodEntry("lrp", "_lrp_job", "Lrp", "LrpOptions", "the score itself, handed down layer by layer"),
    MethodEntry("saliency", "_gradient_job", "Saliency", "SaliencyOptions", "size of the gradient"),
    MethodEntry("input_x_gradient", "_gradient_job", "InputXGradient", "GradientOptions", "gradient at the base"),
    MethodEntry(
        "integrated_gradients",
        "_integrated_gradients_job",
        "IntegratedGradients",
        "IntegratedGradientsOptions",
        "gradients along paths from references, which add up",
    ),
    MethodEntry(
        "expected_gradients",
        "_expected_gradients_job",
        "ExpectedGradients",
        "ExpectedGradientsOptions",
        "gradients at random points of such paths",
    ),
    MethodEntry(
        "simple_taylor_decomposition",
        "_expected_gradients_job",
        "SimpleTaylorDecomposition",
        "TaylorOptions",
        "first-order terms around a root point",
    ),
    MethodEntry("smooth_grad", "_smooth_grad_job", "SmoothGrad", "SmoothGradOptions", "gradients under noise"),
    MethodEntry(
        "sensitivity_analysis", "_gradient_job", "SensitivityAnalysis", "GradientOptions", "square of the gradient"
    ),
    MethodEntry("guided_backprop", "_modified_backward", "GuidedBackprop", "JobOptions", "gradients of what supports"),
    MethodEntry("deconvnet", "_modified_backward", "DeconvNet", "JobOptions", "signals run back through the filters"),
    MethodEntry(
        "grad_cam", "_class_activation_job", "GradCam", "ActivationOptions", "where channels that matter are active"
    ),
    MethodEntry(
        "guided_grad_cam", "_class_activation_job", "GuidedGradCam", "ActivationOptions", "guided_backprop × grad_cam"
    ),
    MethodEntry("cam", "_class_activation_job", "ClassActivation", "CamOptions", "shares of a global average"),
)
CATALOGUE: Mapping[str, MethodEntry] = {entry.name: entry for entry in _ENTRIES}


def find_method(name: str) -> MethodEntry:
    """Return a method by its name.

    Raises
    ------
    ParameterError
        When there is none of this name.
    """
    if name not in CATALOGUE:
        raise ParameterError(f"There is no method {name!r}; there are: {', '.join(CATALOGUE)}.")
    return CATALOGUE[name]


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
