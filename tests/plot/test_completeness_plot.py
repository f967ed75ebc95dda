"""Errors against differences in score."""

from __future__ import annotations

import numpy as np
import pytest
from explained import N, explained
from matplotlib.colors import to_hex

from seqexplain.errors import ParameterError, TargetError
from seqexplain.plot import completeness_plot, save_figure
from seqexplain.plot._effect_curves import PALETTE


def result(**changes):
    """Scores of 10 with references at 0; of eight pairs one misses the tolerance."""
    error = np.array([[1e-4, 0.0], [5e-4, -9e-4], [1e-3 / 2, 0.02], [1e-5, -1e-5]])
    fields = {
        "method": "deeplift",
        "predictions": np.full(N, 10.0),
        "reference_predictions": np.zeros((N, 2)),
        "completeness_error": error,
        "contributions": explained().contributions * 1e-3,
    }
    return explained(**{**fields, **changes})


def clouds(ax):
    """Points that hold, points that do not."""
    return [one for one in ax.collections if one.get_zorder() in (1, 2)]


def test_points_lie_at_size_of_difference_and_of_error():
    ax = completeness_plot(result())
    held, missed = clouds(ax)
    assert len(held.get_offsets()) == 7
    assert missed.get_offsets().tolist() == [[10.0, 0.02]]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert to_hex(missed.get_facecolor()[0]) == PALETTE[1]
    assert to_hex(held.get_facecolor()[0]) == PALETTE[0]
    low, high = ax.get_ylim()
    assert low < np.asarray(held.get_offsets())[:, 1].min() == 5e-6  # an error of 0, below the least other one
    assert high > 0.02


def test_share_is_said():
    assert completeness_plot(result()).get_title(loc="left") == "deeplift: 87.5 % of 8 pairs add up"
    small = result(completeness_error=np.full((N, 2), 1e-6))
    assert completeness_plot(small).get_title(loc="left") == "deeplift: all 8 pairs add up"
    almost = np.full((N, 2000), 1e-6)
    almost[0, 0] = 1.0
    many = result(completeness_error=almost, reference_predictions=np.zeros((N, 2000)))
    assert completeness_plot(many).get_title(loc="left") == "deeplift: 99.9 % of 8,000 pairs add up"


def test_the_line_is_the_tolerance():
    line = completeness_plot(result()).get_lines()[0]
    assert np.allclose(line.get_ydata(), 1e-4 * line.get_xdata())
    assert line.get_label() == "tolerance $10^{-4}$ |Δ|"
    own = completeness_plot(result(parameters={"tolerance": 0.005}))
    assert np.allclose(own.get_lines()[0].get_ydata(), 0.005 * own.get_lines()[0].get_xdata())
    assert own.get_title(loc="left") == "deeplift: all 8 pairs add up"


def test_a_tolerance_of_its_own_goes_for_small_differences_too():
    """Of Σ|c| a hundredth of it counts: of some 3 with 0.005 that is 0.00015."""
    large = explained().contributions * 0.1
    for error, share in ((1e-4, "all 8 pairs add up"), (0.06, "0 % of 8 pairs add up")):
        one = result(
            parameters={"tolerance": 0.005}, contributions=large, completeness_error=np.full((N, 2), error),
            reference_predictions=np.full((N, 2), 10.0),
        )  # fmt: skip
        assert completeness_plot(one).get_title(loc="left") == f"deeplift: {share}"


def test_without_references_the_score_itself_is_distributed():
    one = result(method="lrp", reference_predictions=None, completeness_error=np.full((N, 1), 1e-5))
    ax = completeness_plot(one)
    assert ax.get_xlabel() == "|f(x)|"
    assert ax.get_title(loc="left") == "lrp: all 4 sequences add up"


def test_of_several_targets_one():
    error = np.zeros((N, 2, 3))
    error[:, 1] = 1
    several = explained(
        ("a", "b"), several=True, method="x", completeness_error=error,
        reference_predictions=np.zeros((N, 2, 3)), predictions=np.full((N, 2), 10.0),
    )  # fmt: skip
    assert completeness_plot(several, target="a").get_title(loc="left") == "x: all 12 pairs add up"
    assert "x: 0 % of 12 pairs" in completeness_plot(several, target="b").get_title(loc="left")
    with pytest.raises(TargetError, match="Choose one"):
        completeness_plot(several)


def test_same_bytes(tmp_path):
    saved = [save_figure(completeness_plot(result()), tmp_path / f"{k}.svg").read_bytes() for k in range(2)]
    assert saved[0] == saved[1]


def test_errors_teach():
    with pytest.raises(ParameterError, match=r"in_silico_mutagenesis has no completeness error. Methods that check"):
        completeness_plot(explained())
    with pytest.raises(ParameterError, match="holds no sequence"):
        completeness_plot(result().take([]))
