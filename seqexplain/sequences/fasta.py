"""FASTA, streamed record by record, with messages that name file, record and line."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from os import PathLike
from typing import Literal, get_args

from seqexplain.errors import FileFormatError, ParameterError, SequenceError, SequenceWarning
from seqexplain.sequences._text import check_file, display_name, open_lines
from seqexplain.sequences.encoding import describe_character, first_invalid
from seqexplain.sequences.records import RecordSource, SequenceRecord, UniqueNames, interval_from_name

Duplicates = Literal["number", "keep", "error"]
Empty = Literal["error", "skip"]

_WANTED = "a FASTA file"
_UNNAMED = "unnamed"  # for a header that is only ">"


def read_fasta(
    path: str | PathLike[str],
    *,
    parse_intervals: bool = True,
    duplicates: Duplicates = "number",
    empty: Empty = "error",
) -> Iterator[SequenceRecord]:
    """Read a FASTA file record by record.

    Parameters
    ----------
    path
        The file: plain, or compressed with gzip, bgzip, bzip2 or xz; `"-"` is standard input. Lower case, U,
        N, IUPAC codes, Windows line ends, blank lines, and comment lines that begin with `#` or `;` are all
        understood.
    parse_intervals
        Whether a name such as `chr1:100-200(+)` is read as the sequence's place on a genome. It is taken only
        where its width is the sequence's length.
    duplicates
        A name is the header up to the first blank. Where it comes again: `"number"` (the default, as stored
        results need names that differ) makes it `name.2`, `name.3`, …; `"keep"` leaves it; `"error"` raises.
    empty
        A record without bases: `"error"` (the default) raises, `"skip"` leaves it out and warns at the end.

    Yields
    ------
    SequenceRecord
        In the order of the file; only one is held in memory.

    Raises
    ------
    MissingFileError
        Where there is no such file (raised by the call itself, before the first record).
    FileFormatError
        Where it is not FASTA, holds no record, or its compressed data are cut short.
    SequenceError
        At a record without bases, or with a character that stands for none.
    ParameterError
        For an option that does not exist.

    Warns
    -----
    SequenceWarning
        Where empty records were skipped.
    """
    for name, value, kinds in (("duplicates", duplicates, Duplicates), ("empty", empty, Empty)):
        if value not in get_args(kinds):
            choices = ", ".join(repr(kind) for kind in get_args(kinds))
            raise ParameterError(f"{name} is {value!r}; expected one of {choices}.")
    check_file(path, _WANTED)
    return _records(path, parse_intervals, duplicates, empty)


def _records(
    path: str | PathLike[str], parse_intervals: bool, duplicates: Duplicates, empty: Empty
) -> Iterator[SequenceRecord]:
    names = UniqueNames()
    skipped: list[RecordSource] = []
    seen = False
    for record in _raw_records(path):
        if not record.sequence and record.source is not None:
            if empty == "skip":
                skipped.append(record.source)
                continue
            raise SequenceError(
                f"{record.source}: {record.name!r} has no bases. Delete the record, or skip such records "
                'with empty="skip".'
            )
        seen = True
        interval = interval_from_name(record.name, len(record.sequence)) if parse_intervals else None
        name = record.name
        if duplicates == "error" and name in names:
            raise SequenceError(
                f'{record.source}: the name {name!r} stands in the file before. Rename it, or use duplicates="number".'
            )
        if duplicates != "keep":
            name = names.take(name)
        yield replace(record, name=name, interval=interval)
    if not seen:
        raise FileFormatError(f"{display_name(path)} holds no sequence; expected {_WANTED} with '>' header lines.")
    if skipped:
        warnings.warn(
            f"Skipped {len(skipped)} records without bases; the first is {skipped[0]}.",
            SequenceWarning,
            stacklevel=2,
        )


def _raw_records(path: str | PathLike[str]) -> Iterator[SequenceRecord]:
    """Yield records as the file has them, empty ones and repeated names too; bases are checked."""
    file = display_name(path)
    header: tuple[str, RecordSource] | None = None
    lines: list[tuple[int, str]] = []
    count = 0
    with open_lines(path, _WANTED) as numbered:
        for number, line in numbered:
            if line.startswith(">"):
                if header is not None:
                    yield _assembled(*header, lines)
                count += 1
                header = (line[1:], RecordSource(file, count, number))
                lines = []
            elif not line or line.isspace() or line[0] in "#;":
                continue
            elif header is None:
                raise FileFormatError(f"{file}, line {number}: {_what_instead(line)}")
            else:
                lines.append((number, line))
        if header is not None:
            yield _assembled(*header, lines)


def _assembled(header: str, source: RecordSource, lines: list[tuple[int, str]]) -> SequenceRecord:
    words = header.split(maxsplit=1)
    name = words[0] if words else _UNNAMED
    sequence = "".join(line for _, line in lines)
    if first_invalid(sequence) is not None:
        # blanks within and after the bases are harmless; anything else is looked up line by line for the
        # message
        sequence = "".join(sequence.split())
        if first_invalid(sequence) is not None:
            _refuse_character(name, source, lines)
    return SequenceRecord(
        name=name,
        sequence=sequence.upper(),
        description=words[1].strip() if len(words) > 1 else "",
        source=source,
    )


def _refuse_character(name: str, source: RecordSource, lines: list[tuple[int, str]]) -> None:
    for number, line in lines:
        bases = "".join(line.split())
        position = first_invalid(bases)
        if position is not None:
            column = line.index(bases[position]) + 1
            protein = " Is this a protein?" if bases[position].upper() in "EFILPQOJZ" else ""
            raise SequenceError(
                f"{source.file}, record {source.record} ({name!r}), line {number}, column {column}: "
                f"{describe_character(bases[position])} is not a base; expected A, C, G, T "
                f"(or U), N and the IUPAC codes.{protein}"
            )


def _what_instead(line: str) -> str:
    """Say what a file seems to be whose first line is no FASTA header."""
    fields = line.split()
    if line.startswith("@"):
        if len(fields[0]) == 3 and "\t" in line:
            return "this is a SAM file, not FASTA. Convert it with 'samtools fasta'."
        return "this is a FASTQ file, not FASTA. Convert it with 'seqtk seq -a'."
    if line.lstrip().startswith("<"):
        return "this is a web page or XML, not FASTA. Was a download redirected?"
    if len(fields) >= 3 and fields[1].isdigit() and fields[2].isdigit():
        return "this is a BED file, not FASTA. Use read_bed with a genome (--bed and --genome)."
    if first_invalid(line.strip()) is None:
        return "bases before the first header. Put a line such as '>name' before each sequence."
    shown = line if len(line) <= 40 else line[:40] + "…"
    return f"{shown!r} is no FASTA header; expected a line such as '>name' before each sequence."
