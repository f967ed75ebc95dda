"""The deconvolutional network (Zeiler & Fergus 2014)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.attribution._job import JobOptions
from seqexplain.attribution._modified_backward import DeconvNet
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import Attributions


def deconvnet(
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
    """Project a target back to the sequence as a deconvolutional network does.

    The layers are run backwards with their transposed weights. At a ReLU the signal itself is rectified, whatever the
    ReLU's input was: R_z = max(R_y, 0). Max pooling is undone with the switches of the forward pass: each value goes to
    the position that won (the first of equals), and windows that overlap add up.

    The paper defines ReLU alone; activations that stand in its place are passed alike (the list is in
    `guided_backprop`). Sigmoid, tanh and whatever else is no rectifier, softmax, products and normalisation have the
    plain gradient.

    The sequence matters through the switches, gates and normalisations only: without any the result is the same for all
    sequences.

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
    Zeiler MD, Fergus R (2014). Visualizing and understanding convolutional networks. ECCV.
    """
    model, X = opened(model, X)
    options = JobOptions(
        target=target,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
    )
    return DeconvNet(model, X.shape[1], len(X), options).explain(X, names=names)
