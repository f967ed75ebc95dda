"""LRP-ε on the same weights in PyTorch, as captum computes it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import L, dna, randomise
from keras import layers as kl

torch = pytest.importorskip("torch")
attr = pytest.importorskip("captum.attr")
lrp_rules = pytest.importorskip("captum.attr._utils.lrp_rules")

from oracle.torch_twins import from_torch, to_torch, torch_twin  # noqa: E402 - it needs torch

from seqexplain.attribution import lrp  # noqa: E402
from seqexplain.attribution.lrp_rules import Epsilon  # noqa: E402

TOLERANCE = 1e-4  # of the largest relevance


def network(pool: Any, bias: bool) -> Any:
    x = keras.Input((L, 4))
    y = kl.Conv1D(6, 3, use_bias=bias, name="first")(x)
    y = pool(kl.ReLU(name="r1")(y))
    y = kl.ReLU(name="r2")(kl.Conv1D(4, 2, use_bias=bias, name="second")(y))
    y = kl.ReLU(name="r3")(kl.Dense(5, use_bias=bias, name="third")(kl.Flatten()(y)))
    return randomise(keras.Model(x, kl.Dense(3, use_bias=bias, name="last")(y)), seed=4)


@pytest.mark.parametrize("epsilon", [1e-4, 0.05])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("pool", [lambda: kl.MaxPooling1D(2), lambda: kl.MaxPooling1D(3, strides=3)])
def test_epsilon_rule_as_captum_has_it(pool: Any, bias: bool, epsilon: float) -> None:
    model, X = network(pool(), bias), dna(6, seed=2)
    twin = torch_twin(model)
    for module in twin.modules():
        if isinstance(module, (torch.nn.Conv1d, torch.nn.Linear)):
            module.rule = lrp_rules.EpsilonRule(epsilon)
        elif isinstance(module, torch.nn.MaxPool1d):
            module.rule = lrp_rules.EpsilonRule(1e-12)
    theirs = attr.LRP(twin).attribute(to_torch(X).requires_grad_(True), target=1)
    wanted = from_torch(theirs)
    result = lrp(model, X, target=1, rule=Epsilon(epsilon, relative=False))
    shown = result.contributions
    np.testing.assert_allclose(wanted * (1 - X), 0, atol=1e-6)
    assert np.abs(shown - wanted).max() <= TOLERANCE * np.abs(wanted).max()
