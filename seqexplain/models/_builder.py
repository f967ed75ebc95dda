"""Walks a Keras model, node by node, and collects the primitive operations that it becomes.

A layer that has a handler becomes the operations that the handler says. Any other is traced into smaller layers and
`keras.ops`; what cannot be traced, or ends in something unknown, becomes an opaque operation: it computes, but methods
that look inside refuse it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import layers, ops

from seqexplain.models._constants import Constant, computed
from seqexplain.models._decompositions import decomposition_of
from seqexplain.models._handlers import HANDLERS
from seqexplain.models._op_call import Call, Operand
from seqexplain.models._op_handlers import OP_HANDLERS
from seqexplain.models._tracing import batch_length, trace
from seqexplain.models.backend import Tensor
from seqexplain.models.graph import Graph, is_functional
from seqexplain.models.operations import Opaque, Operation, Shape, Structural

# recurrent layers loop over positions: traced, each would become operations by the thousand
NEVER_TRACED = (layers.RNN, layers.Bidirectional)


@dataclass
class Builder:
    """Collects operations while a model is walked.

    Attributes
    ----------
    keep
        Classes of layers that stay one opaque operation, whatever is known of them.
    """

    keep: frozenset[type] = frozenset()
    operations: list[Operation] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    layer: str = ""
    layer_class: str = ""
    batch: int | None = None  # length of the batch axis in the shapes that are being walked
    _section: str = ""  # the operation of a traced layer that is being added
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

    def out_shapes(self) -> list[Shape]:
        """Return the shapes that Keras gives all outputs of the layer that is being added."""
        return list(self._out_shapes)

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
        return self.add_several(kind, inputs, [shape], part=part, **options)[0]

    def add_several(
        self,
        kind: type[Operation],
        inputs: Sequence[int],
        shapes: Sequence[Sequence[int | None]],
        *,
        part: str = "",
        **options: Any,
    ) -> list[int]:
        """Append an operation with several outputs; return the numbers of its values."""
        outputs = tuple(self.value(shape) for shape in shapes)
        self._append(kind, inputs, outputs, part, options)
        return list(outputs)

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
        layer_type: type | None = None,
        read_weights: Callable[[], dict[str, Tensor]] = dict,
    ) -> list[int]:
        """Append something that computes but has no rule."""
        options = {"function": function, "read_weights": read_weights, "layer_type": layer_type}
        saved = self.layer_class
        self.layer_class = layer_class or saved
        outputs = self.add_several(Opaque, inputs, shapes, part=part, **options)
        self.layer_class = saved
        return outputs

    def opaque_layer(self, layer: Any, inputs: Sequence[int]) -> list[int]:
        """Append a whole layer that has no rule; it is called without touching its state."""
        values = [Operand(i, self.shape(i)) for i in inputs]
        return self._opaque_call(layer, inputs, (values if len(values) > 1 else values[0],), {})

    def add_layer(
        self, layer: Any, inputs: list[int], part: str = "", shape: Sequence[int | None] | None = None
    ) -> list[int]:
        """Append a layer that is part of another one: its activation, say. `shape` is that of its output."""
        saved = self.layer, self.layer_class, self._out_shapes
        self.layer = f"{self.layer}/{part}" if part else self.layer
        self.layer_class = type(layer).__name__
        self._out_shapes = [tuple(shape or self.shape(inputs[0]))]
        handler = HANDLERS.get(type(layer))
        if handler and type(layer) not in self.keep:
            outputs = handler(self, layer, inputs)
        elif type(layer) in self.keep:
            outputs = self.opaque_layer(layer, inputs)
        else:
            symbols = [keras.KerasTensor((None, *self.shape(i))) for i in inputs]
            outputs = self.retrace(
                layer,
                (symbols if len(symbols) > 1 else symbols[0],),
                {},
                dict(zip(map(id, symbols), inputs, strict=True)),
            )
        self.layer, self.layer_class, self._out_shapes = saved
        return outputs

    def add_call(self, layer: Any, arguments: Any, shapes: Sequence[Sequence[int | None]]) -> list[int]:
        """Append a call of a layer by what it is made of; values stand for tensors, `shapes` are its outputs'."""
        saved, self._out_shapes = self._out_shapes, [tuple(shape) for shape in shapes]
        known: dict[int, int | Constant] = {}
        kept = []  # symbols are known by their `id`: none may be collected before its time

        def symbol(value: int) -> Any:
            kept.append(keras.KerasTensor((None, *self.shape(value))))
            known[id(kept[-1])] = value
            return kept[-1]

        outputs = self.retrace(layer, keras.tree.map_structure(symbol, arguments), {}, known)
        self._out_shapes = saved
        return outputs

    def forget_from(self, count: int) -> None:
        """Drop all operations after the first `count`, and their names."""
        for operation in self.operations[count:]:
            self._names[operation.name.partition("#")[0]] -= 1
        del self.operations[count:]

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
        name = "/".join(p for p in (self.layer, self._section, part) if p)
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

    # --- walking -------------------------------------------------------------------------------------------------

    def add_model(self, model: Any, inputs: Sequence[int]) -> list[int]:
        """Append a Keras model; return the values of its outputs.

        A subclassed model is traced; where that fails it is a single opaque operation, which can be scored, but not
        looked into.
        """
        self.layer, self.layer_class = model.name, type(model).__name__
        if is_functional(model) and type(model) not in self.keep:
            return self.inline(model, inputs)
        symbols = [keras.KerasTensor((None, *self.shape(i))) for i in inputs]
        given = symbols if len(symbols) > 1 else symbols[0]
        self._out_shapes = [tuple(t.shape[1:]) for t in keras.tree.flatten(model.compute_output_spec(given))]
        return self.retrace(model, (given,), {}, dict(zip(map(id, symbols), inputs, strict=True)), prefix="")

    def inline(self, model: Any, inputs: Sequence[int], path: str = "") -> list[int]:
        """Append all operations of a functional model; return the values of its outputs."""
        functional = getattr(model, "_functional", None) or model
        known: dict[int, int | Constant] = dict(zip(map(id, functional.inputs), inputs, strict=True))
        saved, self.batch = self.batch, None
        for depth in sorted(functional._nodes_by_depth, reverse=True):
            for node in functional._nodes_by_depth[depth]:
                if not node.is_input and all(id(t) in known for t in node.input_tensors):
                    self._node(node, known, path)
        self.batch = saved
        return [self._as_value(known[id(tensor)]) for tensor in functional.outputs]

    def retrace(
        self,
        layer: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        known: Mapping[int, int | Constant],
        prefix: str | None = None,
    ) -> list[int]:
        """Append a layer by what its call is made of; as one opaque operation where that cannot be found out.

        Parameters
        ----------
        layer
            The layer.
        args, kwargs
            Of the call, with Keras tensors.
        known
            Of these tensors, the values, or constants.
        prefix
            Path of what is inside; default: the layer's own.
        """
        owner = (self.layer, self.layer_class)
        inputs = list(dict.fromkeys(v for v in known.values() if isinstance(v, int)))
        call = decomposition_of(type(layer)) or type(layer).call
        kwargs = {k: v for k, v in kwargs.items() if k != "training"}
        batch = batch_length([self.shape(i) for i in inputs])
        symbols: dict[int, Any] = {}

        def symbol(x: Any) -> Any:
            if not isinstance(x, keras.KerasTensor):
                return x
            if id(x) not in symbols:
                value = known[id(x)]
                shape = value.shape if isinstance(value, Constant) else (batch, *self.shape(value))
                symbols[id(x)] = keras.KerasTensor(shape, dtype=x.dtype)
            return symbols[id(x)]

        traced = None
        if not isinstance(layer, NEVER_TRACED) and isinstance(layer, keras.Layer):
            a, k = keras.tree.map_structure(symbol, (tuple(args), kwargs))
            try:
                traced = trace(layer, call, a, k, batch, list(symbols.values()))
            except Exception:
                traced = None
        # an output that does not depend on the inputs, or another number of them, is not what the layer returns
        if traced is None or len(traced.outputs) != len(self._out_shapes):
            fill = lambda x: self._argument(x, known)  # noqa: E731
            a, k = keras.tree.map_structure(fill, (tuple(args), kwargs))
            return self._opaque_call(layer, inputs, a, k)
        values: dict[int, int | Constant] = {id(s): known[key] for key, s in symbols.items()}
        for key, (tensor, variable) in traced.weights.items():
            values[key] = Constant(tuple(tensor.shape), functools.partial(_itself, variable))
        saved = self._out_shapes, self.batch
        self.batch = batch
        path = f"{owner[0]}/" if prefix is None else prefix
        for node in traced.nodes:
            self._node(node, values, path, owner)
        self._out_shapes, self.batch = saved
        self.layer, self.layer_class = owner
        return [self._as_value(values[id(t)]) for t in traced.outputs]

    def _argument(self, x: Any, known: Mapping[int, int | Constant]) -> Any:
        if not isinstance(x, keras.KerasTensor):
            return x
        value = known[id(x)]
        return value if isinstance(value, Constant) else Operand(value, self.shape(value), x.dtype)

    def _as_value(self, value: int | Constant) -> int:
        """Return a model's output that depends on none of its inputs as a value."""
        if isinstance(value, int):
            return value
        constant = value
        shape = constant.shape[1:]

        def function(weights: Mapping[str, Tensor], tensors: Sequence[Tensor]) -> list[Tensor]:
            return [ops.broadcast_to(weights["value"][:1], (tensors[0].shape[0], *shape))]

        return self.add_opaque(
            [0], [shape], function, part="constant", read_weights=lambda: {"value": constant.tensor()}
        )[0]

    def _node(
        self, node: Any, known: dict[int, int | Constant], path: str, owner: tuple[str, str] | None = None
    ) -> None:
        """Append one call, and note the values of its outputs."""
        layer = node.operation
        self._out_shapes = [tuple(t.shape[1:]) for t in node.outputs]
        args, kwargs = node.arguments.convert(lambda x: self._argument(x, known))
        inputs = [known[id(t)] for t in node.input_tensors]
        values = [i for i in inputs if isinstance(i, int)]
        outputs: Sequence[int | Constant]
        if not values:
            outputs = computed(layer, args, kwargs, [t.shape for t in node.outputs], self.batch)
        elif isinstance(layer, keras.Layer):
            self.layer, self.layer_class, self._section = f"{path}{layer.name}", type(layer).__name__, ""
            tensors = {id(t): known[id(t)] for t in node.input_tensors}
            outputs = self._layer(layer, args, kwargs, values, len(values) == len(inputs), node, tensors)
        else:
            own = (f"{path}{layer.name}", type(layer).__name__)
            self.layer, self.layer_class = owner or own
            self._section = str(layer.name) if owner else ""
            outputs = self._operation(layer, args, kwargs, values, owner is not None)
            self._section = ""
        known.update((id(tensor), value) for tensor, value in zip(node.outputs, outputs, strict=True))

    def _layer(
        self,
        layer: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        inputs: list[int],
        values_only: bool,
        node: Any,
        tensors: Mapping[int, int | Constant],
    ) -> list[int]:
        plain = values_only and is_plain_call(args, kwargs)
        if type(layer) in self.keep or kwargs.get("training"):
            return self._opaque_call(layer, inputs, args, kwargs)
        if is_functional(layer) and plain:
            return self.inline(layer, inputs, f"{self.layer}/")
        handler = HANDLERS.get(type(layer))
        if handler is not None and plain:
            return handler(self, layer, inputs)
        return self.retrace(layer, node.arguments.args, node.arguments.kwargs, tensors)

    def _operation(
        self, operation: Any, args: Sequence[Any], kwargs: Mapping[str, Any], inputs: list[int], inside: bool
    ) -> list[int]:
        """Append a `keras.ops` operation."""
        handler = OP_HANDLERS.get(type(operation))
        if handler is not None:
            bound = inspect.signature(operation.call).bind(*args, **kwargs)
            outputs = handler(self, Call(operation, bound.arguments, inputs, self.batch))
            if outputs is not None:
                return outputs
        saved = self.layer_class
        if inside:
            self.layer_class = f"{saved}: keras.ops {type(operation).__name__}"
        outputs = self._opaque_call(operation, inputs, args, kwargs)
        self.layer_class = saved
        return outputs

    def _opaque_call(
        self, layer: Any, inputs: Sequence[int], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> list[int]:
        """Append a call of a layer (or a `keras.ops` operation) as one opaque operation."""
        places = {value: place for place, value in enumerate(inputs)}
        trainable = len(getattr(layer, "trainable_variables", ()))
        ordered = [*getattr(layer, "trainable_variables", ()), *getattr(layer, "non_trainable_variables", ())]
        constants = [c for c in keras.tree.flatten((tuple(args), dict(kwargs))) if isinstance(c, Constant)]

        def read() -> dict[str, Tensor]:
            found = {str(i): ops.convert_to_tensor(v) for i, v in enumerate(ordered)}
            return found | {f"constant_{id(c)}": ops.convert_to_tensor(c.read()) for c in constants}

        def function(weights: Mapping[str, Tensor], tensors: Sequence[Tensor]) -> list[Tensor]:
            def fill(x: Any) -> Any:
                if isinstance(x, Constant):
                    return weights[f"constant_{id(x)}"]
                return _restored(tensors[places[x.number]], x.dtype) if isinstance(x, Operand) else x

            a, k = keras.tree.map_structure(fill, (tuple(args), dict(kwargs)))
            k.pop("training", None)
            if not ordered:
                return [_as_float(t) for t in keras.tree.flatten(layer(*a, **k))]
            values = [weights[str(i)] for i in range(len(ordered))]
            results, _ = layer.stateless_call(values[:trainable], values[trainable:], *a, **k)
            return [_as_float(t) for t in keras.tree.flatten(results)]

        return self.add_opaque(inputs, self._out_shapes, function, read_weights=read, layer_type=type(layer))


def _itself(variable: Any) -> Any:
    return variable


def _as_float(tensor: Tensor) -> Tensor:
    """Every value in a graph is a float: masks and whole numbers, too."""
    kind = keras.backend.standardize_dtype(tensor.dtype)
    return tensor if kind.startswith(("float", "bfloat")) else ops.cast(tensor, "float32")


def _restored(tensor: Tensor, dtype: str) -> Tensor:
    """Give a value that Keras knows as a mask or as whole numbers that type again."""
    return ops.cast(tensor, dtype) if dtype.startswith(("bool", "int", "uint")) else tensor


def is_plain_call(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a layer was called with tensors only: no mask, no initial state, not in training mode."""
    for name, value in kwargs.items():
        # a model of several inputs is given a list of masks, each of which may be None
        given = any(leaf is not None for leaf in keras.tree.flatten(value))
        if given and not (name == "training" and value is False):
            return False
    return len(args) == 1
