"""Expected gradients (Erion, Janizek, Sturmfels, Lundberg & Lee 2021)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.attribution._expected_gradients_job import ExpectedGradients, ExpectedGradientsOptions
from seqexplain.attribution._reference_job import N_REFERENCES
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import Attributions


def expected_gradients(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    references: Any = "dinucleotide",
    n_references: int = N_REFERENCES,
    samples: int = 10,
    simplex_correction: bool = False,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
    keep_references: bool = False,
) -> Attributions:
    """Compute the mean gradient at random points between the sequence and references drawn from a distribution.

    The multipliers of a reference r are the mean of ∇f(r + α(x − r)) over random α in [0, 1]: integrated gradients
    averaged over the references, where both means, over references and along paths, are taken by sampling. The
    hypothetical score of base b is m_b − Σ_c m_c r_c. Scores add up to f(x) − mean f(r) in expectation; by how much
    those that were drawn miss it is reported and not warned of.

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
    samples
        Gradients for each reference. One α is drawn in each of so many equal parts of [0, 1]: uniform in the mean, with
        less scatter than free draws.
    simplex_correction
        Whether to take from each gradient its mean over the four bases. One-hot rows sum to 1, so that the model has
        never seen what happens off that simplex, and the gradient across it is noise (Majdandzic et al. 2023).
    level
        `"logit"`: below a final sigmoid or softmax, which saturate; `"output"`: the output itself.
    batch_size
        Sequences at a time; `"auto"` fits memory.
    random_state
        Seed of the shuffles and of the α. Those of a pair depend on it, the sequence and the reference alone.
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
        completeness error of each sequence–reference pair `(n, r)`, before `simplex_correction`.

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
    Erion G, Janizek JD, Sturmfels P, Lundberg SM, Lee S-I (2021). Improving performance of deep learning models with
    axiomatic attribution priors and expected gradients. Nature Machine Intelligence 3:620–631.
    Majdandzic A, Rajesh C, Koo PK (2023). Correcting gradient-based interpretations of deep neural networks for
    genomics. Genome Biology 24:109.
    """
    model, X = opened(model, X)
    options = ExpectedGradientsOptions(
        target=target,
        references=references,
        n_references=n_references,
        samples=samples,
        simplex_correction=simplex_correction,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
        keep_references=keep_references,
    )
    return ExpectedGradients(model, X.shape[1], len(X), options).explain(X, names=names)
