"""Which hidden layer a class activation map is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seqexplain.errors import ParameterError, UnsupportedLayerError
from seqexplain.models._hidden import OWN, PREACTIVATION
from seqexplain.models.graph import Graph
from seqexplain.models.operations import Elementwise, Linear, Operation, Shape, Softmax, Structural
from seqexplain.models.sequence_model import SequenceModel

GLOBAL_AVERAGES = ("GlobalAveragePooling1D", "GlobalAveragePooling2D")
MAX_LISTED = 12


@dataclass(frozen=True)
class Chosen:
    """A layer's values.

    Attributes
    ----------
    label
        Its name.
    values
        What it gives: one number, or two where both strands are read, the sequence's strand first.
    """

    label: str
    values: tuple[int, ...]


def chosen_layer(model: SequenceModel, heads: Sequence[int], layer: str | None) -> Chosen:
    """Return the layer whose channels Grad-CAM weighs.

    Parameters
    ----------
    model
        The model.
    heads
        Values that the targets read.
    layer
        Its name; None for the last one with positions that everything on the way to the targets goes through.

    Raises
    ------
    ParameterError
        When there is no such layer, it has no positions, the targets do not depend on it, or the choice is not clear.
    UnsupportedLayerError
        When no layer has positions.
    """
    return _default(model, heads) if layer is None else _named(model, heads, layer)


def pooled_layer(model: SequenceModel, heads: Sequence[int]) -> Chosen:
    """Return what a final global average pooling reads, where all that follows it is linear.

    Raises
    ------
    UnsupportedLayerError
        When the network ends otherwise.
    """
    graph = model.graph
    for operations in reversed(_calls(model)):
        pooled = [op.outputs[0] for op in operations]
        if operations[0].layer_class not in GLOBAL_AVERAGES or not _holds_all(graph, heads, pooled):
            continue
        after = set().union(*(graph.reached_from(v) for v in pooled))
        rest = [op for op in _needed(graph, heads) if after.intersection(op.inputs)]
        if all(isinstance(op, Linear) for op in rest):
            return Chosen(operations[0].layer, tuple(op.inputs[0] for op in operations))
    raise UnsupportedLayerError(
        "A class activation map needs global average pooling with nothing but linear layers after it; "
        f"{_ending(model, heads)}. "
        'Use grad_cam, which serves any ending; where a sigmoid or softmax comes last, level="logit" explains what is '
        "below it."
    )


def has_positions(shape: Shape) -> bool:
    """Whether a value is `(positions, channels)`, or that with a second spatial axis of length 1."""
    return len(shape) in (2, 3) and sum(n != 1 for n in shape[:-1]) == 1


def _calls(model: SequenceModel) -> list[tuple[Operation, ...]]:
    """Return the operations of the first strand in order, each with its copy for the other strand, if that is read."""
    by_stem: dict[str, list[Operation]] = {}
    for op in model.graph.operations:
        if op.layer_class != OWN:
            by_stem.setdefault(op.name.partition("#")[0], []).append(op)
    place = {id(op): i for i, op in enumerate(model.graph.operations)}
    found = []
    for calls in by_stem.values():
        each = len(calls) // _strands(model)
        found += [tuple(calls[i::each]) for i in range(each)]
    return sorted(found, key=lambda operations: place[id(operations[0])])


def _strands(model: SequenceModel) -> int:
    return 2 if model.average_strands else 1


def _needed(graph: Graph, heads: Sequence[int]) -> list[Operation]:
    return [graph.operations[i] for i in graph.needed_for(heads)]


def _holds_all(graph: Graph, heads: Sequence[int], values: Iterable[int]) -> bool:
    """Whether nothing goes from the sequence to the heads but through these values."""
    cut, reached = set(values), {graph.inputs[0]}
    for operation in _needed(graph, heads):
        if reached.intersection(operation.inputs):
            reached.update(v for v in operation.outputs if v not in cut)
    return not reached.intersection(heads)


def _as_good_as(graph: Graph, heads: Sequence[int]) -> set[int]:
    """Return the heads and what they are only moved or transformed copies of: their gradient says nothing."""
    same = set(heads)
    for operation in reversed(_needed(graph, heads)):
        copies = isinstance(operation, (Elementwise, Softmax)) or operation.layer_class == OWN
        if same.intersection(operation.outputs) and (copies or _only_moves(operation)):
            same.update(operation.inputs)
    return same


def _only_moves(operation: Operation) -> bool:
    return isinstance(operation, Structural) and operation.moves_only and len(operation.inputs) == 1


def _candidates(model: SequenceModel, heads: Sequence[int]) -> list[tuple[Operation, ...]]:
    """Return what could be chosen, last first."""
    graph = model.graph
    dropped = _as_good_as(graph, heads)
    varying = graph.reached_from(graph.inputs[0])
    needed = {id(op) for op in _needed(graph, heads)}
    found = []
    for operations in reversed(_calls(model)):
        first = operations[0]
        output = first.outputs[0]
        usable = id(first) in needed and output in varying and output not in dropped
        # before a layer is permuted or flattened its axes are still what they were
        if usable and not _only_moves(first) and not _is_turned(first) and has_positions(graph.shapes[output]):
            found.append(operations)
    return found


def _is_turned(operation: Operation) -> bool:
    """Whether an operation is the step that gives a channels-first layer its channels back in front."""
    return operation.name.partition("#")[0].endswith("/channels_first")


def _default(model: SequenceModel, heads: Sequence[int]) -> Chosen:
    candidates = _candidates(model, heads)
    for operations in candidates:
        values = tuple(op.outputs[0] for op in operations)
        if _holds_all(model.graph, heads, values):
            return Chosen(operations[0].layer, values)
    if not candidates:
        raise UnsupportedLayerError(
            f"The model {model.name!r} has no layer with positions (an output of shape (positions, channels)) between "
            f"the sequence and the target; {_ending(model, heads)}. Use a method that explains bases, such as saliency."
        )
    raise ParameterError(
        f"In the model {model.name!r} several branches lead to the target, and no layer with positions holds all of "
        f"them. Choose one: layer={_listed(candidates)}."
    )


def _listed(candidates: Sequence[tuple[Operation, ...]]) -> str:
    names = list(dict.fromkeys(operations[0].layer for operations in candidates))
    shown = ", ".join(repr(n) for n in names[:MAX_LISTED])
    return shown + (f" or {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else "")


def _named(model: SequenceModel, heads: Sequence[int], layer: str) -> Chosen:
    graph = model.graph
    path, _, call = layer.partition("#") if isinstance(layer, str) else (layer, "", "")
    values = model.layer_values(path)
    each = len(values) // _strands(model)
    if not call and each > 1:
        raise ParameterError(
            f"The layer {path!r} of the model {model.name!r} is called {each} times; say which call: layer='{path}#1' "
            f"to layer='{path}#{each}'."
        )
    if call and (not call.isdigit() or not 1 <= int(call) <= each):
        raise ParameterError(
            f"layer={layer!r} names no call of {path!r}, which the model {model.name!r} calls {each} "
            f"time{'s' if each > 1 else ''}; use a number from 1 to {each} after the #."
        )
    values = values[int(call or 1) - 1 :: each]
    producers = {v: op for op in graph.operations for v in op.outputs}
    turned = [producers[v] for v in values if v in producers and _is_turned(producers[v])]
    if not path.endswith(PREACTIVATION) and turned:
        values = tuple(op.inputs[0] for op in turned)
    shape = graph.shapes[values[0]]
    if len(shape) not in (2, 3):
        candidates = _candidates(model, heads)
        have = f"Layers that have: {_listed(candidates)}." if candidates else "No layer on the way to the target has."
        raise ParameterError(
            f"The layer {layer!r} has no positions along the sequence: its output has shape {shape}, wanted is "
            f"(positions, channels). {have}"
        )
    if not graph.reached_from(values[0]).intersection(heads):
        raise ParameterError(
            f"The target does not depend on the layer {layer!r}. Layers that it depends on: "
            f"{_listed(_candidates(model, heads)) or 'none with positions'}."
        )
    return Chosen(layer, values)


def _ending(model: SequenceModel, heads: Sequence[int]) -> str:
    """Say by which layers the model comes from positions to the target."""
    candidates = _candidates(model, heads)
    rest = [op for op in _needed(model.graph, heads) if op.layer_class != OWN]
    beginning = ""
    if candidates:
        last = candidates[0][0]
        reached = model.graph.reached_from(last.outputs[0])
        rest = [op for op in rest if reached.intersection(op.inputs)]
        beginning = f"after the last layer with positions, {last.layer!r}, "
    steps = list(dict.fromkeys(f"{op.layer!r} ({op.layer_class})" for op in rest))[-MAX_LISTED:]
    return f"{beginning}the model {model.name!r} ends in {', '.join(steps) or 'nothing else'}"
