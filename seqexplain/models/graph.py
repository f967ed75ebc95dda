"""A Keras model, flattened to primitive operations in topological order.

The *nodes* of the functional graph are walked, not `model.operations`: a layer that is used twice stands there once.
Nested models are inlined. Nothing is added to the user's model, and no layer is called while flattening.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import layers, ops
from keras.src.models.functional import Functional
from keras.src.ops import numpy as operators

from seqexplain.models._handlers import HANDLERS
from seqexplain.models.backend import Tensor
from seqexplain.models.operations import Opaque, Operation, Shape, Structural

WeightList = list[dict[str, Tensor]]

# `x + y` and the like between two tensors do what these layers do
LAYER_OF_OPERATOR = {
    operators.Add: layers.Add,
    operators.Subtract: layers.Subtract,
    operators.Maximum: layers.Maximum,
    operators.Minimum: layers.Minimum,
}


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


@dataclass
class Builder:
    """Collects operations while a model is walked."""

    operations: list[Operation] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    layer: str = ""
    layer_class: str = ""
    _out_shapes: list[Shape] = field(default_factory=list)
    _names: dict[str, int] = field(default_factory=dict)

    def value(self, shape: Sequence[int | None]) -> int:
        """Return the number of a new value."""
        self.shapes.append(tuple(shape))
        return len(self.shapes) - 1

    def shape(self, value: int) -> Shape:
        """Return a value's shape, without the batch axis."""
        return self.shapes[value]

    def producer(self, value: int) -> Operation | None:
        """Return the operation that writes a value; None for an input."""
        return next((op for op in reversed(self.operations) if value in op.outputs), None)

    def out_shape(self) -> Shape:
        """Return the shape that Keras gives the (first) output of the layer that is being added."""
        return self._out_shapes[0]

    @contextmanager
    def channels_last(self) -> Iterator[None]:
        """While it lasts, tell the outputs' shapes of a channels-first layer with the channels moved last."""
        saved = self._out_shapes
        self._out_shapes = [(*shape[1:], *shape[:1]) for shape in saved]
        yield
        self._out_shapes = saved

    def add(
        self,
        kind: type[Operation],
        inputs: Sequence[int],
        shape: Sequence[int | None],
        *,
        part: str = "",
        **options: Any,
    ) -> int:
        """Append an operation with one output; return the number of its value."""
        output = self.value(shape)
        self._append(kind, inputs, (output,), part, options)
        return output

    def structural(
        self,
        inputs: Sequence[int],
        shape: Sequence[int | None],
        function: Callable[..., Tensor],
        *,
        part: str = "",
        moves_only: bool = False,
    ) -> int:
        """Append a linear operation without weights."""
        return self.add(Structural, inputs, shape, part=part, function=function, moves_only=moves_only)

    def add_opaque(
        self,
        inputs: Sequence[int],
        shapes: Sequence[Sequence[int | None]],
        function: Callable[..., list[Tensor]],
        *,
        part: str = "",
        layer_class: str | None = None,
        read_weights: Callable[[], dict[str, Tensor]] = dict,
    ) -> list[int]:
        """Append something that computes but has no rule."""
        outputs = tuple(self.value(shape) for shape in shapes)
        options = {"function": function, "read_weights": read_weights}
        saved = self.layer_class
        self.layer_class = layer_class or saved
        self._append(Opaque, inputs, outputs, part, options)
        self.layer_class = saved
        return list(outputs)

    def opaque_layer(self, layer: Any, inputs: Sequence[int]) -> list[int]:
        """Append a whole layer that has no rule; it is called without touching its state."""
        values = [_Value(i) for i in inputs]
        return self._opaque_call(layer, inputs, (values if len(values) > 1 else values[0],), {})

    def add_layer(self, layer: Any, inputs: list[int], part: str = "") -> list[int]:
        """Append a layer that is used as another layer's activation."""
        saved = self.layer, self.layer_class, self._out_shapes
        self.layer = f"{self.layer}/{part}" if part else self.layer
        self.layer_class = type(layer).__name__
        self._out_shapes = [self.shape(inputs[0])]
        handler = HANDLERS.get(type(layer))
        outputs = handler(self, layer, inputs) if handler else self.opaque_layer(layer, inputs)
        self.layer, self.layer_class, self._out_shapes = saved
        return outputs

    def graph(self, inputs: Sequence[int], outputs: Sequence[int]) -> Graph:
        """Return what has been collected."""
        return Graph(tuple(self.operations), tuple(inputs), tuple(outputs), tuple(self.shapes))

    def _append(
        self,
        kind: type[Operation],
        inputs: Sequence[int],
        outputs: tuple[int, ...],
        part: str,
        options: Mapping[str, Any],
    ) -> None:
        name = f"{self.layer}/{part}" if part else self.layer
        self._names[name] = self._names.get(name, 0) + 1
        if self._names[name] > 1:
            name = f"{name}#{self._names[name]}"
        self.operations.append(
            kind(
                name=name,
                layer=self.layer,
                layer_class=self.layer_class,
                inputs=tuple(inputs),
                outputs=outputs,
                **options,
            )
        )

    def inline(self, model: Any, inputs: Sequence[int], path: str = "") -> list[int]:
        """Append all operations of a functional model; return the values of its outputs."""
        functional = getattr(model, "_functional", None) or model
        known = {id(tensor): value for tensor, value in zip(functional.inputs, inputs, strict=True)}
        for depth in sorted(functional._nodes_by_depth, reverse=True):
            for node in functional._nodes_by_depth[depth]:
                if node.is_input or any(id(t) not in known for t in node.input_tensors):
                    continue
                outputs = self._node(node, known, path)
                known.update((id(tensor), value) for tensor, value in zip(node.outputs, outputs, strict=True))
        return [known[id(tensor)] for tensor in functional.outputs]

    def _node(self, node: Any, known: Mapping[int, int], path: str) -> list[int]:
        layer = node.operation
        inputs = [known[id(t)] for t in node.input_tensors]
        self.layer = f"{path}{layer.name}"
        self.layer_class = type(layer).__name__
        self._out_shapes = [tuple(t.shape[1:]) for t in node.outputs]
        args, kwargs = node.arguments.convert(lambda x: _Value(known[id(x)]) if isinstance(x, keras.KerasTensor) else x)
        plain = _is_plain_call(args, kwargs)
        if is_functional(layer) and plain:
            return self.inline(layer, inputs, f"{path}{layer.name}/")
        handler = HANDLERS.get(type(layer))
        if handler is not None and plain:
            return handler(self, layer, inputs)
        operands = [a.number for a in args if isinstance(a, _Value)]
        # of differing ranks, NumPy would align the batch axis with an axis of the example
        one_rank = len({len(self.shape(i)) for i in operands}) == 1
        if type(layer) in LAYER_OF_OPERATOR and len(operands) == len(args) == 2 and one_rank and not kwargs:
            return HANDLERS[LAYER_OF_OPERATOR[type(layer)]](self, layer, operands)
        return self._opaque_call(layer, inputs, args, kwargs)

    def _opaque_call(
        self, layer: Any, inputs: Sequence[int], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> list[int]:
        """Append a call of a layer (or a `keras.ops` operation) as one opaque operation."""
        places = {value: place for place, value in enumerate(inputs)}
        trainable = len(getattr(layer, "trainable_variables", ()))
        ordered = [*getattr(layer, "trainable_variables", ()), *getattr(layer, "non_trainable_variables", ())]

        def read() -> dict[str, Tensor]:
            return {str(i): ops.convert_to_tensor(v) for i, v in enumerate(ordered)}

        def function(weights: Mapping[str, Tensor], tensors: Sequence[Tensor]) -> list[Tensor]:
            fill = lambda x: tensors[places[x.number]] if isinstance(x, _Value) else x  # noqa: E731
            a, k = keras.tree.map_structure(fill, (tuple(args), dict(kwargs)))
            k.pop("training", None)
            if not ordered:
                return list(keras.tree.flatten(layer(*a, **k)))
            values = [weights[str(i)] for i in range(len(ordered))]
            results, _ = layer.stateless_call(values[:trainable], values[trainable:], *a, **k)
            return list(keras.tree.flatten(results))

        return self.add_opaque(inputs, self._out_shapes, function, read_weights=read)


@dataclass(frozen=True)
class _Value:
    """Stands for a value among the arguments of a call."""

    number: int


def _is_plain_call(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a layer was called with tensors only: no mask, no initial state, not in training mode."""
    for name, value in kwargs.items():
        # a model of several inputs is given a list of masks, each of which may be None
        given = any(leaf is not None for leaf in keras.tree.flatten(value))
        if given and not (name == "training" and value is False):
            return False
    return len(args) == 1


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


def add_model(builder: Builder, model: Any, inputs: Sequence[int]) -> list[int]:
    """Append a Keras model to a graph; return the values of its outputs.

    A subclassed model becomes a single opaque operation: it can be scored, but not looked into.
    """
    if is_functional(model):
        return builder.inline(model, inputs)
    symbols = [keras.KerasTensor((None, *builder.shape(i))) for i in inputs]
    outcome = model.compute_output_spec(symbols if len(symbols) > 1 else symbols[0])
    builder.layer, builder.layer_class = model.name, type(model).__name__
    builder._out_shapes = [tuple(t.shape[1:]) for t in keras.tree.flatten(outcome)]
    return builder.opaque_layer(model, inputs)
