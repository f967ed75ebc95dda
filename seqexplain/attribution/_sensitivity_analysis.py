"""Sensitivity analysis (squared gradients; Montavon, Samek & Müller 2018)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.attribution._gradient_job import GradientOptions, SensitivityAnalysis
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import Attributions


def sensitivity_analysis(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    simplex_correction: bool = False,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
) -> Attributions:
    """Compute the squared gradient at each base.

    The score of base b at position i is R_ib = (∂f/∂x_ib)². The scores of all bases decompose the squared length of the
    gradient, Σ R = ‖∇f(x)‖²: they explain how fast f changes, not its value.

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model that reads `(L, 4)`. Wrap a Keras model once and reuse it: what is compiled
        is kept with the `SequenceModel`. Any layer will do that can be differentiated.
    X
        `(n, L, 4)` one-hot, or `n` strings of one length.
    target
        What to explain: an index, `(head, index)`, `contrast(a, b)`, an affine callable, or a list of these (they share
        the forward pass). None where the model has a single value.
    simplex_correction
        Whether to take from each gradient its mean over the four bases. One-hot rows sum to 1, so that the model has
        never seen what happens off that simplex, and the gradient across it is noise (Majdandzic et al. 2023).
    level
        `"logit"`: below a final sigmoid or softmax, which saturate; `"output"`: the output itself.
    batch_size
        Sequences at a time; `"auto"` fits memory.
    random_state
        Not used: nothing is drawn. Every method takes it.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own.

    Returns
    -------
    Attributions
        `hypothetical` `(n, L, 4)`, the squared gradient, in the squared unit of the target (logits by default) for a
        unit of input; `contributions` have that of the observed bases.

    Raises
    ------
    UnsupportedLayerError
        When the model is a SavedModel: it can be scored, but not differentiated.
    ParameterError
        When an option has another value than those above.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X does not fit the model.

    References
    ----------
    Montavon G, Samek W, Müller K-R (2018). Methods for interpreting and understanding deep neural networks. Digital
    Signal Processing 73:1–15.
    Majdandzic A, Rajesh C, Koo PK (2023). Correcting gradient-based interpretations of deep neural networks for
    genomics. Genome Biology 24:109.
    """
    model, X = opened(model, X)
    options = GradientOptions(
        target=target,
        simplex_correction=simplex_correction,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
    )
    return SensitivityAnalysis(model, X.shape[1], len(X), options).explain(X, names=names)
