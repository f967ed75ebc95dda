"""The reference of the command line, from the commands themselves.

It is read off the signatures that typer reads, so that it depends on nothing inside of typer.
"""

from __future__ import annotations

import html
import inspect
import re
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

from indices import cell
from typer.models import ArgumentInfo, OptionInfo

_KINDS = {int: "NUMBER", float: "NUMBER", str: "TEXT", Path: "PATH"}
_INTRO = """# Command line

Written from the commands themselves; `seqexplain COMMAND --help` shows the same in the terminal. `seqexplain --version`
prints the version. The exit status is 0; 2 after a mistake in what was asked for,
1 after one of ours, 130 after Ctrl-C.
"""


def write_commands(stage: Path) -> None:
    """Write a page with a section for each subcommand."""
    from seqexplain.cli.main import app

    commands = {command.name: command.callback for command in app.registered_commands}
    lines = [_INTRO, "| command | |", "| --- | --- |"]
    for name, function in commands.items():
        lines.append(f"| [`{name}`](#{name}) | {_cell(inspect.getdoc(function).split(chr(10) * 2)[0])} |")
    for name, function in commands.items():
        lines += ["", *_section(name, function)]
    (stage / "cli.md").write_text("\n".join(lines) + "\n")


def _section(name: str, function: Any) -> Iterator[str]:
    parameters = [p for p in inspect.signature(function).parameters.values() if _info(p) is not None]
    arguments = [p for p in parameters if isinstance(_info(p), ArgumentInfo)]
    options = [p for p in parameters if isinstance(_info(p), OptionInfo) and not _info(p).hidden]
    usage = [f"seqexplain {name}", *(_shown(p) for p in arguments), "[OPTIONS]" if options else ""]
    text = "\n\n".join(" ".join(part.split()) for part in inspect.getdoc(function).split("\n\n"))
    yield from (
        f"## {name}",
        "",
        html.escape(_plain(text), quote=False),
        "",
        "```text",
        " ".join(usage).strip(),
        "```",
        "",
    )
    panels: dict[str, list[inspect.Parameter]] = {}
    for parameter in (*arguments, *options):
        own = "Arguments" if parameter in arguments else "Options"
        panels.setdefault(_info(parameter).rich_help_panel or own, []).append(parameter)
    for panel, members in panels.items():
        yield from (f"| {panel} | | default |", "| --- | --- | --- |")
        for parameter in members:
            names = f"`{_shown(parameter).strip('[]')}`" if parameter in arguments else _names(parameter)
            yield f"| {names} | {_cell(_info(parameter).help or '')} | {_default(parameter)} |"
        yield ""


def _info(parameter: inspect.Parameter) -> Any:
    """Return what typer is told about a parameter; None of its context."""
    found = [part for part in get_args(parameter.annotation) if isinstance(part, (ArgumentInfo, OptionInfo))]
    return found[0] if found else None


def _shown(argument: inspect.Parameter) -> str:
    name = _info(argument).metavar or argument.name.upper()
    if _several(argument):
        name += "..."
    return name if argument.default is inspect.Parameter.empty or name.startswith("[") else f"[{name}]"


def _names(option: inspect.Parameter) -> str:
    info, kind = _info(option), _kind(option)
    names = [name for name in (info.default, *(info.param_decls or ())) if isinstance(name, str)]  # as typer sorts them
    if not any(name.startswith("-") for name in names):
        dashed = option.name.replace("_", "-")
        names = [f"--{dashed}", f"--no-{dashed}"] if kind is bool else [f"--{dashed}"]
    names = [part for name in names for part in name.split("/")]
    if kind is not bool:
        value = info.metavar or (_choices(kind) if _is_enum(kind) else _KINDS.get(kind, "VALUE"))
        names = [*names[:-1], f"{names[-1]} {value}"]
    return " ".join(f"`{name}`" for name in names)


def _kind(parameter: inspect.Parameter) -> Any:
    """Return the type of a value: of `list[X] | None`, X."""
    kind = get_args(parameter.annotation)[0]
    if isinstance(kind, UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    return get_args(kind)[0] if get_origin(kind) in (list, tuple) else kind


def _several(parameter: inspect.Parameter) -> bool:
    return "list[" in str(get_args(parameter.annotation)[0])


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _choices(kind: Iterable[Enum]) -> str:
    return "|".join(str(member.value) for member in kind)


def _default(parameter: inspect.Parameter) -> str:
    value = parameter.default
    if value is inspect.Parameter.empty:
        return "required"
    if isinstance(value, Enum):
        value = value.value
    if value is None or value is False or value in ((), [], ""):
        return ""
    return "on" if value is True else f"`{value}`"


def _cell(text: str) -> str:
    return cell(html.escape(_plain(" ".join(text.split())), quote=False).replace("*", "\\*"))


def _plain(text: str) -> str:
    """Take the terminal's markup away."""
    return re.sub(r"\[/?(?:bold|dim|italic|cyan|green|red|yellow)[^\]]*\]", "", text)
