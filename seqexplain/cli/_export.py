"""`seqexplain export`: a store in the formats of other tools."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from seqexplain.cli._options import Overwrite
from seqexplain.cli._targets import stored_label
from seqexplain.errors import ParameterError


class Format(StrEnum):
    """What is written."""

    MODISCO = "modisco"
    H5 = "h5"
    NPZ = "npz"
    TSV = "tsv"
    BED = "bed"
    SUBSETS = "subsets"
    BLOCKS = "blocks"


_BY_SUFFIX = {
    "": Format.MODISCO,
    ".h5": Format.H5,
    ".hdf5": Format.H5,
    ".npz": Format.NPZ,
    ".tsv": Format.TSV,
    ".bed": Format.BED,
}


def export(
    store: Annotated[Path, typer.Argument(metavar="STORE.zarr", help="What `seqexplain explain` wrote.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="OUTPUT", help="File to write, or folder for modisco.")],
    format: Annotated[
        Format | None,
        typer.Option(
            help="modisco: a folder with ohe.npz and shap.npz, as `modisco motifs -s … -a …` reads them; h5: one "
            "HDF5 file in the layout of chrombpnet; npz: all in one archive; tsv: a line a sequence; bed: the "
            "intervals; of sufficient input subsets also subsets: a line (TSV) a "
            "subset, and blocks: BED12. Default: by the suffix of OUTPUT, modisco without one."
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="TARGET", help="Which of several targets: its label, or its position from 0.")
    ] = None,
    allow_incomplete: Annotated[
        bool, typer.Option("--allow-incomplete", help="The finished part of an interrupted job will do.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Write contributions for TF-MoDISco and other tools. Arrays are (n, 4, L)."""
    suffix = out.suffix.lower()
    if format is None and suffix not in _BY_SUFFIX:
        known = ", ".join(s for s in _BY_SUFFIX if s)
        raise ParameterError(f"{out}: the suffix {suffix!r} names no format; use {known}, or say --format.")
    chosen = format or _BY_SUFFIX[suffix]
    from seqexplain.storage import ResultStore
    from seqexplain.storage import export as write

    opened = ResultStore(store, allow_incomplete=allow_incomplete)
    which: int | str | None = None if target is None else stored_label(opened.targets, target)
    if isinstance(which, str) and which not in opened.targets and which.isdecimal():
        which = int(which)
    files = write(opened, out, format=chosen.value, target=which, overwrite=overwrite)
    sys.stdout.write("".join(f"{file}\n" for file in files))
