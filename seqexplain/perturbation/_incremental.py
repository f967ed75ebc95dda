"""Scores of edited sequences at the cost of what an edit changes: compiled once, checked against the model itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import numpy as np

from seqexplain.errors import IncrementalError
from seqexplain.models._prediction import memory_budget, pad_rows
from seqexplain.models.backend import Array, Tensor, device, ops, to_numpy, to_tensor
from seqexplain.models.graph import WeightList
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.models.target import Target
from seqexplain.perturbation._edit_plan import EditPlan, FullStep
from seqexplain.perturbation._finite import DIFFERENCE
from seqexplain.perturbation._frames import Edits, constant

EDIT_BYTES = 16 << 20  # of the largest tensor of one batch on a CPU; larger ones fall out of its cache
MAX_PLACES = 1024  # in one batch
KEPT_BYTES = 1 << 30  # of unedited sequences' values that are kept for further edits
CONCURRENT_BATCHES = 3  # on a CPU: while one waits for memory, others multiply
CHECKED = 4  # places where an edit is compared with the model itself
CHECK_EFFECT = 1e-3  # of the largest effect, and
CHECK_SCORE = 2e-5  # of the score: how far the two may be apart; both are far above float32's rounding


class IncrementalEvaluator:
    """Scores edits of one width.

    Parameters
    ----------
    plan
        What is computed anew; its heads are those of the targets.
    targets
        Resolved, as the model gives them.
    """

    def __init__(self, plan: EditPlan, targets: Sequence[Target]) -> None:
        self.plan = plan
        self.targets = tuple(targets)
        self._model: SequenceModel = plan.model
        shapes = plan.shapes
        self.target_weights = [
            to_tensor(np.stack([t.weights.get(v, np.zeros(shapes[v], np.float32)) for t in targets]))
            for v in plan.values
        ]
        self._softmax_over = tuple(tuple(t.softmax_over.get(v, ()) for t in targets) for v in plan.values)
        self.n_targets = len(targets)
        self.checked = False

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells what is compiled for these edits and targets from what is for others."""
        plan = self.plan
        return (plan.values, self._softmax_over, self.n_targets, plan.length, plan.width)

    @property
    def bytes_per_sequence(self) -> int:
        """Memory of the values that are kept of one unedited sequence."""
        kept = {*self.plan.axes, *self.plan.rows}
        return 4 * sum(int(np.prod(self.plan.shapes[v])) for v in kept)

    def places_at_a_time(self, alternatives: int, asked: int | str) -> int:
        """Return how many places go in one batch; a multiple of four where that is not said and so many fit."""
        if asked != "auto":
            return max(1, int(asked) // alternatives)
        budget = EDIT_BYTES if device() == "cpu" else memory_budget() // 16
        fits = max(1, min(MAX_PLACES, budget // (4 * self.plan.largest * alternatives)))
        return fits if fits < 4 else fits - fits % 4

    def base(self, weights: WeightList, x: Array, extra: Mapping[str, Array]) -> dict[Any, Tensor]:
        """Compute what edits read of unedited sequences `(s, L, 4)`."""
        plan = self.plan

        def make() -> Callable[..., Any]:
            def run(weights: WeightList, x: Tensor, extra: Mapping[str, Tensor]) -> list[Tensor]:
                found = plan.base(weights, x, extra)
                return [found[key] for key in self.keys]

            return run

        run = self._model.compiled(("edit base", plan.values, plan.width, x.shape), make)
        tensors = run(weights, to_tensor(x), {k: to_tensor(v) for k, v in extra.items()})
        return dict(zip(self.keys, tensors, strict=True))

    @property
    def values(self) -> list[Any]:
        """Return the names of those values of the graph that are kept of unedited sequences."""
        return [*self.plan.axes, *(("rows", v) for v in self.plan.rows)]

    @property
    def keys(self) -> list[Any]:
        """Return the names of all that is kept of unedited sequences, in one order."""
        plan = self.plan
        return self.values + [name for step in plan.steps if not isinstance(step, FullStep) for name in step.prepares]

    def effects(
        self,
        weights: WeightList,
        base: Mapping[Any, Tensor],
        rows: Array,
        places: Array,
        changes: Array,
        *,
        batch_size: int | str,
    ) -> Array:
        """Return what the targets change by, `(m, k, t)`, when sequences that `base` is of are edited.

        Parameters
        ----------
        weights, base
            Of the model, and from `base`.
        rows, places
            `(m,)`: which sequence, and the first position that is replaced.
        changes
            `(m, k, width, 4)`: the new rows less the old.
        batch_size
            Edits at a time, or `"auto"`.
        """
        m, k = changes.shape[:2]
        most = self.places_at_a_time(k, batch_size)
        size = most if m >= most else min(most, 1 << max(0, (m - 1).bit_length()))
        plan = self.plan

        def make() -> Callable[..., Any]:
            def run(
                weights: WeightList, base: Sequence[Tensor], rows: Tensor, places: Tensor, change: Tensor,
                target_weights: Sequence[Tensor],
            ) -> Tensor:  # fmt: skip
                edits = Edits(ops.cast(rows, "int32"), ops.cast(places, "int32"), k)
                known = dict(zip(self.keys, base, strict=True))
                _, whole = plan.edited(weights, known, edits, change)
                return self.change_of_targets(whole, known, edits, target_weights)

            return run

        tensors = [base[key] for key in self.keys]
        sequences = tuple(int(t.shape[0]) for t in tensors[:1])
        key = ("edits", *self.key, sequences, size, k)
        run = self._model.compiled(key, make)
        out = np.zeros((m, k, self.n_targets), dtype=np.float32)

        def compute(low: int) -> None:
            part = slice(low, min(low + size, m))
            given = [pad_rows(a[part], size) for a in (rows, places, changes)]
            found = run(weights, tensors, *(to_tensor(a) for a in given), self.target_weights)
            out[part] = to_numpy(found).reshape(size, k, -1)[: part.stop - low]

        starts = range(0, m, size)
        ran: set[Any] = self._model.remembered("edits that ran", set)
        alone = 0 if key in ran else 1  # the first: it compiles
        for low in starts[:alone]:
            compute(low)
        ran.add(key)
        with ThreadPoolExecutor(CONCURRENT_BATCHES if device() == "cpu" else 1) as pool:
            list(pool.map(compute, starts[alone:]))
        return out

    def change_of_targets(
        self, changes: Mapping[int, Tensor], base: Mapping[Any, Tensor], edits: Edits, weights: Sequence[Tensor]
    ) -> Tensor:
        """Return what the targets change by, `(batch, t)`."""
        total = ops.zeros((1, self.n_targets), dtype="float32")
        for value, w, over in zip(self.plan.values, weights, self._softmax_over, strict=True):
            count = int(np.prod(w.shape[1:]))
            change = ops.reshape(changes[value], (-1, count))
            if not any(over):
                total = total + ops.matmul(change, ops.transpose(ops.reshape(w, (-1, count))))
                continue
            old = edits.of_rows(base["rows", value])
            columns = []
            for t, axes in enumerate(over):
                pair = [_weighted(h, w[t : t + 1], axes, count) for h in (old + changes[value], old)]
                columns.append(pair[0] - pair[1] if axes else ops.sum(ops.reshape(w[t], (1, count)) * change, axis=1))
            total = total + ops.stack(columns, axis=1)
        return total

    # --- trust ---------------------------------------------------------------------------------------------------

    @DIFFERENCE
    def compare(self, found: Array, wanted: Array, base: Array, blame: Callable[[], str]) -> None:
        """Raise unless effects of a few edits are those that the model itself gives.

        Where all of them are not finite, nothing has been compared, and the next edits are.

        Parameters
        ----------
        found, wanted
            `(m, k, t)`: from here, and from whole sequences.
        base
            `(m, t)`: scores of the sequences before the edit.
        blame
            Called for a sentence on where the difference arises.

        Raises
        ------
        IncrementalError
            When they differ by more than rounding can explain.
        """
        heads: dict[tuple[int, ...], list[int]] = {}
        compared = True
        for t, target in enumerate(self.targets):
            heads.setdefault(tuple(sorted(target.weights)), []).append(t)
        # head by head: beside counts of thousands, a wrong probability would pass for rounding
        for columns in heads.values():
            right, score = wanted[..., columns], np.broadcast_to(base[:, None, columns], wanted[..., columns].shape)
            finite = np.isfinite(right) & np.isfinite(score)
            compared &= bool(finite.any())
            allowed = CHECK_EFFECT * np.abs(right).max(initial=0, where=finite)
            allowed += CHECK_SCORE * np.abs(score).max(initial=0, where=finite)
            off = np.abs(found[..., columns] - right).max(initial=0, where=finite)
            if not off <= allowed:
                raise IncrementalError(
                    f"Computing only what edits change gives effects of the model {self._model.name!r} that are off "
                    f'by {off:.3g}, where {allowed:.3g} is rounding. {blame()} Use evaluation="full" (--evaluation '
                    "full), and please report the model's configuration."
                )
        self.checked = compared

    @DIFFERENCE
    def worst_layer(
        self, weights: WeightList, x: Array, extra: Mapping[str, Array], place: int, replacement: Array
    ) -> str:
        """Return a sentence that names the first layer whose value is wrong for one edit of `x` `(1, L, 4)`."""
        plan, graph = self.plan, self._model.graph
        given = {k: to_tensor(v) for k, v in extra.items()}
        base = plan.base(weights, to_tensor(x), given)
        new = x.copy()
        new[0, place : place + plan.width] = replacement
        positions = graph.needed_for(plan.values)
        old_values = graph.run(weights, self._model.feeds(to_tensor(x), given), positions)
        new_values = graph.run(weights, self._model.feeds(to_tensor(new), given), positions)
        edits = Edits(constant([0]), constant([place]), 1)
        change = to_tensor((replacement - x[0, place : place + plan.width])[None, None])
        local, whole = plan.edited(weights, base, edits, change)
        for step in plan.steps:
            value = step.operation.outputs[0]
            wanted, before = to_numpy(new_values[value])[0], to_numpy(old_values[value])[0]
            if value in local:
                frame = plan.frames[value]
                found = np.moveaxis(to_numpy(edits.placed(local[value], frame))[0, 0], 0, frame.axis - 1)
            else:
                found = to_numpy(whole[value])[0]
            off = np.abs(found - (wanted - before)).max(initial=0)
            effect, size = np.abs(wanted - before).max(initial=0), np.abs(wanted).max(initial=0)
            if not off <= CHECK_EFFECT * effect + CHECK_SCORE * size:
                layer = step.operation
                return f"It begins at the layer {layer.layer!r} ({layer.layer_class}), whose value is off by {off:.3g}."
        return "Each layer agrees when computed alone: the difference arises in compiling."


def _weighted(head: Tensor, mask: Tensor, axes: tuple[int, ...], count: int) -> Tensor:
    """Return a profile's target of heads `(batch, …)`: logits less their mean, weighted by their own softmax."""
    share = mask * ops.exp(head - ops.logsumexp(head, axis=axes, keepdims=True)) if axes else mask
    share = share - ops.mean(share, axis=axes, keepdims=True) if axes else share
    return ops.sum(ops.reshape(share * head, (-1, count)), axis=1)


class KeptBase:
    """Values of unedited sequences, computed when first asked for, and kept as far as memory allows.

    Parameters
    ----------
    evaluator
        What computes them.
    weights
        Of the model.
    X, extra
        All sequences `(n, L, 4)` and their other inputs.
    """

    def __init__(
        self, evaluator: IncrementalEvaluator, weights: WeightList, X: Array, extra: Mapping[str, Array]
    ) -> None:
        self._evaluator = evaluator
        self._weights = weights
        self._X, self._extra = X, extra
        fits = max(1, min(KEPT_BYTES, memory_budget()) // max(1, evaluator.bytes_per_sequence))
        size = 1 << (min(fits, len(X)).bit_length() - 1)
        self.size = size * 2 if size < len(X) <= fits else size  # one chunk where all sequences fit
        self._most = max(1, KEPT_BYTES // max(1, self.size * evaluator.bytes_per_sequence))
        self._kept: dict[int, dict[Any, Tensor]] = {}
        self._finite: dict[int, Array] = {}
        self._lock = Lock()

    def of(self, chunk: int) -> dict[Any, Tensor]:
        """Return the values of sequences `chunk · size …`."""
        with self._lock:
            if chunk not in self._kept:
                while len(self._kept) >= self._most:
                    del self._kept[next(iter(self._kept))]
                part = slice(chunk * self.size, (chunk + 1) * self.size)
                x = pad_rows(self._X[part], self.size)
                extra = {name: pad_rows(value[part], self.size) for name, value in self._extra.items()}
                self._kept[chunk] = self._evaluator.base(self._weights, x, extra)
            return self._kept[chunk]

    def finite(self, chunk: int) -> Array:
        """Return `(size,)` bool: the sequences of a chunk all of whose values are finite.

        From infinity no difference leads back to a number, even where the score is one (behind a tanh, say).
        """
        if chunk not in self._finite:
            known = self.of(chunk)
            found = np.ones(self.size, dtype=bool)
            for value in self._evaluator.values:
                flat = ops.reshape(known[value], (self.size, -1))
                found &= to_numpy(ops.all(ops.isfinite(flat), axis=1))
            self._finite[chunk] = found
        return self._finite[chunk]
