"""Lines of a text file that may be compressed, or come from standard input, with their numbers."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import IO, cast

from seqexplain.errors import FileFormatError, MissingFileError, ParameterError

STDIN = "-"

_OPENERS = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))
_FOREIGN = (
    (b"\x89HDF", "an HDF5 file (a model or its weights?)"),
    (b"PK\x03\x04", "a Zip archive (a .keras model?)"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it with 'zstd -d'"),
    (b"\x1aE\xdf\xa3", "a media file"),
    (b"%PDF", "a PDF document"),
    (b"\xff\xfe", "UTF-16 text; save it as plain text"),
    (b"\xfe\xff", "UTF-16 text; save it as plain text"),
    (b"BAM\x01", "a BAM file; use 'samtools fasta'"),
    (b"\x1a\x41\x27\x43", "a 2bit genome; use UCSC's 'twoBitToFa'"),
    (b"\x43\x27\x41\x1a", "a 2bit genome; use UCSC's 'twoBitToFa'"),
    (b"\x87\x89\xf2\xeb", "a bigBed file; use UCSC's 'bigBedToBed'"),
    (b"\xeb\xf2\x89\x87", "a bigBed file; use UCSC's 'bigBedToBed'"),
)


def display_name(path: str | PathLike[str]) -> str:
    """Name of a file for messages."""
    return "standard input" if fspath(path) == STDIN else fspath(path)


def check_file(path: str | PathLike[str], wanted: str) -> None:
    """Raise unless `path` is a file that exists, or standard input; `wanted` is what it should be."""
    if not isinstance(path, str | PathLike):
        raise ParameterError(f"Received {type(path).__name__}; expected the path of {wanted}.")
    if fspath(path) == STDIN:
        return
    if not fspath(path):
        raise ParameterError(f"The path is empty; expected that of {wanted}.")
    place = Path(path)
    if place.is_dir():
        raise FileFormatError(f"{place} is a folder; expected {wanted}.")
    if not place.exists():
        folder = place.parent
        hint = "" if folder.is_dir() else f" Its folder {folder} does not exist either."
        raise MissingFileError(f"{place} does not exist; expected {wanted}.{hint} Check the path.")


@contextmanager
def open_lines(
    path: str | PathLike[str], wanted: str, *, verbatim: bool = False
) -> Iterator[Iterator[tuple[int, str]]]:
    """Open a text file for reading line by line.

    Parameters
    ----------
    path
        Plain, or compressed with gzip, bgzip, bzip2 or xz, which is told by its content; `-` is standard
        input.
    wanted
        What the file should be, for messages: "a FASTA file".
    verbatim
        Whether lines keep their ends, and bytes that are no UTF-8 (as surrogates), so that they can be written as
        they were.

    Yields
    ------
    iterator of (int, str)
        Line number, from 1, and the line without its end (Unix, Windows or old Mac).

    Raises
    ------
    MissingFileError, FileFormatError
        Where it is absent, a folder, not text, or its compressed data are damaged or cut short.
    """
    check_file(path, wanted)
    name = display_name(path)
    try:
        raw: IO[bytes] = sys.stdin.buffer if fspath(path) == STDIN else Path(path).open("rb")  # noqa: SIM115
    except PermissionError as error:
        raise FileFormatError(f"{name} may not be read: permission denied. Check its permissions.") from error
    try:
        peekable = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, raw))
        head = peekable.peek(8)[:8]
        _refuse_foreign(head, name, wanted)
        stream: IO[bytes] = peekable
        for magic, opener in _OPENERS:
            if head.startswith(magic):
                stream = cast(IO[bytes], opener(peekable, "rb"))
        # utf-8-sig drops the mark that some Windows editors write first
        errors, newline = ("surrogateescape", "") if verbatim else ("replace", None)
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors=errors, newline=newline)
        try:
            lines = _numbered(text, name, wanted)
            yield lines if verbatim else ((number, line.rstrip("\r\n")) for number, line in lines)
        finally:
            text.detach()  # left attached, it would close standard input, which is not ours
            if peekable is not raw:
                peekable.detach()
    finally:
        if raw is not getattr(sys.stdin, "buffer", None):
            raw.close()


def _refuse_foreign(head: bytes, name: str, wanted: str) -> None:
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise FileFormatError(f"{name} is not {wanted}: it is {what}.")


def _numbered(text: io.TextIOWrapper, name: str, wanted: str) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        for line in text:
            number += 1
            if "\0" in line:
                raise FileFormatError(f"{name}, line {number}: the file is binary; expected {wanted}, which is text.")
            yield number, line
    except EOFError as error:
        raise FileFormatError(
            f"{name} is cut short: its compressed data end after line {number}. Copy or download it again."
        ) from error
    except (zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise FileFormatError(
            f"{name} has damaged compressed data after line {number} ({error}). Copy or download it again."
        ) from error
    except OSError as error:
        if error.errno not in (None, errno.EIO):
            raise
        # bz2 reports damage as a plain OSError without a number
        raise FileFormatError(
            f"{name} cannot be read after line {number} ({error}). Copy or download it again."
        ) from error
