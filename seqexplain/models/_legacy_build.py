"""Build a Keras 3 model from a configuration in the layout of Keras 2 (also of Keras 3's own `.h5` files)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from seqexplain.errors import ModelLoadError
from seqexplain.models._legacy_config import MODEL_CLASSES, nested_layer
from seqexplain.models._legacy_graph import Graph, Member, clean_name, first_line, layer_name
from seqexplain.models._legacy_ops import CHANGED_ACTIVATIONS

Config = dict[str, Any]


@dataclass
class BuiltModel:
    """A model with its layers in the order of the file, which is the order in which old files keep weights.

    Attributes
    ----------
    model
        The Keras model; its weights are not yet the file's.
    members
        For the model and each model inside it, by `id`: the layers in file order.
    """

    model: Any
    members: dict[int, list[Member]] = field(default_factory=dict)


def build_model(
    config: Config,
    *,
    custom_objects: Mapping[str, Any],
    run_code: bool,
    keras3: bool = False,
) -> BuiltModel:
    """Build a model from a checked configuration.

    Parameters
    ----------
    config
        `{"class_name": …, "config": …}` of a Sequential or functional model. It is not changed.
    custom_objects
        The user's classes and functions; a function under a Lambda layer's name stands in for its bytecode.
    run_code
        Whether Lambda bytecode may be run; the names were checked before.
    keras3
        Whether Keras 3 wrote the configuration, so that no activation changes its meaning.

    Raises
    ------
    ModelLoadError
        When a layer cannot be made or connected.
    """
    builder = _Builder(custom_objects, run_code, {} if keras3 else CHANGED_ACTIVATIONS)
    # `Bidirectional` copies its layer through its configuration, so Keras must find the functions by name.
    with keras.saving.custom_object_scope({function.__name__: function for function in builder.activations.values()}):
        return BuiltModel(builder.model(config), builder.members)


class _Builder:
    """Turns configuration into layers and calls; one per file."""

    def __init__(self, custom: Mapping[str, Any], run_code: bool, activations: Mapping[str, Any]) -> None:
        self.custom = custom
        self.run_code = run_code
        self.activations = activations
        self.members: dict[int, list[Member]] = {}

    # -- models ----------------------------------------------------------------------------------------------

    def model(self, node: Config, name: str | None = None) -> Any:
        class_name, config = str(node["class_name"]), node["config"]
        if class_name == "Sequential":
            model = self._sequential(config, name)
        elif isinstance(config, dict) and "input_layers" in config:
            model = self._functional(config, name, class_name)
        else:
            raise ModelLoadError(
                f"The model is a {class_name!r}, a class of its author's own whose file holds no list of "
                f"layers. Pass "
                f"custom_objects={{{class_name!r}: {class_name}}} with a .keras file, or open its SavedModel "
                f"folder."
            )
        if isinstance(config, dict) and config.get("trainable") is False:
            model.trainable = False
        return model

    def _sequential(self, config: Any, name: str | None) -> Any:
        nodes = config if isinstance(config, list) else config["layers"]
        own_name = config.get("name") if isinstance(config, dict) else None
        layers: list[Any] = []
        members: list[Member] = []
        for position, node in enumerate(nodes):
            inner = node["config"]
            shape = inner.get("batch_input_shape") if isinstance(inner, dict) else None
            if position == 0 and node["class_name"] != "InputLayer":
                shape = shape or self._first_input_shape(node)
                shape = shape or (config.get("build_input_shape") if isinstance(config, dict) else None)
                if not shape:
                    raise ModelLoadError(
                        f"The Sequential model {own_name or ''} does not say its input shape. Build the "
                        f"model with "
                        "an Input layer, or with input_shape on its first layer, and save it again."
                    )
                layers.append(keras.layers.InputLayer(batch_shape=tuple(shape), dtype=inner_dtype(inner)))
            layer = self.layer(node)
            layers.append(layer)
            members.append(Member(layer_name(node), str(node["class_name"]), layer))
        model = keras.Sequential(layers, name=clean_name(name or own_name))
        self.members[id(model)] = members
        return model

    def _first_input_shape(self, node: Config) -> Any:
        """Input shape of a model that is itself the first layer of a Sequential model."""
        config = node["config"]
        if node["class_name"] != "Sequential" and node["class_name"] not in MODEL_CLASSES:
            return None
        first = (config if isinstance(config, list) else config["layers"])[0]
        inner = first["config"]
        if isinstance(inner, list) or "layers" in inner:
            return self._first_input_shape(first)
        return inner.get("batch_input_shape") or inner.get("batch_shape")

    def _functional(self, config: Config, name: str | None, class_name: str) -> Any:
        graph = Graph(self.layer, self.custom, config["layers"], config["output_layers"])
        graph.run()
        inputs = graph.tensors_at(config["input_layers"])
        outputs = graph.tensors_at(config["output_layers"])
        own_class = self.custom.get(class_name, keras.Model)
        model = own_class(inputs=inputs, outputs=outputs, name=clean_name(name or config.get("name")))
        self.members[id(model)] = graph.members
        return model

    # -- layers ----------------------------------------------------------------------------------------------

    def layer(self, node: Config) -> Any:
        """Make one layer; a model inside the model is built with all its layers."""
        class_name, config = str(node["class_name"]), node["config"]
        if isinstance(config, list) or class_name in MODEL_CLASSES or "input_layers" in config:
            return self.model(node, layer_name(node))
        if class_name == "Sequential":
            return self.model(node, layer_name(node))
        name = clean_name(layer_name(node))
        try:
            if class_name == "Lambda":
                return self._lambda(node, name)
            serialised = nested_layer(node, self.accepted, self.activations)
            serialised["config"]["name"] = name
            made = self._revive(serialised)
        except ModelLoadError:
            raise
        except Exception as error:
            raise ModelLoadError(
                f"Layer {layer_name(node)!r} ({class_name}) cannot be made by Keras {keras.__version__}: "
                f"{first_line(error)}"
            ) from error
        if not isinstance(made, keras.Layer):
            raise ModelLoadError(f"{layer_name(node)!r} ({class_name}) in the file is not a layer.")
        return made

    def accepted(self, class_name: str) -> set[str] | None:
        """Argument names of a Keras layer class; None for a custom class."""
        registered = keras.saving.get_registered_object(class_name, custom_objects=dict(self.custom))
        if registered is not None:
            return None
        built_in = getattr(keras.layers, class_name, None)
        if not isinstance(built_in, type):
            raise ModelLoadError(
                f"The model uses the layer {class_name!r}, which Keras {keras.__version__} does not know. If "
                f"it is your "
                f"own class, pass custom_objects={{{class_name!r}: {class_name.rpartition('>')[2]}}}."
            )
        return init_arguments(built_in)

    def _revive(self, serialised: Config) -> Any:
        return keras.saving.deserialize_keras_object(
            serialised, custom_objects=dict(self.custom), safe_mode=not self.run_code
        )

    def _lambda(self, node: Config, name: str | None) -> Any:
        """Make a Lambda layer; the user's own function goes before the file's bytecode."""
        config, file_name = node["config"], layer_name(node)
        function, arguments = config["function"], config.get("arguments") or {}
        if file_name in self.custom:
            function = self.custom[file_name]
        elif isinstance(function, str):  # the name of a function of the author's
            if function not in self.custom:
                raise ModelLoadError(
                    f"The Lambda layer {file_name!r} calls its author's function {function!r}. If you have "
                    f"it, pass "
                    f"custom_objects={{{function!r}: {function}}}."
                )
            function = self.custom[function]
        if callable(function):
            return keras.layers.Lambda(function, arguments=arguments, name=name)
        if isinstance(function, list):  # Keras 2: [bytecode, defaults, closure]
            code = dict(zip(("code", "defaults", "closure"), function, strict=True))
            function = {"class_name": "__lambda__", "config": code}
        inner = {"function": function, "arguments": arguments, "name": name}
        return self._revive(
            {"module": "keras.layers", "class_name": "Lambda", "config": inner, "registered_name": None}
        )


def inner_dtype(config: Any) -> str:
    """Type of the input of a model whose first layer is an Embedding or any other."""
    return "float32" if not isinstance(config, dict) or "input_length" not in config else "int32"


def init_arguments(layer_class: type) -> set[str]:
    """All argument names that a layer class takes, its base classes included."""
    names: set[str] = set()
    for base in layer_class.__mro__:
        if "__init__" in vars(base):
            parameters = inspect.signature(vars(base)["__init__"]).parameters
            names |= set(parameters)
            if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
                break
        if base is keras.Layer:
            break
    return names - {"self", "args", "kwargs"}
