"""References, unknown bases, layouts, strands, other inputs and lengths: what goes in may be said in many ways."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
from contract.methods import METHODS, Method, scores
from contract.toys import L, array_of, dna, randomise, tasks, two_inputs
from keras import layers as kl

from seqexplain.errors import ParameterError, SequenceWarning, ShapeError
from seqexplain.models.sequence_model import SequenceModel

CLOSE = 2e-6  # of the largest score: the same numbers by another path

Wrapped = Callable[[str], SequenceModel]
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
with_references = pytest.mark.parametrize(
    "method", [m for m in METHODS.values() if m.references], ids=[n for n, m in METHODS.items() if m.references]
)


def assert_close(a: Any, b: Any, tolerance: float = CLOSE) -> None:
    assert a.shape == b.shape
    assert np.abs(a - b).max() <= tolerance * np.abs(b).max()


@with_references
def test_references_may_be_given_in_many_ways(method: Method, wrapped: Wrapped) -> None:
    X, model = dna(2, seed=1), wrapped("tasks")
    run = lambda references: method(model, X, target=0, references=references)  # noqa: E731
    each = np.random.default_rng(0).dirichlet(np.ones(4), (3, L)).astype(np.float32)
    per_sequence = run(np.stack([each, each]))
    assert per_sequence.reference_predictions.shape == (2, 3)
    assert_close(run(each).hypothetical, per_sequence.hypothetical)
    assert_close(run(lambda X, n, random_state: np.stack([each] * len(X))).hypothetical, per_sequence.hypothetical)
    assert_close(run(each).reference_predictions, per_sequence.reference_predictions)

    background = np.array([0.3, 0.2, 0.2, 0.3], dtype=np.float32)
    constant = run(np.tile(background, (2, 1, L, 1)))
    for given in (background, "0.3,0.2,0.2,0.3", {"A": 0.3, "C": 0.2, "G": 0.2, "T": 0.3}, np.tile(background, (L, 1))):
        assert_close(run(given).hypothetical, constant.hypothetical)
    for name, value in (("zeros", 0.0), ("uniform", 0.25)):
        assert_close(run(name).hypothetical, run(np.full((2, 1, L, 4), value)).hypothetical)
    one_by_one = [run(each[k : k + 1]).hypothetical for k in range(3)]
    assert_close(np.mean(one_by_one, axis=0), per_sequence.hypothetical)
    assert run("mononucleotide").reference_predictions.shape == (2, 3)


@with_references
def test_each_row_has_its_own_references(method: Method, wrapped: Wrapped) -> None:
    X, model = dna(4, seed=2), wrapped("tasks")
    references = np.stack([dna(2, seed=s) for s in range(4)])
    whole = method(model, X, target=0, references=references, batch_size=2)
    for row in range(4):
        alone = method(model, X[[row]], target=0, references=references[[row]], batch_size=2)
        assert_close(alone.contributions, whole.contributions[[row]])


@pytest.mark.parametrize(
    ("references", "error", "message"),
    [
        ("trinucleotide", ParameterError, "trinucleotide"),
        (np.zeros((2, L, 3)), ShapeError, "expected"),
        (np.zeros((1, L + 1, 4)), ShapeError, "length 13"),
        (np.zeros((3, 2, L, 4)), ShapeError, "3 sequences"),
        (np.full((1, L, 4), np.nan), ShapeError, "finite"),
        ([0.5, 0.5, 0.5, 0.5], ParameterError, "sums to 2"),
    ],
)
@with_references
def test_bad_references_are_explained(
    method: Method, references: Any, error: type[Exception], message: str, wrapped: Wrapped
) -> None:
    with pytest.raises(error, match=message):
        method(wrapped("tasks"), dna(2), target=0, references=references)


@every_method
def test_unknown_bases(method: Method) -> None:
    keras_model = tasks()
    X = dna(2, seed=3)
    X[:, 4:6] = 0
    filled = X.copy()
    filled[:, 4:6] = 0.25
    given = {"references": np.stack([dna(2, seed=s) for s in (5, 6)])} if method.references else {}
    warned = partial(pytest.warns, SequenceWarning, match="unknown bases") if method.references else nullcontext
    with warned():
        zeros = method(SequenceModel(keras_model), X, target=0, **given)
    with warned():
        uniform = method(SequenceModel(keras_model, unknown="uniform"), X, target=0, **given)
    shown = method(SequenceModel(keras_model), filled, target=0, **given)
    for result in (zeros, uniform):
        assert not result.contributions[:, 4:6].any()
        assert np.isfinite(scores(result)).all()
        np.testing.assert_array_equal(result.X, X)
    known = X.any(axis=-1) if uniform.hypothetical is None else slice(None)  # of unknown bases nothing is shown
    assert_close(scores(uniform)[known], scores(shown)[known])
    np.testing.assert_allclose(uniform.predictions, shown.predictions, atol=1e-6)
    assert np.abs(uniform.predictions - zeros.predictions).max() > 1e-3
    if method.complete:
        # Σ m·(x − ref) counts what the unknown rows lose: the errors are small though the sum of the shown is not Δ
        for result in (zeros, uniform):
            assert np.abs(result.completeness_error).max() < 1e-5
        gap = zeros.contributions.sum(axis=(1, 2)) - (zeros.predictions - zeros.reference_predictions.mean(axis=1))
        assert np.abs(gap).max() > 1e-3


def relaid(layout: str, order: str) -> Any:
    """The three-task model behind another input layout and base order."""
    shape = {"LC": (L, 4), "CL": (4, L), "LC1": (L, 4, 1), "CL1": (4, L, 1), "1LC": (1, L, 4), "L1C": (L, 1, 4)}[layout]
    x = keras.Input(shape)
    y = x
    if layout.replace("1", "") == "CL":
        y = kl.Permute((2, 1))(kl.Reshape((4, L))(y))
    y = kl.Reshape((L, 4))(y)
    inner = tasks()
    weight = inner.get_layer("motifs").kernel
    kernel = array_of(weight)
    weight.assign(kernel[:, ["ACGT".index(base) for base in order]])
    return keras.Model(x, inner(y))


@pytest.mark.parametrize(
    ("layout", "order"),
    [("CL", "ACGT"), ("LC1", "ACGT"), ("CL1", "TGCA"), ("LC", "AGCT"), ("1LC", "CATG"), ("L1C", "ACGT")],
)
@every_method
def test_layouts_and_base_orders(method: Method, layout: str, order: str, wrapped: Wrapped) -> None:
    X = dna(2, seed=4)
    wanted = method(wrapped("tasks"), X, target=1)
    got = method(SequenceModel(relaid(layout, order), base_order=order), X, target=1)
    assert SequenceModel(relaid(layout, order)).layout == layout
    assert_close(scores(got), scores(wanted), method.repeats)
    np.testing.assert_allclose(got.predictions, wanted.predictions, atol=2e-6)


@pytest.mark.parametrize(
    "method", [m for m in METHODS.values() if m.of_strands], ids=[n for n, m in METHODS.items() if m.of_strands]
)
def test_both_strands_are_the_mean_of_each(method: Method) -> None:
    keras_model = tasks()
    X = dna(3, seed=5)
    references = np.stack([dna(2, seed=s) for s in (6, 7, 8)])
    forward, backward = (
        {"references": r} if method.references else {} for r in (references, references[..., ::-1, ::-1])
    )
    one = method(SequenceModel(keras_model), X, target=0, **forward)
    other = method(SequenceModel(keras_model), X[:, ::-1, ::-1].copy(), target=0, **backward)
    both = method(SequenceModel(keras_model, average_strands=True), X, target=0, **forward)
    assert_close(both.contributions, (one.contributions + other.contributions[:, ::-1, ::-1]) / 2)
    assert_close(scores(both), (scores(one) + scores(other)[:, ::-1, ::-1]) / 2)
    np.testing.assert_allclose(both.predictions, (one.predictions + other.predictions) / 2, atol=1e-6)


@every_method
def test_other_inputs(method: Method) -> None:
    keras_model = two_inputs()
    X = dna(3, seed=6)
    cells = np.array([[0.5, -1.0, 2.0], [1.0, 0.0, 0.0], [-2.0, 0.3, 0.1]])
    constants = [method(SequenceModel(keras_model, extra_inputs={"cell": c}), X) for c in cells]
    rows = np.stack([constants[i].contributions[i] for i in range(3)])
    model = SequenceModel(keras_model)
    assert np.abs(constants[0].contributions - constants[1].contributions).max() > 1e-3
    assert_close(method(model, X, extra_inputs={"cell": cells}).contributions, rows)
    assert_close(method(model, X, extra_inputs={"cell": cells}, batch_size=2).contributions, rows)
    named = {"cell": dict(zip("cab", cells[[2, 0, 1]], strict=True))}
    assert_close(method(model, X, extra_inputs=named, names=["a", "b", "c"]).contributions, rows)
    if method.references:  # constant references see each sequence's own input
        each = method(model, X, extra_inputs={"cell": cells}, references="uniform")
        one = method(SequenceModel(keras_model, extra_inputs={"cell": cells[1]}), X, references="uniform")
        assert_close(each.contributions[1:2], one.contributions[1:2])
    for bad, message in (
        ({}, "has an input 'cell'"),
        ({"cell": cells[:, :2]}, "wants"),
        ({"cell": cells[:2]}, "2 rows for 3 sequences"),
        ({"cell": np.concatenate([cells, cells])}, "6 rows for 3 sequences"),
        ({"cell": dict(zip("ab", cells, strict=False))}, "no row for the sequence 'c'"),
        ({"cell": cells, "tissue": 1.0}, "no extra input 'tissue'"),
    ):
        with pytest.raises((ParameterError, ShapeError), match=message):
            method(model, X, extra_inputs=bad, names=["a", "b", "c"])


@every_method
def test_any_length(method: Method, wrapped: Wrapped) -> None:
    model = wrapped("any length")
    for length in (9, L):
        X = dna(2, seed=9, length=length)  # no pair of equal scores: an integral of 0 drowns in rounding
        result = method(model, X)
        assert result.contributions.shape == X.shape
        np.testing.assert_allclose(result.predictions, model.predict(X, level="logit").reshape(2), atol=2e-6)
        if method.complete:
            delta = result.predictions - result.reference_predictions.mean(axis=1)
            np.testing.assert_allclose(result.contributions.sum(axis=(1, 2)), delta, atol=1e-5)


@every_method
def test_logits_below_joined_sigmoids(method: Method) -> None:
    x = keras.Input((L, 4))
    y = kl.GlobalMaxPooling1D()(kl.Conv1D(4, 3, activation="relu")(x))
    logits = [kl.Dense(2, name=f"logit_{k}") for k in range(2)]
    heads = [kl.Activation("sigmoid")(layer(y)) for layer in logits]
    joined = kl.Reshape((2, 2))(kl.Concatenate()(heads))
    model = randomise(keras.Model(x, joined))
    plain = keras.Model(x, kl.Reshape((2, 2))(kl.Concatenate()([layer(y) for layer in logits])))
    X = dna(2, seed=8)
    got, wanted = method(SequenceModel(model), X, target=(1, 0)), method(SequenceModel(plain), X, target=(1, 0))
    assert_close(got.contributions, wanted.contributions)
    np.testing.assert_allclose(got.predictions, wanted.predictions, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "float16", "mixed_bfloat16"])
@every_method
def test_half_precision_models_are_explained_in_full(method: Method, policy: str) -> None:
    def build(dtype: str) -> Any:
        x = keras.Input((L, 4))
        y = kl.MaxPooling1D(2, dtype=dtype)(kl.Conv1D(4, 3, activation="relu", dtype=dtype)(x))
        y = kl.ReLU(dtype=dtype)(kl.Dense(3, dtype=dtype)(kl.Flatten(dtype=dtype)(y)))
        return randomise(keras.Model(x, kl.Dense(1, dtype=dtype)(y)))

    half, full = build(policy), build("float32")
    for a, b in zip(half.weights, full.weights, strict=True):
        b.assign(array_of(a).astype(np.float32))
    X = dna(2, seed=9)
    got, wanted = method(SequenceModel(half), X), method(SequenceModel(full), X)
    assert got.contributions.dtype == np.float32
    assert_close(got.contributions, wanted.contributions)
