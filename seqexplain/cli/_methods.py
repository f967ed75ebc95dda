"""`--method` and `--option`: which method, with which parameters; and `seqexplain methods`, which lists them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seqexplain.errors import ParameterError

if TYPE_CHECKING:
    from seqexplain.pipeline._catalogue import MethodEntry

# parameters that have an option of their own on the command line, or none
_OWN = frozenset(
    {
        "target", "level", "batch_size", "random_state", "extra_inputs", "references", "n_references",
        "batch_references", "batch_points", "rules",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """A method and the parameters of its own."""

    entry: MethodEntry
    parameters: Mapping[str, Any]

    @property
    def takes_references(self) -> bool:
        """Whether sequences are compared with references."""
        return "references" in self.entry.parameters()


def choose_method(name: str, options: Sequence[str], named: Mapping[str, Any]) -> Chosen:
    """Read `--method`, `--option` and the options that some methods have.

    Parameters
    ----------
    name
        Of the method.
    options
        `NAME=VALUE` each; the value as JSON, or else as text.
    named
        Values of options of their own, by parameter; None where not given.

    Raises
    ------
    ParameterError
        When there is no such method, or it has no such parameter.
    """
    from seqexplain.pipeline._catalogue import find_method

    entry = find_method(name.replace("-", "_"))
    own = [p for p in entry.parameters() if p not in _OWN]
    has = f"it has {', '.join(own)}" if own else "it has none of its own"
    given: dict[str, Any] = {}
    for parameter, value in named.items():
        if value is None:
            continue
        if parameter not in entry.parameters():
            raise ParameterError(f"--{parameter.replace('_', '-')} is nothing that {entry.name} has; {has}.")
        given[parameter] = value
    for text in options:
        key, equals, value = text.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or key not in own:
            raise ParameterError(f"--option {text!r}: {entry.name} has no parameter {key!r}; {has}. Write NAME=VALUE.")
        given[key] = _read(value.strip())
    return Chosen(entry, given)


def _read(text: str) -> Any:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return text
    return tuple(value) if isinstance(value, list) else value


def methods() -> None:
    """List the methods of `seqexplain explain`, with their parameters (--option NAME=VALUE)."""
    from rich.console import Console
    from rich.table import Table

    from seqexplain.models.backend_choice import import_keras
    from seqexplain.pipeline._catalogue import CATALOGUE

    import_keras()  # in its own way, which holds back its start-up messages
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("method", "what it computes", "references", "parameters"):
        table.add_column(heading, overflow="fold")
    for entry in CATALOGUE.values():
        parameters = entry.parameters()
        own = [f"{name}={_shown(value)}" for name, value in parameters.items() if name not in _OWN]
        references = str(parameters.get("references", "none"))
        table.add_row(entry.name, entry.summary, references, ", ".join(own) or "none")
    width = None if sys.stdout.isatty() else 200
    Console(file=sys.stdout, width=width, highlight=False, markup=False).print(table)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, default=str)
