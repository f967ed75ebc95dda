"""The sequences that a subcommand reads: a FASTA file, or regions of a genome."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqexplain.cli._extra import refuse_missing_rows
from seqexplain.errors import ParameterError

if TYPE_CHECKING:
    from seqexplain.models import SequenceModel
    from seqexplain.sequences import SequenceRecord

PANEL = "The sequences"
STDIN = "-"


class Fit(StrEnum):
    """What happens to a sequence whose length is not the model's."""

    ERROR = "error"
    CROP = "crop"
    PAD = "pad"
    CROP_OR_PAD = "crop-or-pad"


class Edges(StrEnum):
    """What happens to a window that runs off its chromosome."""

    ERROR = "error"
    PAD = "pad"
    SKIP = "skip"


class Centre(StrEnum):
    """What a window is centred on."""

    AUTO = "auto"
    SUMMIT = "summit"
    MIDDLE = "middle"


@dataclass(frozen=True)
class SequenceOptions:
    """Where sequences come from and how they are brought to the model's length."""

    sequences: Annotated[
        str | None,
        typer.Argument(metavar="INPUT.fa", help="FASTA, plain or compressed; score also reads - (standard input)."),
    ] = None
    bed: Annotated[
        Path | None,
        typer.Option(
            help="Regions instead of FASTA: BED or narrowPeak. Windows have the model's length, around the summit or "
            "the middle.",
            rich_help_panel=PANEL,
        ),
    ] = None
    genome: Annotated[
        Path | None, typer.Option(help="FASTA of the genome that --bed refers to.", rich_help_panel=PANEL)
    ] = None
    fit: Annotated[
        Fit,
        typer.Option(
            help="Sequences of another length than the model's: cropped or padded with N, centred.",
            rich_help_panel=PANEL,
        ),
    ] = Fit.ERROR
    edges: Annotated[
        Edges, typer.Option(help="Windows that run off a chromosome, with --bed.", rich_help_panel=PANEL)
    ] = Edges.ERROR
    centre: Annotated[Centre, typer.Option(help="What windows are centred on, with --bed.", rich_help_panel=PANEL)] = (
        Centre.AUTO
    )
    skip_empty: Annotated[
        bool, typer.Option("--skip-empty", help="Leave out records without bases.", rich_help_panel=PANEL)
    ] = False

    def check(self, *, several_passes: bool) -> None:
        """Raise early, before a model is loaded, where the files cannot be read.

        Parameters
        ----------
        several_passes
            Whether the input is read more than once, which standard input cannot be.

        Raises
        ------
        SeqExplainError
            When there is no input, or too much, or a file does not exist.
        """
        from seqexplain.sequences import read_bed, read_fasta

        if (self.sequences is None) == (self.bed is None):
            wrong = "Both INPUT and --bed are given" if self.bed else "No sequences are given"
            raise ParameterError(f"{wrong}; give a FASTA file, or --bed REGIONS.bed --genome GENOME.fa.")
        if (self.genome is None) != (self.bed is None):
            lacking = "--genome GENOME.fa" if self.bed else "--bed REGIONS.bed"
            raise ParameterError(f"--bed and --genome belong together; give {lacking} too.")
        if several_passes and STDIN in (self.sequences, str(self.bed)):
            raise ParameterError(
                "Standard input can be read once only, and explaining reads its input twice; save it to a file first."
            )
        # both look at their files when they are called, before the first record
        if self.bed is not None and self.genome is not None:
            read_bed(self.bed, self.genome)
        elif self.sequences is not None:
            read_fasta(self.sequences)

    @property
    def label(self) -> str:
        """What to call the input in messages."""
        if self.bed is not None:
            return str(self.bed)
        return "standard input" if self.sequences == STDIN else str(self.sequences)

    @property
    def files(self) -> tuple[Path, ...]:
        """Files whose digests identify the input; of a genome the content that was read is what counts."""
        return tuple(Path(f) for f in (self.sequences, self.bed) if f is not None and str(f) != STDIN)

    def records(self, model: SequenceModel) -> Iterator[SequenceRecord]:
        """Yield the sequences, each of the model's length where it has one.

        Raises
        ------
        SeqExplainError
            At the first record that cannot be used.
        """
        from seqexplain.sequences import fit_length, read_bed, read_fasta

        if self.bed is not None and self.genome is not None:
            found = read_bed(
                self.bed, self.genome, length=model.length, centre=self.centre.value, edges=self.edges.value
            )
        else:
            found = read_fasta(str(self.sequences), empty="skip" if self.skip_empty else "error")
        for record in found:
            refuse_missing_rows(model, record)
            yield record if model.length is None else fit_length(record, model.length, policy=self.fit.value)
