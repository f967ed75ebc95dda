"""Options that several subcommands share, declared once as groups, and how a group becomes options.

A subcommand takes a group as one argument, a frozen dataclass whose fields are typer options. `command_of`
unfolds the fields into the signature that typer reads, and folds the values together again for the call.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from seqexplain.cli._failures import be_quiet
from seqexplain.errors import ParameterError

if TYPE_CHECKING:
    from seqexplain.models import SequenceModel

MODEL_PANEL, TARGET_PANEL, RUN_PANEL = "The model, and how it reads DNA", "What is computed", "The run"

ModelPath = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL", help="A .keras or .h5 file, an architecture .json (with --weights), or a SavedModel folder."
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what stands at the output path.")]
AllowIncomplete = Annotated[
    bool, typer.Option("--allow-incomplete", help="The finished part of an interrupted job will do.")
]


class Unknown(StrEnum):
    """What a model was shown where a base is unknown."""

    ZEROS = "zeros"
    UNIFORM = "uniform"


class Level(StrEnum):
    """Where a model is read."""

    LOGIT = "logit"
    CENTERED_LOGIT = "centered_logit"
    OUTPUT = "output"


@dataclass(frozen=True)
class ModelOptions:
    """How a model is opened and how it reads DNA."""

    weights: Annotated[
        Path | None,
        typer.Option(help="Weights that go with an architecture.", rich_help_panel=MODEL_PANEL),
    ] = None
    backend: Annotated[
        str | None,
        typer.Option(
            help="Keras backend: tensorflow, jax or torch. Default: KERAS_BACKEND, or tensorflow.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = None
    allow_lambda: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Let the code of this Lambda layer run; only for files that you trust. Repeatable.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = None
    sequence_input: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The input that reads the sequence, where several could.", rich_help_panel=MODEL_PANEL
        ),
    ] = None
    layout: Annotated[
        str | None,
        typer.Option(
            help="Axes of one sequence: LC for (L, 4), CL for (4, L), LC1 for (L, 4, 1). Default: read off the model.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = None
    base_order: Annotated[
        str, typer.Option(help="Order of the model's base channels.", rich_help_panel=MODEL_PANEL)
    ] = "ACGT"
    unknown: Annotated[
        Unknown,
        typer.Option(help="What the model was shown for N: zeros, or 0.25 of each base.", rich_help_panel=MODEL_PANEL),
    ] = Unknown.ZEROS
    average_strands: Annotated[
        bool,
        typer.Option(
            "--average-strands",
            help="Average over the sequence and its reverse complement.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = False
    extra: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Another input of the model: numbers for all sequences (0.5 or 1,0,2), or a table FILE.tsv: sequence "
            "name in the first column, values in the others. Repeatable.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = None

    @classmethod
    def names(cls) -> set[str]:
        """Return the options of this group, `--weights` and so on."""
        return {f"--{field.name.replace('_', '-')}" for field in fields(cls)}

    def start(self) -> None:
        """Import Keras on the backend that was asked for, before anything else does."""
        from seqexplain.models.backend_choice import import_keras

        import_keras(self.backend)

    def load(self, path: Path) -> SequenceModel:
        """Open the model.

        Raises
        ------
        SeqExplainError
            When the model, a table of extra inputs, or an option cannot be used.
        """
        from seqexplain.cli._extra import fill_extra_inputs, split_extras
        from seqexplain.models import load_model

        extras = split_extras(self.extra or ())  # before Keras is imported, which takes seconds
        model = load_model(
            path,
            weights=self.weights,
            allow_lambda=tuple(self.allow_lambda or ()),
            backend=self.backend,
            sequence_input=self.sequence_input,
            layout=self.layout,
            base_order=self.base_order.upper(),
            unknown=self.unknown.value,
            average_strands=self.average_strands,
        )
        fill_extra_inputs(model, extras)
        return model


@dataclass(frozen=True)
class RunOptions:
    """How a computation runs."""

    batch_size: Annotated[
        str, typer.Option(help="Sequences at a time: a number, or auto to fit memory.", rich_help_panel=RUN_PANEL)
    ] = "auto"
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notes.", rich_help_panel=RUN_PANEL)] = (
        False
    )

    def batch(self) -> int | str:
        """Return the batch size as methods take it, and be quiet from now on if that was asked for.

        Raises
        ------
        ParameterError
            When it is neither a number nor `auto`.
        """
        if self.quiet:
            be_quiet()
        if self.batch_size == "auto":
            return "auto"
        if not self.batch_size.isdecimal() or int(self.batch_size) < 1:
            raise ParameterError(
                f"--batch-size is {self.batch_size!r}; expected a whole number of sequences from 1, or auto."
            )
        return int(self.batch_size)


def check_range(option: str, value: int | None, least: int, most: int | None = None) -> None:
    """Raise ParameterError where a number is out of range; None passes.

    typer could check this too, but its message does not say what was received.
    """
    if value is not None and (value < least or (most is not None and value > most)):
        wanted = f"from {least}" if most is None else f"from {least} to {most}"
        raise ParameterError(f"{option} is {value}; expected a whole number {wanted}.")


def options_given(context: typer.Context) -> set[str]:
    """Return the options that were typed, in their long form, whether or not their values are the defaults."""
    # by name: typer has a copy of click, or click itself
    typed = {
        parameter.name: max(parameter.opts, key=len)
        for parameter in context.command.params
        if getattr(context.get_parameter_source(str(parameter.name)), "name", "") == "COMMANDLINE"
    }
    return {option for option in typed.values() if option.startswith("--")}


def command_of(function: Callable[..., None]) -> Callable[..., None]:
    """Return a function with the groups of options unfolded, for typer.

    Parameters
    ----------
    function
        A subcommand. Parameters whose annotation is a dataclass are groups.
    """
    groups: dict[str, Any] = {}
    unfolded: list[inspect.Parameter] = []
    hints = get_type_hints(function, include_extras=True)
    for parameter in inspect.signature(function).parameters.values():
        hint = hints[parameter.name]
        if is_dataclass(hint):
            groups[parameter.name] = hint
            inner = get_type_hints(hint, include_extras=True)
            unfolded += [
                parameter.replace(name=f.name, kind=parameter.KEYWORD_ONLY, default=f.default, annotation=inner[f.name])
                for f in fields(hint)
            ]
        else:
            unfolded.append(parameter.replace(kind=parameter.KEYWORD_ONLY, annotation=hint))

    @functools.wraps(function)
    def call(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{f.name: values.pop(f.name) for f in fields(group)})
        function(**values)

    # typer reads both; the original's own must not be found behind it
    del call.__wrapped__
    call.__signature__ = inspect.Signature(unfolded)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in unfolded}
    return call
