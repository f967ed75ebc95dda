"""`seqexplain score`: what the model says about each sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqexplain.cli._extra import rows_for
from seqexplain.cli._options import TARGET_PANEL, Level, ModelOptions, ModelPath, Overwrite, RunOptions
from seqexplain.cli._sequences import SequenceOptions
from seqexplain.cli._table import STDOUT, check_table, open_table
from seqexplain.cli._targets import HELP, parse_targets, targets_of
from seqexplain.errors import SequenceError, TargetError

if TYPE_CHECKING:
    from seqexplain.models import SequenceModel
    from seqexplain.results import Array
    from seqexplain.sequences import SequenceRecord

BLOCK_SEQUENCES = 4096  # held at a time, and
BLOCK_BASES = 16 << 20  # no more bases than this: 256 MiB as one-hot float32


def score(
    model: ModelPath,
    sequences: SequenceOptions,
    options: ModelOptions,
    run: RunOptions,
    out: Annotated[
        str,
        typer.Option("-o", "--out", metavar="TABLE.tsv", help="Where to write; - is standard output, .gz compresses."),
    ] = STDOUT,
    target: Annotated[list[str] | None, typer.Option(metavar="TARGET", help=HELP, rich_help_panel=TARGET_PANEL)] = None,
    level: Annotated[
        Level,
        typer.Option(
            help="The output itself, or the logit below a final sigmoid or softmax.", rich_help_panel=TARGET_PANEL
        ),
    ] = Level.OUTPUT,
    overwrite: Overwrite = False,
) -> None:
    """Score sequences: one line each, one column a unit of the model's heads.

    Coordinates (0-based, half-open) are written where the input has them: regions of --bed, or FASTA names such as
    chr1:100-200.
    """
    batch = run.batch()
    wanted = parse_targets(target)
    sequences.check(several_passes=False)
    check_table(out, overwrite=overwrite)
    opened = options.load(model)
    chosen = targets_of(opened, wanted)
    blocks = blocks_of(sequences.records(opened))
    block = next(blocks, [])
    if not block:
        raise SequenceError(f"{sequences.label} holds no sequence that can be scored; give at least one.")
    columns = column_names(opened, chosen, level.value, len(block[0].sequence))
    placed = any(record.interval for record in block)
    with open_table(out, overwrite=overwrite) as write:
        write(["name", *(["chromosome", "start", "end", "strand"] if placed else []), *columns])
        while block:
            values = scores_of(opened, block, chosen, level.value, batch)
            for record, row in zip(block, values, strict=True):
                write([record.name, *(place_of(record) if placed else []), *row])
            block = next(blocks, [])


def column_names(model: SequenceModel, target: Any, level: str, length: int) -> list[str]:
    """Return the names of the columns: `HEAD` or `HEAD:0`, `HEAD:1`, …; or the labels of chosen targets.

    Parameters
    ----------
    model
        The model.
    target
        As methods take it; None for all units of all heads.
    level
        `"logit"` or `"output"`.
    length
        Of the sequences in bp; heads along the sequence depend on it.

    Raises
    ------
    TargetError
        When a target does not exist, or a head has a value for each position and none is chosen.
    """
    if target is not None:
        return [t.label for t in model.targets(target, level=level, length=length)]
    names = []
    for head in model.heads_at(level):
        if len(head.shape) > 1 and any(n != 1 for n in head.shape):
            shape = "×".join("?" if n is None else str(n) for n in head.shape)
            others = [h.name for h in model.heads if len(h.shape) <= 1]
            also = f" Or leave it out with --target {others[0]}:0." if others else ""
            raise TargetError(
                f"Head {head.name!r} of {model.name} has shape {shape}: too many values for the columns of a table. "
                f"Choose some, as in --target {head.name}:{','.join('0' for _ in head.shape)}.{also}"
            )
        units = head.shape[0] if head.shape else 1
        names += [head.name] if units == 1 else [f"{head.name}:{i}" for i in range(units or 0)]
    return names


def blocks_of(records: Iterator[SequenceRecord]) -> Iterator[list[SequenceRecord]]:
    """Yield records some at a time, so that memory does not grow with their number."""
    block: list[SequenceRecord] = []
    bases = 0
    for record in records:
        block.append(record)
        bases += len(record.sequence)
        if len(block) == BLOCK_SEQUENCES or bases >= BLOCK_BASES:
            yield block
            block, bases = [], 0
    if block:
        yield block


def scores_of(
    model: SequenceModel, records: Sequence[SequenceRecord], target: Any, level: str, batch: int | str
) -> Array:
    """Return the scores of a block, `(n, columns)` float32."""
    import numpy as np

    extra = rows_for(model, [record.name for record in records])
    found = model.predict(
        [record.sequence for record in records],
        target=target,
        level=level,
        batch_size=batch,
        extra_inputs=extra,
    )
    parts = list(found.values()) if isinstance(found, dict) else [found]
    return np.concatenate([part.reshape(len(records), -1) for part in parts], axis=1)


def place_of(record: SequenceRecord) -> list[object]:
    """Return chromosome, start, end and strand; empty where a sequence has none."""
    place = record.interval
    return [""] * 4 if place is None else [place.chromosome, place.start, place.end, place.strand]
