"""Gradient-weighted class activation maps (Selvaraju et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.attribution._class_activation_job import ActivationOptions, GradCam
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import Attributions


def grad_cam(
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
    """Compute Grad-CAM along the sequence: where the channels of a layer that matter are active.

    With A_ik the layer's value at position i in channel k, and n positions,

        α_k = (1/n) Σ_i ∂f/∂A_ik,    map_i = max(Σ_k α_k A_ik, 0).

    The map sits where it belongs: position i of the layer counts as the centre of the bases that it can see, which is
    followed through the windows, strides, padding and cropping of all layers before it; between centres the map is
    interpolated, beyond the first and last it is constant. Where layers mix positions so that this has no answer, the
    layer's positions are spread evenly over the sequence.

    It is meant for late layers, whose channels stand for whole motifs: the mean of the gradient over positions says
    little of channels that matter in one place and not in another, as those of a first layer do.

    Any model whose layers are known serves, as only gradients are needed. With `average_strands=True` the layer's
    maps of both strands are rectified each, turned and added. A layer with a second spatial axis has its map averaged
    over it.

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
        `contributions` `(n, L, 4)`: the map at the observed bases, X · map, in the unit of the target (logits, by
        default), divided by n. There are no hypothetical scores: the map tells positions, not bases.

    Raises
    ------
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
    return GradCam(model, X.shape[1], len(X), options).explain(X, names=names)
