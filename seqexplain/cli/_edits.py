"""What `info --edits` shows: how far an edit reaches in each layer, and what is saved by computing no more."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from seqexplain.errors import ParameterError

if TYPE_CHECKING:
    from seqexplain.models import SequenceModel

WIDTH = 160  # columns


def edit_facts(model: SequenceModel, width: int, length: int | None) -> dict[str, Any]:
    """Return the plan of edits of `width` bp, ready for JSON.

    Raises
    ------
    ParameterError
        When nothing is known of the model's layers, the length is missing, or the width does not fit.
    """
    from seqexplain.perturbation import make_edit_plan

    if model.black_box:
        raise ParameterError(
            f"The model {model.name!r} is a SavedModel, of whose layers nothing is known: each edit is scored in full."
        )
    if model.length is None and length is None:
        raise ParameterError("The model reads sequences of any length; say of how many bp they are: --length 1000.")
    if length is not None and model.length is not None and length != model.length:
        raise ParameterError(f"--length {length} does not fit: the model reads {model.length} bp. Leave it out.")
    length = model.length or length or 0
    if not 1 <= width < length:
        raise ParameterError(f"--width {width} must be from 1 to {length - 1}, less than the sequence of {length} bp.")
    plan = make_edit_plan(model, length, width, sorted({head.value for head in model.heads_at("logit")}))
    return {
        "model": model.name,
        "length": length,
        "width": width,
        "saving": round(plan.saving, 3),
        "incremental": plan.worth,
        "layers": [asdict(row) for row in plan.report()],
    }


def edit_text(facts: dict[str, Any]) -> str:
    """Return the plan as a table and a conclusion."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("layer", "class", "changes", "of positions", "multiply-adds", "for an edit", "saving"):
        table.add_column(heading, justify="left" if heading in ("layer", "class") else "right", overflow="fold")
    for row in facts["layers"]:
        reach = "in full" if row["reach"] is None and row["edit"] >= row["full"] else row["reach"] or "sum"
        cells = (
            row["layer"], row["layer_class"], reach, "" if row["positions"] is None else row["positions"],
            _count(row["full"]), _count(row["edit"]), f"{row['full'] / max(1.0, row['edit']):.1f}×",
        )  # fmt: skip
        table.add_row(*(Text(str(cell)) for cell in cells))
    out = io.StringIO()
    console = Console(file=out, width=WIDTH, highlight=False, markup=False)
    bp = "1 bp is" if facts["width"] == 1 else f"{facts['width']} bp are"
    console.print(f"{facts['model']}: what is computed anew when {bp} replaced, of {facts['length']} bp\n")
    console.print(table)
    if facts["incremental"]:
        end = f"All in all {facts['saving']:.1f} times less arithmetic than scoring the edited sequence in full."
    else:
        end = "Too little is saved: edited sequences are scored in full (--evaluation incremental computes as above)."
    console.print(f"\n{end}")
    return out.getvalue()


def _count(number: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"
