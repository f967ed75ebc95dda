"""Relevance propagation on random small networks, every rule and layer, against the NumPy oracle."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from keras import layers as kl
from oracle.lrp_numpy import LayerTwin, Oracle, Rule, composite, same_for_all
from oracle.twins import random_dna

from seqexplain.attribution import lrp
from seqexplain.attribution.lrp_rules import AlphaBeta, Epsilon, Gamma, ZPlus
from seqexplain.models import sequence_model
from seqexplain.models.sequence_model import SequenceModel

L = 9
TOLERANCE = 2e-5  # of the largest relevance
BLOWN_UP = 1e3  # Σ|terms| over their sum: beyond, float32 has too few digits for these rules
DEFAULT_SUMS: Rule = ("epsilon", 1e-6)

RULES: dict[str, tuple[Any, Any, Rule]] = {
    "z": ("z", same_for_all(("z",)), ("z",)),
    "epsilon": (Epsilon(0.1), same_for_all(("epsilon", 0.1)), DEFAULT_SUMS),
    "absolute epsilon": (Epsilon(0.1, relative=False), same_for_all(("epsilon-absolute", 0.1)), DEFAULT_SUMS),
    "gamma": (Gamma(0.5), same_for_all(("gamma", 0.5)), DEFAULT_SUMS),
    "alpha-beta": (AlphaBeta(3.0, 2.0), same_for_all(("alpha-beta", 3.0, 2.0)), DEFAULT_SUMS),
    "z-plus": ("z-plus", same_for_all(("z-plus", True)), DEFAULT_SUMS),
    "flat": ("flat", same_for_all(("flat",)), DEFAULT_SUMS),
    "w-square": ("w_square", same_for_all(("w-square",)), DEFAULT_SUMS),
    "epsilon-plus": ("epsilon-plus", composite(("epsilon", 1e-6), ("z-plus", True)), DEFAULT_SUMS),
    "epsilon-plus-flat": ("epsilon-plus-flat", composite(("epsilon", 1e-6), ("z-plus", True), ("flat",)), DEFAULT_SUMS),
    "epsilon-gamma-box": (
        "epsilon-gamma-box",
        composite(("epsilon", 1e-6), ("gamma", 0.25), ("z-b", 0.0, 1.0)),
        DEFAULT_SUMS,
    ),
    "deep-taylor": (
        "deep-taylor",
        composite(("z-plus", False), ("z-plus", False), ("z-b", 0.0, 1.0)),
        ("z-plus", False),
    ),
    "mapping": (
        {"first": "w-square", "last": Gamma(1.0), "Conv1D": AlphaBeta(), "*": ZPlus(bias=False)},
        None,
        DEFAULT_SUMS,
    ),
}


@pytest.fixture(autouse=True, scope="module")
def uncompiled() -> Iterator[None]:
    """Compute without XLA: hundreds of networks of two sequences each would be compiled and thrown away."""
    patch = pytest.MonkeyPatch()
    patch.setattr(sequence_model, "jit", lambda function, *_: function)
    yield
    patch.undo()


@st.composite
def architectures(draw: Any) -> list[Any]:
    """Draw makers of convolution – pooling – convolution with normalisations between; only chains that fit `L`."""
    steps: list[Any] = []
    length = L

    def normalise() -> None:
        if draw(st.booleans()):
            steps.append(kl.BatchNormalization)

    def convolve() -> None:
        nonlocal length
        dilation = draw(st.integers(1, 2))
        stride = draw(st.integers(1, 3)) if dilation == 1 else 1
        padding = draw(st.sampled_from(["valid", "same", "causal"]))
        window = draw(st.integers(1, 4))
        span = (window - 1) * dilation + 1
        if padding == "valid" and span > length:
            padding = "same"
        length = (length - span) // stride + 1 if padding == "valid" else -(-length // stride)
        steps.append(partial(kl.Conv1D, 3, window, strides=stride, padding=padding, dilation_rate=dilation,
                             use_bias=draw(st.booleans())))  # fmt: skip
        normalise()
        activation = draw(st.sampled_from(["relu", "relu", "tanh", None]))
        if activation:
            steps.append(partial(kl.Activation, activation))

    convolve()
    normalise()
    kind = draw(st.sampled_from([kl.MaxPooling1D, kl.MaxPooling1D, kl.AveragePooling1D, kl.ZeroPadding1D]))
    if kind is kl.ZeroPadding1D:
        steps.append(partial(kind, 1))
        length += 2
    else:
        window, stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
        padding = draw(st.sampled_from(["valid", "same"])) if window <= length else "same"
        length = (length - window) // stride + 1 if padding == "valid" else -(-length // stride)
        steps.append(partial(kind, window, strides=stride, padding=padding))
    normalise()
    if draw(st.booleans()):
        convolve()
    steps.append(draw(st.sampled_from([kl.Flatten, kl.GlobalMaxPooling1D, kl.GlobalAveragePooling1D])))
    if draw(st.booleans()):
        steps.append(partial(kl.Dense, 3, activation="relu"))
    return steps


def mapping_of(depth: int, name: str, last: int) -> Rule:
    if depth == 1:
        return ("w-square",)
    if depth == last:
        return ("gamma", 1.0)
    return ("alpha-beta", 2.0, 1.0) if name == "Conv1D" else ("z-plus", False)


relaxed = settings(
    max_examples=10, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip


@pytest.mark.table(3)
@pytest.mark.parametrize("name", RULES)
@relaxed
@given(steps=architectures(), seed=st.integers(0, 10_000), integers=st.booleans(), proportional=st.booleans())
def test_random_networks(name: str, steps: list[Any], seed: int, integers: bool, proportional: bool) -> None:
    rule, choice, sums = RULES[name]
    t = LayerTwin(seed, integers=integers)
    x = t.input((L, 4))
    head = t(kl.Dense(1), t.chain(x, *(make() for make in steps)))
    last = 1 + sum(getattr(make, "func", None) in (kl.Conv1D, kl.Dense) for make in steps)
    pooling = "proportional" if proportional else "winner"
    oracle = Oracle(t, choice or (lambda kind, depth: mapping_of(depth, kind, last)), sums, pooling)
    X = random_dna(2, L, seed)
    wanted = np.array([oracle(row, head.number, 0) for row in X]).sum(axis=-1, keepdims=True) * X
    assume(oracle.worst < BLOWN_UP)
    result = lrp(SequenceModel(keras.Model(t.inputs[0], head.tensor)), X, rule=rule, max_pool=pooling)
    scale = max(np.abs(wanted).max(), np.abs(result.predictions).max(), 1e-2)
    np.testing.assert_allclose(result.contributions, wanted, rtol=0, atol=TOLERANCE * scale)
    gap = wanted.sum(axis=(1, 2)) - [t.net.forward(head.number, row)[0] for row in X]
    np.testing.assert_allclose(result.completeness_error[:, 0], gap, rtol=0, atol=L * TOLERANCE * scale)


@pytest.mark.parametrize("name", RULES)
def test_layers_used_twice_branches_and_heads(name: str) -> None:
    """A residual sum, a layer used again, a maximum, a difference, joined branches, two heads."""
    rule, choice, sums = RULES[name]
    t = LayerTwin(5)
    x = t.input((L, 4))
    shared = kl.Conv1D(4, 3, padding="same")
    first = t(kl.ReLU(), t(shared, x))
    again = t(kl.ReLU(), t(shared, first, keep=True))
    y = t(kl.Add(), first, again)
    z = t(kl.Subtract(), t(kl.Activation("relu"), t(kl.Conv1D(4, 2, padding="same"), y)), again)
    top = t(kl.Maximum(), z, y)
    joined = t(kl.Concatenate(), t(kl.Average(), top, first), z)
    one = t(kl.Dense(2), t(kl.Flatten(), joined))
    other = t(kl.Conv1D(2, 3), top)
    last = 4  # on the longest way
    oracle = Oracle(t, choice or (lambda kind, depth: mapping_of(depth, kind, last)), sums)
    model = SequenceModel(keras.Model(t.inputs[0], [one.tensor, other.tensor]))
    X = random_dna(2, L, 3)
    result = lrp(model, X, rule=rule, target=[(0, 1), (1, (4, 0))])
    for k, (value, index) in enumerate(((one, 1), (other, 8))):
        wanted = np.array([oracle(row, value.number, index) for row in X]).sum(axis=-1, keepdims=True) * X
        assert oracle.worst < BLOWN_UP
        scale = max(np.abs(wanted).max(), 1e-2)
        np.testing.assert_allclose(result.contributions[:, k], wanted, rtol=0, atol=10 * TOLERANCE * scale)
