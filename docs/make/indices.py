"""Indices of formulas in running text: `x_i` is set low, where it is not code."""

from __future__ import annotations

import re

# code: fenced, in backticks, indented after an empty line; and the addresses of links
_CODE = re.compile(
    r"(```.*?```|`[^`\n]*`|(?:(?<=\n\n)(?: {4}[^\n]*\n?)+)|\]\([^)]*\)|\]\[[^\]]*\]|<[^>]*>|\{[ #.:][^}]*\})", re.DOTALL
)
# one letter, perhaps with a mark, then up to three letters or whatever stands in braces
_INDEX = re.compile(
    r"(?<![\w`])((?:[^\W\d_]|∂[^\W\d_]|∫)[⁺⁻ˢ̃]?)_"
    r"(?:\{([^}]*)\}|([^\W_]{1,3}(?:,[^\W_]{1,3})?[⁺⁻]?)(?![\w(]))"
)
_POWER = re.compile(r"\^\{([^}]*)\}")


def with_indices(text: str) -> str:
    """Return Markdown with the indices of its formulas set low, and `^{…}` high."""
    parts = _CODE.split(text)
    return "".join(part if number % 2 else _set(part) for number, part in enumerate(parts))


def _set(text: str) -> str:
    text = _INDEX.sub(lambda match: f"{match[1]}<sub>{match[2] or match[3]}</sub>", text)
    return _POWER.sub(lambda match: f"<sup>{match[1]}</sup>", text)
