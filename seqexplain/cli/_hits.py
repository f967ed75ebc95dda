"""`seqexplain hits`: where motifs occur and contribute."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqexplain.cli._contributions import ContributionsPath, StoredTarget, opened
from seqexplain.cli._failures import be_quiet
from seqexplain.cli._options import AllowIncomplete, Overwrite
from seqexplain.errors import MissingFileError, ParameterError

if TYPE_CHECKING:
    from seqexplain.motifs import MotifHits

LINES_SHOWN = 12
SUFFIXES = ("bed", "tsv", "txt")
_HDF5 = (".h5", ".hdf5")


class Overlaps(StrEnum):
    """What becomes of hits that overlap."""

    RESOLVED = "resolved"
    BY_MOTIF = "by-motif"
    ALL = "all"


def hits(
    contributions: ContributionsPath,
    motifs: Annotated[
        Path,
        typer.Argument(
            metavar="MOTIFS",
            help="The folder that `seqexplain motifs` wrote, a TF-MoDISco .h5, or a MEME, JASPAR or TRANSFAC file.",
        ),
    ],
    out: Annotated[
        list[Path],
        typer.Option("-o", "--out", metavar="FILE", help="Ends in .bed or .tsv, with .gz or without. Repeatable."),
    ],
    target: StoredTarget = None,
    q_value: Annotated[float, typer.Option(help="Highest false discovery rate of each motif's hits.")] = 0.05,
    overlaps: Annotated[
        Overlaps,
        typer.Option(
            help="Of hits that overlap, keep the one that explains most; the best of each motif (by-motif); or all."
        ),
    ] = Overlaps.RESOLVED,
    seed: Annotated[int, typer.Option(help="Of the scrambled motifs that p-values come from.")] = 0,
    allow_incomplete: AllowIncomplete = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Find where motifs occur and contribute, in sequences and on the genome.

    A hit reads like the motif and contributes like it. Its p-value says how often a scrambled motif does as well in the
    same sequences; FIMO's p-value, of the bases alone, stands beside it.
    """
    if not 0 < q_value <= 1:
        raise ParameterError(f"--q-value is {q_value}; expected a rate above 0 and at most 1.")
    if quiet:
        be_quiet()
    from seqexplain.motifs import find_hits, write_hits
    from seqexplain.storage import refuse_taken

    for path in out:
        if path.name.lower().removesuffix(".gz").rpartition(".")[2] not in SUFFIXES:
            raise ParameterError(
                f"-o {path}: the name has to end in .bed or .tsv (or .gz after it), to say the format."
            )
        refuse_taken(path.expanduser(), overwrite=overwrite)
    if len(set(out)) < len(out):
        raise ParameterError(f"-o {max(out, key=out.count)} is given twice; give each output once.")
    source = opened(contributions, target, allow_incomplete=allow_incomplete)
    wanted, labels = _motifs(motifs)
    found = find_hits(
        source, wanted, q_value=q_value, overlaps=overlaps.value.replace("-", "_"), names=labels or None,
        random_state=seed,
    )  # fmt: skip
    for path in out:
        write_hits(found, path.expanduser(), overwrite=overwrite)
    if not quiet:
        sys.stdout.write("\n".join(_summary(found, out)) + "\n")


def _motifs(path: Path) -> tuple[Any, dict[str, str]]:
    from seqexplain.motifs import load_motifs, read_motifs

    place = path.expanduser()
    if not place.exists():
        raise MissingFileError(
            f"There is no {path}; expected a folder that `seqexplain motifs` wrote, a TF-MoDISco .h5, or a motif file."
        )
    if place.is_dir() or place.suffix.lower() in _HDF5:
        found = load_motifs(place)  # the sequences they were found in may be others
        return found, dict(found.labels)
    return read_motifs(place), {}


def _summary(found: MotifHits, out: list[Path]) -> list[str]:
    count = len(found.patterns)
    lines = [f"{len(found):,} hits of {count} motif{'s' * (count != 1)}: {', '.join(str(path) for path in out)}"]
    table = found.summarise()
    for line in table.head(LINES_SHOWN).itertuples():
        name = f" {line.name}" if line.name and line.name != line.pattern else ""
        lines.append(f"  {line.pattern}{name}: {line.hits:,} hits in {100 * line.share:.3g} % of sequences")
    if len(table) > LINES_SHOWN:
        lines.append(f"  … and {len(table) - LINES_SHOWN} more")
    lines += [f"note: {note}" for note in found.notes]
    return lines
