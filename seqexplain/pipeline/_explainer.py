"""What a job needs of an explainer, and how a chunk of records goes through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from seqexplain.results import (
    BY_BASE,
    BY_SEQUENCE,
    SUBSETS_BY_POSITION,
    SUBSETS_BY_SEQUENCE,
    Array,
    Attributions,
    SufficientInputSubsets,
)
from seqexplain.sequences import SequenceRecord, one_hot


class Explainer(Protocol):
    """A method with all its choices made, ready for any batch of sequences.

    An explainer that computes several batches at a time says how many it wants in a call by `batches_at_once`.
    An explainer to which `start` means nothing may have `by_position = False`: then sequences of one length
    go into a batch together wherever in a chunk they stand, and not only when they follow each other.
    """

    @property
    def method(self) -> str:
        """Name of the method."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Everything that decides the numbers, JSON-able."""
        ...

    @property
    def targets(self) -> tuple[str, ...]:
        """Labels of the targets."""
        ...

    @property
    def several_targets(self) -> bool:
        """Whether the arrays have an axis for the targets."""
        ...

    @property
    def n_references(self) -> int:
        """References of a sequence."""
        ...

    @property
    def has_hypothetical(self) -> bool:
        """Whether there are hypothetical scores."""
        ...

    @property
    def batch_sequences(self) -> int:
        """Sequences in one compiled batch."""
        ...

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Versions, device, and `model` with its `sha256`, None for a model that is in no file."""
        ...

    def explain(self, X: Array, *, start: int = 0, names: Sequence[str] = ()) -> Attributions:
        """Return the attributions of rows `start` … of the job: `X` is `(b, L, 4)` float32, `names` are `b` or none."""
        ...


def explain_chunk(
    explainer: Explainer,
    records: Sequence[SequenceRecord],
    *,
    start: int,
    length: int,
    varied: bool,
    advance: Callable[[int], None],
) -> Attributions:
    """Explain one chunk, batch by batch.

    Parameters
    ----------
    explainer
        What explains.
    records
        The sequences of the chunk.
    start
        Position of the first in the job.
    length
        Length of the longest sequence of the job; the results are padded to it with zeros.
    varied
        Whether lengths differ. A sequence is always explained at its own length, together with others of that
        length: padding would change what a model of any length says.
    advance
        Called after each batch with the number of sequences in it.
    """
    sizes = np.array([len(record.sequence) for record in records], dtype=np.int64)
    by_position = getattr(explainer, "by_position", True)
    filled: dict[str, Array] = {}
    kind: type[Attributions] = Attributions
    X = np.zeros((len(records), length, 4), dtype=np.float32)
    # several batches in a call: an explainer may compute more than one at a time
    at_once = explainer.batch_sequences * getattr(explainer, "batches_at_once", 1)
    for rows in _batches(sizes, at_once, by_position=by_position):
        batch = one_hot([records[i].sequence for i in rows])
        size = batch.shape[1]
        X[rows, :size] = batch
        names = [records[i].name for i in rows]
        result = explainer.explain(batch, start=start + int(rows[0]), names=names)
        if isinstance(result, SufficientInputSubsets):
            kind = SufficientInputSubsets
        for name in (*BY_BASE, *BY_SEQUENCE, *SUBSETS_BY_POSITION, *SUBSETS_BY_SEQUENCE):
            value = getattr(result, name, None)
            if value is None:
                continue
            by_base, along = name in BY_BASE, name in SUBSETS_BY_POSITION
            if name not in filled:
                shape = list(value.shape)
                shape[0] = len(records)
                if by_base or along:
                    shape[-2 if by_base else -1] = length
                filled[name] = np.zeros(shape, dtype=value.dtype)
            if by_base:
                filled[name][rows, ..., :size, :] = value
            elif along:
                filled[name][rows, ..., :size] = value
            else:
                filled[name][rows] = value
        advance(len(rows))
    intervals = tuple(record.interval for record in records)
    given: dict[str, Any] = filled
    return kind(
        X=X,
        **given,
        names=tuple(record.name for record in records),
        intervals=intervals if any(intervals) else None,
        lengths=sizes if varied else None,
        targets=tuple(explainer.targets),
        method=explainer.method,
        parameters=explainer.parameters,
    )


def _batches(sizes: Array, batch: int, *, by_position: bool) -> Iterator[Array]:
    """Yield the rows of each batch: sequences of one length, in order, consecutive where position matters."""
    order = np.arange(len(sizes)) if by_position else np.argsort(sizes, kind="stable")
    changes = np.flatnonzero(np.diff(sizes[order])) + 1
    for run in np.split(order, changes):
        for first in range(0, len(run), batch):
            yield run[first : first + batch]
