"""All methods that explain a model base by base. A new method adds a row, and the whole contract is checked for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from seqexplain.attribution import (
    deconvnet,
    deeplift,
    expected_gradients,
    grad_cam,
    guided_backprop,
    guided_grad_cam,
    input_x_gradient,
    integrated_gradients,
    lrp,
    saliency,
    sensitivity_analysis,
    simple_taylor_decomposition,
    smooth_grad,
)
from seqexplain.perturbation import (
    in_silico_mutagenesis,
    kernel_shap,
    lime,
    meaningful_perturbation,
    occlusion,
    prediction_difference_analysis,
    sufficient_input_subsets,
    window_mutagenesis,
)


@dataclass(frozen=True)
class Method:
    """What the contract needs to know of a method.

    Attributes
    ----------
    run
        `run(model, X, *, target, batch_size, random_state, …) -> Attributions`.
    options
        Passed always; they make the method fast.
    complete
        Whether contributions add up to the difference from the references.
    references
        Whether it takes references.
    seeded
        Whether the seed matters.
    needs_rules
        Whether it refuses layers that it has no rule for.
    accounts
        Whether it distributes the score itself, and knows what of it no base gets.
    linear
        Whether what explains two targets explains their difference by its own difference.
    of_strands
        Whether the mean of the model over both strands is explained by the mean of what explains each.
    degree
        Power of the model's scale that scores go with: 2 for squares.
    repeats
        Of the largest score: how near scores are where another order of sums rounds otherwise. A choice of steps may
        turn on it.
    compiled
        Whether it is compiled in these tests; one method of each kind is, and all are on the command line's.
    subtracts
        Whether scores are differences of what the model says of whole sequences, and known as exactly as that is.
    slow
        Whether its tests are among the slow ones: another row has the same method with other options, or it is dear.
    """

    run: Callable[..., Any]
    options: dict[str, Any] = field(default_factory=dict)
    complete: bool = True
    references: bool = True
    seeded: bool = True
    needs_rules: bool = True
    accounts: bool = False
    linear: bool = True
    of_strands: bool = True
    degree: int = 1
    repeats: float = 2e-6
    compiled: bool = False
    subtracts: bool = False
    slow: bool = False

    def __call__(self, model: Any, X: Any, **options: Any) -> Any:
        return self.run(model, X, **{**self.options, **options})


def scores(result: Any) -> Any:
    """Return the scores of all four bases, or those of the observed one where a method has no others."""
    return result.contributions if result.hypothetical is None else result.hypothetical


def modified_backward(run: Callable[..., Any], **flags: Any) -> Method:
    """Gradients with another rule at rectifiers, which is not linear."""
    return Method(run, complete=False, references=False, seeded=False, linear=False, **flags)


def gradient(run: Callable[..., Any], *, linear: bool = True, degree: int = 1, **options: Any) -> Method:
    """Plain gradients, which every layer has; sizes and squares are not linear in them."""
    plain = Method(run, options, complete=False, references=False, seeded=False, needs_rules=False)
    return replace(plain, linear=linear, of_strands=linear, degree=degree)


def smoothed(variant: str) -> Method:
    """Noise follows the sequence, so each strand has its own."""
    plain = variant == "mean"
    method = gradient(smooth_grad, linear=plain, degree=1 if plain else 2, variant=variant, n_samples=3)
    return replace(method, seeded=True, of_strands=False)


def along_paths(run: Callable[..., Any], **options: Any) -> Method:
    """Gradients between reference and sequence, added up with what a fixed number of them can reach."""
    plain = Method(run, {"n_references": 3, **options}, complete=False, needs_rules=False)
    return replace(plain, of_strands=run is integrated_gradients)


def edited(run: Callable[..., Any], **options: Any) -> Method:
    """Scores of edited sequences, less that of the sequence: any model will do."""
    return Method(run, options, complete=False, references=False, seeded=False, needs_rules=False, subtracts=True)


def of_one_strand(run: Callable[..., Any], **options: Any) -> Method:
    """Edits that are drawn, or that depend on the direction in which the sequence is read."""
    return replace(edited(run, **options), seeded=True, of_strands=False)


def learned(run: Callable[..., Any], **options: Any) -> Method:
    """Masks: what of the sequence matters, without a unit, by steps that a kink may turn."""
    return replace(of_one_strand(run, **options), linear=False, degree=0, repeats=1e-3)


def complement(X: Any, n: int, random_state: int) -> Any:
    """Root points that have no base where the sequence has none."""
    return X[:, None, :, ::-1]


SHUFFLES = {"references": "dinucleotide", "tolerance": 1e3}  # of fixed steps no tolerance is asked
NEAR = {"references": "dinucleotide", "max_steps": 1 << 14}  # what kinks of small networks need


METHODS = {
    "deeplift": Method(deeplift, {"n_references": 3}),
    "guided backprop": modified_backward(guided_backprop),
    "deconvnet": modified_backward(deconvnet),
    "Grad-CAM": modified_backward(grad_cam, needs_rules=False),
    "guided Grad-CAM": modified_backward(guided_grad_cam, degree=2, of_strands=False),
    "saliency": gradient(saliency, linear=False),
    "signed saliency": gradient(saliency, signed=True, simplex_correction=True),
    "input x gradient": gradient(input_x_gradient),
    "sensitivity analysis": gradient(sensitivity_analysis, linear=False, degree=2),
    "smooth grad": smoothed("mean"),
    "smooth grad squared": smoothed("squared"),
    "smooth grad variance": smoothed("variance"),
    "lrp": Method(lrp, complete=False, references=False, seeded=False, accounts=True),
    "deep Taylor": Method(lrp, {"rule": "deep-taylor"}, complete=False, references=False, seeded=False, accounts=True),
    "integrated gradients": along_paths(integrated_gradients, steps=20, **SHUFFLES),
    "integrated gradients midpoint": along_paths(integrated_gradients, steps=3, quadrature="midpoint", **SHUFFLES),
    "integrated gradients auto": replace(
        along_paths(integrated_gradients, **NEAR), linear=False, of_strands=False, repeats=1e-3
    ),
    "expected gradients": along_paths(expected_gradients, samples=2),
    "simple taylor": gradient(simple_taylor_decomposition, root=complement),
    "in-silico mutagenesis": edited(in_silico_mutagenesis),
    "incremental mutagenesis": replace(
        edited(in_silico_mutagenesis, evaluation="incremental"), subtracts=False, slow=True
    ),
    "window mutagenesis": replace(
        edited(window_mutagenesis, window=4, stride=3, n_samples=2), seeded=True, of_strands=False
    ),
    "occlusion": edited(occlusion, window=3),
    "incremental occlusion": replace(edited(occlusion, window=3, evaluation="incremental"), subtracts=False, slow=True),
    "occlusion by shuffles": replace(
        of_one_strand(occlusion, window=4, stride=2, fill="mononucleotide", n_samples=2), slow=True
    ),
    "prediction difference": replace(of_one_strand(prediction_difference_analysis), seeded=False),
    "prediction difference sampled": replace(
        of_one_strand(prediction_difference_analysis, window=4, n_samples=3), slow=True
    ),
    "lime": of_one_strand(lime, window=2, fill="uniform", n_samples=20),
    "kernel SHAP": replace(of_one_strand(kernel_shap, window=3, fill="uniform", n_samples=14), seeded=False),
    "kernel SHAP sampled": replace(
        of_one_strand(kernel_shap, window=1, fill="mononucleotide", n_samples=30), slow=True
    ),
    # subsets are a choice of steps; 0 is the one threshold that goes with the model's scale
    "sufficient input subsets": replace(
        edited(sufficient_input_subsets, threshold=0.0),
        linear=False,
        of_strands=False,
        repeats=1e-3,
    ),
    "meaningful perturbation": replace(
        learned(meaningful_perturbation, steps=3, fill="mononucleotide", n_fills=2), slow=True
    ),
}
METHODS |= {name: replace(METHODS[name], compiled=True) for name in ("deeplift", "input x gradient", "lrp")}
