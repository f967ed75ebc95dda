"""A prepared LIME job: a weighted ridge regression on random neighbours of each sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._checks import check_count, check_number
from seqexplain.perturbation._surrogate_job import Fit, SurrogateJob, SurrogateOptions, r_squared


@dataclass(frozen=True, kw_only=True)
class LimeOptions(SurrogateOptions):
    """Choices of a LIME job; the fields are the parameters of `lime`."""

    n_samples: int = 1000
    kernel_width: float = 0.25
    alpha: float = 1.0

    def __post_init__(self) -> None:
        check_count("n_samples", self.n_samples, 2)
        check_number("kernel_width", self.kernel_width)
        check_number("alpha", self.alpha, zero=True)


class Lime(SurrogateJob):
    """A prepared LIME job."""

    method = "lime"
    purpose = "lime"
    options: LimeOptions

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: LimeOptions) -> None:
        super().__init__(model, length, n_sequences, options)

    def _choices(self) -> dict[str, Any]:
        own = {"kernel_width": float(self.options.kernel_width), "alpha": float(self.options.alpha)}
        return {**super()._choices(), **own}

    def _coalitions(self, n_features: int, generator: np.random.Generator) -> tuple[Array, Array]:
        present = generator.random((int(self.options.n_samples), n_features)) < 0.5
        present[0] = True  # the sequence itself is the nearest of its neighbours
        cosine = np.sqrt(present.mean(axis=1)) if n_features else np.ones(len(present))
        return present, np.exp(-(((1 - cosine) / float(self.options.kernel_width)) ** 2))

    def _fit(self, present: Array, weights: Array, values: Array, ends: Array) -> Fit:
        from sklearn.linear_model import Ridge

        if not present.shape[1]:
            return Fit(np.zeros((0, values.shape[1])), np.ones(values.shape[1]))
        x = present.astype(np.float64)
        ridge = Ridge(alpha=float(self.options.alpha)).fit(x, values, sample_weight=weights)
        coefficients = np.reshape(ridge.coef_, (values.shape[1], -1)).T
        fitted = np.reshape(ridge.predict(x), values.shape)
        return Fit(coefficients, r_squared(values, fitted, weights))
