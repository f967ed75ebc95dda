"""Methods that look inside a model: per-base contributions by propagation."""

from __future__ import annotations

from seqexplain.attribution._deeplift import DeepLift, DeepLiftOptions, deeplift

__all__ = ["DeepLift", "DeepLiftOptions", "deeplift"]
