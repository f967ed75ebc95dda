"""What the handlers of `keras.ops` are given: a call with its arguments by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seqexplain.models._constants import Constant, as_constant
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.operations import Elementwise, Scale, Shape, Structural

if TYPE_CHECKING:
    from seqexplain.models._builder import Builder


@dataclass(frozen=True)
class Operand:
    """A value of the graph among the arguments of a call; `shape` is that of one example."""

    number: int
    shape: Shape
    dtype: str = "float32"


@dataclass(frozen=True)
class Call:
    """A call of one `keras.ops` operation.

    Attributes
    ----------
    operation
        The operation, with its options as attributes.
    arguments
        By name: `Operand`, `Constant`, or whatever else was given.
    inputs
        Numbers of the values among them.
    batch
        Length of the batch axis in shapes; None where it is not known.
    """

    operation: Any
    arguments: Mapping[str, Any]
    inputs: list[int]
    batch: int | None

    def __getitem__(self, name: str) -> Any:
        """Return an argument; None where it was not given."""
        return self.arguments.get(name)

    def operand(self, name: str) -> Operand | None:
        """Return an argument if it is a value of the graph."""
        found = self.arguments.get(name)
        return found if isinstance(found, Operand) else None

    def constant(self, name: str, rank: int) -> Constant | None:
        """Return an argument if it is a constant that can stand beside values whose examples have `rank` axes."""
        found = as_constant(self.arguments.get(name))
        return None if found is None else found.example(rank, self.batch)

    @property
    def x(self) -> Operand:
        """The only value, for functions of one."""
        first = next(iter(self.arguments.values()))
        return first if isinstance(first, Operand) else Operand(-1, ())


OpHandler = Callable[["Builder", Call], "list[int] | None"]
"""Appends operations and returns the outputs' values; None where the call cannot be expressed example by example."""


def example_axes(axis: Any, rank: int) -> tuple[int, ...] | None:
    """Return axes of a batch, counted from the end; None where the batch axis is among them.

    `rank` is the number of axes of one example.
    """
    if axis is None:
        return None
    given = axis if isinstance(axis, (list, tuple)) else (axis,)
    found = tuple(a if a < 0 else a - rank - 1 for a in given)
    return None if any(a < -rank for a in found) else found


def identity(x: Tensor) -> Tensor:
    """Return the tensor itself."""
    return x


def shift(b: Builder, x: int, constant: Constant, sign: float = 1.0, part: str = "") -> int:
    """Append `x ± constant`; the constant's shape must not exceed that of x."""
    return b.add(
        Structural,
        [x],
        b.shape(x),
        part=part,
        function=identity,
        read_weights=lambda: {"bias": sign * constant.tensor()},
    )


def scale(b: Builder, x: int, constant: Constant | float, part: str = "", inverse: bool = False) -> int:
    """Append `x · constant` (or `x / constant`); the constant's shape must not exceed that of x."""
    fixed = as_constant(constant)

    def read() -> dict[str, Tensor]:
        value = fixed.tensor()  # type: ignore[union-attr]
        return {"scale": 1.0 / value if inverse else value}

    return b.add(Scale, [x], b.shape(x), part=part, read_weights=read)


def elementwise(b: Builder, x: int, function: Callable[[Tensor], Tensor], label: str, part: str = "") -> int:
    """Append a function of each element."""
    return b.add(Elementwise, [x], b.shape(x), part=part, function=lambda t, _: function(t), label=label)


def broadcast_shape(*shapes: Sequence[int | None]) -> Shape | None:
    """Return the shape to which shapes of examples broadcast; None where they do not."""
    rank = max(len(s) for s in shapes)
    result: list[int | None] = []
    for sizes in zip(*((1,) * (rank - len(s)) + tuple(s) for s in shapes), strict=True):
        wide = {n for n in sizes if n != 1}
        if len(wide) > 1:
            if None not in wide or len(wide) > 2:
                return None
            wide.discard(None)
        result.append(wide.pop() if wide else 1)
    return tuple(result)


def widened(b: Builder, x: int, shape: Sequence[int | None], part: str = "broadcast") -> int | None:
    """Append the repetition of x to a shape that a constant gives it; None where the length is not known before."""
    if b.shape(x) == tuple(shape):
        return x
    grown = [(i, n) for i, (n, m) in enumerate(zip(shape, b.shape(x), strict=True)) if n != m]
    if any(n is None for _, n in grown):
        return None

    def function(t: Tensor) -> Tensor:
        full = list(t.shape)
        for i, n in grown:
            full[1 + i] = n
        return ops.broadcast_to(t, full)

    return b.structural([x], shape, function, part=part)
