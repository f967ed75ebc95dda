"""Handlers of recurrent layers: one time step, traced from the cell's `call`, and a scan along the sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers, ops

from seqexplain.models.backend import Tensor
from seqexplain.models.joint_operations import Product, Weighted
from seqexplain.models.operations import Convolution, Dense, Opaque
from seqexplain.models.scan_operation import Scan

if TYPE_CHECKING:
    from seqexplain.models._builder import Builder

RECURRENT = (layers.LSTM, layers.GRU, layers.SimpleRNN, layers.RNN)


def recurrent(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    """Take a recurrent layer as a scan; whole where its cell cannot be traced or it remembers other batches."""
    found = _scanned(b, layer, inputs)
    if found is None:
        return b.opaque_layer(layer, inputs)
    outputs, states = found
    return [outputs, *states] if layer.return_state else [outputs]


def bidirectional(b: Builder, layer: Any, inputs: list[int]) -> list[int]:
    """Take both directions as scans, and what joins them."""
    directions = (layer.forward_layer, layer.backward_layer)
    own = b.layer, b.layer_class
    if not all(type(d) in RECURRENT and type(d) not in b.keep and _traceable(b, d, inputs) for d in directions):
        return b.opaque_layer(layer, inputs)
    values: list[int] = []
    states: list[int] = []
    for direction in directions:
        b.layer, b.layer_class = f"{own[0]}/{direction.name}", type(direction).__name__
        value, last = _scanned(b, direction, inputs)  # type: ignore[misc]
        values.append(value)
        states += last
    b.layer, b.layer_class = own
    first, second = values
    shape = b.shape(first)
    if layer.return_sequences:
        second = _flipped(b, second, "aligned")
    joined = [first, second]
    if layer.merge_mode == "concat":
        wide = (*shape[:-1], 2 * shape[-1])  # type: ignore[operator]
        joined = [b.structural(joined, wide, lambda p, q: ops.concatenate([p, q], axis=-1), moves_only=True)]
    elif layer.merge_mode == "sum":
        joined = [b.structural(joined, shape, lambda p, q: p + q)]
    elif layer.merge_mode == "ave":
        joined = [b.structural(joined, shape, lambda p, q: (p + q) / 2)]
    elif layer.merge_mode == "mul":
        joined = [b.add(Product, joined, shape)]
    return [*joined, *states] if layer.return_state else joined


def _flipped(b: Builder, value: int, part: str) -> int:
    return b.structural([value], b.shape(value), lambda x: ops.flip(x, axis=1), part=part, moves_only=True)


def _last(b: Builder, value: int, part: str) -> int:
    return b.structural([value], b.shape(value)[1:], lambda x: x[:, -1], part=part, moves_only=True)


def _traceable(b: Builder, layer: Any, inputs: list[int]) -> bool:
    return not layer.stateful and _body(b, layer, inputs) is not None


def _scanned(b: Builder, layer: Any, inputs: list[int]) -> tuple[int, list[int]] | None:
    """Append a scan; return its output and its last states, or None where it has to stay whole."""
    body = None if layer.stateful else _body(b, layer, inputs)
    if body is None:
        return None
    step, y, new = body
    x = inputs[0]
    if layer.go_backwards:
        x = _flipped(b, x, "backwards")
    costly = [
        op.outputs[0]
        for op in step.operations
        if isinstance(op, (Dense, Convolution, Weighted)) or (isinstance(op, Product) and op.function is not None)
    ]
    kept = tuple(dict.fromkeys((y, *new, *costly)))
    length = b.shape(x)[0]
    outputs = b.add_several(
        Scan,
        [x],
        [(length, *step.shapes[v]) for v in kept],
        body=step,
        states=tuple(new),
        kept=kept,
        read_weights=lambda: _weights(layer, step),
    )
    sequence = dict(zip(kept, outputs, strict=True))
    states = [_last(b, sequence[v], f"state_{k}") for k, v in enumerate(new)] if layer.return_state else []
    if layer.return_sequences:
        return sequence[y], states
    return _last(b, sequence[y], "last"), states


def _body(b: Builder, layer: Any, inputs: list[int]) -> tuple[Any, int, list[int]] | None:
    """Return the operations of one step, and in them its output and the new states; None where they are not known."""
    cell = layer.cell
    if not isinstance(cell, keras.Layer) or len(b.shape(inputs[0])) < 2:
        return None
    inner = type(b)(b.keep)
    inner.layer, inner.layer_class = f"{b.layer}/{cell.name}", type(cell).__name__
    structure = layer.get_initial_state(1)
    x = inner.value(b.shape(inputs[0])[1:])
    old = keras.tree.map_structure(lambda state: inner.value(tuple(state.shape)[1:]), structure)
    flat = keras.tree.flatten(old)
    size = getattr(cell, "output_size", None)
    shape = inner.shape(flat[0]) if size is None else (size,)
    shapes = [shape, *(inner.shape(v) for v in flat)]
    y, *new = inner.add_call(cell, (x, old), shapes)
    operations = inner.operations
    unknown = any(None in inner.shape(v) for op in operations for v in op.outputs)
    whole = [op for op in operations if isinstance(op, Opaque) and op.layer_type is type(cell)]
    if unknown or whole or [inner.shape(v) for v in new] != [inner.shape(v) for v in flat]:
        return None
    return inner.graph([x, *flat], [y, *new]), y, new


def _weights(layer: Any, step: Any) -> dict[str, Tensor]:
    """Return the weights of the operations in a step, and the states before the first, as they are now."""
    found = {f"{p}/{name}": w for p, own in enumerate(step.read_weights()) for name, w in own.items()}
    initial = keras.tree.flatten(layer.get_initial_state(1))
    return found | {f"initial/{k}": ops.cast(state, "float32") for k, state in enumerate(initial)}
