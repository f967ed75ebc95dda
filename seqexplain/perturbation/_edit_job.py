"""What prepared jobs of this room have in common: a scorer for each length, and results for each sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from seqexplain.errors import ShapeError
from seqexplain.models.backend import Array
from seqexplain.models.provenance import provenance
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._finite import DIFFERENCE
from seqexplain.perturbation._scorer import BoundSequences, EditOptions, Scorer
from seqexplain.results import Attributions

BASES_AT_ONCE = 4096  # bp whose activations are kept while their edits are scored
MAX_SEQUENCES = 16


class EditJob:
    """A prepared job: validated once, fed chunk by chunk. `pipeline.Explainer` says what each part is for.

    A subclass says what it computes of sequences that are ready to be edited (`_explain`).

    Parameters
    ----------
    model
        The model.
    length
        Of the longest sequence of the job in bp.
    n_sequences
        In the whole job.
    options
        What to compute.
    """

    method: ClassVar[str]
    has_hypothetical = True
    batches_at_once = 1
    n_references = 0

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: EditOptions) -> None:
        self.model = model
        self._options = options
        self._n_sequences = n_sequences
        self._scorers: dict[int, Scorer] = {}
        if not model.black_box:
            model.verify()
        first = self._scorer(length)
        self.targets = first.targets
        self.several_targets = first.several_targets
        self.batch_sequences = max(1, min(MAX_SEQUENCES, BASES_AT_ONCE // length))
        self._prepare(length)

    # --- what a method says ------------------------------------------------------------------------------------

    def _prepare(self, length: int) -> None:
        """Check what else the method takes, before anything is computed."""

    def _explain(self, bound: BoundSequences, X: Array) -> dict[str, Any]:
        """Return the fields of `Attributions` but predictions; those of each target have it as their second axis."""
        raise NotImplementedError

    def _edits_of_one(self, length: int) -> int | None:
        """Return how many edits of a sequence are scored; None for all substitutions. Asked before `_prepare`."""
        return None

    def _choices(self) -> dict[str, Any]:
        """Return the method's own parameters, ready for JSON."""
        return {}

    def _result(self, **fields: Any) -> Attributions:
        """Return the result; a method may have one with more fields."""
        return Attributions(**fields)

    # --- what a pipeline asks ----------------------------------------------------------------------------------

    @property
    def parameters(self) -> dict[str, Any]:
        """Everything that decides the numbers, ready for JSON."""
        any_length = next(iter(self._scorers.values()))
        return {
            **any_length.parameters,
            **self._choices(),
            "evaluation": self._options.evaluation,  # the last digits depend on it
            "batch_sequences": self.batch_sequences,
        }

    @property
    def by_position(self) -> bool:
        """Whether a result depends on its row in the job: inputs are given by row."""
        return self.model.per_sequence_extra(self._options.extra_inputs, by_row=True)

    @property
    def provenance(self) -> dict[str, Any]:
        """Versions, device and model: where the numbers come from."""
        return provenance(self.model)

    @DIFFERENCE
    def explain(self, X: Array, *, start: int = 0, names: Sequence[str] = ()) -> Attributions:
        """Explain rows `start …` of the job, a batch in memory at a time.

        Parameters
        ----------
        X
            `(b, L, 4)` float32, one-hot.
        start
            Row of the job that `X[0]` is.
        names
            `b` names, or none.

        Returns
        -------
        Attributions
            Of these sequences.

        Raises
        ------
        ShapeError
            When X does not fit the model, or there is another number of names.
        """
        X = self.model.validate(X)
        if names and len(names) != len(X):
            raise ShapeError(f"{len(names)} names for {len(X)} sequences; give one name a sequence.")
        scorer, size = self._scorer(X.shape[1]), self.batch_sequences
        parts = []
        for low in range(0, max(len(X), 1), size):  # a result without sequences has its shapes from an empty part
            part = X[low : low + size]
            bound = scorer.bind(part, start=start + low, names=names[low : low + size])
            parts.append({**self._explain(bound, part), "predictions": bound.base})
        fields: dict[str, Any] = {
            name: None if value is None else np.concatenate([part[name] for part in parts])
            for name, value in parts[0].items()
        }
        if not self.several_targets:
            fields = {name: None if value is None else value[:, 0] for name, value in fields.items()}
        return self._result(
            X=X, names=tuple(names), targets=self.targets, method=self.method, parameters=self.parameters, **fields
        )

    def _scorer(self, length: int) -> Scorer:
        if length not in self._scorers:
            n_edits = self._edits_of_one(length)
            self._scorers[length] = Scorer(
                self.model, length, self._n_sequences, self._options,
                None if n_edits is None else float(n_edits * self._n_sequences),
            )  # fmt: skip
        return self._scorers[length]
