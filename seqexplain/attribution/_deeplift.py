"""DeepLIFT (Shrikumar, Greenside & Kundaje 2017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.attribution._deeplift_job import DeepLift, DeepLiftOptions
from seqexplain.attribution._own_rules import OwnRule
from seqexplain.attribution._reference_job import N_REFERENCES
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import Attributions


def deeplift(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    references: Any = "dinucleotide",
    n_references: int = N_REFERENCES,
    rule: str | Mapping[str, str] = "rescale",
    max_pool: str = "complete",
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
    keep_references: bool = False,
    rules: Mapping[type, OwnRule] | None = None,
) -> Attributions:
    """Compute DeepLIFT contributions of each base, averaged over references.

    For a sequence x and a reference r the contributions satisfy Σ m·(x − r) = f(x) − f(r), with the multipliers m
    propagated from the target to the input by the chain rule, through a nonlinearity y(z) as
    m_z = m_y · (y(z_x) − y(z_r)) / (z_x − z_r).

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model that reads `(L, 4)`. Wrap a Keras model once and reuse it: what is compiled
        is kept with the `SequenceModel`.
    X
        `(n, L, 4)` one-hot, or `n` strings of one length.
    target
        What to explain: an index, `(head, index)`, `(hidden layer, index)`, `contrast(a, b)`, `profile(head)`, an
        affine callable, or a list of these (they share the forward pass). A slice in an index adds up. None where the
        model has a single value.
    references
        `"dinucleotide"` or `"mononucleotide"` shuffles, `"zeros"`, `"uniform"`, a background `(4,)`, an array `(L, 4)`,
        `(r, L, 4)` or `(n, r, L, 4)`, or a callable.
    n_references
        Shuffles a sequence; ignored where the references are given.
    rule
        `"rescale"`; `"reveal_cancel"`, which keeps apart what raises and what lowers an activation's input, so that
        inputs that cancel are seen (about twice the cost); `"genomics_default"`: Rescale after convolutions,
        RevealCancel after dense layers; or a mapping from layer names, layer classes or `"*"` to one of the first two.
        Recurrent layers have Rescale inside, always.
    max_pool
        `"complete"` keeps completeness; `"winner"` gives all to the position that wins in x, as the package of the
        method's authors does, and loses completeness where another one wins in the reference.
    level
        `"logit"`: below a final sigmoid or softmax, which saturate; `"centered_logit"`: of a softmax, the logit less
        the mean over the classes, which the softmax does not see; `"output"`: the output itself.
    batch_size
        Sequences at a time, each with all its references; `"auto"` fits memory.
    random_state
        Seed of the shuffles. A sequence's shuffles depend on it and on the sequence alone.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own.
    keep_references
        Whether to return the hypothetical scores of each reference as well, `per_reference`: their spread tells how
        sure the mean is, and with a background distribution as references they are DeepSHAP's samples.
    rules
        Rules for layers of your own, by their class: `rules={MyLayer: rule}`, where `rule(layer, x, reference, m)`
        returns the multiplier of each input, written with `keras.ops`: `layer(*inputs)` computes the layer, `x` and
        `reference` are lists of its inputs, `(sequences, references, *shape)` with either of the first two possibly 1,
        and `m` is the multiplier of its output, `(targets, sequences, references, *shape)`. Most layers of your own
        need none: they are traced (see `register_decomposition` for those that cannot be).

    Returns
    -------
    Attributions
        `contributions` and `hypothetical` `(n, L, 4)` in the unit of the target (logits by default), and the
        completeness error of each sequence–reference pair `(n, r)`.

    Raises
    ------
    UnsupportedLayerError
        When a layer has no rule; nothing is computed then.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X or the references do not fit the model.

    References
    ----------
    Shrikumar A, Greenside P, Kundaje A (2017). Learning important features through propagating activation differences.
    ICML.
    """
    model, X = opened(model, X)
    options = DeepLiftOptions(
        target=target,
        references=references,
        n_references=n_references,
        rule=rule,
        max_pool=max_pool,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
        keep_references=keep_references,
        rules=rules,
    )
    return DeepLift(model, X.shape[1], len(X), options).explain(X, names=names)
