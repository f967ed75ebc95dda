"""All methods that explain base by base, by name: the job and the options of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from seqexplain.errors import ParameterError
from seqexplain.pipeline._explainer import Explainer

LOOKS_INSIDE, EDITS = "attribution", "perturbation"
_SHARED = {LOOKS_INSIDE: "_job", EDITS: "_scorer"}  # options that are everyone's live there


@dataclass(frozen=True)
class MethodEntry:
    """One method.

    Attributes
    ----------
    name
        As its function is called.
    module, job, options
        Where its job lives, and the names of the two classes.
    summary
        What it computes, in a few words.
    room
        Whether it looks inside of the model, or only edits sequences, which black boxes allow too.
    """

    name: str
    module: str
    job: str
    options: str
    summary: str
    room: str = LOOKS_INSIDE

    def classes(self) -> tuple[Callable[..., Explainer], type[Any]]:
        """Import and return the class of the job and that of its options."""
        home = import_module(f"seqexplain.{self.room}.{self.module}")
        shared = import_module(f"seqexplain.{self.room}.{_SHARED[self.room]}")
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
    MethodEntry(
        "in_silico_mutagenesis",
        "_in_silico_mutagenesis_job",
        "InSilicoMutagenesis",
        "InSilicoMutagenesisOptions",
        "what every substitution changes",
        EDITS,
    ),
    MethodEntry(
        "window_mutagenesis",
        "_window_mutagenesis_job",
        "WindowMutagenesis",
        "WindowMutagenesisOptions",
        "what k neighbouring bases are worth, when they are shuffled or replaced",
        EDITS,
    ),
    MethodEntry("occlusion", "_occlusion_job", "Occlusion", "OcclusionOptions", "what hiding windows changes", EDITS),
    MethodEntry(
        "prediction_difference_analysis",
        "_prediction_difference_job",
        "PredictionDifference",
        "PredictionDifferenceOptions",
        "score less its expectation, were windows not known",
        EDITS,
    ),
    MethodEntry(
        "meaningful_perturbation",
        "_meaningful_perturbation_job",
        "MeaningfulPerturbation",
        "MeaningfulPerturbationOptions",
        "smallest masks that take the score away, or keep it",
        EDITS,
    ),
    MethodEntry("lime", "_lime_job", "Lime", "LimeOptions", "a regression on random neighbours of the sequence", EDITS),
    MethodEntry(
        "kernel_shap", "_kernel_shap_job", "KernelShap", "KernelShapOptions", "Shapley values of windows", EDITS
    ),
)
CATALOGUE: Mapping[str, MethodEntry] = {entry.name: entry for entry in _ENTRIES}
# edits that `seqexplain ism` makes beside: their results are more than a score a base
OTHER_EDITS: Mapping[str, MethodEntry] = {
    "deletions": MethodEntry(
        "deletion_effects", "_moving_edits_job", "Deletions", "DeletionOptions", "what every deletion changes", EDITS
    ),
    "insertions": MethodEntry(
        "insertion_effects", "_moving_edits_job", "Insertions", "InsertionOptions", "what insertions change", EDITS
    ),
    "pairs": MethodEntry(
        "epistasis", "_moving_edits_job", "Pairs", "InSilicoMutagenesisOptions", "what two substitutions do together",
        EDITS,
    ),
}  # fmt: skip


def find_method(name: str) -> MethodEntry:
    """Return a method by its name.

    Raises
    ------
    ParameterError
        When there is none of this name.
    """
    if name not in CATALOGUE:
        close = get_close_matches(name, CATALOGUE, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ParameterError(f"There is no method {name!r}; there are: {', '.join(CATALOGUE)}.{hint}")
    return CATALOGUE[name]
