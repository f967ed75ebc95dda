"""`seqexplain explain`: which bases made the model say that, for a whole file, into a store that can be resumed."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqexplain.cli import _references
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
from seqexplain.cli._targets import HELP, parse_targets, targets_of
from seqexplain.errors import ShapeError, StorageError

if TYPE_CHECKING:
    from seqexplain.attribution import DeepLift


class Method(StrEnum):
    """How contributions are computed."""

    DEEPLIFT = "deeplift"


class Rule(StrEnum):
    """How contributions pass activations."""

    RESCALE = "rescale"
    REVEAL_CANCEL = "reveal_cancel"
    GENOMICS_DEFAULT = "genomics_default"


class MaxPool(StrEnum):
    """How contributions pass max pooling."""

    COMPLETE = "complete"
    WINNER = "winner"


def explain(
    context: typer.Context,
    model: ModelPath,
    sequences: SequenceOptions,
    options: ModelOptions,
    run: RunOptions,
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="STORE.zarr", help="The result store to make, or to go on with.")
    ],
    method: Annotated[Method, typer.Option(help="The method.", rich_help_panel=TARGET_PANEL)] = Method.DEEPLIFT,
    target: Annotated[list[str] | None, typer.Option(metavar="TARGET", help=HELP, rich_help_panel=TARGET_PANEL)] = None,
    level: Annotated[
        Level,
        typer.Option(
            help="The logit below a final sigmoid or softmax, or the output itself.", rich_help_panel=TARGET_PANEL
        ),
    ] = Level.LOGIT,
    references: Annotated[str, typer.Option(help=_references.HELP, rich_help_panel=TARGET_PANEL)] = "dinucleotide",
    n_references: Annotated[
        int, typer.Option("-n", "--n-references", help="Shuffles a sequence.", rich_help_panel=TARGET_PANEL)
    ] = 20,
    rule: Annotated[
        Rule,
        typer.Option(
            help="DeepLIFT's rule for activations; genomics_default is Rescale after convolutions, RevealCancel after "
            "dense layers.",
            rich_help_panel=TARGET_PANEL,
        ),
    ] = Rule.RESCALE,
    max_pool: Annotated[
        MaxPool,
        typer.Option(
            help="Max pooling: complete keeps the sum, winner gives all to the winner, as the original package does.",
            rich_help_panel=TARGET_PANEL,
        ),
    ] = MaxPool.COMPLETE,
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
    drawn = _references.read_references(references, n_references, seed)
    opened = options.load(model)
    try:
        _explain(
            context, out, opened, sequences, targets_of(opened, wanted), drawn,
            {"level": level.value, "rule": rule.value, "max_pool": max_pool.value, "random_state": seed,
             "batch_size": batch},
            chunk=chunk, overwrite=overwrite, quiet=run.quiet,
        )  # fmt: skip
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"run the same command again to go on with {out}.") from None


def _explain(
    context: typer.Context,
    out: Path,
    model: Any,
    sequences: SequenceOptions,
    target: Any,
    references: Any,
    choices: dict[str, Any],
    *,
    chunk: int | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    from seqexplain.attribution import DeepLift, DeepLiftOptions
    from seqexplain.cli._summary import summarise, summary_lines
    from seqexplain.pipeline import SequenceSource, survey
    from seqexplain.pipeline import run as run_job

    if model.length is not None:
        # what is wrong with the model or the target is said before a long file is read
        model.targets(target, level=choices["level"], length=model.length)
    source = SequenceSource(lambda: sequences.records(model), sequences.label, sequences.files)
    found = survey(source, length=model.length)
    if model.length is None:  # a position has to exist in each sequence, so in the shortest
        model.targets(target, level=choices["level"], length=found.shortest)
    try:
        references.check(found.n, found.length)
    except ShapeError as error:
        raise ShapeError(f"--references: {error}") from error
    explainer = DeepLift(model, found.length, found.n, DeepLiftOptions(target=target, references=references, **choices))
    if choices["batch_size"] == "auto" and not overwrite:
        keep_batches(explainer, out)
    run_job(
        explainer, source, out, chunk=chunk, length=model.length, progress=not quiet, overwrite=overwrite,
        command=shlex.join(["seqexplain", *(context.obj or ())]), found=found,
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


def keep_batches(explainer: DeepLift, out: Path) -> None:
    """Take the batch shape of the run that is gone on with: free memory may be another today, the bytes may not.

    Parameters
    ----------
    explainer
        A prepared job; its batch shape is changed where `out` holds a run.
    out
        The store.
    """
    from seqexplain.storage import peek

    stored = (peek(out) or {}).get("parameters", {})
    if {"batch_sequences", "batch_references"} <= stored.keys():
        explainer.batch_sequences = int(stored["batch_sequences"])
        explainer.batch_references = int(stored["batch_references"])
