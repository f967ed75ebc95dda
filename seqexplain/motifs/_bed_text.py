"""What tables and BED files of motifs, hits and seqlets have in common."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

FOR, AGAINST = "31,119,180", "214,39,40"  # blue speaks for the target, red against it
MOST = 1000  # the highest score a BED file may have
_SMALLEST = 1e-300  # p-values below are taken for it


@contextmanager
def text_file(path: Path, *, compress: bool) -> Iterator[IO[str]]:
    """Open a file for writing text, compressed with gzip if wanted: the same text is the same bytes."""
    with path.open("wb") as file:
        # without name and time in its head
        binary: Any = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) if compress else file
        with io.TextIOWrapper(binary, encoding="utf-8", newline="\n") as stream:
            yield stream


def write_table(table: Any, file: Path | IO[str]) -> None:
    """Write a table as tab-separated lines, one a row: what parts columns and lines becomes a blank in texts."""
    texts = table.select_dtypes(include=["object", "string"]).columns
    clean = table.assign(**{c: table[c].astype(str).str.replace(r"[\t\r\n]", " ", regex=True) for c in texts})
    clean.to_csv(file, sep="\t", index=False, float_format="%.6g", lineterminator="\n")


def bed_word(text: str) -> str:
    """Return text without blanks, which part the fields of a BED file.

    Examples
    --------
    >>> bed_word("CTCF  (human)"), bed_word("")
    ('CTCF_(human)', '.')
    """
    return "_".join(text.split()) or "."


def bed_score(p_value: float) -> int:
    """Return −100·log10 of a p-value, rounded, from 0 to 1000; 0 for NaN.

    Examples
    --------
    >>> bed_score(1e-4), bed_score(1.0), bed_score(0.0), bed_score(float("nan"))
    (400, 0, 1000, 0)
    """
    if np.isnan(p_value):
        return 0
    return min(MOST, round(-100 * float(np.log10(max(p_value, _SMALLEST)))))
