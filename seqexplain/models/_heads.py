"""The values that can be explained: outputs, the logits below them, and their means over strands."""

from __future__ import annotations

from collections.abc import Sequence

from seqexplain.errors import ParameterError
from seqexplain.models.graph import Builder
from seqexplain.models.operations import Elementwise, Softmax, Structural


def logit_of(b: Builder, value: int) -> tuple[int, str]:
    """Return the value below a final sigmoid or softmax, and what the head ends in."""
    operation = b.producer(value)
    if isinstance(operation, Elementwise):
        below = operation.inputs[0] if operation.label == "sigmoid" else value
        return below, operation.label
    if isinstance(operation, Softmax):
        return operation.inputs[0], "softmax"
    if isinstance(operation, Structural) and operation.moves_only:
        parts = [logit_of(b, i) for i in operation.inputs]
        endings = {ending for _, ending in parts}
        if endings == {"sigmoid"}:
            # heads that were joined or reshaped after their sigmoids: the same move applied to the logits
            b.layer, b.layer_class = operation.layer, operation.layer_class
            moved = b.structural(
                [v for v, _ in parts], b.shape(value), operation.function, part="logits", moves_only=True
            )
            return moved, "sigmoid"
    return value, "linear"


def add_mean(b: Builder, pair: Sequence[int], name: str) -> int:
    """Append the mean of a head over both strands."""
    shape = b.shape(pair[0])
    if len(shape) > 1:
        raise ParameterError(
            f"average_strands=True needs heads without positions; the model {name!r} has one of shape {shape}, whose "
            "positions and strands would have to be turned as well."
        )
    return b.structural(list(pair), shape, lambda s, t: (s + t) / 2, part="mean_of_strands")
