"""The only room that knows Keras: load a model, wrap it, choose what to explain, flatten it.

Names are loaded at first use: importing this package imports neither Keras nor a backend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqexplain._lazy import lazy

if TYPE_CHECKING:
    from seqexplain.models._decompositions import register_decomposition as register_decomposition
    from seqexplain.models._load_model import load_model as load_model
    from seqexplain.models.backend_choice import choose_backend as choose_backend
    from seqexplain.models.backend_choice import import_keras as import_keras
    from seqexplain.models.sequence_model import SequenceModel as SequenceModel
    from seqexplain.models.target import contrast as contrast
    from seqexplain.models.target import profile as profile

_HOMES = {
    "SequenceModel": "sequence_model",
    "choose_backend": "backend_choice",
    "contrast": "target",
    "import_keras": "backend_choice",
    "load_model": "_load_model",
    "profile": "target",
    "register_decomposition": "_decompositions",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy(__name__, globals(), _HOMES)
