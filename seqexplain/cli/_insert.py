"""`seqexplain insert`: what a motif does to backgrounds, and what two of them do together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqexplain.cli._insert_backgrounds import BackgroundOptions
from seqexplain.cli._motif_options import parse_numbers, read_motif
from seqexplain.cli._options import (
    RUN_PANEL,
    TARGET_PANEL,
    Level,
    ModelOptions,
    ModelPath,
    Overwrite,
    RunOptions,
    check_range,
)
from seqexplain.cli._sequences import SequenceOptions
from seqexplain.cli._table import STDOUT, check_table, open_table, write_frame
from seqexplain.cli._targets import HELP, parse_targets, targets_of
from seqexplain.errors import MissingFileError, ParameterError

if TYPE_CHECKING:
    from seqexplain.models import SequenceModel
    from seqexplain.perturbation import Marginalisation, Spacing

PANEL = "The motifs"
SUFFIXES = (".svg", ".png", ".pdf")
DISTANCES = "0:50"


class Strand(StrEnum):
    """How a motif is put in."""

    PLUS = "+"
    MINUS = "-"


class Curve(StrEnum):
    """What the picture of two motifs shows."""

    INTERACTION = "interaction"
    BOTH = "both"
    A = "a"
    B = "b"


def insert(
    model: ModelPath,
    sequences: SequenceOptions,
    options: ModelOptions,
    backgrounds: BackgroundOptions,
    run: RunOptions,
    out: Annotated[
        str,
        typer.Option("-o", "--out", metavar="TABLE.tsv", help="Where to write; - is standard output, .gz compresses."),
    ] = STDOUT,
    motif: Annotated[
        str | None,
        typer.Option(
            metavar="CONSENSUS",
            help="The motif: bases and IUPAC codes. R, Y, … are drawn for each background; N leaves its base.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    motif_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE[:NAME]", help="The motif, out of a JASPAR or MEME file, by id or name.", rich_help_panel=PANEL
        ),
    ] = None,
    second: Annotated[
        str | None,
        typer.Option(metavar="CONSENSUS", help="A second motif, downstream of the first.", rich_help_panel=PANEL),
    ] = None,
    second_file: Annotated[
        str | None,
        typer.Option(metavar="FILE[:NAME]", help="The second motif, out of a file.", rich_help_panel=PANEL),
    ] = None,
    sample: Annotated[
        bool,
        typer.Option(
            "--sample",
            help="Draw the bases of matrices for each background, rather than take the most probable.",
            rich_help_panel=PANEL,
        ),
    ] = False,
    at: Annotated[
        str,
        typer.Option(
            metavar="POSITION",
            help="Start of the (first) motif from 0: centre, all, numbers (10,40) or a range with both ends (0:90:10).",
            rich_help_panel=PANEL,
        ),
    ] = "centre",
    strand: Annotated[
        Strand, typer.Option(help="- puts the reverse complement in; for one motif.", rich_help_panel=PANEL)
    ] = Strand.PLUS,
    distances: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBERS",
            help=f"bp between two motifs: {DISTANCES} (default; both ends count), 0:50:5 or 3,8,20.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    orientations: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", help="Strands of first and second motif; default: ++,+-,-+,--.", rich_help_panel=PANEL
        ),
    ] = None,
    target: Annotated[list[str] | None, typer.Option(metavar="TARGET", help=HELP, rich_help_panel=TARGET_PANEL)] = None,
    level: Annotated[
        Level,
        typer.Option(
            help="The logit below a final sigmoid or softmax, or the output itself.", rich_help_panel=TARGET_PANEL
        ),
    ] = Level.LOGIT,
    confidence: Annotated[
        float, typer.Option(help="Of the intervals, between 0 and 1.", rich_help_panel=TARGET_PANEL)
    ] = 0.95,
    each: Annotated[
        str | None,
        typer.Option(metavar="TABLE.tsv", help="A second table: every background by itself."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="PICTURE", help="Draw the curves: .svg, .png or .pdf.")] = None,
    curve: Annotated[Curve, typer.Option(help="What to draw of two motifs.")] = Curve.INTERACTION,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.", rich_help_panel=RUN_PANEL)] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Put a motif into backgrounds and measure what that does, or two motifs at all distances and orientations.

    Writes means over the backgrounds with standard errors and confidence intervals: one line a position; or, with a
    second motif, one a distance and orientation, with the effect of each motif, of both, and their interaction.
    Killed at any moment, the same command goes on where it stopped (not with -o -, which has no place to go on from).
    """
    batch = run.batch()
    check_range("--seed", seed, 0)
    wanted = parse_targets(target)
    backgrounds.check(sequences)
    if not 0 < confidence < 1:
        raise ParameterError(f"--confidence is {confidence}; expected a share between 0 and 1, such as 0.95.")
    _check_outputs(out, each, plot, overwrite=overwrite)
    first = read_motif("motif", motif, motif_file)
    other = read_motif("second", second, second_file)
    if first is None:
        raise ParameterError("No motif is given; give --motif CACGTG, or --motif-file FILE:NAME.")
    choices: dict[str, Any] = {"sample": sample}
    if other is None:
        _refuse_pairs(distances, orientations)
        choices |= {"strand": strand.value, "position": _position(at)}
    else:
        choices |= _pair_choices(at, strand, distances, orientations)

    options.start()
    opened = options.load(model)
    names, X = backgrounds.make(sequences, opened, seed)
    choices |= {"target": targets_of(opened, wanted), "level": level.value, "batch_size": batch, "random_state": seed,
                "names": names}  # fmt: skip
    outputs = _Outputs(out, each, plot, curve.value, confidence, overwrite, run.quiet)
    try:
        lines = _insert(opened, X, first, other, choices, outputs)
    except KeyboardInterrupt:
        if out == STDOUT:
            raise
        raise KeyboardInterrupt(f"run the same command again to go on with {out}.") from None
    if out != STDOUT and not run.quiet:
        files = ", ".join(str(path) for path in (out, each, plot) if path is not None)
        title = f"{len(X)} backgrounds of {X.shape[1]} bp ({backgrounds.describe(sequences)})"
        sys.stdout.write("\n".join([title, *lines, f"Written: {files}"]) + "\n")


@dataclass(frozen=True)
class _Outputs:
    """Where results go, and how they are shown."""

    table: str
    each: str | None
    plot: Path | None
    curve: str
    confidence: float
    overwrite: bool
    quiet: bool


def _insert(
    model: SequenceModel, X: Any, first: Any, other: Any, choices: dict[str, Any], outputs: _Outputs
) -> Sequence[str]:
    """Do the experiment, write what came of it, and return its summary."""
    from seqexplain.perturbation import MarginalisationExperiment, SpacingExperiment
    from seqexplain.pipeline import ExperimentRun
    from seqexplain.storage import writer_lock

    place = None if outputs.table == STDOUT else _place(outputs.table)
    shown = {"overwrite": outputs.overwrite, "progress": not outputs.quiet}
    found: Marginalisation | Spacing
    with ExitStack() as stack:
        if place is not None:
            stack.enter_context(writer_lock(place))
        job = ExperimentRun(place)
        if other is None:
            found = job.do(MarginalisationExperiment(model, X, first, **choices), **shown)
            lines, draw = _summary_of_one(found, outputs.confidence), found.plot
        else:
            found = job.do(SpacingExperiment(model, X, first, other, **choices), **shown)
            lines, draw = _summary_of_two(found, outputs.confidence), partial(found.plot, outputs.curve)
        # the table last: while it is not there, the same command goes on
        if outputs.each is not None:
            with open_table(outputs.each, overwrite=True) as write:
                write_frame(write, found.values_table())
        if outputs.plot is not None:
            from seqexplain.plot import save_figure

            save_figure(draw(), outputs.plot.expanduser())
        with open_table(outputs.table, overwrite=outputs.overwrite) as write:
            write_frame(write, found.to_table(outputs.confidence))
        job.discard()
    return lines


def _check_outputs(out: str, each: str | None, plot: Path | None, *, overwrite: bool) -> None:
    from seqexplain.pipeline import ExperimentRun

    check_table(out, overwrite=overwrite)
    # a job that was killed at its end may have written them
    again = overwrite or (out != STDOUT and ExperimentRun(_place(out)).unfinished)
    if each is not None:
        if each == out:
            raise ParameterError(f"--each and -o both are {out}; give two names.")
        check_table(each, overwrite=again)
    if plot is None:
        return
    if plot.suffix.lower() not in SUFFIXES:
        raise ParameterError(
            f"--plot {plot}: pictures are written as {', '.join(SUFFIXES)}; give a name that ends in one."
        )
    if not plot.expanduser().absolute().parent.is_dir():
        raise MissingFileError(f"Cannot write {plot}: its folder does not exist. Make it first.")
    check_table(str(plot), overwrite=again)


def _place(out: str) -> Path:
    return Path(out).expanduser().absolute()


def _position(at: str) -> str | list[int]:
    return at if at in ("centre", "all") else parse_numbers(at, "--at")


def _refuse_pairs(distances: str | None, orientations: str | None) -> None:
    for option, value in (("--distances", distances), ("--orientations", orientations)):
        if value is not None:
            raise ParameterError(f"{option} is about two motifs; give the other with --second or --second-file.")


def _pair_choices(at: str, strand: Strand, distances: str | None, orientations: str | None) -> dict[str, Any]:
    if strand is not Strand.PLUS:
        raise ParameterError("--strand is for one motif; give --orientations, such as -+,-- for two.")
    position = _position(at)
    if position == "all" or (isinstance(position, list) and len(position) > 1):
        raise ParameterError(f"--at {at}: of two motifs the first stays in one place; give its start, or centre.")
    choices: dict[str, Any] = {
        "position": position if isinstance(position, str) else position[0],
        "distances": parse_numbers(distances or DISTANCES, "--distances"),
    }
    if orientations is not None:
        choices["orientations"] = [way.strip() for way in orientations.split(",")]
    return choices


def _summary_of_one(found: Marginalisation, confidence: float) -> Sequence[str]:
    table = found.to_table(confidence)
    lines = []
    for target in found.targets:
        mine = table[table["target"] == target]
        row = mine.loc[mine["effect"].abs().idxmax()]
        place = "" if len(mine) == 1 else f", the largest of {len(mine)} positions"
        lines.append(
            f"{found.motif} ({found.strand}), target {target}: effect "
            f"{_plus_minus(row['effect'], row['standard_error'])} at {row['position']}{place}; "
            f"{100 * confidence:g} % interval {row['low']:.4g} to {row['high']:.4g}"
        )
    return lines


def _summary_of_two(found: Spacing, confidence: float) -> Sequence[str]:
    table = found.to_table(confidence)
    lines = []
    for (target, way), mine in table.groupby(["target", "orientation"], sort=False):
        row = mine.loc[mine["interaction"].abs().idxmax()]
        lines.append(
            f"{found.motif_a} and {found.motif_b} ({way}), target {target}: strongest interaction "
            f"{_plus_minus(row['interaction'], row['interaction_standard_error'])} at {row['distance']} bp; alone "
            f"{row['effect_a']:+.4g} and {row['effect_b']:+.4g}, both {row['effect_both']:+.4g}"
        )
    return lines


def _plus_minus(mean: float, error: float) -> str:
    return f"{mean:+.4g}" + ("" if error != error else f" ± {error:.2g}")
