"""Prepared jobs of methods that average gradients along straight paths from references."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqexplain.attribution._gradient_job import check_count, check_flag, gradient_plan, on_simplex
from seqexplain.attribution._job import Arrays, AtLength
from seqexplain.attribution._linear_prefix import linear_prefix
from seqexplain.attribution._point_job import HOST_BYTES, PointJob
from seqexplain.attribution._propagation import Plan, target_values
from seqexplain.attribution._reference_job import ReferenceJob, ReferenceOptions
from seqexplain.models._prediction import pad_rows
from seqexplain.models.backend import Array, Tensor, ops, to_numpy, to_tensor
from seqexplain.models.sequence_model import SequenceModel

MAX_UNIT = 12  # points of one path that are computed together; more gains nothing


@dataclass(frozen=True, kw_only=True)
class PathOptions(ReferenceOptions):
    """Choices of a method along paths; the fields are the parameters of `integrated_gradients`, and one more.

    Parameters
    ----------
    batch_points
        At how many points gradients are computed at a time; given where a stored run is resumed with the batch shape
        that it began with.
    """

    simplex_correction: bool = False
    batch_points: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_flag("simplex_correction", self.simplex_correction)
        if self.batch_points is not None:
            check_count("batch_points", self.batch_points)


@dataclass(frozen=True)
class Pairs:
    """Sequence–reference pairs of one batch, with all that gradients between them need.

    Attributes
    ----------
    x, references
        `(p, L, 4)`.
    extra
        The model's other inputs, `(p, …)`.
    heads
        At the sequences, `(p, *head)`, for targets whose weights depend on them.
    f_x, f_r
        The targets, `(targets, p)`.
    """

    x: Array
    references: Array
    extra: dict[str, Array]
    heads: list[Array]
    f_x: Array
    f_r: Array


class PathJob(PointJob, ReferenceJob):
    """A method whose multipliers are weighted means of gradients between reference and sequence.

    A subclass says where gradients are taken (`_nodes`), or integrates as it likes (`_integrate`).
    """

    options: PathOptions

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: PathOptions) -> None:
        super().__init__(model, length, n_sequences, options)

    def _make_plan(self, heads: list[int]) -> Plan:
        self._prefix = linear_prefix(self.model.graph, heads)
        return gradient_plan(self.model, heads, self._prefix.value)

    def _choices(self) -> dict[str, Any]:
        return {
            **super()._choices(),
            "simplex_correction": bool(self.options.simplex_correction),
            "batch_points": self.batch_points,
        }

    def _steps_per_pair(self) -> int:
        """Return at how many points of a path gradients are taken, at least."""
        raise NotImplementedError

    def _nodes(self, pairs: Pairs) -> tuple[Array, Array]:
        """Return places `(p or 1, n)` on the paths, from 0 at the reference to 1 at x, and weights `(n,)`."""
        raise NotImplementedError

    def _choose_batch(self, length: int) -> None:
        r = self.n_references
        each = 16 * length * r * (2 + len(self.targets))
        self.batch_sequences = self._sequences_at_a_time(length, max(1, HOST_BYTES // each))
        self.batch_references = r
        points = self.batch_sequences * r * self._steps_per_pair()
        self.batch_points = self.options.batch_points or min(self._points_at_a_time(length), points)

    def _batch(self, at: AtLength, X: Array, extra: Mapping[str, Array], row: int) -> Arrays:
        n, r, size = len(X), self.n_references, self.batch_points
        x = self.model.fill_unknown(X)
        with self._drawing:  # a user's function need not be ready for two threads
            references = self.model.fill_unknown_like(X, self._references.draw(X, start=row))
        heads = self._heads_at(x, extra, size)
        f_x = self._values_at(at, x, extra, heads, size)
        rows = np.repeat(np.arange(n), r)
        flat = np.ascontiguousarray(references).reshape(n * r, *x.shape[1:])
        each = {k: v[rows] for k, v in extra.items()}
        heads = [h[rows] for h in heads]
        f_r = self._values_at(at, flat, each, heads, size)
        pairs = Pairs(x[rows], flat, each, heads, f_x[:, rows], f_r)
        return self._summary(pairs, self._integrate(at, pairs))

    def _integrate(self, at: AtLength, pairs: Pairs) -> Array:
        """Return the multipliers of each pair `(targets, p, L, 4)`."""
        places, weights = self._nodes(pairs)
        n, p = len(weights), len(pairs.x)
        k = _unit(n, min(MAX_UNIT, self.batch_points))
        units = -(-n // k)
        places = np.broadcast_to(pad_rows(places, units * k, axis=1), (p, units * k)).reshape(p * units, k)
        weights = np.broadcast_to(pad_rows(weights, units * k), (p, units * k)).reshape(p * units, k)
        rows = np.repeat(np.arange(p), units)
        size = max(1, self.batch_points // k)
        run = self._compiled(at, size, k)

        def compute(low: int) -> tuple[Array, Array]:
            part = slice(low, low + size)
            found = self._run(run, at, pairs, rows[part], places[part], weights[part], size)
            return rows[part], to_numpy(found[0])[:, : len(rows[part]), 0]

        total = np.zeros((len(self.targets), *pairs.x.shape), dtype=np.float32)
        for chosen, found in self._in_parallel(compute, range(0, len(rows), size)):
            for i, pair in enumerate(chosen):
                total[:, pair] += found[:, i]
        return total

    def _run(
        self,
        run: Callable[..., Any],
        at: AtLength,
        pairs: Pairs,
        rows: Array,
        places: Array,
        weights: Array,
        size: int,
        middles: Array | None = None,
        targets: Array | None = None,
    ) -> list[Tensor]:
        """Run a compiled function on some units: `rows` of the pairs, with places and weights `(units, k)`."""
        arguments = [pairs.x[rows], pairs.references[rows], places, weights]
        if middles is not None:
            arguments.append(middles)
        if targets is not None:
            arguments.append(targets[:, None] == np.arange(len(self.targets)))
        return list(
            run(
                self._weights,
                [to_tensor(pad_rows(a, size)) for a in arguments],
                {name: to_tensor(pad_rows(v[rows], size)) for name, v in pairs.extra.items()},
                [to_tensor(pad_rows(h[rows], size)) for h in pairs.heads],
                at.target_weights,
                self._offsets,
            )
        )

    def _compiled(self, at: AtLength, size: int, k: int, groups: int = 1, *, one_target: bool = False
                  ) -> Callable[..., Any]:  # fmt: skip
        """Return the function that adds up gradients at `size` · `k` points.

        With one group it returns `(targets, size, 1, L, 4)`. With more it is for adaptive paths: it returns the sums of
        each group, and the scores in the middles.

        Parameters
        ----------
        size, k
            Units, and points in each.
        groups
            The points of a unit are added up in so many sums.
        one_target
            Whether each unit is for one of several targets.
        """
        plan, prefix, targets = self._plan, self._prefix, len(self.targets)

        def make() -> Callable[..., Any]:
            def run(weights: Any, given: Any, extra: Any, heads: Any, of_targets: Any, offsets: Tensor) -> list[Tensor]:
                x, r, places, shares, *rest = given
                ends = prefix.apply(weights, ops.concatenate([r, x], axis=0))  # the path goes straight there too
                z, delta = ends[:size], ends[size:] - ends[:size]
                core = tuple(z.shape[1:])
                ones = (1,) * len(core)
                points = ops.expand_dims(z, 1) + ops.reshape(places, (size, k, *ones)) * ops.expand_dims(delta, 1)
                points = ops.reshape(points, (size * k, *core))
                start = self._start(of_targets, [ops.expand_dims(h, 1) for h in heads])
                offset = ops.reshape(offsets, (targets, 1))
                if one_target:
                    chosen = ops.transpose(rest[-1])  # (targets, units)
                    start = [
                        ops.sum(s * ops.reshape(chosen, (targets, size, *(1 for _ in s.shape[2:]))), 0, keepdims=True)
                        for s in start
                    ]
                    offset = ops.sum(offset * chosen, axis=0, keepdims=True)
                m = self._gradient(at, weights, points, extra, start, k) * ops.reshape(shares, (1, size, k, *ones))
                m = ops.sum(ops.reshape(m, (m.shape[0], size, groups, k // groups, *core)), axis=3)
                lead = tuple(m.shape[:3])
                m = prefix.transpose(weights, ops.reshape(m, (-1, *core)), at.shapes)
                m = ops.reshape(m, (*lead, *m.shape[1:]))
                if groups == 1:
                    return [m]
                middles = z + ops.reshape(rest[0], (size, *ones)) * delta
                found = [ops.expand_dims(h, 1) for h in prefix.values_after(plan, weights, middles, extra)[1]]
                return [m, target_values(found, start, ops.zeros((1,)))[:, :, 0] + offset]

            return run

        key = ("path", plan.key, self._start_key, size, k, groups, one_target, at.length)
        return self.model.compiled(key, make)

    def _forward_to_rules(
        self, weights: Any, points: Tensor, extra: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        return self._prefix.values_after(self._plan, weights, points, extra)

    def _summary(self, pairs: Pairs, m: Array) -> Arrays:
        """Reduce the multipliers of all pairs to what is kept, with the sequences first."""
        n, r = len(pairs.x) // self.n_references, self.n_references
        delta = pairs.f_x - pairs.f_r
        parts = (m * (pairs.x - pairs.references)).sum(axis=-1, dtype=np.float64)
        same = (pairs.x == pairs.references).all(axis=(-2, -1))
        error = np.where(same, 0.0, parts.sum(axis=-1) - delta)
        if self.options.simplex_correction:
            m = on_simplex(m)
        scores = m - (m * pairs.references).sum(axis=-1, keepdims=True)

        def by_sequence(array: Array) -> Array:
            return np.moveaxis(array.reshape(len(array), n, r, *array.shape[2:]), 0, 1)

        found = {
            "hypothetical": by_sequence(scores).mean(axis=2),
            "predictions": by_sequence(pairs.f_x)[:, :, 0],
            "reference_predictions": by_sequence(pairs.f_r),
            "error": by_sequence(error),
            "magnitude": by_sequence(np.abs(parts).sum(axis=-1)),
        }
        return {**found, "per_reference": by_sequence(scores)} if self.options.keep_references else found


def _unit(n: int, most: int) -> int:
    """Return how many of a path's `n` points to compute together, at most so many and with little padding."""
    if n <= most:
        return n
    return min(range(max(1, most // 2), most + 1), key=lambda k: (-(-n // k) * k, -k))
