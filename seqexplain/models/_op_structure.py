"""Handlers of the `keras.ops` that move, repeat and join values: linear, without weights of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from keras.src.ops import core
from keras.src.ops import numpy as numeric

from seqexplain.models._constants import Constant, as_constant
from seqexplain.models._op_call import Call, Operand, OpHandler, example_axes, identity
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.joint_operations import Placed
from seqexplain.models.operations import Structural

if TYPE_CHECKING:
    from seqexplain.models._builder import Builder


def moved(b: Builder, call: Call, function: Callable[[Tensor], Tensor], *, copies: bool = True) -> list[int]:
    """Append a function of the only value that moves what it holds; `copies`: and adds nothing to it."""
    return [b.structural([call.x.number], b.out_shape(), function, moves_only=copies)]


def _if_batch_stays(axes: Callable[[Any], Any], *, copies: bool = True) -> OpHandler:
    """Take the operation itself, where the axes that it works on are given and the batch is not among them."""

    def handler(b: Builder, call: Call) -> list[int] | None:
        rank = len(call.x.shape)
        if len(call.inputs) != 1 or example_axes(axes(call.operation), rank) is None:
            return None
        return moved(b, call, lambda t: call.operation.call(t), copies=copies)

    return handler


def _reshape(b: Builder, call: Call) -> list[int] | None:
    new = call.operation.newshape
    new = list(new) if isinstance(new, (list, tuple)) else [new]
    if not new or not all(n is None or isinstance(n, int) for n in new):
        return None
    rest, old = new[1:], call.x.shape
    kept = new[0] == call.batch and call.batch is not None
    if not kept:
        sizes = [*rest, *old]
        if new[0] not in (-1, None) or any(n is None or n < 0 for n in sizes) or math.prod(rest) != math.prod(old):  # type: ignore[arg-type]
            return None
    if sum(n is None or n < 0 for n in rest) > 1:
        return None
    rest = [-1 if n is None else n for n in rest]
    return moved(b, call, lambda t: ops.reshape(t, (t.shape[0], *rest)))


def _transpose(b: Builder, call: Call) -> list[int] | None:
    axes, rank = call.operation.axes, len(call.x.shape) + 1
    if axes is None or axes[0] % rank != 0:
        return None
    return moved(b, call, lambda t: ops.transpose(t, axes))


def _moveaxis(b: Builder, call: Call) -> list[int] | None:
    operation, rank = call.operation, len(call.x.shape) + 1
    order = list(range(rank))
    pairs = zip(operation.source, operation.destination, strict=True)
    moves = sorted((d % rank, s % rank) for s, d in pairs)
    left = [a for a in order if a not in {s for _, s in moves}]
    for d, s in moves:
        left.insert(d, s)
    return moved(b, call, lambda t: ops.transpose(t, left)) if left[0] == 0 else None


def _expand_dims(b: Builder, call: Call) -> list[int] | None:
    axis = call.operation.axis
    axis = axis if isinstance(axis, (list, tuple)) else (axis,)
    rank = len(call.x.shape) + 1 + len(axis)
    if any(a % rank == 0 for a in axis):
        return None
    return moved(b, call, lambda t: call.operation.call(t))


def _tile(b: Builder, call: Call) -> list[int] | None:
    repeats, rank = call.operation.repeats, len(call.x.shape) + 1
    repeats = list(repeats) if isinstance(repeats, (list, tuple)) else [repeats]
    if len(repeats) > rank or (len(repeats) == rank and repeats[0] != 1):
        return None
    return moved(b, call, lambda t: call.operation.call(t))


def _broadcast_to(b: Builder, call: Call) -> list[int] | None:
    shape = tuple(call.operation.shape)
    if len(shape) != len(call.x.shape) + 1 or any(not isinstance(n, int) for n in shape[1:]):
        return None
    return moved(b, call, lambda t: ops.broadcast_to(t, (t.shape[0], *shape[1:])))


def _pad(b: Builder, call: Call) -> list[int] | None:
    widths = call.operation.pad_width
    first = widths[0]
    rank = len(call.x.shape) + 1
    if len(widths) != rank or tuple(first) != (0, 0):
        return None
    mode = call.operation.mode
    value = call["constant_values"]
    if mode != "constant":
        return moved(b, call, lambda t: ops.pad(t, widths, mode=mode))
    if value is not None and not isinstance(value, (int, float)):
        return None
    zeros = moved(b, call, lambda t: ops.pad(t, widths), copies=False)
    if not value:
        return zeros

    def read() -> dict[str, Tensor]:
        inside = ops.ones([n or 1 for n in call.x.shape])
        return {"bias": float(value) * (1.0 - ops.pad(inside, widths[1:]))}

    if None in call.x.shape:
        return None
    return [b.add(Structural, zeros, b.out_shape(), part="padding", function=identity, read_weights=read)]


def _joined(b: Builder, call: Call, given: Sequence[Any], function: Callable[..., Tensor]) -> list[int] | None:
    """Append a function of several values and constants that lays them side by side."""
    values = [g for g in given if isinstance(g, Operand)]
    ranks = {len(v.shape) for v in values}
    if len(ranks) != 1:
        return None
    rank = ranks.pop()
    if len(values) == len(given):
        return [b.structural([v.number for v in values], b.out_shape(), function, moves_only=True)]
    order: list[int | str] = []
    constants: dict[str, Constant] = {}
    numbers: list[int] = []
    for g in given:
        if isinstance(g, Operand):
            order.append(len(numbers))
            numbers.append(g.number)
            continue
        whole = as_constant(g)
        one = None if whole is None or len(whole.shape) != rank + 1 else whole.example(rank, call.batch)
        if one is None:
            return None
        order.append(str(len(constants)))
        constants[str(len(constants))] = one
    return [
        b.add(
            Placed,
            numbers,
            b.out_shape(),
            function=function,
            order=tuple(order),
            read_weights=lambda: {name: c.tensor() for name, c in constants.items()},
        )
    ]


def _concatenate(b: Builder, call: Call) -> list[int] | None:
    given = list(call["xs"])
    axis = example_axes(call.operation.axis, len(b.out_shape()))
    if axis is None:
        return None
    return _joined(b, call, given, lambda *x: ops.concatenate(list(x), axis=axis[0]))


def _stack(b: Builder, call: Call) -> list[int] | None:
    given = list(call["x"])
    axis = example_axes(call.operation.axis, len(b.out_shape()))
    if axis is None:
        return None
    return _joined(b, call, given, lambda *x: ops.stack(list(x), axis=axis[0]))


def _pieces(b: Builder, call: Call, axis: int, function: Callable[[Tensor], Sequence[Tensor]]) -> list[int] | None:
    if example_axes(axis, len(call.x.shape)) is None:
        return None
    return [
        b.structural([call.x.number], shape, lambda t, i=i: function(t)[i], part=f"piece_{i}", moves_only=True)
        for i, shape in enumerate(b.out_shapes())
    ]


def _split(b: Builder, call: Call) -> list[int] | None:
    return _pieces(b, call, call.operation.axis, lambda t: call.operation.call(t))


def _get_item(b: Builder, call: Call) -> list[int] | None:
    key = call["key"]
    key = tuple(key) if isinstance(key, (list, tuple)) else (key,)
    if not all(k is None or k is Ellipsis or (isinstance(k, int | slice) and not isinstance(k, bool)) for k in key):
        return None
    if not all(e is None or isinstance(e, int) for k in key if isinstance(k, slice) for e in (k.start, k.stop, k.step)):
        return None
    rank = len(call.x.shape) + 1
    taken = sum(k is not None and k is not Ellipsis for k in key)
    fits = taken < rank if key[0] is Ellipsis else key[0] == slice(None)
    return moved(b, call, lambda t: t[key]) if fits else None


def _take(b: Builder, call: Call) -> list[int] | None:
    indices = as_constant(call["indices"])
    axis = example_axes(call.operation.axis, len(call.x.shape))
    if indices is None or axis is None or call.operand("x") is None:
        return None
    fixed = ops.convert_to_tensor(indices.value(), dtype="int32")
    return moved(b, call, lambda t: ops.take(t, fixed, axis=axis[0]))


STRUCTURE: dict[type, OpHandler] = {
    numeric.Reshape: _reshape,
    numeric.Transpose: _transpose,
    numeric.Moveaxis: _moveaxis,
    numeric.Swapaxes: _if_batch_stays(lambda o: (o.axis1, o.axis2)),
    numeric.Squeeze: _if_batch_stays(lambda o: o.axis),
    numeric.ExpandDims: _expand_dims,
    numeric.Flip: _if_batch_stays(lambda o: o.axis),
    numeric.Roll: _if_batch_stays(lambda o: o.axis),
    numeric.Repeat: _if_batch_stays(lambda o: o.axis),
    numeric.Tile: _tile,
    numeric.BroadcastTo: _broadcast_to,
    numeric.Pad: _pad,
    numeric.Concatenate: _concatenate,
    numeric.Stack: _stack,
    numeric.Split: _split,
    numeric.ArraySplit: _split,
    core.Unstack: _split,
    numeric.GetItem: _get_item,
    numeric.Take: _take,
}
