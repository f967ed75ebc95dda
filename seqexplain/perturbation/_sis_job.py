"""A prepared job of sufficient input subsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._backward_selection import Collection, collect
from seqexplain.perturbation._edit_job import EditJob
from seqexplain.perturbation._gradient_masking import GradientMaskedSequences
from seqexplain.perturbation._masked_sequences import MaskedSequences
from seqexplain.perturbation._masking import masking_rows
from seqexplain.perturbation._scorer import EditOptions, Scorer
from seqexplain.perturbation._threshold import parse_threshold, thresholds_of
from seqexplain.results import SufficientInputSubsets

METHODS = ("exact", "gradient")
BASES_AT_ONCE = 1 << 14  # bp whose candidates are scored together: each step costs some calls, however many there are
MAX_SEQUENCES = 64


@dataclass(frozen=True, kw_only=True)
class SisOptions(EditOptions):
    """Choices of a job; the fields are parameters of `sufficient_input_subsets`, with thresholds that are numbers."""

    threshold: Any
    masking: Any = "mean"
    negative: bool = False
    max_subsets: int | None = None
    method: str = "exact"
    per_step: int = 1
    refine: bool = True

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ParameterError(f'method={self.method!r} is not known; use "exact" or "gradient".')
        for name in ("negative", "refine"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise ParameterError(f"{name}={getattr(self, name)!r} is not known; use True or False.")
        _check_count("per_step", self.per_step)
        if self.max_subsets is not None:
            _check_count("max_subsets", self.max_subsets)
        if self.method == "exact" and self.per_step != 1:
            raise ParameterError(
                f'per_step={self.per_step} is nothing for method="exact", which masks one position a step; use '
                'method="gradient".'
            )


class SisJob(EditJob):
    """Sufficient input subsets of sequences, many at once."""

    method = "sufficient_input_subsets"
    has_hypothetical = False

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: SisOptions) -> None:
        self._sis = options
        super().__init__(model, length, n_sequences, options)

    def _prepare(self, length: int) -> None:
        given = thresholds_of(self._sis.threshold, len(self.targets))
        # float32 as the model's values are, so that what is stored decides as the search did
        self._thresholds = np.array([parse_threshold(one)[0] for one in given], dtype=np.float32)
        if any(parse_threshold(one)[1] for one in given):
            raise ParameterError("A job takes thresholds as numbers; a quantile is one of predictions.")
        self.batch_sequences = max(1, min(MAX_SEQUENCES, BASES_AT_ONCE // length))
        masking_rows(self._sis.masking, length)
        if self._sis.method == "gradient":
            _ = self.model.graph  # which refuses what has no gradient to be had

    def _choices(self) -> dict[str, Any]:
        masking = self._sis.masking
        return {
            "thresholds": [float(t) for t in self._thresholds],
            "masking": masking if isinstance(masking, str) else np.asarray(masking, dtype=np.float32).tolist(),
            "negative": bool(self._sis.negative),
            "max_subsets": None if self._sis.max_subsets is None else int(self._sis.max_subsets),
            "method": self._sis.method,
            "per_step": int(self._sis.per_step),
            "refine": bool(self._sis.refine),
        }

    def explain(self, X: Array, *, start: int = 0, names: Sequence[str] = ()) -> SufficientInputSubsets:
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
        SufficientInputSubsets
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
            part, called = X[low : low + size], names[low : low + size]
            columns = [self._of_target(scorer, part, start + low, called, t) for t in range(len(self.targets))]
            parts.append({name: np.stack([c[name] for c in columns], axis=1) for name in columns[0]})
        fields: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        if not self.several_targets:
            fields = {name: value[:, 0] for name, value in fields.items()}
        return SufficientInputSubsets(
            X=X, names=tuple(names), targets=self.targets, method=self.method, parameters=self.parameters, **fields
        )

    def _scorer(self, length: int) -> Scorer:
        if length not in self._scorers:
            exact = self._sis.method == "exact"
            # of one subset a sequence and target; gradients leave a few bases to be selected from
            n_edits = 0.5 * length**2 * self._n_sequences if exact else 0.0
            self._scorers[length] = Scorer(self.model, length, self._n_sequences, self._options, n_edits)
        return self._scorers[length]

    def _of_target(self, scorer: Scorer, X: Array, start: int, names: Sequence[str], column: int) -> dict[str, Array]:
        """Return the result's arrays for one target."""
        sign = -1.0 if self._sis.negative else 1.0
        blank = masking_rows(self._sis.masking, X.shape[1])
        place: dict[str, Any] = {"start": start, "names": names, "blank": blank, "column": column, "sign": sign}
        exact = MaskedSequences(scorer, X, **place)
        gradients = self._sis.method == "gradient"
        items = self._by_gradients(scorer, X, place) if gradients else exact
        finer = exact if gradients and self._sis.refine else None
        known: Array = np.asarray(X.any(axis=-1))
        if not len(X):
            nothing = np.zeros(0)
            found = Collection((), nothing, nothing, nothing, nothing)
        else:
            threshold = sign * float(self._thresholds[column])
            found = collect(
                items, np.zeros(known.shape, dtype=bool), known, threshold, self._sis.max_subsets, finer=finer
            )
        return {
            **_along_sequence(found, X, items, known, sign),
            "threshold": np.full(len(X), self._thresholds[column], dtype=np.float32),
            "predictions": (sign * found.initial).astype(np.float32),
            "rest_predictions": (sign * found.rest).astype(np.float32),
            "masked_predictions": (sign * found.masked).astype(np.float32),
            "stopped": found.stopped.astype(np.uint8),
        }

    def _by_gradients(self, scorer: Scorer, X: Array, place: dict[str, Any]) -> MaskedSequences:
        start, names = place["start"], place["names"]
        targets = self.model.targets(self._sis.target, level=self._sis.level, length=X.shape[1])
        extra = self.model.extra_rows(
            np.arange(start, start + len(X)),
            extra_inputs=self._sis.extra_inputs,
            names=names or None,
            n=self._n_sequences,
        )
        return GradientMaskedSequences(
            scorer, X, target=targets[place["column"]], per_step=self._sis.per_step, extra=extra, **place
        )


def _along_sequence(found: Collection, X: Array, items: MaskedSequences, known: Array, sign: float) -> dict[str, Array]:
    """Return what is said of each base: its subset, its place in it, the subset's value, and the fall in value."""
    n, length = X.shape[:2]
    subset = np.zeros((n, length), dtype=np.int32)
    rank = np.zeros((n, length), dtype=np.int32)
    value = np.zeros((n, length), dtype=np.float32)
    falls = np.zeros((n, length), dtype=np.float32)
    members: list[tuple[int, Array]] = []
    for number, selection in enumerate(found.rounds, start=1):
        for row in range(n):
            positions = selection.subset(row)
            if not len(positions):
                continue
            subset[row, positions] = number
            rank[row, positions] = np.arange(1, len(positions) + 1)
            falls[row, positions] = sign * selection.drops(row)
            members.append((row, positions))
    if members:
        rows = np.array([row for row, _ in members])
        visible = ~known[rows]  # unknown bases stay as they are
        for i, (_, positions) in enumerate(members):
            visible[i, positions] = True
        for (row, positions), alone in zip(members, items.only(rows, visible), strict=True):
            value[row, positions] = alone
    return {"subset": subset, "rank": rank, "subset_value": value, "contributions": falls[..., None] * X}


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ParameterError(f"{name}={value!r} must be a whole number from 1.")
