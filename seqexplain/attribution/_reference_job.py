"""Prepared jobs of methods that compare each sequence with references."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from seqexplain.attribution._completeness import holds
from seqexplain.attribution._job import Arrays, AtLength, Job, JobOptions
from seqexplain.errors import CompletenessWarning, ParameterError, SequenceWarning
from seqexplain.models._prediction import pad_rows
from seqexplain.models.backend import Array, Tensor, ops, to_numpy, to_tensor
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.sequences import resolve_references

N_REFERENCES = 20  # shuffles a sequence; the mean's error falls with the square root
PAIR_COST = 4.0  # memory of one sequence–reference pair, relative to its activations in a forward pass


@dataclass(frozen=True, kw_only=True)
class ReferenceOptions(JobOptions):
    """Choices of a method with references; the fields are the parameters of `deeplift`, and one more.

    Parameters
    ----------
    batch_references
        How many references of a sequence are computed at a time; given where a stored run is resumed with the batch
        shape that it began with.
    """

    references: Any = "dinucleotide"
    n_references: int = N_REFERENCES
    batch_references: int | None = None
    keep_references: bool = False

    def __post_init__(self) -> None:
        whole = isinstance(self.n_references, (int, np.integer)) and not isinstance(self.n_references, bool)
        if not whole or self.n_references < 1:
            raise ParameterError(f"n_references={self.n_references!r} must be a whole number from 1.")
        if not isinstance(self.keep_references, (bool, np.bool_)):
            raise ParameterError(f"keep_references={self.keep_references!r} is not known; use True or False.")


class ReferenceJob(Job):
    """A method whose contributions add up to the difference of each sequence–reference pair.

    A subclass computes a block of pairs (`_pairs`), and may prepare what all blocks of a batch share (`_at_sequences`).
    """

    pair_cost = PAIR_COST
    references_from_start = False  # whether the references of a block need their row in the job

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: ReferenceOptions) -> None:
        self.options = options
        self._drawing = Lock()
        self._warned_of_unknown = False
        super().__init__(model, length, n_sequences, options)

    def _prepare(self, length: int) -> None:
        options = self.options
        self._references = resolve_references(
            options.references, options.n_references, random_state=options.random_state
        )
        self._references.check(self._n_sequences, None if self.model.length is None else length)
        self.n_references = self._references.n
        # constant references are computed once for all sequences, unless another input differs by sequence
        self._constant = not self._references.per_sequence and not self.model.per_sequence_extra(options.extra_inputs)

    def _choices(self) -> dict[str, Any]:
        return {
            "references": self._references.label,
            "n_references": self.n_references,
            "random_state": self.options.random_state,
            "batch_references": self.batch_references,
        }

    @property
    def by_position(self) -> bool:
        """Whether a result depends on its row in the job: arrays of references or inputs are given by row."""
        references = self._references.label["kind"] in ("array", "callable") and self._references.per_sequence
        return references or super().by_position

    @property
    def _adds_up(self) -> bool:
        """Whether the method promises completeness, so that a failure is worth a warning."""
        return True

    def _at_sequences(self, at: AtLength, x: Tensor, extras: Mapping[str, Tensor]) -> Any:
        """Compute what all references of these sequences share."""
        return None

    def _pairs(
        self,
        at: AtLength,
        x: Tensor,
        prepared: Any,
        references: Tensor | None,
        block: tuple[int, int],
        extras: Mapping[str, Tensor],
        share: Tensor,
    ) -> Sequence[Tensor]:
        """Explain a batch of sequences `(s, L, 4)` against a block of references, as `summarise` returns it.

        `references` are `(s, r, L, 4)`, or None where all sequences share them: then `_shared_references` has them.
        `share` is what each reference counts in the mean: 1 / number of references, and 0 for padding.
        """
        raise NotImplementedError

    def _choose_batch(self, length: int) -> None:
        """Set how many sequences, and how many of their references, are computed at a time."""
        r = self.n_references
        fits = self._fit(length, self.pair_cost)
        self.batch_sequences = self._sequences_at_a_time(length, fits // r)
        at_once = self.options.batch_references or min(r, max(1, fits // self.batch_sequences))
        self.batch_references = -(-r // -(-r // at_once))  # blocks of equal size

    def _shapes_of_results(self, n: int, length: int) -> dict[str, tuple[int, ...]]:
        t, r = len(self.targets), self.n_references
        each = {"per_reference": (n, t, r, length, 4)} if self.options.keep_references else {}
        pairs = dict.fromkeys(("reference_predictions", "error", "magnitude"), (n, t, r))
        return {"hypothetical": (n, t, length, 4), "predictions": (n, t), **pairs, **each}

    def _batch(self, at: AtLength, X: Array, extra: Mapping[str, Array], row: int) -> Arrays:
        real, size, r, block = len(X), self.batch_sequences, self.n_references, self.batch_references
        x, extras = self._inputs(X, extra)
        prepared = self._at_sequences(at, x, extras)
        with self._drawing:  # a user's function need not be ready for two threads
            drawn = None if self._constant else self._references.draw(X, start=row)
        found: dict[str, Any] = {"hypothetical": 0.0}
        pairs: dict[str, list[Array]] = {}
        for low in range(0, r, block):
            high = min(low + block, r)
            share = to_tensor((np.arange(block) < high - low) / r)
            references = None
            if drawn is not None:
                chosen = self.model.fill_unknown_like(X, drawn[:, low:high])
                references = to_tensor(pad_rows(pad_rows(chosen, size), block, axis=1))
            out = self._pairs(at, x, prepared, references, (low, high), extras, share)
            hypothetical, predictions, *rest = (np.moveaxis(to_numpy(o)[:, :real], 0, 1) for o in out)
            found["hypothetical"] = found["hypothetical"] + hypothetical
            found["predictions"] = predictions
            names = ("reference_predictions", "error", "magnitude", "per_reference")
            for name, values in zip(names, rest, strict=False):
                pairs.setdefault(name, []).append(values[:, :, : high - low])
        return {**found, **{name: np.concatenate(blocks, axis=2) for name, blocks in pairs.items()}}

    def _shared_references(self, at: AtLength, low: int, high: int) -> Tensor:
        """Return references that all sequences share, `(1, block, L, 4)`."""
        if ("references", low) not in at.constant:
            zeros = np.zeros((1, at.length, 4), dtype=np.float32)
            drawn = self._references.draw(zeros, start=0)[:, low:high]
            at.constant["references", low] = to_tensor(pad_rows(drawn, self.batch_references, axis=1))
        return at.constant["references", low]

    def _finish(self, at: AtLength, X: Array, extra: Mapping[str, Array], start: int, found: Arrays,
                names: Sequence[str]) -> dict[str, Any]:  # fmt: skip
        self._warn_of_unknown(X, start)
        if self._adds_up and found["error"].size:
            self._warn(at, X, extra, names, start, found)
        hypothetical = found["hypothetical"]
        return {
            "contributions": hypothetical * X[:, None],
            "hypothetical": hypothetical,
            "reference_predictions": found["reference_predictions"],
            "completeness_error": found["error"],
            "per_reference": found.get("per_reference"),
        }

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
            stacklevel=6,
        )

    def _warn(self, at: AtLength, X: Array, extra: Mapping[str, Array], names: Sequence[str], start: int,
              found: Arrays) -> None:  # fmt: skip
        """Warn where completeness fails, naming the worst pair and what to do about it."""
        error, at_reference, at_x = found["error"], found["reference_predictions"], found["predictions"][..., None]
        delta = at_x - at_reference
        # the usual score of each target: one that happens to be near 0 is still a sum of terms of that size
        usual = np.maximum(np.abs(at_x), np.abs(at_reference)).max(axis=(0, 2), keepdims=True)
        failed = ~self._holds(error, delta, found["magnitude"], usual)
        if not failed.any():
            return
        row, target, pair = (int(i) for i in np.unravel_index(np.argmax(np.abs(error) * failed), error.shape))
        references = self._references.draw(X[row : row + 1], start=start + row)
        why = self._blame(
            at,
            to_tensor(self.model.fill_unknown(X[row : row + 1])),
            to_tensor(self.model.fill_unknown_like(X[row : row + 1], references)[:, pair]),
            {k: to_tensor(v[row : row + 1]) for k, v in extra.items()},
            target,
        )
        warnings.warn(
            f"Completeness fails for {int(failed.sum())} of {failed.size} sequence–reference pairs; worst is "
            f"{names[row] if len(names) else f'sequence {start + row}'}, reference {pair}, target "
            f"{self.targets[target]}: contributions sum to {(delta + error)[row, target, pair]:.6g}, the score differs "
            f"by {delta[row, target, pair]:.6g}. {why}",
            CompletenessWarning,
            stacklevel=6,
        )

    def _holds(self, error: Array, delta: Array, magnitude: Array, usual: Array) -> Array:
        """Return where completeness holds."""
        return holds(error, delta, magnitude, usual)

    def _blame(self, at: AtLength, x: Tensor, reference: Tensor, extra: Mapping[str, Tensor], target: int) -> str:
        """Return a sentence on why completeness fails for one pair `(1, L, 4)` each."""
        raise NotImplementedError


def summarise(
    m: Tensor, x: Tensor, references: Tensor, f_x: Tensor, f_r: Tensor, share: Tensor, *, each: bool = False
) -> list[Tensor]:
    """Reduce the multipliers of all pairs to what is kept.

    Parameters
    ----------
    m
        Multipliers `(targets, sequences or 1, references or 1, L, 4)`.
    x
        `(sequences, 1, L, 4)`.
    references
        `(sequences or 1, references, L, 4)`.
    f_x
        The targets at x `(targets, sequences, 1)`.
    f_r
        The targets at the references `(targets, sequences or 1, references)`.
    share
        `(references,)`: 1 / number of references, and 0 for padding.
    each
        Whether to return each reference's own hypothetical scores as well.

    Returns
    -------
    list
        Hypothetical scores `(t, s, L, 4)`, predictions `(t, s)`; `(t, s, r)` each: predictions at the references, the
        completeness error and Σ |m·(x − ref)|; and with `each` hypothetical scores `(t, s, r, L, 4)`.
    """
    at_reference = ops.sum(m * references, axis=-1, keepdims=True)
    parts = ops.sum(m * x, axis=-1, keepdims=True) - at_reference
    scores = m - at_reference
    hypothetical = ops.sum(scores * ops.reshape(share, (-1, 1, 1)), axis=2)
    total = ops.sum(parts, axis=(-2, -1))
    magnitude = ops.sum(ops.abs(parts), axis=(-2, -1))
    delta = f_x - f_r
    f_r = f_r + ops.zeros_like(delta)
    # a shuffle may be the sequence itself: no difference, whatever two forward passes round to
    same = ops.all(ops.equal(x, references), axis=(-2, -1))
    error = ops.where(same, 0.0, total - delta)
    full = ops.zeros_like(delta)
    found = [hypothetical + ops.zeros_like(full[:, :, :1, None]), f_x[:, :, 0], f_r, error, magnitude + full]
    if each:
        found.append(scores + ops.reshape(full, (*full.shape, 1, 1)))
    return found


def weigh_pairs(contributions: Tensor, f_x: Tensor, f_r: Tensor, share: Tensor) -> list[Tensor]:
    """Reduce contributions of a hidden value, `(targets, sequences, references, *its shape)`, as `summarise` does."""
    axes = tuple(range(3, len(contributions.shape)))
    delta = f_x - f_r
    full = ops.zeros_like(delta)
    weighted = ops.sum(contributions * ops.reshape(share, (-1, *(1 for _ in axes))), axis=2)
    error = ops.sum(contributions, axis=axes) - delta
    magnitude = ops.sum(ops.abs(contributions), axis=axes)
    weighted = weighted + ops.reshape(full[:, :, 0], (*full.shape[:2], *(1 for _ in axes)))
    return [weighted, f_x[:, :, 0], f_r + full, error, magnitude + full]
