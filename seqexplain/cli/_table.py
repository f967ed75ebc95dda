"""Tables and other text into a file, a gzip file or standard output; a file appears whole or not at all."""

from __future__ import annotations

import gzip
import io
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from pandas import DataFrame

STDOUT = "-"
_SEPARATORS = str.maketrans("\t\r\n", "   ")  # a name that holds one would shift the columns

WriteRow = Callable[[Sequence[object]], None]


def check_table(out: str, *, overwrite: bool) -> None:
    """Raise early where `open_table` would.

    Raises
    ------
    StorageError
        When the file exists and may not be replaced, or its folder does not exist.
    """
    if out == STDOUT:
        return
    from seqexplain.storage import refuse_taken

    refuse_taken(Path(out).expanduser(), overwrite=overwrite)


@contextmanager
def open_table(out: str, *, overwrite: bool) -> Iterator[WriteRow]:
    """Give a function that writes one row.

    Parameters
    ----------
    out
        Path of the table, compressed when it ends in `.gz`, or `-` for standard output.
    overwrite
        Whether a file that stands there may be replaced.

    Raises
    ------
    StorageError
        When the file is taken, or cannot be written.
    """
    with open_text(out, overwrite=overwrite) as text:

        def write(row: Sequence[object]) -> None:
            text.write("\t".join(str(cell).translate(_SEPARATORS) for cell in row) + "\n")

        yield write


@contextmanager
def open_text(out: str, *, overwrite: bool) -> Iterator[IO[str]]:
    """Open what `open_table` writes to, for any text; raises as it does."""
    with ExitStack() as stack:
        if out == STDOUT:
            yield sys.stdout
            return
        from seqexplain.storage import atomic_file

        target = Path(out).expanduser()
        temporary = stack.enter_context(atomic_file(target, overwrite=overwrite))
        raw = stack.enter_context(temporary.open("wb"))
        if target.suffix == ".gz":
            # without the time and the temporary name in its header the same table is the same bytes
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)
            raw = cast("io.BufferedWriter", stack.enter_context(packed))
        yield stack.enter_context(io.TextIOWrapper(raw, encoding="utf-8", newline="\n"))


def write_frame(write: WriteRow, table: DataFrame) -> None:
    """Write a data frame: its columns, then its rows; numbers with seven digits, what is not known as nothing."""
    write(list(table.columns))
    for row in table.itertuples(index=False):
        write([_cell(value) for value in row])


def _cell(value: object) -> object:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.7g}"
    return value
