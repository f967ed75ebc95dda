"""A prepared DeepLIFT job: validated once, compiled once, fed chunk by chunk."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np

from seqexplain.attribution._completeness import holds, worst_operation
from seqexplain.attribution._deeplift_rules import rules_for
from seqexplain.attribution._propagation import forward_pass, make_plan, sweep, target_values
from seqexplain.attribution._provenance import provenance, unnamed_choices
from seqexplain.attribution._reveal_cancel import fused_activations, reveal_cancel
from seqexplain.errors import CompletenessWarning, ParameterError, SequenceWarning
from seqexplain.models._prediction import choose_batch_size, memory_budget, pad_rows
from seqexplain.models.backend import Array, Tensor, ops, to_numpy, to_tensor
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import Attributions
from seqexplain.sequences import resolve_references

N_REFERENCES = 20  # shuffles a sequence; the mean's error falls with the square root
PAIR_COST = 4.0  # memory of one sequence–reference pair, relative to its activations in a forward pass
CONCURRENT_BATCHES = 2  # one draws references and fills the gaps of the other, which leave a core idle
MAX_SEQUENCES = 256  # in one batch; more gains nothing


@dataclass(frozen=True)
class DeepLiftOptions:
    """Choices of a DeepLIFT job; the fields are the parameters of `deeplift`.

    `batch_references`, how many references of a sequence are computed at a time, is there so that a stored run can be
    resumed with the batch shape that it began with.
    """

    target: Any = None
    references: Any = "dinucleotide"
    n_references: int = N_REFERENCES
    rule: str | Mapping[str, str] = "rescale"
    max_pool: str = "complete"
    level: str = "logit"
    batch_size: int | str = "auto"
    batch_references: int | None = None
    random_state: int = 0
    extra_inputs: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.max_pool not in ("complete", "winner"):
            raise ParameterError(f'max_pool={self.max_pool!r} is not known; use "complete" or "winner".')
        whole = isinstance(self.n_references, (int, np.integer)) and not isinstance(self.n_references, bool)
        if not whole or self.n_references < 1:
            raise ParameterError(f"n_references={self.n_references!r} must be a whole number from 1.")


@dataclass(frozen=True)
class _AtLength:
    """What depends on the length of the sequences."""

    length: int
    shapes: Mapping[int, tuple[int, ...]]
    target_weights: list[Tensor]
    constant: dict[tuple[int, int], tuple[Tensor, list[Tensor], list[Tensor]]] = field(default_factory=dict)


class DeepLift:
    """A prepared DeepLIFT job: validated once, compiled once, fed chunk by chunk.

    Parameters
    ----------
    model
        The model.
    length
        Of the longest sequence of the job in bp; memory is planned for it.
    n_sequences
        In the whole job.
    options
        What to compute.
    """

    method = "deeplift"
    has_hypothetical = True
    batches_at_once = 4 * CONCURRENT_BATCHES

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: DeepLiftOptions) -> None:
        self.model, self.options = model, options
        targets = model.targets(options.target, level=options.level, length=length)
        self.targets = tuple(t.label for t in targets)
        self._unnamed = unnamed_choices(options.target, targets, options.extra_inputs)
        self.several_targets = isinstance(options.target, list)
        heads = model.heads_at(options.level)
        self._head_positions = sorted({p for t in targets for p in t.weights})
        self._plan = make_plan(
            model,
            [heads[p].value for p in self._head_positions],
            rules_for(options.max_pool),
            "DeepLIFT",
            fused_activations(model.graph, options.rule),
            reveal_cancel,
        )
        model.verify()
        self._references = resolve_references(
            options.references, options.n_references, random_state=options.random_state
        )
        self._references.check(n_sequences, None if model.length is None else length)
        self._n_sequences = n_sequences
        self.n_references = self._references.n
        # constant references are computed once for all sequences, unless another input differs by sequence
        self._constant = not self._references.per_sequence and not model.per_sequence_extra(options.extra_inputs)
        self._weights = model.weights()
        self._offsets = to_tensor(np.array([t.offset for t in targets]))
        self._lengths: dict[int, _AtLength] = {}
        self._drawing = Lock()
        self._warned_of_unknown = False
        self._choose_batch(length, n_sequences)

    # --- what a pipeline asks ------------------------------------------------------------------------------------

    @property
    def parameters(self) -> dict[str, Any]:
        """Everything that decides the numbers, ready for JSON."""
        return {
            "targets": list(self.targets),
            **self._unnamed,
            "level": self.options.level,
            "references": self._references.label,
            "n_references": self.n_references,
            "rule": self.options.rule if isinstance(self.options.rule, str) else dict(self.options.rule),
            "max_pool": self.options.max_pool,
            "random_state": self.options.random_state,
            "batch_sequences": self.batch_sequences,
            "batch_references": self.batch_references,
            "model": self.model.options(),
        }

    @property
    def by_position(self) -> bool:
        """Whether a result depends on its row in the job: arrays of references or inputs are given by row."""
        references = self._references.label["kind"] in ("array", "callable") and self._references.per_sequence
        return references or self.model.per_sequence_extra(self.options.extra_inputs, by_row=True)

    @property
    def provenance(self) -> dict[str, Any]:
        """Versions, device and model: where the numbers come from."""
        return provenance(self.model)

    # --- computing -----------------------------------------------------------------------------------------------

    def explain(self, X: Array, *, start: int = 0, names: Sequence[str] = ()) -> Attributions:
        """Explain rows `start …` of the job.

        Parameters
        ----------
        X
            `(b, L, 4)` one-hot.
        start
            Row of the job that `X[0]` is; places given arrays of references and extra inputs.
        names
            `b` names.
        """
        X = self.model.validate(X)
        at = self._at(X.shape[1])
        n, t, r = len(X), len(self.targets), self.n_references
        rows = np.arange(start, start + n)
        extra = self.model.extra_rows(
            rows, extra_inputs=self.options.extra_inputs, names=names or None, n=self._n_sequences
        )
        hypothetical = np.zeros((n, t, at.length, 4), dtype=np.float32)
        predictions = np.zeros((n, t), dtype=np.float32)
        pairs = np.zeros((3, n, t, r), dtype=np.float32)
        parts = [slice(low, min(low + self.batch_sequences, n)) for low in range(0, n, self.batch_sequences)]

        def compute(part: slice) -> None:
            hypothetical[part], predictions[part], pairs[:, part] = self._batch(
                at, X[part], {k: v[part] for k, v in extra.items()}, start + part.start
            )

        for part in parts[:1]:  # alone: it compiles
            compute(part)
        with ThreadPoolExecutor(CONCURRENT_BATCHES) as pool:
            list(pool.map(compute, parts[1:]))
        reference_predictions, error, magnitude = pairs
        self._warn_of_unknown(X, start)
        if self.options.max_pool == "complete":
            self._warn(at, X, extra, names, start, predictions[..., None], reference_predictions, error, magnitude)
        pick: Callable[[Array], Array] = (lambda a: a) if self.several_targets else (lambda a: a[:, 0])
        return Attributions(
            contributions=pick(hypothetical * X[:, None]),
            hypothetical=pick(hypothetical),
            X=X,
            predictions=pick(predictions),
            reference_predictions=pick(reference_predictions),
            completeness_error=pick(error),
            names=tuple(names),
            targets=self.targets,
            method=self.method,
            parameters=self.parameters,
        )

    def _choose_batch(self, length: int, n_sequences: int) -> None:
        """Set how many sequences, and how many of their references, are computed at a time."""
        r = self.n_references
        each = self.model.bytes_per_sequence(length, self._plan.forward) * (PAIR_COST + len(self.targets) - 1)
        fits = max(1, int(memory_budget() / each))
        if self.options.batch_size == "auto":
            self.batch_sequences = max(1, min(fits // r, MAX_SEQUENCES, n_sequences))
        else:
            self.batch_sequences = choose_batch_size(self.model, self.options.batch_size, length, n_sequences)
        at_once = self.options.batch_references or min(r, max(1, fits // self.batch_sequences))
        self.batch_references = -(-r // -(-r // at_once))  # blocks of equal size

    def _at(self, length: int) -> _AtLength:
        if length not in self._lengths:
            heads = self.model.heads_at(self.options.level)
            shapes = self.model.value_shapes(length)
            targets = self.model.targets(self.options.target, level=self.options.level, length=length)
            weights = []
            for p in self._head_positions:
                zero = np.zeros(shapes[heads[p].value], dtype=np.float32)
                weights.append(to_tensor(np.stack([t.weights.get(p, zero) for t in targets])))
            self._lengths[length] = _AtLength(length, shapes, weights)
        return self._lengths[length]

    def _batch(self, at: _AtLength, X: Array, extra: Mapping[str, Array], row: int) -> tuple[Array, Array, Array]:
        """Explain at most `batch_sequences` sequences, padded to exactly that many.

        Returns the hypothetical scores `(s, t, L, 4)`, the predictions `(s, t)`, and for each pair `(3, s, t, r)` the
        prediction at the reference, the completeness error and Σ |m·(x − ref)|.
        """
        real, size, r, block = len(X), self.batch_sequences, self.n_references, self.batch_references
        x = to_tensor(pad_rows(self.model.fill_unknown(X), size))
        extras = {k: to_tensor(pad_rows(v, size)) for k, v in extra.items()}
        saved, heads = self._forward(x, extras)
        with self._drawing:  # a user's function need not be ready for two threads
            drawn = None if self._constant else self._references.draw(X, start=row)
        hypothetical: Array = np.zeros((len(self.targets), real, at.length, 4), dtype=np.float32)
        pairs = []
        for low in range(0, r, block):
            high = min(low + block, r)
            share = to_tensor((np.arange(block) < high - low) / r)
            if drawn is None:
                references, saved_r, heads_r = self._constant_references(at, low, high, extras)
            else:
                chosen = self.model.fill_unknown_like(X, drawn[:, low:high])
                references, saved_r, heads_r = (
                    to_tensor(pad_rows(pad_rows(chosen, size), block, axis=1)),
                    [],
                    [],
                )
            out = self._pairs(at, x, saved, heads, references, saved_r, heads_r, extras, share)
            hypothetical += to_numpy(out[0])[:, :real]
            predictions = to_numpy(out[1])[:, :real]
            pairs.append(np.stack([to_numpy(o)[:, :real, : high - low] for o in out[2:]]))
        return (
            np.moveaxis(hypothetical, 0, 1),
            predictions.T,
            np.moveaxis(np.concatenate(pairs, axis=3), 1, 2),
        )

    def _forward(self, x: Tensor, extras: Mapping[str, Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        plan = self._plan

        def make() -> Callable[..., Any]:
            return lambda weights, x, extra: forward_pass(plan, weights, x, extra)

        key = ("deeplift forward", plan.heads, plan.saved, tuple(x.shape))
        saved, heads = self.model.compiled(key, make)(self._weights, x, dict(extras))
        return list(saved), list(heads)

    def _constant_references(
        self, at: _AtLength, low: int, high: int, extras: Mapping[str, Tensor]
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Return references that all sequences share, with their activations, computed once for the job."""
        if (low, high) not in at.constant:
            zeros = np.zeros((1, at.length, 4), dtype=np.float32)
            drawn = self._references.draw(zeros, start=0)[0, low:high]
            chosen = to_tensor(pad_rows(drawn, self.batch_references))
            rows = {k: ops.repeat(v[:1], self.batch_references, axis=0) for k, v in extras.items()}
            at.constant[low, high] = (ops.expand_dims(chosen, 0), *self._forward(chosen, rows))
        return at.constant[low, high]

    def _pairs(
        self,
        at: _AtLength,
        x: Tensor,
        saved: list[Tensor],
        heads: list[Tensor],
        references: Tensor,
        saved_r: list[Tensor],
        heads_r: list[Tensor],
        extras: Mapping[str, Tensor],
        share: Tensor,
    ) -> list[Tensor]:
        """Run the compiled sweep over all pairs of a batch; the references' forward pass is part of it."""
        plan, constant = self._plan, self._constant
        s, r = self.batch_sequences, self.batch_references

        def make() -> Callable[..., Any]:
            def pairs(
                weights: Any, x: Tensor, saved: Any, heads: Any, references: Tensor, saved_r: Any, heads_r: Any,
                extras: Any, target_weights: Any, offsets: Tensor, share: Tensor,
            ) -> list[Tensor]:  # fmt: skip
                lead = 1 if constant else s
                if not constant:
                    rows = {k: ops.repeat(v, r, axis=0) for k, v in extras.items()}
                    flat = ops.reshape(references, (s * r, *x.shape[1:]))
                    saved_r, heads_r = forward_pass(plan, weights, flat, rows)
                at_r = [ops.reshape(v, (lead, r, *v.shape[1:])) for v in saved_r]
                at_x = [ops.expand_dims(v, 1) for v in saved]
                m = sweep(plan, weights, at_x, at_r, target_weights, at.shapes)
                f_x = target_values(heads, target_weights, offsets)
                f_r = ops.reshape(target_values(heads_r, target_weights, offsets), (-1, lead, r))
                return _summarise(m, ops.expand_dims(x, 1), references, f_x, f_r, share)

            return pairs

        key = ("deeplift pairs", plan.heads, plan.saved, tuple(plan.fused), self.options.max_pool, len(self.targets),
               constant, s, r, at.length)  # fmt: skip
        run = self.model.compiled(key, make)
        return list(
            run(
                self._weights,
                x,
                saved,
                heads,
                references,
                saved_r,
                heads_r,
                dict(extras),
                at.target_weights,
                self._offsets,
                share,
            )
        )

    def _warn_of_unknown(self, X: Array, start: int) -> None:
        """Warn once of what no base's contribution can hold: an unknown base where the reference has one."""
        unknown = np.logical_not(np.any(X, axis=-1))
        if self._warned_of_unknown or not unknown.any():
            return
        row = int(np.argmax(unknown.any(axis=1)))
        with self._drawing:
            references = self._references.draw(X[row : row + 1], start=start + row)
        if not references[0][:, unknown[row]].any():
            return
        self._warned_of_unknown = True
        warnings.warn(
            f"Sequence {start + row} has unknown bases where its references have bases. What that changes in the score "
            "is in no base's contribution, so contributions sum to something else than the difference in score. "
            'Shuffled references ("dinucleotide") keep unknown bases where they are.',
            SequenceWarning,
            stacklevel=4,
        )

    def _warn(
        self,
        at: _AtLength,
        X: Array,
        extra: Mapping[str, Array],
        names: Sequence[str],
        start: int,
        at_x: Array,
        at_reference: Array,
        error: Array,
        magnitude: Array,
    ) -> None:
        """Warn where completeness fails, naming the worst pair and the layer that loses most."""
        if error.size == 0:
            return
        delta = at_x - at_reference
        # the usual score of each target: one that happens to be near 0 is still a sum of terms of that size
        usual = np.maximum(np.abs(at_x), np.abs(at_reference)).max(axis=(0, 2), keepdims=True)
        failed = ~holds(error, delta, magnitude, usual)
        if not failed.any():
            return
        row, target, pair = (int(i) for i in np.unravel_index(np.argmax(np.abs(error) * failed), error.shape))
        references = self._references.draw(X[row : row + 1], start=start + row)
        layer = worst_operation(
            self._plan,
            self._weights,
            to_tensor(self.model.fill_unknown(X[row : row + 1])),
            to_tensor(self.model.fill_unknown_like(X[row : row + 1], references)[:, pair]),
            {k: to_tensor(v[row : row + 1]) for k, v in extra.items()},
            [w[target : target + 1] for w in at.target_weights],
            at.shapes,
        )
        warnings.warn(
            f"Completeness fails for {int(failed.sum())} of {failed.size} sequence–reference pairs; worst is "
            f"{names[row] if len(names) else f'sequence {start + row}'}, reference {pair}, target "
            f"{self.targets[target]}: contributions sum to {(delta + error)[row, target, pair]:.6g}, the score differs "
            f"by {delta[row, target, pair]:.6g}. Most is lost at {layer}.",
            CompletenessWarning,
            stacklevel=4,
        )


def _summarise(m: Tensor, x: Tensor, references: Tensor, f_x: Tensor, f_r: Tensor, share: Tensor) -> list[Tensor]:
    """Reduce the multipliers of all pairs to what is kept.

    `m` (t, s|1, r|1, L, 4); `x` (s, 1, L, 4); `references` (s|1, r, L, 4); `share` (r,): 1 / number of references, and
    0 for padding.
    """
    at_reference = ops.sum(m * references, axis=-1, keepdims=True)
    parts = ops.sum(m * x, axis=-1, keepdims=True) - at_reference
    weight = ops.reshape(share, (-1, 1, 1))
    hypothetical = ops.sum((m - at_reference) * weight, axis=2)
    total = ops.sum(parts, axis=(-2, -1))
    magnitude = ops.sum(ops.abs(parts), axis=(-2, -1))
    delta = ops.expand_dims(f_x, 2) - f_r
    f_r = f_r + ops.zeros_like(delta)
    # a shuffle may be the sequence itself: no difference, whatever two forward passes round to
    same = ops.all(ops.equal(x, references), axis=(-2, -1))
    error = ops.where(same, 0.0, total - delta)
    return [hypothetical, f_x, f_r, error, magnitude + ops.zeros_like(delta)]
