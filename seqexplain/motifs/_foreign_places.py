"""Names and genome intervals of sequences, as the files of other tools have them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqexplain.errors import FileFormatError
from seqexplain.motifs._array_files import NpyFile, hdf5_file
from seqexplain.results import Interval
from seqexplain.sequences.bed import read_regions


@dataclass(frozen=True)
class Places:
    """Names and intervals of sequences; what is not known is None.

    Attributes
    ----------
    names
        One name a sequence.
    intervals
        One interval a sequence, or None for one without.
    summits
        Of the intervals, bp from their start, when all are known: windows of another width lie around them.
    padded
        Whether an interval that is shorter than the sequences tells how much of a row is real.
    """

    names: tuple[str, ...] | None = None
    intervals: tuple[Interval | None, ...] | None = None
    summits: tuple[int, ...] | None = None
    padded: bool = False

    def around_summits(self, length: int) -> tuple[Interval | None, ...]:
        """Return intervals of `length` bp with the summit at index `length // 2` of the plus strand."""
        moved: list[Interval | None] = []
        for interval, summit in zip(self.intervals or (), self.summits or (), strict=True):
            if interval is None:
                moved.append(None)
                continue
            start = interval.start + summit - length // 2
            moved.append(Interval(interval.chromosome, start, start + length, interval.strand))
        return tuple(moved)


def places_of_bed(path: Path) -> Places:
    """Read names and intervals of a BED or narrowPeak file, in its order; without a strand they lie on +."""
    names, intervals, summits = [], [], []
    for region in read_regions(path, before_begin=True):
        intervals.append(Interval(region.chromosome, region.start, region.end, _strand(region.strand)))
        names.append(region.name or str(region))
        summits.append(region.summit)
    known = [summit for summit in summits if summit is not None]
    return Places(
        tuple(names), tuple(intervals), tuple(known) if len(known) == len(summits) else None, padded=not known
    )


def places_of_npz(path: Path, members: Collection[str]) -> Places:
    """Read the names that an archive holds, if it holds any."""
    for member in ("names", "peak_name"):
        if member in members:
            array = NpyFile(path, member)
            if array.dtype.kind in "US" and len(array.shape) == 1:
                return Places(names=tuple(_text(name) for name in array.whole().tolist()))
    return Places()


def places_of_hdf5(path: Path, found: Collection[str]) -> Places:
    """Read names and intervals of an HDF5 file.

    Known are `regions/chromosome`, `start`, `end`, `strand`, `name` (ours), and `coords_chrom`, `coords_start`,
    `coords_end`, alone or in a group `coords`, with `chrom_names` where chromosomes are numbers (bpnet, bpreveal); and
    `descriptions`, the headers of a FASTA file.
    """
    with hdf5_file(path) as file:

        def column(name: str) -> list[Any] | None:
            return file[name][:].tolist() if name in found else None

        names = column("regions/name") or column("descriptions")
        texts = None if names is None else tuple(_text(name) for name in names)
        for prefix, chromosome, start, end in (
            ("regions/", "chromosome", "start", "end"),
            ("", "coords_chrom", "coords_start", "coords_end"),
            ("coords/", "coords_chrom", "coords_start", "coords_end"),
        ):
            columns = [column(prefix + name) for name in (chromosome, start, end)]
            if None not in columns:
                strands = column(f"{prefix}strand")
                intervals = _intervals(columns, strands, column("chrom_names"), path)
                return Places(texts, intervals, padded=prefix == "regions/")
    return Places(texts)


def _intervals(
    columns: Sequence[Any], strands: list[Any] | None, numbered: list[Any] | None, path: Path
) -> tuple[Interval | None, ...] | None:
    chromosomes, starts, ends = columns
    if len({len(chromosomes), len(starts), len(ends)}) > 1:
        raise FileFormatError(
            f"{path} has {len(chromosomes)} chromosomes, {len(starts)} starts and {len(ends)} ends of regions; "
            "expected one of each for each sequence."
        )
    if chromosomes and isinstance(chromosomes[0], int):
        if numbered is None or not all(0 <= number < len(numbered) for number in chromosomes):
            raise FileFormatError(f"{path} has numbers for chromosomes, but no chrom_names that name them all.")
        chromosomes = [numbered[number] for number in chromosomes]
    found = tuple(
        Interval(_text(chromosome), int(start), int(end), _strand("+" if strands is None else _text(strands[i])))
        if _text(chromosome)
        else None
        for i, (chromosome, start, end) in enumerate(zip(chromosomes, starts, ends, strict=True))
    )
    return found if any(found) else None


def _strand(text: str) -> str:
    return text if text in ("+", "-", ".") else "+"


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
