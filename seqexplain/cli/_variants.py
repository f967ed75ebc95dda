"""`seqexplain variants`: what each variant of a VCF or a table changes, as a table, an annotated VCF and maps."""

from __future__ import annotations

import shlex
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqexplain.cli._ism import Evaluation
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
from seqexplain.cli._table import check_table, open_table
from seqexplain.cli._targets import HELP, TargetText, parse_targets, targets_of
from seqexplain.cli._variant_maps import MapOptions
from seqexplain.errors import ParameterError, SequenceWarning

if TYPE_CHECKING:
    from seqexplain.perturbation import VariantEffects, VariantScorer
    from seqexplain.pipeline import VariantRun
    from seqexplain.sequences import Variant

STRONGEST = 3  # alleles that the summary names
_NAMED = 4  # reasons that it spells out
STDIN = "-"


class Keep(StrEnum):
    """What stays in its place where an allele has another length."""

    LEFT = "left"
    RIGHT = "right"
    CENTER = "center"


class WindowEdges(StrEnum):
    """What happens to a variant whose window runs off its chromosome."""

    PAD = "pad"
    SKIP = "skip"


@dataclass(frozen=True)
class WindowOptions:
    """How windows are cut."""

    length: Annotated[
        int | None,
        typer.Option(help="Of the windows in bp; only for models of any length.", rich_help_panel=TARGET_PANEL),
    ] = None
    keep: Annotated[
        Keep,
        typer.Option(
            help="What of the window stays in its place where an allele has another length: all on its left, on its "
            "right, or the center.",
            rich_help_panel=TARGET_PANEL,
        ),
    ] = Keep.LEFT
    edges: Annotated[
        WindowEdges,
        typer.Option(
            help="Windows that run off a chromosome: filled with N, or not scored.", rich_help_panel=TARGET_PANEL
        ),
    ] = WindowEdges.PAD
    max_unknown: Annotated[
        int | None,
        typer.Option(help="Most unknown bases of a window that is scored.", rich_help_panel=TARGET_PANEL),
    ] = None

    def choices(self) -> dict[str, Any]:
        """Return them as `VariantOptions` takes them; raises where a number is out of range."""
        check_range("--length", self.length, 1)
        check_range("--max-unknown", self.max_unknown, 0)
        return {
            "length": self.length,
            "keep": self.keep.value,
            "edges": self.edges.value,
            "max_unknown": self.max_unknown,
        }


@dataclass(frozen=True)
class Outputs:
    """Where results go."""

    table: Path
    vcf: Path | None
    prefix: str
    overwrite: bool
    command: str

    def check(self, source: Path) -> None:
        """Refuse early what could not be written after hours."""
        from seqexplain.perturbation._annotate_vcf import check_prefix

        check_table(str(self.table), overwrite=self.overwrite)
        if self.vcf is not None:
            if self.vcf.expanduser().absolute() == source.expanduser().absolute():
                raise ParameterError(f"--vcf is {self.vcf}, the file that is read; give another name.")
            check_table(str(self.vcf), overwrite=self.overwrite)
            check_prefix(source, self.prefix)


def variants(
    context: typer.Context,
    model: ModelPath,
    variants: Annotated[
        Path,
        typer.Argument(
            metavar="VARIANTS",
            help="VCF, plain or compressed, or a table with columns chromosome, ref, alt and start (counts from 0) or "
            "pos (counts from 1).",
        ),
    ],
    genome: Annotated[Path, typer.Argument(metavar="GENOME.fa", help="FASTA of the genome, plain or bgzip.")],
    options: ModelOptions,
    run: RunOptions,
    windows: WindowOptions,
    maps: MapOptions,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="TABLE.tsv", help="A line an allele; .gz compresses.")],
    vcf: Annotated[
        Path | None,
        typer.Option(metavar="OUT.vcf", help="Also the VCF once more, with the effects in INFO; .gz for bgzip."),
    ] = None,
    prefix: Annotated[str, typer.Option(help="Of the keys in INFO.", rich_help_panel=RUN_PANEL)] = "SEQX",
    target: Annotated[list[str] | None, typer.Option(metavar="TARGET", help=HELP, rich_help_panel=TARGET_PANEL)] = None,
    level: Annotated[
        Level,
        typer.Option(
            help="Of the alleles' values and their difference; fold changes are of outputs and logit differences of "
            "logits, whatever this is.",
            rich_help_panel=TARGET_PANEL,
        ),
    ] = Level.OUTPUT,
    evaluation: Annotated[
        Evaluation,
        typer.Option(
            help="Score windows whole (auto, full), or compute what a substitution changes: faster where several "
            "alleles share a window.",
            rich_help_panel=RUN_PANEL,
        ),
    ] = Evaluation.AUTO,
    overwrite: Overwrite = False,
) -> None:
    """Score variants: what the model says with either allele in its place on the genome, and the difference.

    Every allele has its line in the table; one that cannot be scored (its reference allele is not the genome's, it has
    no bases, …) has the reason there. Killed at any moment, the same command goes on where it stopped.
    """
    batch = run.batch()
    wanted = parse_targets(target)
    choices = {
        **windows.choices(),
        "level": level.value,
        "average_strands": options.average_strands,
        "evaluation": evaluation.value,
    }
    maps.check()
    if STDIN in (str(variants), str(out)):
        raise ParameterError("Variants are read several times and their table is made at the end; give files, not -.")
    outputs = Outputs(out, vcf, prefix, overwrite, shlex.join(["seqexplain", *(context.obj or ())]))
    outputs.check(variants)
    options.start()
    try:
        _variants(model, variants, genome, options, maps, outputs, wanted, choices, batch, quiet=run.quiet)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"run the same command again to go on with {out}.") from None


def _variants(
    path: Path,
    variants: Path,
    genome: Path,
    options: ModelOptions,
    maps: MapOptions,
    outputs: Outputs,
    wanted: list[TargetText],
    choices: dict[str, Any],
    batch: int | str,
    *,
    quiet: bool,
) -> None:
    from seqexplain.perturbation import VariantOptions, VariantScorer
    from seqexplain.pipeline import VariantRun, survey_variants
    from seqexplain.sequences import Genome
    from seqexplain.storage import writer_lock

    target_path = outputs.table.expanduser().absolute()
    chosen = maps.choose() if maps.contributions is not None else None
    # values are averaged over strands one by one, which a model with a profile beside them cannot do
    model = replace(options, average_strands=False).load(path)
    target = targets_of(model, wanted)
    with ExitStack() as stack:
        stack.enter_context(writer_lock(target_path))
        opened = stack.enter_context(Genome(genome))
        job = VariantRun(survey_variants(variants), target_path)
        if batch == "auto" and job.stored is not None and not outputs.overwrite:
            batch = job.stored["parameters"]["batch"]  # free memory may be another today
        scorer = VariantScorer(
            model, opened, VariantOptions(target=target, batch_size=batch, **choices), job.found.alleles
        )
        prepared = None
        if chosen is not None:
            explained = options.load(path) if options.average_strands else model
            prepared = maps.prepare(explained, chosen, target, batch, scorer.length)
        job.score(scorer, overwrite=outputs.overwrite, progress=not quiet)
        advice = scorer.cutter.advice()
        if advice:
            warnings.warn(advice, SequenceWarning, stacklevel=2)
        if prepared is not None:
            prepared.store(job, scorer, overwrite=outputs.overwrite, progress=not quiet, command=outputs.command)
        tally = _write(job, scorer, variants, outputs)
        job.discard()
    if not quiet:
        sys.stdout.write("\n".join(tally.lines(job.found.lines, outputs, maps.contributions)) + "\n")


def _write(job: VariantRun, scorer: VariantScorer, source: Path, outputs: Outputs) -> Tally:
    """Write table and VCF; both appear whole, one after the other."""
    from seqexplain.perturbation._annotate_vcf import written_vcf
    from seqexplain.perturbation._variant_results import columns_of

    tally = Tally()
    with ExitStack() as stack:
        write = stack.enter_context(open_table(str(outputs.table), overwrite=outputs.overwrite))
        annotator = None
        if outputs.vcf is not None:
            annotator = stack.enter_context(
                written_vcf(
                    source, outputs.vcf, prefix=outputs.prefix, command=outputs.command, overwrite=outputs.overwrite
                )
            )
        write(columns_of(scorer.targets))
        for part in tally.counted(job.parts(scorer)):
            for row in part.rows():
                write(row)
            if annotator is not None:
                annotator.add(part)
    return tally


@dataclass
class Tally:
    """What became of all alleles, and which of them change most."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[str, str]] = field(default_factory=dict)
    strongest: list[tuple[float, Variant]] = field(default_factory=list)
    target: str = ""

    def counted(self, parts: Iterator[VariantEffects]) -> Iterator[VariantEffects]:
        """Yield parts on, and count what is in them."""
        import numpy as np

        for part in parts:
            self.target = part.targets[0]
            self.counts.update(part.counts)
            for variant, status, reason in zip(part.variants, part.status, part.reasons, strict=True):
                self.examples.setdefault(status.value, (f"line {variant.line}", reason))
            sizes = np.abs(part.difference[:, 0])
            top = [i for i in np.argsort(-sizes, kind="stable")[:STRONGEST] if np.isfinite(sizes[i])]
            found = [(float(part.difference[i, 0]), part.variants[i]) for i in top]
            self.strongest = sorted([*self.strongest, *found], key=lambda one: -abs(one[0]))[:STRONGEST]
            yield part

    def lines(self, lines: int, outputs: Outputs, store: Path | None) -> list[str]:
        """Return the summary as lines for people."""
        total, scored = self.counts.total(), self.counts["scored"]
        said = [f"{outputs.table}: {total} alleles of {lines} lines, {scored} scored"]
        refused = [(status, count) for status, count in self.counts.most_common() if status != "scored"]
        for status, count in refused[:_NAMED]:
            where, reason = self.examples[status]
            said.append(f"not scored, {status}: {count} (first: {where}, {reason.rstrip('.')})")
        if len(refused) > _NAMED:
            rest = ", ".join(f"{status} {count}" for status, count in refused[_NAMED:])
            said.append(f"not scored, others: {rest}")
        if self.strongest:
            named = ", ".join(f"{one.id or one.name} ({change:+.3g})" for change, one in self.strongest)
            said.append(f"largest differences of {self.target}: {named}")
        if outputs.vcf is not None:
            said.append(f"{outputs.vcf}: all lines of the input, with the effects in INFO ({outputs.prefix}_…)")
        if store is not None:
            first = self.strongest[0][1].name if self.strongest else "NAME"
            said.append(f"{store}: contributions of both alleles' windows, named {first}|ref and {first}|alt, …")
        return said
