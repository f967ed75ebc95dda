"""Prepared jobs of methods that look at the sequence alone, with no reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from seqexplain.attribution._job import Arrays, AtLength, Job
from seqexplain.attribution._propagation import Shapes, forward_pass, sweep, target_values
from seqexplain.models.backend import Array, Tensor, ops, to_numpy

SWEEP_COST = 3.0  # memory of one sequence, relative to its activations in a forward pass


class SequenceJob(Job):
    """A method that propagates from the targets to the sequence and looks at the sequence alone.

    A subclass chooses the steps (`_make_plan`), where propagation starts (`_begin`, by default the targets' weights),
    what is kept of a sweep (`_sweep`) and what becomes of it (`_finish`, by default hypothetical scores).
    """

    def _choose_batch(self, length: int) -> None:
        self.batch_sequences = self._sequences_at_a_time(length, self._fit(length, SWEEP_COST))

    def _shapes_of_results(self, n: int, length: int) -> dict[str, tuple[int, ...]]:
        t = len(self.targets)
        return {"arrived": (n, t, length, 4), "predictions": (n, t)}

    def _begin(self, start: list[Tensor], heads: Sequence[Tensor]) -> list[Tensor]:
        """Return what begins at the heads.

        Parameters
        ----------
        start
            The targets' weights, `(targets, sequences or 1, 1, *head)`.
        heads
            The heads' values, `(sequences, 1, *head)`.
        """
        return start

    def _sweep(
        self, weights: Any, at_x: Sequence[Tensor], begin: Sequence[Tensor], shapes: Shapes
    ) -> dict[str, Tensor]:
        """Propagate what begins at the heads; return what `_finish` needs, `(targets, sequences or 1, …)` each."""
        return {"arrived": ops.squeeze(sweep(self._plan, weights, at_x, [], begin, shapes), 2)}

    def _batch(self, at: AtLength, X: Array, extra: Mapping[str, Array], row: int) -> Arrays:
        x, extras = self._inputs(X, extra)
        plan, real = self._plan, len(X)

        def make() -> Callable[..., Any]:
            def run(weights: Any, x: Tensor, extras: Any, target_weights: Any, offsets: Tensor) -> dict[str, Tensor]:
                saved, heads = forward_pass(plan, weights, x, extras)
                heads = [ops.expand_dims(h, 1) for h in heads]
                start = self._start(target_weights, heads)
                f_x = target_values(heads, start, offsets)
                at_x = [ops.expand_dims(v, 1) for v in saved]
                found = self._sweep(weights, at_x, self._begin(start, heads), at.shapes)
                return {"predictions": ops.squeeze(f_x, 2), **found}

            return run

        run = self.model.compiled(("sweep", plan.key, self._start_key, tuple(x.shape)), make)
        out = run(self._weights, x, extras, at.target_weights, self._offsets)
        found = {}
        for name, tensor in out.items():
            values = to_numpy(tensor)
            values = np.broadcast_to(values, (values.shape[0], self.batch_sequences, *values.shape[2:]))
            found[name] = np.moveaxis(values[:, :real], 0, 1)
        return found

    def _finish(self, at: AtLength, X: Array, extra: Mapping[str, Array], start: int, found: Arrays,
                names: Sequence[str]) -> dict[str, Any]:  # fmt: skip
        hypothetical = found["arrived"]
        return {"contributions": hypothetical * X[:, None], "hypothetical": hypothetical}
