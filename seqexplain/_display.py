"""How results show themselves in a notebook: small pieces of HTML that need nothing from elsewhere.

Whatever comes from outside, names above all, is escaped. Colours are the page's own, lighter or not, so that cards fit
light and dark notebooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROWS = 5  # of a table: the first ones, to recognise what is there
LETTERS = 48  # of a name
LISTED = 6  # names in a line
CURVE_WIDTH, CURVE_HEIGHT, CURVE_POINTS = 240, 34, 120  # of a drawing along the sequence: px, px, points

_LINE = "border-bottom:1px solid rgba(128,128,128,.25)"
_CELL = "padding:1px 12px 1px 0;text-align:left;vertical-align:top;background:transparent;border:0"
_NUMBER = _CELL.replace("text-align:left", "text-align:right") + ";font-variant-numeric:tabular-nums"


def card(
    title: str,
    subtitle: str,
    facts: Iterable[tuple[str, str]],
    *,
    drawing: str = "",
    table: str = "",
    notes: Iterable[str] = (),
) -> str:
    """Return a card: a heading, lines of facts, a drawing, a table and notes.

    Parameters
    ----------
    title, subtitle
        What it is, and how much; plain text.
    facts
        Label and value of each line, plain text; lines without a value are left out.
    drawing, table
        HTML, of `curve` and `rows_table`.
    notes
        Plain statements.
    """
    lines = "".join(
        f'<tr style="background:transparent"><td style="{_CELL};opacity:.65;white-space:nowrap">{_text(label)}</td>'
        f'<td style="{_CELL}">{_text(value)}</td></tr>'
        for label, value in facts
        if value
    )
    said = "".join(f'<div style="opacity:.75;font-style:italic">{_text(note)}</div>' for note in notes)
    return (
        '<div class="seqexplain" style="font-size:90%;line-height:1.45;max-width:60em;overflow-x:auto">'
        f'<div style="{_LINE};margin-bottom:3px"><strong>{_text(title)}</strong> · {_text(subtitle)}</div>'
        f'<table style="border-collapse:collapse;margin:0;border:0">{lines}</table>{drawing}{table}{said}</div>'
    )


def rows_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], total: int) -> str:
    """Return the first lines of a table; numbers stand at the right.

    Parameters
    ----------
    columns
        Headings.
    rows
        The lines to show: texts and numbers.
    total
        How many lines there are in all.
    """
    shown = list(rows)
    if not shown:
        return ""
    numeric = [all(isinstance(row[k], int | float | np.number) for row in shown) for k in range(len(columns))]
    styles = [_NUMBER if number else _CELL for number in numeric]
    head = "".join(
        f'<th style="{style};{_LINE};font-weight:600;opacity:.8">{_text(name)}</th>'
        for name, style in zip(columns, styles, strict=True)
    )
    body = "".join(
        '<tr style="background:transparent">'
        + "".join(f'<td style="{style}">{_text(cell)}</td>' for cell, style in zip(row, styles, strict=True))
        + "</tr>"
        for row in shown
    )
    more = f'<div style="opacity:.65">… {total - len(shown):,} more</div>' if total > len(shown) else ""
    return (
        '<table style="border-collapse:collapse;margin:4px 0 0;border:0">'
        f'<thead><tr style="background:transparent">{head}</tr></thead><tbody>{body}</tbody></table>{more}'
    )


def curve(values: NDArray[Any], label: str) -> str:
    """Return a small drawing of `(L,)` numbers of at least 0 along the sequence; nothing where all are 0."""
    heights = np.nan_to_num(np.asarray(values, dtype=np.float64))
    if len(heights) < 2 or heights.max() <= 0:
        return ""
    parts = np.array_split(heights, min(CURVE_POINTS, len(heights)))
    tops = np.array([part.mean() for part in parts])
    x = np.linspace(0, CURVE_WIDTH, len(tops))
    y = CURVE_HEIGHT - 1 - (CURVE_HEIGHT - 3) * tops / tops.max()
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    bottom = CURVE_HEIGHT - 1
    return (
        f'<div style="margin-top:3px"><svg role="img" aria-label="{_text(label)}" width="{CURVE_WIDTH}" '
        f'height="{CURVE_HEIGHT}" viewBox="0 0 {CURVE_WIDTH} {CURVE_HEIGHT}" style="vertical-align:bottom">'
        f'<polygon points="0,{bottom} {points} {CURVE_WIDTH},{bottom}" fill="#3792c6" fill-opacity=".35" '
        f'stroke="#3792c6" stroke-width="1"/></svg> <span style="opacity:.65">{_text(label)}</span></div>'
    )


def number(value: Any) -> str:
    """Return a number in three digits, with a real minus.

    Examples
    --------
    >>> number(-0.00123456), number(12345), number(float("nan"))
    ('−0.00123', '12,345', 'NaN')
    """
    if isinstance(value, int | np.integer):
        return f"{value:,}".replace("-", "−")
    return "NaN" if np.isnan(value) else f"{value:.3g}".replace("-", "−")


def value_range(values: Any) -> str:
    """Return least and greatest of the numbers that are there: `−1.2 to 3.4`; empty for none."""
    array = np.asarray(values)
    if not array.size or np.isnan(array).all():
        return ""
    low, high = float(np.nanmin(array)), float(np.nanmax(array))
    return number(low) if low == high else f"{number(low)} to {number(high)}"


def listing(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    shown = ", ".join(shortened(str(name)) for name in names[:LISTED])
    return shown + (f", … ({len(names):,} in all)" if len(names) > LISTED else "")


def counted(count: int, thing: str) -> str:
    """Return a number and its noun: `1 sequence`, `2,000 sequences`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def shortened(text: str) -> str:
    """Return a text in at most LETTERS letters."""
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"


def _text(value: Any) -> str:
    """Return what a reader sees, escaped; HTML is text here."""
    text = number(value) if isinstance(value, int | float | np.number) and not isinstance(value, bool) else str(value)
    return escape(text, quote=True)
