"""`seqexplain explain`: which bases made the model say that, for a whole file, into a store that can be resumed."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from seqexplain.cli import _references
from seqexplain.cli._methods import choose_method
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
from seqexplain.cli._storing import Chunk, Ensemble, LevelChoice, StorePath, Targets, check_out, explain_to_store
from seqexplain.cli._targets import parse_targets
from seqexplain.errors import ParameterError


def explain(
    context: typer.Context,
    model: ModelPath,
    sequences: SequenceOptions,
    options: ModelOptions,
    run: RunOptions,
    out: StorePath,
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
    target: Targets = None,
    level: LevelChoice = Level.LOGIT,
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
    ensemble: Ensemble = None,
    seed: Annotated[int, typer.Option(help="Seed of the shuffles.", rich_help_panel=RUN_PANEL)] = 0,
    chunk: Chunk = None,
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
    check_out(out)
    options.start()
    chosen = choose_method(method, option or (), {"rule": rule, "max_pool": max_pool})
    if references is not None and not chosen.takes_references:
        raise ParameterError(f"--references is nothing for {chosen.entry.name}: it looks at the sequence alone.")
    choices: dict[str, Any] = {**chosen.parameters, "level": level.value, "random_state": seed, "batch_size": batch}
    if chosen.takes_references:
        named = references or str(chosen.entry.parameters()["references"])
        choices["references"] = _references.read_references(named, n_references, seed)
    opened = [options.load(path) for path in (model, *(ensemble or ()))]
    explain_to_store(
        context, out, opened, sequences, wanted, chosen, choices, chunk=chunk, overwrite=overwrite, quiet=run.quiet
    )
