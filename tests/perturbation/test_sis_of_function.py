"""Sufficient input subsets of plain functions: the authors' vectors, closed forms, and what cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqexplain import back_select, find_sis, sis_collection
from seqexplain.errors import ParameterError, ShapeError
from seqexplain.perturbation._backward_selection import first_best

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "L2": lambda batch: np.linalg.norm(batch, ord=2, axis=-1),
    "SUM": lambda batch: batch.reshape(len(batch), -1).sum(axis=1),
    "LINREG": lambda batch: batch @ np.array([1.0, 2.0, 0.0, 1.0]),
}


def vectors(testdata: Path, kind: str) -> list[dict[str, Any]]:
    return list(json.loads((testdata / "reference" / "sis_vectors.json").read_text())[kind])


def shape_of(case: dict[str, Any]) -> tuple[int, ...] | None:
    return tuple(case["mask_shape"]) if "mask_shape" in case else None


def test_the_authors_backward_selections(testdata: Path) -> None:
    cases = vectors(testdata, "backselect")
    assert len(cases) == 6
    for case in cases:
        found = back_select(FUNCTIONS[case["f"]], case["x"], 0, mask_shape=shape_of(case))
        assert found.order.tolist() == case["order"]
        np.testing.assert_allclose(found.values, case["values"], rtol=0, atol=1e-12)


def test_the_authors_collections(testdata: Path) -> None:
    cases = vectors(testdata, "collection")
    assert len(cases) == 12
    for case in cases:
        f, x = FUNCTIONS[case["f"]], np.asarray(case["x"], dtype=float)
        found = sis_collection(f, case["thr"], x, 0, mask_shape=shape_of(case), batch_size=2)
        assert [subset.positions.tolist() for subset in found] == case["sis"]
        for subset, order, values in zip(found, case.get("order", []), case.get("values", []), strict=False):
            assert subset.order.tolist() == order
            np.testing.assert_allclose(subset.values, values, rtol=1e-11, atol=0)
        for subset in found:
            assert subset.value == pytest.approx(f(np.where(subset.mask, x, 0)[None])[0])
            assert subset.value >= case["thr"]
            assert np.argwhere(subset.mask).tolist() == sorted(subset.positions.tolist())
        one = find_sis(f, case["thr"], x, 0, mask_shape=shape_of(case))
        assert (one is None) == (not case["sis"])
        if one is not None:
            assert one.positions.tolist() == case["sis"][0]
            assert len(one) == len(case["sis"][0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-5, 9), min_size=1, max_size=7), st.integers(1, 30), st.integers(0, 3))
def test_sums_in_closed_form(x: list[int], threshold: int, most: int) -> None:
    """Of a sum, the features go in the order of their size; a subset is the fewest of the largest that reach it."""
    order = np.argsort(x, kind="stable")
    assert back_select(FUNCTIONS["SUM"], x, 0).order.ravel().tolist() == order.tolist()
    left, wanted = list(range(len(x))), []
    while sum(x[i] for i in left) >= threshold and (not most or len(wanted) < most):
        ranked = [i for i in order[::-1] if i in left]
        size = next(k for k in range(1, len(ranked) + 1) if sum(x[i] for i in ranked[:k]) >= threshold)
        wanted.append(ranked[:size])
        left = [i for i in left if i not in ranked[:size]]
    found = sis_collection(FUNCTIONS["SUM"], threshold, x, 0, max_subsets=most or None)
    assert [subset.positions.ravel().tolist() for subset in found] == wanted


def test_nothing_is_needed_where_the_mask_suffices() -> None:
    assert sis_collection(FUNCTIONS["SUM"], 2.0, [1.0, 2.0], [1.0, 1.0]) == ()
    assert find_sis(FUNCTIONS["SUM"], 2.0, [1.0, 2.0], [1.0, 1.0]) is None


def test_features_that_are_masked_from_the_beginning() -> None:
    found = sis_collection(FUNCTIONS["SUM"], 4.0, [9.0, 4.0, 1.0], 0, visible=[False, True, True])
    assert [subset.positions.ravel().tolist() for subset in found] == [[1]]
    assert found[0].order.ravel().tolist() == [2, 1]


def test_equal_values_are_exactly_equal() -> None:
    values = np.array([[1.0, 2.0, 2.0], [0.0, 0.0, np.nextafter(0, 1)], [-np.inf, -np.inf, 0.0]])
    free = np.array([[True, True, True], [True, True, True], [True, True, False]])
    assert first_best(values, free).tolist() == [1, 2, 0]
    assert first_best(values, np.zeros_like(free)).tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"mask_shape": (3,)}, ShapeError, r"mask of shape \(3,\) cannot be spread over an input of shape \(2,\)"),
        ({"masked": [0, 0, 0]}, ShapeError, r"has shape \(3,\); the input has \(2,\)"),
        ({"visible": [True]}, ShapeError, r"visible has shape \(1,\)"),
        ({"batch_size": 0}, ParameterError, "batch_size=0"),
        ({"max_subsets": 0}, ParameterError, "max_subsets=0"),
        ({"threshold": np.nan}, ParameterError, "threshold=nan"),
        ({"f": lambda batch: batch}, ShapeError, r"values of shape \(1, 2\) for a batch of 1"),
        ({"f": lambda batch: np.full(len(batch), np.nan)}, ParameterError, "not a finite number"),
    ],
)
def test_what_cannot_be(change: dict[str, Any], error: type[Exception], message: str) -> None:
    given_ = {"f": FUNCTIONS["SUM"], "threshold": 1.0, "x": [1.0, 2.0], "masked": 0, **change}
    with pytest.raises(error, match=message):
        sis_collection(**given_)
