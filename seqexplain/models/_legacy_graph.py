"""Call the layers of a functional model as a configuration of Keras 2 (or a `.h5` file of Keras 3) says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import keras

from seqexplain.errors import ModelLoadError
from seqexplain.models._legacy_config import MODEL_CLASSES, RECURRENT_CLASSES
from seqexplain.models._legacy_ops import graph_operation, keras3_operation, tensorflow_function

Config = dict[str, Any]
_OP_LAYERS = frozenset({"TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty"})


@dataclass(frozen=True)
class Member:
    """A layer of a model, as the file knows it.

    Attributes
    ----------
    name
        Name in the file (the layer's own may differ: Keras 3 allows no `/`).
    class_name
        Class in the file.
    layer
        The Keras 3 layer.
    """

    name: str
    class_name: str
    layer: Any


class Graph:
    """Calls the layers of one functional model in an order in which every input exists."""

    def __init__(
        self, make_layer: Callable[[Config], Any], custom: Collection[str], nodes: list[Config], outputs: Any
    ) -> None:
        self.make_layer = make_layer
        self.custom = custom
        self.members: list[Member] = []
        self.named: set[int] = set()  # operations that have their name, by id
        self.nodes = {layer_name(node): node for node in nodes}
        self.callables = {name: self._callable(name, node) for name, node in self.nodes.items()}
        self.calls = {name: _calls(node) for name, node in self.nodes.items()}
        self.results: dict[str, list[Any]] = defaultdict(list)
        self.first_index = self._first_indices(outputs)

    def run(self) -> None:
        """Make all calls.

        Raises
        ------
        ModelLoadError
            When a call fails, or waits for a tensor that never comes.
        """
        waiting = {name: list(calls) for name, calls in self.calls.items() if calls}
        while waiting:
            progress = False
            for name in list(waiting):
                while waiting[name] and all(self._ready(ref) for ref in _references(waiting[name][0], self.nodes)):
                    self._call(name, waiting[name].pop(0))
                    progress = True
                if not waiting[name]:
                    del waiting[name]
            if waiting and not progress:
                raise ModelLoadError(
                    f"The model's layers cannot be connected: {', '.join(map(repr, sorted(waiting)))} wait "
                    f"for inputs "
                    "that the file does not hold. The file is damaged."
                )

    def tensors_at(self, places: Any) -> Any:
        """Tensors at `[layer, call, output]`, in the same nesting as in the file."""
        if isinstance(places, dict):
            return {key: self.tensors_at(place) for key, place in places.items()}
        if _is_place(places, self.nodes):
            return self._tensor(places)
        found = [self.tensors_at(place) for place in places]
        return found[0] if len(found) == 1 else found

    def _callable(self, name: str, node: Config) -> Any:
        """Make what is called for this layer: a layer, or a function for an operation."""
        class_name, config = str(node["class_name"]), node["config"]
        if class_name in _OP_LAYERS:
            return tensorflow_function(str(config.get("function", "?")), name)
        if class_name == "TensorFlowOpLayer":
            call = graph_operation(config, name)
            return lambda tensors, **_: call(tensors if isinstance(tensors, list) else [tensors])
        if class_name != "InputLayer" and self._is_operation(class_name, config):
            return keras3_operation(class_name, config, name)
        layer = self.make_layer(node)
        self.members.append(Member(name, class_name, layer))
        return layer

    def _is_operation(self, class_name: str, config: Any) -> bool:
        """Whether this is a `keras.ops` operation: it has a name, but neither `trainable` nor layers."""
        if isinstance(config, list) or "trainable" in config or "layers" in config or "input_layers" in config:
            return False
        if class_name in MODEL_CLASSES or class_name == "Sequential" or class_name in self.custom:
            return False
        # All layers of Keras 2 after 2.0 and of Keras 3 write `trainable`; merging layers of Keras 2.0 do as
        # well.
        return not isinstance(getattr(keras.layers, class_name, None), type) or set(config) <= {"name"}

    def _first_indices(self, outputs: Any) -> dict[str, int]:
        """Index of each layer's first call.

        Keras 2 counted the making of an inner model as its call 0, so that its first use has index 1. The
        file does not say so, but every call that it keeps is used: the highest index used tells.
        """
        highest: dict[str, int] = defaultdict(int)
        for name, index, _ in _references([outputs, list(self.calls.values())], self.nodes):
            highest[name] = max(highest[name], index)
        return {name: int(len(self.calls[name]) > 0 and highest[name] >= len(self.calls[name])) for name in self.nodes}

    def _ready(self, place: Any) -> bool:
        name, index, _ = place
        if self.nodes[name]["class_name"] == "InputLayer":
            return True
        return bool(len(self.results[name]) > index - self.first_index[name])

    def _tensor(self, place: Any) -> Any:
        name, index, position = place[:3]
        if self.nodes[name]["class_name"] == "InputLayer":
            return self.callables[name].output
        index -= self.first_index[name]
        results = self.results[name]
        flat = keras.tree.flatten(results[index]) if 0 <= index < len(results) else []
        if position >= len(flat):
            raise ModelLoadError(
                f"The file uses output {position} of call {index} of layer {name!r}, which does not exist; "
                f"the layer "
                f"is called {len(results)} times. The file is damaged."
            )
        return flat[position]

    def _call(self, name: str, call: Any) -> None:
        args, kwargs = self._arguments(name, call)
        try:
            result = self.callables[name](*args, **kwargs)
        except ModelLoadError:
            raise
        except Exception as error:
            class_name = self.nodes[name]["class_name"]
            raise ModelLoadError(
                f"Layer {name!r} ({class_name}) cannot be connected as the file says: {first_line(error)}"
            ) from error
        if not isinstance(self.callables[name], keras.Layer):
            self._name_operations(name, result)
        self.results[name].append(result)

    def _name_operations(self, name: str, result: Any) -> None:
        """Name the operations that a function made after its layer in the file.

        Keras numbers unnamed operations by class, and such a name may already be that of a layer in the file.
        """
        base, count = clean_name(name), 0
        waiting = keras.tree.flatten(result)
        while waiting:
            history = getattr(waiting.pop(), "_keras_history", None)
            if history is None or id(history.operation) in self.named:
                continue
            operation = history.operation
            self.named.add(id(operation))
            if isinstance(operation, keras.Layer):
                continue
            operation.name = f"{base}_{count}" if count or self.results[name] else base
            operation.name += f"_call{len(self.results[name])}" if self.results[name] else ""
            count += 1
            waiting += operation._inbound_nodes[history.node_index].input_tensors

    def _arguments(self, name: str, call: Any) -> tuple[list[Any], dict[str, Any]]:
        """Arguments of one call, from the notation of Keras 3 or of Keras 2."""
        if isinstance(call, dict):
            return [self._resolve(item) for item in call["args"]], {
                key: self._resolve(item) for key, item in call["kwargs"].items() if item is not None
            }
        entries = [call] if _is_entry(call) else call
        tensors = [entry[2] if entry[0] == "_CONSTANT_VALUE" else self._tensor(entry) for entry in entries]
        options = dict(entries[0][3]) if len(entries[0]) > 3 else {}
        kwargs = {key: self._resolve(item) for key, item in options.items() if key != "name"}
        if self.nodes[name]["class_name"] not in (*_OP_LAYERS, "TensorFlowOpLayer"):
            kwargs = {key: item for key, item in kwargs.items() if item is not None}
        if self.nodes[name]["class_name"] in RECURRENT_CLASSES and len(tensors) > 1:
            states = tensors[1:] if len(tensors) > 2 else tensors[1]
            return [tensors[0]], {**kwargs, "initial_state": states}
        return [tensors[0] if _is_entry(call) or len(tensors) == 1 else tensors], kwargs

    def _resolve(self, item: Any) -> Any:
        """Replace notations of tensors in an argument by the tensors."""
        if _is_place(item, self.nodes):
            return self._tensor(item)
        if isinstance(item, dict):
            if item.get("class_name") == "__keras_tensor__":
                return self._tensor(item["config"]["keras_history"])
            if "class_name" in item and "config" in item:
                return keras.saving.deserialize_keras_object(item)
            return {key: self._resolve(value) for key, value in item.items()}
        if isinstance(item, list):
            return [self._resolve(value) for value in item]
        return item


def layer_name(node: Config) -> str:
    """Name of a layer in the file."""
    config = node["config"]
    inner = config.get("name") if isinstance(config, dict) else None
    return str(node.get("name") or inner or node["class_name"].lower())


def clean_name(name: str | None) -> str | None:
    """Name as Keras 3 allows it."""
    return None if name is None else name.replace("/", "_")


def first_line(error: Exception) -> str:
    """Return the first line of an error's message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _calls(node: Config) -> list[Any]:
    calls: list[Any] = node.get("inbound_nodes") or []
    if calls and _is_entry(calls[0]) and isinstance(calls[0][1], int) and len(calls[0]) == 3:
        return [calls]  # early Keras wrote a single call without the outer list
    return calls


def _is_entry(item: Any) -> bool:
    """Whether this is `[layer, call, output, …]`, one input of a call."""
    return isinstance(item, list) and len(item) >= 3 and isinstance(item[0], str) and isinstance(item[1], int)


def _is_place(item: Any, nodes: Collection[str]) -> bool:
    """Whether this names one tensor of the graph."""
    return (
        isinstance(item, (list, tuple))
        and len(item) == 3
        and isinstance(item[0], str)
        and item[0] in nodes
        and isinstance(item[1], int)
        and isinstance(item[2], int)
    )


def _references(item: Any, nodes: Collection[str]) -> list[tuple[str, int, int]]:
    """Every tensor that a call needs."""
    if _is_place(item, nodes) or (_is_entry(item) and len(item) == 4 and item[0] in nodes):
        own = [(str(item[0]), int(item[1]), int(item[2]))]
        return own + (_references(item[3], nodes) if len(item) == 4 else [])
    if isinstance(item, dict):
        if item.get("class_name") == "__keras_tensor__":
            return _references(list(item["config"]["keras_history"]), nodes)
        return [found for value in item.values() for found in _references(value, nodes)]
    if isinstance(item, list):
        return [found for value in item for found in _references(value, nodes)]
    return []
