"""How relevance passes a group of linear operations, for each rule.

Every function returns the relevance of the inputs and what no input gets, as `Passed`: the share of biases, of ε, and
of units that have nothing to give to. Nothing else is lost, which the job checks for every sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from seqexplain.attribution._lrp_bound import BoundGroup
from seqexplain.attribution._propagation import NOWHERE
from seqexplain.attribution.lrp_rules import ZB, AlphaBeta, Epsilon, Flat, Gamma, OneHot, Rule, WSquare, Z, ZPlus
from seqexplain.models.backend import Tensor, ops

ABSORBED = NOWHERE  # stands among the inputs of a step for what no input gets
TINY = 1e-30  # below: nothing to divide by; terms of that size are 0 in float32 after one more product


@dataclass(frozen=True, eq=False)
class Passed:
    """Relevance of each input `(targets, sequences, 1, *shape)`, and of each unit what no input gets."""

    inputs: list[Tensor]
    absorbed: Tensor


def pass_group(rule: Rule, bound: BoundGroup, inputs: Sequence[Tensor], z: Tensor | None, relevance: Tensor) -> Passed:
    """Pass a group.

    Parameters
    ----------
    rule
        Which.
    bound
        The group with its weights.
    inputs
        Of the group, `(sequences, 1, *shape)` each.
    z
        What the group gives, `(sequences, 1, *shape)`, where the rule `needs_output`.
    relevance
        `(targets, sequences, 1, *shape)`.
    """
    return _PASSES[type(rule)](rule, bound, inputs, z, relevance)


def needs_output(rule: Rule) -> bool:
    """Whether a rule looks at what the group gives."""
    return isinstance(rule, (Z, Epsilon, OneHot, Gamma))


def _pass_terms(rule: Z | Epsilon, bound: BoundGroup, inputs: Sequence[Tensor], z: Tensor, relevance: Tensor) -> Passed:
    """LRP-0 and LRP-ε: R_i = Σ_j a_i w_ij R_j / (z_j + ε sign z_j)."""
    u = bound.scaled(inputs)
    bias = bound.bias()
    if not rule.bias and bias is not None:
        z, bias = bound.signed(u), None
    extra = _stabiliser(rule, z)
    s, nothing = _divided(relevance, z + extra)
    absorbed = ops.where(nothing, relevance, s * (extra if bias is None else extra + bias))
    return Passed(bound.to_inputs([a * g for a, g in zip(u, bound.signed_back(s), strict=True)]), absorbed)


def pass_sum(rule: Rule, bound: BoundGroup, inputs: Sequence[Tensor], z: Tensor | None, relevance: Tensor) -> Passed:
    """Pass what only adds; where all that is added is 0, in equal shares.

    Padding, repeated and reversed positions have one term each: they pass relevance whole, also to what is 0.
    """
    passed = pass_group(rule, bound, inputs, z, relevance)
    if isinstance(rule, (Flat, WSquare, ZB)):
        return passed
    empty = bound.mapped(ops.abs).signed([ops.abs(a) for a in inputs]) <= TINY
    if "bias" in bound.core.weights:
        empty = ops.logical_and(empty, ops.abs(bound.core.weights["bias"]) <= TINY)
    equal = pass_group(Flat(), bound, inputs, z, ops.where(empty, relevance, 0.0))
    parts = [p + q for p, q in zip(passed.inputs, equal.inputs, strict=True)]
    return Passed(parts, ops.where(empty, equal.absorbed, passed.absorbed))


def _pass_one_hot(rule: OneHot, bound: BoundGroup, inputs: Sequence[Tensor], z: Tensor, relevance: Tensor) -> Passed:
    """Give to the observed bases, where asked for with the mean weight of the four taken out."""
    if not rule.centered:
        return _pass_terms(Epsilon(rule.epsilon), bound, inputs, z, relevance)
    extra = _stabiliser(Epsilon(rule.epsilon), z)
    s, nothing = _divided(relevance, z + extra)
    bias = bound.bias()
    mean = ops.mean(inputs[0], axis=-1, keepdims=True) + ops.zeros_like(inputs[0])
    kept = extra + bound.signed(bound.scaled([mean]))  # Σ_i z_ij of the weights' mean over bases
    absorbed = ops.where(nothing, relevance, s * (kept if bias is None else kept + bias))
    (gradient,) = bound.to_inputs(bound.signed_back(s), multiplied=True)
    return Passed([inputs[0] * (gradient - ops.mean(gradient, axis=-1, keepdims=True))], absorbed)


def _parts(u: Sequence[Tensor], not_negative: bool) -> tuple[list[Tensor], list[Tensor] | None]:
    """Return the positive and the negative part of inputs; None where there is no negative one."""
    if not_negative:
        return list(u), None
    return [ops.maximum(t, 0.0) for t in u], [ops.minimum(t, 0.0) for t in u]


def _sums_of_terms(
    bound: BoundGroup, above: list[Tensor], below: list[Tensor] | None, up: bool = True, down: bool = True
) -> tuple[Tensor, Tensor]:
    """Return Σ_i z_ij⁺ and Σ_i z_ij⁻, each where it is wanted."""
    p, n = bound.split(above, up, down)
    if below is not None:
        n_too, p_too = bound.split(below, down, up)
        p = p if p_too is None else p_too if p is None else p + p_too
        n = n if n_too is None else n_too if n is None else n + n_too
    zero = ops.zeros((*above[0].shape[:2], *bound.shape_out))
    return (zero if p is None else p), (zero if n is None else n)


def _give(
    bound: BoundGroup, above: list[Tensor], below: list[Tensor] | None, s_up: Tensor, s_down: Tensor | None
) -> list[Tensor]:
    """Return R_i = Σ_j z_ij⁺ s_up_j + z_ij⁻ s_down_j of the group's inputs."""
    parts = [a * g for a, g in zip(above, bound.split_back(s_up, s_down), strict=True)]
    if below is not None:
        more = bound.split_back(s_down, s_up)
        parts = [p + b * g for p, b, g in zip(parts, below, more, strict=True)]
    return bound.to_inputs(parts)


def _pass_gamma(rule: Gamma, bound: BoundGroup, inputs: Sequence[Tensor], z: Tensor, relevance: Tensor) -> Passed:
    """LRP-γ: terms of the sign of z_j count 1 + γ times."""
    u = bound.scaled(inputs)
    above, below = _parts(u, bound.not_negative)
    bias = bound.bias() if rule.bias else None
    if not rule.bias:
        z = bound.signed(u)
    p, n = _sums_of_terms(bound, above, below)
    raised = z > 0
    own = p if bias is None else p + ops.maximum(bias, 0.0)
    other = n if bias is None else n + ops.minimum(bias, 0.0)
    s, nothing = _divided(relevance, z + rule.gamma * ops.where(raised, own, other))
    s_up = s * ops.where(raised, 1.0 + rule.gamma, 1.0)
    s_down = s * ops.where(raised, 1.0, 1.0 + rule.gamma)
    absorbed = 0.0 * s if bias is None else s_up * ops.maximum(bias, 0.0) + s_down * ops.minimum(bias, 0.0)
    return Passed(_give(bound, above, below, s_up, s_down), ops.where(nothing, relevance, absorbed))


def _pass_alpha_beta(
    rule: AlphaBeta | ZPlus, bound: BoundGroup, inputs: Sequence[Tensor], _: Tensor | None, relevance: Tensor
) -> Passed:
    """LRP-αβ: α R_j by the positive terms, −β R_j by the negative ones."""
    alpha, beta = (rule.alpha, rule.beta) if isinstance(rule, AlphaBeta) else (1.0, 0.0)
    above, below = _parts(bound.scaled(inputs), bound.not_negative)
    bias = bound.bias() if rule.bias else None
    p, n = _sums_of_terms(bound, above, below, down=beta > 0)
    b_up, b_down = (0.0, 0.0) if bias is None else (ops.maximum(bias, 0.0), ops.minimum(bias, 0.0))
    s_up, no_up = _divided(alpha * relevance, p + b_up)
    absorbed = ops.where(no_up, alpha * relevance, s_up * b_up)
    s_down = None
    if beta > 0:
        s_down, no_down = _divided(-beta * relevance, n + b_down)
        absorbed = absorbed + ops.where(no_down, -beta * relevance, s_down * b_down)
    return Passed(_give(bound, above, below, s_up, s_down), absorbed)


def _pass_weights(
    function: Callable[[Tensor], Tensor], bound: BoundGroup, inputs: Sequence[Tensor], relevance: Tensor
) -> Passed:
    """Share by a function of the weights, whatever the inputs are."""
    bound = bound.mapped(function)
    total = bound.signed(bound.scaled([ops.ones((1, 1, *a.shape[2:])) for a in inputs]))
    s, nothing = _divided(relevance, total)
    shares = bound.to_inputs(bound.signed_back(s), multiplied=True)
    return Passed(shares, ops.where(nothing, relevance, 0.0))


def _pass_bounded(rule: ZB, bound: BoundGroup, inputs: Sequence[Tensor], _: Tensor | None, relevance: Tensor) -> Passed:
    """z^B: terms (a_i − l) w_ij⁺ + (a_i − h) w_ij⁻, none of them negative between the bounds."""
    u = bound.scaled(inputs)
    # a negative scale before the layer exchanges the bounds
    ends = [bound.scaled([ops.full((1, 1, *a.shape[2:]), e) for a in inputs]) for e in (rule.low, rule.high)]
    above = [a - ops.minimum(e, f) for a, e, f in zip(u, *ends, strict=True)]
    below = [a - ops.maximum(e, f) for a, e, f in zip(u, *ends, strict=True)]
    p, _ = bound.split(above, down=False)
    _, n = bound.split(below, up=False)
    total = p if n is None else n if p is None else p + n
    s, nothing = _divided(relevance, total)
    up, down = bound.split_back(s, None), bound.split_back(None, s)
    parts = [a * g + b * h for a, b, g, h in zip(above, below, up, down, strict=True)]
    return Passed(bound.to_inputs(parts), ops.where(nothing, relevance, 0.0))


def _divided(relevance: Tensor, by: Tensor) -> tuple[Tensor, Tensor]:
    """Return R / d, and where there is nothing to divide by (0 there)."""
    nothing = ops.abs(by) <= TINY
    s = ops.where(nothing, 0.0, relevance / ops.where(nothing, 1.0, by))
    return s, ops.logical_and(nothing, ops.ones_like(s, dtype="bool"))


def _stabiliser(rule: Z | Epsilon, z: Tensor) -> Tensor:
    """Return ε sign z_j, with sign 0 = 1."""
    if isinstance(rule, Z):
        return ops.zeros_like(z)
    size: Any = rule.epsilon
    if rule.relative:
        axes = tuple(range(2, len(z.shape)))
        size = size * ops.sqrt(ops.mean(ops.square(z), axis=axes, keepdims=True))
    return ops.where(z >= 0, 1.0, -1.0) * size


_PASSES: dict[type[Rule], Callable[..., Passed]] = {
    Z: _pass_terms,
    Epsilon: _pass_terms,
    OneHot: _pass_one_hot,
    Gamma: _pass_gamma,
    AlphaBeta: _pass_alpha_beta,
    ZPlus: _pass_alpha_beta,
    Flat: lambda _, bound, inputs, z, relevance: _pass_weights(ops.ones_like, bound, inputs, relevance),
    WSquare: lambda _, bound, inputs, z, relevance: _pass_weights(ops.square, bound, inputs, relevance),
    ZB: _pass_bounded,
}
