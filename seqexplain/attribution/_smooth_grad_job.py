"""A prepared SmoothGrad job: gradients at the sequence with noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqexplain.attribution._gradient_job import (
    GradientJob,
    GradientOptions,
    check_count,
    check_positive,
    on_simplex,
)
from seqexplain.attribution._job import Arrays, AtLength
from seqexplain.attribution._point_job import HOST_BYTES, PointJob
from seqexplain.errors import ParameterError
from seqexplain.models._prediction import pad_rows
from seqexplain.models.backend import Array, Tensor, ops, to_numpy, to_tensor
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.sequences.shuffle import check_seed
from seqexplain.sequences.streams import stream

VARIANTS = ("mean", "squared", "variance")


@dataclass(frozen=True, kw_only=True)
class SmoothGradOptions(GradientOptions):
    """Choices of a SmoothGrad job; the fields are the parameters of `smooth_grad`.

    Parameters
    ----------
    batch_points
        At how many points gradients are computed at a time; given where a stored run is resumed with the batch shape
        that it began with.
    """

    variant: str = "mean"
    n_samples: int = 50
    noise_level: float = 0.1
    batch_points: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.variant not in VARIANTS:
            known = ", ".join(f'"{v}"' for v in VARIANTS)
            raise ParameterError(f"variant={self.variant!r} is not known; use one of {known}.")
        check_count("n_samples", self.n_samples, 2 if self.variant == "variance" else 1)
        check_positive("noise_level", self.noise_level)
        check_seed(self.random_state)


class SmoothGrad(PointJob, GradientJob):
    """A prepared SmoothGrad job."""

    method = "smooth_grad"
    options: SmoothGradOptions

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: SmoothGradOptions) -> None:
        super().__init__(model, length, n_sequences, options)

    def _choices(self) -> dict[str, Any]:
        options = self.options
        return {
            **super()._choices(),
            "variant": options.variant,
            "n_samples": int(options.n_samples),
            "noise_level": float(options.noise_level),
            "random_state": int(options.random_state),
            "batch_points": self.batch_points,
        }

    def _choose_batch(self, length: int) -> None:
        n = int(self.options.n_samples)
        each = 16 * length * n * (1 + len(self.targets))
        self.batch_sequences = self._sequences_at_a_time(length, max(1, HOST_BYTES // each))
        points = self.batch_sequences * n
        self.batch_points = self.options.batch_points or min(self._points_at_a_time(length), points)

    def _batch(self, at: AtLength, X: Array, extra: Mapping[str, Array], row: int) -> Arrays:
        x, n, size = self.model.fill_unknown(X), int(self.options.n_samples), self.batch_points
        heads = self._heads_at(x, extra, self.batch_sequences)
        predictions = self._values_at(at, x, extra, heads, self.batch_sequences)
        noise = np.stack([self._noise(one, n) for one in x])
        rows = np.repeat(np.arange(len(x)), n)
        flat = noise.reshape(-1, *x.shape[1:])
        run = self._compiled(at, size)

        def compute(low: int) -> Array:
            part = rows[low : low + size]
            found = run(
                self._weights,
                to_tensor(pad_rows(x[part] + flat[low : low + size], size)),
                {k: to_tensor(pad_rows(v[part], size)) for k, v in extra.items()},
                [to_tensor(pad_rows(h[part], size)) for h in heads],
                at.target_weights,
            )
            return to_numpy(found)[:, : len(part)]

        pieces = list(self._in_parallel(compute, range(0, len(rows), size)))
        gradients = np.moveaxis(np.concatenate(pieces, axis=1), 0, 1)
        gradients = gradients.reshape(len(x), n, *gradients.shape[1:])
        return {"arrived": self._summary(gradients), "predictions": predictions.T}

    def _noise(self, x: Array, n: int) -> Array:
        """Return the noise of one sequence `(n, L, 4)`; its size is relative to the range of the sequence's values."""
        scale = np.float32(self.options.noise_level * float(x.max() - x.min()))
        generator = stream(int(self.options.random_state), self.method, x)
        drawn: Array = scale * generator.standard_normal((n, *x.shape), dtype=np.float32)
        return drawn

    def _compiled(self, at: AtLength, size: int) -> Callable[..., Any]:
        def make() -> Callable[..., Any]:
            def run(weights: Any, points: Tensor, extra: Any, heads: Any, targets: Any) -> Tensor:
                start = self._start(targets, [ops.expand_dims(h, 1) for h in heads])
                return self._gradient(at, weights, points, extra, start, 1)[:, :, 0]

            return run

        return self.model.compiled(("gradients", self._plan.key, self._start_key, size, at.length), make)

    def _summary(self, gradients: Array) -> Array:
        """Reduce gradients `(sequences, samples, targets, L, 4)` over the samples."""
        if self.options.simplex_correction:
            gradients = on_simplex(gradients)
        if self.options.variant == "mean":
            found: Array = gradients.mean(axis=1)
        elif self.options.variant == "squared":
            found = np.square(gradients).mean(axis=1)
        else:
            found = gradients.var(axis=1, dtype=np.float64).astype(np.float32)
        return found

    def _finish(self, at: AtLength, X: Array, extra: Mapping[str, Array], start: int, found: Arrays,
                names: Sequence[str]) -> dict[str, Any]:  # fmt: skip
        hypothetical = found["arrived"]  # corrected already, sample by sample
        return {"contributions": hypothetical * X[:, None], "hypothetical": hypothetical}
