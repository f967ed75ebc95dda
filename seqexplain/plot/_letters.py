"""Letters on axes, by two engines with one look.

logomaker makes one patch a letter, which costs some 2.5 ms each: fine for a motif, minutes for a few
kilobases. The other engine takes the outline of each letter once, places all its copies with array arithmetic
and adds them as *one* path a base and sign. Both follow logomaker's geometry: letters fill .95 of a position,
are stacked away from the axis in order of size, and are mirrored below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from logomaker import Logo
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from seqexplain.errors import ParameterError
from seqexplain.plot._arrays import BASES, Floats
from seqexplain.plot._colors import RGB

Engine = Literal["auto", "logomaker", "paths"]
ENGINES = ("auto", "logomaker", "paths")

LOGOMAKER_MAX_LENGTH = 50  # longest logo that "auto" gives to logomaker: four letters a position still take < .6 s
LETTER_WIDTH = 0.95  # of a position, as in logomaker
WIDEST_LETTER = "E"  # no letter is stretched sideways by more than this one, as in logomaker
BASELINE_WIDTH = 0.5  # points
SNAP = False  # rounding to whole pixels, Matplotlib's default for the T, takes its stem away in dense logos


@dataclass(frozen=True)
class LetterStyle:
    """How letters look: colours a base, font, and what becomes of those below the axis."""

    colors: dict[str, RGB]
    font: str = "sans"
    flip_below: bool = True
    shade_below: float = 0.0
    fade_below: float = 0.0


def check_engine(engine: str) -> None:
    """Refuse an engine that does not exist.

    Raises
    ------
    ParameterError
        When `engine` is none of `ENGINES`.
    """
    if engine not in ENGINES:
        raise ParameterError(f"engine is {engine!r}; expected one of {', '.join(ENGINES)}. Leave it at 'auto'.")


def draw_letters(ax: Axes, heights: Floats, start: int, style: LetterStyle, engine: Engine) -> None:
    """Draw a stack of letters a position, centred on `start`, `start + 1`, …, and the baseline at zero.

    Parameters
    ----------
    heights
        `(L, 4)`, finite. Zeros draw nothing.
    """
    if not heights.any():
        _draw_baseline(ax)  # logomaker would set empty y limits, which Matplotlib warns of
    elif engine == "logomaker" or (engine == "auto" and len(heights) <= LOGOMAKER_MAX_LENGTH):
        _draw_with_logomaker(ax, heights, start, style)
    else:
        _draw_baseline(ax)
        _draw_with_paths(ax, heights, start, style)


def height_limits(heights: Floats) -> tuple[float, float]:
    """Return how far down and up the stacks of `(L, 4)` heights reach; zero is always inside."""
    lowest = float(np.minimum(heights, 0).sum(axis=1).min())
    highest = float(np.maximum(heights, 0).sum(axis=1).max())
    return lowest, highest


def stack(heights: Floats) -> tuple[Floats, Floats]:
    """Return floor and ceiling of each letter, both `(L, 4)`: larger letters lie farther from the axis."""
    order = np.argsort(heights, axis=1, kind="stable")
    sizes = np.abs(np.take_along_axis(heights, order, axis=1))
    tops = np.minimum(heights, 0).sum(axis=1, keepdims=True) + np.cumsum(sizes, axis=1)
    floor, ceiling = np.empty_like(heights), np.empty_like(heights)
    np.put_along_axis(floor, order, tops - sizes, axis=1)
    np.put_along_axis(ceiling, order, tops, axis=1)
    return floor, ceiling


def letter_outlines(font: str = "sans") -> dict[str, tuple[Floats, np.ndarray]]:
    """Return each base's outline as logos draw it: vertices `(k, 2)` and Matplotlib's path codes `(k,)`.

    A letter fills y from 0 to 1, and x around 0, `LETTER_WIDTH` wide at most.
    """
    outlines = {base: _Outline.of(base, font) for base in BASES}
    return {base: (outline.vertices, outline.codes) for base, outline in outlines.items()}


def _draw_baseline(ax: Axes) -> None:
    ax.axhline(0, color="black", linewidth=BASELINE_WIDTH, zorder=-1)


def _draw_with_logomaker(ax: Axes, heights: Floats, start: int, style: LetterStyle) -> None:
    already = len(ax.patches)
    Logo(
        pd.DataFrame(heights, columns=list(BASES), index=range(start, start + len(heights))),
        color_scheme=style.colors,
        font_name=style.font,
        flip_below=style.flip_below,
        shade_below=style.shade_below,
        fade_below=style.fade_below,
        width=LETTER_WIDTH,
        baseline_width=BASELINE_WIDTH,
        ax=ax,
    )
    for patch in ax.patches[already:]:
        patch.set_snap(SNAP)
        patch.set_in_layout(False)  # letters stay inside the axes; measuring each outline would take seconds


def _draw_with_paths(ax: Axes, heights: Floats, start: int, style: LetterStyle) -> None:
    floor, ceiling = stack(heights)
    for column, base in enumerate(BASES):
        outline = _Outline.of(base, style.font)
        for below in (False, True):
            rows = np.flatnonzero(heights[:, column] < 0 if below else heights[:, column] > 0)
            if not rows.size:
                continue
            path = outline.copies(
                rows + start, floor[rows, column], ceiling[rows, column], flip=below and style.flip_below
            )
            shade, fade = (style.shade_below, style.fade_below) if below else (0.0, 0.0)
            patch = PathPatch(
                path,
                facecolor=tuple(part * (1 - shade) for part in style.colors[base]),
                edgecolor="black",
                linewidth=0,
                alpha=1 - fade,
                zorder=0,
                snap=SNAP,
            )
            patch.set_in_layout(False)
            ax.add_artist(patch)  # add_patch would walk through every curve in Python to find the data limits


@dataclass(frozen=True)
class _Outline:
    """One letter, scaled to fill the unit square upwards and LETTER_WIDTH sideways around 0."""

    vertices: Floats
    codes: np.ndarray

    @classmethod
    def of(cls, letter: str, font: str) -> _Outline:
        properties = FontProperties(family=font, weight="bold")
        path = TextPath((0, 0), letter, size=1, prop=properties)
        box, widest = (
            path.get_extents(),
            TextPath((0, 0), WIDEST_LETTER, size=1, prop=properties).get_extents(),
        )
        stretch = min(LETTER_WIDTH / box.width, LETTER_WIDTH / widest.width)
        vertices = np.asarray(path.vertices, dtype=np.float64)
        codes = np.asarray(path.codes, dtype=Path.code_type)
        x = (vertices[:, 0] - (box.xmin + box.xmax) / 2) * stretch
        y = (vertices[:, 1] - box.ymin) / box.height
        return cls(np.stack([x, y], axis=1), codes)

    def copies(self, centres: np.ndarray, floor: Floats, ceiling: Floats, *, flip: bool) -> Path:
        """Return one path with a copy of the letter at each centre, from floor to ceiling."""
        y = 1 - self.vertices[:, 1] if flip else self.vertices[:, 1]
        placed = np.empty((len(centres), len(self.vertices), 2))
        placed[:, :, 0] = centres[:, None] + self.vertices[:, 0]
        placed[:, :, 1] = floor[:, None] + (ceiling - floor)[:, None] * y
        return Path(placed.reshape(-1, 2), np.tile(self.codes, len(centres)))
