"""Subsets of sequences against brute force with the Keras model alone, and what is said of them."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

import seqexplain
from seqexplain import SequenceModel, SufficientInputSubsets, contrast, load, saliency, save, sufficient_input_subsets
from seqexplain.errors import (
    ParameterError,
    ScoreWarning,
    SequenceWarning,
    ShapeError,
    TargetError,
    UnsupportedLayerError,
)
from seqexplain.models import profile
from seqexplain.perturbation import SisJob, SisOptions
from seqexplain.perturbation._gradient_masking import value_and_gradient
from seqexplain.results import STOPPED, Interval
from seqexplain.storage import ResultStore, export, export_subsets

L = 24


def brute(f: Any, x: np.ndarray, blank: np.ndarray, threshold: float, known: np.ndarray) -> tuple[list[list[int]], str]:
    """The procedure as the paper has it: one sequence, one feature after the other, each candidate a sequence."""

    def shown(visible: Any) -> np.ndarray:
        keep = np.isin(np.arange(len(x)), list(visible)) | ~known
        return np.where(keep[:, None], x, blank)

    def value(*sets: Any) -> np.ndarray:
        return f(np.stack([shown(s) for s in sets]))

    left, subsets = [int(i) for i in np.flatnonzero(known)], []
    if value(left)[0] < threshold:
        return [], STOPPED[1]
    if value([])[0] >= threshold:
        return [], STOPPED[4]
    while value(left)[0] >= threshold:
        visible, stack = list(left), []
        while visible:
            candidates = [[j for j in visible if j != i] for i in visible]
            values = value(*candidates)
            best = int(np.argmax(values))
            stack.append((visible[best], values[best]))
            visible = candidates[best]
        subset = []
        for i, (position, _) in list(enumerate(stack))[::-1]:
            subset.append(position)
            if i == 0 or stack[i - 1][1] >= threshold:
                break
        subsets.append(subset)
        left = [i for i in left if i not in subset]
    return subsets, STOPPED[2]


def listed(result: SufficientInputSubsets, row: int) -> list[list[int]]:
    return [subset.positions.tolist() for subset in result.subsets(row)]


@pytest.fixture(scope="module")
def plain(network: Any) -> Any:
    """The network in NumPy, float64: it is asked for one sequence after the other."""
    kernel, bias, dense, offset = (np.asarray(keras.ops.convert_to_numpy(w), np.float64) for w in network.weights)

    def f(x: np.ndarray) -> np.ndarray:
        windows = np.lib.stride_tricks.sliding_window_view(x, 5, axis=1)  # (n, 20, 4, 5)
        y = np.maximum(np.einsum("nlcw,wcf->nlf", windows, kernel) + bias, 0)
        pooled = np.stack([y[:, i : i + 3].max(axis=1) for i in range(0, 18, 2)], axis=1)
        return pooled.reshape(len(x), -1) @ dense + offset

    return f


@pytest.mark.parametrize(
    ("masking", "negative", "target"),
    [("mean", False, 1), ("zeros", False, 1), ([0.3, 0.2, 0.2, 0.3], True, 0), ("background", True, 0)],
)
def test_the_procedure_itself(
    wrapped: Any, sequences: Any, plain: Any, masking: Any, negative: bool, target: int
) -> None:
    X = sequences(4, L, seed=11)
    X[1, 6:9] = 0
    sign = -1 if negative else 1
    predictions = sign * plain(X)[:, target]
    named = {"mean": 0.25, "zeros": 0.0, "background": X.sum((0, 1)) / X.sum()}
    blank = np.full((L, 4), 1.0) * np.asarray(named[masking] if isinstance(masking, str) else masking)
    empty = sign * plain(blank[None])[0, target]
    threshold = float(np.float32(empty + 0.4 * (np.median(predictions) - empty)))
    result = sufficient_input_subsets(
        wrapped, X, target=target, threshold=sign * threshold, masking=masking, negative=negative
    )
    assert result.n_subsets.max() >= 2
    for row in range(len(X)):
        known = X[row].any(axis=-1)
        wanted, ended = brute(lambda x: sign * plain(x)[:, target], X[row], blank, threshold, known)
        assert listed(result, row) == wanted
        assert STOPPED[result.stopped[row]] == ended
        for subset in result.subsets(row):
            alone = np.where((np.isin(np.arange(L), subset.positions) | ~known)[:, None], X[row], blank)
            assert subset.value == pytest.approx(plain(alone[None])[0, target], abs=1e-5)
            assert subset.sufficient == (sign * subset.value >= threshold)
            fall = result.contributions[row, subset.positions].sum()
            assert fall == pytest.approx(subset.value - result.masked_predictions[row], abs=2e-5)
        assert not result.contributions[row][result.subset[row] == 0].any()
    np.testing.assert_allclose(result.predictions, plain(X)[:, target], atol=1e-5)
    masked = np.where(X.any(-1, keepdims=True), blank, X)
    np.testing.assert_allclose(result.masked_predictions, plain(masked)[:, target], atol=1e-5)
    taken = np.where((result.subset > 0)[:, :, None], blank, X)
    np.testing.assert_allclose(result.rest_predictions, plain(taken)[:, target], atol=1e-5)


def test_neither_company_nor_order_nor_batches_matter(wrapped: Any, sequences: Any) -> None:
    X, difference = sequences(5, L, seed=12), contrast(1, 0)
    whole = sufficient_input_subsets(wrapped, X, target=[difference, 1], threshold=[5.0, 0.2])
    turned = sufficient_input_subsets(wrapped, X[::-1], target=[1, difference], threshold=[0.2, 5.0], batch_size=16)
    assert (whole.n_subsets.sum(axis=0) >= 3).all()
    for name in ("subset", "rank", "stopped", "threshold"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(turned, name)[::-1, ::-1])
    assert whole.subset.dtype == whole.rank.dtype == np.int32
    assert whole.contributions.dtype == whole.subset_value.dtype == whole.predictions.dtype == np.float32
    for column, (target, threshold) in enumerate(((difference, 5.0), (1, 0.2))):
        one = sufficient_input_subsets(wrapped, X[2:3], target=target, threshold=threshold)
        np.testing.assert_array_equal(one.subset[0], whole.subset[2, column])
        np.testing.assert_array_equal(whole.for_target(column).rank[2], one.rank[0])
    with pytest.raises(TargetError, match="choose one"):
        whole.subsets()
    np.testing.assert_array_equal(whole.take([3, 1]).subset, whole.subset[[3, 1]])


def test_why_no_more_was_looked_for(linear: Any, sequences: Any, scored: Any) -> None:
    """Of a sum of weights everything is known beforehand."""
    model, weights = linear
    X = sequences(30, 10, seed=13)
    gains = (X * weights).sum(-1) - weights.mean(-1)
    base = scored(model, np.full((1, 10, 4), 0.25))[0, 0]
    threshold = base + 0.1
    result = sufficient_input_subsets(model, X, threshold=threshold, max_subsets=2)
    ended = {STOPPED[i] for i in result.stopped}
    assert ended == {STOPPED[1], STOPPED[2], STOPPED[3]}
    for row, gain in enumerate(gains):
        left, wanted = set(range(10)), []
        while sum(gain[i] for i in left) >= 0.1 and len(wanted) < 2:
            ranked = sorted(left, key=lambda i: -gain[i])
            size = next(k for k in range(1, 11) if gain[ranked[:k]].sum() >= 0.1)
            wanted.append(ranked[:size])
            left -= set(ranked[:size])
        assert listed(result, row) == wanted
        for subset in result.subsets(row):
            np.testing.assert_allclose(result.contributions[row, subset.positions].sum(-1), gain[subset.positions],
                                       rtol=0, atol=1e-5)  # fmt: skip
    assert {STOPPED[i] for i in sufficient_input_subsets(model, X, threshold=base - 9).stopped} <= {
        STOPPED[1],
        STOPPED[4],
    }
    assert not sufficient_input_subsets(model, X, threshold=99).n_subsets.any()


def test_gradients_of_a_sum_are_exact(linear: Any, sequences: Any, scored: Any) -> None:
    model, _ = linear
    X = sequences(6, 10, seed=14)
    X[2, 4] = 0
    threshold = float(scored(model, np.full((1, 10, 4), 0.25))[0, 0]) + 0.3
    exact = sufficient_input_subsets(model, X, threshold=threshold)
    for options in ({}, {"refine": False}, {"per_step": 3}):
        found = sufficient_input_subsets(model, X, threshold=threshold, method="gradient", **options)
        np.testing.assert_array_equal(found.subset, exact.subset)
    coarse = sufficient_input_subsets(model, X, threshold=threshold, method="gradient", per_step=4, refine=False)
    for row in range(len(X)):
        first = [s for s in coarse.subsets(row) if s.number == 1]
        for subset in first:  # 10 bases (9 known) in steps of 4: what is left is 2 (1), 6 (5) or 10 (9)
            assert len(subset) in ((1, 5, 9) if row == 2 else (2, 6, 10))
            assert set(exact.subsets(row)[0].positions) <= set(subset.positions)
            assert subset.sufficient
            fall = coarse.contributions[row, subset.positions].sum()
            assert fall == pytest.approx(subset.value - coarse.masked_predictions[row], abs=1e-5)


def test_gradients_of_a_network(wrapped: Any, sequences: Any) -> None:
    X = sequences(6, L, seed=15)
    plain = {"target": 1, "threshold": 0.1, "method": "gradient"}
    coarse = sufficient_input_subsets(wrapped, X, **plain, per_step=2, refine=False, max_subsets=1)
    fine = sufficient_input_subsets(wrapped, X, **plain, per_step=2, max_subsets=1)
    assert coarse.n_subsets.any()
    for row in np.flatnonzero(coarse.n_subsets):
        assert set(listed(fine, row)[0]) <= set(listed(coarse, row)[0])
    assert all(subset.sufficient for result in (coarse, fine) for subset in result.subsets())
    np.testing.assert_array_equal(
        sufficient_input_subsets(wrapped, X[4:5], **plain, batch_size=1).n_subsets,
        sufficient_input_subsets(wrapped, X, **plain).n_subsets[4:5],
    )


def test_the_gradient_is_that_of_other_methods(sequences: Any) -> None:
    x, track = keras.Input((L, 4), name="dna"), keras.Input((L, 1), name="track")
    y = kl.Conv1D(5, 5, padding="same", activation="gelu")(x)
    keras.utils.set_random_seed(3)
    network = keras.Model([x, track], [kl.Dense(3, activation="softmax", name="p")(kl.Flatten()(y)),
                                       kl.Add(name="shape")([kl.Conv1D(1, 3, padding="same")(y), track])])  # fmt: skip
    X = sequences(3, L, seed=16)
    tracks = np.random.default_rng(1).normal(size=(3, L, 1)).astype(np.float32)
    model = SequenceModel(network, extra_inputs={"track": tracks})
    for target in (("p", 1), ("shape", (3, 0)), profile("shape")):
        wanted = saliency(model, X, target=target, signed=True)
        values, gradient = value_and_gradient(model, model.targets(target)[0], X, {"track": tracks}, 2)
        np.testing.assert_allclose(gradient, wanted.hypothetical, rtol=0, atol=1e-6)
        np.testing.assert_allclose(values, wanted.predictions, rtol=0, atol=1e-5)
    by_row = sufficient_input_subsets(model, X, target=("shape", (3, 0)), threshold=0.1, method="gradient")
    for row in range(3):
        alone = sufficient_input_subsets(
            network, X[row : row + 1], target=("shape", (3, 0)), threshold=0.1, method="gradient",
            extra_inputs={"track": {"b": tracks[row]}}, names=["b"],
        )  # fmt: skip
        np.testing.assert_array_equal(alone.subset[0], by_row.subset[row])


def test_thresholds(network: Any, wrapped: Any, sequences: Any, scored: Any) -> None:
    X, others = sequences(9, L, seed=17), sequences(11, L, seed=18)
    quick = {"max_subsets": 1, "method": "gradient", "per_step": 8, "refine": False}
    for among, given in ((X, {}), (others, {"threshold_of": others})):
        found = sufficient_input_subsets(wrapped, X, target=[0, 1], threshold=["75%", -0.25], **given, **quick)
        assert found.threshold[0, 0] == pytest.approx(np.quantile(scored(network, among)[:, 0], 0.75), abs=2e-5)
        assert (found.threshold[:, 1] == np.float32(-0.25)).all()
    for quantile, negative, reached in (("100%", False, 1), ("0%", True, 1), ("0%", False, 9), ("100%", True, 9)):
        found = sufficient_input_subsets(wrapped, X, target=0, threshold=quantile, negative=negative, **quick)
        assert (found.stopped != 1).sum() == reached, "whose prediction a quantile is reaches it"


def test_a_black_box(network: Any, wrapped: Any, sequences: Any, tmp_path: Any) -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("SavedModels are TensorFlow's")
    network.export(tmp_path / "saved", verbose=False)
    box, X = seqexplain.load_model(tmp_path / "saved"), sequences(2, L, seed=19)
    found = sufficient_input_subsets(box, X, target=1, threshold="10%", level="output")
    np.testing.assert_array_equal(found.subset, sufficient_input_subsets(wrapped, X, target=1, threshold="10%").subset)
    with pytest.raises(UnsupportedLayerError, match="SavedModel"):
        sufficient_input_subsets(box, X, target=1, threshold=0, level="output", method="gradient")


def test_unknown_bases_as_the_model_sees_them(network: Any, sequences: Any) -> None:
    """A mask of zeros is an unknown base: a model that was shown 0.25 for these is shown 0.25."""
    X = sequences(3, L, seed=20)
    X[:, 3] = 0
    model = SequenceModel(network, unknown="uniform")
    zeros, mean = (sufficient_input_subsets(model, X, target=0, threshold="30%", masking=m) for m in ("zeros", "mean"))
    np.testing.assert_array_equal(zeros.subset, mean.subset)
    np.testing.assert_array_equal(zeros.masked_predictions, mean.masked_predictions)
    assert not zeros.subset[:, 3].any()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"threshold": "high"}, ParameterError, "threshold='high' is not understood"),
        ({"threshold": "120%"}, ParameterError, 'from "0%" to "100%"'),
        ({"threshold": float("inf")}, ParameterError, "threshold=inf"),
        ({"threshold": [1, 2]}, ShapeError, "2 thresholds for 1 targets"),
        ({"masking": "blur"}, ParameterError, "masking='blur' is not known"),
        ({"masking": [1, 2, 3]}, ShapeError, r"masking has shape \(3,\)"),
        ({"masking": [[1, 2], [3]]}, ParameterError, "no array of numbers"),
        ({"masking": [np.nan, 0, 0, 0]}, ParameterError, "not finite"),
        ({"negative": "yes"}, ParameterError, "negative='yes'"),
        ({"max_subsets": 0}, ParameterError, "max_subsets=0"),
        ({"method": "fast"}, ParameterError, "method='fast'"),
        ({"per_step": 2}, ParameterError, 'nothing for method="exact"'),
        ({"names": ["a"]}, ShapeError, "1 names for 2 sequences"),
        ({"target": 7}, TargetError, "7"),
    ],
)
def test_what_cannot_be(wrapped: Any, sequences: Any, change: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        sufficient_input_subsets(wrapped, sequences(2, L), **{"target": 0, "threshold": 0.0, **change})


def test_a_job_takes_numbers(network: Any) -> None:
    with pytest.raises(ParameterError, match="thresholds as numbers"):
        SisJob(SequenceModel(network), L, 1, SisOptions(target=0, threshold="50%"))


def test_values_that_are_no_numbers(sequences: Any) -> None:
    x = keras.Input((6, 4))
    model = keras.Model(x, kl.Lambda(lambda y: keras.ops.log(keras.ops.sum(y, axis=(1, 2)) - 6), output_shape=())(x))
    with pytest.warns(ScoreWarning, match="sequence_0"), pytest.raises(ParameterError, match="not a finite number"):
        sufficient_input_subsets(SequenceModel(model), sequences(1, 6), threshold=0.0)


def test_no_sequences(wrapped: Any) -> None:
    found = sufficient_input_subsets(wrapped, np.zeros((0, L, 4), np.float32), target=0, threshold=0.0)
    assert found.subset.shape == (0, L)
    assert found.subsets() == []
    with pytest.raises(ParameterError, match="there are none"):
        sufficient_input_subsets(wrapped, np.zeros((0, L, 4), np.float32), target=0, threshold="50%")


@pytest.fixture(scope="module")
def found(wrapped: Any, sequences: Any) -> SufficientInputSubsets:
    """Subsets of two targets, with places on a genome."""
    X = sequences(4, L, seed=21)
    result = sufficient_input_subsets(wrapped, X, target=[1, 0], threshold=[0.1, 9.0])
    places = (Interval("chr1", 100, 124, "+"), Interval("chr2", 50, 74, "-"), Interval("chr3", 0, 24, "."), None)
    return replace(result, intervals=places, names=("a", "b", "c", "d e"))


def test_subsets_are_stored(found: SufficientInputSubsets, tmp_path: Any) -> None:
    arrays = ("subset", "rank", "subset_value", "threshold", "rest_predictions", "masked_predictions", "stopped",
              "predictions", "contributions", "X")  # fmt: skip
    for result in (found, found.for_target(0)):
        save(result, tmp_path / "s.zarr", overwrite=True)
        back = load(tmp_path / "s.zarr")
        assert isinstance(back, SufficientInputSubsets)
        for name in arrays:
            np.testing.assert_array_equal(getattr(back, name), getattr(result, name))
            assert getattr(back, name).dtype == getattr(result, name).dtype
        assert back.parameters["thresholds"] == [pytest.approx(0.1), 9.0]
        assert load(tmp_path / "s.zarr", rows=[]).subset.shape == (0, *result.subset.shape[1:])
        np.testing.assert_array_equal(load(tmp_path / "s.zarr", rows=[2, 0]).rank, result.rank[[2, 0]])


def test_arrays_of_subsets(found: SufficientInputSubsets) -> None:
    one = found.for_target(0)
    assert isinstance(one, SufficientInputSubsets)
    subsets, arrays = one.subsets(), one.masked_one_hot()
    assert arrays.shape == (len(subsets), L, 4)
    for subset, array in zip(subsets, arrays, strict=True):
        assert array.sum() == len(subset)
        np.testing.assert_array_equal(np.flatnonzero(array.any(-1)), np.sort(subset.positions))
        np.testing.assert_array_equal(array[subset.positions], one.X[subset.sequence, subset.positions])
    assert (one.masked_one_hot(0.25)[0].sum(-1) == 1).all()
    assert one.subsets(-1) == one.subsets(3) or listed(one, -1) == listed(one, 3)


def test_the_table(found: SufficientInputSubsets, tmp_path: Any) -> None:
    path = export_subsets(found, tmp_path / "s.tsv")
    with path.open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    one = found.for_target(0)
    assert {row["target"] for row in rows} == set(found.targets)
    mine = [row for row in rows if row["target"] == found.targets[0] and row["subset"]]
    assert len(mine) == len(one.subsets())
    for row, subset in zip(mine, one.subsets(), strict=True):
        positions = [int(p) for p in row["positions"].split(",")]
        assert positions == subset.positions.tolist()
        assert row["name"] == one.names[subset.sequence]
        letters = dict(zip(sorted(positions), row["pattern"].replace(".", ""), strict=True))
        assert all("ACGT".index(letters[p]) == one.X[subset.sequence, p].argmax() for p in positions)
        assert len(row["pattern"]) == max(positions) - min(positions) + 1
        assert float(row["value"]) == pytest.approx(subset.value, rel=1e-5)
        assert row["sufficient"] == "yes"
    none = [row for row in rows if row["target"] == found.targets[1]]
    assert [row["ended"] for row in none] == [STOPPED[1]] * 4
    assert [row["size"] for row in none] == ["0"] * 4
    assert rows[0]["chromosome"] == "chr1"


def test_bed(found: SufficientInputSubsets, tmp_path: Any) -> None:
    """Blocks are the subsets, on the genome's forward strand."""
    with pytest.warns(SequenceWarning, match="without genome coordinates"):
        path = export_subsets(found, tmp_path / "s.bed", format="bed")
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    one = found.for_target(0)
    wanted = [subset for subset in one.subsets() if one.intervals[subset.sequence] is not None]
    assert len(lines) == len(wanted) > 0
    for line, subset in zip(lines, wanted, strict=True):
        place = one.intervals[subset.sequence]
        assert len(line) == 12
        assert (line[0], line[5]) == (place.chromosome, place.strand)
        covered = [int(line[1]) + int(start) + k for size, start in zip(line[10].split(","), line[11].split(","),
                   strict=True) for k in range(int(size))]  # fmt: skip
        on_genome = [place.end - 1 - p if place.strand == "-" else place.start + p for p in subset.positions]
        assert covered == sorted(on_genome)
        assert int(line[2]) == covered[-1] + 1
    bare = export_subsets(replace(found, intervals=None), tmp_path / "bare.bed", format="bed").read_text()
    assert {line.split("\t")[0] for line in bare.splitlines()} <= {"a", "b", "c", "d_e"}


def test_stores_are_exported(found: SufficientInputSubsets, tmp_path: Any) -> None:
    save(found, tmp_path / "s.zarr")
    export(tmp_path / "s.zarr", tmp_path / "s.tsv", format="subsets")
    assert (tmp_path / "s.tsv").read_text() == export_subsets(found, tmp_path / "t.tsv").read_text()
    save(replace(found.for_target(0), intervals=None), tmp_path / "o.zarr")
    export(tmp_path / "o.zarr", tmp_path / "o.bed", format="blocks")
    assert (tmp_path / "o.bed").stat().st_size
    with pytest.raises(ParameterError, match="No format 'csv'"):
        export_subsets(ResultStore(tmp_path / "o.zarr"), tmp_path / "x", format="csv")


def test_a_store_of_something_else(network: Any, sequences: Any, tmp_path: Any) -> None:
    save(saliency(network, sequences(1, L), target=0), tmp_path / "s.zarr")
    with pytest.raises(ParameterError, match="holds saliency, not sufficient input subsets"):
        export(tmp_path / "s.zarr", tmp_path / "s.tsv", format="subsets")
