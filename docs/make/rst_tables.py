"""Docstrings as Markdown: tables that are drawn with `=`, which reads well in a terminal, and indices."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import griffe

sys.path.insert(0, str(Path(__file__).parent))  # this file is loaded by its path

from indices import cell, with_indices

_RULE = re.compile(r"^ *=+(?: +=+)+ *$")


class RstTables(griffe.Extension):
    """Turn the tables and the indices of every docstring that is read."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change the docstring of one object."""
        if obj.docstring is not None:
            text, examples, rest = obj.docstring.value.partition("\nExamples\n")
            obj.docstring.value = with_indices(with_markdown_tables(text), words=False) + examples + rest


def with_markdown_tables(text: str) -> str:
    """Return the text with each table between rules of `=` written as Markdown.

    A line without its first or its second cell goes on with the row above.
    """
    lines: list[str] = []
    table: list[str] = []
    for line in text.splitlines():
        if not table and not _RULE.match(line):
            lines.append(line)
            continue
        table.append(line)
        rules = sum(bool(_RULE.match(one)) for one in table)
        if rules == 3 or (rules == 2 and not line.strip()):
            lines += ["", *_markdown(table), ""]
            table = []
    return "\n".join([*lines, *(_markdown(table) if table else ())])


def _markdown(table: Sequence[str]) -> list[str]:
    spans = [match.span() for match in re.finditer("=+", table[0])]
    bounds = [(start, following[0]) for (start, _), following in zip(spans, [*spans[1:], (None, None)], strict=True)]
    indent = " " * spans[0][0]
    inner = [line for line in table[1:] if line.strip()]
    first_rule = next(i for i, line in enumerate(inner) if _RULE.match(line))
    has_header = first_rule < len(inner) - 1
    head = inner[:first_rule] if has_header else []
    body = inner[first_rule + 1 : -1] if has_header else inner[:first_rule]
    rows: list[list[str]] = []
    for line in body:
        cells = [line[slice(*bound)].strip() for bound in bounds]
        if rows and not all(cells[:2]):
            rows[-1] = [f"{above} {cell}".strip() for above, cell in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    names = [[line[slice(*bound)].strip() for bound in bounds] for line in head] or [["" for _ in bounds]]
    title = [" ".join(parts).strip() for parts in zip(*names, strict=True)]
    return [indent + _row(cells) for cells in (title, ["---"] * len(bounds), *rows)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(cell, cells)) + " |"
