"""The rules of layer-wise relevance propagation, each with its parameters, and composites of them.

A linear layer has z_j = Σ_i z_ij + b_j with the terms z_ij = a_i w_ij; ⁺ and ⁻ are positive and negative parts. A rule
says which share of the relevance R_j goes to each input i. Where it has a `bias` field and that is True, the bias takes
the share of its own term, and no input gets that; False leaves the bias out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

from seqexplain.errors import ParameterError


@dataclass(frozen=True)
class Rule:
    """A rule; the class attribute `name` is what it is called where it is given as a string."""

    name: ClassVar[str] = ""


def _check(rule: Rule, field: str, value: float, wanted: str, good: bool) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not (isfinite(value) and good):
        raise ParameterError(f"{type(rule).__name__}({field}={value!r}): {field} must be {wanted}.")


@dataclass(frozen=True)
class Z(Rule):
    """LRP-0: shares z_ij / z_j (Bach et al. 2015). Exact, and without bound where z_j is near 0.

    Parameters
    ----------
    bias
        Whether z_j holds the bias, which then absorbs its share; False leaves it out.
    """

    name: ClassVar[str] = "z"
    bias: bool = True


@dataclass(frozen=True)
class Epsilon(Rule):
    """LRP-ε: shares z_ij / (z_j + ε sign z_j) (Bach et al. 2015); what ε takes is absorbed.

    Parameters
    ----------
    epsilon
        Above 0.
    relative
        Whether ε is in units of the root mean square of the layer's z, for each sequence by itself, so that the same ε
        suits every layer; otherwise it is in the unit of z, as other packages have it.
    bias
        Whether z_j holds the bias, which then absorbs its share; False leaves it out.
    """

    name: ClassVar[str] = "epsilon"
    epsilon: float = 1e-6
    relative: bool = True
    bias: bool = True

    def __post_init__(self) -> None:
        _check(self, "epsilon", self.epsilon, "positive", self.epsilon > 0)


@dataclass(frozen=True)
class Gamma(Rule):
    """LRP-γ: terms of the sign of z_j count 1 + γ times (Montavon et al. 2019; Andéol et al. 2021 for both signs).

    Where z_j > 0 the shares are (z_ij + γ z_ij⁺) / (z_j + γ z_j⁺), as in the paper; where z_j < 0, which a ReLU passes
    nothing to, ⁻ stands for ⁺. The denominator never vanishes unless z_j does.

    Parameters
    ----------
    gamma
        γ, 0 or above.
    bias
        Whether z_j holds the bias, which then absorbs its share; False leaves it out.
    """

    name: ClassVar[str] = "gamma"
    gamma: float = 0.25
    bias: bool = True

    def __post_init__(self) -> None:
        _check(self, "gamma", self.gamma, "0 or positive", self.gamma >= 0)


@dataclass(frozen=True)
class AlphaBeta(Rule):
    """LRP-αβ: shares α z_ij⁺ / z_j⁺ − β z_ij⁻ / z_j⁻ with α − β = 1 (Bach et al. 2015).

    Of a unit whose terms all have one sign only α or −β times the relevance is passed on.

    Parameters
    ----------
    alpha, beta
        α − β = 1.
    bias
        Whether z_j holds the bias, which then absorbs its share; False leaves it out.
    """

    name: ClassVar[str] = "alpha-beta"
    alpha: float = 2.0
    beta: float = 1.0
    bias: bool = True

    def __post_init__(self) -> None:
        _check(self, "alpha", self.alpha, "1 or more", self.alpha >= 1)
        _check(self, "beta", self.beta, "0 or positive", self.beta >= 0)
        if abs(self.alpha - self.beta - 1) > 1e-6:
            raise ParameterError(
                f"AlphaBeta(alpha={self.alpha}, beta={self.beta}): α − β is {self.alpha - self.beta:g}, but relevance "
                f"is kept only where it is 1. Use AlphaBeta({self.alpha:g}, {self.alpha - 1:g})."
            )


@dataclass(frozen=True)
class ZPlus(Rule):
    """z⁺: shares z_ij⁺ / z_j⁺ (Montavon et al. 2017); αβ with α = 1 and β = 0. Never changes the sign of relevance.

    Parameters
    ----------
    bias
        Whether z_j holds the bias, which then absorbs its share; False leaves it out.
    """

    name: ClassVar[str] = "z-plus"
    bias: bool = True


@dataclass(frozen=True)
class Flat(Rule):
    """Every input of a unit gets the same share (Bach et al. 2016; Lapuschkin et al. 2019)."""

    name: ClassVar[str] = "flat"


@dataclass(frozen=True)
class WSquare(Rule):
    """w²: shares w_ij² / Σ_i w_ij², whatever the input (Montavon et al. 2017)."""

    name: ClassVar[str] = "w-square"


@dataclass(frozen=True)
class ZB(Rule):
    """z^B: for inputs between two bounds, shares (a_i w_ij − l w_ij⁺ − h w_ij⁻) / Σ_i … (Montavon et al. 2017).

    With one-hot input every channel is between 0 and 1: the observed base gets its positive weight, and each base that
    is *not* there what its negative weight would have cost; a position's relevance is the sum of both.

    Parameters
    ----------
    low, high
        The bounds l and h.
    """

    name: ClassVar[str] = "z-b"
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        _check(self, "low", self.low, "a number", True)
        _check(self, "high", self.high, f"above low={self.low}", self.high > self.low)


@dataclass(frozen=True)
class OneHot(Rule):
    """For the first layer: all to the observed bases, a_i w_ij / (z_j + ε sign z_j).

    A convolution of one-hot DNA looks up one weight for each position and sums them, as an embedding layer does; the
    relevance of a position is that of what has been looked up (Arras et al. 2017, for words). With `centered` the mean
    weight of the four bases is taken from the one that was looked up and counted with the bias. On one-hot input that
    computes the same z (Shrikumar et al. 2016), and it tells a base that is better than others from one that is not.

    Parameters
    ----------
    centered
        Whether to take out the mean over bases.
    epsilon
        In units of the root mean square of the layer's z.
    """

    name: ClassVar[str] = "one-hot"
    centered: bool = False
    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        _check(self, "epsilon", self.epsilon, "positive", self.epsilon > 0)


@dataclass(frozen=True)
class Composite:
    """Rules by what a layer is.

    Attributes
    ----------
    dense, convolution
        For layers with weights.
    sums
        For what only adds: sums and means of branches or positions, a normalisation that stands alone.
    first
        For the layers next to the sequence, where they have a rule of their own.
    """

    dense: Rule
    convolution: Rule
    sums: Rule = Epsilon()
    first: Rule | None = None


RULES: dict[str, Rule] = {
    rule.name: rule for rule in (Z(), Epsilon(), Gamma(), AlphaBeta(), ZPlus(), Flat(), WSquare(), ZB(), OneHot())
}
FIRST_LAYER_ONLY = (ZB, OneHot)  # they say what the sequence is like; hidden layers are not
COMPOSITES = {
    "epsilon-plus": Composite(Epsilon(), ZPlus()),
    "epsilon-plus-flat": Composite(Epsilon(), ZPlus(), first=Flat()),
    "epsilon-gamma-box": Composite(Epsilon(), Gamma(), first=ZB()),
    "deep-taylor": Composite(ZPlus(bias=False), ZPlus(bias=False), ZPlus(bias=False), first=ZB()),
}


def rule_of(given: Rule | str, where: str) -> Rule:
    """Return the rule that is `given` by itself or by its name; `where` is how the message calls what was given.

    Raises
    ------
    ParameterError
        When there is no such rule.
    """
    if isinstance(given, Rule) and type(given) is not Rule:
        return given
    if isinstance(given, str) and given.replace("_", "-") in RULES:
        return RULES[given.replace("_", "-")]
    raise ParameterError(
        f"{where}={given!r} is not known; the rules are {', '.join(RULES)}, or one with parameters of its own from "
        "seqexplain.attribution.lrp_rules, such as Gamma(0.1)."
    )
