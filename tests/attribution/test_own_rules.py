"""Rules that a call brings for a layer: they stand in for the built-in one, in that call alone."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import L, dna, randomise
from keras import layers as kl

from seqexplain import deeplift, lrp
from seqexplain.errors import CompletenessWarning, ParameterError, UnsupportedLayerError
from seqexplain.models.sequence_model import SequenceModel


class Bent(kl.Layer):
    """tanh, computed in a way that cannot be traced: nobody but its rule knows how to pass it."""

    def call(self, x: Any) -> Any:
        return keras.ops.fori_loop(0, 1, lambda _, y: keras.ops.tanh(y), x)


class Halves(kl.Layer):
    """The product of two inputs, halved."""

    def call(self, inputs: Any) -> Any:
        a, b = inputs
        return keras.ops.fori_loop(0, 1, lambda _, y: y * b / 2, a)


def secant(layer: Any, x: list[Any], reference: list[Any], m: Any) -> Any:
    delta = x[0] - reference[0]
    small = keras.ops.abs(delta) < 1e-6
    slope = (layer(x[0]) - layer(reference[0])) / keras.ops.where(small, 1.0, delta)
    return m * keras.ops.where(small, 1.0, slope)


def shapley(layer: Any, x: list[Any], reference: list[Any], m: Any) -> list[Any]:
    (a, b), (p, q) = x, reference
    return [m * (b + q) / 4, m * (a + p) / 4]


def network(middle: Any) -> Any:
    x = keras.Input((L, 4))
    y = middle(kl.Conv1D(4, 3, name="motifs")(x))
    return randomise(keras.Model(x, kl.Dense(2, name="out")(kl.Flatten()(y)), name="bent"))


@pytest.mark.parametrize("references", ["dinucleotide", "uniform"])
def test_a_rule_stands_in_for_the_built_in_one(references: str) -> None:
    own, known, X = network(Bent(name="bent")), network(kl.Activation("tanh")), dna(3, seed=1)
    options = {"target": [0, 1], "references": references, "n_references": 2}
    model = SequenceModel(own)
    found = deeplift(model, X, rules={Bent: secant}, **options)
    wanted = deeplift(SequenceModel(known), X, **options)
    scale = np.abs(wanted.contributions).max()
    np.testing.assert_allclose(found.contributions, wanted.contributions, rtol=0, atol=1e-5 * scale)
    assert np.abs(found.completeness_error).max() < 1e-5
    with pytest.raises(UnsupportedLayerError, match="bent"):
        deeplift(model, X, **options)
    hidden = deeplift(model, X, target=("motifs", (2, 1)), rules={Bent: secant}, n_references=2)
    assert np.abs(hidden.contributions).max() > 0


def test_several_inputs() -> None:
    x = keras.Input((L, 4))
    y = kl.Conv1D(3, 3, activation="relu")(x)
    z = kl.Conv1D(3, 3, activation="sigmoid")(x)
    own = randomise(keras.Model(x, kl.Dense(1)(kl.Flatten()(Halves(name="halves")([y, z])))))
    product = keras.Model(x, kl.Dense(1, name="out")(kl.Flatten()(kl.Rescaling(0.5)(kl.Multiply()([y, z])))))
    product.get_layer("out").set_weights(own.layers[-1].get_weights())
    X = dna(3, seed=2)
    found = deeplift(SequenceModel(own), X, rules={Halves: shapley}, n_references=2)
    wanted = deeplift(SequenceModel(product), X, n_references=2)
    np.testing.assert_allclose(found.contributions, wanted.contributions, rtol=0, atol=2e-6)


def test_a_rule_for_a_built_in_layer_and_a_wrong_one() -> None:
    model, X = SequenceModel(network(kl.Dense(3, name="mix"))), dna(3, seed=3)

    def transposed(layer: Any, x: list[Any], reference: list[Any], m: Any) -> Any:
        kernel = model.keras_model.get_layer("mix").kernel
        return keras.ops.matmul(m, keras.ops.transpose(keras.ops.convert_to_tensor(kernel)))

    plain = deeplift(model, X, target=0, n_references=2)
    both = {kl.Dense: lambda layer, x, r, m: transposed(layer, x, r, m) if layer.operation.layer == "mix" else
            keras.ops.matmul(m, keras.ops.transpose(keras.ops.convert_to_tensor(
                model.keras_model.get_layer("out").kernel)))}  # fmt: skip
    found = deeplift(model, X, target=0, n_references=2, rules=both)
    np.testing.assert_allclose(found.contributions, plain.contributions, rtol=0, atol=2e-6)
    bent = SequenceModel(network(Bent()))
    with pytest.warns(CompletenessWarning, match="Most is lost at 'bent"):
        deeplift(bent, X, target=0, n_references=2, rules={Bent: lambda layer, x, r, m: 0.5 * secant(layer, x, r, m)})
    again = deeplift(bent, X, target=0, n_references=2, rules={Bent: secant})
    assert np.abs(again.completeness_error).max() < 1e-5


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({kl.LSTM: secant}, "rules names LSTM, but the model 'bent' has no layer"),
        ({kl.Layer: secant}, "no layer of this very class"),
        ({"Bent": secant}, "must map classes"),
        ([secant], "must map classes"),
        ({Bent: lambda layer, x, r, m: [m, m]}, "returned 2 tensors; the layer has 1 input"),
        (
            {Bent: lambda layer, x, r, m: m[..., :1]},
            r"returned shape .*expected \(targets, sequences, references, 10",
        ),
        ({Bent: lambda layer, x, r, m: None}, r"returned NoneType; expected \(targets, sequences"),
    ],
)
def test_rules_that_cannot_be(rules: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        deeplift(SequenceModel(network(Bent(name="bent"))), dna(2), target=0, n_references=1, rules=rules)


def test_the_model_is_left_alone_and_names_are_kept() -> None:
    model, X = SequenceModel(network(Bent(name="bent"))), dna(2, seed=4)
    found = deeplift(model, X, target=0, n_references=2, rules={Bent: secant})
    (name,) = found.parameters["rules"]
    assert name.endswith("test_own_rules.Bent")
    assert found.parameters["rules"][name] == "secant"


def test_relevance_takes_rules_too() -> None:
    own, known, X = network(Bent(name="bent")), network(kl.Activation("tanh")), dna(3, seed=5)
    found = lrp(SequenceModel(own), X, target=1, rules={Bent: lambda layer, x, reference, m: m})
    wanted = lrp(SequenceModel(known), X, target=1)
    np.testing.assert_allclose(found.contributions, wanted.contributions, rtol=0, atol=1e-6)
    assert list(found.parameters["own_rules"].values()) != []
    with pytest.raises(UnsupportedLayerError, match="bent"):
        lrp(SequenceModel(own), X, target=1)
