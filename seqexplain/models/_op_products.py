"""Handlers of the `keras.ops` that multiply and sum: matrix products, `einsum`, convolutions, attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from keras.src.ops import nn
from keras.src.ops import numpy as numeric

from seqexplain.models._constants import Constant, as_constant
from seqexplain.models._op_arithmetic import product
from seqexplain.models._op_call import Call, Operand, OpHandler, elementwise, example_axes, scale, shift
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.joint_operations import Product, Weighted
from seqexplain.models.operations import Dense, Shape, Softmax, Weights

if TYPE_CHECKING:
    from seqexplain.models._builder import Builder

MASKED = -1e30  # the logit of what attention must not see: its weight is 0 in float32


def weighted(
    b: Builder,
    x: int,
    shape: Shape,
    function: Callable[[Weights, Tensor], Tensor],
    constants: dict[str, Constant],
    part: str = "",
) -> int:
    """Append a function that is linear in x and in each constant."""
    read = lambda: {name: c.tensor() for name, c in constants.items()}  # noqa: E731 - as elsewhere
    return b.add(Weighted, [x], shape, part=part, function=function, read_weights=read)


def _matmul(b: Builder, call: Call) -> list[int] | None:
    x, y = call.operand("x1"), call.operand("x2")
    if x is not None and y is not None:
        # of vectors, or of differing ranks, NumPy would multiply along the batch axis
        if len(x.shape) != len(y.shape) or len(x.shape) < 2:
            return None
        return [b.add(Product, [x.number, y.number], b.out_shape(), function=ops.matmul)]
    if x is not None:
        return _times_constant(b, call, x)
    constant = as_constant(call["x1"])
    if y is None or constant is None or len(y.shape) < 2 or not 2 <= len(constant.shape) <= len(y.shape) + 1:
        return None
    fixed = constant.example(len(y.shape), call.batch)
    if fixed is None:
        return None
    return [weighted(b, y.number, b.out_shape(), lambda w, t: ops.matmul(w["matrix"], t), {"matrix": fixed})]


def _times_constant(b: Builder, call: Call, x: Operand) -> list[int] | None:
    constant = as_constant(call["x2"])
    if constant is None or not x.shape:
        return None
    if len(constant.shape) == 2:
        return [b.add(Dense, [x.number], b.out_shape(), read_weights=lambda: {"kernel": constant.tensor()})]
    if len(constant.shape) == 1:
        return [weighted(b, x.number, b.out_shape(), lambda w, t: ops.matmul(t, w["vector"]), {"vector": constant})]
    fixed = constant.example(len(x.shape), call.batch) if len(x.shape) >= 2 else None
    if fixed is None or len(fixed.shape) < 2:
        return None
    return [weighted(b, x.number, b.out_shape(), lambda w, t: ops.matmul(t, w["matrix"]), {"matrix": fixed})]


def _dot(b: Builder, call: Call) -> list[int] | None:
    x, constant = call.operand("x1"), as_constant(call["x2"])
    if x is None or constant is None or len(constant.shape) not in (1, 2):
        return None
    return _times_constant(b, call, x)


def _tensordot(b: Builder, call: Call) -> list[int] | None:
    x, constant = call.operand("x1"), as_constant(call["x2"])
    axes = call.operation.axes
    if x is None or constant is None:
        return None
    rank = len(x.shape)
    if isinstance(axes, int):
        if axes > rank:
            return None
    else:
        first = axes[0] if isinstance(axes[0], (list, tuple)) else [axes[0]]
        if example_axes(list(first), rank) is None:
            return None
    return [
        weighted(b, x.number, b.out_shape(), lambda w, t: ops.tensordot(t, w["constant"], axes), {"constant": constant})
    ]


def _einsum(b: Builder, call: Call) -> list[int] | None:
    subscripts = call.operation.subscripts.replace(" ", "")
    operands = list(call["operands"])
    if "->" not in subscripts:
        return None
    left, right = subscripts.split("->")
    terms = left.split(",")
    values = [k for k, o in enumerate(operands) if isinstance(o, Operand)]
    constants = {f"constant_{k}": as_constant(o) for k, o in enumerate(operands) if not isinstance(o, Operand)}
    if len(values) > 2 or any(c is None for c in constants.values()) or not _keeps_batch(terms, right, values):
        return None
    numbers = [operands[k].number for k in values]

    def fill(weights: Weights, *given: Tensor) -> Tensor:
        rest = iter(given)
        return ops.einsum(
            subscripts, *(next(rest) if k in values else weights[f"constant_{k}"] for k in range(len(operands)))
        )

    if len(values) == 1:
        return [weighted(b, numbers[0], b.out_shape(), fill, constants)]  # type: ignore[arg-type]
    if constants:
        return None
    return [b.add(Product, numbers, b.out_shape(), function=lambda s, t: ops.einsum(subscripts, s, t))]


def _keeps_batch(terms: list[str], result: str, values: list[int]) -> bool:
    """Whether the first index of all values and of the result, and of nothing else, is that of the batch."""
    first = {_first(terms[k]) for k in values} | {_first(result)}
    if len(first) != 1:
        return False
    batch = first.pop()
    uses = [t.count(batch) for k, t in enumerate(terms) if k in values] + [result.count(batch)]
    return set(uses) == {1} and not any(batch in t for k, t in enumerate(terms) if k not in values)


def _first(term: str) -> str:
    return "..." if term.startswith("...") else term[:1]


def _convolution(*names: str) -> OpHandler:
    """Take a convolution with constant kernels as it is."""

    def handler(b: Builder, call: Call) -> list[int] | None:
        x = call.operand("inputs")
        constants = {name: as_constant(call[name]) for name in names}
        if x is None or any(c is None for c in constants.values()):
            return None

        def function(weights: Weights, t: Tensor) -> Tensor:
            return call.operation.call(t, *(weights[name] for name in names))

        return [weighted(b, x.number, b.out_shape(), function, constants)]  # type: ignore[arg-type]

    return handler


def _glu(b: Builder, call: Call) -> list[int] | None:
    axes = example_axes(call.operation.axis, len(call.x.shape))
    if axes is None:
        return None

    def half(place: int) -> int:
        cut = lambda t: ops.split(t, 2, axis=axes[0])[place]  # noqa: E731 - one of two
        return b.structural([call.x.number], b.out_shape(), cut, part=f"half_{place}", moves_only=True)

    first, second = half(0), half(1)
    return [product(b, first, elementwise(b, second, ops.sigmoid, "gate", "gate"))]


def _attention(b: Builder, call: Call) -> list[int] | None:
    """Take attention apart: logits, a constant mask, softmax, weighted sum of the values."""
    query, key, value = (call.operand(n) for n in ("query", "key", "value"))
    operation = call.operation
    if query is None or key is None or value is None or operation.attn_logits_soft_cap is not None:
        return None
    (t, heads, depth), (s, groups, _) = query.shape, key.shape
    if None in (heads, depth) or (operation.is_causal and None in (t, s)):
        return None
    k, v = key.number, value.number
    if groups != heads:
        times = heads // groups  # type: ignore[operator]
        k, v = (
            b.structural([n], (s, heads, d), lambda x: ops.repeat(x, times, axis=2), part="groups", moves_only=True)
            for n, d in ((k, depth), (v, value.shape[-1]))
        )
    logits = b.add(
        Product,
        [query.number, k],
        (heads, t, s),
        part="logits",
        function=lambda x, y: ops.einsum("btnh,bsnh->bnts", x, y),
    )
    factor = call["scale"]
    factor = as_constant(1.0 / float(depth) ** 0.5 if factor is None else factor)  # type: ignore[arg-type]
    if factor is None or factor.shape:
        return None
    logits = scale(b, logits, factor, "scale")
    for name in ("bias", "mask"):
        if call[name] is None:
            continue
        constant = call.constant(name, 3)
        if constant is None:
            return None
        if name == "mask":
            seen = constant
            constant = Constant(seen.shape, lambda c=seen: ops.where(c.tensor() != 0, 0.0, MASKED))  # type: ignore[misc]
        logits = shift(b, logits, constant, part=name)
    if operation.is_causal:
        triangle = Constant((t, s), lambda: ops.where(ops.tril(ops.ones((t, s))) != 0, 0.0, MASKED))  # type: ignore[arg-type]
        logits = shift(b, logits, triangle, part="causal")
    share = b.add(Softmax, [logits], (heads, t, s), part="softmax", axis=(-1,))
    return [
        b.add(
            Product,
            [share, v],
            (t, heads, value.shape[-1]),
            part="values",
            function=lambda x, y: ops.einsum("bnts,bsnh->btnh", x, y),
        )
    ]


PRODUCTS: dict[type, OpHandler] = {
    numeric.Matmul: _matmul,
    numeric.Dot: _dot,
    numeric.Tensordot: _tensordot,
    numeric.Einsum: _einsum,
    nn.Conv: _convolution("kernel"),
    nn.DepthwiseConv: _convolution("kernel"),
    nn.SeparableConv: _convolution("depthwise_kernel", "pointwise_kernel"),
    nn.ConvTranspose: _convolution("kernel"),
    nn.Glu: _glu,
    nn.DotProductAttention: _attention,
}
