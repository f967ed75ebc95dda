"""Inputs of a model beside the sequence: one value for all sequences, one row each, or a table by name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.models.backend import Array
from seqexplain.models.operations import Shape


def digest(value: Any) -> str:
    """Return a short hash of an extra input, to tell runs apart."""
    digest = hashlib.sha256()
    items = sorted(value.items()) if isinstance(value, Mapping) else [("", value)]
    for key, array in items:
        digest.update(str(key).encode())
        digest.update(np.ascontiguousarray(array, dtype=np.float32).tobytes())
    return digest.hexdigest()[:16]


def check_given(given: Any, known: Sequence[str]) -> None:
    """Raise unless extra inputs are a mapping from names that the model knows to numbers."""
    if given is None:
        return
    if not isinstance(given, Mapping):
        raise ParameterError(
            f"extra_inputs must map names of inputs to arrays; received {type(given).__name__}. "
            f"The model has these inputs beside the sequence: {', '.join(known) or 'none'}."
        )
    for name, value in given.items():
        if name not in known:
            raise ParameterError(f"The model has no extra input {name!r}; it has: {', '.join(known) or 'none'}.")
        for array in value.values() if isinstance(value, Mapping) else [value]:
            try:
                np.asarray(array, dtype=np.float32)
            except (TypeError, ValueError) as error:
                raise ParameterError(
                    f"The extra input {name!r} must be an array of numbers, or a mapping from sequence names to "
                    f"arrays; received {type(array).__name__} ({error})."
                ) from None


def rows_of(name: str, value: Any, shape: Shape, rows: Array, names: Sequence[str] | None, n: int | None) -> Array:
    """Return one extra input for some rows of a job, `(rows, …)`, checked against its shape."""
    if isinstance(value, Mapping):
        if names is None:
            raise ParameterError(
                f"The extra input {name!r} is a table by sequence name, and the sequences have no names."
            )
        missing = [s for s in names if s not in value]
        if missing:
            raise ParameterError(f"The table of the extra input {name!r} has no row for the sequence {missing[0]!r}.")
        array = np.stack([np.asarray(value[s], dtype=np.float32) for s in names])
    else:
        array = np.asarray(value, dtype=np.float32)
        if array.ndim == len(shape):
            array = np.broadcast_to(array, (len(rows), *array.shape))
        elif array.ndim == len(shape) + 1:
            if (n is not None and len(array) != n) or (len(rows) and rows.max() >= len(array)):
                raise ShapeError(
                    f"The extra input {name!r} has {len(array)} rows for {n or int(rows.max()) + 1} sequences; give "
                    "one row a sequence, or one for all."
                )
            array = array[rows]
    if array.shape[1:] != tuple(s if s is not None else a for s, a in zip(shape, array.shape[1:], strict=False)) or (
        array.ndim != len(shape) + 1
    ):
        raise ShapeError(f"The extra input {name!r} has shape {array.shape[1:]} a sequence; the model wants {shape}.")
    return np.ascontiguousarray(array, dtype=np.float32)
