"""`seqexplain export`: a store in the formats of other tools."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from seqexplain.cli._options import AllowIncomplete, Overwrite, options_given
from seqexplain.cli._targets import stored_label
from seqexplain.errors import ParameterError

TRACK = "Genome track"


class Format(StrEnum):
    """What is written."""

    MODISCO = "modisco"
    H5 = "h5"
    NPZ = "npz"
    TSV = "tsv"
    BED = "bed"
    BIGWIG = "bigwig"
    SUBSETS = "subsets"
    BLOCKS = "blocks"


_BY_SUFFIX = {
    "": Format.MODISCO,
    ".h5": Format.H5,
    ".hdf5": Format.H5,
    ".npz": Format.NPZ,
    ".tsv": Format.TSV,
    ".bed": Format.BED,
    ".bw": Format.BIGWIG,
    ".bigwig": Format.BIGWIG,
}


class Overlaps(StrEnum):
    """What becomes of a base that several sequences cover."""

    MEAN = "mean"
    LARGEST = "largest"
    CENTRE = "centre"
    FIRST = "first"


def export(
    context: typer.Context,
    store: Annotated[Path, typer.Argument(metavar="STORE.zarr", help="What `seqexplain explain` wrote.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="OUTPUT", help="File to write, or folder for modisco.")
    ] = None,
    format: Annotated[
        Format | None,
        typer.Option(
            help="modisco: a folder with ohe.npz and shap.npz, as `modisco motifs -s … -a …` reads them; h5: one "
            "HDF5 file in the layout of chrombpnet; npz: all in one archive; tsv: a line a sequence; bed: the "
            "intervals; bigwig: contributions along the genome; of sufficient input subsets also subsets: a "
            "line (TSV) a subset, and blocks: BED12. Default: by the suffix of OUTPUT, modisco without one."
        ),
    ] = None,
    bigwig: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.bw",
            help="Write contributions along the genome; alone, or beside OUTPUT.",
            rich_help_panel=TRACK,
        ),
    ] = None,
    chrom_sizes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Chromosome lengths for bigWig: hg38.chrom.sizes, genome.fa.fai, or genome.fa with its index. Without "
            "it chromosomes end with the last interval.",
            rich_help_panel=TRACK,
        ),
    ] = None,
    overlaps: Annotated[
        Overlaps,
        typer.Option(
            help="Of several sequences that cover a base, bigWig has the mean contribution, the one farthest from 0, "
            "that of the sequence with the nearest centre, or of the first in the store.",
            rich_help_panel=TRACK,
        ),
    ] = Overlaps.MEAN,
    target: Annotated[
        str | None, typer.Option(metavar="TARGET", help="Which of several targets: its label, or its position from 0.")
    ] = None,
    allow_incomplete: AllowIncomplete = False,
    overwrite: Overwrite = False,
) -> None:
    """Write contributions for TF-MoDISco and other tools. Arrays are (n, 4, L)."""
    if out is None and bigwig is None:
        raise ParameterError("Nothing is to be written; name a file with -o OUTPUT or --bigwig FILE.bw.")
    chosen = None if out is None else _format_of(out, format)
    if bigwig is None and chosen is not Format.BIGWIG:
        for option in sorted(options_given(context) & {"--chrom-sizes", "--overlaps"}):
            raise ParameterError(f"{option} is for bigWig alone; leave it out, or add --bigwig FILE.bw.")
    from seqexplain.storage import ResultStore, export_bigwig
    from seqexplain.storage import export as write

    opened = ResultStore(store, allow_incomplete=allow_incomplete)
    which: int | str | None = None if target is None else stored_label(opened.targets, target)
    if isinstance(which, str) and which not in opened.targets and which.isdecimal():
        which = int(which)
    files: tuple[Path, ...] = ()
    tracks = [path for path in (bigwig, out if chosen is Format.BIGWIG else None) if path is not None]
    for path in tracks:
        files += (
            export_bigwig(
                opened,
                path,
                target=which,
                overlaps=overlaps.value,
                chromosome_sizes=chrom_sizes,
                overwrite=overwrite,
            ),
        )
    if out is not None and chosen is not None and chosen is not Format.BIGWIG:
        files += write(opened, out, format=chosen.value, target=which, overwrite=overwrite)
    sys.stdout.write("".join(f"{file}\n" for file in files))


def _format_of(out: Path, format: Format | None) -> Format:
    """Return the format that was asked for, or that the suffix of the output names."""
    suffix = out.suffix.lower()
    if format is None and suffix not in _BY_SUFFIX:
        known = ", ".join(s for s in _BY_SUFFIX if s)
        raise ParameterError(f"{out}: the suffix {suffix!r} names no format; use {known}, or say --format.")
    return format or _BY_SUFFIX[suffix]
