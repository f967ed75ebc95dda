"""Constants in a model's graph: numbers, arrays, weights, and what is computed from weights alone.

They are read anew whenever weights are read, so that a model that has been trained further is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from seqexplain.models.backend import Tensor, ops


@dataclass(frozen=True)
class Constant:
    """Something that does not depend on any input of the model.

    Attributes
    ----------
    shape
        All axes; a first axis of the traced batch's length stands for the batch.
    read
        Returns its value now, in its own type.
    """

    shape: tuple[int, ...]
    read: Callable[[], Any] = field(repr=False)

    def example(self, rank: int, batch: int | None) -> Constant | None:
        """Return the constant of one example, beside values whose examples have `rank` axes.

        None where it differs from example to example, or where NumPy would align it with the batch axis.
        """
        if len(self.shape) <= rank:
            return self
        if len(self.shape) == rank + 1 and self.shape[0] in (1, batch):
            return Constant(self.shape[1:], lambda: self.read()[0])
        return None

    def tensor(self) -> Tensor:
        """Return its value now, as float32."""
        return ops.cast(ops.convert_to_tensor(self.read()), "float32")

    def value(self) -> Any:
        """Return its value now as a NumPy array, for the structure of an operation: indices, say."""
        return keras.ops.convert_to_numpy(ops.convert_to_tensor(self.read()))


def as_constant(argument: Any) -> Constant | None:
    """Return an argument of a call as a constant; None where it is none."""
    if isinstance(argument, Constant):
        return argument
    if isinstance(argument, (bool, int, float, np.number, np.bool_)):
        return Constant((), lambda: argument)
    if isinstance(argument, np.ndarray):
        return Constant(tuple(argument.shape), lambda: argument)
    if isinstance(argument, (list, tuple)) and argument:
        try:
            array = np.asarray(argument, dtype="float32")
        except (TypeError, ValueError):
            return None
        return Constant(tuple(array.shape), lambda: array)
    if isinstance(argument, keras.Variable) or keras.ops.is_tensor(argument):
        return Constant(tuple(int(n) for n in argument.shape), lambda: argument)
    return None


def computed(operation: Any, args: Any, kwargs: Mapping[str, Any], shapes: list[Any], batch: int | None) -> list[Any]:
    """Return the outputs of an operation on constants alone, as constants that are computed when they are read."""

    def run() -> list[Any]:
        fill = lambda x: ops.convert_to_tensor(x.read()) if isinstance(x, Constant) else x  # noqa: E731
        a, k = keras.tree.map_structure(fill, (tuple(args), dict(kwargs)))
        return list(keras.tree.flatten(operation(*a, **k)))

    def output(place: int) -> Callable[[], Any]:
        return lambda: run()[place]

    return [Constant(tuple(shape), output(i)) for i, shape in enumerate(shapes)]
