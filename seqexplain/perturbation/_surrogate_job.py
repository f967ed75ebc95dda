"""What jobs have in common that fit a linear model to a sequence's neighbours: windows of it present or absent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._checks import check_count
from seqexplain.perturbation._edit_job import EditJob
from seqexplain.perturbation._fills import Fill, is_known, without_unknown
from seqexplain.perturbation._scorer import BoundSequences, EditOptions
from seqexplain.perturbation._windows import in_parts
from seqexplain.sequences.streams import stream


@dataclass(frozen=True, kw_only=True)
class SurrogateOptions(EditOptions):
    """Choices that both surrogates have; the fields are parameters of their functions."""

    window: int = 10
    fill: Any = "shuffle"
    n_fills: int = 1
    blur_sigma: float = 10.0
    n_samples: int | None = None


@dataclass(frozen=True)
class Fit:
    """What was fitted to one sequence.

    Attributes
    ----------
    coefficients
        `(features, t)`: what the presence of each is worth.
    r_squared
        `(t,)`: weighted share of the neighbours' variance that the linear model explains.
    """

    coefficients: Array
    r_squared: Array


class SurrogateJob(EditJob):
    """A linear model of which windows are present, fitted to each sequence by itself.

    Features are windows side by side, from the first base on; the last may be shorter, and those without a known base
    are none. Each base gets an equal share of its window's coefficient.
    """

    has_hypothetical = False
    options: SurrogateOptions
    purpose = ""  # of the random numbers

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: SurrogateOptions) -> None:
        self.options = options
        check_count("n_fills", options.n_fills)
        self._fill = Fill(options.fill, options.n_fills, options.blur_sigma, options.random_state)
        super().__init__(model, length, n_sequences, options)

    # --- what a surrogate says ---------------------------------------------------------------------------------

    def _coalitions(self, n_features: int, generator: np.random.Generator) -> tuple[Array, Array]:
        """Return which features are present in each neighbour `(s, features)` bool, and the neighbours' weights."""
        raise NotImplementedError

    def _fit(self, present: Array, weights: Array, values: Array, ends: Array) -> Fit:
        """Fit values `(s, t)` of neighbours; `ends` `(2, t)` are those with no and with every feature."""
        raise NotImplementedError

    # --- what both do ------------------------------------------------------------------------------------------

    def _prepare(self, length: int) -> None:
        check_count("window", self.options.window)
        if self.options.window > length:
            raise ParameterError(
                f"window={self.options.window} is longer than the sequences, which have {length} bp; use a shorter one."
            )
        self._fill.check(length)

    def _choices(self) -> dict[str, Any]:
        return {
            "window": int(self.options.window),
            "fill": self._fill.label,
            "n_samples": None if self.options.n_samples is None else int(self.options.n_samples),
            "random_state": int(self.options.random_state),
            "diagnostics": ["weighted_r_squared", "score_without_features"],
        }

    def _explain(self, bound: BoundSequences, X: Array) -> dict[str, Any]:
        length, n_targets = X.shape[1], bound.base.shape[1]
        tracks = self._fill.tracks(X, bound.X)
        known = is_known(X)
        feature_of = [self._features(row) for row in known]
        seeds = [stream(int(self.options.random_state), self.purpose, row) for row in without_unknown(X)]
        drawn = [self._coalitions(f.max() + 1, s) for f, s in zip(feature_of, seeds, strict=True)]
        values = self._values(bound, tracks, feature_of, [np.concatenate([_ends(p), p]) for p, _ in drawn])
        scores = np.zeros((len(X), n_targets, length), dtype=np.float32)
        diagnostics = np.zeros((len(X), n_targets, 2), dtype=np.float32)
        for i, (present, weights) in enumerate(drawn):
            ends = np.stack([values[i][0], bound.base[i]]).astype(np.float64)
            fit = self._fit(present, weights, values[i][2:], ends)
            here = known[i]
            share = (
                fit.coefficients
                / np.maximum(np.bincount(feature_of[i][here], minlength=len(fit.coefficients)), 1)[:, None]
            )
            scores[i][:, here] = share[feature_of[i][here]].T
            diagnostics[i] = np.stack([fit.r_squared, ends[0]], axis=1)
        return {"contributions": scores[..., None] * X[:, None], "diagnostics": diagnostics}

    def _features(self, known: Array) -> Array:
        """Return the feature of each position `(L,)`, −1 where it has none."""
        window = np.arange(len(known)) // int(self.options.window)
        windows = np.unique(window[known])
        feature = np.full(len(known), -1)
        feature[known] = np.searchsorted(windows, window[known])
        return feature

    def _values(
        self, bound: BoundSequences, tracks: Array, feature_of: list[Array], present: list[Array]
    ) -> list[Array]:
        """Return the values of each sequence's neighbours `(s, t)`, means over the fills."""
        rows = np.repeat(np.arange(len(present)), [len(p) for p in present])
        which = np.concatenate([np.arange(len(p)) for p in present]) if present else np.zeros(0, dtype=np.intp)
        k, length = tracks.shape[1:3]
        found = np.zeros((len(rows), bound.base.shape[1]))
        for part in in_parts(len(rows), 16 * k * length):
            r = rows[part]
            shown = np.ones((len(r), length), dtype=bool)
            for j, (row, c) in enumerate(zip(r, which[part], strict=True)):
                member = np.append(present[row][c], True)  # position −1: what has no feature stays
                shown[j] = member[feature_of[row]]
            x = np.where(shown[:, None, :, None], bound.X[r, None], tracks[r])
            scores = bound.whole(x.reshape(-1, length, 4), np.repeat(r, k))
            found[part] = scores.astype(np.float64).reshape(len(r), k, -1).mean(axis=1)
        return np.split(found, np.cumsum([len(p) for p in present])[:-1]) if present else []


def _ends(present: Array) -> Array:
    """Return the coalition of nobody and that of all."""
    ends = np.zeros((2, present.shape[1]), dtype=bool)
    ends[1] = True
    return ends


def r_squared(values: Array, fitted: Array, weights: Array) -> Array:
    """Return the weighted R² of each target `(t,)`; 1 where values do not vary and the fit is right."""
    from sklearn.metrics import r2_score

    if len(values) < 2:
        return np.ones(values.shape[1])
    found: Array = np.atleast_1d(r2_score(values, fitted, sample_weight=weights, multioutput="raw_values"))
    return found
