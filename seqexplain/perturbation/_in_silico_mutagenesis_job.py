"""In-silico mutagenesis as a prepared job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._edit_job import EditJob
from seqexplain.perturbation._scorer import BoundSequences, EditOptions
from seqexplain.perturbation._substitutions import check_span, substitution_effects


@dataclass(frozen=True, kw_only=True)
class InSilicoMutagenesisOptions(EditOptions):
    """Choices of `in_silico_mutagenesis`; see there."""

    start: int = 0
    end: int | None = None


class InSilicoMutagenesis(EditJob):
    """See `in_silico_mutagenesis`. Of sequences of several lengths, those that end within the stretch end it."""

    method = "in_silico_mutagenesis"
    _options: InSilicoMutagenesisOptions

    def __init__(
        self, model: SequenceModel, length: int, n_sequences: int, options: InSilicoMutagenesisOptions
    ) -> None:
        self._start, self._end = check_span(options.start, options.end, length)
        super().__init__(model, length, n_sequences, options)

    def _edits_of_one(self, length: int) -> int:
        return 3 * max(0, min(self._end, length) - self._start)

    def _choices(self) -> dict[str, Any]:
        return {"start": self._start, "end": None if self._options.end is None else self._end}

    def _explain(self, bound: BoundSequences, X: Array) -> dict[str, Any]:
        effects = substitution_effects(bound, self._start, min(self._end, X.shape[1]))
        hypothetical = effects - effects.mean(axis=-1, keepdims=True)
        return {"effects": effects, "hypothetical": hypothetical, "contributions": hypothetical * X[:, None]}
