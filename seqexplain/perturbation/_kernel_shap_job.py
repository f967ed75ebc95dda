"""A prepared Kernel SHAP job: the regression whose solution is the Shapley value of each window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._checks import check_count
from seqexplain.perturbation._coalitions import all_coalitions, paired_coalitions
from seqexplain.perturbation._surrogate_job import Fit, SurrogateJob, SurrogateOptions, r_squared

BUDGET = 2048  # coalitions beside the 2 M smallest and largest, where none are asked for


@dataclass(frozen=True, kw_only=True)
class KernelShapOptions(SurrogateOptions):
    """Choices of a Kernel SHAP job; the fields are the parameters of `kernel_shap`."""

    def __post_init__(self) -> None:
        if self.n_samples is not None:
            check_count("n_samples", self.n_samples, 2)


class KernelShap(SurrogateJob):
    """A prepared Kernel SHAP job."""

    method = "kernel_shap"
    purpose = "kernel-shap"
    options: KernelShapOptions

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: KernelShapOptions) -> None:
        super().__init__(model, length, n_sequences, options)

    def _prepare(self, length: int) -> None:
        super()._prepare(length)
        self._budget(-(-length // int(self.options.window)))

    def _budget(self, n_features: int) -> int:
        """Return how many coalitions to score beside the empty and the whole one."""
        budget = 2 * n_features + BUDGET if self.options.n_samples is None else int(self.options.n_samples)
        if n_features > 1 and budget < min(2 * n_features, 2**n_features - 2):
            raise ParameterError(
                f"n_samples={budget} is too few for {n_features} windows of {self.options.window} bp; give at least "
                f"{2 * n_features}, or use longer windows."
            )
        return budget

    def _coalitions(self, n_features: int, generator: np.random.Generator) -> tuple[Array, Array]:
        if n_features < 2:
            return np.zeros((0, n_features), dtype=bool), np.zeros(0)
        budget = self._budget(n_features)
        if 2**n_features - 2 <= budget:
            return all_coalitions(n_features)
        return paired_coalitions(n_features, budget, generator)

    def _fit(self, present: Array, weights: Array, values: Array, ends: Array) -> Fit:
        from sklearn.linear_model import LinearRegression

        nobody, everybody = ends
        delta = everybody - nobody
        n_features = present.shape[1]
        if n_features < 2:
            return Fit(np.tile(delta, (n_features, 1)), np.ones(len(delta)))
        # the last coefficient is what the others leave of f(x) − f(nothing), so that they add up exactly
        last = present[:, -1:].astype(np.float64)
        x = present[:, :-1] - last
        regression = LinearRegression(fit_intercept=False)
        regression.fit(x, values - nobody - last * delta, sample_weight=weights)
        others = np.reshape(regression.coef_, (len(delta), -1)).T
        coefficients = np.concatenate([others, delta[None] - others.sum(axis=0, keepdims=True)])
        return Fit(coefficients, r_squared(values, nobody + present @ coefficients, weights))
