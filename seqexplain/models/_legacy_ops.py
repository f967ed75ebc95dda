"""TensorFlow functions that Keras 2 models call between their layers, as `keras.ops`.

Only the functions in the tables are known; a file cannot make anything else be called.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from seqexplain.errors import ModelLoadError

Function = Callable[..., Any]


def hard_sigmoid_keras2(x: Any) -> Any:
    """Hard sigmoid as Keras 1 and 2 defined it: 0.2 x + 0.5, cut to [0, 1] (Keras 3 has x / 6 + 0.5)."""
    return ops.clip(ops.add(ops.multiply(x, 0.2), 0.5), 0.0, 1.0)


# Activations whose meaning changed between Keras 2 and 3.
CHANGED_ACTIVATIONS: dict[str, Function] = {"hard_sigmoid": hard_sigmoid_keras2}


def _pass(x: Any, **_: Any) -> Any:
    return x


def _squeeze(x: Any, axis: Any = None) -> Any:
    axes = axis if isinstance(axis, (list, tuple)) and axis else [axis if axis != [] else None]
    for one in sorted((a if a is None or a >= 0 else a + len(x.shape) for a in axes), key=lambda a: -(a or 0)):
        x = ops.squeeze(x, one)
    return x


def _concat(values: Any, axis: Any = -1) -> Any:
    return ops.concatenate(values, axis=int(axis))


def _matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adj_x: bool = False,
    adj_y: bool = False,
) -> Any:
    if transpose_a or adj_x:
        a = ops.swapaxes(a, -1, -2)
    if transpose_b or adj_y:
        b = ops.swapaxes(b, -1, -2)
    return ops.matmul(a, b)


def _leaky_relu(features: Any, alpha: float = 0.2) -> Any:
    return ops.leaky_relu(features, negative_slope=alpha)


def _gelu(features: Any, approximate: bool = False) -> Any:
    return ops.gelu(features, approximate=approximate)


def _clip(t: Any, clip_value_min: Any, clip_value_max: Any) -> Any:
    return ops.clip(t, clip_value_min, clip_value_max)


def _transpose(a: Any, perm: Any = None, **_: Any) -> Any:
    return ops.transpose(a, axes=perm)


def _cast(x: Any, dtype: Any) -> Any:
    return ops.cast(x, str(dtype))


def _reduce(function: Function) -> Function:
    def reduced(x: Any, axis: Any = None, keepdims: bool = False, **_: Any) -> Any:
        return function(x, axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=bool(keepdims))

    return reduced


def _binary(function: Function) -> Function:
    def both(x: Any, y: Any, **_: Any) -> Any:
        return function(x, y)

    return both


def _unary(function: Function) -> Function:
    def one(x: Any, **_: Any) -> Any:
        return function(x)

    return one


def _softmax(logits: Any, axis: Any = -1, **_: Any) -> Any:
    return ops.softmax(logits, axis=-1 if axis is None else axis)


def _stack(values: Any, axis: int = 0) -> Any:
    return ops.stack(values, axis=axis)


def _reshape(tensor: Any, shape: Any) -> Any:
    return ops.reshape(tensor, tuple(int(n) for n in np.ravel(shape)))


def _expand_dims(x: Any, axis: Any) -> Any:
    return ops.expand_dims(x, int(axis))


def _getitem(x: Any, slice_spec: Any) -> Any:
    return operator.getitem(x, _index(slice_spec))


def _index(spec: Any) -> Any:
    """Make a Python index from Keras 2's description of it."""
    if isinstance(spec, dict) and {"start", "stop", "step"} <= set(spec):
        return slice(spec["start"], spec["stop"], spec["step"])
    if isinstance(spec, dict) and spec.get("value") == "Ellipsis":
        return Ellipsis
    if isinstance(spec, dict) and "value" in spec:
        return spec["value"]
    if isinstance(spec, list):
        return tuple(_index(item) for item in spec)
    return spec


_BINARY: dict[str, Function] = {
    "add": ops.add,
    "subtract": ops.subtract,
    "sub": ops.subtract,
    "multiply": ops.multiply,
    "mul": ops.multiply,
    "divide": ops.divide,
    "truediv": ops.divide,
    "pow": ops.power,
    "maximum": ops.maximum,
    "minimum": ops.minimum,
}
_UNARY: dict[str, Function] = {
    "abs": ops.abs,
    "elu": ops.elu,
    "exp": ops.exp,
    "log": ops.log,
    "log1p": ops.log1p,
    "log_sigmoid": ops.log_sigmoid,
    "negative": ops.negative,
    "neg": ops.negative,
    "relu": ops.relu,
    "relu6": ops.relu6,
    "rsqrt": ops.rsqrt,
    "selu": ops.selu,
    "sigmoid": ops.sigmoid,
    "sign": ops.sign,
    "silu": ops.silu,
    "swish": ops.silu,
    "softplus": ops.softplus,
    "softsign": ops.softsign,
    "sqrt": ops.sqrt,
    "square": ops.square,
    "tanh": ops.tanh,
    "erf": ops.erf,
}
_REDUCTIONS: dict[str, Function] = {
    "mean": ops.mean,
    "sum": ops.sum,
    "max": ops.max,
    "min": ops.min,
    "prod": ops.prod,
}
_FUNCTIONS: dict[str, Function] = {
    **{name: _binary(function) for name, function in _BINARY.items()},
    **{name: _unary(function) for name, function in _UNARY.items()},
    **{f"reduce_{name}": _reduce(function) for name, function in _REDUCTIONS.items()},
    "cast": _cast,
    "clip_by_value": _clip,
    "concat": _concat,
    "expand_dims": _expand_dims,
    "gelu": _gelu,
    "getitem": _getitem,
    "identity": _pass,
    "leaky_relu": _leaky_relu,
    "matmul": _matmul,
    "reshape": _reshape,
    "softmax": _softmax,
    "squeeze": _squeeze,
    "stack": _stack,
    "stop_gradient": _pass,
    "transpose": _transpose,
}

# What the same things are called in TensorFlow's own graphs (TensorFlowOpLayer): the number of tensor
# arguments is taken from the node; what follows them is named here, in order.
_GRAPH_OPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Add": ("add", ()),
    "AddV2": ("add", ()),
    "BiasAdd": ("add", ()),
    "Sub": ("subtract", ()),
    "Mul": ("multiply", ()),
    "RealDiv": ("divide", ()),
    "Pow": ("pow", ()),
    "Maximum": ("maximum", ()),
    "Minimum": ("minimum", ()),
    "MatMul": ("matmul", ()),
    "BatchMatMul": ("matmul", ()),
    "BatchMatMulV2": ("matmul", ()),
    "Mean": ("reduce_mean", ("axis",)),
    "Sum": ("reduce_sum", ("axis",)),
    "Max": ("reduce_max", ("axis",)),
    "Min": ("reduce_min", ("axis",)),
    "Prod": ("reduce_prod", ("axis",)),
    "Reshape": ("reshape", ("shape",)),
    "ExpandDims": ("expand_dims", ("axis",)),
    "Transpose": ("transpose", ("perm",)),
    "Neg": ("negative", ()),
    **{name: (name.lower(), ()) for name in ("Abs", "Elu", "Exp", "Log", "Relu", "Relu6", "Rsqrt", "Selu")},
    **{name: (name.lower(), ()) for name in ("Sigmoid", "Softplus", "Sqrt", "Square", "Tanh", "Softmax", "Identity")},
}


def tensorflow_function(name: str, layer_name: str) -> Function:
    """Return the `keras.ops` counterpart of a TensorFlow function.

    Parameters
    ----------
    name
        As Keras 2 wrote it, `"math.add"` or `"nn.relu"`.
    layer_name
        Layer that calls it, for the message.

    Raises
    ------
    ModelLoadError
        When there is none.
    """
    short = name.removeprefix("compat.v1.").rpartition(".")[2]
    if short not in _FUNCTIONS:
        raise ModelLoadError(
            f"Layer {layer_name!r} calls the TensorFlow function tf.{name}, which cannot be translated to "
            f"Keras 3. "
            "Replace it by a Keras layer and save the model again, or open its SavedModel folder (scores "
            "only)."
        )
    return _FUNCTIONS[short]


def graph_operation(config: dict[str, Any], layer_name: str) -> Callable[[list[Any]], Any]:
    """Return the function of one TensorFlow graph node (`TensorFlowOpLayer` of TensorFlow 2.0 to 2.3).

    Parameters
    ----------
    config
        The layer's configuration: `node_def` (parsed JSON) and `constants` by argument position.
    layer_name
        Layer, for the message.

    Raises
    ------
    ModelLoadError
        When the node is of a kind that cannot be translated.
    """
    node = config["node_def"]
    kind = str(node.get("op"))
    constants = {int(position): value for position, value in (config.get("constants") or {}).items()}
    attributes = {key: next(iter(value.values())) for key, value in (node.get("attr") or {}).items()}

    def arguments(tensors: list[Any]) -> list[Any]:
        rest = iter(tensors)
        return [constants[i] if i in constants else next(rest) for i in range(len(tensors) + len(constants))]

    if kind == "ConcatV2":
        return lambda tensors: (lambda all_: _concat(all_[:-1], all_[-1]))(arguments(tensors))
    if kind == "Squeeze":
        axes = [int(axis) for axis in (attributes.get("squeeze_dims") or {}).get("i", [])]
        return lambda tensors: _squeeze(tensors[0], axes)
    if kind not in _GRAPH_OPS:
        raise ModelLoadError(
            f"Layer {layer_name!r} is the TensorFlow operation {kind}, which cannot be translated to Keras "
            f"3. "
            "Replace it by a Keras layer and save the model again, or open its SavedModel folder (scores "
            "only)."
        )
    name, named = _GRAPH_OPS[kind]
    function = _FUNCTIONS[name]
    options = {}
    if attributes.get("keep_dims"):
        options["keepdims"] = True
    for key in ("transpose_a", "transpose_b", "adj_x", "adj_y"):
        if attributes.get(key):
            options[key] = True

    def call(tensors: list[Any]) -> Any:
        values = arguments(tensors)
        first = len(values) - len(named)
        return function(*values[:first], **dict(zip(named, values[first:], strict=True)), **options)

    return call


def keras3_operation(class_name: str, config: dict[str, Any], layer_name: str) -> Function:
    """Return the function of an operation node (`keras.ops.…`) of a `.h5` file that Keras 3 wrote.

    Raises
    ------
    ModelLoadError
        When `keras.ops` has no such function.
    """
    if class_name == "GetItem":
        return lambda x, key: operator.getitem(x, _index(key) if not isinstance(key, tuple) else key)
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", class_name).lower()
    function = getattr(ops, {"absolute": "abs", "true_divide": "divide"}.get(snake, snake), None)
    if function is None:
        raise ModelLoadError(
            f"The model uses {class_name!r} (layer {layer_name!r}), which Keras {keras.__version__} does not "
            f"know. If it "
            f"is your own class, pass custom_objects={{{class_name!r}: {class_name}}}."
        )
    options = {key: value for key, value in config.items() if key not in ("name", "dtype", "trainable")}
    return lambda *args, **kwargs: function(*args, **{**options, **kwargs})
