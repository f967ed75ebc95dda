"""Sufficient input subsets of sequences: which few bases alone make the model say that?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._masking import BACKGROUND, base_frequencies
from seqexplain.perturbation._scorer import EditOptions, Scorer
from seqexplain.perturbation._sis_job import SisJob, SisOptions
from seqexplain.perturbation._threshold import resolve_thresholds
from seqexplain.results import SufficientInputSubsets


def sufficient_input_subsets(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    threshold: Any,
    threshold_of: Array | Sequence[str] | None = None,
    masking: Any = "mean",
    negative: bool = False,
    max_subsets: int | None = None,
    method: str = "exact",
    per_step: int = 1,
    refine: bool = True,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    extra_inputs: Mapping[str, Any] | None = None,
    evaluation: str = "auto",
    names: Sequence[str] = (),
) -> SufficientInputSubsets:
    """Find disjoint sets of bases, each of which is enough for the model to reach a threshold with all others masked.

    Backward selection masks one base after the other, each time the one without which the value stays highest. The
    bases that are left when the value falls below the threshold for good are a sufficient subset. It is masked, and the
    next is looked for in what is left, until what is left does not reach the threshold. At the end each subset is put
    to the full model once more, with everything else masked.

    Cost: L (L + 1) / 2 evaluations of a sequence of L bp for a subset (`"exact"`), or L / `per_step` gradients
    (`"gradient"`). Many sequences are computed together.

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model that reads `(L, 4)`. A black box serves for `method="exact"`.
    X
        `(n, L, 4)` one-hot, or `n` strings of one length. Unknown bases stay as they are: they are never masked, and
        never in a subset.
    target
        What is explained; a list for several. See `SequenceModel.targets`.
    threshold
        The value to be reached, in the unit of the target (logits, by default: 0 is a probability of one half), or a
        quantile of predictions, as `"90%"` (moved by 1e-6 for rounding). A list gives each target its own.
    threshold_of
        Sequences whose predictions quantiles are of, `(m, L, 4)` or strings; by default those of X.
    masking
        What stands for a masked base: `"mean"` (0.25 each), `"zeros"`, `"background"` (the frequencies of the bases in
        X), four numbers (A C G T), or an array `(L, 4)`. A row of zeros is an unknown base, and shown to the model as
        it wants to see those. The prediction with everything masked ought to be uninformative: see
        `masked_predictions`.
    negative
        Explain −f: subsets that suffice for the value to stay at or below the threshold.
    max_subsets
        As many subsets of a sequence at most; None for all.
    method
        `"exact"`: each step evaluates the masking of every base that is left. `"gradient"`: each step takes the
        first-order estimate Σ_c (mask_ic − x_ic) ∂f/∂x_ic at the sequence as it is masked so far, and masks the
        `per_step` bases with the highest. Far faster for long sequences; estimates err, so subsets are often larger.
    per_step
        Bases masked in a step of `"gradient"`. A subset is found to within one step only.
    refine
        Whether subsets that gradients found are selected from once more, exactly, with everything else masked: the
        subset can only become smaller. Their own procedure, as published, is `refine=False`.
    level
        `"logit"` explains the value below a final sigmoid or softmax, `"output"` the output itself.
    batch_size
        Sequences evaluated at a time; `"auto"` fits memory.
    random_state
        Nothing is random; here as every method has it.
    extra_inputs
        For the model's other inputs, instead of its own.
    evaluation
        `"incremental"`, `"full"`, or `"auto"`; of the exact method.
    names
        Of the sequences; needed where extra inputs are given by name.

    Returns
    -------
    SufficientInputSubsets
        The subsets, by sequence; those that do not reach the threshold have none, and `stopped` says why.

    Raises
    ------
    ShapeError
        When X does not fit the model, or thresholds or masking do not fit X.
    ParameterError
        When an option makes no sense, or a value of the model is not finite.
    TargetError
        When the target does not exist.
    UnsupportedLayerError
        When gradients of a black box are asked for.

    Notes
    -----
    Of bases that leave exactly the same float32 value, the lowest position is masked first. Values are computed in
    batches of one shape, in which what does not reach the model leaves the very same value. Two values that differ by
    rounding alone (1e-7 of them) may come in another order on another machine or with another `batch_size`.

    References
    ----------
    Carter, Mueller, Jain and Gifford (2019) What made you do this? Understanding black-box decisions with sufficient
    input subsets. AISTATS.

    Carter, Jain, Mueller and Gifford (2021) Overinterpretation reveals image classification model pathologies. NeurIPS.
    (Batched Gradient SIS.)
    """
    model, X = opened(model, X)
    if isinstance(masking, str) and masking == BACKGROUND:
        masking = base_frequencies(X)
    choices: dict[str, Any] = {
        "target": target,
        "level": level,
        "batch_size": batch_size,
        "random_state": random_state,
        "extra_inputs": extra_inputs,
        "evaluation": evaluation,
    }

    def predictions() -> Array:
        _, among = (model, X) if threshold_of is None else opened(model, threshold_of)
        scorer = Scorer(model, among.shape[1], len(among), EditOptions(**choices))
        return scorer.bind(among, names=names if threshold_of is None else ()).base

    options = SisOptions(
        threshold=resolve_thresholds(
            threshold, len(target) if isinstance(target, list) else 1, predictions, negative=negative
        ),
        masking=masking,
        negative=negative,
        max_subsets=max_subsets,
        method=method,
        per_step=per_step,
        refine=refine,
        **choices,
    )
    return SisJob(model, X.shape[1], len(X), options).explain(X, names=names)
