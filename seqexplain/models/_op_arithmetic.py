"""Handlers of the `keras.ops` that work element by element: arithmetic, functions, comparisons, choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from keras.src.activations import activations as functions
from keras.src.ops import core, math, nn
from keras.src.ops import numpy as numeric

from seqexplain.models._constants import Constant
from seqexplain.models._op_call import (
    Call,
    OpHandler,
    broadcast_shape,
    elementwise,
    scale,
    shift,
    widened,
)
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.joint_operations import Product, Select, Step, Stopped
from seqexplain.models.operations import Difference, Elementwise, Maximum

if TYPE_CHECKING:
    from seqexplain.models._builder import Builder


def broadcast_together(b: Builder, call: Call, *names: str) -> list[int | Constant] | None:
    """Return arguments that are broadcast together: values widened to the shape that a constant asks for.

    None where NumPy would align the batch axis of one with an axis of another.
    """
    ranks = {len(o.shape) for o in map(call.operand, names) if o is not None}
    if len(ranks) != 1:
        return None
    rank = ranks.pop()
    found: list[int | Constant] = []
    for name in names:
        operand = call.operand(name)
        argument = call.constant(name, rank) if operand is None else operand.number
        if argument is None:
            return None
        found.append(argument)
    shape = broadcast_shape(*(a.shape if isinstance(a, Constant) else b.shape(a) for a in found))
    if shape is None:
        return None
    if not any(isinstance(a, Constant) for a in found):
        return found  # between values, broadcasting is left to the operation
    wide = [a if isinstance(a, Constant) else widened(b, a, shape) for a in found]
    return None if any(a is None for a in wide) else [a for a in wide if a is not None]


BothVary = Callable[["Builder", int, int], int]
OneVaries = Callable[["Builder", int, Constant], int]


def of_two(both: BothVary | None, right: OneVaries, left: OneVaries) -> OpHandler:
    """Make the handler of `f(x1, x2)` from what it is for two values, and with a constant on the right or left."""

    def handler(b: Builder, call: Call) -> list[int] | None:
        pair = broadcast_together(b, call, "x1", "x2")
        if pair is None:
            return None
        x, y = pair
        if isinstance(x, Constant):
            return None if isinstance(y, Constant) else [left(b, y, x)]
        if isinstance(y, Constant):
            return [right(b, x, y)]
        return None if both is None else [both(b, x, y)]

    return handler


def signs(first: float, second: float) -> Callable[[], dict[str, Tensor]]:
    """Return the weights of a sum of two with these signs."""
    return lambda: {"signs": ops.convert_to_tensor([first, second], dtype="float32")}


def _result_shape(b: Builder, *values: int) -> Any:
    return broadcast_shape(*(b.shape(v) for v in values))


def _sum(b: Builder, x: int, y: int, part: str = "") -> int:
    return b.structural([x, y], _result_shape(b, x, y), lambda s, t: s + t, part=part)


def difference(b: Builder, x: int, y: int, part: str = "") -> int:
    """Append `x − y`."""
    return b.add(Difference, [x, y], _result_shape(b, x, y), part=part, read_weights=signs(1.0, -1.0))


def product(b: Builder, x: int, y: int, part: str = "") -> int:
    """Append the product of two values of one rank, element by element."""
    return square(b, x, part) if x == y else b.add(Product, [x, y], _result_shape(b, x, y), part=part)


def square(b: Builder, x: int, part: str = "") -> int:
    """Append the square of each element."""
    return elementwise(b, x, ops.square, "square", part)


def _reciprocal(b: Builder, x: int) -> int:
    return elementwise(b, x, ops.reciprocal, "reciprocal", "reciprocal")


def with_constant(b: Builder, x: int, c: Constant, function: Callable[[Tensor, Tensor], Tensor], label: str) -> int:
    """Append a function of each element that has a constant beside it."""
    return b.add(
        Elementwise,
        [x],
        b.shape(x),
        function=lambda t, w: function(t, w["constant"]),
        label=label,
        read_weights=lambda: {"constant": c.tensor()},
    )


def _extreme(sign: int) -> OpHandler:
    function = ops.maximum if sign > 0 else ops.minimum
    fixed = lambda b, x, c: with_constant(b, x, c, function, function.__name__)  # noqa: E731 - of either side
    return of_two(lambda b, x, y: b.add(Maximum, [x, y], _result_shape(b, x, y), sign=sign), fixed, fixed)


def _of_one(b: Builder, call: Call) -> list[int] | None:
    """Take any function of each element: the operation itself, whatever its options."""
    if len(call.inputs) != 1 or call.x.number < 0:
        return None
    operation = call.operation
    label = LABELS.get(type(operation), type(operation).__name__.lower())
    plain = not any(getattr(operation, name, None) for name in ("negative_slope", "threshold", "max_value"))
    if label == "relu" and not plain:
        label = "bent relu"
    return [elementwise(b, call.x.number, lambda t: operation.call(t), label)]


def step(b: Builder, x: int, function: Callable[[Tensor], Tensor], label: str, part: str = "") -> int:
    """Append a function with jumps; masks become 0 and 1."""
    return b.add(Step, [x], b.shape(x), part=part, function=lambda t, _: ops.cast(function(t), "float32"), label=label)


def _step_of_one(b: Builder, call: Call) -> list[int] | None:
    return [step(b, call.x.number, lambda t: call.operation.call(t), type(call.operation).__name__.lower())]


def _fixed_step(b: Builder, x: int, c: Constant, function: Callable[[Tensor, Tensor], Tensor]) -> int:
    return b.add(
        Step,
        [x],
        b.shape(x),
        function=lambda t, w: ops.cast(function(t, w["constant"]), "float32"),
        label=getattr(function, "__name__", "comparison"),
        read_weights=lambda: {"constant": c.tensor()},
    )


def _comparison(compare: Callable[[Tensor, Any], Tensor], mirrored: Callable[[Tensor, Any], Tensor]) -> OpHandler:
    """Compare with a constant, or the difference of two values with 0."""
    return of_two(
        lambda b, x, y: step(b, difference(b, x, y, "difference"), lambda t: compare(t, 0.0), compare.__name__),
        lambda b, x, c: _fixed_step(b, x, c, compare),
        lambda b, x, c: _fixed_step(b, x, c, mirrored),
    )


def _logical(combine: Callable[[Tensor, Tensor], Tensor]) -> OpHandler:
    """Combine masks; two that vary become products and sums of 0 and 1."""

    def both(b: Builder, x: int, y: int) -> int:
        x, y = (step(b, m, lambda t: t != 0, "mask", "mask") for m in (x, y))
        overlap = product(b, x, y, "both")
        if combine is ops.logical_and:
            return overlap
        times = 1.0 if combine is ops.logical_or else 2.0
        return difference(b, _sum(b, x, y, "sum"), scale(b, overlap, times, "overlap"))

    fixed = lambda b, x, c: _fixed_step(b, x, c, lambda t, w: combine(t != 0, w != 0))  # noqa: E731 - of either side
    return of_two(both, fixed, fixed)


def _logical_not(b: Builder, call: Call) -> list[int] | None:
    return [step(b, call.x.number, lambda t: t == 0, "logical_not")]


def _where(b: Builder, call: Call) -> list[int] | None:
    if call["x1"] is None or call["x2"] is None:
        return None
    found = broadcast_together(b, call, "condition", "x1", "x2")
    if found is None:
        return None
    mask, x, y = found
    if isinstance(mask, Constant):
        return _where_constant(b, mask, x, y)
    values = [mask]
    for branch in (x, y):
        if isinstance(branch, Constant):  # as a value: 0 times the mask, and the constant
            branch = shift(b, scale(b, mask, 0.0, "zero"), branch, part="constant")
        values.append(branch)
    shape = _result_shape(b, *values)
    wide = [widened(b, v, shape) for v in values]
    places = [v for v in wide if v is not None]
    return [b.add(Select, places, shape)] if len(places) == len(wide) else None


def _where_constant(b: Builder, mask: Constant, x: int | Constant, y: int | Constant) -> list[int] | None:
    """Choose by a constant mask: multiply each branch by 0 and 1 and add them."""

    def chosen(first: bool) -> Tensor:
        return (mask.tensor() != 0) == first

    def share(first: bool) -> Constant:
        return Constant(mask.shape, lambda: ops.cast(chosen(first), "float32"))

    def offset(constant: Constant, first: bool) -> Constant:
        shape = tuple(n or 1 for n in broadcast_shape(mask.shape, constant.shape) or ())
        return Constant(shape, lambda: ops.where(chosen(first), constant.tensor(), 0.0))

    if isinstance(x, Constant):
        return None if isinstance(y, Constant) else [shift(b, scale(b, y, share(False), "other"), offset(x, True))]
    first = scale(b, x, share(True), "chosen")
    if isinstance(y, Constant):
        return [shift(b, first, offset(y, False))]
    return [_sum(b, first, scale(b, y, share(False), "other"))]


def _clip(b: Builder, call: Call) -> list[int] | None:
    return (
        _of_one(b, call)
        if all(isinstance(v, (int, float)) for v in (call.operation.x_min, call.operation.x_max))
        else None
    )


def _cast(b: Builder, call: Call) -> list[int] | None:
    dtype = str(call.operation.dtype)
    given = call.x.dtype
    if dtype == "bool" and given != "bool":
        return [step(b, call.x.number, lambda t: t != 0, "mask")]
    if dtype.startswith(("int", "uint")) and given.startswith(("float", "bfloat")):
        return [step(b, call.x.number, ops.trunc, "trunc")]
    return [call.x.number]


def _same(b: Builder, call: Call) -> list[int] | None:
    return [call.x.number]


def _stopped(b: Builder, call: Call) -> list[int] | None:
    value = call.x.number
    return [b.add(Stopped, [value], b.shape(value), moves_only=True)]


def _negative(b: Builder, call: Call) -> list[int] | None:
    return [scale(b, call.x.number, -1.0)]


def _filled(value: float) -> OpHandler:
    """Make a constant of a value's shape: 0 times the value, and the constant."""

    def handler(b: Builder, call: Call) -> list[int] | None:
        zero = scale(b, call.x.number, 0.0, "zero")
        return [shift(b, zero, Constant((), lambda: value), part="constant") if value else zero]

    return handler


DIVISION = of_two(
    lambda b, x, y: product(b, x, _reciprocal(b, y)),
    lambda b, x, c: scale(b, x, c, inverse=True),
    lambda b, x, c: scale(b, _reciprocal(b, x), c),
)

LABELS: dict[type, str] = {nn.Relu: "relu", functions.ReLU: "relu", nn.Sigmoid: "sigmoid", numeric.Tanh: "tanh"}

_FUNCTIONS = {
    numeric: "Absolute Abs Fabs Arccos Arccosh Arcsin Arcsinh Arctan Arctanh Cbrt Cos Cosh Deg2rad Rad2deg Exp Exp2 "
    "Expm1 Log Log10 Log1p Log2 Reciprocal Sin Sinc Sinh Square Sqrt Tan Tanh NanToNum I0",
    nn: "Relu Relu6 Sigmoid SparseSigmoid Softplus Softsign SoftShrink SparsePlus Silu Squareplus LogSigmoid LeakyRelu "
    "HardSigmoid HardSilu Elu Selu Gelu Celu TanhShrink HardTanh HardShrink Threshold",
    math: "Rsqrt Erf Erfc Erfinv",
    functions: "ReLU Mish",
}
_STEPS = "Ceil Floor Round Sign Trunc Isfinite Isinf Isnan Signbit"


def _classes(module: Any, names: str) -> list[type]:
    """Return the classes of that name that this version of Keras has."""
    return [getattr(module, name) for name in names.split() if hasattr(module, name)]


ARITHMETIC: dict[type, OpHandler] = {
    **{cls: _of_one for module, names in _FUNCTIONS.items() for cls in _classes(module, names)},
    **dict.fromkeys(_classes(numeric, _STEPS), _step_of_one),
    numeric.Add: of_two(_sum, shift, shift),
    numeric.Subtract: of_two(
        difference,
        lambda b, x, c: shift(b, x, c, -1.0),
        lambda b, x, c: shift(b, scale(b, x, -1.0, "negative"), c),
    ),
    numeric.Multiply: of_two(product, scale, scale),
    numeric.Divide: DIVISION,
    numeric.TrueDivide: DIVISION,
    numeric.Power: of_two(
        None,
        lambda b, x, c: with_constant(b, x, c, ops.power, "power"),
        lambda b, x, c: with_constant(b, x, c, lambda t, w: ops.power(w, t), "exponential"),
    ),
    numeric.Negative: _negative,
    numeric.Maximum: _extreme(1),
    numeric.Minimum: _extreme(-1),
    numeric.Clip: _clip,
    numeric.Where: _where,
    numeric.Greater: _comparison(ops.greater, ops.less),
    numeric.GreaterEqual: _comparison(ops.greater_equal, ops.less_equal),
    numeric.Less: _comparison(ops.less, ops.greater),
    numeric.LessEqual: _comparison(ops.less_equal, ops.greater_equal),
    numeric.Equal: _comparison(ops.equal, ops.equal),
    numeric.NotEqual: _comparison(ops.not_equal, ops.not_equal),
    numeric.LogicalAnd: _logical(ops.logical_and),
    numeric.LogicalOr: _logical(ops.logical_or),
    numeric.LogicalXor: _logical(ops.logical_xor),
    numeric.LogicalNot: _logical_not,
    core.Cast: _cast,
    core.StopGradient: _stopped,
    core.ConvertToTensor: _same,
    numeric.Copy: _same,
    numeric.OnesLike: _filled(1.0),
    numeric.ZerosLike: _filled(0.0),
}
