"""`SequenceRecord`, one sequence with its name and where it came from; and names made unique."""

from __future__ import annotations

import re
from dataclasses import dataclass

from seqexplain.results import Interval


@dataclass(frozen=True)
class RecordSource:
    """Where a record was read.

    Attributes
    ----------
    file
        Path as the user gave it.
    record
        Number of the record in its file, from 1.
    line
        Number of the line that opens the record, from 1.
    """

    file: str
    record: int
    line: int

    def __str__(self) -> str:
        return f"{self.file}, record {self.record}, line {self.line}"


@dataclass(frozen=True)
class SequenceRecord:
    """One sequence of DNA.

    Attributes
    ----------
    name
        What identifies it in every output.
    sequence
        Bases, upper case; may hold N and other IUPAC codes.
    description
        What else the header or the line said.
    interval
        Its place on a genome, as long as the sequence; None when not known. Where a sequence was padded, the
        interval may run off the chromosome's ends, so that base `i` still lies at `start + i` (on the minus
        strand: at `end - 1 - i`).
    source
        Where it was read; None for a record made in memory.
    """

    name: str
    sequence: str
    description: str = ""
    interval: Interval | None = None
    source: RecordSource | None = None

    def __len__(self) -> int:
        return len(self.sequence)


class UniqueNames:
    """Hands out names that differ: a second `peak` becomes `peak.2`, a third `peak.3`."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._next

    def take(self, name: str) -> str:
        """Return `name`, or the first free `name.2`, `name.3`, …, and mark it as taken."""
        if name not in self._next:
            self._next[name] = 2
            return name
        number = self._next[name]
        while f"{name}.{number}" in self._next:
            number += 1
        self._next[name] = number + 1
        unique = f"{name}.{number}"
        self._next[unique] = 2
        return unique


_INTERVAL = re.compile(
    r"(?:.*::)?"  # bedtools getfasta -name writes the BED name and two colons first
    r"(?P<chromosome>[^\s:]+):(?P<start>\d[\d,]*)-(?P<end>\d[\d,]*)"
    r"(?:\((?P<strand>[+.-])\))?"
)


def interval_from_name(name: str, length: int) -> Interval | None:
    """Read the genome interval that a record's name spells, if its width is the sequence's length.

    Parameters
    ----------
    name
        `chr1:100-200`, `chr1:100-200(-)` or `peak_7::chr1:100-200(+)`, as UCSC's and bedtools' programs write
        them: 0-based, half-open. `samtools faidx` writes the first base as 1; that is told by its width,
        which then seems one too short.
    length
        Bases in the sequence.

    Returns
    -------
    Interval or None
        None where the name spells no interval, or one of another width (the sequence was edited since).

    Examples
    --------
    >>> str(interval_from_name("chr1:100-104(-)", 4))
    'chr1:100-104(-)'
    >>> str(interval_from_name("chr1:101-104", 4))
    'chr1:100-104(.)'
    >>> interval_from_name("chr1:100-104", 50) is None
    True
    """
    match = _INTERVAL.fullmatch(name)
    if match is None:
        return None
    start, end = (int(match[key].replace(",", "")) for key in ("start", "end"))
    if end - start == length - 1 and start > 0:
        start -= 1
    if end - start != length or length == 0:
        return None
    return Interval(match["chromosome"], start, end, match["strand"] or ".")
