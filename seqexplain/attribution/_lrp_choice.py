"""Which rule of layer-wise relevance propagation each layer gets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from seqexplain.attribution._lrp_groups import Group
from seqexplain.attribution.lrp_rules import (
    COMPOSITES,
    FIRST_LAYER_ONLY,
    RULES,
    Composite,
    Epsilon,
    OneHot,
    Rule,
    Z,
    rule_of,
)
from seqexplain.errors import ParameterError
from seqexplain.models._hidden import OWN
from seqexplain.models.graph import Graph
from seqexplain.models.operations import Kind, Operation

DEFAULT = "epsilon-plus"


@dataclass(frozen=True)
class LinearLayer:
    """What a function that chooses rules is told of a layer.

    Attributes
    ----------
    name, layer_class
        As in the model; layers of nested models by their path.
    kind
        `"convolution"`, `"dense"` or `"sums"`.
    depth
        Layers with weights from the sequence to this one: 1 for the first.
    height
        Layers with weights from this one to what is explained: 1 for the last.
    """

    name: str
    layer_class: str
    kind: str
    depth: int
    height: int


RuleChoice = str | Rule | Mapping[str, str | Rule] | Callable[[LinearLayer], str | Rule | None]


def choose_rules(graph: Graph, groups: Mapping[int, Group], choice: Any) -> dict[int, Rule]:
    """Return the rule of each group and of each recurrent layer, by their positions.

    Inside a recurrent layer one rule passes all that is linear: the single rule that is chosen, or that of a mapping
    which names the layer, its class or `"*"`; else ε, since states have both signs.

    Parameters
    ----------
    graph
        The flattened model.
    groups
        Its groups of linear operations.
    choice
        As `lrp` takes it.

    Raises
    ------
    ParameterError
        When a rule, composite or layer is not known, or a rule for the first layer is chosen for another one.
    """
    scans = {p: operation for p, operation in enumerate(graph.operations) if operation.kind is Kind.SCAN}
    if isinstance(choice, Mapping):
        _check_names(graph, groups, scans.values(), choice)
    rules: dict[int, Rule] = {}
    for position, group in groups.items():
        rule = _rule_for(group, choice)
        first = group.depth == 1 and group.kind != "sums"
        if isinstance(rule, OneHot) and not first:
            raise ParameterError(
                f"The rule {OneHot.name!r} is for the first layer; {group.layer.layer!r} reads no sequence. "
                'Use {"first": "one-hot", …}.'
            )
        rules[position] = rule
    return rules | {position: _rule_inside(operation, choice) for position, operation in scans.items()}


def describe(choice: Any) -> Any:
    """Return what was chosen, ready for JSON."""
    if isinstance(choice, str):
        return choice.replace("_", "-")
    if isinstance(choice, Mapping):
        return {
            name: given.replace("_", "-") if isinstance(given, str) else repr(given) for name, given in choice.items()
        }
    return repr(choice) if isinstance(choice, Rule) else getattr(choice, "__qualname__", type(choice).__name__)


def _rule_for(group: Group, choice: Any) -> Rule:
    if group.layer.layer_class == OWN:
        return Z()  # the mean of both strands: each has the relevance that it has alone
    if isinstance(choice, Mapping):
        return _mapped(group, choice)
    if isinstance(choice, (str, Rule)):
        return _from_composite(group, _composite(choice))
    if callable(choice):
        layer = group.layer
        place = LinearLayer(layer.layer, layer.layer_class, group.kind, group.depth, group.height)
        given = choice(place)
        if given is None:
            return _from_composite(group, COMPOSITES[DEFAULT])
        return rule_of(given, f"rule({place.name!r})")
    raise ParameterError(
        f"rule={choice!r} is not understood; use one of {_known()}, a mapping from layers to rules, or a function."
    )


def _names_of(scan: Operation) -> list[str]:
    """Return what a mapping may call a recurrent layer; one direction of several also has the name of the whole."""
    whole = scan.layer.rpartition("/")[0]
    return [scan.layer, *([whole] if whole else []), scan.layer_class]


def _rule_inside(scan: Operation, choice: Any) -> Rule:
    if isinstance(choice, Mapping):
        key = next((key for key in (*_names_of(scan), "*") if key in choice), None)
        rule = Epsilon() if key is None else rule_of(choice[key], f"rule[{key!r}]")
    elif isinstance(choice, Rule) or (isinstance(choice, str) and choice.replace("_", "-") in RULES):
        rule = rule_of(choice, "rule")
    else:
        rule = Epsilon()
    if isinstance(rule, FIRST_LAYER_ONLY):
        raise ParameterError(
            f"The rule {rule.name!r} says what the sequence is like, so it has no place inside the recurrent layer "
            f'{scan.layer!r}. Use "epsilon" there.'
        )
    return rule


def spread(rule: Rule) -> Callable[[LinearLayer], Rule]:
    """Return the choice inside a recurrent layer: one rule for what has weights, and for sums if it is made for them.

    A cell adds up what is one layer in the literature: the products with x_t and with the state, and a bias.
    """
    sums = rule if isinstance(rule, (Z, Epsilon)) else Epsilon(bias=getattr(rule, "bias", True))
    return lambda layer: sums if layer.kind == "sums" else rule


def _composite(choice: str | Rule) -> Composite:
    if isinstance(choice, str) and choice.replace("_", "-") in COMPOSITES:
        return COMPOSITES[choice.replace("_", "-")]
    if isinstance(choice, str) and choice.replace("_", "-") not in RULES:
        raise ParameterError(
            f"rule={choice!r} is not known; use one of {_known()}, a mapping from layers to rules, or a function."
        )
    rule = rule_of(choice, "rule")
    if isinstance(rule, FIRST_LAYER_ONLY):
        raise ParameterError(
            f"rule={rule.name!r} says what the sequence is like, so it is for the first layer alone; use "
            f'{{"first": "{rule.name}", "*": "epsilon"}}, or one of {_known()}.'
        )
    return Composite(rule, rule, sums=rule if isinstance(rule, Z) else Epsilon())


def _from_composite(group: Group, composite: Composite) -> Rule:
    if group.kind == "sums":
        return composite.sums
    if composite.first is not None and group.depth == 1:
        return composite.first
    return composite.dense if group.kind == "dense" else composite.convolution


def _mapped(group: Group, choice: Mapping[str, Any]) -> Rule:
    """Names come before places, places before classes, and `"*"` last; sums are chosen by name or class alone."""
    folded = [group.layer, *(op for op in group.operations if op is not group.layer)]
    keys = [op.layer for op in folded]
    if group.kind != "sums":
        keys += ["first"] * (group.depth == 1) + ["last"] * (group.height == 1)
    keys += [op.layer_class for op in folded]
    if group.kind != "sums":
        keys.append("*")
    for key in keys:
        if key in choice:
            return rule_of(choice[key], f"rule[{key!r}]")
    return _from_composite(group, COMPOSITES[DEFAULT])


def _check_names(
    graph: Graph, groups: Mapping[int, Group], scans: Collection[Operation], choice: Mapping[str, Any]
) -> None:
    linear = [op for group in groups.values() for op in group.operations]
    known = {op.layer for op in linear} | {op.layer_class for op in linear} | {"*", "first", "last"}
    known.update(name for scan in scans for name in _names_of(scan))
    for name, given in choice.items():
        if name not in known:
            layers = dict.fromkeys(op.layer for op in (*linear, *scans))
            raise ParameterError(
                f"rule names {name!r}, which is neither a linear layer of this model nor a class of them, nor "
                f'"first", "last" or "*"; it has {", ".join(layers)}.'
            )
        rule_of(given, f"rule[{name!r}]")


def _known() -> str:
    return ", ".join([*COMPOSITES, *(name for name, rule in RULES.items() if not isinstance(rule, FIRST_LAYER_ONLY))])
