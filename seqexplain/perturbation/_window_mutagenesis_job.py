"""Random or shuffled replacement of sliding windows, as a prepared job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array
from seqexplain.perturbation._edit_job import EditJob
from seqexplain.perturbation._scorer import BoundSequences, EditOptions
from seqexplain.perturbation._substitutions import BASES, check_number, check_span, is_base
from seqexplain.results import Attributions, WindowAttributions
from seqexplain.sequences.shuffle import check_seed
from seqexplain.sequences.streams import stream

REPLACEMENTS = ("shuffle", "random")
REPLACEMENT_BYTES = 1 << 26  # of replacements that are built at a time


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
    """See `window_mutagenesis`. Where a sequence of the job is shorter than a window, its scores are 0."""

    method = "window_mutagenesis"
    has_hypothetical = False
    _options: WindowMutagenesisOptions

    def _prepare(self, length: int) -> None:
        options = self._options
        self._start, self._end = check_span(options.start, options.end, length)
        self._window = check_number("window", options.window, 1)
        self._stride = check_number("stride", options.stride, 1)
        self._samples = check_number("n_samples", options.n_samples, 1)
        self._seed = check_seed(options.random_state)
        if options.replacement not in REPLACEMENTS:
            raise ParameterError(f'replacement={options.replacement!r} is not known; use "shuffle" or "random".')
        if self._window > self._end - self._start:
            raise ParameterError(
                f"window={self._window} is wider than the stretch of {self._end - self._start} bp from "
                f"{self._start} to {self._end}; take a smaller window."
            )
        if self._stride > self._window:
            raise ParameterError(
                f"stride={self._stride} leaves bases between windows of {self._window} bp; take a stride up to that."
            )

    def _choices(self) -> dict[str, Any]:
        return {
            "window": self._window,
            "stride": self._stride,
            "n_samples": self._samples,
            "replacement": self._options.replacement,
            "start": self._start,
            "end": None if self._options.end is None else self._end,
            "random_state": self._seed,
        }

    def _starts(self, length: int) -> Array:
        """Return where windows begin; the last ends with the stretch, so that each base is in one."""
        last = min(self._end, length) - self._window
        if last < self._start:
            return np.zeros(0, dtype=np.int64)
        return np.unique(np.append(np.arange(self._start, last, self._stride), last))

    def _result(self, **fields: Any) -> Attributions:
        return WindowAttributions(window_starts=self._starts(fields["X"].shape[1]), **fields)

    def _explain(self, bound: BoundSequences, X: Array) -> dict[str, Any]:
        starts = self._starts(X.shape[1])
        draws = [self._draw(x) for x in bound.X]
        rows, windows = (a.ravel() for a in np.indices((len(bound), len(starts))))
        effects = np.zeros((len(rows), self._samples, bound.base.shape[1]), dtype=np.float32)
        size = max(1, REPLACEMENT_BYTES // (16 * self._samples * self._window))
        for low in range(0, len(rows), size):
            row, at = rows[low : low + size], starts[windows[low : low + size]]
            pieces = np.stack([self._replaced(bound.X[i], p, draws[i]) for i, p in zip(row, at, strict=True)])
            effects[low : low + size] = bound.edits(row, at, pieces) - bound.base[row, None]
        effects = effects.reshape(len(bound), len(starts), *effects.shape[1:]).transpose(0, 3, 1, 2)
        scores = self._by_base(effects, starts, X.shape[1])
        several = self._samples > 1
        observed = X[:, None]
        return {
            "contributions": scores.mean(axis=-1, dtype=np.float64).astype(np.float32)[..., None] * observed,
            "spread": _deviation(scores)[..., None] * observed if several else None,
            "window_effects": effects.mean(axis=-1, dtype=np.float64).astype(np.float32),
            "window_spread": _deviation(effects) if several else None,
        }

    def _draw(self, x: Array) -> Array:
        """Return random numbers `(samples, L)` of a sequence: all its windows share them, wherever they begin."""
        return stream(self._seed, "windows", x).random((self._samples, len(x)))

    def _replaced(self, x: Array, start: int, draws: Array) -> Array:
        """Return replacements `(samples, window, 4)` of one window; what is no base stays as it is."""
        old = x[start : start + self._window]
        drawn = draws[:, start : start + self._window]
        known = is_base(old)
        if self._options.replacement == "random":
            return np.where(known[:, None], BASES[(4 * drawn).astype(np.int64)], old)
        # both orders begin with the known positions, shuffled and not; behind them unknown ones meet themselves
        order = np.argsort(np.where(known, drawn, np.inf), axis=1, kind="stable")
        shuffled = np.empty((len(draws), *old.shape), dtype=np.float32)
        shuffled[:, np.argsort(~known, kind="stable")] = old[order]
        return shuffled

    def _by_base(self, effects: Array, starts: Array, length: int) -> Array:
        """Return `(n, t, L, samples)`: minus the mean effect of the windows that cover a base."""
        total = np.zeros((*effects.shape[:2], length, effects.shape[3]), dtype=np.float64)
        covering = np.zeros(length, dtype=np.int64)
        for offset in range(self._window):
            total[:, :, starts + offset] -= effects
            covering[starts + offset] += 1
        mean: Array = total / np.maximum(covering, 1)[:, None]
        return mean


def _deviation(samples: Array) -> Array:
    """Return the standard deviation over the last axis, that of a sample."""
    found: Array = samples.std(axis=-1, ddof=1, dtype=np.float64).astype(np.float32)
    return found
