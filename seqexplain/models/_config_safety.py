"""Check a model's configuration before anything in it is turned into an object.

A Keras configuration names Python classes and functions, and may hold Python bytecode. Here it is read as
plain data: only building blocks of Keras, and what the user handed over or registered by name, may pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from seqexplain.errors import ModelLoadError, UnsafeModelError

Config = dict[str, Any]

# Parts of Keras that a model is made of. Everything else of Keras (`keras.utils`, `keras.saving`, …)
# downloads, loads or changes settings, and has no place in a model file.
_PARTS = (
    "activations",
    "constraints",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "quantizers",
    "random",
    "regularizers",
    "engine",  # Keras 2: keras.engine, keras.src.engine
    "mixed_precision",  # Keras 2: dtype policies
)
_ROOT_CLASSES = {"DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "QuantizedDTypePolicy", "Variable"}
_ROOT_CLASSES |= {
    "Model",
    "Sequential",
    "Functional",
    "Initializer",
    "Layer",
    "Operation",
    "Function",
    "KerasTensor",
}

# Layers whose weights or behaviour lie outside the model file, or are pickles: opening them runs foreign
# code.
_OUTSIDE = {"TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "PyFunc", "EagerPyFunc"}
_LOOKUPS = {"StringLookup", "IntegerLookup", "TextVectorization", "IndexLookup"}


def check_config(
    config: Config,
    *,
    allow_lambda: Collection[str],
    custom_objects: Mapping[str, Any],
    registered: Collection[str],
) -> bool:
    """Refuse a configuration that names or holds code which is neither of Keras nor the user's own.

    Parameters
    ----------
    config
        The whole configuration, as read from JSON.
    allow_lambda
        Names of the Lambda layers whose bytecode the user lets run.
    custom_objects
        Classes and functions the user handed over, by name.
    registered
        Names under which classes were registered with Keras in this process.

    Returns
    -------
    bool
        Whether the configuration holds bytecode, all of it allowed.

    Raises
    ------
    UnsafeModelError
        For bytecode of a layer that is not in `allow_lambda`, and for references to code outside Keras.
    ModelLoadError
        For a custom class that is neither handed over nor registered.
    """
    known = {*custom_objects, *registered}
    has_code = False
    for owner, node in _objects(config, "the model"):
        name = str(node.get("class_name"))
        inner = node.get("config")
        if holds_code(node):
            if owner not in allow_lambda and owner not in custom_objects:
                raise UnsafeModelError(
                    f"Layer {owner!r} is a Lambda layer: the file holds Python code that would run on this "
                    f"machine. "
                    f"If you trust where the file comes from, pass allow_lambda=[{owner!r}]; or give the "
                    f"function "
                    f"yourself with custom_objects={{{owner!r}: your_function}}, which runs nothing from the "
                    f"file."
                )
            has_code = has_code or owner not in custom_objects
        if name in _OUTSIDE or (name == "__typespec__"):
            raise UnsafeModelError(
                f"Layer {owner!r} is a {name}: it runs code from outside the model file. Rebuild the model "
                f"from "
                "Keras layers and save it again."
            )
        if name in _LOOKUPS and isinstance(inner, dict) and isinstance(inner.get("vocabulary"), str):
            raise UnsafeModelError(
                f"Layer {owner!r} ({name}) reads its vocabulary from the file {inner['vocabulary']!r}; a "
                f"model may "
                "not read other files. Save the vocabulary inside the model."
            )
        _check_origin(owner, node, known)
    return has_code


def holds_code(node: Config) -> bool:
    """Whether this object is, or directly holds, Python bytecode (`Lambda` of Keras 2 or 3)."""
    if node.get("class_name") == "__lambda__":
        return True
    inner = node.get("config")
    if node.get("class_name") != "Lambda" or not isinstance(inner, dict):
        return False
    if "lambda" in (inner.get("function_type"), inner.get("output_shape_type"), inner.get("mask_type")):
        return True
    return isinstance(inner.get("function"), list)  # Keras 2: [bytecode, defaults, closure]


def is_keras_module(module: str) -> bool:
    """Whether a module path is a part of Keras, of any generation, that models are made of."""
    parts = module.split(".")
    if parts[0] == "tensorflow" and "keras" in parts[:3]:
        parts = parts[parts.index("keras") :]
    if parts[0] not in ("keras", "tf_keras"):
        return False
    rest = [part for part in parts[1:] if part not in ("src", "api", "_v1", "_v2", "v2", "_tf_keras", "keras")]
    return not rest or rest[0] in _PARTS


def _check_origin(owner: str, node: Config, known: Collection[str]) -> None:
    """Refuse an object that comes neither from Keras nor from the user."""
    class_name, module = str(node.get("class_name")), node.get("module")
    registered_name = node.get("registered_name")
    if class_name.startswith("__") and class_name.endswith("__"):
        return  # plain values: tensors of the graph, arrays, slices
    inner = node.get("config")
    called = inner if class_name == "function" and isinstance(inner, str) else class_name
    if {called, registered_name} & set(known):
        return
    if module is None or module == "builtins":
        if module is None and isinstance(registered_name, str) and ">" in registered_name:
            raise _unknown_custom(owner, called)
        return  # looked up by bare name among Keras' own classes and functions
    if not isinstance(module, str) or not is_keras_module(module):
        raise _unknown_custom(owner, called, str(module))
    if module == "keras" and called not in _ROOT_CLASSES:
        raise UnsafeModelError(
            f"{owner!r} names 'keras.{called}', which is not a building block of models. The file is damaged "
            f"or "
            "made to do harm; it was not opened."
        )


def _unknown_custom(owner: str, called: str, module: str = "") -> ModelLoadError:
    source = f" of module {module!r}" if module else ""
    return ModelLoadError(
        f"The model uses {called!r}{source} (in {owner!r}), which Keras does not know. If it is your own, "
        f"import it and "
        f"pass custom_objects={{{called!r}: {called.rpartition('>')[2]}}}; nothing was imported on the "
        f"file's word."
    )


def _objects(value: Any, owner: str) -> Iterator[tuple[str, Config]]:
    """Every serialised object in a configuration, with the name of the layer it belongs to."""
    if isinstance(value, dict):
        inner = value.get("config")
        if "class_name" in value and isinstance(value.get("name"), str):
            owner = value["name"]
        elif isinstance(inner, dict) and isinstance(inner.get("name"), str):
            # A dtype policy has a "name" too; it is not a layer.
            owner = inner["name"] if "Policy" not in str(value.get("class_name")) else owner
        if "class_name" in value:
            yield owner, value
        for item in value.values():
            yield from _objects(item, owner)
    elif isinstance(value, list):
        for item in value:
            yield from _objects(item, owner)
