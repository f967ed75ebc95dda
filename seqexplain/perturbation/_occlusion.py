"""Occlusion (Zeiler & Fergus 2014): how the score falls when a window of bases is hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._occlusion_job import Occlusion, OcclusionOptions
from seqexplain.results import WindowAttributions


def occlusion(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    window: int = 10,
    stride: int = 1,
    fill: Any = "zeros",
    n_samples: int = 10,
    blur_sigma: float = 10.0,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
    evaluation: str = "auto",
) -> WindowAttributions:
    """Hide one window of bases after the other and see how the score falls.

    With x∖W the sequence whose bases in window W are hidden, each base gets the mean of f(x) − f(x∖W) over all windows
    W that cover it: above 0 where the score needs what stands there. Effects are not divided by the number of bases in
    a window. Windows begin every `stride` bp; one more ends with the sequence, where they do not come out even.

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
    fill
        What stands in a window instead of its bases: `"zeros"`; `"uniform"`, ¼ of each base; `"shuffle"`, what
        dinucleotide shuffles of the whole sequence have at these positions (`"mononucleotide"`: shuffles that keep no
        more than the bases); `"blur"`, the Gaussian mean of the bases around each position; four background
        frequencies; or an array `(L, 4)` or `(r, L, 4)`, from which the window's positions are taken.
    n_samples
        Shuffles of each sequence. Of several fills the mean effect is taken.
    blur_sigma
        Standard deviation of the Gaussian in bp.
    level
        `"logit"`: below a final sigmoid or softmax; `"output"`: the output itself.
    batch_size
        Sequences at a time; `"auto"` fits memory.
    random_state
        Seed of the shuffles. A sequence's shuffles depend on it and on the sequence alone.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own.
    evaluation
        `"auto"`, `"incremental"` or `"full"`: whether only what an edit can reach is computed anew.

    Returns
    -------
    WindowAttributions
        `contributions` `(n, L, 4)`, the base's score at the base that is there, in the unit of the target, and what
        they are made of: `window_starts`, and `window_effects` `(n, windows)`, f(x∖W) − f(x). Unknown bases stay as
        they are in every window.

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
    Zeiler MD, Fergus R (2014). Visualizing and understanding convolutional networks. ECCV.
    """
    model, X = opened(model, X)
    options = OcclusionOptions(
        target=target,
        window=window,
        stride=stride,
        fill=fill,
        n_samples=n_samples,
        blur_sigma=blur_sigma,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
        evaluation=evaluation,
    )
    return cast(WindowAttributions, Occlusion(model, X.shape[1], len(X), options).explain(X, names=names))
