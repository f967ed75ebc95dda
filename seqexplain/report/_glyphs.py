"""The outlines of the four bases' letters, for the page to draw."""

from __future__ import annotations

from typing import Any

from seqexplain.plot._letters import letter_outlines

# Matplotlib's codes of a path's steps, and SVG's; a curve's control points stand in one step here
_STEPS = {1: ("M", 1), 2: ("L", 1), 3: ("Q", 2), 4: ("C", 3), 79: ("Z", 0)}
DIGITS = 4


def glyphs() -> dict[str, list[list[Any]]]:
    """Return each letter as steps `[command, x, y, …]`: x around 0, .95 wide at most, y from 0 (foot) to 1.

    The outlines are those of `plot`, so that the page's logos look like the package's pictures.
    """
    drawn = {}
    for base, (vertices, codes) in letter_outlines().items():
        steps: list[list[Any]] = []
        at = 0
        while at < len(codes):
            command, points = _STEPS[int(codes[at])]
            used = vertices[at : at + points].ravel()
            steps.append([command, *(round(float(value), DIGITS) for value in used)])
            at += max(points, 1)
        drawn[base] = steps
    return drawn
