"""Random or shuffled replacement of sliding windows, as a prepared job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._checks import check_choice, check_count
from seqexplain.perturbation._edit_job import EditJob
from seqexplain.perturbation._scorer import BoundSequences, EditOptions
from seqexplain.perturbation._substitutions import BASES, check_span, is_base
from seqexplain.perturbation._windows import by_target, check_windows, in_parts, mean_over_windows, window_starts
from seqexplain.results import Attributions, WindowAttributions
from seqexplain.sequences.shuffle import check_seed
from seqexplain.sequences.streams import stream

REPLACEMENTS = ("shuffle", "random")


@dataclass(frozen=True, kw_only=True)
class WindowMutagenesisOptions(EditOptions):
    """Choices of `window_mutagenesis`; see there."""

    window: int = 10
    stride: int = 1
    n_samples: int = 5
    replacement: str = "shuffle"
    start: int = 0
    end: int | None = None


class WindowMutagenesis(EditJob):
    """See `window_mutagenesis`. A stretch that a sequence of the job has less of than a window is one window."""

    method = "window_mutagenesis"
    has_hypothetical = False
    _options: WindowMutagenesisOptions

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: WindowMutagenesisOptions) -> None:
        self._start, self._end = check_span(options.start, options.end, length)
        self._seed = check_seed(options.random_state)
        check_count("n_samples", options.n_samples)
        check_windows(options.window, options.stride, self._end - self._start)
        check_choice("replacement", options.replacement, REPLACEMENTS)
        super().__init__(model, length, n_sequences, options)

    def _edits_of_one(self, length: int) -> int:
        return len(self._windows(length)[2]) * int(self._options.n_samples)

    def _choices(self) -> dict[str, Any]:
        options = self._options
        return {
            "window": int(options.window),
            "stride": int(options.stride),
            "n_samples": int(options.n_samples),
            "replacement": options.replacement,
            "start": self._start,
            "end": None if options.end is None else self._end,
            "random_state": self._seed,
        }

    def _windows(self, length: int) -> tuple[int, int, Array]:
        """Return width of the stretch, width of a window, and where windows begin in the stretch."""
        stretch = max(0, min(self._end, length) - self._start)
        window = min(int(self._options.window), stretch)
        starts = window_starts(stretch, window, int(self._options.stride)) if stretch else np.zeros(0, dtype=np.int64)
        return stretch, window, starts

    def _result(self, **fields: Any) -> Attributions:
        _, _, starts = self._windows(fields["X"].shape[1])
        return WindowAttributions(window_starts=self._start + starts, **fields)

    def _explain(self, bound: BoundSequences, X: Array) -> dict[str, Any]:
        stretch, window, starts = self._windows(X.shape[1])
        effects = self._effects(bound, starts, window)
        n, windows, samples, targets = effects.shape
        scores = np.zeros((n, samples, targets, X.shape[1]), dtype=np.float32)
        if windows:
            by_base = mean_over_windows(-effects.reshape(n, windows, samples * targets), starts, window, stretch)
            scores[..., self._start : self._start + stretch] = by_base.reshape(n, samples, targets, stretch)
        several, observed = samples > 1, X[:, None]
        return {
            "contributions": _mean(scores, 1)[..., None] * observed,
            "spread": _deviation(scores, 1)[..., None] * observed if several else None,
            "window_effects": by_target(_mean(effects, 2)),
            "window_spread": by_target(_deviation(effects, 2)) if several else None,
        }

    def _effects(self, bound: BoundSequences, starts: Array, window: int) -> Array:
        """Return the effect of each sample of each window, `(n, windows, samples, t)` float32."""
        samples = int(self._options.n_samples)
        draws = [self._draw(x, samples) for x in bound.X]
        rows = np.repeat(np.arange(len(bound)), len(starts))
        places = np.tile(self._start + starts, len(bound))
        effects = np.zeros((len(rows), samples, bound.base.shape[1]), dtype=np.float32)
        for part in in_parts(len(rows), 16 * samples * window):
            pieces = [
                self._replaced(bound.X[i, p : p + window], draws[i][:, p : p + window])
                for i, p in zip(rows[part], places[part], strict=True)
            ]
            effects[part] = bound.effects(rows[part], places[part], np.stack(pieces))
        return effects.reshape(len(bound), len(starts), *effects.shape[1:])

    def _draw(self, x: Array, samples: int) -> Array:
        """Return random numbers `(samples, L)` of a sequence: all its windows share them, wherever they begin."""
        return stream(self._seed, "windows", x).random((samples, len(x)))

    def _replaced(self, old: Array, draws: Array) -> Array:
        """Return replacements `(samples, window, 4)` of one window; what is no base stays as it is."""
        known = is_base(old)
        if self._options.replacement == "random":
            return np.where(known[:, None], BASES[(4 * draws).astype(np.int64)], old)
        # both orders begin with the known positions, shuffled and not; behind them unknown ones meet themselves
        order = np.argsort(np.where(known, draws, np.inf), axis=1, kind="stable")
        shuffled = np.empty((len(draws), *old.shape), dtype=np.float32)
        shuffled[:, np.argsort(~known, kind="stable")] = old[order]
        return shuffled


def _mean(samples: Array, axis: int) -> Array:
    found: Array = samples.mean(axis=axis, dtype=np.float64).astype(np.float32)
    return found


def _deviation(samples: Array, axis: int) -> Array:
    """Return the standard deviation of a sample, with m − 1."""
    found: Array = samples.std(axis=axis, ddof=1, dtype=np.float64).astype(np.float32)
    return found
