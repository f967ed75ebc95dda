"""`seqexplain sis-clusters`: the subsets of one or more stores, sorted by the evidence they are."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqexplain.cli._options import Overwrite, check_range
from seqexplain.cli._table import STDOUT, check_table, open_table, write_frame
from seqexplain.cli._targets import stored_label
from seqexplain.errors import MissingFileError, ParameterError

if TYPE_CHECKING:
    from seqexplain.motifs import SubsetClusters
    from seqexplain.results import Attributions

CLUSTERING, GROUPS, OUTPUT = "How subsets are clustered", "What is compared", "What is written"
SUFFIXES = (".svg", ".png", ".pdf")
LINES_SHOWN = 10


class Method(StrEnum):
    """How clusters are found."""

    HIERARCHICAL = "hierarchical"
    HDBSCAN = "hdbscan"


def sis_clusters(
    stores: Annotated[list[Path], typer.Argument(metavar="STORE.zarr…", help="What `seqexplain sis` wrote.")],
    out: Annotated[
        str,
        typer.Option(
            "-o", "--out", metavar="TABLE.tsv", help="A line a cluster; - is standard output.", rich_help_panel=OUTPUT
        ),
    ] = STDOUT,
    members: Annotated[
        str | None,
        typer.Option(metavar="TABLE.tsv", help="A line for each piece of a subset.", rich_help_panel=OUTPUT),
    ] = None,
    motifs: Annotated[
        Path | None,
        typer.Option(metavar="FILE.meme", help="Their motifs, for Tomtom and the like.", rich_help_panel=OUTPUT),
    ] = None,
    logos: Annotated[
        Path | None,
        typer.Option(
            metavar="PICTURE", help="Logos and shares of the largest: .svg, .png or .pdf.", rich_help_panel=OUTPUT
        ),
    ] = None,
    largest: Annotated[int, typer.Option(help="Clusters in the picture at most.", rich_help_panel=OUTPUT)] = 10,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE.tsv",
            help="Sequence name and label, between tabs, a line each: right and wrong predictions, for instance.",
            rich_help_panel=GROUPS,
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="Label of the target, where a store has several; without, one store's targets are compared.",
            rich_help_panel=GROUPS,
        ),
    ] = None,
    method: Annotated[
        Method, typer.Option(help="A tree that is cut, or HDBSCAN.", rich_help_panel=CLUSTERING)
    ] = Method.HIERARCHICAL,
    max_distance: Annotated[
        float, typer.Option(help="Where the tree is cut, 0 to 1.", rich_help_panel=CLUSTERING)
    ] = 0.6,
    min_size: Annotated[int, typer.Option(help="Pieces that make a cluster.", rich_help_panel=CLUSTERING)] = 5,
    max_gap: Annotated[
        int,
        typer.Option(help="Subsets are cut where more masked bases lie between.", rich_help_panel=CLUSTERING),
    ] = 10,
    min_bases: Annotated[int, typer.Option(help="Pieces with fewer are left out.", rich_help_panel=CLUSTERING)] = 3,
    one_strand: Annotated[
        bool,
        typer.Option("--one-strand", help="Reverse complements are not the same.", rich_help_panel=CLUSTERING),
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Cluster sufficient input subsets: a motif for each kind of evidence, and who uses it.

    Several stores (two models, or two sets of sequences), labels of sequences, or the targets of a store are compared:
    the share of their subsets in each cluster, with Fisher's exact test (two groups) or χ² and corrected p-values.
    """
    check_range("--min-size", min_size, 2)
    check_range("--max-gap", max_gap, 0)
    check_range("--min-bases", min_bases, 1)
    check_range("--largest", largest, 1)
    if not 0 <= max_distance <= 1:
        raise ParameterError(f"--max-distance is {max_distance}; expected a number from 0 to 1.")
    _check_outputs([out, members, motifs, logos], overwrite=overwrite)
    if labels is not None and len(stores) > 1:
        raise ParameterError("--labels and several stores are both given; compare one or the other.")
    from seqexplain.motifs import cluster_subsets, write_motifs

    results = _read(stores, target)
    given: Any = next(iter(results.values())) if len(results) == 1 else results
    named = None if labels is None else _labels_of(labels, results)
    found = cluster_subsets(
        given, labels=named, method=method.value, max_distance=max_distance, min_size=min_size, max_gap=max_gap,
        min_bases=min_bases, both_strands=not one_strand,
    )  # fmt: skip
    with open_table(out, overwrite=overwrite) as write:
        write_frame(write, found.to_table())
    if members is not None:
        with open_table(members, overwrite=overwrite) as write:
            write_frame(write, _named_members(found, results))
    if len(found) and motifs is not None:
        write_motifs(found.motifs, motifs.expanduser(), overwrite=overwrite)
    if len(found) and logos is not None:
        from seqexplain.plot import save_figure

        save_figure(found.plot(largest=largest), logos.expanduser())
    if out != STDOUT:
        sys.stdout.write("\n".join(_summary(found)) + "\n")


def _check_outputs(paths: Sequence[str | Path | None], *, overwrite: bool) -> None:
    given = [str(path) for path in paths if path is not None]
    twice = {path for path in given if given.count(path) > 1}
    if twice:
        raise ParameterError(f"{min(twice)} is to hold two outputs; give each a name of its own.")
    for path in given:
        check_table(path, overwrite=overwrite)
    picture = paths[-1]
    if picture is not None and Path(picture).suffix.lower() not in SUFFIXES:
        raise ParameterError(
            f"--logos {picture}: pictures are written as {', '.join(SUFFIXES)}; give a name that ends in one."
        )


def _read(stores: Sequence[Path], target: str | None) -> dict[str, Attributions]:
    """Return the results by the names of their groups."""
    from seqexplain.storage import load

    names = [path.name.removesuffix("/").removesuffix(".zarr") for path in stores]
    if len(set(names)) < len(names):
        names = [str(path) for path in stores]
    if len(set(names)) < len(names):
        raise ParameterError(f"{max(names, key=names.count)} is given twice; give each store once.")
    results: dict[str, Attributions] = {}
    for name, path in zip(names, stores, strict=True):
        result = load(path)
        if not hasattr(result, "subset"):
            raise ParameterError(
                f"{path} holds what {result.method or 'another method'} gave, which are no subsets; expected "
                "a store of seqexplain sis."
            )
        if target is not None:
            result = result.for_target(stored_label(result.targets, target))
        if not result.several_targets:
            results[name] = result
        elif len(stores) == 1:
            results |= {f"target {label}": result.for_target(k) for k, label in enumerate(result.targets)}
        else:
            raise ParameterError(f"{path} holds several targets; choose one with --target {result.targets[0]}.")
    return results


def _labels_of(path: Path, results: dict[str, Attributions]) -> list[str]:
    from seqexplain.sequences._text import open_lines

    if len(results) > 1:
        raise ParameterError("--labels needs one target; choose it with --target.")
    if not path.exists():
        raise MissingFileError(f"--labels {path} does not exist; expected a table of sequence name and label.")
    known: dict[str, str] = {}
    with open_lines(path, "a table of sequence name and label") as lines:
        for number, line in lines:
            cells = line.rstrip("\r\n").split("\t")
            if not line.strip() or line.startswith("#"):
                continue
            if len(cells) < 2 or not cells[1].strip():
                raise ParameterError(f"{path}, line {number}: expected a sequence name and a label, between tabs.")
            known[cells[0].strip()] = cells[1].strip()
    names = next(iter(results.values())).names
    missing = [name for name in names if name not in known]
    if missing:
        raise ParameterError(
            f"{path} has no label for {len(missing)} sequences of the store, {missing[0]!r} among them."
        )
    return [known[name] for name in names]


def _named_members(found: SubsetClusters, results: dict[str, Attributions]) -> Any:
    table = found.members_table()
    values = list(results.values())
    table["sequence"] = [values[s].names[i] for s, i in zip(found.source, found.sequence, strict=True)]
    table["source"] = [list(results)[s] for s in found.source]
    return table


def _summary(found: SubsetClusters) -> list[str]:
    total = int(found.group_sizes.sum())
    clusters = f"{len(found)} cluster{'' if len(found) == 1 else 's'}"
    lines = [f"{total} subsets in {len(found.cluster)} pieces: {clusters}, {found.unclustered} pieces in none"]
    sizes = found.sizes
    for c, motif in enumerate(found.motifs[:LINES_SHOWN]):
        line = f"{c}: {motif.name}, {sizes[c]} pieces"
        if found.association is not None:
            shares = ", ".join(
                f"{name} {100 * share:.3g} %" for name, share in zip(found.groups, found.shares[c], strict=True)
            )
            line += f"; in the subsets of {shares} (q = {found.association.q_values[c]:.2g})"
        lines.append(line)
    if len(found) > LINES_SHOWN:
        lines.append(f"… and {len(found) - LINES_SHOWN} more")
    if not len(found):
        lines.append("No cluster, so no motifs and no logos. Try a larger --max-distance, or a smaller --min-size.")
    return lines
