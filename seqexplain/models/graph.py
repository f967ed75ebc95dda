"""A Keras model, flattened to primitive operations in topological order.

The *nodes* of the functional graph are walked, not `model.operations`: a layer that is used twice stands there once.
Nested models are inlined; `_builder` does the walking. Nothing is added to the user's model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras.src.models.functional import Functional

from seqexplain.models.backend import Tensor
from seqexplain.models.operations import Operation, Shape

WeightList = list[dict[str, Tensor]]


@dataclass(frozen=True, eq=False)
class Graph:
    """Operations in the order in which they can be computed.

    Attributes
    ----------
    operations
        In topological order.
    inputs
        The model's inputs: value numbers, in the model's order.
    outputs
        The model's outputs: value numbers, in the model's order.
    shapes
        Shape of each value, one example, as far as the model knows it (None: varies).
    """

    operations: tuple[Operation, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shapes: tuple[Shape, ...]

    def needed_for(self, values: Iterable[int]) -> list[int]:
        """Return the positions of the operations that some values depend on, in order."""
        wanted, positions = set(values), []
        for position in reversed(range(len(self.operations))):
            operation = self.operations[position]
            if wanted.intersection(operation.outputs):
                wanted.update(operation.inputs)
                positions.append(position)
        return positions[::-1]

    def reached_from(self, value: int) -> set[int]:
        """Return all values that depend on one value, itself included."""
        reached = {value}
        for operation in self.operations:
            if reached.intersection(operation.inputs):
                reached.update(operation.outputs)
        return reached

    def read_weights(self) -> WeightList:
        """Return the weights of each operation as they are now."""
        return [operation.read_weights() for operation in self.operations]

    def run(self, weights: WeightList, feeds: Mapping[int, Tensor], positions: Sequence[int]) -> dict[int, Tensor]:
        """Compute some operations from the values of the inputs; return all values."""
        values = dict(feeds)
        for position in positions:
            operation = self.operations[position]
            results = operation.forward(weights[position], [values[i] for i in operation.inputs])
            values.update(zip(operation.outputs, results, strict=True))
        return values


def is_functional(model: Any) -> bool:
    """Whether a model is a graph of layers that can be walked, and not a subclass with a `call` of its own."""
    if type(model) is keras.Sequential:
        return model._functional is not None
    return isinstance(model, Functional) and type(model).call is Functional.call


def input_shapes_of(model: Any) -> list[Shape]:
    """Return the shapes of a model's inputs, of one example; empty where the model does not know them."""
    tensors = keras.tree.flatten(getattr(model, "inputs", None) or [])
    if tensors:
        return [tuple(t.shape[1:]) for t in tensors]
    build = model.get_build_config() or {}
    shape = build.get("input_shape")
    if isinstance(shape, (list, tuple)) and shape and not isinstance(shape[0], (list, tuple)):
        return [tuple(shape[1:])]
    return []


def input_names_of(model: Any) -> list[str]:
    """Return the names of a model's inputs, as far as it has any."""
    return [str(t.name) for t in keras.tree.flatten(getattr(model, "inputs", None) or [])]


def output_names_of(model: Any, count: int) -> list[str]:
    """Return the names of a model's heads: those of its output layers, made unique."""
    tensors = keras.tree.flatten(getattr(model, "outputs", None) or [])
    if len(tensors) == count and all(hasattr(t, "_keras_history") for t in tensors):
        names = [str(t._keras_history.operation.name) for t in tensors]
    else:
        names = [f"output_{i}" for i in range(count)]
    return [name if names.count(name) == 1 else f"{name}_{i}" for i, name in enumerate(names)]
