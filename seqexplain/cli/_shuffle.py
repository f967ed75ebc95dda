"""`seqexplain shuffle`: sequences with the same composition and no motifs, to compare with."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqexplain.cli._failures import be_quiet
from seqexplain.cli._options import AllowIncomplete, Overwrite, check_range
from seqexplain.cli._score import blocks_of
from seqexplain.cli._table import STDOUT, check_table, open_text

if TYPE_CHECKING:
    from seqexplain.sequences import SequenceRecord


class Kind(StrEnum):
    """What a shuffle keeps."""

    DINUCLEOTIDE = "dinucleotide"
    MONONUCLEOTIDE = "mononucleotide"


def shuffle(
    sequences: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="FASTA, plain or compressed, or - (standard input); or the sequences of what `seqexplain explain` "
            "wrote (STORE.zarr).",
        ),
    ],
    out: Annotated[
        str,
        typer.Option("-o", "--out", metavar="FILE.fa", help="FASTA to write (.gz too); - for standard output."),
    ],
    count: Annotated[int, typer.Option("-n", "--count", help="Shuffles of each sequence.")] = 1,
    kind: Annotated[
        Kind,
        typer.Option(
            help="dinucleotide: how often each base follows each other one stays; mononucleotide: only how "
            "often each base occurs."
        ),
    ] = Kind.DINUCLEOTIDE,
    seed: Annotated[int, typer.Option(help="A sequence's shuffles follow from it and from its own bases.")] = 0,
    allow_incomplete: AllowIncomplete = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Shuffle sequences, so that there are contributions to compare with: `seqexplain motifs --background`.

    All sequences with the same counts come out with the same chance. Unknown bases stay where they are, and the bases
    between them are shuffled. Names get _shuffle1, _shuffle2, … at their ends.
    """  # fmt: skip
    check_range("-n", count, 1)
    check_range("--seed", seed, 0, 2**64 - 1)
    check_table(out, overwrite=overwrite)
    if quiet:
        be_quiet()
    from seqexplain.errors import ShuffleWarning

    total = unchanged = 0
    records = _records(sequences, allow_incomplete=allow_incomplete)
    with open_text(out, overwrite=overwrite) as text:
        for block in blocks_of(records):
            shuffled = _shuffles(block, count, kind.value, seed)
            for record, (itself, shuffles) in zip(block, shuffled, strict=True):
                for k, bases in enumerate(shuffles, 1):
                    text.write(f">{record.name}_shuffle{k}\n{bases}\n")
                    unchanged += bases == itself
                    total += 1
    if unchanged:
        warnings.warn(
            f"{unchanged} of {total} shuffles are the sequence itself, which is too simple or too short for another.",
            ShuffleWarning,
            stacklevel=2,
        )
    if not quiet and out != STDOUT:
        sys.stdout.write(f"{total:,} shuffled sequences: {out}\n")


def _records(text: str, *, allow_incomplete: bool) -> Iterator[SequenceRecord]:
    from seqexplain.sequences import SequenceRecord, decode, read_fasta
    from seqexplain.storage import ResultStore, peek

    if text == STDOUT or peek(text) is None:
        yield from read_fasta(text)
        return
    for block in ResultStore(Path(text), allow_incomplete=allow_incomplete):
        lengths = [block.X.shape[1]] * len(block) if block.lengths is None else block.lengths.tolist()
        for name, bases, length in zip(block.names, decode(block.X), lengths, strict=True):
            yield SequenceRecord(name, bases[:length])


def _shuffles(records: list[SequenceRecord], count: int, kind: str, seed: int) -> Iterator[tuple[str, list[str]]]:
    """Yield of each sequence, in order, how it is written (N for all that is no base), and its shuffles."""
    from seqexplain.sequences import codes_to_one_hot, decode
    from seqexplain.sequences.encoding import stack_codes
    from seqexplain.sequences.shuffle import draw_shuffles

    for _, group in groupby(records, key=len):
        codes = stack_codes([record.sequence for record in group])
        for itself, shuffles in zip(
            decode(codes_to_one_hot(codes)), draw_shuffles(codes, count, seed, kind), strict=True
        ):
            yield itself, decode(shuffles)
