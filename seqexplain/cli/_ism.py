"""`seqexplain ism`: what every substitution, or every window of bases, changes, for a whole file."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from seqexplain.cli._methods import choose_method
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
from seqexplain.errors import ParameterError

EDIT_PANEL = "What is edited"


class Replacement(StrEnum):
    """What a window is replaced with."""

    SHUFFLE = "shuffle"
    RANDOM = "random"


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
    out: StorePath,
    target: Targets = None,
    level: LevelChoice = Level.LOGIT,
    start: Annotated[int, typer.Option(help="First base to edit, from 0.", rich_help_panel=EDIT_PANEL)] = 0,
    end: Annotated[
        int | None,
        typer.Option(help="Base after the last to edit. Default: all.", rich_help_panel=EDIT_PANEL),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(
            metavar="BP",
            help="Replace windows of so many bases, instead of substituting each base.",
            rich_help_panel=EDIT_PANEL,
        ),
    ] = None,
    stride: Annotated[
        int | None, typer.Option(metavar="BP", help="From window to window. Default: 1.", rich_help_panel=EDIT_PANEL)
    ] = None,
    samples: Annotated[
        int | None, typer.Option(help="Replacements of each window. Default: 5.", rich_help_panel=EDIT_PANEL)
    ] = None,
    replacement: Annotated[
        Replacement | None,
        typer.Option(help="Of a window: its own bases shuffled (default), or random ones.", rich_help_panel=EDIT_PANEL),
    ] = None,
    ensemble: Ensemble = None,
    evaluation: Annotated[
        Evaluation,
        typer.Option(
            help="Compute what an edit reaches in each layer, or each edited sequence whole; auto: what is less work.",
            rich_help_panel=RUN_PANEL,
        ),
    ] = Evaluation.AUTO,
    seed: Annotated[int, typer.Option(help="Seed of the replacements of windows.", rich_help_panel=RUN_PANEL)] = 0,
    chunk: Chunk = None,
    overwrite: Overwrite = False,
) -> None:
    """Mutate sequences in silico: the effect of every substitution, or of replacing windows, into a result store.

    Killed at any moment, the same command goes on where it stopped. seqexplain logo and export read the store.
    """
    batch = run.batch()
    check_range("--start", start, 0)
    check_range("--end", end, start + 1)
    check_range("--window", window, 1)
    check_range("--stride", stride, 1, window)
    check_range("--samples", samples, 1)
    check_range("--seed", seed, 0)
    check_range("--chunk", chunk, 1)
    of_windows = {"stride": stride, "n_samples": samples, "replacement": replacement}
    given = {name: value for name, value in of_windows.items() if value is not None}
    if window is None and given:
        named = {"n_samples": "samples"}
        words = ", ".join(f"--{named.get(name, name)}" for name in given)
        raise ParameterError(f"{words} belongs to windows; say how wide they are with --window.")
    wanted = parse_targets(target)
    sequences.check(several_passes=True)
    check_out(out)
    options.start()
    choices: dict[str, Any] = {
        "start": start,
        "end": end,
        "level": level.value,
        "random_state": seed,
        "batch_size": batch,
        "evaluation": evaluation.value,
    }
    if window is not None:
        choices |= {"window": window, **{name: getattr(v, "value", v) for name, v in given.items()}}
    chosen = choose_method("in_silico_mutagenesis" if window is None else "window_mutagenesis", (), {})
    opened = [options.load(path) for path in (model, *(ensemble or ()))]
    explain_to_store(
        context, out, opened, sequences, wanted, chosen, choices, chunk=chunk, overwrite=overwrite, quiet=run.quiet
    )
