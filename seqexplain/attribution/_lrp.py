"""Layer-wise relevance propagation (Bach et al. 2015) and deep Taylor decomposition (Montavon et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.attribution._lrp_choice import DEFAULT, RuleChoice
from seqexplain.attribution._lrp_job import LayerRelevance, Lrp, LrpOptions
from seqexplain.attribution._own_rules import OwnRule
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import Attributions


def lrp(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    rule: RuleChoice = DEFAULT,
    max_pool: str = "winner",
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
    rules: Mapping[type, OwnRule] | None = None,
) -> Attributions:
    """Distribute the score over the bases, layer by layer.

    The relevance of the target is its value, R = f(x). Each layer z_j = Σ_i a_i w_ij + b_j passes the relevance R_j of
    its units to its inputs in shares that a rule gives, R_i = Σ_j share_ij R_j; activations pass it as it is, and max
    pooling gives it to the winner. A position's relevance is the sum over its four channels, put at the observed base
    (input that is no base keeps what each of its values got).

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model that reads `(L, 4)`. Wrap a Keras model once and reuse it: what is compiled
        is kept with the `SequenceModel`.
    X
        `(n, L, 4)` one-hot, or `n` strings of one length.
    target
        What to explain: an index, `(head, index)`, `contrast(a, b)`, an affine callable, or a list of these (they share
        the forward pass). None where the model has a single value. A constant that a callable adds has no relevance.
    rule
        A composite: `"epsilon-plus"` (ε for dense layers, z⁺ for convolutions), `"epsilon-plus-flat"` (the same, with
        flat at the first layer: Lapuschkin et al. 2019), `"epsilon-gamma-box"` (ε, γ = 1/4, and z^B at the first layer)
        or `"deep-taylor"` (z⁺ everywhere without biases, z^B at the first layer; for scores above 0, as it tells only
        what raises a score).

        Or one rule for all layers with weights: `"z"`, `"epsilon"`, `"gamma"`, `"alpha-beta"`, `"z-plus"`, `"flat"`,
        `"w-square"`, or one with its parameters from `seqexplain.attribution.lrp_rules`, as `Gamma(0.1)`.

        Or a mapping to such rules from the name of a layer, `"first"` or `"last"`, the class of a layer, or `"*"`; the
        first of these that fits counts, and layers that none fits have `"epsilon-plus"`. The first layer may have
        `"z-b"` or `"one-hot"` besides. Or a function that is given each linear layer (`name`, `layer_class`, `kind`,
        `depth`, `height`) and returns its rule, or None for `"epsilon-plus"`.

        Sums of branches, average pooling and the like pass relevance in proportion to what is added, unless a mapping
        names them or their class. Batch normalisation counts with the layer before it, else with the one after it.

        Inside a recurrent layer gates are constants (Arras et al. 2017), and one rule passes all that is linear: the
        single rule, or that of a mapping which names the layer, its class or `"*"`; otherwise `"epsilon"`.
    max_pool
        `"winner"`, or `"proportional"` to the positive values in the window.
    level
        `"logit"`: below a final sigmoid or softmax; `"output"`: the output itself.
    batch_size
        Sequences at a time; `"auto"` fits memory.
    random_state
        Nothing is random; the parameter is here because every method has it.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own.
    rules
        Rules for layers of your own, by their class, as in `deeplift`, but with relevance in place of multipliers, and
        an empty list in place of the inputs at a reference.

    Returns
    -------
    Attributions
        `contributions` `(n, L, 4)` in the unit of the target, 0 but at the observed base, `hypothetical` None, and as
        `completeness_error` `(n, 1)` the sum of all relevance less f(x): minus what biases and ε absorbed.

    Warns
    -----
    CompletenessWarning
        Where relevance is lost that nothing absorbed. What biases, ε and units without anything to give to absorb is
        part of the method; `lrp_conservation` tells how much it is, layer by layer.

    Raises
    ------
    UnsupportedLayerError
        When an operation has no rule; nothing is computed then.
    ParameterError
        When a rule or a layer is not known.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X does not fit the model.

    References
    ----------
    Arras L, Montavon G, Müller K-R, Samek W (2017). Explaining recurrent neural network predictions in sentiment
    analysis. Proceedings of the 8th Workshop on Computational Approaches to Subjectivity, Sentiment and Social Media
    Analysis, 159–168.

    Bach S, Binder A, Montavon G, Klauschen F, Müller K-R, Samek W (2015). On pixel-wise explanations for non-linear
    classifier decisions by layer-wise relevance propagation. PLOS ONE 10:e0130140.

    Montavon G, Lapuschkin S, Binder A, Samek W, Müller K-R (2017). Explaining nonlinear classification decisions with
    deep Taylor decomposition. Pattern Recognition 65:211–222.

    Montavon G, Binder A, Lapuschkin S, Samek W, Müller K-R (2019). Layer-wise relevance propagation: an overview. In
    Explainable AI, LNCS 11700:193–209.
    """
    job, X = _prepare(
        model,
        X,
        LrpOptions(
            target=target,
            rule=rule,
            max_pool=max_pool,
            level=level,
            batch_size=batch_size,
            random_state=random_state,
            extra_inputs=extra_inputs,
            rules=rules,
        ),
    )
    return job.explain(X, names=names)


def lrp_conservation(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    rule: RuleChoice = DEFAULT,
    max_pool: str = "winner",
    level: str = "logit",
    batch_size: int | str = "auto",
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
) -> list[LayerRelevance]:
    """Tell how much relevance each layer passes on and how much it absorbs, from the target down to the sequence.

    The parameters are those of `lrp`, without a seed.

    Returns
    -------
    list of LayerRelevance
        One for each operation: its name, the layer's class, its rule, and for each sequence (and target, for a list of
        targets) the sums of relevance of its output and of its inputs, and what was absorbed.

    Raises
    ------
    UnsupportedLayerError, ParameterError, TargetError, ShapeError
        As `lrp`.
    """
    options = LrpOptions(
        target=target, rule=rule, max_pool=max_pool, level=level, batch_size=batch_size, extra_inputs=extra_inputs
    )
    job, X = _prepare(model, X, options)
    return job.conservation(X, names=names)


def _prepare(model: Any, X: Any, options: LrpOptions) -> tuple[Lrp, Array]:
    model, X = opened(model, X)
    return Lrp(model, X.shape[1], len(X), options), X
