"""Methods that look inside a model: per-base contributions by propagation. See README.md here for the maths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqexplain._lazy import lazy

if TYPE_CHECKING:
    from seqexplain.attribution._deeplift import deeplift as deeplift
    from seqexplain.attribution._deeplift_job import DeepLift as DeepLift
    from seqexplain.attribution._deeplift_job import DeepLiftOptions as DeepLiftOptions
    from seqexplain.attribution._layer_deeplift import layer_deeplift as layer_deeplift

_HOMES = {
    "DeepLift": "_deeplift_job",
    "DeepLiftOptions": "_deeplift_job",
    "deeplift": "_deeplift",
    "layer_deeplift": "_layer_deeplift",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy(__name__, globals(), _HOMES)
