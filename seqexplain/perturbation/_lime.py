"""LIME (Ribeiro, Singh & Guestrin 2016), over windows of a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._lime_job import Lime, LimeOptions
from seqexplain.results import Attributions


def lime(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    window: int = 10,
    fill: Any = "shuffle",
    n_fills: int = 1,
    blur_sigma: float = 10.0,
    n_samples: int = 1000,
    kernel_width: float = 0.25,
    alpha: float = 1.0,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
    evaluation: str = "auto",
) -> Attributions:
    """Fit a linear model to the score of a sequence of which some windows are hidden.

    With z ∈ {0, 1}^M telling which of M windows are present, v(z) the score when the others are filled, and weights
    π(z) = exp(−D² / width²), D = 1 − √(|z| / M) the cosine distance to the whole sequence, a window's coefficient w_j
    minimises Σ_z π(z) (v(z) − w_0 − w·z)² + α |w|². z are random, each window present with probability ½; the first is
    the sequence itself. Windows lie side by side; a base gets an equal share of its window's coefficient.

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
        Neighbours z of each sequence.
    kernel_width
        The smaller, the more the regression looks at neighbours that have most windows.
    alpha
        Of the ridge; 0 for plain least squares, which needs more neighbours than windows.
    level
        `"logit"`: below a final sigmoid or softmax; `"output"`: the output itself.
    batch_size
        Sequences at a time; `"auto"` fits memory.
    random_state
        Seed of shuffles and neighbours. A sequence's depend on it and on the sequence alone.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own.
    evaluation
        `"auto"`, `"incremental"` or `"full"`; neighbours are not single edits, and are computed in full.

    Returns
    -------
    Attributions
        `contributions` `(n, L, 4)`, in the unit of the target. `diagnostics` `(n, 2)`: the weighted R² of the fit, to
        be looked at before the scores are believed, and the score of the sequence with all windows hidden.

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
    Ribeiro MT, Singh S, Guestrin C (2016). "Why should I trust you?": explaining the predictions of any classifier.
    KDD.
    """
    model, X = opened(model, X)
    options = LimeOptions(
        target=target,
        window=window,
        fill=fill,
        n_fills=n_fills,
        blur_sigma=blur_sigma,
        n_samples=n_samples,
        kernel_width=kernel_width,
        alpha=alpha,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
        evaluation=evaluation,
    )
    return Lime(model, X.shape[1], len(X), options).explain(X, names=names)
