"""`seqexplain report`: results, motifs and hits as one page that opens in any browser."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqexplain.cli._contributions import ContributionsPath, StoredTarget
from seqexplain.cli._failures import be_quiet
from seqexplain.cli._options import Overwrite
from seqexplain.cli._targets import stored_label
from seqexplain.errors import MissingFileError, ParameterError

if TYPE_CHECKING:
    from seqexplain.report import ReportSummary

COMPUTED, NO_HITS = "computed", "none"
SUFFIXES = (".html", ".htm")


def report(
    contributions: ContributionsPath,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="PAGE.html", help="The page to write.")],
    motifs: Annotated[
        Path | None,
        typer.Argument(metavar="MOTIFS", help="The folder that `seqexplain motifs` wrote, or a TF-MoDISco .h5."),
    ] = None,
    hits: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|computed|none",
            help="Hits of the motifs: a .tsv that `seqexplain hits` wrote; computed now (default, where there are "
            "motifs); or none.",
        ),
    ] = None,
    sis: Annotated[
        Path | None,
        typer.Option(metavar="STORE.zarr", help="Subsets of the same sequences, as `seqexplain sis` wrote them."),
    ] = None,
    ism: Annotated[
        Path | None,
        typer.Option(metavar="STORE.zarr", help="Substitutions in the same sequences, as `seqexplain ism` wrote them."),
    ] = None,
    target: StoredTarget = None,
    title: Annotated[str | None, typer.Option(help="Of the page. Default: the name of the results.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Write results as one HTML page: overview, motifs, and a browser of sequences.

    The page opens in any browser, needs no network and holds everything it shows; send it to whom you like.
    """
    if quiet:
        be_quiet()
    if out.suffix.lower() not in SUFFIXES:
        raise ParameterError(f"-o {out}: the page is HTML; give a name that ends in .html.")
    if motifs is None and hits == COMPUTED:
        raise ParameterError("--hits computed looks for motifs; give the folder that `seqexplain motifs` wrote, too.")
    from seqexplain.report import write_report
    from seqexplain.storage import ResultStore, peek

    for option, path in (("--sis", sis), ("--ism", ism)):
        if path is not None and peek(path) is None:
            command = option.removeprefix("--")
            raise MissingFileError(
                f"{option} {path} is no store of seqexplain; expected one that `seqexplain {command}` wrote."
            )
    given: Any = contributions
    label: int | str | None = target
    if peek(contributions) is not None:
        given = ResultStore(contributions)
        if target is not None:
            label = stored_label(given.targets, target)
            label = int(label) if label not in given.targets and label.isdecimal() else label
    summary = write_report(
        given, out, motifs=motifs, hits=_chosen(hits, motifs), sis=sis, ism=ism, target=label, title=title,
        overwrite=overwrite,
    )  # fmt: skip
    if not quiet:
        sys.stdout.write("\n".join(_lines(summary)) + "\n")


def _chosen(hits: str | None, motifs: Path | None) -> str | Path | None:
    if hits is None:
        return None if motifs is None else COMPUTED
    if hits in (COMPUTED, NO_HITS):
        return COMPUTED if hits == COMPUTED else None
    return Path(hits)


def _lines(summary: ReportSummary) -> list[str]:
    parts = [f"{summary.sequences:,} sequence{'s' * (summary.sequences != 1)}"]
    if summary.motifs:
        parts += [f"{summary.motifs:,} motif{'s' * (summary.motifs != 1)}", f"{summary.hits:,} hits"]
    size = f"{summary.size / 1e6:.2g} MB" if summary.size < 1e7 else f"{summary.size / 1e6:.0f} MB"
    return [f"{summary.path}: {', '.join(parts)}; {size}", *(f"note: {note}" for note in summary.notes)]
