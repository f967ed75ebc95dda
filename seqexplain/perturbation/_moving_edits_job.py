"""Deletions, insertions and pairs of substitutions as prepared jobs, for whole files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqexplain.models.backend import Array
from seqexplain.perturbation._checks import check_choice, check_count
from seqexplain.perturbation._edit_job import EditJob
from seqexplain.perturbation._epistasis import MAX_BYTES, pair_interactions, refuse_too_large
from seqexplain.perturbation._in_silico_mutagenesis_job import InSilicoMutagenesis, InSilicoMutagenesisOptions
from seqexplain.perturbation._indel_results import per_base_of_deletions, per_base_of_insertions
from seqexplain.perturbation._indels import FILLS, check_deletion, check_keep, deleted, ends, put_in, read_inserts
from seqexplain.perturbation._scorer import BoundSequences, EditOptions
from seqexplain.perturbation._substitutions import check_span
from seqexplain.sequences.shuffle import check_seed

CHUNK_BYTES = 64 << 20  # of pairs that are stored together


@dataclass(frozen=True, kw_only=True)
class DeletionOptions(EditOptions):
    """Choices of `deletion_effects`, without flanks of one's own; see there."""

    size: int = 1
    keep: str | None = "left"
    fill: str = "unknown"
    start: int = 0
    end: int | None = None


class Deletions(EditJob):
    """See `deletion_effects`: `edit_effects` `(n, L, 1)`, and as contributions what its `per_base` returns."""

    method = "deletion_effects"
    has_hypothetical = False
    _options: DeletionOptions

    def _prepare(self, length: int) -> None:
        options = self._options
        self._length = length
        self._start, self._end = check_span(options.start, options.end, length)
        check_deletion(options.size, self._start, self._end, length)
        check_choice("fill", options.fill, FILLS)
        check_keep(options.keep, self.model, options.target, options.level, length, -options.size)
        self._seed = check_seed(options.random_state)

    def _choices(self) -> dict[str, Any]:
        options = self._options
        return {
            "size": int(options.size), "keep": options.keep, "fill": options.fill, "start": self._start,
            "end": None if options.end is None else self._end, "random_state": self._seed,
        }  # fmt: skip

    def _explain(self, bound: BoundSequences, X: Array) -> dict[str, Any]:
        options, size, length = self._options, int(self._options.size), X.shape[1]
        positions = np.arange(self._start, max(self._start, min(self._end, length) - size + 1))
        if size >= length:  # a short sequence of a job of several lengths
            positions = positions[:0]
        flanks = ends(options.fill, bound, X, size, self._seed)
        effects = deleted(bound, positions, size, options.keep, flanks)
        scores = per_base_of_deletions(effects, positions, size, length)
        return {
            "edit_effects": placed(effects[..., None], positions, self._length),
            "contributions": scores[..., None] * X[:, None],
        }


@dataclass(frozen=True, kw_only=True)
class InsertionOptions(EditOptions):
    """Choices of `insertion_effects`, without arrays of one's own; see there."""

    inserts: str | tuple[str, ...] = ("A", "C", "G", "T")
    size: int = 1
    n_samples: int = 10
    keep: str | None = "left"
    start: int = 0
    end: int | None = None


class Insertions(EditJob):
    """See `insertion_effects`: `edit_effects` `(n, L, k)`, and as contributions what its `per_base` returns."""

    method = "insertion_effects"
    has_hypothetical = False
    _options: InsertionOptions

    def _prepare(self, length: int) -> None:
        options = self._options
        self._length = length
        self._start, self._end = check_span(options.start, options.end, length)
        check_count("size", options.size)
        check_count("n_samples", options.n_samples)
        self._seed = check_seed(options.random_state)
        width = self._inserted(np.zeros((1, length, 4), dtype=np.float32)).shape[2]
        check_keep(options.keep, self.model, options.target, options.level, length, width)

    def _inserted(self, X: Array) -> Array:
        options = self._options
        given = options.inserts if isinstance(options.inserts, str) else list(options.inserts)
        return self.model.fill_unknown(read_inserts(given, X, int(options.size), int(options.n_samples), self._seed))

    def _choices(self) -> dict[str, Any]:
        options = self._options
        random = {"size": int(options.size), "n_samples": int(options.n_samples), "random_state": self._seed}
        return {
            "inserts": options.inserts if isinstance(options.inserts, str) else list(options.inserts),
            **(random if options.inserts == "random" else {}),
            "keep": options.keep, "start": self._start, "end": None if options.end is None else self._end,
        }  # fmt: skip

    def _explain(self, bound: BoundSequences, X: Array) -> dict[str, Any]:
        positions = np.arange(self._start, max(self._start, min(self._end, X.shape[1])))
        effects = put_in(bound, positions, self._inserted(bound.X), self._options.keep)
        scores = per_base_of_insertions(effects, positions, X.shape[1])
        return {
            "edit_effects": placed(effects, positions, self._length),
            "contributions": scores[..., None] * X[:, None],
        }


class Pairs(InSilicoMutagenesis):
    """See `epistasis`: what `in_silico_mutagenesis` gives, and the interactions as `edit_effects`."""

    method = "epistasis"
    _options: InSilicoMutagenesisOptions

    def _prepare(self, length: int) -> None:
        refuse_too_large(1, len(self.targets), self._end - self._start, MAX_BYTES)

    @property
    def chunk_sequences(self) -> int:
        """Return how many sequences fit a chunk of a store."""
        return max(1, CHUNK_BYTES // (64 * (self._end - self._start) ** 2 * len(self.targets)))

    def _edits_of_one(self, length: int) -> int:
        span = max(0, min(self._end, length) - self._start)
        return 3 * span + 9 * span * (span - 1) // 2

    def _explain(self, bound: BoundSequences, X: Array) -> dict[str, Any]:
        fields = super()._explain(bound, X)
        last, span = min(self._end, X.shape[1]), self._end - self._start
        n, t = bound.base.shape
        pairs = np.zeros((n, t, span, 4, span, 4), dtype=np.float32)
        if last > self._start:
            alone, here = fields["effects"][:, :, self._start : last], last - self._start
            pairs[:, :, :here, :, :here] = pair_interactions(bound, self._start, last, alone)
        return {**fields, "edit_effects": pairs}


def placed(effects: Array, positions: Array, length: int) -> Array:
    """Return effects `(n, t, p, k)` along sequences of `length` bp, `(n, t, length, k)`; NaN where there are none."""
    n, t, _, k = effects.shape
    along = np.full((n, t, length, k), np.nan, dtype=np.float32)
    along[:, :, positions] = effects
    return along
