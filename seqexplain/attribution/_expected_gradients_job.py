"""Prepared jobs of expected gradients and of the simple Taylor decomposition."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqexplain.attribution._gradient_job import check_count
from seqexplain.attribution._path_job import Pairs, PathJob, PathOptions
from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.sequences.shuffle import check_seed
from seqexplain.sequences.streams import stream


@dataclass(frozen=True, kw_only=True)
class ExpectedGradientsOptions(PathOptions):
    """Choices of a job of expected gradients; the fields are the parameters of `expected_gradients`."""

    samples: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count("samples", self.samples)
        check_seed(self.random_state)


class ExpectedGradients(PathJob):
    """A prepared job of expected gradients."""

    method = "expected_gradients"
    options: ExpectedGradientsOptions

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: ExpectedGradientsOptions) -> None:
        super().__init__(model, length, n_sequences, options)

    def _choices(self) -> dict[str, Any]:
        return {**super()._choices(), "samples": int(self.options.samples)}

    @property
    def _adds_up(self) -> bool:
        return False  # in expectation only

    def _steps_per_pair(self) -> int:
        return int(self.options.samples)

    def _nodes(self, pairs: Pairs) -> tuple[Array, Array]:
        n, seed = int(self.options.samples), int(self.options.random_state)
        drawn = [stream(seed, "expected", x, r).random(n) for x, r in zip(pairs.x, pairs.references, strict=True)]
        # one in each of n equal parts of the path: uniform in the mean, with less scatter
        return (np.arange(n) + np.reshape(drawn, (-1, n))) / n, np.full(n, 1.0 / n)


@dataclass(frozen=True, kw_only=True)
class TaylorOptions(PathOptions):
    """Choices of a simple Taylor decomposition; the fields are the parameters of `simple_taylor_decomposition`."""

    root: Any = "uniform"
    references: Any = field(default="uniform", init=False)
    n_references: int = field(default=1, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "references", self.root)
        super().__post_init__()


class SimpleTaylorDecomposition(PathJob):
    """A prepared job of the simple Taylor decomposition."""

    method = "simple_taylor_decomposition"
    options: TaylorOptions

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: TaylorOptions) -> None:
        super().__init__(model, length, n_sequences, options)

    def _prepare(self, length: int) -> None:
        super()._prepare(length)
        if self.n_references != 1:
            raise ParameterError(
                f"root has {self.n_references} points a sequence; a Taylor decomposition has one. Give an array "
                "(L, 4), (1, L, 4) or (n, 1, L, 4), or average the results of several calls."
            )

    @property
    def _adds_up(self) -> bool:
        return False  # up to the first-order remainder

    def _steps_per_pair(self) -> int:
        return 1

    def _nodes(self, pairs: Pairs) -> tuple[Array, Array]:
        return np.zeros((1, 1)), np.ones(1)
