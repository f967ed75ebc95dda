"""A prepared job of prediction difference analysis: the expected score when a window's bases are not known."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.models.target import Head, Target
from seqexplain.perturbation._checks import check_choice, check_count
from seqexplain.perturbation._edit_job import EditJob
from seqexplain.perturbation._fills import is_known, without_unknown
from seqexplain.perturbation._scorer import BoundSequences, EditOptions, Scorer
from seqexplain.perturbation._windows import by_target, check_windows, in_parts, mean_over_windows, window_starts
from seqexplain.results import Attributions, WindowAttributions
from seqexplain.sequences._stretches import enumerate_stretches, given_flanks, sample_stretches, stretch_codes
from seqexplain.sequences.encoding import UNKNOWN, one_hot_to_codes
from seqexplain.sequences.fasta import read_fasta
from seqexplain.sequences.markov import MarkovModel, around_stretches
from seqexplain.sequences.shuffle import check_seed
from seqexplain.sequences.streams import stream

SAMPLINGS = ("conditional", "marginal")
MEASURES = ("auto", "weight_of_evidence", "difference")
ROUNDING = 1e-5  # by which a probability may miss 0 and 1
_ROWS = np.concatenate([np.eye(4, dtype=np.float32), np.zeros((1, 4), dtype=np.float32)])


@dataclass(frozen=True, kw_only=True)
class PredictionDifferenceOptions(EditOptions):
    """Choices of the job; the fields are the parameters of `prediction_difference_analysis`."""

    window: int = 1
    stride: int = 1
    sampling: str = "conditional"
    background: Any = None
    order: int = 1
    pseudocount: float = 1.0
    n_samples: int = 64
    measure: str = "auto"
    n_training: int = 100_000

    def __post_init__(self) -> None:
        check_choice("sampling", self.sampling, SAMPLINGS)
        check_choice("measure", self.measure, MEASURES)
        check_count("n_samples", self.n_samples)
        check_count("n_training", self.n_training)
        check_seed(self.random_state)
        MarkovModel.fit(["ACGT"], order=self.order, pseudocount=self.pseudocount)


class PredictionDifference(EditJob):
    """A prepared job of prediction difference analysis. A sequence that is shorter than a window is one window."""

    method = "prediction_difference_analysis"
    has_hypothetical = False
    options: PredictionDifferenceOptions

    def __init__(
        self, model: SequenceModel, length: int, n_sequences: int, options: PredictionDifferenceOptions
    ) -> None:
        self.options = options
        self._markov = _background(options)
        check_windows(options.window, options.stride, length)
        super().__init__(model, length, n_sequences, options)

    def _prepare(self, length: int) -> None:
        options = self.options
        targets = self.model.targets(options.target, level=options.level, length=length)
        heads = self.model.heads_at(options.level)
        classes = [_classes(t, heads) if options.level == "output" else None for t in targets]
        if options.measure == "weight_of_evidence":
            if options.level != "output":
                raise ParameterError(
                    f'measure="weight_of_evidence" is of probabilities, and level={options.level!r} explains what is '
                    'below them; use level="output".'
                )
            classes = [k or 2 for k in classes]
        elif options.measure == "difference":
            classes = [None] * len(targets)
        self._classes = classes

    def _scorer(self, length: int) -> Scorer:
        if length not in self._scorers:
            n_edits = float(len(self._starts(length)) * self._alternatives * self._n_sequences)
            self._scorers[length] = Scorer(self.model, length, self._n_sequences, self._options, n_edits)
        return self._scorers[length]

    def _choices(self) -> dict[str, Any]:
        options = self.options
        chosen = {
            "window": int(options.window),
            "stride": int(options.stride),
            "sampling": options.sampling,
            "background": "each sequence's own" if self._markov is None else self._markov.digest,
            "order": int(options.order) if self._markov is None else self._markov.order,
            "measure": ["difference" if k is None else "weight_of_evidence" for k in self._classes],
        }
        if any(self._classes):
            chosen["n_training"] = int(options.n_training)
        if self._markov is None:
            chosen["pseudocount"] = float(options.pseudocount)
        if not self._exact:
            chosen |= {"n_samples": int(options.n_samples), "random_state": int(options.random_state)}
        return chosen

    @property
    def _exact(self) -> bool:
        """Whether all that may stand in a window is listed, and not sampled."""
        return self.options.window == 1 or 4 ** int(self.options.window) <= int(self.options.n_samples)

    @property
    def _alternatives(self) -> int:
        """How many stretches are put into a window."""
        window = int(self.options.window)
        if not self._exact:
            return int(self.options.n_samples)
        return 3 if window == 1 else 4**window  # of a single base that is known, its own value is

    def _explain(self, bound: BoundSequences, X: Array) -> dict[str, Any]:
        length = X.shape[1]
        window = min(int(self.options.window), length)
        starts = self._starts(length)
        moved, single = self._moved(bound, X, starts, window)
        scores = mean_over_windows(self._measured(bound.base, moved), starts, window, length)
        observed = scores[..., None] * X[:, None]
        return {"contributions": observed, "effects": single, "window_effects": by_target(moved)}

    def _starts(self, length: int) -> Array:
        return window_starts(length, min(int(self.options.window), length), int(self.options.stride))

    def _result(self, **fields: Any) -> Attributions:
        return WindowAttributions(window_starts=self._starts(fields["X"].shape[1]), **fields)

    def _measured(self, base: Array, moved: Array) -> Array:
        """Return what hiding each window takes away, `(n, windows, t)`, by each target's measure."""
        found = -moved
        expected = base[:, None] + moved
        for t, classes in enumerate(self._classes):
            if classes is None:
                continue
            values = np.concatenate([base[:, t], expected[..., t].ravel()])
            if len(values) and (values.min() < -ROUNDING or values.max() > 1 + ROUNDING):
                raise ParameterError(
                    f"The target {self.targets[t]} has values from {values.min():.3g} to {values.max():.3g}, which are "
                    'no probabilities; use measure="difference".'
                )
            n = int(self.options.n_training)
            found[..., t] = _log_odds(base[:, None, t], n, classes) - _log_odds(expected[..., t], n, classes)
        return found

    def _moved(self, bound: BoundSequences, X: Array, starts: Array, window: int) -> tuple[Array, Array | None]:
        """Return E_W − f(x), `(n, windows, t)`; of single bases each base's effect too, `(n, t, L, 4)`."""
        codes = one_hot_to_codes(without_unknown(X))
        tables = self._tables(X)
        rows = np.repeat(np.arange(len(X)), len(starts))
        places = np.tile(starts, len(X))
        n_targets, order = bound.base.shape[1], tables.shape[1] - 1
        moved = np.zeros((len(rows), n_targets))
        single = np.zeros((len(X), n_targets, X.shape[1], 4), dtype=np.float32) if window == 1 else None
        uniform = None if self._exact else self._uniform(X, len(starts), window)
        alternatives = 4**window if self._exact else int(self.options.n_samples)
        each = 16 * window * max(alternatives, 2 * tables.shape[2])
        for part in in_parts(len(rows), each):
            r, s = rows[part], places[part]
            around = around_stretches(codes, r, s, window, order, self.options.sampling == "conditional")
            steps = given_flanks(tables, r if len(tables) > 1 else np.zeros_like(r), around, window)
            if uniform is not None:
                drawn = sample_stretches(steps, around, uniform[part])
                moved[part] = self._effects(bound, r, s, drawn).mean(axis=1)
                continue
            probability = enumerate_stretches(steps, around)
            if single is None:
                stretches = np.broadcast_to(stretch_codes(window), (len(r), alternatives, window)).copy()
                effects = self._effects(bound, r, s, stretches)
            else:
                effects = self._substituted(bound, r, s, codes[r, s])
                single[r, :, s] = np.moveaxis(effects, 1, 2)
            moved[part] = np.einsum("mk,mkt->mt", probability, effects)
        return moved.reshape(len(X), len(starts), n_targets), single

    def _substituted(self, bound: BoundSequences, rows: Array, places: Array, there: Array) -> Array:
        """Return the effects of each base at single positions, `(m, 4, t)`: 0 of the base there."""
        others = (np.where(there == UNKNOWN, 0, there)[:, None] + np.arange(1, 4)) % 4
        effects = np.zeros((len(rows), 4, bound.base.shape[1]))
        known = np.flatnonzero(there != UNKNOWN)
        effects[known[:, None], others[known]] = bound.effects(
            rows[known], places[known], _ROWS[others[known]][:, :, None]
        )
        return effects

    def _effects(self, bound: BoundSequences, rows: Array, places: Array, stretches: Array) -> Array:
        """Return the effects of stretches `(m, k, w)` of base codes, `(m, k, t)`; unknown bases stay as they are."""
        window = stretches.shape[2]
        within = places[:, None] + np.arange(window)
        shown = bound.X[rows[:, None], within]
        known = is_known(shown)[:, None, :, None]
        return bound.effects(rows, places, np.where(known, _ROWS[stretches], shown[:, None])).astype(np.float64)

    def _tables(self, X: Array) -> Array:
        """Return the Markov tables, `(1 or n, order + 1, contexts, 4)`."""
        if self._markov is not None:
            return self._markov.expanded[None]
        order, pseudocount = int(self.options.order), float(self.options.pseudocount)
        found = np.full((len(X), order + 1, 4**order, 4), 0.25)  # what no base is known of, stays uniform
        for i, row in enumerate(without_unknown(X)):
            if row.any():
                found[i] = MarkovModel.fit(row[None], order=order, pseudocount=pseudocount).expanded
        return found

    def _uniform(self, X: Array, windows: int, window: int) -> Array:
        """Return the random numbers of each sequence's windows, `(n · windows, samples, window)`."""
        shape = (windows, int(self.options.n_samples), window)
        seed = int(self.options.random_state)
        drawn = [stream(seed, "pred-difference", row).random(shape) for row in without_unknown(X)]
        return np.concatenate(drawn) if drawn else np.zeros((0, *shape[1:]))


def _background(options: PredictionDifferenceOptions) -> MarkovModel | None:
    """Return the Markov model of the background; None where each sequence has its own."""
    given = options.background
    if given is None or isinstance(given, MarkovModel):
        return given
    if isinstance(given, (str, PathLike)):
        given = (record.sequence for record in read_fasta(given))
    return MarkovModel.fit(given, order=options.order, pseudocount=options.pseudocount)


def _classes(target: Target, heads: tuple[Head, ...]) -> int | None:
    """Return how many classes a probability is one of; None for what is no single probability."""
    if len(target.weights) != 1 or target.offset or target.softmax_over:
        return None
    value, weights = next(iter(target.weights.items()))
    head = next((h for h in heads if h.value == value), None)
    if head is None or np.count_nonzero(weights) != 1 or weights.max() != 1:
        return None
    if head.activation == "softmax":
        return int(np.prod([weights.shape[axis] for axis in head.softmax_axis]))
    return 2 if head.activation == "sigmoid" else None


def _log_odds(probability: Array, n: int, classes: int) -> Array:
    """Return log2 of the odds, of probabilities after Laplace's correction (p N + 1) / (N + K)."""
    p = np.clip(probability.astype(np.float64), 0.0, 1.0)
    corrected = (p * n + 1) / (n + classes)
    odds: Array = np.log2(corrected / (1 - corrected))
    return odds
