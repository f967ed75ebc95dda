"""Simple Taylor decomposition (Bach et al. 2015; Montavon, Samek & Müller 2018)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.attribution._expected_gradients_job import SimpleTaylorDecomposition, TaylorOptions
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import Attributions


def simple_taylor_decomposition(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    root: Any = "uniform",
    simplex_correction: bool = False,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
) -> Attributions:
    """Compute the first-order terms of the target's Taylor series around a root point.

    R = ∇f(r)·(x − r) base by base, with the gradient at the root point r; the hypothetical score of base b is
    m_b − Σ_c m_c r_c with m = ∇f(r). Scores add up to f(x) − f(r) but for the terms of higher order; that remainder is
    reported as the completeness error and not warned of. A root near x, with f(r) ≈ 0, explains most.

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
    root
        The root point: `"zeros"`, `"uniform"`, a background `(4,)`, an array `(L, 4)`, or `(n, 1, L, 4)` with one for
        each sequence, a callable, or `"dinucleotide"` or `"mononucleotide"` for one shuffle.
    simplex_correction
        Whether to take from each gradient its mean over the four bases. One-hot rows sum to 1, so that the model has
        never seen what happens off that simplex, and the gradient across it is noise (Majdandzic et al. 2023).
    level
        `"logit"`: below a final sigmoid or softmax, which saturate; `"output"`: the output itself.
    batch_size
        Sequences at a time; `"auto"` fits memory.
    random_state
        Seed of a shuffled root.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own.

    Returns
    -------
    Attributions
        `contributions` and `hypothetical` `(n, L, 4)` in the unit of the target (logits by default), f at the root
        `(n, 1)` as `reference_predictions`, and the first-order remainder Σ R − (f(x) − f(r)) `(n, 1)` as
        `completeness_error`, before `simplex_correction`.

    Raises
    ------
    UnsupportedLayerError
        When the model is a SavedModel: it can be scored, but not differentiated.
    ParameterError
        When an option has another value than those above.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X or the root do not fit the model.

    References
    ----------
    Bach S, Binder A, Montavon G, Klauschen F, Müller K-R, Samek W (2015). On pixel-wise explanations for non-linear
    classifier decisions by layer-wise relevance propagation. PLoS ONE 10:e0130140.
    Montavon G, Samek W, Müller K-R (2018). Methods for interpreting and understanding deep neural networks. Digital
    Signal Processing 73:1–15.
    Majdandzic A, Rajesh C, Koo PK (2023). Correcting gradient-based interpretations of deep neural networks for
    genomics. Genome Biology 24:109.
    """
    model, X = opened(model, X)
    options = TaylorOptions(
        target=target,
        root=root,
        simplex_correction=simplex_correction,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
    )
    return SimpleTaylorDecomposition(model, X.shape[1], len(X), options).explain(X, names=names)
