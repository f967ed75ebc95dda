"""Handlers of the `keras.ops` that reduce axes: sums, means, extremes, variances, softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras.src.ops import math, nn
from keras.src.ops import numpy as numeric

from seqexplain.models._op_arithmetic import difference, square
from seqexplain.models._op_call import Call, OpHandler, elementwise, example_axes, scale
from seqexplain.models.backend import ops
from seqexplain.models.joint_operations import LogSumExp
from seqexplain.models.operations import AveragePool, MaxPool, Shape, Softmax

if TYPE_CHECKING:
    from seqexplain.models._builder import Builder

Axes = tuple[int, ...]  # counted from the end


def _kept(shape: Shape, axes: Axes) -> Shape:
    """Return a shape with some axes reduced to length 1."""
    rank = len(shape)
    return tuple(1 if i - rank in axes else n for i, n in enumerate(shape))


def _without(b: Builder, x: int, axes: Axes, keepdims: bool) -> int:
    """Append the removal of axes of length 1."""
    if keepdims:
        return x
    shape = b.shape(x)
    rank = len(shape)
    left = tuple(n for i, n in enumerate(shape) if i - rank not in axes)
    return b.structural([x], left, lambda t: ops.squeeze(t, axis=axes), part="squeeze", moves_only=True)


def mean(b: Builder, x: int, axes: Axes, part: str = "mean") -> int:
    """Append the mean over some axes, which stay with length 1."""
    return b.structural([x], _kept(b.shape(x), axes), lambda t: ops.mean(t, axis=axes, keepdims=True), part=part)


def variance(b: Builder, x: int, axes: Axes) -> tuple[int, int]:
    """Append the variance over some axes; return the centred value and the variance."""
    centred = difference(b, x, mean(b, x, axes), "centred")
    return centred, mean(b, square(b, centred, "square"), axes, "variance")


def largest(b: Builder, x: int, axes: Axes) -> int:
    """Append the maximum over any axes, which stay with length 1: pooling with a channel axis of its own."""
    shape = b.shape(x)
    rank = len(shape)
    window = tuple(None if i - rank in axes else 1 for i in range(rank))
    single = b.structural([x], (*shape, 1), lambda t: ops.expand_dims(t, -1), part="channel", moves_only=True)
    kept = _kept(shape, axes)
    top = b.add(MaxPool, [single], (*kept, 1), part="maximum", window=window, strides=window)
    return b.structural([top], kept, lambda t: ops.squeeze(t, axis=-1), part="no_channel", moves_only=True)


def _axes(call: Call) -> Axes | None:
    operation = call.operation
    return example_axes(getattr(operation, "axes", None) or operation.axis, len(call.x.shape))


def _linear(name: str) -> OpHandler:
    function = getattr(ops, name)

    def handler(b: Builder, call: Call) -> list[int] | None:
        axes, keep = _axes(call), call.operation.keepdims
        if axes is None:
            return None
        return [b.structural([call.x.number], b.out_shape(), lambda t: function(t, axis=axes, keepdims=keep))]

    return handler


def _extreme(sign: int) -> OpHandler:
    def handler(b: Builder, call: Call) -> list[int] | None:
        axes = _axes(call)
        if axes is None or getattr(call.operation, "initial", None) is not None:
            return None
        x = call.x.number if sign > 0 else scale(b, call.x.number, -1.0, "negative")
        top = largest(b, x, axes)
        if sign < 0:
            top = scale(b, top, -1.0, "turned_back")
        return [_without(b, top, axes, call.operation.keepdims)]

    return handler


def _variance(b: Builder, call: Call) -> list[int] | None:
    axes = _axes(call)
    if axes is None:
        return None
    return [_without(b, variance(b, call.x.number, axes)[1], axes, call.operation.keepdims)]


def _deviation(b: Builder, call: Call) -> list[int] | None:
    axes = _axes(call)
    if axes is None:
        return None
    root = elementwise(b, variance(b, call.x.number, axes)[1], ops.sqrt, "sqrt", "root")
    return [_without(b, root, axes, call.operation.keepdims)]


def _moments(b: Builder, call: Call) -> list[int] | None:
    axes = _axes(call)
    if axes is None:
        return None
    x = call.x.number
    centre = mean(b, x, axes)
    spread = mean(b, square(b, difference(b, x, centre, "centred"), "square"), axes, "variance")
    return [_without(b, v, axes, call.operation.keepdims) for v in (centre, spread)]


def _cumsum(b: Builder, call: Call) -> list[int] | None:
    axes = _axes(call)
    if axes is None:
        return None
    return [b.structural([call.x.number], b.out_shape(), lambda t: ops.cumsum(t, axis=axes[0]))]


def _average(b: Builder, call: Call) -> list[int] | None:
    axes = _axes(call)
    if axes is None or call["weights"] is not None:
        return None
    return [b.structural([call.x.number], b.out_shape(), lambda t: ops.mean(t, axis=axes))]


def _softmax(b: Builder, call: Call) -> list[int] | None:
    axes = _axes(call)
    return None if axes is None else [b.add(Softmax, [call.x.number], call.x.shape, axis=axes)]


def logsumexp(b: Builder, x: int, axes: Axes) -> int:
    """Append log Σ exp over some axes, which stay with length 1."""
    return b.add(LogSumExp, [x], _kept(b.shape(x), axes), part="logsumexp", axis=axes)


def _logsumexp(b: Builder, call: Call) -> list[int] | None:
    axes = _axes(call)
    return None if axes is None else [_without(b, logsumexp(b, call.x.number, axes), axes, call.operation.keepdims)]


def _log_softmax(b: Builder, call: Call) -> list[int] | None:
    axes, x = _axes(call), call.x.number
    return None if axes is None else [difference(b, x, logsumexp(b, x, axes))]


def _window(given: Any, rank: int) -> tuple[int, ...]:
    return tuple(given) if isinstance(given, (list, tuple)) else (given,) * rank


def _pool(kind: type[Any]) -> OpHandler:
    def handler(b: Builder, call: Call) -> list[int] | None:
        operation, rank = call.operation, len(call.x.shape) - 1
        if operation.data_format not in (None, "channels_last") or rank > 2:
            return None
        window = _window(operation.pool_size, rank)
        strides = window if operation.strides is None else _window(operation.strides, rank)
        padding = operation.padding
        return [b.add(kind, [call.x.number], b.out_shape(), window=window, strides=strides, padding=padding)]

    return handler


REDUCTIONS: dict[type, OpHandler] = {
    numeric.Sum: _linear("sum"),
    numeric.Mean: _linear("mean"),
    numeric.Average: _average,
    numeric.Max: _extreme(1),
    numeric.Amax: _extreme(1),
    numeric.Min: _extreme(-1),
    numeric.Amin: _extreme(-1),
    numeric.Var: _variance,
    numeric.Std: _deviation,
    nn.Moments: _moments,
    numeric.Cumsum: _cumsum,
    math.Logsumexp: _logsumexp,
    nn.Softmax: _softmax,
    nn.LogSoftmax: _log_softmax,
    nn.MaxPool: _pool(MaxPool),
    nn.AveragePool: _pool(AveragePool),
}
