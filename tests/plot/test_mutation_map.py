"""Effects of substitutions as a heat map: results."""

from __future__ import annotations

import numpy as np
import pytest
from explained import L, explained, placed
from matplotlib.collections import QuadMesh

from seqexplain.errors import ParameterError, SequenceError, TargetError
from seqexplain.plot import mutation_map
from seqexplain.results import Interval


def drawn(ax):
    (mesh,) = [one for one in ax.collections if isinstance(one, QuadMesh)]
    return np.asarray(mesh.get_array()).reshape(4, -1).T


def test_a_stretch_of_a_named_sequence():
    result = explained()
    top, bottom = mutation_map(result, "peak_2", start=8, end=20)
    assert np.array_equal(drawn(bottom), result.effects[1, 8:20])
    assert bottom.get_xlim() == top.get_xlim() == (7.5, 19.5)
    assert top.get_title(loc="left") == "peak_2 · CTCF"
    (alone,) = mutation_map(result, 1, logo=False)
    assert np.array_equal(drawn(alone), result.effects[1])
    assert mutation_map(explained(("3",)), 1)[0].get_title(loc="left") == "peak_2 · target 3"


def test_unknown_bases_have_no_dot():
    result = explained()
    _, bottom = mutation_map(result, 0)
    (dots,) = [line for line in bottom.get_lines() if line.get_marker() == "o"]
    assert dots.get_xdata().tolist() == [p for p in range(L) if p not in (10, 11, 12)]
    assert dots.get_ydata().tolist() == result.X[0, dots.get_xdata()].argmax(axis=1).tolist()


def test_genome_coordinates_and_highlights():
    _, bottom = mutation_map(explained(intervals=placed()), 0, highlight=[Interval("chr8", 130, 140)])
    assert bottom.get_xlabel() == "chr8 (bp, 0-based, − strand)"
    assert [line.get_xdata()[0] for line in bottom.get_lines() if line.get_zorder() == 2] == [-0.5, 9.5]


def test_one_of_several_targets():
    result = explained(("a", "b"), several=True)
    _, bottom = mutation_map(result, 1, target="b")
    assert np.array_equal(drawn(bottom), result.effects[1, 1])
    with pytest.raises(TargetError, match=r"2 targets were explained: 'a', 'b'. Choose one: target='a'"):
        mutation_map(result, 1)


def test_hypothetical_contributions_instead():
    result = explained(effects=None, method="deeplift")
    _, bottom = mutation_map(result, 1, values="hypothetical")
    assert np.array_equal(drawn(bottom), result.hypothetical[1])
    with pytest.raises(ParameterError, match=r"deeplift gives no effects.*or draw values='hypothetical'"):
        mutation_map(result, 1)


def test_padding_is_not_drawn():
    _, bottom = mutation_map(explained(lengths=np.array([10, 25, 40, 40])), 1)
    assert bottom.get_xlim() == (-0.5, 24.5)


def test_errors_teach():
    with pytest.raises(SequenceError, match="Close names: peak_2, peak_1"):
        mutation_map(explained(), "peak_22")
    with pytest.raises(ParameterError, match="expected 'effects' or 'hypothetical'"):
        mutation_map(explained(), 0, values="all")
