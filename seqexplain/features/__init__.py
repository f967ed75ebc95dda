"""What the units and filters of a model detect.

Names are loaded at first use, so importing this package loads no Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqexplain._lazy import lazy

if TYPE_CHECKING:
    from seqexplain.features._filter_motifs import filter_motifs as filter_motifs
    from seqexplain.features._filter_patterns_of_model import filter_patterns_of_model as filter_patterns_of_model
    from seqexplain.features._receptive_field import receptive_field as receptive_field

_HOMES = {
    "filter_motifs": "_filter_motifs",
    "filter_patterns_of_model": "_filter_patterns_of_model",
    "receptive_field": "_receptive_field",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy(__name__, globals(), _HOMES)
