"""A layer's own `call`, traced into the operations that it is made of.

`call` is run on symbols in the place of its inputs and of its weights. It is given a stand-in that shares everything
with the layer but its weights, so the layer itself is not touched; what calling the sublayers writes down is undone,
also after an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.layers.rnn.dropout_rnn_cell import DropoutRNNCell

from seqexplain.errors import UnsupportedLayerError

BATCHES = (127, 131, 137, 139, 149)  # lengths of the traced batch axis: one that no other axis has is told from them


@dataclass(frozen=True)
class Trace:
    """What a call is made of.

    Attributes
    ----------
    nodes
        Calls of smaller layers and operations, in an order in which they can be computed.
    outputs
        Symbols of the call's outputs.
    weights
        For the symbol of each weight, by `id`, the variable.
    batch
        Length of the batch axis in all symbols' shapes.
    """

    nodes: tuple[Any, ...]
    outputs: tuple[Any, ...]
    weights: Mapping[int, tuple[Any, Any]]
    batch: int


def batch_length(shapes: Iterable[Sequence[int | None]]) -> int:
    """Return a length for the batch axis that no other axis has."""
    used = {n for shape in shapes for n in shape}
    return next((n for n in BATCHES if n not in used), BATCHES[0])


def trace(layer: Any, call: Callable[..., Any], args: Any, kwargs: Any, batch: int, symbols: Sequence[Any]) -> Trace:
    """Trace `call(layer, *args, **kwargs)`.

    Parameters
    ----------
    layer
        The layer; a stand-in is passed in its place.
    call
        Its class's `call`, or a registered decomposition.
    args, kwargs
        Of the call, with symbols in the place of tensors.
    batch
        Length of the symbols' batch axis.
    symbols
        All symbols among the arguments.

    Raises
    ------
    UnsupportedLayerError
        When what it returns does not come from its inputs by traceable operations.
    Exception
        Whatever the call raises when it is given symbols.
    """
    with _left_as_it_was(layer):
        try:
            stand_in, weights = _stand_in(layer)
            outputs = keras.tree.flatten(call(stand_in, *args, **kwargs))
        except Exception:
            # weights that are used in a way that symbols do not know: taken as they are
            stand_in, weights = _stand_in(layer, symbolic=False)
            outputs = keras.tree.flatten(call(stand_in, *args, **kwargs))
        if not outputs or not all(isinstance(t, keras.KerasTensor) for t in outputs):
            raise UnsupportedLayerError(
                f"The call of {type(layer).__name__} returns what is not computed from its input."
            )
        nodes = _nodes_before(outputs, {id(s) for s in symbols} | set(weights))
    return Trace(tuple(nodes), tuple(outputs), weights, batch)


def _stand_in(layer: Any, symbolic: bool = True) -> tuple[Any, dict[int, tuple[Any, Any]]]:
    """Return an object like a layer, with symbols as its weights, and the variable of each symbol."""
    stand_in = object.__new__(type(layer))
    attributes = dict(vars(layer))
    weights: dict[int, tuple[Any, Any]] = {}
    of_variable: dict[int, Any] = {}

    def symbol(variable: Any) -> Any:
        if id(variable) not in of_variable:
            made = keras.KerasTensor(tuple(variable.shape), dtype=variable.dtype, name=variable.name)
            of_variable[id(variable)] = made
            weights[id(made)] = (made, variable)
        return of_variable[id(variable)]

    if symbolic:
        for name, value in attributes.items():
            if isinstance(value, keras.Variable):
                attributes[name] = symbol(value)
            elif _is_list_of_variables(value) and not name.endswith("trainable_variables"):
                attributes[name] = [symbol(v) for v in value]
    if isinstance(layer, DropoutRNNCell):  # whose masks are drawn, and then not used, outside of training as well
        attributes.update(dropout=0.0, recurrent_dropout=0.0)
    vars(stand_in).update(attributes)
    return stand_in, weights


def _is_list_of_variables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, keras.Variable) for v in value)


@contextmanager
def _left_as_it_was(layer: Any) -> Iterator[None]:
    """Undo what calling a layer's sublayers writes to them, and to Keras' counters of names."""
    counters = global_state.get_global_attribute("object_name_uids")
    counted = dict(counters) if counters is not None else None
    saved = []
    for inner in layer._flatten_layers() if isinstance(layer, keras.Layer) else ():
        lists = {k: (v, list(v)) for k, v in vars(inner).items() if isinstance(v, list)}
        saved.append((inner, dict(vars(inner)), lists))
    try:
        yield
    finally:
        for inner, attributes, lists in saved:
            now = vars(inner)
            for name in [k for k in now if k not in attributes]:
                del now[name]
            for name, value in attributes.items():
                if now.get(name, lists) is not value:
                    now[name] = value
            for value, content in lists.values():
                if len(value) != len(content):
                    list.__setitem__(value, slice(None), content)
        if counted is not None:
            counters.clear()
            counters.update(counted)


def _nodes_before(outputs: Sequence[Any], known: set[int]) -> list[Any]:
    """Return the calls that lead from the known symbols to the outputs, in order."""
    order: list[Any] = []
    state: dict[int, bool] = {}  # of each node: False while its inputs are being looked at, True when it is listed
    stack = list(reversed(outputs))
    while stack:
        tensor = stack[-1]
        if id(tensor) in known:
            stack.pop()
            continue
        history = tensor._keras_history
        if history.operation is None:
            raise UnsupportedLayerError(f"{tensor!r} does not come from the traced call.")
        node = history.operation._inbound_nodes[history.node_index]
        if state.get(id(node)):
            stack.pop()
        elif id(node) in state or not node.input_tensors:
            stack.pop()
            state[id(node)] = True
            order.append(node)
        else:
            state[id(node)] = False
            stack.extend(reversed(node.input_tensors))
    return order
