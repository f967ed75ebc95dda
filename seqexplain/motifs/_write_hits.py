"""Write hits as a table or as BED."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError, SeqExplainWarning
from seqexplain.motifs._bed_text import AGAINST, FOR, bed_score, bed_word, text_file, write_table
from seqexplain.motifs._genome_spans import genome_spans
from seqexplain.motifs._motif_hits import MotifHits
from seqexplain.storage import atomic_file

Array = NDArray[Any]

FORMATS = ("tsv", "bed")
BED_COLUMNS = (
    "chrom", "chromStart", "chromEnd", "name", "score", "strand", "thickStart", "thickEnd", "itemRgb", "pattern",
    "contribution", "explained", "similarity", "hit_score", "p_value", "q_value", "fimo_p_value", "word", "sequence",
)  # fmt: skip


def write_hits(hits: MotifHits, path: str | Path, *, format: str | None = None, overwrite: bool = False) -> Path:
    """Write hits to a file; it appears whole or not at all.

    Parameters
    ----------
    hits
        The hits.
    path
        The file; compressed with gzip where it ends in `.gz`.
    format
        `"tsv"` or `"bed"`; by default what the name says (`.tsv`, `.txt`, `.bed`).
    overwrite
        Whether a file that exists may be replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ParameterError
        When the name does not tell the format.
    StorageError
        When the file exists, or cannot be written.

    Warns
    -----
    SeqExplainWarning
        Where some sequences have genome intervals and others have none: hits in these are not in the BED.

    Notes
    -----
    TSV: the columns of `MotifHits.to_table`, with a line of names; tabs and ends of lines in names become blanks.

    BED: the nine standard columns and ten more (BED9+10), after one line of names that begins with `#`; sorted by
    chromosome, start and end, as `bedtools` and `tabix` want it (chromosomes by the bytes of their names). Coordinates
    are the genome's where sequences have intervals; otherwise the sequences' own, with their names in the place of
    chromosomes, in which blanks become underscores. Where sequences overlap on the genome, each place is written once
    for each motif (see `MotifHits.unique`); a TSV holds all. What hangs over the begin of a chromosome begins at 0.
    `name` is what the motif is called; `score` is −100·log10 of the p-value, rounded, 1000 at most; colours tell hits
    that speak for the target (blue) from those against (red).
    """
    target = Path(path)
    kind = _kind(target) if format is None else format
    if kind not in FORMATS:
        raise ParameterError(f"format is {kind!r}; expected one of {', '.join(map(repr, FORMATS))}.")
    with (
        atomic_file(target, overwrite=overwrite) as temporary,
        text_file(temporary, compress=target.suffix == ".gz") as stream,
    ):
        if kind == "tsv":
            write_table(hits.to_table(), stream)
        else:
            _write_bed(hits.unique(), stream)
    return target


def _kind(path: Path) -> str:
    suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
    kinds = {".tsv": "tsv", ".txt": "tsv", ".bed": "bed"}
    if not suffixes or suffixes[-1] not in kinds:
        raise ParameterError(
            f"The name {path.name!r} does not tell the format; expected .bed, .tsv or .txt (and .gz). Or give format=."
        )
    return kinds[suffixes[-1]]


def _write_bed(hits: MotifHits, stream: IO[str]) -> None:
    placed = genome_spans(hits.intervals, hits.sequence, hits.start, hits.end, hits.strand)
    names = np.array([bed_word(name) for name in (*hits.names, "")])
    if placed is None:
        chromosome, start, end, strand = names[hits.sequence], hits.start, hits.end, hits.strand
        kept, lacking = np.arange(len(hits)), 0
    else:
        chromosome, end, strand = placed.chromosome, placed.end, placed.strand
        kept, start = placed.bed()
        lacking = int((~placed.known).sum())
    if lacking:
        warnings.warn(
            f"{lacking} of {len(hits)} hits lie in sequences without a genome interval, others in such "
            "with one: they are not in the BED. Write a TSV, which holds all.",
            SeqExplainWarning,
            stacklevel=3,
        )
    stream.write("#" + "\t".join(BED_COLUMNS) + "\n")
    labels, ids = [bed_word(label) for label in hits.labels], [bed_word(id) for id in hits.patterns]
    for i in kept[np.lexsort((hits.motif[kept], end[kept], start[kept], chromosome[kept]))]:
        k = int(hits.motif[i])
        place = (str(start[i]), str(end[i]))
        score = bed_score(float(hits.p_value[i]))
        fields = (
            str(chromosome[i]), *place, labels[k], str(score), str(strand[i]), *place,
            FOR if hits.signs[k] > 0 else AGAINST, ids[k],
            *(f"{values[i]:.6g}" for values in (
                hits.contribution, hits.explained, hits.similarity, hits.score, hits.p_value, hits.q_value,
                hits.fimo_p_value,
            )),
            str(hits.word[i]), str(names[hits.sequence[i]]),
        )  # fmt: skip
        stream.write("\t".join(fields) + "\n")
