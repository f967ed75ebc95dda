"""Methods that look inside a model: per-base contributions by propagation. See README.md here for the maths."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqexplain.attribution._deeplift import deeplift as deeplift
    from seqexplain.attribution._deeplift_job import DeepLift as DeepLift
    from seqexplain.attribution._deeplift_job import DeepLiftOptions as DeepLiftOptions

_HOMES = {"DeepLift": "_deeplift_job", "DeepLiftOptions": "_deeplift_job", "deeplift": "_deeplift"}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
