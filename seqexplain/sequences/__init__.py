"""Sequences in and out: files, intervals on a genome, one-hot arrays, shuffles and other references.

Names are loaded at first use, so importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqexplain.sequences.encoding import codes_to_one_hot as codes_to_one_hot
    from seqexplain.sequences.encoding import decode as decode
    from seqexplain.sequences.encoding import encode_codes as encode_codes
    from seqexplain.sequences.encoding import one_hot as one_hot
    from seqexplain.sequences.encoding import one_hot_to_codes as one_hot_to_codes
    from seqexplain.sequences.encoding import reverse_complement as reverse_complement
    from seqexplain.sequences.shuffle import dinucleotide_shuffle as dinucleotide_shuffle
    from seqexplain.sequences.shuffle import log_distinct_shuffles as log_distinct_shuffles
    from seqexplain.sequences.shuffle import mononucleotide_shuffle as mononucleotide_shuffle

_HOMES = {
    "codes_to_one_hot": "encoding",
    "decode": "encoding",
    "encode_codes": "encoding",
    "one_hot": "encoding",
    "one_hot_to_codes": "encoding",
    "reverse_complement": "encoding",
    "dinucleotide_shuffle": "shuffle",
    "log_distinct_shuffles": "shuffle",
    "mononucleotide_shuffle": "shuffle",
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
