"""Which primitive operations each Keras layer becomes.

One table, matched on the exact class: a subclass may compute something else, so it is not taken for its parent.
A layer that is missing here becomes one opaque operation: it computes, but methods that look inside refuse it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from keras import layers, ops

from seqexplain.models._activations import add_activation
from seqexplain.models._compound_handlers import multiply, normalization, time_distributed
from seqexplain.models._recurrent_handlers import bidirectional, recurrent
from seqexplain.models.backend import Tensor
from seqexplain.models.operations import (
    AveragePool,
    Convolution,
    Dense,
    Difference,
    Elementwise,
    Maximum,
    MaxPool,
    Scale,
    Softmax,
    Structural,
    align_ranks,
)

if TYPE_CHECKING:
    from seqexplain.models._builder import Builder

Handler = Callable[["Builder", Any, list[int]], list[int]]


def float_weights(**variables: Any) -> Callable[[], dict[str, Tensor]]:
    """Return a reader of the weights that exist, as float32 (a model in half precision is explained in full)."""
    kept = {name: v for name, v in variables.items() if v is not None}
    return lambda: {name: ops.cast(ops.convert_to_tensor(v), "float32") for name, v in kept.items()}


def _quantized(layer: Any) -> bool:
    return getattr(layer, "quantization_mode", None) is not None


def _channels_first(layer: Any) -> bool:
    return getattr(layer, "data_format", "channels_last") == "channels_first"


def _moved(handler: Handler) -> Handler:
    """Let a handler written for channels last serve a channels-first layer, by moving the axis and moving it back."""

    def wrapped(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
        if not _channels_first(layer):
            return handler(b, layer, inputs)
        shape = b.shape(inputs[0])
        last = b.structural(inputs, (*shape[1:], shape[0]), lambda x: ops.moveaxis(x, 1, -1), part="channels_last")
        with b.channels_last():
            outputs = handler(b, layer, [last])
        shape = b.shape(outputs[0])
        if len(shape) == 1:  # pooled over all positions: nothing to move back
            return outputs
        return [
            b.structural(outputs, (shape[-1], *shape[:-1]), lambda x: ops.moveaxis(x, -1, 1), part="channels_first")
        ]

    return wrapped


def _convolution(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    if _quantized(layer):
        return b.opaque_layer(layer, inputs)
    y = b.add(
        Convolution,
        inputs,
        b.out_shape(),
        read_weights=float_weights(kernel=layer.kernel, bias=layer.bias if layer.use_bias else None),
        strides=tuple(layer.strides),
        dilation=tuple(layer.dilation_rate),
        padding=layer.padding,
    )
    return add_activation(b, layer.activation, y, "activation")


def _depthwise_kernel(variable: Any) -> Tensor:
    """`(window, channels, multiplier)` to the grouped form `(window, 1, channels · multiplier)`."""
    kernel = ops.cast(ops.convert_to_tensor(variable), "float32")
    window = tuple(kernel.shape[:-2])
    return ops.reshape(kernel, (*window, 1, kernel.shape[-2] * kernel.shape[-1]))


def _depthwise(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    def read() -> dict[str, Tensor]:
        bias = {"bias": layer.bias} if layer.use_bias else {}
        return {"kernel": _depthwise_kernel(layer.kernel), **float_weights(**bias)()}

    y = b.add(
        Convolution,
        inputs,
        b.out_shape(),
        read_weights=read,
        strides=tuple(layer.strides),
        dilation=tuple(layer.dilation_rate),
        padding=layer.padding,
    )
    return add_activation(b, layer.activation, y, "activation")


def _separable(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    shape = b.out_shape()
    rank = len(shape) - 1
    middle = b.add(
        Convolution,
        inputs,
        (*shape[:-1], layer.depthwise_kernel.shape[-2] * layer.depthwise_kernel.shape[-1]),
        part="depthwise",
        read_weights=lambda: {"kernel": _depthwise_kernel(layer.depthwise_kernel)},
        strides=tuple(layer.strides),
        dilation=tuple(layer.dilation_rate),
        padding=layer.padding,
    )
    y = b.add(
        Convolution,
        [middle],
        shape,
        part="pointwise",
        read_weights=float_weights(kernel=layer.pointwise_kernel, bias=layer.bias if layer.use_bias else None),
        strides=(1,) * rank,
        dilation=(1,) * rank,
    )
    return add_activation(b, layer.activation, y, "activation")


def _convolution_transpose(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    shape = b.out_shape()

    class ConvolutionTranspose(Structural):
        def apply(self, weights: Any, inputs: Sequence[Tensor]) -> Tensor:
            return ops.conv_transpose(
                inputs[0],
                weights["kernel"],
                strides=tuple(layer.strides),
                padding=layer.padding,
                output_padding=layer.output_padding,
                data_format="channels_last",
                dilation_rate=tuple(layer.dilation_rate),
            )

    y = b.add(
        ConvolutionTranspose,
        inputs,
        shape,
        read_weights=float_weights(kernel=layer.kernel, bias=layer.bias if layer.use_bias else None),
    )
    return add_activation(b, layer.activation, y, "activation")


def _dense(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    if _quantized(layer):
        return b.opaque_layer(layer, inputs)
    y = b.add(
        Dense,
        inputs,
        b.out_shape(),
        read_weights=float_weights(kernel=layer.kernel, bias=layer.bias if layer.use_bias else None),
    )
    return add_activation(b, layer.activation, y, "activation")


def _batch_normalization(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    rank = len(b.shape(inputs[0]))
    axis = layer.axis % (rank + 1)

    def read() -> dict[str, Tensor]:
        w = float_weights(
            mean=layer.moving_mean,
            variance=layer.moving_variance,
            gamma=layer.gamma if layer.scale else None,
            beta=layer.beta if layer.center else None,
        )()
        scale = 1.0 / ops.sqrt(w["variance"] + layer.epsilon)
        if "gamma" in w:
            scale = scale * w["gamma"]
        bias = -w["mean"] * scale
        if "beta" in w:
            bias = bias + w["beta"]
        broadcast = (-1,) + (1,) * (rank - axis)
        return {"scale": ops.reshape(scale, broadcast), "bias": ops.reshape(bias, broadcast)}

    return [b.add(Scale, inputs, b.out_shape(), read_weights=read)]


def _rescaling(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    read = lambda: {  # noqa: E731 - a one-line reader, as elsewhere in this table
        "scale": ops.convert_to_tensor(layer.scale, dtype="float32"),
        "bias": ops.convert_to_tensor(layer.offset, dtype="float32"),
    }
    return [b.add(Scale, inputs, b.out_shape(), read_weights=read)]


def _average_pool(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    window, strides = tuple(layer.pool_size), tuple(layer.strides)
    return [b.add(AveragePool, inputs, b.out_shape(), window=window, strides=strides, padding=layer.padding)]


def _max_pool(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    window, strides = tuple(layer.pool_size), tuple(layer.strides)
    return [b.add(MaxPool, inputs, b.out_shape(), window=window, strides=strides, padding=layer.padding)]


def _global_average(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    axes = tuple(range(1, len(b.shape(inputs[0]))))
    return [b.structural(inputs, b.out_shape(), lambda x: ops.mean(x, axis=axes, keepdims=layer.keepdims))]


def _global_max(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    shape = b.shape(inputs[0])
    whole = (None,) * (len(shape) - 1)
    y = b.add(MaxPool, inputs, (*(1 for _ in whole), shape[-1]), window=whole, strides=whole)
    if layer.keepdims:
        return [y]
    axes = tuple(range(1, len(shape)))
    return [b.structural([y], (shape[-1],), lambda x: ops.squeeze(x, axis=axes), part="squeeze", moves_only=True)]


def _identity(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    return inputs


def _structural(function: Callable[[Any], Callable[..., Tensor]], moves_only: bool = False) -> Handler:
    """Make the handler of a layer that is one structural operation; `function(layer)` returns what it computes."""

    def handler(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
        return [b.structural(inputs, b.out_shape(), function(layer), moves_only=moves_only)]

    return handler


def _layer_call(layer: Any) -> Callable[..., Tensor]:
    """Use a weightless linear layer's own call: cropping, padding, up-sampling know their options best."""
    return lambda x: layer.call(x)


def _merge(function: Callable[[Sequence[Tensor]], Tensor]) -> Handler:
    return _structural(lambda _: lambda *x: function(align_ranks(x)))


def _subtract(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    read = lambda: {"signs": ops.convert_to_tensor([1.0, -1.0], dtype="float32")}  # noqa: E731 - as elsewhere here
    return [b.add(Difference, inputs, b.out_shape(), read_weights=read)]


def _maximum(sign: int) -> Handler:
    def handler(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
        if len({len(b.shape(i)) for i in inputs}) > 1:
            return b.opaque_layer(layer, inputs)
        return [b.add(Maximum, inputs, b.out_shape(), sign=sign)]

    return handler


def _activation(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    return add_activation(b, layer.activation, inputs[0], "")


def _weightless_activation(label: str) -> Handler:
    def handler(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
        return [b.add(Elementwise, inputs, b.out_shape(), function=lambda x, _: layer.call(x), label=label)]

    return handler


def _prelu(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    def function(x: Tensor, weights: Any) -> Tensor:
        return ops.relu(x) - weights["alpha"] * ops.relu(-x)

    return [
        b.add(
            Elementwise,
            inputs,
            b.out_shape(),
            function=function,
            label="prelu",
            read_weights=float_weights(alpha=layer.alpha),
        )
    ]


def _softmax(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    axes = layer.axis if isinstance(layer.axis, (list, tuple)) else (layer.axis,)
    rank = len(b.shape(inputs[0])) + 1
    axis = tuple(a - rank if a >= 0 else a for a in axes)
    return [b.add(Softmax, inputs, b.out_shape(), axis=axis)]


def _mean_of(tensors: Sequence[Tensor]) -> Tensor:
    return sum(tensors[1:], tensors[0]) / len(tensors)


def _concatenate(layer: Any) -> Callable[..., Tensor]:
    return lambda *x: ops.concatenate(list(x), axis=layer.axis)


HANDLERS: dict[type, Handler] = {
    layers.Conv1D: _moved(_convolution),
    layers.Conv2D: _moved(_convolution),
    layers.DepthwiseConv1D: _moved(_depthwise),
    layers.DepthwiseConv2D: _moved(_depthwise),
    layers.SeparableConv1D: _moved(_separable),
    layers.SeparableConv2D: _moved(_separable),
    layers.Conv1DTranspose: _moved(_convolution_transpose),
    layers.Conv2DTranspose: _moved(_convolution_transpose),
    layers.Dense: _dense,
    layers.BatchNormalization: _batch_normalization,
    layers.Rescaling: _rescaling,
    layers.Normalization: normalization,
    layers.AveragePooling1D: _moved(_average_pool),
    layers.AveragePooling2D: _moved(_average_pool),
    layers.MaxPooling1D: _moved(_max_pool),
    layers.MaxPooling2D: _moved(_max_pool),
    layers.GlobalAveragePooling1D: _moved(_global_average),
    layers.GlobalAveragePooling2D: _moved(_global_average),
    layers.GlobalMaxPooling1D: _moved(_global_max),
    layers.GlobalMaxPooling2D: _moved(_global_max),
    layers.Flatten: _structural(_layer_call, moves_only=True),
    layers.Reshape: _structural(_layer_call, moves_only=True),
    layers.Permute: _structural(_layer_call, moves_only=True),
    layers.RepeatVector: _structural(_layer_call, moves_only=True),
    layers.Cropping1D: _structural(_layer_call, moves_only=True),
    layers.Cropping2D: _structural(_layer_call, moves_only=True),
    layers.ZeroPadding1D: _structural(_layer_call),
    layers.ZeroPadding2D: _structural(_layer_call),
    layers.UpSampling1D: _structural(_layer_call),
    layers.UpSampling2D: _structural(_layer_call),
    layers.Dropout: _identity,
    layers.SpatialDropout1D: _identity,
    layers.SpatialDropout2D: _identity,
    layers.AlphaDropout: _identity,
    layers.GaussianDropout: _identity,
    layers.GaussianNoise: _identity,
    layers.ActivityRegularization: _identity,
    layers.Identity: _identity,
    layers.Add: _merge(lambda x: sum(x[1:], x[0])),
    layers.Subtract: _subtract,
    layers.Multiply: multiply,
    layers.Average: _merge(_mean_of),
    layers.Concatenate: _structural(_concatenate, moves_only=True),
    layers.Maximum: _maximum(1),
    layers.Minimum: _maximum(-1),
    layers.TimeDistributed: time_distributed,
    layers.LSTM: recurrent,
    layers.GRU: recurrent,
    layers.SimpleRNN: recurrent,
    layers.RNN: recurrent,
    layers.Bidirectional: bidirectional,
    layers.Activation: _activation,
    layers.ReLU: _weightless_activation("relu"),
    layers.LeakyReLU: _weightless_activation("leaky_relu"),
    layers.ELU: _weightless_activation("elu"),
    layers.PReLU: _prelu,
    layers.Softmax: _softmax,
}
