"""Guided backpropagation (Springenberg, Dosovitskiy, Brox & Riedmiller 2015)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.attribution._job import JobOptions
from seqexplain.attribution._modified_backward import GuidedBackprop
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import Attributions


def guided_backprop(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
) -> Attributions:
    """Compute guided backpropagation: the gradient, without what any rectifier on the way would have to lower.

    At a ReLU y = max(z, 0) the signal R_y that arrives at its output goes on only where both it and the input are
    positive: R_z = R_y · [z > 0] · [R_y > 0]. Everything else is the gradient; max pooling gives all to the position
    that wins (the first of equals).

    The paper defines ReLU alone. Activations that stand in its place (ReLU6, leaky and parametric ReLU, ELU, CELU,
    SELU, GELU, SiLU, hard SiLU, Mish, softplus and its kin, `threshold`) are treated alike with their own slope, R_z
    = max(R_y, 0) · dy/dz, which is the equation above for ReLU. Sigmoid, tanh and whatever else is no rectifier,
    softmax, products and normalisation keep the plain gradient.

    The result says which bases *support* the target through every rectifier on the way; it is known to depend little on
    the upper layers' weights. For scores that may be summed use `deeplift`.

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model that reads `(L, 4)`. Wrap a Keras model once and reuse it: what is compiled
        is kept with the `SequenceModel`.
    X
        `(n, L, 4)` one-hot, or `n` strings of one length.
    target
        What to explain: an index, `(head, index)`, `contrast(a, b)`, an affine callable, or a list of these (they share
        the forward pass). None where the model has a single value.
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
        `hypothetical` `(n, L, 4)`, what arrives at the sequence's channels, in the unit of the target (logits, by
        default) a unit of input; and `contributions = hypothetical * X`. They do not add up to a difference of
        scores.

    Raises
    ------
    UnsupportedLayerError
        When a layer cannot be looked into, so that rectifiers may be hidden in it; nothing is computed then.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X does not fit the model.

    References
    ----------
    Springenberg JT, Dosovitskiy A, Brox T, Riedmiller M (2015). Striving for simplicity: the all convolutional net.
    ICLR (workshop).
    """
    model, X = opened(model, X)
    options = JobOptions(
        target=target,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
    )
    return GuidedBackprop(model, X.shape[1], len(X), options).explain(X, names=names)
