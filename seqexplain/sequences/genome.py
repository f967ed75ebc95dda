"""A genome on disk, read by interval through pyfaidx."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from os import PathLike, fspath
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seqexplain.errors import FileFormatError, MissingExtraError, SequenceError
from seqexplain.sequences._text import check_file

logger = logging.getLogger(__name__)

_WANTED = "a genome in FASTA format"
_SHOWN = 5  # chromosome names that a message lists
_MITOCHONDRIA = ("chrM", "MT", "chrMT", "M")


class Genome:
    """Chromosomes of a FASTA file, read by interval.

    Parameters
    ----------
    path
        FASTA, plain or compressed with bgzip (which needs Biopython). Its index `.fai` is made beside it
        where it is missing or older than the file; where that folder cannot be written, in a temporary one.

    Raises
    ------
    MissingFileError
        Where there is no such file.
    FileFormatError
        Where it cannot be indexed: not FASTA, compressed with gzip, lines of differing lengths, a name twice.
    MissingExtraError
        For a bgzip file without Biopython.

    Examples
    --------
    >>> with Genome("genome.fa") as genome:  # doctest: +SKIP
    ...     genome.fetch("chr1", 100, 110)
    'ACGTTGCAAC'
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        check_file(path, _WANTED)
        self.path = fspath(path)
        if self.path == "-":
            raise FileFormatError("A genome cannot come from standard input. Give the path of a FASTA file.")
        self._scratch: TemporaryDirectory[str] | None = None
        self._fasta = self._opened()
        self._lengths = {name: len(self._fasta[name]) for name in self._fasta.keys()}  # noqa: SIM118 (not a dict)

    def __enter__(self) -> Genome:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and remove a temporary index."""
        self._fasta.close()
        self._drop_scratch()

    @property
    def lengths(self) -> dict[str, int]:
        """Length in bp of each chromosome, in the order of the file."""
        return dict(self._lengths)

    def resolve(self, chromosome: str) -> str:
        """Return the file's own name of a `chromosome`.

        `1` and `chr1`, `MT` and `chrM` stand for each other.

        Raises
        ------
        SequenceError
            Where there is none; the message lists some that exist.
        """
        if chromosome in self._lengths:
            return chromosome
        others = list(_MITOCHONDRIA) if chromosome in _MITOCHONDRIA else []
        others.append(chromosome[3:] if chromosome.lower().startswith("chr") else f"chr{chromosome}")
        for other in others:
            if other in self._lengths:
                return other
        names = list(self._lengths)
        near = get_close_matches(chromosome, names, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else " Is it the right genome?"
        more = f", … ({len(names)} in all)" if len(names) > _SHOWN else ""
        raise SequenceError(
            f"The genome {self.path} has no chromosome {chromosome!r}; it has {', '.join(names[:_SHOWN])}{more}.{guess}"
        )

    def length(self, chromosome: str) -> int:
        """Return the length in bp of `chromosome`, which must be the file's own name (see `resolve`)."""
        return self._lengths[chromosome]

    def fetch(self, chromosome: str, start: int, end: int) -> str:
        """Return the bases of an interval in upper case, with N where it runs off the chromosome.

        Parameters
        ----------
        chromosome
            Name or its alias.
        start, end
            0-based, half-open, in bp.

        Raises
        ------
        SequenceError
            Where there is no such chromosome.
        FileFormatError
            Where the file is damaged, or its index belongs to another one.
        """
        name = self.resolve(chromosome)
        inside_start, inside_end = max(start, 0), min(end, self._lengths[name])
        if inside_start >= inside_end:
            return "N" * max(end - start, 0)
        try:
            bases = str(self._fasta[name][inside_start:inside_end]).upper()
        except Exception as error:  # pyfaidx and Biopython each have their own ways to fail on damaged files
            raise FileFormatError(
                f"{self.path}: {name}:{inside_start}-{inside_end} cannot be read ({error})."
            ) from error
        if len(bases) != inside_end - inside_start:
            raise FileFormatError(
                f"{self.path}: {name}:{inside_start}-{inside_end} gave {len(bases)} bases. Its index does "
                "not fit the "
                f"file; delete {self.path}.fai to have it made again."
            )
        return "N" * (inside_start - start) + bases + "N" * (end - inside_end)

    def _opened(self) -> Any:
        import pyfaidx

        index = Path(f"{self.path}.fai")
        try:
            with _index_files(index, self) as names:
                return pyfaidx.Fasta(self.path, sequence_always_upper=True, **names)
        except pyfaidx.UnsupportedCompressionFormat as error:
            raise FileFormatError(
                f"{self.path} is compressed so that it cannot be read by interval. Use "
                f"'gunzip -c {self.path} | bgzip > genome.fa.gz', or unpack it."
            ) from error
        except ImportError as error:
            raise MissingExtraError(
                f"{self.path} is compressed with bgzip, which needs Biopython. Use 'pip install biopython', "
                "or unpack it."
            ) from error
        except ValueError as error:
            if "Duplicate key" in str(error):
                raise FileFormatError(
                    f"{self.path} has two chromosomes of one name ({error}). Rename or remove one."
                ) from error
            raise FileFormatError(f"{self.path} cannot be indexed as {_WANTED}: {error}") from error
        except (pyfaidx.FastaIndexingError, RuntimeError, AssertionError, IndexError, EOFError) as error:
            raise FileFormatError(
                f"{self.path} cannot be indexed as {_WANTED}: {str(error) or 'damaged file'}"
            ) from error
        except OSError as error:
            raise FileFormatError(f"{self.path} cannot be read as {_WANTED}: {error}") from error

    def _scratch_folder(self) -> Path:
        self._scratch = TemporaryDirectory(prefix="seqexplain-index-")
        return Path(self._scratch.name)

    def _drop_scratch(self) -> None:
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None


@contextmanager
def _index_files(index: Path, genome: Genome) -> Iterator[dict[str, str]]:
    """Arguments that tell pyfaidx where to keep its index.

    It writes its index in place, so that another process may read half of one, and gives up where it may not
    write. So a missing index is made under a temporary name and moved, or is made in a temporary folder.
    """
    source = Path(genome.path)
    compressed = genome.path.lower().endswith((".gz", ".bgz"))
    block_index = Path(f"{genome.path}.gzi")
    files = [index, block_index] if compressed else [index]
    if all(file.exists() and file.stat().st_mtime >= source.stat().st_mtime for file in files):
        yield {}
        return
    logger.info("indexing %s; a large genome takes a minute", genome.path)
    if not os.access(source.parent, os.W_OK):
        folder = genome._scratch_folder()
        try:
            yield {
                "indexname": str(folder / "index.fai"),
                **({"gzi_indexname": str(folder / "index.gzi")} if compressed else {}),
            }
        except BaseException:
            genome._drop_scratch()
            raise
        return
    drafts = [file.with_name(f"{file.name}.{os.getpid()}.tmp") for file in files]
    names = dict(zip(("indexname", "gzi_indexname"), map(str, drafts), strict=False))
    try:
        yield names
        for draft, file in zip(drafts, files, strict=True):
            draft.replace(file)
    finally:
        for draft in drafts:
            with suppress(FileNotFoundError):
                draft.unlink()
