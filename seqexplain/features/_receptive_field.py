"""Which bases the positions of a layer see."""

from __future__ import annotations

from typing import Any

from seqexplain.errors import ParameterError
from seqexplain.features._filter_layer import filter_layer
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.motifs import ReceptiveField


def receptive_field(
    model: SequenceModel | Any, *, layer: str | None = None, length: int | None = None
) -> ReceptiveField:
    """Return the window of the sequence that each position of a layer sees.

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model that reads `(L, 4)`.
    layer
        Its name (`seqexplain info` lists them); None for the first convolution. Of a layer that is called several
        times the positions of all calls, one after the other; `name#2` is the second call alone.
    length
        Of the sequences in bp, for a model of any length.

    Returns
    -------
    ReceptiveField

    Raises
    ------
    UnsupportedLayerError
        When the model cannot be looked into, or has no convolution.
    ParameterError
        When there is no such layer, or its positions depend on the whole sequence.

    Notes
    -----
    Windows are those that the graph allows: kernels with zeros at their edges see less. They follow from the kernels,
    strides, dilations and paddings of convolutions and pooling, and from operations that move positions.
    """
    model = model if isinstance(model, SequenceModel) else SequenceModel(model)
    length = length or model.length
    if length is None:
        raise ParameterError(f"The model {model.name!r} reads any length; say which with length=….")
    return filter_layer(model, layer, length).field
