"""Which scalar is explained: weights over the heads, read off by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seqexplain.errors import TargetError
from seqexplain.models.target import Head, Target, contrast, profile, resolve_targets

ONE = [Head("score", (1,), "linear", 0)]
TASKS = [Head("tasks", (3,), "sigmoid", 0)]
TWO = [Head("counts", (2,), "linear", 0), Head("profile", (5, 2), "linear", 1)]


def resolve(target: Any, heads: list[Head]) -> tuple[Target, ...]:
    return resolve_targets(target, heads, [h.shape for h in heads])


@pytest.mark.parametrize(
    ("target", "heads", "head", "index", "label"),
    [
        (None, ONE, 0, (0,), "0"),
        (2, TASKS, 0, (2,), "2"),
        (-1, TASKS, 0, (2,), "2"),
        (np.int64(1), TASKS, 0, (1,), "1"),
        (("tasks", 1), TASKS, 0, (1,), "1"),
        (("counts", 1), TWO, 0, (1,), "counts:1"),
        ((1, (3, 0)), TWO, 1, (3, 0), "profile:3,0"),
        (("profile", (-1, 1)), TWO, 1, (4, 1), "profile:4,1"),
        ((4, 1), TWO[1:], 1, (4, 1), "4,1"),
        ("score", ONE, 0, (0,), "0"),
    ],
)
def test_one_unit(target: Any, heads: list[Head], head: int, index: tuple[int, ...], label: str) -> None:
    (found,) = resolve(target, heads)
    wanted = np.zeros({h.value: h.shape for h in heads}[head])
    wanted[index] = 1
    assert list(found.weights) == [head]
    np.testing.assert_array_equal(found.weights[head], wanted)
    assert (found.label, found.offset) == (label, 0.0)


@pytest.mark.parametrize(
    ("target", "heads"),
    [
        (True, TASKS),
        (False, ONE),
        (np.True_, TASKS),
        ([0, True], TASKS),
        (("tasks", True), TASKS),
        (("profile", (True, 0)), TWO),
        ((True, 0), TWO),
        (contrast(0, True), TASKS),
        (profile(True), TWO),
    ],
)
def test_true_is_no_index(target: Any, heads: list[Head]) -> None:
    with pytest.raises(TargetError, match=r"True and False are no indices|no head True"):
        resolve(target, heads)


def test_contrasts_and_lists() -> None:
    within, across = resolve([contrast(2, 0), contrast(1, 1)], TASKS)
    np.testing.assert_array_equal(within.weights[0], [-1, 0, 1])
    np.testing.assert_array_equal(across.weights[0], [0, 0, 0])
    (found,) = resolve(contrast(("counts", 0), ("profile", (1, 1))), TWO)
    assert found.weights[0].sum() == 1
    assert found.weights[1].sum() == -1


def test_affine_callables_are_read_off() -> None:
    (found,) = resolve(lambda heads: 3 * heads[0][:, 1] - heads[1][:, 2, 0] + 0.5, TWO)
    np.testing.assert_allclose(found.weights[0], [0, 3])
    assert found.weights[1][2, 0] == -1
    assert np.abs(found.weights[1]).sum() == 1
    assert found.offset == 0.5


@pytest.mark.parametrize(
    ("target", "heads", "message"),
    [
        (None, TASKS, "more than one value"),
        (None, TWO, "'counts' with shape 2"),
        (0, TWO, "which head"),
        (3, TASKS, "out of range"),
        (-4, TASKS, "out of range"),
        (("profile", 1), TWO, "2 axes"),
        ("profile", TWO, "which unit"),
        (("other", 0), TWO, "no head 'other'"),
        ((2, 0), TWO, "no head 2"),
        ("tasks", TASKS, "which unit"),
        (0.5, TASKS, "not understood"),
        ([], TASKS, "at least one"),
        (lambda y: y[:, 0] ** 2, TASKS, "not an affine"),
        (lambda y: y, TASKS, "one number a sequence"),
    ],
)
def test_what_does_not_exist_is_explained(target: Any, heads: list[Head], message: str) -> None:
    with pytest.raises(TargetError, match=message):
        resolve(target, heads)
