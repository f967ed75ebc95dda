"""SmoothGrad (Smilkov, Thorat, Kim, Viégas & Wattenberg 2017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.attribution._smooth_grad_job import SmoothGrad, SmoothGradOptions
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import Attributions


def smooth_grad(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    variant: str = "mean",
    n_samples: int = 50,
    noise_level: float = 0.1,
    simplex_correction: bool = False,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
) -> Attributions:
    """Compute gradients averaged over noise that is added to the sequence.

    With g_k = ∇f(x + ε_k) and ε_k normal noise of standard deviation `noise_level` · (max x − min x), the scores are
    mean g_k (`"mean"`, Smilkov et al. 2017), mean g_k² (`"squared"`) or mean g_k² − (mean g_k)² (`"variance"`, Adebayo
    et al. 2018). What is averaged away is how the gradient jumps between neighbouring points.

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
    variant
        `"mean"`, `"squared"` or `"variance"`: what is kept of the gradients.
    n_samples
        Gradients a sequence; the mean's error falls with the square root.
    noise_level
        Standard deviation of the noise, relative to the range of the sequence's values (1 for one-hot sequences).
    simplex_correction
        Whether to take from each gradient its mean over the four bases. One-hot rows sum to 1, so that the model has
        never seen what happens off that simplex, and the gradient across it is noise (Majdandzic et al. 2023).
    level
        `"logit"`: below a final sigmoid or softmax, which saturate; `"output"`: the output itself.
    batch_size
        Sequences at a time; `"auto"` fits memory.
    random_state
        Seed of the noise. A sequence's noise depends on it and on the sequence alone.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own.

    Returns
    -------
    Attributions
        `hypothetical` `(n, L, 4)`, the mean gradient in the unit of the target (logits by default) for a unit of
        input, or its squared forms in the square of that; `contributions = hypothetical * X`. They do not add up to a
        difference in score.

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
    Smilkov D, Thorat N, Kim B, Viégas F, Wattenberg M (2017). SmoothGrad: removing noise by adding noise.
    arXiv:1706.03825.
    Adebayo J, Gilmer J, Goodfellow I, Kim B (2018). Local explanation methods for deep neural networks lack sensitivity
    to parameter values. ICLR (workshop). arXiv:1810.03307.
    Majdandzic A, Rajesh C, Koo PK (2023). Correcting gradient-based interpretations of deep neural networks for
    genomics. Genome Biology 24:109.
    """
    model, X = opened(model, X)
    options = SmoothGradOptions(
        target=target,
        variant=variant,
        n_samples=n_samples,
        noise_level=noise_level,
        simplex_correction=simplex_correction,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
    )
    return SmoothGrad(model, X.shape[1], len(X), options).explain(X, names=names)
