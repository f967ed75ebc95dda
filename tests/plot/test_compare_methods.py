"""Several methods on one sequence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from explained import L, explained, placed
from matplotlib.figure import Figure

from seqexplain.errors import ParameterError, SequenceError, TargetError
from seqexplain.plot import compare_methods


def tops(ax):
    """Highest letter's top at each position (short logos: one patch a letter)."""
    boxes = [patch.get_path().get_extents() for patch in ax.patches if patch.get_zorder() == 0]
    found = np.zeros(L)
    for box in boxes:
        at = round((box.x0 + box.x1) / 2)
        found[at] = max(found[at], box.y1)
    return found


def test_stacked_in_order_over_one_axis_of_positions():
    one, two = explained(), explained(seed=5)
    upper, lower = compare_methods({"DeepLIFT": one, "ISM": two}, "peak_2")
    assert [ax.get_ylabel() for ax in (upper, lower)] == ["DeepLIFT", "ISM"]
    assert upper.get_xlim() == lower.get_xlim() == (-0.5, L - 0.5)
    assert np.allclose(tops(upper), np.maximum(one.contributions[1].sum(axis=1), 0), atol=1e-6)
    assert np.allclose(tops(lower), np.maximum(two.contributions[1].sum(axis=1), 0), atol=1e-6)
    assert upper.get_title(loc="left") == "peak_2 · CTCF"
    assert not upper.get_xlabel()
    assert lower.get_xlabel() == "position (bp)"


def test_named_by_their_methods():
    results = [explained(), explained(method="deeplift"), explained(method="deeplift")]
    axes = compare_methods(results, 1)
    labels = [ax.get_ylabel().replace("\n", " ") for ax in axes]
    assert labels == [
        "in silico mutagenesis",
        "deeplift (1)",
        "deeplift (2)",
    ]


def test_found_by_name_in_each_result():
    one = explained()
    some = one.take([2, 1])
    _, lower = compare_methods({"all": one, "some": some}, 1)
    assert np.allclose(tops(lower), np.maximum(one.contributions[1].sum(axis=1), 0), atol=1e-6)
    # two sequences of one name: the position tells, in results of the same sequences
    upper, lower = compare_methods({"all": one, "same": one}, 3)
    assert np.array_equal(tops(upper), tops(lower))


def test_each_has_its_own_scale_unless_asked():
    small, large = explained(), explained(contributions=100 * explained().contributions)
    own = compare_methods([small, large], 1)
    assert own[0].get_ylim()[1] < own[1].get_ylim()[1] / 50
    shared = compare_methods([small, large], 1, shared_y=True)
    assert shared[0].get_ylim() == shared[1].get_ylim()
    scaled = compare_methods([small, large], 1, scaled=True)
    assert np.allclose(tops(scaled[0]), tops(scaled[1]), atol=1e-6)
    assert max(np.abs(scaled[0].get_ylim())) == pytest.approx(1, abs=0.1)


def test_highlights_in_genome_coordinates_run_through_all():
    one = explained(intervals=placed("+"))
    axes = compare_methods([one, one], 0, highlight=[(3, 6, "site")])
    for ax in axes:
        assert [p.get_bbox().x0 for p in ax.patches if p.get_zorder() == -2] == [2.5]
    assert axes[1].get_xlabel() == "chr8 (bp, 0-based, + strand)"


def test_a_target_of_each():
    several = explained(("a", "b"), several=True)
    upper, lower = compare_methods({"x": several, "y": several}, 1, target="b")
    assert np.array_equal(tops(upper), tops(lower))
    assert upper.get_title(loc="left") == "peak_2 · b"
    with pytest.raises(TargetError, match="Choose one"):
        compare_methods({"x": several}, 1)
    one, other = explained(("a",)), explained(("b",))
    assert compare_methods([one, other], 1)[0].get_title(loc="left") == "peak_2"


def test_in_the_place_of_the_users_axes():
    ax = Figure(figsize=(6, 4), layout="constrained").subplots()
    assert compare_methods([explained(), explained()], 1, ax=ax) == ax.child_axes
    with pytest.raises(ParameterError, match="ax holds 2 axes; expected 3"):
        compare_methods([explained()] * 3, 1, ax=Figure().subplots(2))


def test_errors_teach():
    one = explained()
    with pytest.raises(ParameterError, match="results holds none; expected Attributions by name"):
        compare_methods({}, 0)
    with pytest.raises(ParameterError, match="results holds ndarray"):
        compare_methods({"a": one, "b": one.X}, 0)
    with pytest.raises(ParameterError, match="results holds Attributions; expected Attributions by name"):
        compare_methods(one, 0)
    with pytest.raises(SequenceError, match="ISM: No sequence has the name 'peak_2'"):
        compare_methods({"a": one, "ISM": one.take([0])}, "peak_2")
    turned = replace(one, X=one.X[:, ::-1])
    with pytest.raises(SequenceError, match="'peak_2' has other bases in 'b' than in 'a': the first at position"):
        compare_methods({"a": one, "b": turned}, 1)
