"""`seqexplain`: the subcommands, put together. Nothing heavy is imported before a subcommand runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from seqexplain.cli._demo import demo
from seqexplain.cli._explain import explain
from seqexplain.cli._export import export
from seqexplain.cli._failures import guarded
from seqexplain.cli._hits import hits
from seqexplain.cli._info import info
from seqexplain.cli._insert import insert
from seqexplain.cli._ism import ism
from seqexplain.cli._logo import logo
from seqexplain.cli._methods import methods
from seqexplain.cli._motifs import motifs
from seqexplain.cli._options import command_of
from seqexplain.cli._report import report
from seqexplain.cli._score import score
from seqexplain.cli._shuffle import shuffle
from seqexplain.cli._sis import sis
from seqexplain.cli._sis_clusters import sis_clusters
from seqexplain.cli._variants import variants

app = typer.Typer(
    name="seqexplain",
    add_completion=False,
    pretty_exceptions_enable=False,  # failures are one line, see _failures
    rich_markup_mode="rich",
    epilog="Each subcommand has its own --help. Start with: seqexplain demo",
)
_COMMANDS = (
    info, methods, score, explain, ism, sis, variants, insert, sis_clusters, motifs, hits, report, logo, export,
    shuffle, demo,
)  # fmt: skip
for _function in _COMMANDS:
    app.command(_function.__name__.replace("_", "-"))(command_of(_function))


@app.callback()
def _seqexplain(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    """Why did the model say that? Per-base contributions, logos and motifs for Keras models of DNA."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        What stands after the program's name; by default what the process was given.

    Returns
    -------
    int
        The exit status: 0, or 2 after a mistake of the user's, 1 after one of ours, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if "--version" in words[:1]:
        from seqexplain import __version__

        sys.stdout.write(f"seqexplain {__version__}\n")
        return 0
    command = typer.main.get_command(app)

    def run() -> None:
        with command.make_context("seqexplain", words or ["--help"], obj=tuple(words)) as context:
            command.invoke(context)

    return guarded(run)
