"""A model flattened from canonical one-hot DNA to its heads: input layout, both strands, and the logits below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seqexplain.errors import ParameterError
from seqexplain.models._builder import Builder
from seqexplain.models._layout import arrange
from seqexplain.models.backend import ops
from seqexplain.models.graph import Graph, output_names_of
from seqexplain.models.operations import Elementwise, Softmax, Structural
from seqexplain.models.target import MOVED_SOFTMAX, Head

if TYPE_CHECKING:
    from seqexplain.models.sequence_model import SequenceModel


@dataclass(frozen=True)
class FlatModel:
    """A flattened model and the values that matter in it.

    Attributes
    ----------
    graph
        Its first input is the canonical sequence, `(L, 4)`.
    heads
        By level, `"logit"` and `"output"`.
    extra
        The value of each extra input.
    """

    graph: Graph
    heads: dict[str, tuple[Head, ...]]
    extra: dict[str, int]


def flatten(model: SequenceModel, keep: frozenset[type] = frozenset()) -> FlatModel:
    """Flatten a model together with how it reads sequences; layers of the classes in `keep` stay whole."""
    b = Builder(keep)
    b.layer, b.layer_class = "input", "SequenceModel"
    shapes = dict(zip(model.input_names, model.input_shapes, strict=True))
    x = b.value((model.length, 4))
    extra = {name: b.value(shapes[name]) for name in model.required_inputs}

    def one_strand(sequence: int) -> tuple[list[int], list[tuple[int, str]]]:
        b.layer, b.layer_class = "input", "SequenceModel"
        given = {**extra, model.sequence_input: _add_arrangement(b, model, sequence)}
        outputs = b.add_model(model.keras_model, [given[name] for name in model.input_names])
        return outputs, [_logit_of(b, value) for value in outputs]

    outputs, logits = one_strand(x)
    axes = [_softmax_axis(b, value) for value in outputs]
    if model.average_strands:
        b.layer, b.layer_class = "input", "SequenceModel"
        flipped = b.structural([x], b.shape(x), lambda t: ops.flip(t, axis=(1, 2)), part="reverse_complement")
        other_outputs, other_logits = one_strand(flipped)
        b.layer, b.layer_class = "output", "SequenceModel"
        outputs = [_add_mean(b, pair, model.name) for pair in zip(outputs, other_outputs, strict=True)]
        logits = [
            (_add_mean(b, (v, w), model.name), activation)
            for (v, activation), (w, _) in zip(logits, other_logits, strict=True)
        ]
    names = output_names_of(model.keras_model, len(outputs))
    below = [value for value, _ in logits]
    endings = [ending for _, ending in logits]
    heads = {
        level: tuple(Head(n, b.shape(v), e, v, a) for n, v, e, a in zip(names, values, endings, axes, strict=True))
        for level, values in (("output", outputs), ("logit", below))
    }
    return FlatModel(b.graph([x, *extra.values()], outputs), heads, extra)


def _add_arrangement(b: Builder, model: SequenceModel, value: int) -> int:
    """Append what brings the canonical sequence to the model's base order and layout."""
    order = ["ACGT".index(base) for base in model.base_order]
    if order != [0, 1, 2, 3]:
        value = b.structural(
            [value],
            b.shape(value),
            lambda t: ops.take(t, ops.convert_to_tensor(order, dtype="int32"), axis=-1),
            part="base_order",
            moves_only=True,
        )
    if model.layout != "LC":
        value = b.structural(
            [value],
            dict(zip(model.input_names, model.input_shapes, strict=True))[model.sequence_input],
            lambda t: arrange(t, model.layout, ops.transpose, ops.reshape),
            part="layout",
            moves_only=True,
        )
    return value


def _softmax_axis(b: Builder, value: int) -> tuple[int, ...]:
    """Return the axes of the softmax that ends a head, counted from the end."""
    operation = b.producer(value)
    return operation.axis if isinstance(operation, Softmax) else (-1,)


def _logit_of(b: Builder, value: int) -> tuple[int, str]:
    """Return the value below a final sigmoid or softmax, and what the head ends in."""
    operation = b.producer(value)
    if isinstance(operation, Elementwise):
        below = operation.inputs[0] if operation.label == "sigmoid" else value
        return below, operation.label
    if isinstance(operation, Softmax):
        return operation.inputs[0], "softmax"
    if isinstance(operation, Structural) and operation.moves_only:
        parts = [_logit_of(b, i) for i in operation.inputs]
        endings = {ending for _, ending in parts}
        if endings == {"sigmoid"}:
            # heads that were joined or reshaped after their sigmoids: the same move applied to the logits
            b.layer, b.layer_class = operation.layer, operation.layer_class
            moved = b.structural(
                [v for v, _ in parts], b.shape(value), operation.function, part="logits", moves_only=True
            )
            return moved, "sigmoid"
        if endings == {"softmax"} and len(operation.inputs) == 1:  # of several, each would have a sum of its own
            b.layer, b.layer_class = operation.layer, operation.layer_class
            moved = b.structural(
                [v for v, _ in parts], b.shape(value), operation.function, part="logits", moves_only=True
            )
            return moved, MOVED_SOFTMAX
    return value, "linear"


def _add_mean(b: Builder, pair: Sequence[int], name: str) -> int:
    """Append the mean of a head over both strands."""
    shape = b.shape(pair[0])
    if len(shape) > 1:
        raise ParameterError(
            f"average_strands=True needs heads without positions; the model {name!r} has one of shape {shape}, whose "
            "positions and strands would have to be turned as well."
        )
    return b.structural(list(pair), shape, lambda s, t: (s + t) / 2, part="mean_of_strands")
