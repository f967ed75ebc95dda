"""Curves and points of effects."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot import effect_curves, effect_points, save_figure


def test_lines_are_means_and_bands_standard_errors():
    rng = np.random.default_rng(0)
    values = {"++": rng.normal(size=(9, 5)), "a $dollar$": rng.normal(size=(4, 5))}
    ax = effect_curves([0, 2, 3, 10, 20], values, xlabel="bp", ylabel="logit", title="pair")
    lines = ax.get_lines()
    assert [line.get_label() for line in lines[:2]] == list(values)
    for line, band, given in zip(lines, ax.collections, values.values(), strict=False):
        np.testing.assert_allclose(line.get_ydata(), given.mean(axis=0))
        error = stats.sem(given, axis=0)
        edges = band.get_paths()[0].vertices
        np.testing.assert_allclose(edges[:, 1].max(), (given.mean(axis=0) + error).max())
        np.testing.assert_allclose(edges[:, 1].min(), (given.mean(axis=0) - error).min())
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title(loc="left")) == ("bp", "logit", "pair")
    assert [t.get_text() for t in ax.get_legend().get_texts()] == list(values)


def test_given_axes_are_drawn_on_and_files_repeat(tmp_path):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert effect_curves([1], {"one": [[1.0], [2.0]]}, ax=left) is left
    assert effect_points({"a": [1.0, 2.0], "b": [3.0]}, ax=right) is right
    first = save_figure(left, tmp_path / "a.svg").read_bytes()
    assert save_figure(left, tmp_path / "b.svg").read_bytes() == first


def test_points_show_every_value():
    values = {"10-16": [1.0, 2.0, 4.0], "a name that is far too long for an axis": [0.5]}
    ax = effect_points(values, ylabel="effect")
    dots = [line.get_ydata() for line in ax.get_lines() if line.get_marker() == "o"]
    assert [list(d) for d in dots] == [[1.0, 2.0, 4.0], [0.5]]
    assert [label.get_text()[-1] for label in ax.get_xticklabels()] == ["6", "…"]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: effect_curves([0, 1], {}), ParameterError, "empty"),
        (lambda: effect_curves([0, 1], [[1, 2]]), ParameterError, "a list"),
        (lambda: effect_curves([1, 0], {"a": [[1, 2]]}), ShapeError, "rising"),
        (lambda: effect_curves([0, 1], {"a": [1, 2]}), ShapeError, r"expected \(n, 2\)"),
        (lambda: effect_curves([0, 1], {"a": [[1, np.nan]]}), ShapeError, "not finite"),
        (lambda: effect_points({"a": []}), ShapeError, r"expected \(n,\)"),
        (lambda: effect_points({"a": [1.0]}, ax=3), ParameterError, "Matplotlib axes"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()
