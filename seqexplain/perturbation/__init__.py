"""Methods that edit sequences and score them: true of any model. One incremental evaluator serves them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqexplain._lazy import lazy

if TYPE_CHECKING:
    from seqexplain.perturbation._edit_job import EditJob as EditJob
    from seqexplain.perturbation._in_silico_mutagenesis import in_silico_mutagenesis as in_silico_mutagenesis
    from seqexplain.perturbation._scorer import BoundSequences as BoundSequences
    from seqexplain.perturbation._scorer import EditOptions as EditOptions
    from seqexplain.perturbation._scorer import Scorer as Scorer

_HOMES = {
    "BoundSequences": "_scorer",
    "EditJob": "_edit_job",
    "EditOptions": "_scorer",
    "Scorer": "_scorer",
    "in_silico_mutagenesis": "_in_silico_mutagenesis",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy(__name__, globals(), _HOMES)
