"""A prepared job of integrated gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from seqexplain._completeness import LEAST_OF_MAGNITUDE, OF_MAGNITUDE
from seqexplain.attribution._completeness import holds
from seqexplain.attribution._gradient_job import check_count, check_positive
from seqexplain.attribution._job import AtLength
from seqexplain.attribution._path_job import Pairs, PathJob, PathOptions
from seqexplain.attribution._quadrature import FIRST_STEPS, PANEL_NODES, QUADRATURES, AdaptivePath, Stretch, nodes
from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array, Tensor, to_numpy
from seqexplain.models.sequence_model import SequenceModel

TOLERANCE = 1e-3  # of |Δ|
MAX_STEPS = 1024
KEPT_BYTES = 256 << 20  # of the stretches of all paths that are under way


@dataclass(frozen=True, kw_only=True)
class IntegratedGradientsOptions(PathOptions):
    """Choices of a job of integrated gradients; the fields are the parameters of `integrated_gradients`."""

    references: Any = "uniform"
    steps: int | str = "auto"
    quadrature: str = "gauss-legendre"
    tolerance: float = TOLERANCE
    max_steps: int = MAX_STEPS

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.quadrature not in QUADRATURES:
            known = " or ".join(f'"{q}"' for q in QUADRATURES)
            raise ParameterError(f"quadrature={self.quadrature!r} is not known; use {known}.")
        if isinstance(self.steps, str):
            if self.steps != "auto":
                raise ParameterError(f'steps={self.steps!r} must be a whole number from 1, or "auto".')
        else:
            check_count("steps", self.steps)
        check_positive("tolerance", self.tolerance)
        check_count("max_steps", self.max_steps, FIRST_STEPS)


class IntegratedGradients(PathJob):
    """A prepared job of integrated gradients."""

    method = "integrated_gradients"
    options: IntegratedGradientsOptions

    def __init__(
        self, model: SequenceModel, length: int, n_sequences: int, options: IntegratedGradientsOptions
    ) -> None:
        super().__init__(model, length, n_sequences, options)

    def _choices(self) -> dict[str, Any]:
        options = self.options
        adaptive = {"max_steps": int(options.max_steps)} if options.steps == "auto" else {}
        return {
            **super()._choices(),
            "steps": options.steps if options.steps == "auto" else int(options.steps),
            "quadrature": options.quadrature,
            "tolerance": float(options.tolerance),
            **adaptive,
        }

    def _steps_per_pair(self) -> int:
        return FIRST_STEPS * len(self.targets) if self.options.steps == "auto" else int(self.options.steps)

    def _nodes(self, pairs: Pairs) -> tuple[Array, Array]:
        places, weights = nodes(self.options.quadrature, int(self.options.steps))
        return places[None], weights

    def _integrate(self, at: AtLength, pairs: Pairs) -> Array:
        if self.options.steps != "auto":
            return super()._integrate(at, pairs)
        shape = (len(self.targets), *pairs.x.shape)
        found = np.zeros(shape, dtype=np.float32)
        middle = (pairs.references + pairs.x) / 2
        f_middle = self._values_at(at, middle, pairs.extra, pairs.heads, self.batch_points)
        paths = [(t, p) for p in range(shape[1]) for t in range(shape[0])]
        kept = max(1, KEPT_BYTES // (int(self.options.max_steps) // PANEL_NODES * 16 * shape[2]))
        for low in range(0, len(paths), kept):
            self._follow(at, pairs, f_middle, paths[low : low + kept], found)
        return found

    def _follow(
        self, at: AtLength, pairs: Pairs, f_middle: Array, ids: Sequence[tuple[int, int]], found: Array
    ) -> None:
        """Integrate some paths, each (target, pair), round by round; whichever is near enough rests."""
        paths = [self._path(pairs, f_middle, t, p) for t, p in ids]
        places, weights = nodes(self.options.quadrature, PANEL_NODES)
        places, weights = np.concatenate([places / 2, (places + 1) / 2]), np.concatenate([weights, weights]) / 2
        size = max(1, self.batch_points // len(places))
        several = len(self.targets) > 1
        run = self._compiled(at, size, len(places), 2, one_target=several)

        def compute(work: Sequence[tuple[int, Stretch]]) -> list[tuple[int, Stretch, float, Array]]:
            targets, rows = np.array([ids[i] for i, _ in work]).T
            start, width = (np.array([v]).T for v in zip(*((s.start, s.end - s.start) for _, s in work), strict=True))
            m, scores = self._run(
                run, at, pairs, rows, start + width * places, width * weights, size, start + width / 2,
                targets if several else None,
            )  # fmt: skip
            m, scores = to_numpy(m)[0], to_numpy(scores)[0]
            return [(i, s, float(f), halves) for (i, s), f, halves in zip(work, scores, m, strict=False)]

        while work := [(i, stretch) for i, path in enumerate(paths) for stretch in path.wanted]:
            batches = [work[k : k + size] for k in range(0, len(work), size)]
            for batch in self._in_parallel(compute, batches):
                for i, stretch, score, halves in batch:
                    paths[i].cut(stretch, score, halves)
            for i in {i for i, _ in work}:
                paths[i].refine()
        for (t, p), path in zip(ids, paths, strict=True):
            found[t, p] = path.integral()

    def _path(self, pairs: Pairs, f_middle: Array, t: int, p: int) -> AdaptivePath:
        scores = (float(pairs.f_r[t, p]), float(f_middle[t, p]), float(pairs.f_x[t, p]))
        delta = np.array(scores[2] - scores[0])
        usual = max(map(abs, scores))
        near = partial(self._near, delta=delta, usual=np.array(usual))
        return AdaptivePath(pairs.x[p] - pairs.references[p], scores, near, int(self.options.max_steps))

    def _near(self, error: float, magnitude: float, *, delta: Array, usual: Array) -> bool:
        return bool(self._holds(np.array(error), delta, np.array(magnitude), usual))

    def _holds(self, error: Array, delta: Array, magnitude: Array, usual: Array) -> Array:
        tolerance = float(self.options.tolerance)
        return np.asarray(
            holds(error, delta, magnitude, usual, tolerance, max(OF_MAGNITUDE * tolerance, LEAST_OF_MAGNITUDE))
        )

    def _blame(self, at: AtLength, x: Tensor, reference: Tensor, extra: Mapping[str, Tensor], target: int) -> str:
        options = self.options
        if options.steps == "auto":
            asked, mend = f"max_steps={options.max_steps}", "Allow more (max_steps), or a larger tolerance"
        else:
            asked, mend = f"steps={options.steps}", 'Let the steps be chosen (steps="auto"), or give more'
        other = next(q for q in QUADRATURES if q != options.quadrature)
        return (
            f"With {asked} the gradients along the path are not integrated to tolerance={options.tolerance:g}. "
            f'{mend}, or try quadrature="{other}".'
        )
