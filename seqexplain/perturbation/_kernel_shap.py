"""Kernel SHAP (Lundberg & Lee 2017), over windows of a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._kernel_shap_job import KernelShap, KernelShapOptions
from seqexplain.results import Attributions


def kernel_shap(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    window: int = 10,
    fill: Any = "shuffle",
    n_fills: int = 1,
    blur_sigma: float = 10.0,
    n_samples: int | None = None,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
    evaluation: str = "auto",
) -> Attributions:
    """Share out f(x) − f(filled) among windows by their Shapley values.

    With z ∈ {0, 1}^M telling which of M windows are present, and v(z) the score when the others are filled, the values
    φ minimise Σ_z π(z) (v(z) − v(∅) − φ·z)², π(z) = (M − 1) / (C(M, |z|) |z| (M − |z|)), under Σ φ = v(all) − v(∅),
    which holds exactly. Where `n_samples` allows all 2^M − 2 coalitions, φ are the Shapley values; else the smallest
    and largest coalitions are taken whole, and pairs of a coalition and its complement are drawn from the others.
    Windows lie side by side; a base gets an equal share of its window's value, so that contributions add up to
    f(x) − f(filled).

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model that reads `(L, 4)`; a black box serves as well.
    X
        `(n, L, 4)` one-hot, or `n` strings of one length.
    target
        What to explain: an index, `(head, index)`, `(layer, index)` for hidden units, `contrast(a, b)`, an affine
        callable, or a list of these. None where the model has a single value.
    window
        Width of the features in bp; the last may be shorter. 1 makes each base one.
    fill, blur_sigma
        What stands in absent windows, as for `occlusion`.
    n_fills
        Shuffles of each sequence; v(z) is the mean over them.
    n_samples
        Coalitions to score for each sequence, at least 2 M unless there are fewer. None: 2 M + 2,048.
    level
        `"logit"`: below a final sigmoid or softmax; `"output"`: the output itself.
    batch_size
        Sequences at a time; `"auto"` fits memory.
    random_state
        Seed of shuffles and coalitions. A sequence's depend on it and on the sequence alone.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own.
    evaluation
        `"auto"`, `"incremental"` or `"full"`; coalitions are not single edits, and are computed in full.

    Returns
    -------
    Attributions
        `contributions` `(n, L, 4)`, in the unit of the target. `diagnostics` `(n, 2)`: the weighted R² of the additive
        model, low where windows act together, and v(∅), the score of the sequence with all windows hidden.

    Raises
    ------
    ParameterError
        When an option has another value than those above, or windows do not fit.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X or an array of fills does not fit.

    References
    ----------
    Lundberg SM, Lee SI (2017). A unified approach to interpreting model predictions. NeurIPS.
    Covert I, Lee SI (2021). Improving KernelSHAP: practical Shapley value estimation using linear regression. AISTATS.
    """
    model, X = opened(model, X)
    options = KernelShapOptions(
        target=target,
        window=window,
        fill=fill,
        n_fills=n_fills,
        blur_sigma=blur_sigma,
        n_samples=n_samples,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
        evaluation=evaluation,
    )
    return KernelShap(model, X.shape[1], len(X), options).explain(X, names=names)
