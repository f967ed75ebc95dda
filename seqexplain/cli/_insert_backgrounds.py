"""The backgrounds that `seqexplain insert` puts motifs into: the sequences given, shuffles of them, or random ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from seqexplain.cli._options import check_range
from seqexplain.cli._sequences import SequenceOptions
from seqexplain.errors import ParameterError, SequenceError

if TYPE_CHECKING:
    from seqexplain.models import SequenceModel
    from seqexplain.results import Array

PANEL = "The backgrounds"
MAX_ORDER = 8
SHUFFLES, RANDOM = 10, 100  # how many are made by default: of each sequence, and in all


class Kind(StrEnum):
    """What motifs are put into."""

    GIVEN = "given"
    DINUCLEOTIDE = "dinucleotide"
    MONONUCLEOTIDE = "mononucleotide"
    MARKOV = "markov"
    RANDOM = "random"


@dataclass(frozen=True)
class BackgroundOptions:
    """How backgrounds are made."""

    backgrounds: Annotated[
        Kind,
        typer.Option(
            help="The sequences as given, shuffles of each, sequences drawn from a Markov chain fitted to them, "
            "or random bases, for which no sequences are needed.",
            rich_help_panel=PANEL,
        ),
    ] = Kind.GIVEN
    count: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--count",
            help=f"Shuffles of each sequence (default {SHUFFLES}), or drawn sequences in all (default {RANDOM}).",
            rich_help_panel=PANEL,
        ),
    ] = None
    order: Annotated[
        int, typer.Option(help="Of the Markov chain: how many bases the next depends on.", rich_help_panel=PANEL)
    ] = 1
    composition: Annotated[
        str | None,
        typer.Option(metavar="A,C,G,T", help="Of random bases; default: 0.25,0.25,0.25,0.25.", rich_help_panel=PANEL),
    ] = None
    length: Annotated[
        int | None,
        typer.Option(help="Of drawn sequences, where the model takes any length, in bp.", rich_help_panel=PANEL),
    ] = None

    def check(self, sequences: SequenceOptions) -> None:
        """Raise early where options do not go together, or files cannot be read.

        Raises
        ------
        SeqExplainError
            As the options have it.
        """
        check_range("-n", self.count, 1)
        check_range("--order", self.order, 0, MAX_ORDER)
        check_range("--length", self.length, 1)
        drawn = self.backgrounds in (Kind.MARKOV, Kind.RANDOM)
        if self.count is not None and self.backgrounds is Kind.GIVEN:
            raise ParameterError("-n is for backgrounds that are made; add --backgrounds dinucleotide, for instance.")
        if self.composition is not None and self.backgrounds is not Kind.RANDOM:
            raise ParameterError("--composition is for --backgrounds random; the others take it from the sequences.")
        if self.length is not None and not drawn:
            raise ParameterError("--length is for --backgrounds random and markov; sequences have their own.")
        if self.backgrounds is not Kind.RANDOM:
            sequences.check(several_passes=False)
        elif sequences.sequences is not None or sequences.bed is not None:
            raise ParameterError(
                "--backgrounds random needs no sequences; leave them out, or use --backgrounds markov."
            )
        self._composition()

    def make(self, sequences: SequenceOptions, model: SequenceModel, seed: int) -> tuple[tuple[str, ...], Array]:
        """Return names (none for drawn sequences) and backgrounds `(n, L, 4)`.

        Raises
        ------
        SeqExplainError
            When sequences cannot be read, or there are none.
        """
        from seqexplain.perturbation import make_backgrounds
        from seqexplain.sequences import one_hot

        kind = self.backgrounds
        if kind is Kind.RANDOM:
            length = model.length or self.length
            if length is None:
                raise ParameterError(f"The model {model.name!r} takes any length; give --length in bp.")
            self._refuse_length(model)
            return (), make_backgrounds(
                n=self.count or RANDOM, kind="random", length=length, composition=self._composition(), random_state=seed
            )
        records = list(sequences.records(model))
        if not records:
            raise SequenceError(f"{sequences.label} holds no sequence that can be scored; give at least one.")
        names = tuple(record.name for record in records)
        X = one_hot([record.sequence for record in records])
        if kind is Kind.GIVEN:
            return names, X
        if kind is Kind.MARKOV:
            self._refuse_length(model)
            return (), make_backgrounds(
                X, self.count or RANDOM, kind="markov", order=self.order, length=self.length, random_state=seed
            )
        n = self.count or SHUFFLES
        return tuple(name for name in names for _ in range(n)), make_backgrounds(
            X, n, kind=kind.value, random_state=seed
        )

    def describe(self, sequences: SequenceOptions) -> str:
        """Say what the backgrounds are."""
        shares = ", ".join(f"{base} {share:g}" for base, share in zip("ACGT", self._composition(), strict=True))
        return {
            Kind.GIVEN: f"{sequences.label}",
            Kind.DINUCLEOTIDE: f"dinucleotide shuffles of {sequences.label}",
            Kind.MONONUCLEOTIDE: f"shuffles of {sequences.label}",
            Kind.MARKOV: f"a Markov chain of order {self.order} fitted to {sequences.label}",
            Kind.RANDOM: f"random bases, {shares}",
        }[self.backgrounds]

    def _refuse_length(self, model: SequenceModel) -> None:
        if model.length is not None and self.length not in (None, model.length):
            raise ParameterError(f"--length is {self.length}; the model {model.name!r} reads {model.length} bp.")

    def _composition(self) -> Sequence[float]:
        if self.composition is None:
            return (0.25, 0.25, 0.25, 0.25)
        try:
            shares = [float(part) for part in self.composition.split(",")]
        except ValueError:
            shares = []
        if len(shares) != 4 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-3:
            raise ParameterError(
                f"--composition {self.composition!r} is not understood; write four shares that sum to 1, as in "
                "0.3,0.2,0.2,0.3."
            )
        return shares
