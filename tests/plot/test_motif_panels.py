"""Motifs one below the other, with shares."""

from __future__ import annotations

import numpy as np
import pytest

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot import motif_panels, save_figure


def test_logos_have_one_scale_and_bars_the_shares(tmp_path):
    motifs = [np.eye(4), np.full((7, 4), 0.25)]
    logos = motif_panels(motifs, labels=["a $x$", "b"], shares={"right": [0.5, np.nan], "wrong": [0.1, 0.2]}, title="t")
    assert [ax.get_xlim() for ax in logos] == [(-0.5, 6.5)] * 2
    assert [ax.get_title(loc="left") for ax in logos] == ["a $x$", "b"]
    bars = [ax for ax in logos[0].figure.axes if ax not in logos]
    assert [[bar.get_width() for bar in ax.patches] for ax in bars] == [[0.5, 0.1], [0.0, 0.2]]
    assert save_figure(logos, tmp_path / "x.png").stat().st_size > 1000
    assert len(motif_panels(motifs)[0].figure.axes) == 2


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"ppms": []}, ParameterError, "empty"),
        ({"labels": ["a"]}, ShapeError, "1 labels"),
        ({"shares": {"a": [1, 2, 3]}}, ShapeError, r"expected \(2,\)"),
        ({"ppms": [np.ones((3, 4))]}, ShapeError, "sums to 4"),
    ],
)
def test_refusals(options, error, words):
    with pytest.raises(error, match=words):
        motif_panels(**{"ppms": [np.eye(4), np.eye(4)], **options})
