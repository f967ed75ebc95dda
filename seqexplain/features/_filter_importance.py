"""What the filters of a layer contribute to the target, some sequences at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from seqexplain.attribution._layer_deeplift_job import LayerDeepLift, LayerDeepLiftOptions
from seqexplain.errors import ParameterError
from seqexplain.features._filter_layer import FilterLayer
from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel

BLOCK_BYTES = 1 << 27  # of contributions at all positions, before they are summed by filter


def contributions_of_filters(
    model: SequenceModel, layer: FilterLayer, X: Array, rows: Array, n: int, options: Mapping[str, Any]
) -> tuple[Array, str]:
    """Return what each filter contributes in each sequence, `(rows, filters)`, and the label of the target.

    Parameters
    ----------
    model, layer
        The model, and the layer of it.
    X
        `(rows, L, 4)` some sequences.
    rows, n
        Which of all `n` sequences they are, for inputs and references that are given by row.
    options
        Of `layer_deeplift`.

    Raises
    ------
    ParameterError
        When several targets are asked for, or the layer's values have no name, or the target does not depend on them.
    TargetError, UnsupportedLayerError
        As `layer_deeplift` does.
    """
    if isinstance(options.get("target"), list):
        raise ParameterError("The importance of filters is that for one target; give one, or importance=False.")
    options = {**options, **_of_rows(model, options, rows, n)}
    total = np.zeros((len(rows), layer.n_filters))
    label = ""
    for call, reach in zip(layer.calls, layer.reaches, strict=True):
        if call is None:
            raise ParameterError(
                f"What the layer {layer.name!r} gives lies inside of a layer, where contributions cannot be stopped; "
                "use importance=False, or name another layer."
            )
        job = LayerDeepLift(model, X.shape[1], len(rows), LayerDeepLiftOptions(layer=call, **options))
        label = job.targets[0]
        size = max(1, BLOCK_BYTES // (4 * len(reach) * layer.n_filters))
        size = max(job.batch_sequences, size - size % job.batch_sequences)
        for low in range(0, len(rows), size):
            found = job.explain_layer(X[low : low + size], start=low).contributions
            total[low : low + size] += _by_filter(found, reach.axis, layer.n_filters)
    return total, label


def _of_rows(model: SequenceModel, options: Mapping[str, Any], rows: Array, n: int) -> dict[str, Any]:
    """Return what is given sequence by sequence, for some rows."""
    found: dict[str, Any] = {}
    if model.per_sequence_extra(options.get("extra_inputs")):
        found["extra_inputs"] = model.extra_rows(rows, extra_inputs=options.get("extra_inputs"), n=n)
    references = options.get("references")
    if isinstance(references, np.ndarray) and references.ndim == 4 and len(references) == n:
        found["references"] = references[rows]
    return found


def _by_filter(contributions: Array, axis: int, n_filters: int) -> Array:
    """Sum contributions over positions."""
    return np.asarray(contributions.sum(axis=axis, dtype=np.float64).reshape(len(contributions), n_filters))
