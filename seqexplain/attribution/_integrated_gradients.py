"""Integrated gradients (Sundararajan, Taly & Yan 2017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.attribution._integrated_gradients_job import (
    MAX_STEPS,
    TOLERANCE,
    IntegratedGradients,
    IntegratedGradientsOptions,
)
from seqexplain.attribution._reference_job import N_REFERENCES
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import Attributions


def integrated_gradients(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    references: Any = "uniform",
    n_references: int = N_REFERENCES,
    steps: int | str = "auto",
    quadrature: str = "gauss-legendre",
    tolerance: float = TOLERANCE,
    max_steps: int = MAX_STEPS,
    simplex_correction: bool = False,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
    keep_references: bool = False,
) -> Attributions:
    """Compute the gradient's mean along the straight path from each reference, averaged over references.

    For a sequence x and a reference r the multipliers are m = ∫₀¹ ∇f(r + α(x − r)) dα, and they add up: Σ m·(x − r) =
    f(x) − f(r). The hypothetical score of base b is m_b − Σ_c m_c r_c.

    The integral is a weighted sum of gradients, its *steps*. With `steps="auto"` each pair, and each target, gets as
    many as it needs: the path is cut into stretches of four steps; f at their ends says what each stretch should add up
    to, and those that miss it most are cut in two until the whole is near enough. What a pair gets does not depend on
    the others. Scores are linear in the target to the tolerance then, and to rounding with a given number of steps.

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
    references
        `"dinucleotide"` or `"mononucleotide"` shuffles, `"zeros"`, `"uniform"`, a background `(4,)`, an array `(L, 4)`,
        `(r, L, 4)` or `(n, r, L, 4)`, or a callable.
    n_references
        Shuffles a sequence; ignored where the references are given.
    steps
        `"auto"`, or how many gradients are taken on each path, at the nodes of one rule over the whole of it.
    quadrature
        `"gauss-legendre"` or `"midpoint"` (the middles of equal parts).
    tolerance
        Largest |Σ m·(x − r) − Δ|, relative to |Δ| = |f(x) − f(r)|; or, where Δ is near 0, a hundredth of it relative to
        Σ|m·(x − r)|. Decides how many steps are taken, and what is warned of.
    max_steps
        With `steps="auto"`, at how many gradients a pair's path is given up; at least 16.
    simplex_correction
        Whether to take from each gradient its mean over the four bases. One-hot rows sum to 1, so that the model has
        never seen what happens off that simplex, and the gradient across it is noise (Majdandzic et al. 2023).
    level
        `"logit"`: below a final sigmoid or softmax, which saturate; `"output"`: the output itself.
    batch_size
        Sequences at a time; `"auto"` fits memory.
    random_state
        Seed of the shuffles. A sequence's shuffles depend on it and on the sequence alone.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own.
    keep_references
        Whether to return the hypothetical scores of each reference as well, `per_reference`.

    Returns
    -------
    Attributions
        `contributions` and `hypothetical` `(n, L, 4)` in the unit of the target (logits by default), and the
        completeness error of each sequence–reference pair `(n, r)`: of the integral, before `simplex_correction`, which
        changes sums where a reference's rows do not sum to 1.

    Warns
    -----
    CompletenessWarning
        Where a pair misses the tolerance; the worst is named.

    Raises
    ------
    UnsupportedLayerError
        When the model is a SavedModel: it can be scored, but not differentiated.
    ParameterError
        When an option has another value than those above.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X or the references do not fit the model.

    References
    ----------
    Sundararajan M, Taly A, Yan Q (2017). Axiomatic attribution for deep networks. ICML.
    Majdandzic A, Rajesh C, Koo PK (2023). Correcting gradient-based interpretations of deep neural networks for
    genomics. Genome Biology 24:109.
    """
    model, X = opened(model, X)
    options = IntegratedGradientsOptions(
        target=target,
        references=references,
        n_references=n_references,
        steps=steps,
        quadrature=quadrature,
        tolerance=tolerance,
        max_steps=max_steps,
        simplex_correction=simplex_correction,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
        keep_references=keep_references,
    )
    return IntegratedGradients(model, X.shape[1], len(X), options).explain(X, names=names)
