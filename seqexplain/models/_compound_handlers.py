"""Handlers of layers that become several operations, or that hold another layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers, ops

from seqexplain.models._activations import is_linear_activation, known_activations
from seqexplain.models.backend import Tensor
from seqexplain.models.joint_operations import Product
from seqexplain.models.operations import Scale

if TYPE_CHECKING:
    from seqexplain.models._builder import Builder


def multiply(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    """Take a product of several inputs as products of two; inputs of lower rank get axes after the batch axis."""
    rank = max(len(b.shape(i)) for i in inputs)
    aligned = []
    for i in inputs:
        missing = rank - len(b.shape(i))
        if missing:
            shape = (*(1,) * missing, *b.shape(i))
            place = lambda x, n=missing: ops.reshape(x, (x.shape[0], *(1,) * n, *x.shape[1:]))  # noqa: E731
            i = b.structural([i], shape, place, part="aligned", moves_only=True)
        aligned.append(i)
    y = aligned[0]
    for i in aligned[1:]:
        shape = tuple(n if m == 1 else m for m, n in zip(b.shape(y), b.shape(i), strict=True))
        y = b.add(Product, [y, i], shape)
    return [y]


def normalization(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    """Take adapted or given statistics as a scale and an offset."""

    def read() -> dict[str, Tensor]:
        # what was adapted is held as variables and finalised as tensors; what was given is a tensor
        mean, variance = (
            ops.cast(ops.convert_to_tensor(statistic), "float32") for statistic in (layer.mean, layer.variance)
        )
        deviation = ops.maximum(ops.sqrt(variance), keras.config.epsilon())
        scale = deviation if layer.invert else 1.0 / deviation
        bias = mean if layer.invert else -mean * scale
        return {"scale": scale[0], "bias": bias[0]}

    return [b.add(Scale, inputs, b.out_shape(), read_weights=read)]


def time_distributed(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    """Apply the inner layer to all steps at once where it looks at the last axis alone, else to one after the other."""
    inner, shape, out = layer.layer, b.shape(inputs[0]), b.out_shape()
    if _on_last_axis(inner, len(shape)):
        return b.add_layer(inner, inputs, part=inner.name, shape=out)
    if shape[0] is None:
        return b.opaque_layer(layer, inputs)
    steps = []
    for i in range(shape[0]):
        step = b.structural(inputs, shape[1:], lambda x, i=i: x[:, i], part=f"step_{i}", moves_only=True)
        (y,) = b.add_layer(inner, [step], part=inner.name, shape=out[1:])
        steps.append(y)
    return [b.structural(steps, out, lambda *x: ops.stack(x, axis=1), part="steps", moves_only=True)]


def _on_last_axis(layer: Any, rank: int) -> bool:
    """Whether a layer computes each vector along the last axis alone, so that more axes before it change nothing."""
    if type(layer) in (layers.Dense, layers.Dropout, layers.ReLU, layers.LeakyReLU, layers.ELU):
        return True
    if type(layer) is layers.Activation:
        return layer.activation in known_activations() or is_linear_activation(layer.activation)
    if type(layer) is layers.LayerNormalization:
        return list(layer.axis) in ([-1], [rank - 1])
    return False
