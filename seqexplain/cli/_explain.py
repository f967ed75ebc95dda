"""`seqexplain explain`: which bases made the model say that, for a whole file, into a store that can be resumed."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqexplain.cli import _references
from seqexplain.cli._methods import Chosen, choose_method
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
from seqexplain.cli._targets import HELP, TargetText, parse_targets, targets_of
from seqexplain.errors import ParameterError, ShapeError, StorageError

if TYPE_CHECKING:
    from seqexplain.models import SequenceModel
    from seqexplain.pipeline import Explainer


def explain(
    context: typer.Context,
    model: ModelPath,
    sequences: SequenceOptions,
    options: ModelOptions,
    run: RunOptions,
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="STORE.zarr", help="The result store to make, or to go on with.")
    ],
    method: Annotated[
        str, typer.Option(help="The method; seqexplain methods lists them.", rich_help_panel=TARGET_PANEL)
    ] = "deeplift",
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="A parameter of the method (seqexplain methods). Repeatable.",
            rich_help_panel=TARGET_PANEL,
        ),
    ] = None,
    target: Annotated[list[str] | None, typer.Option(metavar="TARGET", help=HELP, rich_help_panel=TARGET_PANEL)] = None,
    level: Annotated[
        Level,
        typer.Option(
            help="The logit below a final sigmoid or softmax, or the output itself.", rich_help_panel=TARGET_PANEL
        ),
    ] = Level.LOGIT,
    references: Annotated[
        str | None,
        typer.Option(help=_references.HELP, rich_help_panel=TARGET_PANEL),
    ] = None,
    n_references: Annotated[
        int, typer.Option("-n", "--n-references", help="Shuffles a sequence.", rich_help_panel=TARGET_PANEL)
    ] = 20,
    rule: Annotated[
        str | None,
        typer.Option(
            help="How contributions pass layers. DeepLIFT: rescale (default), reveal_cancel, genomics_default, which "
            "is Rescale after convolutions and RevealCancel after dense layers.",
            rich_help_panel=TARGET_PANEL,
        ),
    ] = None,
    max_pool: Annotated[
        str | None,
        typer.Option(
            help="Max pooling. DeepLIFT: complete (default) keeps the sum, winner gives all to the winner, as the "
            "original package does.",
            rich_help_panel=TARGET_PANEL,
        ),
    ] = None,
    ensemble: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="MODEL",
            help="Another model (fold) to average with: mean and spread are stored. Repeatable.",
            rich_help_panel=TARGET_PANEL,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the shuffles.", rich_help_panel=RUN_PANEL)] = 0,
    chunk: Annotated[
        int | None,
        typer.Option(help="Sequences stored together, and lost together when killed.", rich_help_panel=RUN_PANEL),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Explain sequences: contributions of each base, into a result store (Zarr).

    Killed at any moment, the same command goes on where it stopped. A store of another run is never mixed with.
    """
    batch = run.batch()
    check_range("-n", n_references, 1)
    check_range("--seed", seed, 0)
    check_range("--chunk", chunk, 1)
    wanted = parse_targets(target)
    sequences.check(several_passes=True)
    _check_out(out)
    options.start()
    chosen = choose_method(method, option or (), {"rule": rule, "max_pool": max_pool})
    if references is not None and not chosen.takes_references:
        raise ParameterError(f"--references is nothing for {chosen.entry.name}: it looks at the sequence alone.")
    choices: dict[str, Any] = {**chosen.parameters, "level": level.value, "random_state": seed, "batch_size": batch}
    if chosen.takes_references:
        named = references or str(chosen.entry.parameters()["references"])
        choices["references"] = _references.read_references(named, n_references, seed)
    opened = [options.load(path) for path in (model, *(ensemble or ()))]
    try:
        _explain(
            context, out, opened, sequences, wanted, chosen, choices, chunk=chunk, overwrite=overwrite, quiet=run.quiet
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


def _check_out(out: Path) -> None:
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
