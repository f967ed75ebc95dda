"""Methods that look inside a model: per-base contributions by propagation. See README.md here for the maths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqexplain._lazy import lazy

if TYPE_CHECKING:
    from seqexplain.attribution._deconvnet import deconvnet as deconvnet
    from seqexplain.attribution._deeplift import deeplift as deeplift
    from seqexplain.attribution._deeplift_job import DeepLift as DeepLift
    from seqexplain.attribution._deeplift_job import DeepLiftOptions as DeepLiftOptions
    from seqexplain.attribution._ensemble import EnsembleJob as EnsembleJob
    from seqexplain.attribution._ensemble import ensemble as ensemble
    from seqexplain.attribution._guided_backprop import guided_backprop as guided_backprop
    from seqexplain.attribution._layer_deeplift import layer_deeplift as layer_deeplift
    from seqexplain.attribution._modified_backward import DeconvNet as DeconvNet
    from seqexplain.attribution._modified_backward import GuidedBackprop as GuidedBackprop

_HOMES = {
    "DeconvNet": "_modified_backward",
    "DeepLift": "_deeplift_job",
    "DeepLiftOptions": "_deeplift_job",
    "GuidedBackprop": "_modified_backward",
    "deconvnet": "_deconvnet",
    "deeplift": "_deeplift",
    "guided_backprop": "_guided_backprop",
    "EnsembleJob": "_ensemble",
    "ensemble": "_ensemble",
    "layer_deeplift": "_layer_deeplift",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy(__name__, globals(), _HOMES)
