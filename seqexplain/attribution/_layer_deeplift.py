"""DeepLIFT contributions of a hidden layer: which filters matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.attribution._layer_deeplift_job import LayerDeepLift, LayerDeepLiftOptions
from seqexplain.attribution._reference_job import N_REFERENCES
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import LayerAttributions


def layer_deeplift(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    layer: str,
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
) -> LayerAttributions:
    """Compute DeepLIFT contributions of the units of a hidden layer, averaged over references.

    The multipliers are those that `deeplift` passes on to the sequence, stopped at the layer: the contribution of a
    unit h is m_h · (h(x) − h(reference)).

    Parameters
    ----------
    model, X, target, references, n_references, rule, max_pool, level, batch_size, random_state, names, extra_inputs
        As in `deeplift`.
    layer
        Name of the layer (`seqexplain info` lists them), `outer/inner` in a nested model, `name#2` for the second call
        of a layer that is used again, `name/preactivation` for what its activation is given.

    Returns
    -------
    LayerAttributions
        `contributions` `(n, *shape of the layer)` in the unit of the target (logits by default). They add up to the
        difference in score where every path from the sequence to the target leads through the layer; the
        `completeness_error` says.

    Raises
    ------
    ParameterError
        When there is no such layer, or the target does not depend on it.
    UnsupportedLayerError
        When a layer between it and the target has no rule.

    References
    ----------
    Shrikumar A, Greenside P, Kundaje A (2017). Learning important features through propagating activation differences.
    ICML.
    """
    model, X = opened(model, X)
    options = LayerDeepLiftOptions(
        layer=layer,
        target=target,
        references=references,
        n_references=n_references,
        rule=rule,
        max_pool=max_pool,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
    )
    return LayerDeepLift(model, X.shape[1], len(X), options).explain_layer(X, names=names)
