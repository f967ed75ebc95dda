"""Prediction difference analysis (Zintgraf, Cohen, Adel & Welling 2017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._prediction_difference_job import PredictionDifference, PredictionDifferenceOptions
from seqexplain.results import WindowAttributions


def prediction_difference_analysis(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    window: int = 1,
    stride: int = 1,
    sampling: str = "conditional",
    background: Any = None,
    order: int = 1,
    pseudocount: float = 1.0,
    n_samples: int = 64,
    measure: str = "auto",
    n_training: int = 100_000,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
    evaluation: str = "auto",
) -> WindowAttributions:
    """Compare the score with what it would be on average, were a window's bases not known.

    With E_W = E[f(x)] over the bases of window W, drawn from a Markov model of the background given the bases on both
    sides (`"conditional"`) or on their own (`"marginal"`), a window's relevance is

    - of a probability p (`level="output"` of a sigmoid or softmax head) the *weight of evidence*
      log2 odds(p(x)) − log2 odds(E_W), odds(p) = p / (1 − p), after Laplace's correction p ← (p N + 1) / (N + K) with N
      training sequences and K classes, in bits;
    - of anything else (logits, hidden units) f(x) − E_W.

    Each base gets the mean over the windows that cover it. Of single bases, and of windows of which no more than
    `n_samples` stretches are possible, the expectation is exact; of longer ones it is the mean of `n_samples` draws.

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model that reads `(L, 4)`; a black box serves as well.
    X
        `(n, L, 4)` one-hot, or `n` strings of one length.
    target
        What to explain: an index, `(head, index)`, `(layer, index)` for hidden units, `contrast(a, b)`, an affine
        callable, or a list of these. None where the model has a single value.
    window, stride
        Width and distance of the windows in bp.
    sampling
        `"conditional"`: the bases are drawn from P(window | both flanks), `"marginal"`: from P(window).
    background
        What the Markov model is fitted to: strings, one-hot `(m, L, 4)` or the path of a FASTA file; or a
        `MarkovModel`. None: to each explained sequence alone.
    order, pseudocount
        Of the model that is fitted, see `MarkovModel.fit`.
    n_samples
        Draws of each window of more than one base.
    measure
        `"auto"`, as above; `"difference"` also of probabilities; `"weight_of_evidence"` also of outputs that are not
        known to be probabilities, a black box's, say (K is 2 then).
    n_training
        N of Laplace's correction, which keeps the weights of evidence finite.
    level
        `"logit"`: below a final sigmoid or softmax; `"output"`: the output itself, as in the paper.
    batch_size
        Sequences at a time; `"auto"` fits memory.
    random_state
        Seed of the draws. A sequence's draws depend on it and on the sequence alone.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own.
    evaluation
        `"auto"`, `"incremental"` or `"full"`: whether only what an edit can reach is computed anew.

    Returns
    -------
    WindowAttributions
        `contributions` `(n, L, 4)`: the relevance at the base that is there, above 0 where it speaks for the target.
        `window_starts`, and `window_effects` `(n, windows)`, E_W − f(x), whatever the measure. Of single bases
        `effects` `(n, L, 4)`: f of the sequence with each base, less f(x). Unknown bases stay as they are.

    Raises
    ------
    ParameterError
        When an option has another value than those above, or windows do not fit.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X does not fit the model, or is not one-hot.

    References
    ----------
    Zintgraf LM, Cohen TS, Adel T, Welling M (2017). Visualizing deep neural network decisions: prediction difference
    analysis. ICLR. arXiv:1702.04595.
    Robnik-Šikonja M, Kononenko I (2008). Explaining classifications for individual instances. IEEE TKDE 20, 589–600.
    """
    model, X = opened(model, X)
    options = PredictionDifferenceOptions(
        target=target,
        window=window,
        stride=stride,
        sampling=sampling,
        background=background,
        order=order,
        pseudocount=pseudocount,
        n_samples=n_samples,
        measure=measure,
        n_training=n_training,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
        evaluation=evaluation,
    )
    return cast(WindowAttributions, PredictionDifference(model, X.shape[1], len(X), options).explain(X, names=names))
