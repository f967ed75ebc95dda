"""Meaningful perturbation (Fong & Vedaldi 2017): the smallest mask that takes the score away, or keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._meaningful_perturbation_job import MeaningfulPerturbation, MeaningfulPerturbationOptions
from seqexplain.results import Attributions


def meaningful_perturbation(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    game: str = "deletion",
    fill: Any = "uniform",
    n_fills: int = 1,
    blur_sigma: float = 10.0,
    steps: int = 300,
    learning_rate: float = 0.1,
    l1: float = 0.01,
    tv: float = 0.01,
    tv_power: float = 3.0,
    jitter: int = 1,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
    evaluation: str = "auto",
) -> Attributions:
    """Learn for each sequence which few bases take the score away when they are hidden, or keep it when they stay.

    A mask m ∈ [0, 1]^L makes x(m) = m x + (1 − m) r of the sequence x and what it is filled with, r. With F the score
    in units of what is at stake, F = f / |f(x) − f(r)|, the mask minimises

    - in the `"deletion"` game E_τ F(x(m_τ)) + `l1` Σ (1 − m_i) + `tv` Σ |m_{i+1} − m_i|^`tv_power`;
    - in the `"preservation"` game −E_τ F(x(m_τ)) + `l1` Σ m_i + `tv` Σ |m_{i+1} − m_i|^`tv_power`.

    `l1` is thus the share of the score that a base must be worth to be deleted, or kept. m_τ is the mask moved by τ bp,
    drawn anew in each step, up to `jitter`: masks must not depend on single positions. Adam takes `steps` steps from
    m = 1, clipped to [0, 1] after each. A base's score is how far it is deleted, 1 − m, or kept, m.

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model that reads `(L, 4)`; it must have gradients.
    X
        `(n, L, 4)` one-hot, or `n` strings of one length.
    target
        What to explain: an index, `(head, index)`, `(layer, index)` for hidden units, `contrast(a, b)`, an affine
        callable, or a list of these; each target has masks of its own. None where the model has a single value.
    game
        `"deletion"` or `"preservation"`. Of redundant motifs the first must delete all, the second needs to keep one.
    fill, blur_sigma
        What stands where the mask is 0, as for `occlusion`.
    n_fills
        Shuffles of each sequence; each step sees the next.
    steps, learning_rate
        Of Adam.
    l1, tv, tv_power
        Weights of the mask's size and of its total variation, and the variation's power.
    jitter
        In bp; 0 for none.
    level
        `"logit"`: below a final sigmoid or softmax, which saturate; `"output"`: the output itself.
    batch_size
        Sequences at a time.
    random_state
        Seed of shuffles and jitter. The jitter of a step is the same for all sequences of a length.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own.
    evaluation
        `"auto"`, `"incremental"` or `"full"`; masks are not edits, and are computed in full.

    Returns
    -------
    Attributions
        `contributions` `(n, L, 4)`: from 0 to 1, without a sign, at the base that is there. `diagnostics` `(n, 4)`: the
        value of the game, which is minimised, at the last mask and without jitter; the score f(x(m)) of the sequence
        behind that mask; f(r); and the mask's size, the sum of the scores.

    Raises
    ------
    UnsupportedLayerError
        When the model is a SavedModel: it can be scored, but not differentiated.
    ParameterError
        When an option has another value than those above.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X or an array of fills does not fit.

    References
    ----------
    Fong RC, Vedaldi A (2017). Interpretable explanations of black boxes by meaningful perturbation. ICCV.
    Kingma DP, Ba J (2015). Adam: a method for stochastic optimization. ICLR.
    """
    model, X = opened(model, X)
    options = MeaningfulPerturbationOptions(
        target=target,
        game=game,
        fill=fill,
        n_fills=n_fills,
        blur_sigma=blur_sigma,
        steps=steps,
        learning_rate=learning_rate,
        l1=l1,
        tv=tv,
        tv_power=tv_power,
        jitter=jitter,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
        evaluation=evaluation,
    )
    return MeaningfulPerturbation(model, X.shape[1], len(X), options).explain(X, names=names)
