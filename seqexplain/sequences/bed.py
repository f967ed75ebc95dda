"""BED and narrowPeak files: regions of a genome as sequences."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from os import PathLike
from typing import Literal, get_args

import numpy as np

from seqexplain.errors import FileFormatError, ParameterError, SequenceError, SequenceWarning
from seqexplain.results import Interval
from seqexplain.sequences._text import check_file, display_name, open_lines
from seqexplain.sequences.encoding import describe_character, first_invalid, reverse_complement
from seqexplain.sequences.genome import Genome
from seqexplain.sequences.records import RecordSource, SequenceRecord, UniqueNames

Edges = Literal["error", "pad", "skip"]
Centre = Literal["auto", "summit", "middle"]

_WANTED = "a BED file"
_PEAK_COLUMNS = 10  # BED6+4, as ENCODE's narrowPeak: the tenth is the summit's distance from the start, or -1
_SUMMIT_ABSENT = -1


@dataclass(frozen=True)
class Region:
    """One line of a BED file, 0-based and half-open; `summit` is a distance in bp from `start`."""

    chromosome: str
    start: int
    end: int
    name: str
    strand: str
    summit: int | None
    source: RecordSource

    def __str__(self) -> str:
        return f"{self.chromosome}:{self.start}-{self.end}"


def read_bed(
    path: str | PathLike[str],
    genome: str | PathLike[str] | Genome,
    *,
    length: int | None = None,
    centre: Centre = "auto",
    edges: Edges = "error",
    use_strand: bool = True,
) -> Iterator[SequenceRecord]:
    """Read the sequences of a BED or narrowPeak file's regions from a genome.

    Parameters
    ----------
    path
        BED with 3 to 12 columns, or narrowPeak; plain or compressed with gzip, bgzip, bzip2 or xz; `"-"` is
        standard input. Lines that begin with `#`, `track` or `browser`, and blank lines, are passed over.
    genome
        Path of a FASTA file (plain, or bgzip), or an open `Genome`. Chromosomes `1` and `chr1`, `MT` and
        `chrM` stand for each other; intervals carry the genome's names.
    length
        Width in bp that every window gets, around the region's centre, which comes to index `length // 2` of
        the window on the plus strand; by default each region is as wide as the file says.
    centre
        What the window is centred on: `"summit"`, column 10, `"middle"` of the region, or `"auto"` (the
        default): the summit in a file with ten columns, where it is known, else the middle.
    edges
        A window that runs off its chromosome: `"error"` (the default) raises; `"pad"` writes N there;
        `"skip"` leaves it out. Both warn at the end.
    use_strand
        Whether regions on the minus strand are reverse complemented.

    Yields
    ------
    SequenceRecord
        In the order of the file, named by column 4 where it has a name, else `chr1:100-200`; a name that
        comes again becomes `name.2`, `name.3`, …

    Raises
    ------
    MissingFileError
        Where a file does not exist.
    FileFormatError
        At a line that is not BED, or a genome that cannot be indexed.
    SequenceError
        For a chromosome that the genome has not, a window off its edge, or a character that is no base.
    ParameterError
        For an option that does not exist.

    Warns
    -----
    SequenceWarning
        Where windows were skipped or padded.
    """
    for option, value, kinds in (("edges", edges, Edges), ("centre", centre, Centre)):
        if value not in get_args(kinds):
            choices = ", ".join(repr(kind) for kind in get_args(kinds))
            raise ParameterError(f"{option} is {value!r}; expected one of {choices}.")
    if length is not None and (isinstance(length, bool) or not isinstance(length, int | np.integer) or length < 1):
        raise ParameterError(f"length is {length!r}; expected a whole number of at least 1, or None.")
    check_file(path, _WANTED)
    opened = nullcontext(genome) if isinstance(genome, Genome) else Genome(genome)
    return _records(path, opened, length, centre, edges, use_strand)


def _records(
    path: str | PathLike[str],
    opened: Genome | nullcontext[Genome],
    length: int | None,
    centre: Centre,
    edges: Edges,
    use_strand: bool,
) -> Iterator[SequenceRecord]:
    names = UniqueNames()
    off_edge: list[RecordSource] = []
    with opened as genome:
        for region in read_regions(path):
            try:
                chromosome = genome.resolve(region.chromosome)
            except SequenceError as error:
                raise SequenceError(f"{region.source}: {error}") from None
            start, end = _window(region, length, centre)
            size = genome.length(chromosome)
            if start < 0 or end > size:
                if edges == "error":
                    raise SequenceError(
                        f"{region.source}: the window {chromosome}:{start}-{end} runs off {chromosome}, "
                        "which has "
                        f'{size} bp. Fill with N (edges="pad") or leave such windows out (edges="skip").'
                    )
                off_edge.append(region.source)
                if edges == "skip":
                    continue
            bases = genome.fetch(chromosome, start, end)
            bad = first_invalid(bases)
            if bad is not None:
                raise SequenceError(
                    f"{genome.path}: {chromosome}, position {start + bad} (0-based) is "
                    f"{describe_character(bases[bad])}, "
                    f"not a base; {region.source} asked for it."
                )
            if use_strand and region.strand == "-":
                bases = reverse_complement(bases)
            strand = region.strand if use_strand else "."
            yield SequenceRecord(
                name=names.take(region.name or str(region)),
                sequence=bases,
                description=str(region),
                interval=Interval(chromosome, start, end, strand),
                source=region.source,
            )
    if off_edge:
        done = "Skipped" if edges == "skip" else "Padded with N"
        warnings.warn(
            f"{done}: {len(off_edge)} windows that run off a chromosome; the first is {off_edge[0]}.",
            SequenceWarning,
            stacklevel=2,
        )


def _window(region: Region, length: int | None, centre: Centre) -> tuple[int, int]:
    if length is None:
        return region.start, region.end
    if centre == "summit" and region.summit is None:
        raise SequenceError(
            f'{region.source}: the region has no summit in column 10. Use centre="middle", or centre="auto".'
        )
    if centre == "middle" or region.summit is None:
        # width // 2, as in fit_length: reading the region whole and cropping it gives the same window
        middle = region.start + (region.end - region.start) // 2
    else:
        middle = region.start + region.summit
    start = middle - length // 2
    return start, start + length


def read_regions(path: str | PathLike[str], *, before_begin: bool = False) -> Iterator[Region]:
    """Yield the regions of the BED or narrowPeak file at `path`, without a genome.

    Parameters
    ----------
    path
        The file.
    before_begin
        Whether a region may begin below 0, as the place of a sequence does that was padded at its chromosome's begin.

    Raises
    ------
    MissingFileError, FileFormatError
        As for `read_bed`.
    """
    file = display_name(path)
    count = 0
    with open_lines(path, _WANTED) as numbered:
        for number, line in numbered:
            words = line.split(maxsplit=1)
            if not words or line.startswith("#") or words[0] in ("track", "browser"):
                continue
            count += 1
            yield _region(line, RecordSource(file, count, number), before_begin=before_begin)
    if count == 0:
        raise FileFormatError(f"{file} holds no region; expected {_WANTED}: chromosome, start, end, …")


def _region(line: str, source: RecordSource, *, before_begin: bool = False) -> Region:
    where = f"{source.file}, line {source.line}"
    columns = [column.strip() for column in (line.split("\t") if "\t" in line else line.split())]
    if line.startswith(">"):
        raise FileFormatError(f"{where}: this is a FASTA file, not BED. Use read_fasta, without a genome.")
    if line.startswith("<"):
        raise FileFormatError(f"{where}: this is a web page or XML, not BED. Was a download redirected?")
    if len(columns) < 3:
        shown = line if len(line) <= 40 else line[:40] + "…"
        raise FileFormatError(
            f"{where}: {shown!r} has {len(columns)} columns; expected at least 3 (chromosome, start, end), "
            f"between tabs or blanks."
        )
    start, end = (_whole_number(columns[i], what, where, source) for i, what in ((1, "start"), (2, "end")))
    if (start < 0 and not before_begin) or end <= start:
        raise FileFormatError(
            f"{where}: the region {columns[0]}:{start}-{end} is empty or reversed; expected 0 <= start < "
            "end, "
            f"0-based and half-open."
        )
    strand = columns[5] if len(columns) > 5 else "."
    if strand not in ("+", "-", "."):
        raise FileFormatError(f"{where}: the strand, column 6, is {strand!r}; expected +, - or a dot.")
    name = columns[3] if len(columns) > 3 and columns[3] not in ("", ".") else ""
    return Region(columns[0], start, end, name, strand, _summit(columns, end - start, where), source)


def _whole_number(text: str, what: str, where: str, source: RecordSource) -> int:
    try:
        return int(text)
    except ValueError:
        hint = " If the line holds column names, begin it with '#'." if source.record == 1 else ""
        raise FileFormatError(f"{where}: the {what} is {text!r}; expected a whole number of bp.{hint}") from None


def _summit(columns: list[str], width: int, where: str) -> int | None:
    if len(columns) != _PEAK_COLUMNS:
        return None
    try:
        summit = int(columns[9])
    except ValueError:
        raise FileFormatError(
            f"{where}: column 10 is {columns[9]!r}; with ten columns the file is read as narrowPeak, where "
            "it is the "
            f"summit's distance from the start in bp, or -1. Remove the column."
        ) from None
    if summit == _SUMMIT_ABSENT:
        return None
    if not 0 <= summit < width:
        raise FileFormatError(
            f"{where}: the summit, column 10, is {summit}; expected a distance from the start, 0 to {width - 1}, or -1."
        )
    return summit
