"""Arrays or results in, Matplotlib axes out: logos, tracks, heat maps, profiles, and the files they are saved to.

Nothing here goes through `matplotlib.pyplot`: a figure made by these functions belongs to whoever holds it,
is freed with it, and needs no `close`. In a notebook, end the cell with the axes' `.figure` to see it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqexplain._lazy import lazy

if TYPE_CHECKING:
    from seqexplain.plot._attribution_logo import attribution_logo
    from seqexplain.plot._average_profile import average_profile
    from seqexplain.plot._colors import color_schemes
    from seqexplain.plot._compare_methods import compare_methods
    from seqexplain.plot._completeness_plot import completeness_plot
    from seqexplain.plot._effect_curves import effect_curves, effect_points
    from seqexplain.plot._effect_map import effect_map
    from seqexplain.plot._epistasis_map import epistasis_map
    from seqexplain.plot._highlights import Highlight
    from seqexplain.plot._logo import logo
    from seqexplain.plot._matrix_logo import matrix_logo
    from seqexplain.plot._motif_panels import motif_panels
    from seqexplain.plot._motif_profile import motif_profile
    from seqexplain.plot._mutation_map import mutation_map
    from seqexplain.plot._pattern_panels import pattern_panels
    from seqexplain.plot._save_figure import save_figure
    from seqexplain.plot._subset_overlay import subset_overlay
    from seqexplain.plot._tracks import tracks

__all__ = [
    "Highlight",
    "attribution_logo",
    "average_profile",
    "color_schemes",
    "compare_methods",
    "completeness_plot",
    "effect_curves",
    "effect_map",
    "effect_points",
    "epistasis_map",
    "logo",
    "matrix_logo",
    "motif_panels",
    "motif_profile",
    "mutation_map",
    "pattern_panels",
    "save_figure",
    "subset_overlay",
    "tracks",
]

# Matplotlib takes most of a second to import, so each name is fetched when it is first asked for.
_HOMES = {
    "Highlight": "_highlights",
    "attribution_logo": "_attribution_logo",
    "average_profile": "_average_profile",
    "color_schemes": "_colors",
    "compare_methods": "_compare_methods",
    "completeness_plot": "_completeness_plot",
    "effect_curves": "_effect_curves",
    "effect_map": "_effect_map",
    "effect_points": "_effect_curves",
    "epistasis_map": "_epistasis_map",
    "logo": "_logo",
    "matrix_logo": "_matrix_logo",
    "motif_panels": "_motif_panels",
    "motif_profile": "_motif_profile",
    "mutation_map": "_mutation_map",
    "pattern_panels": "_pattern_panels",
    "save_figure": "_save_figure",
    "subset_overlay": "_subset_overlay",
    "tracks": "_tracks",
}

__getattr__, __dir__ = lazy(__name__, globals(), _HOMES)
