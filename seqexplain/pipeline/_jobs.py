"""The long job: sequences in, a result store out, resumable at every moment."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from seqexplain.errors import FileFormatError, MissingFileError, ParameterError, SequenceError, StorageError
from seqexplain.pipeline._explainer import Explainer, explain_chunk
from seqexplain.pipeline._identity import describe_run, differences, refuse_to_mix, stored_run, unknown_model
from seqexplain.pipeline._progress import Advance, in_words, progress_of
from seqexplain.pipeline._source import ContentHash, SequenceSource, Survey, file_digests, survey
from seqexplain.results import Attributions
from seqexplain.sequences import SequenceRecord
from seqexplain.storage import (
    StoreWriter,
    begin_store,
    clear_staging,
    default_chunk,
    refuse_foreign,
    writer_lock,
)

_log = logging.getLogger("seqexplain.pipeline")


@dataclass(frozen=True)
class JobReport:
    """What a job did.

    Attributes
    ----------
    path
        The store.
    sequences
        Sequences in it.
    explained
        Those explained now; the others were there already.
    seconds
        Wall-clock time.
    """

    path: Path
    sequences: int
    explained: int
    seconds: float

    @property
    def already_complete(self) -> bool:
        """Whether there was nothing left to do."""
        return not self.explained


def run(
    explainer: Explainer,
    source: SequenceSource,
    path: str | Path,
    *,
    chunk: int | None = None,
    length: int | None = None,
    found: Survey | None = None,
    progress: bool = True,
    overwrite: bool = False,
    command: str | None = None,
) -> JobReport:
    """Explain all sequences of a source and store the results.

    The source is read twice: once to check all of it, before any work is done and before anything is made on
    disk; then chunk by chunk. Killed at any moment, the same call goes on after the last whole chunk and
    gives the same bytes as a call that was never interrupted. Memory does not grow with the number of
    sequences, but for 8 bytes each while names are compared.

    Parameters
    ----------
    explainer
        The method with its model and its choices.
    source
        The sequences.
    path
        The store to make or to go on with, by custom `….zarr`.
    chunk
        Sequences that are stored together, and lost together when the job is killed. By default whole batches
        of up to 256 sequences and 8 MiB of scores; for a store that exists, what it was begun with.
    length
        Length in bp that every sequence must have; None for a model of any length.
    found
        What `survey` said of this source, where that was asked before; the first pass is then left out.
    progress
        Whether to show progress: a bar on a terminal, otherwise a line a minute in the log
        `seqexplain.pipeline`.
    overwrite
        Whether a finished store, or one of another run, is replaced, once the first chunk of the new one is
        whole. An unfinished store of this very run is gone on with all the same. What is not a result store
        is never replaced.
    command
        The command line, to be kept with the results and shown to who opens an unfinished store.

    Returns
    -------
    JobReport
        How much was done.

    Raises
    ------
    SequenceError
        When the input cannot be used.
    StorageError
        When the path is taken by something else or by another run, is being written by another process, or
        cannot be written; or when the input changed while it was read.
    ParameterError
        When `chunk` is below 1, or the explainer's parameters cannot be stored.
    KeyboardInterrupt
        Passed on; what is stored can be gone on with.
    """
    if chunk is not None and chunk < 1:
        raise ParameterError(f"chunk is {chunk}; expected a number of sequences, 1 or more.")
    began = time.monotonic()
    target = Path(path).expanduser().resolve()
    with writer_lock(target):
        refuse_foreign(target)
        clear_staging(target)
        if found is None:
            found = survey(source, length=length)
        asked = describe_run(explainer, source, found, file_digests(source.files), command)
        writer = _existing(target, asked, chunk, overwrite=overwrite)
        done = writer.n_done if writer else 0
        if writer is None:
            targets = max(1, len(explainer.targets))
            if chunk is None:
                chunk = default_chunk(found.length, targets=targets, batch=explainer.batch_sequences)
                chunk = min(chunk, getattr(explainer, "chunk_sequences", chunk))
        else:
            chunk = writer.layout.chunk
        if done == found.n:
            _log.info("%s is already complete: all %d sequences are explained.", target, found.n)
            return JobReport(target, found.n, 0, time.monotonic() - began)
        if done:
            _log.info("%s: going on after %d of %d sequences.", target, done, found.n)
        job = _Job(explainer, source, found, asked, target, writer, chunk)
        with progress_of("explaining", found.n, done, shown=progress) as advance:
            job.go(advance)
        seconds = time.monotonic() - began
        count = found.n - done
        _log.info("%s: %d sequence%s explained in %s.", target, count, "" if count == 1 else "s", in_words(seconds))
        return JobReport(target, found.n, found.n - done, seconds)


def _existing(path: Path, asked: dict[str, Any], chunk: int | None, *, overwrite: bool) -> StoreWriter | None:
    """Return the store to go on with; None where a new one is to be made."""
    if not path.exists():
        return None
    try:
        writer = StoreWriter(path)
    except StorageError:
        if overwrite:
            return None
        raise
    stored = stored_run(writer.attributes)
    other_chunk = chunk is not None and chunk != writer.layout.chunk
    other_run = any(differences(stored, asked)) or unknown_model(asked)
    if overwrite and (writer.done.all() or other_chunk or other_run):
        return None
    refuse_to_mix(path, stored, asked)
    if other_chunk:
        raise StorageError(
            f"{path} was begun with {writer.layout.chunk} sequences a chunk, not {chunk}. Ask for "
            f"{writer.layout.chunk} to go on with it, or replace it with overwrite=True (--overwrite)."
        )
    writer.remove_partial_files()
    return writer


@dataclass
class _Job:
    """The second pass."""

    explainer: Explainer
    source: SequenceSource
    found: Survey
    asked: dict[str, Any]
    path: Path
    writer: StoreWriter | None
    chunk: int

    def go(self, advance: Advance) -> None:
        """Explain and write every chunk that is not there."""
        written: list[int] = []
        records = _read_again(self.source, self.found)
        try:
            for index in range(-(-self.found.n // self.chunk)):
                part = list(islice(records, self.chunk))
                if self.writer is not None and self.writer.done[index]:
                    continue
                block = explain_chunk(
                    self.explainer,
                    part,
                    start=index * self.chunk,
                    length=self.found.length,
                    varied=self.found.varied,
                    advance=advance,
                )
                self._write(index, block)
                written.append(index)
        except KeyboardInterrupt:
            stored = self.writer.n_done if self.writer else 0
            _log.warning(
                "Interrupted: %d of %d sequences are stored in %s. Run the same command to go on.",
                stored,
                self.found.n,
                self.path,
            )
            raise
        except _InputChangedError as error:
            # which chunks saw the old input and which the new one, nobody knows
            if self.writer is not None:
                self.writer.forget(written)
            raise StorageError(
                f"{self.source.label} changed while it was read: {error}. What was explained meanwhile is "
                "discarded; run the same command again when the input stays as it is."
            ) from error

    def _write(self, index: int, block: Attributions) -> None:
        if self.writer is not None:
            self.writer.write(index, block)
            return
        # The store appears with its first chunk: only a result tells which arrays it needs, and an older
        # store that is being replaced stays whole until then.
        self.writer = begin_store(
            self.path,
            index,
            block,
            n=self.found.n,
            chunk=self.chunk,
            intervals=self.found.intervals,
            lengths=self.found.varied,
            run=self.asked["run"],
        )


class _InputChangedError(Exception):
    """The second pass does not see what the first one saw."""


def _read_again(source: SequenceSource, found: Survey) -> Iterator[SequenceRecord]:
    """Yield the records once more; the last one only after all were seen to be those of the first pass."""
    content, n = ContentHash(), 0
    try:
        records = source.records()
        for record in records:
            n += 1
            content.add(record)
            if len(record.sequence) > found.length:
                raise _InputChangedError(f"sequence number {n} is longer than any was")
            if n == found.n:
                if content.hexdigest() != found.digest:
                    raise _InputChangedError("its names, sequences or intervals are others")
                if next(records, None) is not None:
                    raise _InputChangedError(f"it has more than {found.n} sequences now")
            yield record
    except (SequenceError, FileFormatError, MissingFileError) as error:
        raise _InputChangedError(str(error)) from error
    if n < found.n:
        raise _InputChangedError(f"it had {found.n} sequences, and now has {n}")
