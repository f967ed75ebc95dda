"""RevealCancel against the NumPy oracle, and against what the package of the method's authors computes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from oracle.reveal_cancel_numpy import hypothetical
from oracle.twins import Twin, random_dna, random_references

from seqexplain.attribution import deeplift
from seqexplain.attribution._completeness import holds
from seqexplain.errors import ParameterError
from seqexplain.models.sequence_model import SequenceModel

L = 10


def _sequential(*steps):
    def build(twin: Twin):
        return twin.unit(twin.chain(twin.input((L, 4)), *steps))

    return build


def _residual(twin: Twin):
    x = twin(layers.Conv1D(3, 3, padding="same", activation="relu"), twin.input((L, 4)))
    y = twin(layers.Conv1D(3, 3, padding="same"), x)
    return twin.unit(twin(layers.ReLU(), twin(layers.Add(), x, y)))


def _difference(twin: Twin):
    x = twin.input((L, 4))
    a, b = twin(layers.Conv1D(2, 3, activation="relu"), x), twin(layers.Conv1D(2, 3, activation="tanh"), x)
    return twin.unit(twin(layers.Activation("relu"), twin(layers.Subtract(), a, b)))


NETWORKS = {
    "convolution and dense": _sequential(
        layers.Conv1D(3, 4, activation="relu"), layers.Flatten(), layers.Dense(4, activation="relu")
    ),
    "normalised, with scales of both signs": _sequential(
        layers.Conv1D(3, 3), layers.BatchNormalization(), layers.ReLU(), layers.Conv1D(2, 2, activation="relu")
    ),
    "normalised dense": _sequential(
        layers.Flatten(), layers.Dense(5), layers.BatchNormalization(), layers.Activation("sigmoid")
    ),
    "strided, dilated and pooled": _sequential(
        layers.Conv1D(3, 2, dilation_rate=2, padding="same", activation="elu"),
        layers.MaxPooling1D(2),
        layers.Conv1D(3, 2, strides=2, activation="relu"),
        layers.AveragePooling1D(2),
        layers.ReLU(),
    ),
    "smooth activations": _sequential(
        layers.Conv1D(3, 3, activation="softplus"), layers.Conv1D(2, 3, activation="gelu")
    ),
    "residual": _residual,
    "difference": _difference,
}


@pytest.mark.table(2)
@pytest.mark.parametrize("name", NETWORKS)
def test_equals_the_oracle(name):
    twin = Twin(seed=3)
    head = NETWORKS[name](twin)
    model = SequenceModel(twin.model(head))
    X, references = random_dna(2, L, 1), random_references(2, 2, L, 2)
    found = deeplift(model, X, references=references, rule="reveal_cancel")
    wanted = np.array([hypothetical(twin.net, x, r, head.number, 0) for x, r in zip(X, references, strict=True)])
    scale = np.abs(wanted).max()
    np.testing.assert_allclose(found.hypothetical, wanted, rtol=0, atol=2e-5 * scale)
    rescale = deeplift(model, X, references=references)
    assert np.abs(rescale.hypothetical - found.hypothetical).max() > 1e-3 * scale  # the rule matters here


def test_reveals_what_cancels():
    """min(x₁, x₂) = x₁ − relu(x₁ − x₂), the paper's figure 2: RevealCancel gives both inputs half."""
    inputs = keras.Input((2, 4))
    flat = layers.Flatten()(inputs)
    difference = layers.Dense(1, activation="relu", name="difference")
    first = layers.Dense(1, use_bias=False, name="first")
    out = layers.Dense(1, use_bias=False, name="out")
    y = out(layers.Concatenate()([first(flat), difference(flat)]))
    model = keras.Model(inputs, y)
    kernel = np.zeros((8, 1), dtype=np.float32)
    kernel[0] = 1.0
    first.set_weights([kernel])
    kernel[4] = -1.0
    difference.set_weights([kernel, np.zeros(1, dtype=np.float32)])
    out.set_weights([np.array([[1.0], [-1.0]], dtype=np.float32)])
    X = np.zeros((1, 2, 4), dtype=np.float32)
    X[:, :, 0] = 1.0
    result = deeplift(model, X, references="zeros", rule="reveal_cancel")
    np.testing.assert_allclose(result.contributions[0, :, 0], [0.5, 0.5], atol=1e-6)
    rescale = deeplift(model, X, references="zeros")
    np.testing.assert_allclose(rescale.contributions[0, :, 0], [1.0, 0.0], atol=1e-6)


def test_rules_by_layer():
    twin = Twin(seed=5)
    head = NETWORKS["convolution and dense"](twin)
    keras_model = twin.model(head)
    model = SequenceModel(keras_model)
    X, references = random_dna(2, L, 1), random_references(2, 2, L, 2)
    run = lambda rule: deeplift(model, X, references=references, rule=rule).hypothetical  # noqa: E731
    dense = next(layer.name for layer in keras_model.layers if isinstance(layer, layers.Dense))
    genomics = run("genomics_default")
    np.testing.assert_array_equal(run({dense: "reveal_cancel"}), genomics)
    np.testing.assert_array_equal(run({"*": "reveal_cancel", "Conv1D": "rescale"}), genomics)
    np.testing.assert_array_equal(run({"*": "reveal_cancel"}), run("reveal_cancel"))
    assert np.abs(genomics - run("rescale")).max() > 1e-4
    assert np.abs(genomics - run("reveal_cancel")).max() > 1e-4
    with pytest.raises(ParameterError, match="neither a layer nor a class"):
        run({"no_such_layer": "rescale"})
    with pytest.raises(ParameterError, match="not known"):
        run({dense: "reveal"})
    with pytest.raises(ParameterError, match="genomics_default"):
        run("revealcancel")


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ("rescale", "rescale_all_layers"),
        ("genomics_default", "rescale_conv_revealcancel_fc"),
        ("reveal_cancel", "revealcancel_all_layers"),
    ],
)
def test_equals_the_original_package(testdata, rule, key):
    """All four channels of all 20 sequences, against deeplift 0.6.13 on the network of the paper's simulation."""
    published = np.load(testdata / "reference" / "talgata_deeplift_task0_20seqs.npz")
    X, background = published["X20"].astype(np.float32), np.array([0.3, 0.2, 0.2, 0.3], dtype=np.float32)
    network = keras.models.load_model(testdata / "models" / "talgata" / "talgata.keras", compile=False)
    result = deeplift(network, X, target=0, references=tuple(background), rule=rule)
    theirs = published[f"{key}|bg3223|task0"]  # m·(x − reference), each channel
    np.testing.assert_allclose(result.contributions.sum(-1), theirs.sum(-1), rtol=0, atol=1e-5)
    m = theirs / (X - background)
    np.testing.assert_allclose(result.hypothetical, m - (m * background).sum(-1, keepdims=True), rtol=0, atol=1e-5)
    delta = result.predictions[:, None] - result.reference_predictions
    assert holds(result.completeness_error, delta, np.abs(theirs).sum((1, 2))[:, None]).all()
