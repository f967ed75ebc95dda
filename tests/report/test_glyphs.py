"""The page's letters are those of the package's pictures."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.path import Path

from seqexplain.plot._letters import LETTER_WIDTH, letter_outlines
from seqexplain.report._glyphs import glyphs

CODES = {"M": [1], "L": [2], "Q": [3, 3], "C": [4, 4, 4], "Z": [79]}


@pytest.mark.parametrize("base", "ACGT")
def test_an_outline_is_that_of_the_pictures(base):
    vertices, codes = letter_outlines()[base]
    steps = glyphs()[base]
    assert [code for step in steps for code in CODES[step[0]]] == codes.tolist()
    drawn = np.array([value for step in steps for value in step[1:]]).reshape(-1, 2)
    np.testing.assert_allclose(drawn, vertices[codes != Path.CLOSEPOLY], atol=1e-4)
    box = Path(vertices, codes).get_extents()
    assert (box.ymin, box.ymax) == pytest.approx((0, 1), abs=1e-6)
    assert box.width <= LETTER_WIDTH + 1e-6
