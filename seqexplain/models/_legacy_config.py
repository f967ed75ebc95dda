"""Translate one layer's configuration from Keras 2 to Keras 3: dictionaries in and out, without Keras."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from seqexplain.errors import ModelLoadError

Config = dict[str, Any]

MODEL_CLASSES = frozenset({"Model", "Functional", "Network", "Container"})
RECURRENT_CLASSES = frozenset(
    {"LSTM", "GRU", "SimpleRNN", "RNN", "CuDNNLSTM", "CuDNNGRU", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D"}
)

_RENAMED = {
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "CuDNNLSTM": "LSTM",
    "CuDNNGRU": "GRU",
    "LSTMV1": "LSTM",
    "LSTMV2": "LSTM",
    "GRUV1": "GRU",
    "GRUV2": "GRU",
    "DenseV1": "Dense",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "SeparableConvolution1D": "SeparableConv1D",
    "SeparableConvolution2D": "SeparableConv2D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "ThresholdedReLU": "ReLU",
}

_GONE = {
    "LocallyConnected1D": "Keras 3 has no locally connected layers",
    "LocallyConnected2D": "Keras 3 has no locally connected layers",
    "Merge": "it is a layer of Keras 1",
    "Highway": "it is a layer of Keras 1",
    "MaxoutDense": "it is a layer of Keras 1",
    "AtrousConvolution1D": "it is a layer of Keras 1",
    "CuDNNRNN": "it is not a public layer of Keras",
}

# Arguments that Keras 3 dropped, with the values under which dropping them changes no output (None: any
# value).
_DROPPED: dict[str, tuple[Any, ...] | None] = {
    "trainable": None,  # of layers without weights
    "dtype": None,
    "noise_shape": (None,),
    "implementation": None,
    "input_dtype": None,
    "input_length": None,
    "input_dim": None,
    "fused": None,
    "query_shape": None,
    "key_shape": None,
    "value_shape": None,
    "unit_forget_bias": None,
    "expects_training_arg": None,
    "autocast": None,
    "softmax_robust_masking": (False,),
    "num_replicas_in_sync": None,
    "synchronized": None,
    "experimental_run_tf_function": None,
    "renorm": (False,),
    "renorm_clipping": None,
    "renorm_momentum": None,
    "virtual_batch_size": (None,),
    "adjustment": (None,),
    "time_major": (False,),
    "groups": (1,),
    "ragged": (False, None),
    "sparse": (False, None),
    "dynamic": (False,),
    "reset_after": (False,),
    "filters": (None,),
    "kernel_initializer": None,  # of depthwise layers; initial values are replaced by the file's
    "kernel_regularizer": None,
    "kernel_constraint": None,
    "depth_multiplier": (1,),
    "merge_mode": ("concat",),
    "activity_regularizer": None,
}

# Training-time extras that cannot change an output. They often name classes that Keras 3 lacks.
_TRAINING_ONLY = ("_regularizer", "_constraint", "_initializer")


def class_in_keras3(class_name: str) -> str:
    """Name of the Keras 3 class that stands for a class of Keras 2.

    Raises
    ------
    ModelLoadError
        For a layer that has no equal in Keras 3.
    """
    plain = class_name.rpartition(">")[2]  # "Custom>Name", "Addons>Name": registered names of tf.keras
    if plain in _GONE:
        raise ModelLoadError(
            f"The model has a {plain} layer; {_GONE[plain]}, so it cannot be opened. Rebuild the model with "
            f"current layers."
        )
    return _RENAMED.get(class_name, class_name)


def layer_config(
    class_name: str,
    config: Config,
    accepted: Callable[[str], set[str] | None],
    activations: Mapping[str, Any],
) -> Config:
    """Return a copy of a Keras 2 layer's configuration that the Keras 3 class takes.

    Parameters
    ----------
    class_name
        Class as the file names it.
    config
        The layer's `config`.
    accepted
        Gives the argument names that a Keras 3 class takes, or None for a custom class, which is left as it
        is.
    activations
        Functions for the activations whose meaning changed between Keras 2 and 3 (`hard_sigmoid`).

    Raises
    ------
    ModelLoadError
        For a setting that Keras 3 has no equal for.
    """
    modern = class_in_keras3(class_name)
    names = accepted(modern)
    out: Config = {key: _plain(value) for key, value in config.items()}
    name = str(out.get("name", class_name))
    out.pop("build_config", None)
    shape = out.pop("batch_input_shape", None)
    if class_name == "InputLayer" and shape is not None:
        out["batch_shape"] = shape
    out["dtype"] = dtype_name(out.get("dtype"))
    if out["dtype"] is None:
        del out["dtype"]
    if "axis" in out and isinstance(out["axis"], list) and len(out["axis"]) == 1:
        out["axis"] = out["axis"][0]
    _apply_class_changes(class_name, out, names)
    for key in ("activation", "recurrent_activation"):
        if isinstance(out.get(key), str) and out[key] in activations:
            out[key] = activations[out[key]]
    for key in ("layer", "backward_layer", "cell"):
        if isinstance(out.get(key), dict):
            out[key] = nested_layer(out[key], accepted, activations)
    if isinstance(out.get("cells"), list):
        out["cells"] = [nested_layer(cell, accepted, activations) for cell in out["cells"]]
    if names is not None:
        _drop(out, names, class_name, name)
    return out


def nested_layer(node: Config, accepted: Callable[[str], set[str] | None], activations: Mapping[str, Any]) -> Config:
    """Translate a layer, with the layers it wraps, to Keras 3's serialised form."""
    class_name = str(node["class_name"])
    inner = node["config"]
    if class_name in MODEL_CLASSES or class_name == "Sequential":
        layers = inner["layers"] if isinstance(inner, dict) else inner
        content = {key: value for key, value in inner.items() if key != "layers"} if isinstance(inner, dict) else {}
        content.setdefault("name", node.get("name", "wrapped"))
        done = []
        for position, layer in enumerate(layers):
            first = layer["config"].get("batch_input_shape") if isinstance(layer["config"], dict) else None
            if class_name == "Sequential" and position == 0 and first and layer["class_name"] != "InputLayer":
                done.append(_serialised("InputLayer", {"batch_shape": first}, True))
            extra = {key: layer[key] for key in ("name", "inbound_nodes") if key in layer}
            done.append({**nested_layer(layer, accepted, activations), **extra})
        return _serialised(
            "Sequential" if class_name == "Sequential" else "Functional", {**content, "layers": done}, True
        )
    translated = layer_config(class_name, inner, accepted, activations)
    modern = class_in_keras3(class_name)
    return _serialised(modern, translated, accepted(modern) is not None)


def _serialised(class_name: str, config: Config, built_in: bool) -> Config:
    """One object in Keras 3's serialised form."""
    models = ("Sequential", "Functional")
    module = "keras.models" if class_name in models else "keras.layers"
    return {
        "module": module if built_in else None,
        "class_name": "Model" if class_name == "Functional" else class_name,
        "config": config,
        "registered_name": None if built_in else class_name,
    }


def dtype_name(dtype: Any) -> Any:
    """Reduce a dtype or a serialised dtype policy, of any generation, to its name."""
    if isinstance(dtype, dict):
        inner = dtype.get("config")
        return inner.get("name") if isinstance(inner, dict) else dtype.get("name")
    return dtype


def _plain(value: Any) -> Any:
    """Copy a value; one of NumPy (`{"type": "ndarray", "value": 0.3}` in old files) is unwrapped."""
    if isinstance(value, dict):
        if value.get("type") == "ndarray" and "value" in value:
            return value["value"]
        return {key: _plain(item) for key, item in value.items() if key != "__passive_serialization__"}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _apply_class_changes(class_name: str, out: Config, names: set[str] | None) -> None:
    """Apply the changes of single classes between Keras 2 and 3, in place."""
    if class_name in ("CuDNNGRU", "CuDNNLSTM"):
        out.update(activation="tanh", recurrent_activation="sigmoid")
    if class_name == "CuDNNGRU":
        out["reset_after"] = True
    elif class_name.startswith("GRU"):
        out.setdefault("reset_after", False)  # Keras before 2.1 had only this kind and wrote nothing
    elif class_name == "LeakyReLU" and "alpha" in out:
        out["negative_slope"] = out.pop("alpha")
    elif class_name == "ThresholdedReLU":
        out["threshold"] = out.pop("theta", 1.0)
    if names is not None:
        if "data_format" in names:
            # Keras 2.0 left it out where it had no choice; Keras 3 would take the user's own default.
            out["data_format"] = out.get("data_format") or "channels_last"
        for key in [key for key in out if key.endswith(_TRAINING_ONLY)]:
            del out[key]


def _drop(out: Config, names: set[str], class_name: str, name: str) -> None:
    """Drop arguments that Keras 3 no longer takes, in place, where that changes nothing."""
    for key in [key for key in out if key not in names]:
        if key not in _DROPPED:
            raise ModelLoadError(
                f"Layer {name!r} ({class_name}) has the setting {key}={json.dumps(out[key], default=str)}, "
                "which Keras 3 does not know. Open the model with the Keras that wrote it and save it again."
            )
        harmless = _DROPPED[key]
        if harmless is not None and out[key] not in harmless:
            raise ModelLoadError(
                f"Layer {name!r} ({class_name}) uses {key}={json.dumps(out[key], default=str)}, which Keras "
                f"3 no "
                "longer supports. Rebuild the layer without it and save the model again."
            )
        del out[key]
