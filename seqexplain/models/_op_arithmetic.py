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
from seqexplain.models.joint_operations import Product, Select, Step
from seqexplain.models.operations import Difference, Elementwise, Maximum

if TYPE_CHECKING:
    from seqexplain.models._builder import Builder

def pair_of(b: Builder, call: Call, *names: str) -> list[int | Constant] | None:
    """Return arguments that are broadcast together: values widened to the result's shape where a constant asks for it.

    None where NumPy would align the batch axis of one with an axis of another.
    """
    operands = [call.operand(n) for n in names]
    ranks = {len(o.shape) for o in operands if o is not None}
    if len(ranks) != 1:
        return None
    rank = ranks.pop()
    constants = [None if o is not None else call.constant(n, rank) for n, o in zip(names, operands, strict=True)]
    if any(o is None and c is None for o, c in zip(operands, constants, strict=True)):
        return None
    shape = broadcast_shape(*(o.shape for o in operands if o), *(c.shape for c in constants if c))
    if shape is None:
        return None
    found: list[int | Constant] = []
    for operand, constant in zip(operands, constants, strict=True):
        if constant is not None:
            found.append(constant)
            continue
        # between values, broadcasting is left to the operation
        wide = widened(b, operand.number, shape) if len(operands) > sum(o is not None for o in operands) else operand.number  # type: ignore[union-attr]
        if wide is None:
            return None
        found.append(wide)
    return found


def signs(first: float, second: float) -> Callable[[], dict[str, Tensor]]:
    """Return the weights of a sum of two with these signs."""
    return lambda: {"signs": ops.convert_to_tensor([first, second], dtype="float32")}


def _result_shape(b: Builder, *values: int) -> Any:
    return broadcast_shape(*(b.shape(v) for v in values))


def _add(b: Builder, call: Call) -> list[int] | None:
    pair = pair_of(b, call, "x1", "x2")
    if pair is None:
        return None
    x, y = pair
    if isinstance(x, Constant):
        return [shift(b, y, x)]  # type: ignore[arg-type]
    if isinstance(y, Constant):
        return [shift(b, x, y)]
    return [b.structural([x, y], _result_shape(b, x, y), lambda s, t: s + t)]


def _subtract(b: Builder, call: Call) -> list[int] | None:
    pair = pair_of(b, call, "x1", "x2")
    if pair is None:
        return None
    x, y = pair
    if isinstance(y, Constant):
        return [shift(b, x, y, -1.0)]  # type: ignore[arg-type]
    if isinstance(x, Constant):
        return [shift(b, scale(b, y, -1.0, "negative"), x)]
    return [difference(b, x, y)]


def difference(b: Builder, x: int, y: int, part: str = "") -> int:
    """Append `x − y`."""
    return b.add(Difference, [x, y], _result_shape(b, x, y), part=part, read_weights=signs(1.0, -1.0))


def product(b: Builder, x: int, y: int, part: str = "") -> int:
    """Append the product of two values of one rank, element by element."""
    return b.add(Product, [x, y], _result_shape(b, x, y), part=part)


def _multiply(b: Builder, call: Call) -> list[int] | None:
    pair = pair_of(b, call, "x1", "x2")
    if pair is None:
        return None
    x, y = pair
    if isinstance(x, Constant):
        return [scale(b, y, x)]  # type: ignore[arg-type]
    if isinstance(y, Constant):
        return [scale(b, x, y)]
    return [square(b, x) if x == y else product(b, x, y)]


def square(b: Builder, x: int, part: str = "") -> int:
    """Append the square of each element."""
    return elementwise(b, x, ops.square, "square", part)


def _divide(b: Builder, call: Call) -> list[int] | None:
    pair = pair_of(b, call, "x1", "x2")
    if pair is None:
        return None
    x, y = pair
    if isinstance(y, Constant):
        return [scale(b, x, y, inverse=True)]  # type: ignore[arg-type]
    inverse = elementwise(b, y, ops.reciprocal, "reciprocal", "reciprocal")
    if isinstance(x, Constant):
        return [scale(b, inverse, x)]
    return [product(b, x, inverse)]


def _power(b: Builder, call: Call) -> list[int] | None:
    pair = pair_of(b, call, "x1", "x2")
    if pair is None:
        return None
    base, exponent = pair
    if isinstance(exponent, Constant):
        return [with_constant(b, base, exponent, ops.power, "power")]  # type: ignore[arg-type]
    if isinstance(base, Constant):
        return [with_constant(b, exponent, base, lambda x, c: ops.power(c, x), "exponential")]
    return None


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

    def handler(b: Builder, call: Call) -> list[int] | None:
        pair = pair_of(b, call, "x1", "x2")
        if pair is None:
            return None
        x, y = pair
        if isinstance(x, Constant):
            x, y = y, x
        if isinstance(y, Constant):
            return [with_constant(b, x, y, function, function.__name__)]  # type: ignore[arg-type]
        return [b.add(Maximum, [x, y], _result_shape(b, x, y), sign=sign)]  # type: ignore[list-item]

    return handler


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
    return b.add(
        Step, [x], b.shape(x), part=part, function=lambda t, _: ops.cast(function(t), "float32"), label=label
    )


def _step_of_one(b: Builder, call: Call) -> list[int] | None:
    return [step(b, call.x.number, lambda t: call.operation.call(t), type(call.operation).__name__.lower())]


def _comparison(compare: Callable[[Tensor, Any], Tensor], mirrored: Callable[[Tensor, Any], Tensor]) -> OpHandler:
    def handler(b: Builder, call: Call) -> list[int] | None:
        pair = pair_of(b, call, "x1", "x2")
        if pair is None:
            return None
        x, y = pair
        used = compare
        if isinstance(x, Constant):
            x, y, used = y, x, mirrored
        if isinstance(y, Constant):
            constant = y
            return [
                b.add(
                    Step,
                    [x],  # type: ignore[list-item]
                    b.shape(x),  # type: ignore[arg-type]
                    function=lambda t, w: ops.cast(used(t, w["constant"]), "float32"),
                    label=compare.__name__,
                    read_weights=lambda: {"constant": constant.tensor()},
                )
            ]
        return [step(b, difference(b, x, y, "difference"), lambda t: compare(t, 0.0), compare.__name__)]

    return handler


def _logical(combine: Callable[[Tensor, Tensor], Tensor]) -> OpHandler:
    """Combine masks; two that vary become products and sums of 0 and 1."""

    def handler(b: Builder, call: Call) -> list[int] | None:
        pair = pair_of(b, call, "x1", "x2")
        if pair is None:
            return None
        masks = [m if isinstance(m, Constant) else step(b, m, lambda t: t != 0, "mask", "mask") for m in pair]
        x, y = masks
        if isinstance(x, Constant):
            x, y = y, x
        if isinstance(y, Constant):
            constant = y
            return [
                b.add(
                    Step,
                    [x],  # type: ignore[list-item]
                    b.shape(x),  # type: ignore[arg-type]
                    function=lambda t, w: ops.cast(combine(t != 0, w["constant"] != 0), "float32"),
                    label=combine.__name__,
                    read_weights=lambda: {"constant": constant.tensor()},
                )
            ]
        both = product(b, x, y, "both")  # type: ignore[arg-type]
        if combine is ops.logical_and:
            return [both]
        total = b.structural([x, y], b.shape(both), lambda s, t: s + t, part="sum")  # type: ignore[list-item]
        times = 1.0 if combine is ops.logical_or else 2.0
        return [difference(b, total, scale(b, both, times, "overlap"))]

    return handler


def _logical_not(b: Builder, call: Call) -> list[int] | None:
    return [step(b, call.x.number, lambda t: t == 0, "logical_not")]


def _where(b: Builder, call: Call) -> list[int] | None:
    if call["x1"] is None or call["x2"] is None:
        return None
    found = pair_of(b, call, "condition", "x1", "x2")
    if found is None:
        return None
    mask, x, y = found
    shape = broadcast_shape(*(v.shape if isinstance(v, Constant) else b.shape(v) for v in found))
    if shape is None:
        return None
    if isinstance(mask, Constant):
        return _where_constant(b, mask, x, y)
    wide = []
    for value, other in ((x, mask), (y, mask)):
        if isinstance(value, Constant):  # a constant branch, as a value of its own
            zero = scale(b, other, 0.0, "zero")
            wide.append(shift(b, zero, value, part="constant"))
        else:
            wide.append(value)
    places = [widened(b, v, shape) for v in (mask, *wide)]
    if any(p is None for p in places):
        return None
    return [b.add(Select, places, shape)]  # type: ignore[arg-type]


def _where_constant(b: Builder, mask: Constant, x: int | Constant, y: int | Constant) -> list[int] | None:
    """Choose by a constant mask: multiply each branch by 0 and 1 and add them."""
    parts: list[int] = []
    fixed: list[tuple[Constant, bool]] = []
    for branch, chosen in ((x, True), (y, False)):
        if isinstance(branch, Constant):
            fixed.append((branch, chosen))
            continue
        share = Constant(mask.shape, lambda c=chosen: ops.cast((mask.tensor() != 0) == c, "float32"))  # type: ignore[misc]
        parts.append(scale(b, branch, share, "chosen" if chosen else "other"))
    if fixed:
        (constant, chosen), *rest = fixed
        if rest:
            return None
        shape = broadcast_shape(mask.shape, constant.shape)
        if shape is None:
            return None
        bias = Constant(shape, lambda: ops.where((mask.tensor() != 0) == chosen, constant.tensor(), 0.0))  # type: ignore[arg-type]
        return [shift(b, parts[0], bias)]
    return [b.structural(parts, _result_shape(b, *parts), lambda s, t: s + t)]


def _clip(b: Builder, call: Call) -> list[int] | None:
    return _of_one(b, call) if all(isinstance(v, (int, float)) for v in (call.operation.x_min, call.operation.x_max)) else None


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


def _negative(b: Builder, call: Call) -> list[int] | None:
    return [scale(b, call.x.number, -1.0)]


LABELS: dict[type, str] = {nn.Relu: "relu", functions.ReLU: "relu", nn.Sigmoid: "sigmoid", numeric.Tanh: "tanh"}

_FUNCTIONS = {
    numeric: "Absolute Abs Fabs Arccos Arccosh Arcsin Arcsinh Arctan Arctanh Cbrt Cos Cosh Deg2rad Rad2deg Exp Exp2 Expm1 "
    "Log Log10 Log1p Log2 Reciprocal Sin Sinc Sinh Square Sqrt Tan Tanh NanToNum I0",
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
    **{cls: _step_of_one for cls in _classes(numeric, _STEPS)},
    numeric.Add: _add,
    numeric.Subtract: _subtract,
    numeric.Multiply: _multiply,
    numeric.Divide: _divide,
    numeric.TrueDivide: _divide,
    numeric.Power: _power,
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
    core.StopGradient: _same,
    core.ConvertToTensor: _same,
    numeric.Copy: _same,
}
