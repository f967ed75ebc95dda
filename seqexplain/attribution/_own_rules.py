"""Rules that a call brings for layers of its own: `rules={MyLayer: rule}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqexplain.attribution._propagation import Choose, Step
from seqexplain.errors import ParameterError
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.operations import Opaque, Operation
from seqexplain.models.sequence_model import SequenceModel

OwnRule = Callable[..., Sequence[Tensor] | Tensor]
"""`rule(layer, x, reference, m)`.

`layer(*inputs)` computes the layer for tensors with any number of leading axes; `x` and `reference` are lists of its
inputs, `(sequences, references, *shape)`, where either of the first two may be 1 (no reference for a method without
any); `m` has arrived at the output, `(targets, sequences, references, *shape of the output)`. It returns what goes on
to each input, `(targets, sequences, references, *shape)`; a single tensor for a layer with one input.
"""


@dataclass(frozen=True, eq=False)
class LayerCall:
    """A layer to call from a rule."""

    operation: Operation
    weights: Mapping[str, Tensor]
    shapes: Sequence[Sequence[int]]

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Compute the layer for tensors with any number of leading axes, the same for all."""
        lead = tuple(inputs[0].shape[: len(inputs[0].shape) - len(self.shapes[0])])
        flat = [ops.reshape(x, (-1, *shape)) for x, shape in zip(inputs, self.shapes, strict=True)]
        outputs = [ops.reshape(y, (*lead, *y.shape[1:])) for y in self.operation.forward(self.weights, flat)]
        return outputs[0] if len(outputs) == 1 else outputs


def keeping(model: SequenceModel, rules: Mapping[type, OwnRule] | None) -> SequenceModel:
    """Return the model with the layers that have rules of their own kept whole.

    Raises
    ------
    ParameterError
        When `rules` is no mapping from classes to functions, or the model has no layer of a class.
    """
    if not rules:
        return model
    if not isinstance(rules, Mapping) or not all(isinstance(k, type) and callable(v) for k, v in rules.items()):
        raise ParameterError("rules must map classes of layers to functions: rules={MyLayer: rule}.")
    kept = model.keeping(frozenset(rules))
    found = {operation.layer_type for operation in kept.graph.operations if isinstance(operation, Opaque)}
    for layer_type in rules:
        if layer_type not in found:
            classes = sorted({operation.layer_class for operation in model.graph.operations})
            raise ParameterError(
                f"rules names {layer_type.__name__}, but the model {model.name!r} has no layer of this very class (a "
                f"subclass is another one); it has {', '.join(classes)}."
            )
    return kept


def with_own_rules(choose: Choose, rules: Mapping[type, OwnRule] | None) -> Choose:
    """Return the steps of a method, but for layers with rules of their own."""
    if not rules:
        return choose

    def chosen(position: int, operation: Operation) -> Step | None:
        rule = rules.get(operation.layer_type) if isinstance(operation, Opaque) else None  # type: ignore[arg-type]
        return choose(position, operation) if rule is None else _own_step(position, operation, rule)

    return chosen


def _own_step(position: int, operation: Operation, rule: OwnRule) -> Step:
    name = getattr(rule, "__name__", type(rule).__name__)

    def run(weights: Any, shapes: Any, x: Sequence[Tensor], r: Sequence[Tensor], m: Any) -> list[Tensor]:
        call = LayerCall(operation, weights[position], [shapes[v] for v in operation.inputs])
        result = rule(call, list(x), list(r), m)
        results: list[Tensor] = list(result) if isinstance(result, (list, tuple)) else [result]
        if len(results) != len(operation.inputs):
            raise ParameterError(
                f"The rule {name!r} for the layer {operation.layer!r} returned {len(results)} tensors; the layer has "
                f"{len(operation.inputs)} inputs, and each needs one."
            )
        for found, value in zip(results, operation.inputs, strict=True):
            given = tuple(getattr(found, "shape", ()))
            if given[3:] != tuple(shapes[value]) or len(given) < 3:
                what = f"shape {given}" if hasattr(found, "shape") else type(found).__name__
                raise ParameterError(
                    f"The rule {name!r} for the layer {operation.layer!r} returned {what}; "
                    f"expected (targets, sequences, references, {', '.join(map(str, shapes[value]))})."
                )
        return results

    return Step(position, operation.inputs, operation.inputs, run, name.replace("_", " "))


def describe_rules(rules: Mapping[type, OwnRule] | None) -> dict[str, Any]:
    """Return the names of the rules, ready for JSON; nothing where there are none."""
    if not rules:
        return {}
    named = {f"{k.__module__}.{k.__qualname__}": getattr(v, "__qualname__", type(v).__name__) for k, v in rules.items()}
    return {"rules": dict(sorted(named.items()))}


def key_of(rules: Mapping[type, OwnRule] | None) -> tuple[Any, ...]:
    """Return what tells the rules of one call from those of another, for what is compiled with them."""
    return tuple(sorted((rules or {}).items(), key=lambda item: f"{item[0].__module__}.{item[0].__qualname__}"))
