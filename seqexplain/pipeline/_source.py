"""What a job reads, and the first pass over it: everything is looked at before anything is computed."""

from __future__ import annotations

import hashlib
import warnings
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqexplain.errors import MissingFileError, SequenceError, SequenceWarning
from seqexplain.sequences import SequenceRecord, encode_codes

_FILE_PIECE = 2**20  # bytes of a file that are hashed at a time
_NAMED_DUPLICATES = 3  # so many are listed in the warning


@dataclass(frozen=True)
class SequenceSource:
    """Sequences that can be read more than once.

    Attributes
    ----------
    records
        Called without arguments, it returns a fresh iterator over the records, the same each time.
    label
        What to call it in messages and in the store: the file's name, say.
    files
        Files behind it whose SHA-256 is to be kept with the results.
    """

    records: Callable[[], Iterator[SequenceRecord]]
    label: str
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Survey:
    """What the first pass found.

    Attributes
    ----------
    n
        Number of sequences.
    length, shortest
        Length in bp of the longest and of the shortest sequence.
    intervals
        Whether any sequence has genome coordinates.
    digest
        SHA-256 of names, sequences and intervals, in order, in hexadecimal.
    """

    n: int
    length: int
    shortest: int
    intervals: bool
    digest: str

    @property
    def varied(self) -> bool:
        """Whether the lengths differ."""
        return self.shortest != self.length


class ContentHash:
    """SHA-256 over records: the same for the same names, sequences and intervals in the same order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, record: SequenceRecord) -> None:
        """Take in the next record."""
        for part in (record.name, record.sequence, str(record.interval or "")):
            encoded = part.encode()
            # the size first, so that no two lists of records give the same stream of bytes
            self._hash.update(len(encoded).to_bytes(8, "little"))
            self._hash.update(encoded)

    def hexdigest(self) -> str:
        """Return the digest so far."""
        return self._hash.hexdigest()


def survey(source: SequenceSource, *, length: int | None = None) -> Survey:
    """Read everything once and check it, so that a bad record late in a file costs no computing.

    Memory: one record, and 8 bytes a sequence to find names that occur twice.

    Parameters
    ----------
    source
        What to read.
    length
        Length in bp that every sequence must have; None where they may differ.

    Returns
    -------
    Survey
        Counts, lengths and the digest.

    Raises
    ------
    SequenceError
        When there is no sequence, one is empty, holds a character that is no base, or has another length.

    Warns
    -----
    SequenceWarning
        When several sequences have the same name.
    """
    n, longest, shortest, intervals = 0, 0, -1, False
    content, names = ContentHash(), array("Q")
    for record in source.records():
        _check(record, n, source.label, length)
        content.add(record)
        names.append(_short_hash(record.name))
        n += 1
        size = len(record.sequence)
        longest, shortest = max(longest, size), size if shortest < 0 else min(shortest, size)
        intervals = intervals or record.interval is not None
    if not n:
        raise SequenceError(f"{source.label} holds no sequences; give at least one.")
    _warn_of_duplicates(source, np.frombuffer(names, dtype=np.uint64))
    return Survey(n, longest, shortest, intervals, content.hexdigest())


def file_digests(files: tuple[Path, ...]) -> dict[str, str]:
    """Return the SHA-256 of each file, by path as given.

    Raises
    ------
    MissingFileError
        When a file does not exist.
    """
    digests = {}
    for file in files:
        digest = hashlib.sha256()
        try:
            with file.open("rb") as stream:
                while piece := stream.read(_FILE_PIECE):
                    digest.update(piece)
        except FileNotFoundError as error:
            raise MissingFileError(f"There is no file {file}; check the path.") from error
        digests[str(file)] = digest.hexdigest()
    return digests


def _check(record: SequenceRecord, position: int, label: str, length: int | None) -> None:
    where = f"{record.source or f'{label}, sequence number {position + 1}'} ({record.name!r})"
    size = len(record.sequence)
    if not size:
        raise SequenceError(f"{where}: it is empty; remove it from the input.")
    if length is not None and size != length:
        raise SequenceError(
            f"{where}: it has {size} bp; the model wants {length}. Cut or pad the sequences to {length} bp, "
            "or choose how that is to be done."
        )
    try:
        encode_codes(record.sequence)
    except SequenceError as error:
        raise SequenceError(f"{where}: {error}") from error


def _short_hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def _warn_of_duplicates(source: SequenceSource, hashes: np.ndarray[Any, np.dtype[np.uint64]]) -> None:
    values, counts = np.unique(hashes, return_counts=True)
    twice = {int(value) for value in values[counts > 1]}
    if not twice:
        return
    # only now, and only the names in question, are held in memory; two names with one hash drop out here
    seen: dict[str, int] = {}
    for record in source.records():
        if _short_hash(record.name) in twice:
            seen[record.name] = seen.get(record.name, 0) + 1
    repeated = [name for name, count in seen.items() if count > 1]
    if repeated:
        listed = ", ".join(repr(name) for name in repeated[:_NAMED_DUPLICATES])
        more = ", …" if len(repeated) > _NAMED_DUPLICATES else ""
        warnings.warn(
            f"{source.label}: {len(repeated)} names belong to more than one sequence ({listed}{more}). All "
            "are kept; such a sequence can be chosen by its position only.",
            SequenceWarning,
            stacklevel=4,
        )
