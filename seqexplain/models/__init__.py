"""The only room that knows Keras: load a model, wrap it, choose what to explain, flatten it.

Names are loaded at first use: importing this package imports neither Keras nor a backend.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqexplain.models._load_model import load_model as load_model
    from seqexplain.models.backend_choice import choose_backend as choose_backend
    from seqexplain.models.sequence_model import SequenceModel as SequenceModel
    from seqexplain.models.target import contrast as contrast

_HOMES = {
    "SequenceModel": "sequence_model",
    "choose_backend": "backend_choice",
    "contrast": "target",
    "load_model": "_load_model",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
