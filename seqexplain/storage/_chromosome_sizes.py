"""How long chromosomes are: out of a table, or the index of a genome."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seqexplain.errors import FileFormatError, MissingFileError, ParameterError

LARGEST = 2**32 - 1  # bp that a bigWig file can count
_FASTA = (".fa", ".fasta", ".fna", ".gz", ".bgz")


def chromosome_sizes(given: str | Path | Mapping[str, int]) -> dict[str, int]:
    """Return the length in bp of each chromosome.

    Parameters
    ----------
    given
        A mapping; a table of names and lengths, such as `genome.fa.fai` or `hg38.chrom.sizes`; or a genome in FASTA
        format with its index `.fai` beside it.

    Raises
    ------
    MissingFileError, FileFormatError
        When there is no such file, or a line is not name and length.
    ParameterError
        When a length of the mapping is not a whole number from 1.
    """
    if isinstance(given, Mapping):
        for name, size in given.items():
            if not 0 < int(size) <= LARGEST:
                raise ParameterError(f"The length of {name} is {size}; expected a whole number from 1 to {LARGEST}.")
        return {str(name): int(size) for name, size in given.items()}
    path = Path(given).expanduser()
    if path.suffix.lower() in _FASTA:
        index = path.with_name(f"{path.name}.fai")
        if path.exists() and not index.exists():
            raise MissingFileError(
                f"{path} has no index {index.name} beside it. Make one (samtools faidx {path.name}), or give a "
                "table of chromosome lengths."
            )
        path = index
    if not path.is_file():
        raise MissingFileError(f"{path} does not exist; expected a table of chromosome lengths. Check the path.")
    sizes: dict[str, int] = {}
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), start=1):
        columns = line.split()
        if not columns or line.startswith("#"):
            continue
        if len(columns) < 2 or not columns[1].isdecimal() or not 0 < int(columns[1]) <= LARGEST:
            raise FileFormatError(
                f"{path}, line {number}: {line[:40]!r} is not a chromosome's name and its length in bp, as in "
                "'chr1<tab>248956422'."
            )
        sizes[columns[0]] = int(columns[1])
    if not sizes:
        raise FileFormatError(f"{path} holds no chromosome; expected lines of name and length in bp.")
    return sizes
