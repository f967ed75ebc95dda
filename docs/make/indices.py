"""Small repairs of Markdown: indices of formulas are set low, bars in tables are what they are."""

from __future__ import annotations

import re

# code: fenced, in backticks, indented after an empty line; and the addresses of links
_CODE = re.compile(
    r"(```.*?```|`[^`\n]*`|(?:(?<=\n\n)(?: {4}[^\n]*\n?)+)|\]\([^)]*\)|\]\[[^\]]*\]|<[^>]*>|\{[ #.:][^}]*\})", re.DOTALL
)
# one letter (not n: n_seq is a name), perhaps with a mark, then up to three letters
_INDEX = re.compile(
    r"(?<![\w`])((?:(?!n_)[^\W\d_]|∂[^\W\d_])[⁺⁻ˢ̃]?)_([A-Za-z0-9α-ω]{1,3}(?:,[A-Za-z]{1,3})?)(?![A-Za-z0-9_(])(?:\^(\w))?"
)
_WORD = re.compile(r"(?<![\w`])([^\W\d_]{2,})_([a-z])(?!\w)")  # map_i
_BRACES = re.compile(r"_\{([^}]*)\}")
_POWER = re.compile(r"\^\{([^}]*)\}")


def with_indices(text: str, *, words: bool = True) -> str:
    """Return Markdown with the indices of its formulas set low, and `^{…}` high.

    With `words`, also those of words, as in `map_i`.
    """
    parts = _CODE.split(text)
    return "".join(part if number % 2 else _set(part, words) for number, part in enumerate(parts))


def _set(text: str, words: bool) -> str:
    text = _INDEX.sub(lambda m: f"{m[1]}<sub>{m[2]}</sub>" + (f"<sup>{m[3]}</sup>" if m[3] else ""), text)
    if words:
        text = _WORD.sub(r"\1<sub>\2</sub>", text)
    return _POWER.sub(r"<sup>\1</sup>", _BRACES.sub(r"<sub>\1</sub>", text))


def cell(text: str) -> str:
    """Return text as a cell of a table: a bar is escaped, but not in code, which would show the backslash."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part.replace("\\|", "|") if n % 2 else re.sub(r"(?<!\\)\|", r"\\|", part) for n, part in enumerate(parts)
    )


def with_bars(text: str) -> str:
    r"""Return Markdown whose tables have `\|` in code, as GitHub wants it, without the backslash."""
    rows = (
        re.sub(r"`[^`]*`", lambda m: m[0].replace("\\|", "|"), row) if row.startswith("|") else row
        for row in text.split("\n")
    )
    return "\n".join(rows)
