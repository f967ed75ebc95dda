"""Scores of sequences and of their edits: all that methods of this room ask of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.models._prediction import choose_batch_size, target_values
from seqexplain.models.backend import Array
from seqexplain.models.graph import WeightList
from seqexplain.models.provenance import unnamed_choices
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.models.target import Target
from seqexplain.perturbation._finite import DIFFERENCE, FiniteScores
from seqexplain.perturbation._incremental import CHECKED, IncrementalEvaluator, KeptBase
from seqexplain.perturbation._make_edit_plan import make_edit_plan

EVALUATIONS = ("auto", "incremental", "full")
WORTH_COMPILING = 2e11  # multiply–adds of a job: a few seconds, as long as compiling takes
CHANGE_BYTES = 256 << 20  # of edits that are prepared at a time


@dataclass(frozen=True, kw_only=True)
class EditOptions:
    """Choices that every method of this room has; the fields are the parameters of `in_silico_mutagenesis`."""

    target: Any = None
    level: str = "logit"
    batch_size: int | str = "auto"
    random_state: int = 0
    extra_inputs: Mapping[str, Any] | None = None
    evaluation: str = "auto"


class Scorer:
    """A model, the targets and how to evaluate: validated once, compiled once.

    Parameters
    ----------
    model
        The model; a black box serves as well.
    length
        Of the sequences in bp.
    n_sequences
        In the whole job; extra inputs that are given by row are checked against it.
    options
        Targets and batches. `evaluation` is `"incremental"`, `"full"`, or `"auto"`: incremental where that saves
        arithmetic.
    n_edits
        About how many are going to be scored in the whole job, to tell whether compiling pays; by default all
        substitutions.

    Raises
    ------
    ParameterError
        When an option makes no sense, or an incremental evaluation of a black box is asked for.
    TargetError
        When the target does not exist.
    """

    def __init__(
        self,
        model: SequenceModel,
        length: int,
        n_sequences: int,
        options: EditOptions,
        n_edits: float | None = None,
    ) -> None:
        if options.evaluation not in EVALUATIONS:
            raise ParameterError(
                f'evaluation={options.evaluation!r} is not known; use "auto", "incremental" or "full".'
            )
        self.model = model
        self.length = length
        self.options = options
        self._n_sequences = n_sequences
        self._n_edits = 3.0 * length * n_sequences if n_edits is None else n_edits
        model.check_extra_inputs(options.extra_inputs)
        self._resolved: tuple[Target, ...] = model.targets(options.target, level=options.level, length=length)
        self.targets = tuple(t.label for t in self._resolved)
        self._evaluators: dict[int, IncrementalEvaluator | None] = {}
        self.several_targets = isinstance(options.target, list)

    @property
    def parameters(self) -> dict[str, Any]:
        """What decides the numbers, ready for JSON."""
        return {
            "targets": list(self.targets),
            **unnamed_choices(self.options.target, self._resolved, self.options.extra_inputs),
            "level": self.options.level,
            "model": self.model.options(),
        }

    def bind(self, X: Array, *, start: int = 0, names: Sequence[str] = ()) -> BoundSequences:
        """Score sequences and return them ready to be edited.

        Parameters
        ----------
        X
            `(n, L, 4)` float32; need not be one-hot.
        start
            Row of the job that `X[0]` is; places given arrays of extra inputs.
        names
            `n` names, for extra inputs that are given by name, and for messages.

        Returns
        -------
        BoundSequences
            With the targets' values as they are.

        Warns
        -----
        ScoreWarning
            When a score is not a finite number; likewise, later, of edits.
        """
        extra = self.model.extra_rows(
            np.arange(start, start + len(X)),
            extra_inputs=self.options.extra_inputs,
            names=names or None,
            n=self._n_sequences,
        )
        labels = names or [f"sequence_{start + row}" for row in range(len(X))]
        return BoundSequences(self, self.model.fill_unknown(X), extra, labels)

    def score(self, x: Array, extra: Mapping[str, Array]) -> Array:
        """Return `(n, t)` float32: the targets of `x`, `(n, L, 4)`, taken as it is, with other inputs in `extra`."""
        size = self.options.batch_size
        if size != "auto" and 0 < len(x) < choose_batch_size(self.model, size, self.length, len(x)):
            size = len(x)  # no rows of padding for the few that are checked
        return target_values(self.model, x, dict(extra), self._resolved, level=self.options.level, batch_size=size)

    @cached_property
    def weights(self) -> WeightList:
        """The model's weights, as they are at the first edit."""
        return self.model.weights()

    def evaluator(self, width: int) -> IncrementalEvaluator | None:
        """Return what scores edits of `width` bp incrementally; None where whole sequences are scored."""
        if width not in self._evaluators:
            self._evaluators[width] = self._choose(width)
        return self._evaluators[width]

    def _choose(self, width: int) -> IncrementalEvaluator | None:
        asked = self.options.evaluation
        if self.model.black_box:
            if asked == "incremental":
                raise ParameterError(
                    f"The model {self.model.name!r} is a SavedModel, of whose layers nothing is known; use "
                    'evaluation="full" or "auto".'
                )
            return None
        if asked == "full" or not 0 < width < self.length:
            return None
        values = sorted({v for t in self._resolved for v in t.weights})
        plan = make_edit_plan(self.model, self.length, width, values)
        if asked == "auto":
            in_full = self._n_edits * sum(plan.full_cost.values())
            if not plan.worth or in_full < WORTH_COMPILING:
                return None
        return IncrementalEvaluator(plan, self._resolved)

    def batch_of(self, n: int) -> int:
        """Return how many whole sequences of `n` to build and score at a time."""
        return choose_batch_size(self.model, self.options.batch_size, self.length, n)


class BoundSequences:
    """Sequences that are going to be edited.

    Attributes
    ----------
    scorer
        What scores them.
    X
        `(n, L, 4)` float32, as the model sees them: unknown bases are filled in as it wants.
    base
        `(n, t)` float32, the targets' values of the sequences as they are.
    extra
        The model's other inputs, by name, `(n, …)` each.
    names
        `n` names, for warnings.
    """

    def __init__(self, scorer: Scorer, X: Array, extra: Mapping[str, Array], names: Sequence[str]) -> None:
        self.scorer = scorer
        self.X = X
        self.extra = extra
        self.base = scorer.score(X, extra)
        self.names = tuple(names)
        self._finite = FiniteScores(self.names)
        self._finite.look(np.arange(len(X)), self.base, edited=False)
        self._kept: dict[int, KeptBase] = {}  # by width of the edits

    def __len__(self) -> int:
        return int(self.X.shape[0])

    def edited(self, X: Array) -> BoundSequences:
        """Return other sequences `X`, `(n, L, 4)`, as the model sees them, each in the place of one of these."""
        return BoundSequences(self.scorer, X, self.extra, self.names)

    def edits(self, rows: Array, starts: Array, replacements: Array) -> Array:
        """Score edited sequences: in each a stretch of `w` bp is replaced.

        Parameters
        ----------
        rows
            `(m,)` int: which sequence is edited.
        starts
            `(m,)` int: first position of the stretch, 0 … L − w.
        replacements
            `(m, k, w, 4)` float32: `k` alternatives for each of the `m` stretches, rows of any four numbers, which
            are shown to the model as they are (zeros stay zeros).

        Returns
        -------
        numpy.ndarray
            `(m, k, t)` float32, the targets' values.

        Raises
        ------
        ShapeError
            When shapes do not fit, or a stretch leaves its sequence.
        IncrementalError
            When computing only what changes gives something else than the whole model.
        """
        rows = np.asarray(rows)
        scores: Array = self.effects(rows, starts, replacements) + self.base[rows][:, None]
        return scores

    @DIFFERENCE
    def effects(self, rows: Array, starts: Array, replacements: Array) -> Array:
        """Return what edits change: the targets' values of the edited sequences less those of the sequences.

        Takes `rows`, `(m,)`, `starts`, `(m,)`, and `replacements`, `(m, k, w, 4)`, as `edits` does. An incremental
        evaluation computes effects themselves, not as differences of scores: small ones keep their digits.

        Returns
        -------
        numpy.ndarray
            `(m, k, t)` float32.

        Raises
        ------
        ShapeError
            When these do not fit each other, or an edit leaves the sequence.
        """
        rows, starts = np.asarray(rows), np.asarray(starts)
        replacements = np.asarray(replacements, dtype=np.float32)
        if replacements.ndim != 4 or not (len(rows) == len(starts) == len(replacements)) or replacements.shape[3] != 4:
            raise ShapeError(
                f"replacements have shape {replacements.shape}; expected (m, k, width, 4) with m = {len(rows)} rows "
                f"and starts (there are {len(starts)})."
            )
        m, _, width, _ = replacements.shape
        if m and (starts.min() < 0 or starts.max() + width > self.scorer.length):
            raise ShapeError(
                f"Edits of {width} bp at {starts.min()} to {starts.max()} leave a sequence of {self.scorer.length} bp."
            )
        evaluator = self.scorer.evaluator(width)
        if evaluator is None or m == 0:
            found = self._full(rows, starts, replacements)
        else:
            found = self._incremental(evaluator, rows, starts, replacements)
        self._finite.look(rows, found, edited=True)
        return found

    def whole(self, x: Array, rows: Array) -> Array:
        """Score sequences that were made of these in any way.

        Parameters
        ----------
        x
            `(m, L, 4)` float32, shown to the model as it is.
        rows
            `(m,)` int: which of the bound sequences each was made of; it shares that one's extra inputs.

        Returns
        -------
        numpy.ndarray
            `(m, t)` float32.
        """
        scores = self._whole(x, rows)
        self._finite.look(np.asarray(rows), scores, edited=True)
        return scores

    def _whole(self, x: Array, rows: Array) -> Array:
        return self.scorer.score(x, {name: value[rows] for name, value in self.extra.items()})

    def _full(self, rows: Array, starts: Array, replacements: Array) -> Array:
        m, k, width, _ = replacements.shape
        out = np.zeros((m * k, len(self.scorer.targets)), dtype=np.float32)
        for low, high in _ranges(m * k, self.scorer.batch_of(m * k)):
            edit, alternative = np.divmod(np.arange(low, high), k)
            x = self.X[rows[edit]]
            places = starts[edit, None] + np.arange(width)
            x[np.arange(len(edit))[:, None], places] = replacements[edit, alternative]
            out[low:high] = self._whole(x, rows[edit])
        effects: Array = out.reshape(m, k, out.shape[1]) - self.base[rows][:, None]
        return effects

    def _incremental(self, evaluator: IncrementalEvaluator, rows: Array, starts: Array, replacements: Array) -> Array:
        m, k, width, _ = replacements.shape
        weights = self.scorer.weights
        kept = self._kept.get(width)
        if kept is None:
            kept = self._kept[width] = KeptBase(evaluator, weights, self.X, self.extra)
        places = starts[:, None] + np.arange(width)
        out = np.zeros((m, k, len(self.scorer.targets)), dtype=np.float32)
        for chunk in np.unique(rows // kept.size):
            mine = np.flatnonzero(rows // kept.size == chunk)
            odd = ~kept.finite(chunk)[rows[mine] - chunk * kept.size]
            if odd.any():
                part, mine = mine[odd], mine[~odd]
                out[part] = self._full(rows[part], starts[part], replacements[part])
            for low, high in _ranges(len(mine), max(1, CHANGE_BYTES // (16 * k * width))):
                part = mine[low:high]
                changes = replacements[part] - self.X[rows[part, None], places[part]][:, None]
                out[part] = evaluator.effects(
                    weights, kept.of(chunk), rows[part] - chunk * kept.size, starts[part], changes,
                    batch_size=self.scorer.options.batch_size,
                )  # fmt: skip
        if not evaluator.checked:
            self._check(evaluator, rows, starts, replacements, out)
        odd = np.flatnonzero(~np.isfinite(out).all(axis=(1, 2)))
        if len(odd):  # infinity less infinity: inside of a model that may be where its score is finite
            out[odd] = self._full(rows[odd], starts[odd], replacements[odd])
        return out

    def _check(
        self, evaluator: IncrementalEvaluator, rows: Array, starts: Array, replacements: Array, found: Array
    ) -> None:
        """Compare a few edits, the outermost among them, with whole sequences."""
        order = np.argsort(starts, kind="stable")
        some = np.unique(order[np.linspace(0, len(order) - 1, CHECKED).astype(int)])
        which = np.arange(len(some)) % replacements.shape[1]  # of the alternatives, one a place
        wanted = self._full(rows[some], starts[some], replacements[some, which][:, None])
        given = found[some, which][:, None]

        def blame() -> str:
            place = int(np.where(np.isfinite(wanted), np.abs(given - wanted), 0).max(axis=(1, 2)).argmax())
            worst = int(some[place])
            row = slice(rows[worst], rows[worst] + 1)
            return evaluator.worst_layer(
                self.scorer.weights,
                self.X[row],
                {name: value[row] for name, value in self.extra.items()},
                int(starts[worst]),
                replacements[worst, which[place]],
            )

        evaluator.compare(given, wanted, self.base[rows[some]], blame)


def _ranges(n: int, size: int) -> Iterator[tuple[int, int]]:
    for low in range(0, n, size):
        yield low, min(low + size, n)
