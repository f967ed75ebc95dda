"""The operations of activations: built-in functions, or layers that are used as activations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from seqexplain.models._legacy_ops import hard_sigmoid_keras2
from seqexplain.models.operations import Elementwise, Opaque, Softmax

if TYPE_CHECKING:
    from seqexplain.models._builder import Builder

ELEMENTWISE_ACTIVATIONS = (
    "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu",
    "log_sigmoid", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softplus", "softsign",
    "sparse_plus", "sparse_sigmoid", "squareplus", "tanh", "tanh_shrink", "threshold",
)  # fmt: skip


def known_activations() -> dict[Any, str]:
    """Return the names of the built-in functions of each element."""
    known = {}
    for name in ELEMENTWISE_ACTIVATIONS:
        function = getattr(keras.activations, name, None)
        if function is not None:
            known[function] = name
    known[hard_sigmoid_keras2] = "hard_sigmoid"
    return known


def is_linear_activation(activation: Any) -> bool:
    """Whether an activation is missing or the identity."""
    return activation is None or activation is keras.activations.linear


def add_activation(b: Builder, activation: Any, value: int, part: str) -> list[int]:
    """Append the operation of a built-in activation, given as Keras stores it (a function, or a layer)."""
    if is_linear_activation(activation):
        return [value]
    if activation is keras.activations.softmax:
        return [b.add(Softmax, [value], b.shape(value), part=part)]
    label = known_activations().get(activation)
    if label is not None:
        return [
            b.add(
                Elementwise,
                [value],
                b.shape(value),
                part=part,
                function=lambda x, _: activation(x),
                label=label,
            )
        ]
    if isinstance(activation, keras.Layer):
        return b.add_layer(activation, [value], part=part)
    traced = _traced(b, activation, value, part)
    if traced is not None:
        return traced
    name = getattr(activation, "__name__", repr(activation))
    return b.add_opaque(
        [value],
        [b.shape(value)],
        lambda _, x: [activation(x[0])],
        part=part,
        layer_class=f"activation {name!r}",
    )


def _traced(b: Builder, function: Any, value: int, part: str) -> list[int] | None:
    """Append a function by the `keras.ops` that it is made of; None where they cannot be found out."""
    before = len(b.operations)
    outputs = b.add_layer(keras.layers.Lambda(function, name="activation"), [value], part=part)
    if not any(isinstance(operation, Opaque) for operation in b.operations[before:]):
        return outputs
    b.forget_from(before)
    return None
