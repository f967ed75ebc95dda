"""The layer whose filters are looked at: its values, receptive field, and where its filters are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqexplain.errors import ParameterError, UnsupportedLayerError
from seqexplain.features._reach import Reach, reach_of
from seqexplain.models._hidden import OWN, PREACTIVATION, layers_of
from seqexplain.models.backend import Array
from seqexplain.models.graph import Graph
from seqexplain.models.operations import AveragePool, Convolution, Elementwise, MaxPool, Operation, Scale, Structural
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.motifs import ReceptiveField

# what is far below zero stays so with these; others cut it off, or bring it near zero
SIGNED = ("hard_shrink", "hard_tanh", "linear", "soft_shrink", "softsign", "tanh", "tanh_shrink")


@dataclass(frozen=True, eq=False)
class FilterLayer:
    """A layer with filters.

    Attributes
    ----------
    name
        The layer as it was named, or found.
    values
        What it gives, after batch normalisation and activation: one number a call.
    calls
        The name of each of these values, as `layer_deeplift` takes it; None where it has none.
    reaches
        What each call's positions see.
    n_filters
        How many it has.
    signed
        Whether activations far below zero mean something to the layers above.
    """

    name: str
    values: tuple[int, ...]
    calls: tuple[str | None, ...]
    reaches: tuple[Reach, ...]
    n_filters: int
    signed: bool

    @property
    def field(self) -> ReceptiveField:
        """The receptive field of the positions of all calls, one call after the other."""
        return ReceptiveField.joined([_field(reach, self.name) for reach in self.reaches])

    def arranged(self, outputs: Sequence[Array]) -> Array:
        """Return what the calls gave as `(sequences, positions, filters)`."""
        parts = []
        for found, reach in zip(outputs, self.reaches, strict=True):
            parts.append(np.moveaxis(found, reach.axis, 1).reshape(len(found), len(reach), self.n_filters))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def filter_layer(model: SequenceModel, layer: str | None, length: int) -> FilterLayer:
    """Return the layer whose filters are looked at.

    Parameters
    ----------
    model
        The model.
    layer
        Its name; None for the first convolution of the sequence.
    length
        Of the sequences, bp.

    Raises
    ------
    UnsupportedLayerError
        When the model cannot be looked into, or has no convolution.
    ParameterError
        When there is no such layer, or it has no positions along the sequence, or not one axis of filters.
    """
    graph = model.graph
    name = _first_convolution(model) if layer is None else layer
    shapes, weights = model.value_shapes(length), model.weights()
    found = model.layer_values(name)
    follows = not name.partition("#")[0].endswith(PREACTIVATION)
    values = tuple(dict.fromkeys(_activated(graph, value) if follows else value for value in found))
    found_reaches = {value: reach_of(graph, value, shapes, weights, name) for value in values}
    values = tuple(sorted(values, key=lambda value: found_reaches[value].turned))  # the sequence's own strand first
    reaches = tuple(found_reaches[value] for value in values)
    counts = set()
    for value, reach in zip(values, reaches, strict=True):
        others = [n for axis, n in enumerate(shapes[value], start=1) if axis != reach.axis]
        if len([n for n in others if n != 1]) > 1:
            raise ParameterError(
                f"The layer {name!r} gives {tuple(shapes[value])}: beside the positions it has {len(others)} axes, and "
                "filters are one. Choose a layer that reads all four bases together."
            )
        counts.add(int(np.prod(others, dtype=np.int64)))
    if len(counts) != 1:
        raise ParameterError(f"The calls of the layer {name!r} differ in their filters; name one: '{name}#1'.")
    calls = tuple(_name_of(model, value) for value in values)
    signed = any(_is_signed(graph, value) for value in values)
    return FilterLayer(name, values, calls, reaches, counts.pop(), signed)


def _field(reach: Reach, name: str) -> ReceptiveField:
    widths = np.unique(reach.last - reach.first + 1)
    # branches that end at different places: the widest window of all, in the same place for each
    return ReceptiveField(reach.first, int(widths.max()), np.full(len(reach), reach.turned))


def _first_convolution(model: SequenceModel) -> str:
    """Return the layer of the first convolution that reads the sequence."""
    graph = model.graph
    reached = {graph.inputs[0]}
    for operation in graph.operations:
        if not reached.intersection(operation.inputs):
            continue
        reached.update(operation.outputs)
        if isinstance(operation, Convolution) and operation.layer_class != OWN:
            return operation.layer
    raise UnsupportedLayerError(
        f"The model {model.name!r} has no convolution, and so no filters. Its layers are: "
        f"{', '.join(layers_of(graph)[:20])}. Name one that treats each position alike with layer=…, if there is one."
    )


def _activated(graph: Graph, value: int) -> int:
    """Return a value after the batch normalisation and the activation that follow it directly."""
    producer = next((op for op in graph.operations if value in op.outputs), None)
    if isinstance(producer, Elementwise):
        return value
    while True:
        readers = [op for op in graph.operations if value in op.inputs]
        if len(readers) != 1 or not _is_step(readers[0]):
            return value
        value = readers[0].outputs[0]
        if isinstance(readers[0], Elementwise):
            return value


def _is_step(operation: Operation) -> bool:
    return isinstance(operation, (Elementwise, Scale)) and len(operation.inputs) == 1


def _is_signed(graph: Graph, value: int) -> bool:
    """Whether what is far below zero reaches the layers above: the activation may come after pooling, too."""
    producer = next((op for op in graph.operations if value in op.outputs), None)
    if isinstance(producer, Elementwise):
        return producer.label in SIGNED
    readers = [op for op in graph.operations if value in op.inputs]
    while len(readers) == 1 and isinstance(readers[0], (MaxPool, AveragePool, Scale, Structural)):
        value = readers[0].outputs[0]
        readers = [op for op in graph.operations if value in op.inputs]
    return not (len(readers) == 1 and isinstance(readers[0], Elementwise)) or readers[0].label in SIGNED


def _name_of(model: SequenceModel, value: int) -> str | None:
    """Return the name of the layer, and of its call, that gives a value."""
    producer = next((op for op in model.graph.operations if value in op.outputs), None)
    if producer is None:
        return None
    for path in (producer.layer, f"{producer.layer}{PREACTIVATION}"):
        try:
            values = model.layer_values(path)
        except ParameterError:
            continue
        if value in values:
            return path if len(values) == 1 else f"{path}#{values.index(value) + 1}"
    return None
