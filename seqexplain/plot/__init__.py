"""Arrays in, Matplotlib axes out: logos, aligned tracks and the files they are saved to.

Nothing here goes through `matplotlib.pyplot`: a figure made by these functions belongs to whoever holds it,
is freed with it, and needs no `close`. In a notebook, end the cell with the axes' `.figure` to see it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqexplain._lazy import lazy

if TYPE_CHECKING:
    from seqexplain.plot._attribution_logo import attribution_logo
    from seqexplain.plot._colors import color_schemes
    from seqexplain.plot._effect_curves import effect_curves, effect_points
    from seqexplain.plot._highlights import Highlight
    from seqexplain.plot._logo import logo
    from seqexplain.plot._matrix_logo import matrix_logo
    from seqexplain.plot._motif_panels import motif_panels
    from seqexplain.plot._pattern_panels import pattern_panels
    from seqexplain.plot._save_figure import save_figure
    from seqexplain.plot._tracks import tracks

__all__ = [
    "Highlight",
    "attribution_logo",
    "color_schemes",
    "effect_curves",
    "effect_points",
    "logo",
    "matrix_logo",
    "motif_panels",
    "pattern_panels",
    "save_figure",
    "tracks",
]

# Matplotlib takes most of a second to import, so each name is fetched when it is first asked for.
_HOMES = {
    "Highlight": "_highlights",
    "attribution_logo": "_attribution_logo",
    "color_schemes": "_colors",
    "effect_curves": "_effect_curves",
    "effect_points": "_effect_curves",
    "logo": "_logo",
    "matrix_logo": "_matrix_logo",
    "motif_panels": "_motif_panels",
    "pattern_panels": "_pattern_panels",
    "save_figure": "_save_figure",
    "tracks": "_tracks",
}

__getattr__, __dir__ = lazy(__name__, globals(), _HOMES)
