"""DeepLIFT's RevealCancel rule, which keeps apart what raises and what lowers an activation's input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seqexplain.attribution._chains import BoundChain, Chain, chain_before
from seqexplain.attribution._deeplift_rules import slope
from seqexplain.errors import ParameterError
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.graph import Graph
from seqexplain.models.operations import Convolution, Dense, Elementwise, Kind

RULES = ("rescale", "reveal_cancel", "genomics_default")


def reveal_cancel(
    operation: Elementwise,
    weights: Mapping[str, Tensor],
    chain: BoundChain,
    x: Sequence[Tensor],
    reference: Sequence[Tensor],
    m: Tensor,
) -> list[Tensor]:
    """Pass an activation y(z) and the linear operations z = A x + b before it.

    Δz is split into what raises it and what lowers it, Δz⁺ and Δz⁻ = ½(A Δx ± |A| |Δx|). Each gets the mean of its
    effect on y with and without the other:

        Δy⁺ = ½[y(z₀ + Δz⁺) − y(z₀)] + ½[y(z₀ + Δz⁻ + Δz⁺) − y(z₀ + Δz⁻)], and Δy⁻ with + and − exchanged.

    Then m⁺ = m_y Δy⁺/Δz⁺ and m⁻ = m_y Δy⁻/Δz⁻ go back through the positive and the negative weights to where Δx is
    positive or negative, and half each where it is 0: m_x = ½(Aᵀ(m⁺ + m⁻) + sign(Δx) |A|ᵀ(m⁺ − m⁻)).
    """
    z_0 = reference[0]
    total = x[0] - z_0
    lead = total.shape[:2]
    deltas = [a - b for a, b in zip(x[1:], reference[1:], strict=True)]
    deltas = [ops.broadcast_to(d, (*lead, *d.shape[2:])) for d in deltas]
    absolute = chain.absolute()
    size = absolute.apply([ops.abs(d) for d in deltas])
    # the parts are sums of positive and of negative terms; rounding must not give either the other sign
    up, down = ops.maximum((size + total) / 2, 0.0), ops.minimum((total - size) / 2, 0.0)
    y_0, y_up, y_down, y_x = (operation.function(z, weights) for z in (z_0, z_0 + up, z_0 + down, z_0 + up + down))
    gain = (y_up - y_0 + y_x - y_down) / 2
    loss = (y_down - y_0 + y_x - y_up) / 2
    derivative = operation.derivative(weights, z_0)
    m_up, m_down = m * slope(gain, up, derivative), m * slope(loss, down, derivative)
    both = chain.transpose(m_up + m_down, 3)
    apart = absolute.transpose(m_up - m_down, 3)
    return [(p + ops.sign(d) * q) / 2 for p, q, d in zip(both, apart, deltas, strict=True)]


def fused_activations(graph: Graph, rule: str | Mapping[str, str], source: int | None = None) -> dict[int, Chain]:
    """Return the activations that RevealCancel passes, with the linear operations before each.

    Parameters
    ----------
    graph
        The flattened model.
    rule
        `"rescale"`: none; `"reveal_cancel"`: all; `"genomics_default"`: those after dense layers; or a mapping from
        the name of a layer, a class such as `"Conv1D"`, or `"*"` to `"rescale"` or `"reveal_cancel"`, where the layer
        is the one with the weights or the activation.
    source
        The value that is explained, where that is a hidden one: nothing before it is looked at.

    Raises
    ------
    ParameterError
        When the rule is not known, or a mapping names a layer that the model has not.
    """
    chooses = _chooser(graph, rule)
    fused = {}
    for position, operation in enumerate(graph.operations):
        if operation.kind is not Kind.ELEMENTWISE:
            continue
        chain = chain_before(graph, operation.inputs[0], source)
        # without a linear operation before it Δz is Δx, all of one sign: the rule is Rescale
        if chain is not None and chooses(operation, chain):
            fused[position] = chain
    return fused


def _chooser(graph: Graph, rule: str | Mapping[str, str]) -> Callable[[Any, Chain], bool]:
    if isinstance(rule, str):
        if rule not in RULES:
            raise ParameterError(f"rule={rule!r} is not known; use one of {', '.join(RULES)}, or a mapping by layer.")
        if rule == "genomics_default":
            return lambda _, chain: (
                any(isinstance(op, Dense) for op in chain.operations)
                and not any(isinstance(op, Convolution) for op in chain.operations)
            )
        return lambda *_: rule == "reveal_cancel"
    known = {op.layer for op in graph.operations} | {op.layer_class for op in graph.operations} | {"*"}
    for name, choice in rule.items():
        if name not in known:
            raise ParameterError(
                f"rule names {name!r}, which is neither a layer nor a class of layer of this model; it has "
                f"{', '.join(sorted({op.layer for op in graph.operations}))}."
            )
        if choice not in RULES[:2]:
            raise ParameterError(f'rule[{name!r}]={choice!r} is not known; use "rescale" or "reveal_cancel".')

    def chooses(operation: Any, chain: Chain) -> bool:
        layers = [operation, *reversed(chain.operations)]
        for name in (*(op.layer for op in layers), *(op.layer_class for op in layers), "*"):
            if name in rule:
                return rule[name] == "reveal_cancel"
        return False

    return chooses
