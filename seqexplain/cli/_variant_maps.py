"""`--contributions` of `seqexplain variants`: contribution maps of both alleles, into a store that can be resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqexplain.cli import _references
from seqexplain.cli._methods import Chosen, choose_method
from seqexplain.cli._options import check_range
from seqexplain.errors import ParameterError

if TYPE_CHECKING:
    from seqexplain.models import SequenceModel
    from seqexplain.perturbation import VariantScorer
    from seqexplain.pipeline import Explainer, VariantRun

PANEL = "Contribution maps"


@dataclass(frozen=True)
class MapOptions:
    """Whether contribution maps are wanted, and by which method."""

    contributions: Annotated[
        Path | None,
        typer.Option(
            metavar="STORE.zarr",
            help="Also explain the windows of both alleles, NAME|ref and NAME|alt, into this result store.",
            rich_help_panel=PANEL,
        ),
    ] = None
    method: Annotated[str, typer.Option(help="The method; seqexplain methods lists them.", rich_help_panel=PANEL)] = (
        "deeplift"
    )
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="A parameter of the method (seqexplain methods). Repeatable.",
            rich_help_panel=PANEL,
        ),
    ] = None
    references: Annotated[str | None, typer.Option(help=_references.HELP, rich_help_panel=PANEL)] = None
    n_references: Annotated[
        int, typer.Option("-n", "--n-references", help="Shuffles a sequence.", rich_help_panel=PANEL)
    ] = 20
    seed: Annotated[int, typer.Option(help="Seed of the shuffles.", rich_help_panel=PANEL)] = 0

    def check(self) -> None:
        """Raise early, before Keras is imported."""
        from seqexplain.cli._storing import check_out

        check_range("-n", self.n_references, 1)
        check_range("--seed", self.seed, 0)
        if self.contributions is not None:
            check_out(self.contributions)

    def choose(self) -> Chosen:
        """Return the method; raises where it has not such parameters."""
        chosen = choose_method(self.method, self.option or (), {})
        if self.references is not None and not chosen.takes_references:
            raise ParameterError(f"--references is nothing for {chosen.entry.name}: it looks at the sequence alone.")
        return chosen

    def prepare(self, model: SequenceModel, chosen: Chosen, target: Any, batch: int | str, length: int) -> Maps:
        """Return what makes the maps, with everything checked that can be before variants are read."""
        if any(isinstance(value, Mapping) for value in model.extra_inputs.values()):
            raise ParameterError(
                "--contributions cannot go with a table of --extra, whose rows are by variant; give values for all."
            )
        choices: dict[str, Any] = {
            **chosen.parameters,
            "target": target,
            # of a SavedModel the logits are not known
            "level": "output" if model.black_box else "logit",
            "random_state": self.seed,
            "batch_size": batch,
        }
        if chosen.takes_references:
            named = self.references or str(chosen.entry.parameters()["references"])
            choices["references"] = _references.read_references(named, self.n_references, self.seed)
        maps = Maps(model, chosen, choices, Path(str(self.contributions)))
        maps.job(1, length)
        return maps


@dataclass(frozen=True)
class Maps:
    """A method with all choices made, and where its results go."""

    model: SequenceModel
    chosen: Chosen
    choices: Mapping[str, Any]
    out: Path

    def job(self, n: int, length: int) -> Explainer:
        """Return the job on `n` windows."""
        job, options = self.chosen.entry.classes()
        return job(self.model, length, n, options(**self.choices))

    def store(self, run: VariantRun, scorer: VariantScorer, *, overwrite: bool, progress: bool, command: str) -> int:
        """Explain the windows of all alleles that are scored, or go on with it; return how many windows there are."""
        from seqexplain.cli._storing import keep_batches
        from seqexplain.errors import SequenceError
        from seqexplain.pipeline import run as run_job
        from seqexplain.pipeline import survey

        source = run.windows(scorer)
        if next(source.records(), None) is None:
            raise SequenceError(f"No allele of {run.found.path} can be scored, so there is nothing to explain.")
        found = survey(source, length=scorer.length)
        job = self.job(found.n, found.length)
        if self.choices["batch_size"] == "auto" and not overwrite:
            keep_batches([job], self.out)
        run_job(
            job, source, self.out, length=scorer.length, progress=progress, overwrite=overwrite, command=command,
            found=found,
        )  # fmt: skip
        return found.n
