"""What a model is made of, layer by layer, and how each method passes each: gathered here, written by `info`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seqexplain.errors import UnsupportedLayerError

if TYPE_CHECKING:
    from seqexplain.models import SequenceModel

NO_RULE = "no rule"


@dataclass(frozen=True)
class LayerRow:
    """One layer.

    Attributes
    ----------
    name, layer_class
        Path in the model (`outer/inner`), and class.
    output_shape
        Of one example; None where several or unknown.
    parameters
        Number of weights, all together.
    operations
        Kinds of the primitive operations that it became; none for what does nothing at inference.
    rules
        For each engine (`deeplift`, …) its rules for these operations; `"no rule"` where it has none.
    """

    name: str
    layer_class: str
    output_shape: tuple[int | None, ...] | None
    parameters: int
    operations: tuple[str, ...]
    rules: dict[str, tuple[str, ...]]


def layer_rows(model: SequenceModel) -> list[LayerRow]:
    """Return a row for each layer, in the model's order, layers of nested models included."""
    from seqexplain.attribution._engines import rules_by_engine

    operations = list(model.graph.operations)
    engines = rules_by_engine(model)
    place = {id(op): position for position, op in enumerate(operations)}

    def rules_of(mine: Sequence[Any]) -> dict[str, tuple[str, ...]]:
        return {
            engine: tuple(dict.fromkeys(NO_RULE if (found := rules[place[id(op)]]) is None else found for op in mine))
            for engine, rules in engines.items()
        }

    rows: list[LayerRow] = []
    taken: set[int] = set()
    for path, layer in _walk(model.keras_model, ""):
        mine = [op for op in operations if op.layer == path or op.layer.startswith(f"{path}/")]
        taken.update(id(op) for op in mine)
        rows.append(
            _row(
                model, path, type(layer).__name__, _output_shape(layer), int(layer.count_params()), mine, rules_of(mine)
            )
        )
    # what belongs to no layer: a model that cannot be walked, and what reads the sequence and joins strands
    left: dict[tuple[str, str], list[Any]] = {}
    for op in operations:
        if id(op) not in taken:
            left.setdefault((op.layer, op.layer_class), []).append(op)
    for (name, layer_class), mine in left.items():
        parameters = int(model.keras_model.count_params()) if name == model.keras_model.name else 0
        rows.append(_row(model, name, layer_class, None, parameters, mine, rules_of(mine)))
    return rows


def _walk(model: Any, path: str) -> Iterator[tuple[str, Any]]:
    from seqexplain.models.graph import is_functional

    if not is_functional(model):
        return
    for layer in model.layers:
        if hasattr(layer, "layers") and is_functional(layer):
            yield from _walk(layer, f"{path}{layer.name}/")
        else:
            yield f"{path}{layer.name}", layer


def _output_shape(layer: Any) -> tuple[int | None, ...] | None:
    try:
        return tuple(layer.output.shape[1:])
    except (AttributeError, ValueError):  # called more than once, or with several outputs
        return None


def _row(
    model: SequenceModel,
    name: str,
    layer_class: str,
    shape: tuple[int | None, ...] | None,
    parameters: int,
    operations: Sequence[Any],
    rules: dict[str, tuple[str, ...]],
) -> LayerRow:
    if shape is None and operations:
        shape = tuple(model.graph.shapes[operations[-1].outputs[0]])
    kinds = list(dict.fromkeys(op.kind for op in operations))
    return LayerRow(name, layer_class, shape, parameters, tuple(k.value for k in kinds), rules)


def obstacle(model: SequenceModel, head: int, level: str) -> str | None:
    """Return why DeepLIFT cannot explain a head; None where it can.

    Parameters
    ----------
    model
        A model that can be looked into.
    head
        Position among the heads.
    level
        `"logit"` or `"output"`.
    """
    from seqexplain.attribution._deeplift_job import deeplift_plan

    try:
        deeplift_plan(model, [model.heads_at(level)[head].value], "rescale", "complete")
    except UnsupportedLayerError as error:
        return str(error)
    return None
