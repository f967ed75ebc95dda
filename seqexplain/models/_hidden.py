"""Hidden values by the name of the layer that computes them."""

from __future__ import annotations

from difflib import get_close_matches

from seqexplain.errors import ParameterError
from seqexplain.models.graph import Graph
from seqexplain.models.operations import Operation

OWN = "SequenceModel"  # class of the operations that read the sequence and join strands: they belong to no layer
PREACTIVATION = "/preactivation"
MAX_LISTED = 20


def layers_of(graph: Graph) -> list[str]:
    """Return the paths of all layers that compute something, in the order in which they do."""
    return list(dict.fromkeys(op.layer for op in graph.operations if op.layer_class != OWN))


def layer_values(graph: Graph, name: str, model: str) -> tuple[int, ...]:
    """Return the value that a layer gives, activation included, at each of its calls.

    Parameters
    ----------
    graph
        A flattened model.
    name
        Of a layer, by its path (`outer/inner`), or of a nested model; `name#2` is its second call alone, and
        `name/preactivation` what its activation is given.
    model
        Name of the model, for messages.

    Returns
    -------
    tuple of int
        Value numbers, one a call: several where a layer is used again, or where both strands are read.

    Raises
    ------
    ParameterError
        When there is no such layer or call.
    """
    path, _, call = name.partition("#") if isinstance(name, str) else ("", "", "")
    before = path.endswith(PREACTIVATION)
    path = path.removesuffix(PREACTIVATION)
    own = [op for op in graph.operations if op.layer_class != OWN]
    mine = [op for op in own if op.layer == path or op.layer.startswith(f"{path}/")]
    if not mine or not path:
        raise ParameterError(_no_such_layer(graph, name, model))
    if before:
        activation = f"{path}/activation"
        inside = [op for op in mine if _stem(op) == activation or op.layer == activation]
        written = {v for op in inside for v in op.outputs}
        values = tuple(dict.fromkeys(v for op in inside for v in op.inputs if v not in written))
        if not values:
            raise ParameterError(
                f"The layer {path!r} of the model {model!r} has no activation of its own to look below; use {path!r}."
            )
    else:
        values = tuple(op.outputs[0] for op in _calls(graph, path, mine))
    if not call:
        return values
    if not call.isdigit() or not 1 <= int(call) <= len(values):
        raise ParameterError(
            f"There is no call {name!r} in the model {model!r}: the layer {path!r} is called {len(values)} "
            f"time{'s' if len(values) > 1 else ''}; use a number from 1 to {len(values)} after the #."
        )
    return values[int(call) - 1 : int(call)]


def layer_value(graph: Graph, name: str, model: str) -> int:
    """Return the value that a layer gives; of a layer that is called several times the call has to be named.

    Raises
    ------
    ParameterError
        When there is no such layer, or when it is called several times.
    """
    values = layer_values(graph, name, model)
    if len(values) > 1:
        raise ParameterError(
            f"The layer {name!r} of the model {model!r} is called {len(values)} times (a layer that is used again, or "
            f"both strands read by one model). Say which call: '{name}#1' to '{name}#{len(values)}'."
        )
    return values[0]


def _calls(graph: Graph, path: str, mine: list[Operation]) -> list[Operation]:
    """Return the operation that gives the layer's value, of each call."""
    inside = {id(op) for op in mine}
    outside = {v for op in graph.operations if id(op) not in inside for v in op.inputs} | set(graph.outputs)
    leaving = [op for op in mine if outside.intersection(op.outputs)] or mine
    final = _stem(leaving[-1])
    calls = [op for op in mine if _stem(op) == final]
    if any(op.layer == path for op in mine):
        return calls
    # a nested model may use the layer that ends it also before the end
    return [op for op in calls if op in leaving]


def _stem(operation: Operation) -> str:
    """Return an operation's name without the number of the call."""
    return operation.name.partition("#")[0]


def _no_such_layer(graph: Graph, name: str, model: str) -> str:
    layers = layers_of(graph)
    close = get_close_matches(str(name), layers, n=1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    shown = ", ".join(layers[:MAX_LISTED])
    rest = f" and {len(layers) - MAX_LISTED} more" if len(layers) > MAX_LISTED else ""
    return f"The model {model!r} has no layer {name!r} that computes anything.{meant} It has: {shown}{rest}."
