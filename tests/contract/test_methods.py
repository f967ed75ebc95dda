"""What every method promises, whatever it computes. Runs on each Keras backend: set KERAS_BACKEND."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from contract.methods import METHODS, Method
from contract.toys import TOYS, L, array_of, dna, tasks

from seqexplain.errors import ParameterError, SeqExplainError, ShapeError, TargetError
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.models.target import contrast
from seqexplain.results import Attributions

SCORE_TOLERANCE = 1e-6  # of the model's own scores, which are of the order of 1
ROW_TOLERANCE = 1e-6  # of the largest score of a row: batches of other shapes round differently
ARRAYS = ("contributions", "hypothetical", "X", "predictions", "reference_predictions", "completeness_error")
COMPLETE = [n for n, m in METHODS.items() if m.complete]
ACCOUNTING = [n for n, m in METHODS.items() if m.accounts]
WITH_REFERENCES = [n for n, m in METHODS.items() if m.references]
SEEDED = [n for n, m in METHODS.items() if m.seeded]

Wrapped = Callable[[str], SequenceModel]
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
every_toy = pytest.mark.parametrize("toy", TOYS)


def of(names: list[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("method", [METHODS[n] for n in names], ids=names)


def assert_rows_close(a: np.ndarray, b: np.ndarray, tolerance: float = ROW_TOLERANCE) -> None:
    assert a.shape == b.shape
    for row, (p, q) in enumerate(zip(a, b, strict=True)):
        assert np.abs(p - q).max() <= tolerance * np.abs(q).max(), f"row {row}"


def assert_same_rows(method: Method, a: Attributions, b: Attributions) -> None:
    """The same scores; those that share out f(x), or subtract one from another, as exactly as float32 knows f(x)."""
    np.testing.assert_allclose(a.predictions, b.predictions, rtol=0, atol=SCORE_TOLERANCE)
    for row in range(len(b)):
        allowed = ROW_TOLERANCE
        if method.accounts:  # f(x) may be a small sum of large terms
            allowed += abs(a.predictions[row] / b.predictions[row] - 1)
        if not b.contributions[row].any():  # a sequence without any sufficient subset, say
            assert not a.contributions[row].any(), f"row {row}"
            continue
        if method.subtracts:
            allowed += SCORE_TOLERANCE / np.abs(b.contributions[row]).max()
        assert_rows_close(a.contributions[[row]], b.contributions[[row]], allowed)


@every_toy
@every_method
def test_shapes_and_types(method: Method, toy: str, wrapped: Wrapped) -> None:
    X = dna(3)
    result = method(wrapped(toy), X, target=TOYS[toy].target)
    assert result.contributions.shape == X.shape
    assert result.predictions.shape == (3,)
    assert len(result.names) == 3
    assert len(result.targets) == 1
    for name in ARRAYS:
        value = getattr(result, name)
        assert value is None or value.dtype == np.float32, name
        assert value is None or np.isfinite(value).all(), name
    np.testing.assert_array_equal(result.X, X)
    if result.hypothetical is not None:
        np.testing.assert_array_equal(result.contributions, result.hypothetical * X)


@every_toy
@every_method
def test_predictions_are_the_models(method: Method, toy: str, wrapped: Wrapped) -> None:
    X, target = dna(3), TOYS[toy].target
    result = method(wrapped(toy), X, target=target)
    wanted = wrapped(toy).predict(X, target=target, level="logit")  # (n, 1) where no target was needed
    np.testing.assert_allclose(result.predictions, wanted.reshape(3), rtol=0, atol=2e-6)


@every_toy
@of(COMPLETE)
def test_contributions_add_up(method: Method, toy: str, wrapped: Wrapped) -> None:
    result = method(wrapped(toy), dna(3), target=TOYS[toy].target)
    delta = result.predictions[:, None] - result.reference_predictions
    magnitude = np.abs(result.contributions).sum(axis=(1, 2))
    error = np.abs(result.completeness_error)
    assert np.all((error <= 1e-4 * np.abs(delta)) | (error <= 1e-5 * magnitude[:, None]))
    # the errors are what the scores say, and no numbers beside them
    summed = result.contributions.astype(np.float64).sum(axis=(1, 2))
    np.testing.assert_allclose(summed, delta.mean(axis=1), rtol=0, atol=1e-5 * magnitude.max())


@every_toy
@of(ACCOUNTING)
def test_what_no_base_gets_is_told(method: Method, toy: str, wrapped: Wrapped) -> None:
    result = method(wrapped(toy), dna(3), target=TOYS[toy].target)
    assert result.completeness_error.shape == (3, 1)
    summed = result.contributions.astype(np.float64).sum(axis=(1, 2))
    magnitude = np.abs(result.contributions).sum()
    np.testing.assert_allclose(
        result.completeness_error[:, 0], summed - result.predictions, rtol=0, atol=1e-6 * magnitude
    )


@every_toy
@every_method
def test_a_row_does_not_depend_on_the_others(method: Method, toy: str, wrapped: Wrapped) -> None:
    X, target = dna(5, seed=4), TOYS[toy].target
    run = lambda rows: method(wrapped(toy), X[rows], target=target, batch_size=3)  # noqa: E731
    whole = run(slice(None))
    order = [4, 1, 3, 0, 2]
    shuffled, alone = run(order), run([2])
    assert_same_rows(method, shuffled, whole.take(order))
    assert_same_rows(method, alone, whole.take([2]))


@every_method
def test_batch_size_changes_nothing(method: Method, wrapped: Wrapped) -> None:
    X = dna(5, seed=5)
    results = [method(wrapped("tasks"), X, target=0, batch_size=b) for b in (1, 3, 5, 8, "auto")]
    for other in results[1:]:
        assert_same_rows(method, other, results[0])


@every_method
def test_the_same_call_gives_the_same_bytes(method: Method, wrapped: Wrapped) -> None:
    X = dna(3, seed=6)
    once, again = (method(wrapped("tasks"), X, target=0, random_state=7) for _ in range(2))
    fresh = method(SequenceModel(tasks()), X, target=0, random_state=7)
    for name in ARRAYS:
        a, b, c = (getattr(r, name) for r in (once, again, fresh))
        if a is not None:
            assert a.tobytes() == b.tobytes() == c.tobytes(), name


@of(SEEDED)
def test_another_seed_differs(method: Method, wrapped: Wrapped) -> None:
    X = dna(3, seed=6)
    one, two = (method(wrapped("tasks"), X, target=0, random_state=s) for s in (1, 2))
    for a, b in zip(one.contributions, two.contributions, strict=True):
        assert np.abs(a - b).max() > 1e-3


@every_method
def test_several_targets_equal_separate_calls(method: Method, wrapped: Wrapped) -> None:
    X, model = dna(3, seed=8), wrapped("tasks")
    both = method(model, X, target=[2, 0])
    assert both.contributions.shape == (3, 2, L, 4)
    assert both.predictions.shape == (3, 2)
    single = [method(model, X, target=t) for t in (2, 0)]
    # a choice of steps may turn on how one of several targets is rounded
    tolerance = ROW_TOLERANCE if method.linear else max(ROW_TOLERANCE, method.repeats)
    for k, one in enumerate(single):
        assert_rows_close(both.contributions[:, k], one.contributions, tolerance)
        assert both.for_target(k).targets == one.targets
    difference = method(model, X, target=contrast(2, 0))
    if method.linear:
        wanted = single[0].contributions - single[1].contributions
        assert_rows_close(difference.contributions, wanted, 5e-6)
    np.testing.assert_allclose(difference.predictions, single[0].predictions - single[1].predictions, atol=1e-6)
    listed = method(model, X, target=[1])
    assert listed.contributions.shape == (3, 1, L, 4)


@every_method
def test_targets_in_different_heads(method: Method, wrapped: Wrapped) -> None:
    X, model = dna(2, seed=9), wrapped("two heads")
    specs = [("counts", 1), ("profile", (0, 0)), (1, (3, 1)), contrast(("counts", 0), ("profile", (2, 0)))]
    joint = method(model, X, target=specs)
    for k, spec in enumerate(specs):
        assert_rows_close(joint.contributions[:, k], method(model, X, target=spec).contributions, 5e-6)
    if not method.linear:
        return
    summed = method(model, X, target=lambda heads: heads[0][:, 0] - 2.0 * heads[1][:, 3, 1] + 5.0)
    parts = [method(model, X, target=s).contributions for s in (("counts", 0), (1, (3, 1)))]
    assert_rows_close(summed.contributions, parts[0] - 2 * parts[1], 5e-6)


@every_method
def test_output_level_goes_through_the_sigmoid(method: Method, wrapped: Wrapped) -> None:
    X, model = dna(3, seed=10), wrapped("tasks")
    result = method(model, X, target=2, level="output")
    np.testing.assert_allclose(result.predictions, model.predict(X)[:, 2], atol=1e-6)
    assert 0 < result.predictions.min() < result.predictions.max() < 1
    if method.complete:
        delta = result.predictions - result.reference_predictions.mean(axis=1)
        np.testing.assert_allclose(result.contributions.sum(axis=(1, 2)), delta, atol=1e-5)


@every_method
def test_no_sequences(method: Method, wrapped: Wrapped) -> None:
    result = method(wrapped("tasks"), dna(3)[:0], target=0)
    assert result.contributions.shape == (0, L, 4)
    assert result.predictions.shape == (0,)


@every_method
def test_whole_numbers_and_strings_are_fine(method: Method, wrapped: Wrapped) -> None:
    X, model = dna(3, seed=11), wrapped("tasks")
    wanted = method(model, X, target=0).contributions
    for given in (X.astype(np.int8), X.astype(bool), X.astype(np.float64), np.asfortranarray(X)):
        np.testing.assert_array_equal(method(model, given, target=0).contributions, wanted)
    strings = ["".join("ACGT"[k] for k in row.argmax(axis=1)) for row in X]
    np.testing.assert_array_equal(method(model, strings, target=0).contributions, wanted)


BAD_X = {
    "channels first": (lambda: dna(3).transpose(0, 2, 1)[:, :, :10], r"transpose\(0, 2, 1\)"),
    "one sequence without batch": (lambda: dna(3)[0], "expected \\(n, length, 4\\)"),
    "another length": (lambda: dna(3, length=L + 1), "13 bp"),
    "five bases": (lambda: np.zeros((2, L, 5)), "expected \\(n, length, 4\\)"),
    "NaN": (lambda: np.where(dna(2) == 1, np.nan, 0.0), "finite"),
    "infinity": (lambda: np.where(dna(2) == 1, np.inf, 0.0), "finite"),
    "objects": (lambda: dna(2).astype(object), "finite numbers"),
}


@pytest.mark.parametrize("what", BAD_X)
@every_method
def test_bad_sequences_are_explained(method: Method, what: str, wrapped: Wrapped) -> None:
    make, message = BAD_X[what]
    with pytest.raises(ShapeError, match=message):
        method(wrapped("tasks"), make(), target=0)


BAD_OPTIONS = {
    "no target": ({"target": None}, TargetError, "more than one value"),
    "target out of range": ({"target": 3}, TargetError, "out of range"),
    "no such head": ({"target": ("nothing", 0)}, TargetError, "no head 'nothing'"),
    "empty list": ({"target": []}, TargetError, "at least one"),
    "target of another type": ({"target": 1.5}, TargetError, "not understood"),
    "batch of none": ({"batch_size": 0}, ParameterError, "batch_size=0"),
    "batch of words": ({"batch_size": "large"}, ParameterError, "batch_size='large'"),
    "level": ({"level": "probability"}, ParameterError, "level='probability'"),
    "extra input that is none": ({"extra_inputs": {"cell": 1.0}}, ParameterError, "no extra input 'cell'"),
    "curved callable": ({"target": lambda y: y[:, 0] * y[:, 1]}, TargetError, "not an affine"),
    "too few names": ({"names": ["only one"]}, ShapeError, "1 names for 2 sequences"),
}


@pytest.mark.parametrize("what", BAD_OPTIONS)
@every_method
def test_bad_options_are_explained(method: Method, what: str, wrapped: Wrapped) -> None:
    options, error, message = BAD_OPTIONS[what]
    with pytest.raises(error, match=message):
        method(wrapped("tasks"), dna(2), **{"target": 0, **options})


def snapshot(model: Any) -> dict[str, Any]:
    """Everything of a model that must not change: weights, attributes and nodes of all its layers."""
    found: dict[str, Any] = {}
    for layer in model._flatten_layers():
        found[layer.name] = {k: (id(v), repr(type(v)), len(v) if isinstance(v, (list, dict, set)) else 0)
                             for k, v in vars(layer).items()}  # fmt: skip
        found[f"{layer.name} nodes"] = (len(layer._inbound_nodes), len(layer._outbound_nodes))
    found["weights"] = [(v.path, array_of(v).tobytes()) for v in model.variables]
    found["trainable"] = [v.path for v in model.trainable_variables]
    return found


@every_toy
@every_method
def test_the_model_is_left_as_it_was(method: Method, toy: str) -> None:
    keras_model = TOYS[toy].build()
    keras_model(
        [np.zeros((1, *(L if n is None else n for n in i.shape[1:])), "float32") for i in keras_model.inputs]
        if len(keras_model.inputs) > 1
        else np.zeros((1, L, 4), "float32")
    )
    before = snapshot(keras_model)
    model = SequenceModel(keras_model, extra_inputs=TOYS[toy].extra)
    method(model, dna(2), target=TOYS[toy].target)
    assert snapshot(keras_model) == before
    with pytest.raises(SeqExplainError):
        method(model, dna(2), target=99)
    with pytest.raises(SeqExplainError):
        method(model, dna(2) * np.nan, target=TOYS[toy].target)
    assert snapshot(keras_model) == before


@every_method
def test_retrained_weights_are_seen(method: Method) -> None:
    keras_model = tasks()
    model = SequenceModel(keras_model)
    before = method(model, dna(2), target=0).contributions
    for variable in keras_model.get_layer("tasks").weights:
        variable.assign(2 * array_of(variable))
    np.testing.assert_allclose(
        method(model, dna(2), target=0).contributions, 2**method.degree * before, rtol=1e-5, atol=1e-6
    )
