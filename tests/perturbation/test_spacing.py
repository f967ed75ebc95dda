"""Pairs of motifs: every score is the model's own, and interactions are where they were built in."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from experiments import L, flipped, logits, network, random_sequences, written
from keras import layers as kl

from seqexplain.errors import ParameterError
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation import marginalisation, spacing

A, B = "GATA", "CAG"


@pytest.fixture(scope="module")
def model() -> SequenceModel:
    return network()


def test_all_scores_are_keras_own(model):
    X = random_sequences(3)
    found = spacing(model, X, A, B, distances=[7, 0, 12], position=5, target=[1, 0], batch_size=8)
    assert found.effects().shape == (3, 2, 4, 3)
    none = logits(model, X)
    np.testing.assert_allclose(found.without, none[:, [1, 0]], atol=2e-5)
    for o, (first, second) in enumerate(found.orientations):
        a, b = (A if first == "+" else flipped(A)), (B if second == "+" else flipped(B))
        alone = logits(model, written(X, a, 5))
        np.testing.assert_allclose(found.effect_a[:, :, o], (alone - none)[:, [1, 0]], atol=5e-5)
        for d, distance in enumerate((7, 0, 12)):
            other = logits(model, written(X, b, 9 + distance))
            both = logits(model, written(written(X, a, 5), b, 9 + distance))
            np.testing.assert_allclose(found.effects()[:, :, o, d], (both - alone - other + none)[:, [1, 0]], atol=1e-4)
            np.testing.assert_allclose(found.effects("a")[:, :, o, d], (alone - none)[:, [1, 0]], atol=5e-5)
            np.testing.assert_allclose(found.effects("both")[:, :, o, d], (both - none)[:, [1, 0]], atol=5e-5)
            np.testing.assert_allclose(found.effects("b")[:, :, o, d], (other - none)[:, [1, 0]], atol=5e-5)
    table = found.to_table()
    assert len(table) == 2 * 4 * 3
    line = table[(table["orientation"] == "-+") & (table["distance"] == 12)].iloc[1]
    assert (line["position_a"], line["position_b"], line["target"]) == (5, 21, found.targets[1])
    assert line["interaction"] == pytest.approx(line["effect_both"] - line["effect_a"] - line["effect_b"], abs=1e-5)
    alone = marginalisation(model, X, B, position=[9], target=1)
    np.testing.assert_allclose(alone.effects[:, 0], found.effect_b[:, 0, 0, 1], atol=2e-6)


def built(distance: int) -> SequenceModel:
    """logit = relu(matches of A, `distance` bp, B − 6): the whole pair counts 1, either motif alone nothing."""
    dna = keras.Input((L, 4))
    width = len(A) + distance + len(B)
    conv = kl.Conv1D(1, width, activation="relu")
    y = kl.GlobalMaxPooling1D()(conv(dna))
    y = kl.Dense(1, activation="sigmoid", name="out")(y)
    model = keras.Model(dna, y)
    kernel = np.zeros((width, 4, 1), np.float32)
    for k, letter in enumerate(A):
        kernel[k, "ACGT".index(letter)] = 1
    for k, letter in enumerate(B):
        kernel[len(A) + distance + k, "ACGT".index(letter)] = 1
    conv.set_weights([kernel, np.array([-6.0], np.float32)])
    model.get_layer("out").set_weights([np.ones((1, 1), np.float32), np.zeros(1, np.float32)])
    return SequenceModel(model)


def test_an_interaction_is_found_where_it_was_built():
    X = np.zeros((2, L, 4), np.float32)
    X[..., 3] = 1  # poly-T holds no part of the pair but single letters
    found = spacing(built(3), X, A, B, distances=range(10))
    mean = found.summary().mean
    wanted = np.zeros((4, 10))
    wanted[found.orientations.index("++"), 3] = 1
    np.testing.assert_allclose(mean, wanted, atol=1e-6)
    assert found.position == (L - (4 + 9 + 3)) // 2
    ax = found.plot()
    lines = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    assert list(lines)[:4] == ["→→ (++)", "→← (+-)", "←→ (-+)", "←← (--)"]
    np.testing.assert_allclose(lines["→→ (++)"], wanted[0], atol=1e-6)
    assert ax.get_xlabel() == "bp between GATA and CAG"


def test_a_linear_model_has_no_interaction():
    dna = keras.Input((L, 4))
    model = SequenceModel(keras.Model(dna, kl.Dense(1, activation="sigmoid")(kl.Flatten()(dna))))
    found = spacing(model, random_sequences(3), "GATAR", np.eye(4), distances=range(5), sample=True)
    np.testing.assert_allclose(found.effects(), 0, atol=1e-5)
    assert np.abs(found.effects("both")).max() > 0.1


def test_drawn_words_are_the_same_throughout(model):
    """With A and B drawn, effects still decompose: A alone is as in a marginalisation, for any set of distances."""
    X = random_sequences(6)
    few = spacing(model, X, "RRRR", "YYY", distances=[4], position=2, target=0)
    many = spacing(model, X[3:], "RRRR", "YYY", distances=[1, 4], position=2, target=0, orientations=["-+"])
    o = few.orientations.index("-+")
    np.testing.assert_allclose(few.effect_a[3:, o], many.effect_a[:, 0], atol=2e-6)
    np.testing.assert_allclose(few.effects("both")[3:, o, 0], many.effects("both")[:, 0, 1], atol=2e-6)
    alone = marginalisation(model, X, "RRRR", position=2, target=0, strand="-")
    np.testing.assert_allclose(alone.effects[:, 0], few.effect_a[:, o], atol=2e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"distances": range(35)}, "are 41 bp together; the backgrounds have 40. The largest distance that fits is 33"),
        ({"motif_a": "A" * 38}, "The motifs alone do not fit"),
        ({"distances": [-3, 4]}, "over each other"),
        ({"distances": []}, "whole numbers"),
        ({"orientations": ["+"]}, "each once"),
        ({"orientations": ["++", "++"]}, "each once"),
        ({"position": 30}, "A starts at 0 to 28"),
        ({"position": "end"}, '"centre"'),
        ({"motif_b": "ZZ"}, "motif_b 'ZZ'"),
    ],
)
def test_what_cannot_be_is_refused(model, options, words):
    options = {"motif_a": A, "motif_b": B, "target": 0, "distances": range(6), **options}
    with pytest.raises(ParameterError, match=words):
        spacing(model, random_sequences(2), **options)
    with pytest.raises(ParameterError, match="curve"):
        spacing(model, random_sequences(1), A, B, target=0, distances=[1]).effects("sum")


def test_incremental_and_full_evaluation_agree(model):
    X = random_sequences(3, seed=4)
    X[0, 10:30] = 0
    for options in ({}, {"sample": True}):
        pair = (np.eye(4)[[2, 0, 3, 0]] + 0.2, "CANG")
        full, fast = (
            spacing(model, X, *pair, distances=range(9), target=0, evaluation=how, **options)
            for how in ("full", "incremental")
        )
        np.testing.assert_allclose(fast.effects(), full.effects(), atol=5e-6)
        np.testing.assert_allclose(fast.effects("both"), full.effects("both"), atol=5e-6)
    with pytest.raises(ParameterError, match="evaluation"):
        spacing(model, X, A, B, distances=[1], evaluation="quick")


def test_other_inputs_go_with_their_background():
    keras.utils.set_random_seed(5)
    dna, cell = keras.Input((L, 4), name="dna"), keras.Input((2,), name="cell")
    y = kl.Flatten()(kl.Conv1D(3, 4, activation="relu")(dna))
    y = kl.Dense(4, activation="tanh")(kl.Concatenate()([y, cell]))
    model = SequenceModel(keras.Model([dna, cell], kl.Dense(1)(y)))
    X = random_sequences(5)
    cells = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32) * 3
    names = [f"s{i}" for i in range(5)]
    by_row = spacing(model, X, A, B, distances=[2], position=5, extra_inputs={"cell": cells}, batch_size=2)
    by_name = {"cell": dict(zip(names, cells, strict=True))}
    named = spacing(model, X, A, B, distances=[2], position=5, extra_inputs=by_name, names=names, batch_size=2)
    np.testing.assert_array_equal(by_row.effects(), named.effects())

    def scores(x: np.ndarray) -> np.ndarray:
        return model.keras_model.predict([x, cells], verbose=0)[:, 0].astype(float)

    a, b = written(X, A, 5), written(X, B, 11)
    wanted = scores(written(a, B, 11)) - scores(a) - scores(b) + scores(X)
    np.testing.assert_allclose(by_row.effects()[:, 0, 0], wanted, atol=5e-6)
    effects = marginalisation(model, X, A, position=5, extra_inputs={"cell": cells}, batch_size=2).effects
    np.testing.assert_allclose(effects[:, 0], scores(a) - scores(X), atol=5e-6)
