"""Explaining a whole file into a store that can be resumed: what `explain` and `ism` share."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqexplain.cli._methods import Chosen
from seqexplain.cli._options import RUN_PANEL, TARGET_PANEL, Level
from seqexplain.cli._sequences import SequenceOptions
from seqexplain.cli._targets import HELP, TargetText, targets_of
from seqexplain.errors import ShapeError, StorageError

if TYPE_CHECKING:
    from seqexplain.models import SequenceModel
    from seqexplain.pipeline import Explainer

StorePath = Annotated[
    Path, typer.Option("-o", "--out", metavar="STORE.zarr", help="The result store to make, or to go on with.")
]
Targets = Annotated[list[str] | None, typer.Option(metavar="TARGET", help=HELP, rich_help_panel=TARGET_PANEL)]
LevelChoice = Annotated[
    Level,
    typer.Option(
        help="The logit below a final sigmoid or softmax, or the output itself.", rich_help_panel=TARGET_PANEL
    ),
]
Ensemble = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="MODEL",
        help="Another model (fold) to average with: mean and spread are stored. Repeatable.",
        rich_help_panel=TARGET_PANEL,
    ),
]
Chunk = Annotated[
    int | None,
    typer.Option(help="Sequences stored together, and lost together when killed.", rich_help_panel=RUN_PANEL),
]


def explain_to_store(
    context: typer.Context,
    out: Path,
    models: Sequence[SequenceModel],
    sequences: SequenceOptions,
    wanted: Sequence[TargetText],
    chosen: Chosen,
    choices: dict[str, Any],
    *,
    chunk: int | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Explain all sequences, and tell what came of it.

    Parameters
    ----------
    context
        Of the command, whose words are kept with the results.
    out
        The store.
    models
        One, or those of an ensemble.
    sequences
        What to explain.
    wanted
        The targets; none for the model's single value.
    chosen, choices
        The method, and the options of its job but the target.
    chunk, overwrite, quiet
        As the command line has them.

    Raises
    ------
    KeyboardInterrupt
        With how to go on.
    """
    try:
        _explain(
            context, out, models, sequences, wanted, chosen, choices, chunk=chunk, overwrite=overwrite, quiet=quiet
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"run the same command again to go on with {out}.") from None


def _explain(
    context: typer.Context,
    out: Path,
    models: Sequence[SequenceModel],
    sequences: SequenceOptions,
    wanted: Sequence[TargetText],
    chosen: Chosen,
    choices: dict[str, Any],
    *,
    chunk: int | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    from seqexplain.attribution import EnsembleJob
    from seqexplain.cli._summary import summarise, summary_lines
    from seqexplain.pipeline import SequenceSource, survey
    from seqexplain.pipeline import run as run_job

    model = models[0]
    targets = [targets_of(one, wanted) for one in models]
    if model.length is not None:
        # what is wrong with the model or the target is said before a long file is read
        for one, target in zip(models, targets, strict=True):
            one.targets(target, level=choices["level"], length=model.length)
    source = SequenceSource(lambda: sequences.records(model), sequences.label, sequences.files)
    found = survey(source, length=model.length)
    if model.length is None:  # a position has to exist in each sequence, so in the shortest
        model.targets(targets[0], level=choices["level"], length=found.shortest)
    if "references" in choices:
        try:
            choices["references"].check(found.n, found.length)
        except ShapeError as error:
            raise ShapeError(f"--references: {error}") from error
    job, options = chosen.entry.classes()
    jobs = [
        job(one, found.length, found.n, options(target=target, **choices))
        for one, target in zip(models, targets, strict=True)
    ]
    if choices["batch_size"] == "auto" and not overwrite:
        keep_batches(jobs, out)
    run_job(
        jobs[0] if len(jobs) == 1 else EnsembleJob(jobs), source, out, chunk=chunk, length=model.length,
        progress=not quiet, overwrite=overwrite, command=shlex.join(["seqexplain", *(context.obj or ())]), found=found,
    )  # fmt: skip
    if not quiet:
        sys.stdout.write("\n".join(summary_lines(summarise(out), out)) + "\n")


def check_out(out: Path) -> None:
    """Refuse early what the job would refuse after loading a model and reading its input."""
    from seqexplain.storage import refuse_foreign

    target = out.expanduser()
    refuse_foreign(target)
    if not target.absolute().parent.is_dir():
        raise StorageError(f"Cannot write {out}: the folder {target.absolute().parent} does not exist. Make it first.")


def keep_batches(jobs: Sequence[Explainer], out: Path) -> None:
    """Take the batch shape of the run that is gone on with: free memory may be another today, the bytes may not.

    Parameters
    ----------
    jobs
        Prepared jobs, one a model; their batch shapes are changed where `out` holds a run.
    out
        The store.
    """
    from seqexplain.storage import peek

    stored = (peek(out) or {}).get("parameters", {})
    for job, shape in zip(jobs, stored.get("ensemble", [stored]), strict=False):
        for name in ("batch_sequences", "batch_references", "batch_points"):
            if name in shape and hasattr(job, name):
                setattr(job, name, int(shape[name]))
