"""Guided Grad-CAM (Selvaraju et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.attribution._class_activation_job import ActivationOptions, GuidedGradCam
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import Attributions


def guided_grad_cam(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    layer: str | None = None,
    relu: bool = True,
    interpolation: str = "linear",
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
) -> Attributions:
    """Compute guided Grad-CAM: guided backpropagation, where the Grad-CAM map is.

    hypothetical_ib = guided_ib · map_i, with `guided_backprop`'s signal at base b of position i and `grad_cam`'s map,
    brought to the length of the sequence. The one tells bases, the other where the target's evidence lies.

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
    layer
        Whose channels are weighed, by name (`outer/inner` in a nested model, `name#2` for the second call of a layer
        that is used again). Default: the last one on the way to the target that everything goes through and whose
        output has positions.
    relu
        Whether negative values of the map, which speak against the target, are set to 0, as in the paper.
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
        `hypothetical` `(n, L, 4)`, in the square of the target's unit, and `contributions = hypothetical * X`. They
        do not add up to a difference of scores.

    Raises
    ------
    UnsupportedLayerError
        When a layer cannot be looked into, so that rectifiers may be hidden in it; nothing is computed then.
    ParameterError
        When there is no such layer, it has no positions, the target does not depend on it, or, without `layer`, no
        single layer holds everything that reaches the target.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X does not fit the model.

    References
    ----------
    Selvaraju RR, Cogswell M, Das A, Vedantam R, Parikh D, Batra D (2017). Grad-CAM: visual explanations from deep
    networks via gradient-based localization. ICCV.
    """
    model, X = opened(model, X)
    options = ActivationOptions(
        target=target,
        layer=layer,
        relu=relu,
        interpolation=interpolation,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
    )
    return GuidedGradCam(model, X.shape[1], len(X), options).explain(X, names=names)
