"""Class activation maps (Zhou et al. 2016)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.attribution._class_activation_job import CamOptions, ClassActivation
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import Attributions


def cam(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    interpolation: str = "linear",
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
) -> Attributions:
    """Compute the class activation map of a network that ends in global average pooling and a dense layer.

    With A_ik the value at position i in channel k below the pooling over n positions, and the target's weights w,
    f = b + Σ_k w_k · (1/n) Σ_i A_ik, so each position has its share of the score:

        map_i = Σ_k w_k A_ik,    f = b + (1/n) Σ_i map_i.

    Dense layers, batch normalisations and whatever else is linear may follow the pooling. `grad_cam(relu=False)` of the
    same layer is map / n, and serves networks that end otherwise.

    The map sits where it belongs: position i of the layer counts as the centre of the bases that it can see, which is
    followed through the windows, strides, padding and cropping of all layers before it; between centres the map is
    interpolated, beyond the first and last it is constant. Where layers mix positions so that this has no answer, the
    layer's positions are spread evenly over the sequence.

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
    interpolation
        How the map is brought to the length of the sequence: `"linear"` or `"nearest"`.
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
        `contributions` `(n, L, 4)`: the map at the observed bases, X · map, in the unit of the target (logits, by
        default). There are no hypothetical scores: the map tells positions, not bases.

    Raises
    ------
    UnsupportedLayerError
        When the network does not end in global average pooling followed by linear layers alone; nothing is computed
        then.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X does not fit the model.

    References
    ----------
    Zhou B, Khosla A, Lapedriza A, Oliva A, Torralba A (2016). Learning deep features for discriminative localization.
    CVPR.
    """
    model, X = opened(model, X)
    options = CamOptions(
        target=target,
        interpolation=interpolation,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
    )
    return ClassActivation(model, X.shape[1], len(X), options).explain(X, names=names)
