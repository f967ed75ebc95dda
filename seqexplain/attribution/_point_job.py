"""Gradients at many points beside each sequence: on paths from references, or with noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore
from typing import Any, TypeVar

import numpy as np

from seqexplain.attribution._job import AtLength, Job, concurrent_batches
from seqexplain.attribution._propagation import forward_pass, sweep, target_values
from seqexplain.attribution._sequence_job import SWEEP_COST
from seqexplain.models._prediction import pad_rows
from seqexplain.models.backend import Array, Tensor, ops, to_numpy, to_tensor
from seqexplain.models.sequence_model import SequenceModel

HOST_BYTES = 128 << 20  # of gradients that one batch keeps beside the model

Work = TypeVar("Work")
Found = TypeVar("Found")


class PointJob(Job):
    """A method made of gradients at points of its own choice, several for each sequence.

    Targets are affine functions of the heads whose weights belong to the explained sequence (a profile's are the
    softmax there): `heads` are the heads at the sequences, and go along with the points.
    """

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: Any) -> None:
        self._slots = Semaphore(concurrent_batches())
        super().__init__(model, length, n_sequences, options)

    def _points_at_a_time(self, length: int) -> int:
        """Return at how many points gradients fit memory."""
        return self._fit(length, SWEEP_COST)

    def _in_parallel(self, compute: Callable[[Work], Found], work: Sequence[Work]) -> Iterator[Found]:
        """Compute some pieces of work at a time, whatever else is under way; the first alone, as it compiles."""

        def one(piece: Work) -> Found:
            with self._slots:
                return compute(piece)

        yield from map(one, work[:1])
        if len(work) > 1:
            with ThreadPoolExecutor(concurrent_batches()) as pool:
                yield from pool.map(one, work[1:])

    def _heads_at(self, x: Array, extra: Mapping[str, Array], size: int) -> list[Array]:
        """Return the heads at sequences `(s, L, 4)`, `(s, *head)` each, `size` sequences at a time.

        Where no target's weights depend on them they are not computed, and what is returned is not looked at.
        """
        if not any(over for of_head in self._softmax_over for over in of_head):
            return [np.zeros((len(x), 1), dtype=np.float32) for _ in self._plan.heads]
        plan = self._plan

        def make() -> Callable[..., Any]:
            return lambda weights, x, extra: forward_pass(plan, weights, x, extra)[1]

        run = self.model.compiled(("heads", plan.key, size, x.shape[1]), make)

        def compute(low: int) -> list[Array]:
            rows = {k: to_tensor(pad_rows(v[low : low + size], size)) for k, v in extra.items()}
            found = run(self._weights, to_tensor(pad_rows(x[low : low + size], size)), rows)
            return [to_numpy(h)[: len(x) - low] for h in found]

        pieces = self._in_parallel(compute, range(0, len(x), size))
        return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]

    def _values_at(
        self, at: AtLength, points: Array, extra: Mapping[str, Array], heads: Sequence[Array], size: int
    ) -> Array:
        """Return the targets at points `(b, L, 4)`, `(targets, b)`; `heads` are those of each point's sequence."""
        plan = self._plan

        def make() -> Callable[..., Any]:
            def values(weights: Any, points: Tensor, extra: Any, heads: Any, targets: Any, offsets: Tensor) -> Tensor:
                found = forward_pass(plan, weights, points, extra)[1]
                start = self._start(targets, [ops.expand_dims(h, 1) for h in heads])
                return target_values([ops.expand_dims(h, 1) for h in found], start, offsets)[:, :, 0]

            return values

        run = self.model.compiled(("values", plan.key, self._start_key, size, at.length), make)

        def compute(low: int) -> Array:
            part = slice(low, low + size)
            rows = {k: to_tensor(pad_rows(v[part], size)) for k, v in extra.items()}
            given = [to_tensor(pad_rows(h[part], size)) for h in heads]
            x = to_tensor(pad_rows(points[part], size))
            found = to_numpy(run(self._weights, x, rows, given, at.target_weights, self._offsets))
            return found[:, : len(points) - low]

        return np.concatenate(list(self._in_parallel(compute, range(0, len(points), size))), axis=1)

    def _forward_to_rules(
        self, weights: Any, points: Tensor, extra: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Compute what rules look at, and the heads, at points of what the plan ends at."""
        return forward_pass(self._plan, weights, points, extra)

    def _gradient(
        self, at: AtLength, weights: Any, points: Tensor, extra: Mapping[str, Tensor], start: Sequence[Tensor], k: int
    ) -> Tensor:
        """Return gradients at points `(p·k, L, 4)`, inside a compiled function: `(targets, p, k, L, 4)`.

        Where the plan ends at another value than the sequence, points and gradients are of that value.

        `start` are the targets' weights at each head `(targets, p or 1, 1, *head)`, `extra` the other inputs `(p, …)`.
        """
        rows = {name: ops.repeat(v, k, axis=0) for name, v in extra.items()}
        saved, _ = self._forward_to_rules(weights, points, rows)
        begin = [s if s.shape[1] == 1 else ops.repeat(s, k, axis=1) for s in start]
        m = sweep(self._plan, weights, [ops.expand_dims(v, 1) for v in saved], [], begin, at.shapes)
        # a model that is linear has one gradient for all points
        m = ops.broadcast_to(m[:, :, 0], (m.shape[0], points.shape[0], *m.shape[3:]))
        return ops.reshape(m, (m.shape[0], -1, k, *m.shape[2:]))
