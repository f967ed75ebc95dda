"""`seqexplain sis`: which few bases alone make the model say that, for a whole file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqexplain.cli._extra import rows_for
from seqexplain.cli._methods import Chosen
from seqexplain.cli._options import (
    Level,
    ModelOptions,
    ModelPath,
    Overwrite,
    RunOptions,
    check_range,
)
from seqexplain.cli._score import blocks_of
from seqexplain.cli._sequences import SequenceOptions
from seqexplain.cli._storing import Chunk, LevelChoice, StorePath, Targets, check_out, explain_to_store
from seqexplain.cli._targets import parse_targets, targets_of
from seqexplain.errors import ParameterError

if TYPE_CHECKING:
    from seqexplain.models import SequenceModel
    from seqexplain.results import Array

SUBSET_PANEL = "What a subset is"
NAMED_MASKING = ("mean", "zeros", "background")


class Search(StrEnum):
    """How subsets are searched for."""

    EXACT = "exact"
    GRADIENT = "gradient"


def sis(
    context: typer.Context,
    model: ModelPath,
    sequences: SequenceOptions,
    options: ModelOptions,
    run: RunOptions,
    out: StorePath,
    threshold: Annotated[
        list[str],
        typer.Option(
            metavar="VALUE",
            help="What a subset alone has to reach: a number in the target's unit (logits, by default), or a quantile "
            "of the predictions (90%). Repeat it to give each target its own.",
            rich_help_panel=SUBSET_PANEL,
        ),
    ],
    target: Targets = None,
    level: LevelChoice = Level.LOGIT,
    threshold_of: Annotated[
        Path | None,
        typer.Option(
            metavar="FASTA",
            help="Sequences whose predictions a quantile is of. Default: those explained.",
            rich_help_panel=SUBSET_PANEL,
        ),
    ] = None,
    negative: Annotated[
        bool,
        typer.Option(
            "--negative", help="Explain why the value is at or below the threshold.", rich_help_panel=SUBSET_PANEL
        ),
    ] = False,
    masking: Annotated[
        str,
        typer.Option(
            help="What stands for a masked base: mean (0.25 each), zeros, background (base frequencies of the input), "
            "or four numbers for A,C,G,T.",
            rich_help_panel=SUBSET_PANEL,
        ),
    ] = "mean",
    max_subsets: Annotated[
        int | None, typer.Option(help="As many of a sequence at most. Default: all.", rich_help_panel=SUBSET_PANEL)
    ] = None,
    method: Annotated[
        Search,
        typer.Option(
            help="exact: every masking is evaluated, L²/2 evaluations a subset; gradient: estimated, for long "
            "sequences.",
            rich_help_panel=SUBSET_PANEL,
        ),
    ] = Search.EXACT,
    per_step: Annotated[
        int | None,
        typer.Option(
            metavar="BP", help="Bases masked in a step of gradient. Default: 1.", rich_help_panel=SUBSET_PANEL
        ),
    ] = None,
    no_refine: Annotated[
        bool,
        typer.Option(
            "--no-refine",
            help="Leave the subsets of gradient as they are; they are made smaller, exactly, otherwise.",
            rich_help_panel=SUBSET_PANEL,
        ),
    ] = False,
    chunk: Chunk = None,
    overwrite: Overwrite = False,
) -> None:
    """Find sufficient input subsets: the few bases that alone make the model reach a threshold, into a result store.

    Killed at any moment, the same command goes on where it stopped. seqexplain export --format subsets (or blocks) and
    logo read the store.
    """
    from seqexplain.perturbation._threshold import resolve_thresholds

    batch = run.batch()
    check_range("--max-subsets", max_subsets, 1)
    check_range("--per-step", per_step, 1)
    check_range("--chunk", chunk, 1)
    if method is Search.EXACT and (per_step is not None or no_refine):
        given = "--per-step" if per_step is not None else "--no-refine"
        raise ParameterError(f"{given} belongs to --method gradient; the exact method masks one base a step.")
    blank = _masking(masking)
    wanted = parse_targets(target)
    asked: Any = threshold[0] if len(threshold) == 1 else threshold
    n_targets = max(1, len(wanted))
    resolve_thresholds(asked, n_targets, lambda: _zeros(n_targets))  # what cannot be read is said at once
    sequences.check(several_passes=True)
    among = (
        sequences if threshold_of is None else replace(sequences, sequences=str(threshold_of), bed=None, genome=None)
    )
    among.check(several_passes=True)
    check_out(out)
    options.start()
    opened = options.load(model)
    choices: dict[str, Any] = {
        "level": level.value,
        "batch_size": batch,
        "negative": negative,
        "max_subsets": max_subsets,
        "method": method.value,
        "per_step": per_step or 1,
        "refine": not no_refine,
    }
    chosen = targets_of(opened, wanted)
    choices["threshold"] = resolve_thresholds(
        asked, n_targets, lambda: _predictions(opened, among, chosen, level.value, batch), negative=negative
    )
    choices["masking"] = _frequencies(opened, sequences) if blank == "background" else blank
    explain_to_store(
        context, out, [opened], sequences, wanted, Chosen(_entry(), {}), choices,
        chunk=chunk, overwrite=overwrite, quiet=run.quiet,
    )  # fmt: skip


def _entry() -> Any:
    from seqexplain.pipeline._catalogue import EDITS, MethodEntry

    return MethodEntry(
        "sufficient_input_subsets",
        "_sis_job",
        "SisJob",
        "SisOptions",
        "the few bases that alone reach a threshold",
        EDITS,
    )


def _masking(text: str) -> str | list[float]:
    if text in NAMED_MASKING:
        return text
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != len("ACGT"):
        raise ParameterError(f"--masking is {text!r}; expected {', '.join(NAMED_MASKING)}, or four numbers (A,C,G,T).")
    return numbers


def _zeros(n_targets: int) -> Array:
    import numpy as np

    return np.zeros((1, n_targets))


def _predictions(model: SequenceModel, sequences: SequenceOptions, target: Any, level: str, batch: int | str) -> Array:
    """Return what the model says of all sequences, `(n, targets)`, some sequences in memory at a time."""
    import numpy as np

    found = []
    for block in blocks_of(sequences.records(model)):
        found.append(
            model.predict(
                [record.sequence for record in block],
                target=target if isinstance(target, list) else [target],
                level=level,
                batch_size=batch,
                extra_inputs=rows_for(model, [record.name for record in block]),
            )
        )
    return np.concatenate(found) if found else np.zeros((0, 1))


def _frequencies(model: SequenceModel, sequences: SequenceOptions) -> Sequence[float]:
    """Return the base frequencies of all sequences."""
    import numpy as np

    from seqexplain.perturbation._masking import base_frequencies
    from seqexplain.sequences import one_hot

    counts = np.zeros((1, 4))
    for record in sequences.records(model):
        counts += one_hot([record.sequence]).sum(axis=(0, 1))
    return [float(share) for share in base_frequencies(counts[None])]
