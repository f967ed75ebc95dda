"""A prepared occlusion job: windows of bases are hidden one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._edit_job import EditJob
from seqexplain.perturbation._fills import Fill
from seqexplain.perturbation._scorer import BoundSequences, EditOptions, Scorer
from seqexplain.perturbation._windows import by_target, check_windows, in_parts, mean_over_windows, window_starts
from seqexplain.results import Attributions, WindowAttributions


@dataclass(frozen=True, kw_only=True)
class OcclusionOptions(EditOptions):
    """Choices of an occlusion job; the fields are the parameters of `occlusion`."""

    window: int = 10
    stride: int = 1
    fill: Any = "zeros"
    n_samples: int = 10
    blur_sigma: float = 10.0


class Occlusion(EditJob):
    """A prepared occlusion job. A sequence of the job that is shorter than a window is one window."""

    method = "occlusion"
    has_hypothetical = False
    options: OcclusionOptions

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: OcclusionOptions) -> None:
        self.options = options
        self._fill = Fill(options.fill, options.n_samples, options.blur_sigma, options.random_state)
        check_windows(options.window, options.stride, length)
        super().__init__(model, length, n_sequences, options)

    def _prepare(self, length: int) -> None:
        self._fill.check(length)

    def _scorer(self, length: int) -> Scorer:
        if length not in self._scorers:
            n_edits = float(len(self._starts(length)) * self._fill.n * self._n_sequences)
            self._scorers[length] = Scorer(self.model, length, self._n_sequences, self._options, n_edits)
        return self._scorers[length]

    def _choices(self) -> dict[str, Any]:
        return {
            "window": int(self.options.window),
            "stride": int(self.options.stride),
            "fill": self._fill.label,
        }

    def _explain(self, bound: BoundSequences, X: Array) -> dict[str, Any]:
        length = X.shape[1]
        window = min(int(self.options.window), length)
        self._fill.check(length)
        starts = self._starts(length)
        effects = self._effects(bound, self._fill.tracks(X, bound.X), starts, window)
        scores = mean_over_windows(-effects, starts, window, length)
        return {"contributions": scores[..., None] * X[:, None], "window_effects": by_target(effects)}

    def _starts(self, length: int) -> Array:
        return window_starts(length, min(int(self.options.window), length), int(self.options.stride))

    def _result(self, **fields: Any) -> Attributions:
        return WindowAttributions(window_starts=self._starts(fields["X"].shape[1]), **fields)

    def _effects(self, bound: BoundSequences, tracks: Array, starts: Array, window: int) -> Array:
        """Return by how much hiding each window moves each target, `(n, windows, t)`: mean over the tracks."""
        rows = np.repeat(np.arange(len(bound)), len(starts))
        places = np.tile(starts, len(bound))
        found = np.zeros((len(rows), bound.base.shape[1]))
        k = tracks.shape[1]
        for part in in_parts(len(rows), 16 * k * window):
            within = places[part, None] + np.arange(window)
            hidden = tracks[rows[part, None, None], np.arange(k)[:, None], within[:, None]]
            found[part] = bound.effects(rows[part], places[part], hidden).mean(axis=1, dtype=np.float64)
        return found.reshape(len(bound), len(starts), found.shape[1])
