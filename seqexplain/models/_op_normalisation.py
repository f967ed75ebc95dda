"""Handlers of the normalising `keras.ops`: means, squares, a reciprocal root, and a product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras.src.ops import nn

from seqexplain.models._constants import Constant, as_constant
from seqexplain.models._op_arithmetic import difference, product, square
from seqexplain.models._op_call import Call, OpHandler, elementwise, example_axes, scale, shift
from seqexplain.models._op_reductions import Axes, mean
from seqexplain.models.backend import Tensor, ops

if TYPE_CHECKING:
    from seqexplain.models._builder import Builder


def normalise(b: Builder, x: int, axes: Axes, epsilon: float, centre: bool) -> int:
    """Append `(x − mean) / sqrt(variance + ε)` over some axes; without `centre`, `x / sqrt(mean of squares + ε)`."""
    centred = difference(b, x, mean(b, x, axes), "centred") if centre else x
    spread = mean(b, square(b, centred, "square"), axes, "variance")
    inverse = elementwise(b, spread, lambda t: ops.rsqrt(t + epsilon), "rsqrt", "inverse_deviation")
    return product(b, centred, inverse, "normalised")


def _placed(b: Builder, x: int, constant: Constant | None, axes: Axes) -> Constant | None:
    """Return a weight that has the normalised axes only, with the other axes of length 1 between them."""
    if constant is None:
        return None
    rank = len(b.shape(x))
    shape = tuple(n if i - rank in axes else 1 for i, n in enumerate(b.shape(x)))
    if len(constant.shape) == rank or None in shape:
        return constant
    return Constant(shape, lambda: ops.reshape(ops.convert_to_tensor(constant.read()), shape))  # type: ignore[arg-type]


def _affine(b: Builder, call: Call, x: int, axes: Axes, gamma: Any, beta: Any) -> list[int] | None:
    """Append the scale and offset that follow a normalisation."""
    for name, given in (("gamma", gamma), ("beta", beta)):
        if given is None:
            continue
        whole = as_constant(given)
        constant = None if whole is None else whole.example(len(b.shape(x)), call.batch)
        constant = _placed(b, x, constant, axes)
        if constant is None:
            return None
        x = scale(b, x, constant, name) if name == "gamma" else shift(b, x, constant, part=name)
    return [x]


def _layer_norm(b: Builder, call: Call) -> list[int] | None:
    operation, x = call.operation, call.operand("x")
    axes = None if x is None else example_axes(operation.axis, len(x.shape))
    if axes is None or x is None:
        return None
    y = normalise(b, x.number, axes, _epsilon(operation), centre=not operation.rms_scaling)
    return _affine(b, call, y, axes, call["gamma"], None if operation.rms_scaling else call["beta"])


def _rms_norm(b: Builder, call: Call) -> list[int] | None:
    operation, x = call.operation, call.operand("x")
    axes = None if x is None else example_axes(operation.axis, len(x.shape))
    if axes is None or x is None:
        return None
    y = normalise(b, x.number, axes, _epsilon(operation), centre=False)
    return _affine(b, call, y, axes, call["scale"], None)


def _epsilon(operation: Any) -> float:
    return float(keras.config.epsilon() if operation.epsilon is None else operation.epsilon)


def _unit_norm(b: Builder, call: Call) -> list[int] | None:
    operation = call.operation
    axes = example_axes(operation.axis, len(call.x.shape))
    if axes is None or operation.order != 2:
        return None
    smallest = _epsilon(operation) ** 2

    def inverse_norm(t: Tensor) -> Tensor:
        return ops.rsqrt(ops.maximum(t, smallest))

    kept = tuple(1 if i - len(call.x.shape) in axes else n for i, n in enumerate(call.x.shape))
    total = b.structural(
        [square(b, call.x.number, "square")], kept, lambda t: ops.sum(t, axis=axes, keepdims=True), part="sum"
    )
    return [product(b, call.x.number, elementwise(b, total, inverse_norm, "rsqrt", "inverse_norm"), "normalised")]


def _batch_norm(b: Builder, call: Call) -> list[int] | None:
    operation, x = call.operation, call.operand("x")
    if x is None or call["mean"] is None:
        return None
    axes = example_axes(operation.axis, len(x.shape))
    given = {n: as_constant(call[n]) for n in ("mean", "variance", "offset", "scale") if call[n] is not None}
    if axes is None or any(c is None for c in given.values()):
        return None
    shape = tuple(n if i - len(x.shape) in axes else 1 for i, n in enumerate(x.shape))

    def placed(name: str) -> Tensor:
        return ops.reshape(given[name].tensor(), [n or 1 for n in shape])  # type: ignore[union-attr]

    def factor() -> Tensor:
        return (placed("scale") if "scale" in given else 1.0) / ops.sqrt(placed("variance") + operation.epsilon)

    def offset() -> Tensor:
        return (placed("offset") if "offset" in given else 0.0) - placed("mean") * factor()

    fixed = tuple(n or 1 for n in shape)
    return [shift(b, scale(b, x.number, Constant(fixed, factor), "scale"), Constant(fixed, offset), part="offset")]


NORMALISATIONS: dict[type, OpHandler] = {
    nn.LayerNorm: _layer_norm,
    nn.RMSNorm: _rms_norm,
    nn.Normalize: _unit_norm,
    nn.BatchNorm: _batch_norm,
}
