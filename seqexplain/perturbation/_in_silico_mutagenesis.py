"""In-silico mutagenesis: what every single substitution changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._in_silico_mutagenesis_job import InSilicoMutagenesis, InSilicoMutagenesisOptions
from seqexplain.results import Attributions


def in_silico_mutagenesis(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    start: int = 0,
    end: int | None = None,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
    evaluation: str = "auto",
) -> Attributions:
    """Score every single substitution.

    With x(i→b) the sequence that has base b at position i, the raw effects are e_ib = f(x(i→b)) − f(x), 0 for the
    observed base. The hypothetical scores are effects less their mean over the four bases, h_ib = e_ib − ¼ Σ_c e_ic,
    and the contribution of the observed base is its own: **minus the mean effect of its position**, −¼ Σ_c e_ic, which
    is positive where substitutions lower the score.

    Other conventions differ by a factor or a summary, and are found from `effects`: tangermeme's
    `saturation_mutagenesis` returns these same numbers; the mean loss over the *three* substitutions is 4/3 of the
    contribution; the largest loss (as in maps of DeepSEA and DeepBind) is `-effects.min(axis=-1)`. At
    `level="output"` the effects are differences in probability; their logarithmic ratio is the effect on the logit, the
    default.

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model that reads `(L, 4)`. Wrap a Keras model once and reuse it: what is compiled
        is kept with the `SequenceModel`. Any model will do, also a SavedModel (with `level="output"`).
    X
        `(n, L, 4)` one-hot, or `n` strings of one length.
    target
        What to explain: an index, `(head, index)`, `contrast(a, b)`, an affine callable, or a list of these (they share
        all computing). None where the model has a single value.
    start, end
        The positions to substitute, 0-based and half-open; default: all. Elsewhere all scores are 0.
    level
        `"logit"`: below a final sigmoid or softmax, which saturate; `"output"`: the output itself.
    batch_size
        Whole sequences at a time; `"auto"` fits memory.
    random_state
        Not used; every method has it.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own.
    evaluation
        `"incremental"`: compute only what a substitution reaches in each layer; `"full"`: compute each sequence whole;
        `"auto"`: incremental where that saves arithmetic.

    Returns
    -------
    Attributions
        `effects`, `hypothetical` and `contributions`, in the unit of the target (logits by default). Where a sequence
        has no base (N), the effects are those of putting each of the four bases there, and the contribution is 0.

    Raises
    ------
    ParameterError
        When an option has another value than those above.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X does not fit the model.

    References
    ----------
    Zhou J, Troyanskaya OG (2015). Predicting effects of noncoding variants with deep learning-based sequence model.
    Nature Methods 12:931. Nair S, Shrikumar A, Schreiber J, Kundaje A (2022). fastISM: performant in silico saturation
    mutagenesis for convolutional neural networks. Bioinformatics 38:2397.

    Examples
    --------
    >>> result = in_silico_mutagenesis(model, ["ACGT" * 25], target=0)  # doctest: +SKIP
    >>> result.effects[0, 10]  # what A, C, G and T at position 10 would change  # doctest: +SKIP
    """
    model, X = opened(model, X)
    options = InSilicoMutagenesisOptions(
        target=target,
        start=start,
        end=end,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
        evaluation=evaluation,
    )
    return InSilicoMutagenesis(model, X.shape[1], len(X), options).explain(X, names=names)
