"""Write seqlets as BED."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from seqexplain.errors import SequenceWarning
from seqexplain.motifs._bed_text import AGAINST, FOR, bed_score, bed_word, text_file
from seqexplain.motifs._genome_spans import genome_spans
from seqexplain.motifs._seqlets import Seqlets
from seqexplain.storage import atomic_file

BED_COLUMNS = (
    "chrom", "chromStart", "chromEnd", "name", "score", "strand", "thickStart", "thickEnd", "itemRgb", "contribution",
    "p_value", "q_value", "sequence", "start", "end",
)  # fmt: skip


def write_seqlets_bed(seqlets: Seqlets, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write seqlets as BED; the file appears whole or not at all.

    Parameters
    ----------
    seqlets
        The seqlets.
    path
        The file; compressed with gzip where it ends in `.gz`.
    overwrite
        Whether a file that exists may be replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    StorageError
        When the file exists, or cannot be written.

    Warns
    -----
    SequenceWarning
        Where some sequences have genome intervals and others have none: seqlets of these are left out.

    Notes
    -----
    The nine standard columns and six more (BED9+6), after one line of names that begins with `#`; sorted by chromosome
    (the bytes of its name), start and end. Coordinates are the genome's where sequences have intervals; otherwise the
    sequences' own, with their names in the place of chromosomes, in which blanks become underscores. `name` is `pos` or
    `neg` and a number by significance; `score` is −100·log10 of the p-value, rounded, 1000 at most, 0 where none is
    known; a seqlet has no strand. Blue ones speak for the target, red ones against it. `start` and `end` count in the
    sequence as it was read. Where sequences overlap on the genome, each place is written once for each sign (see
    `Seqlets.unique`); what hangs over the begin of a chromosome begins at 0.
    """
    target = Path(path)
    seqlets = seqlets.unique()
    names = np.array([bed_word(name) for name in (*seqlets.names, "")])
    placed = genome_spans(seqlets.intervals, seqlets.sequence, seqlets.start, seqlets.end)
    if placed is None:
        chromosome, first, last = names[seqlets.sequence], seqlets.start, seqlets.end
        kept, lacking = np.arange(len(seqlets)), 0
    else:
        chromosome, last = placed.chromosome, placed.end
        kept, first = placed.bed()
        lacking = int((~placed.known).sum())
    number = np.empty(len(seqlets), dtype=np.int64)
    for mine in (seqlets.score > 0, seqlets.score <= 0):
        rows = np.flatnonzero(mine)
        by_rank = np.lexsort((rows, -np.abs(seqlets.score[rows]), seqlets.p_value[rows]))
        number[rows[by_rank]] = np.arange(len(rows))
    with (
        atomic_file(target, overwrite=overwrite) as temporary,
        text_file(temporary, compress=target.suffix == ".gz") as stream,
    ):
        stream.write("#" + "\t".join(BED_COLUMNS) + "\n")
        for i in kept[np.lexsort((last[kept], first[kept], np.char.encode(chromosome[kept], "utf-8")))]:
            positive = seqlets.score[i] > 0
            place = (str(first[i]), str(last[i]))
            fields = (
                str(chromosome[i]), *place, f"{'pos' if positive else 'neg'}_{number[i]}",
                str(bed_score(float(seqlets.p_value[i]))), ".", *place, FOR if positive else AGAINST,
                *(f"{values[i]:.6g}" for values in (seqlets.score, seqlets.p_value, seqlets.q_value)),
                str(names[seqlets.sequence[i]]), str(seqlets.start[i]), str(seqlets.end[i]),
            )  # fmt: skip
            stream.write("\t".join(fields) + "\n")
    if lacking:
        warnings.warn(
            f"{lacking} of {len(seqlets)} seqlets lie in sequences without genome coordinates, others "
            f"in such with some: they are not in {target}.",
            SequenceWarning,
            stacklevel=2,
        )
    return target
