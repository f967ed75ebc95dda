"""`seqexplain ism`: what every substitution, deletion, insertion or window of bases changes, for a whole file."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from seqexplain.cli._ism_edits import PANEL, EditKind
from seqexplain.cli._options import (
    RUN_PANEL,
    Level,
    ModelOptions,
    ModelPath,
    Overwrite,
    RunOptions,
    check_range,
)
from seqexplain.cli._sequences import SequenceOptions
from seqexplain.cli._storing import Chunk, Ensemble, LevelChoice, StorePath, Targets, check_out, explain_to_store
from seqexplain.cli._targets import parse_targets


class Evaluation(StrEnum):
    """How edited sequences are computed."""

    AUTO = "auto"
    INCREMENTAL = "incremental"
    FULL = "full"


def ism(
    context: typer.Context,
    model: ModelPath,
    sequences: SequenceOptions,
    options: ModelOptions,
    run: RunOptions,
    edits: EditKind,
    out: StorePath,
    target: Targets = None,
    level: LevelChoice = Level.LOGIT,
    start: Annotated[int, typer.Option(help="First base to edit, from 0.", rich_help_panel=PANEL)] = 0,
    end: Annotated[
        int | None,
        typer.Option(help="Base after the last to edit. Default: all.", rich_help_panel=PANEL),
    ] = None,
    ensemble: Ensemble = None,
    evaluation: Annotated[
        Evaluation,
        typer.Option(
            help="Compute what an edit reaches in each layer, or each edited sequence whole; auto: what is less work.",
            rich_help_panel=RUN_PANEL,
        ),
    ] = Evaluation.AUTO,
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.", rich_help_panel=RUN_PANEL)] = 0,
    chunk: Chunk = None,
    overwrite: Overwrite = False,
) -> None:
    """Mutate sequences in silico, into a result store: the effect of every substitution, or of other edits.

    --window replaces stretches, --deletions and --insertions lose and gain bases, --pairs makes two substitutions.

    Killed at any moment, the same command goes on where it stopped. seqexplain logo and export read the store.
    """
    batch = run.batch()
    check_range("--start", start, 0)
    check_range("--end", end, start + 1)
    check_range("--seed", seed, 0)
    check_range("--chunk", chunk, 1)
    edits.check()
    wanted = parse_targets(target)
    sequences.check(several_passes=True)
    check_out(out)
    options.start()
    chosen, own = edits.choose()
    choices: dict[str, Any] = {
        "start": start,
        "end": end,
        "level": level.value,
        "random_state": seed,
        "batch_size": batch,
        "evaluation": evaluation.value,
        **own,
    }
    opened = [options.load(path) for path in (model, *(ensemble or ()))]
    explain_to_store(
        context, out, opened, sequences, wanted, chosen, choices, chunk=chunk, overwrite=overwrite, quiet=run.quiet
    )
