"""`seqexplain info`: what a model reads, what it says, what it is made of, and what can be explained."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqexplain.cli._edits import edit_facts, edit_text
from seqexplain.cli._options import ModelOptions, ModelPath
from seqexplain.cli._wording import for_command_line

if TYPE_CHECKING:
    from rich.console import Console

    from seqexplain.models import SequenceModel

PIPE_WIDTH = 200  # columns where there is no terminal: nothing is folded
BLACK_BOX = (
    "a SavedModel is a black box: it can be scored (seqexplain score) and its sequences edited (seqexplain ism --level "
    "output); for methods that look inside, give the .keras or .h5 file that it was exported from"
)


def info(
    model: ModelPath,
    options: ModelOptions,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    edits: Annotated[
        bool, typer.Option("--edits", help="Show instead what each layer computes anew when a base is replaced.")
    ] = False,
    width: Annotated[int, typer.Option(help="With --edits: bp that are replaced.")] = 1,
    length: Annotated[
        int | None, typer.Option(help="With --edits, for a model of any length: of the sequences in bp.")
    ] = None,
) -> None:
    """Show inputs, heads and layers of a model, which layer has no rule, and what edits of a sequence cost."""
    opened = options.load(model)
    if edits:
        facts = edit_facts(opened, width, length)
        sys.stdout.write(json.dumps(facts, indent=2, ensure_ascii=False) + "\n" if as_json else edit_text(facts))
        return
    facts = facts_of(opened)
    if as_json:
        sys.stdout.write(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
        return
    from rich.console import Console

    columns = None if sys.stdout.isatty() else PIPE_WIDTH
    _write(Console(file=sys.stdout, width=columns, highlight=False, markup=False), facts)


def facts_of(model: SequenceModel) -> dict[str, Any]:
    """Return all that `info` shows, ready for JSON."""
    from seqexplain.cli._layers import layer_rows, obstacle

    facts: dict[str, Any] = {
        "model": model.name,
        "class": type(model.keras_model).__name__,
        "sha256": model.sha256,
        "black_box": model.black_box,
        "length": model.length,
        "layout": model.layout,
        "base_order": model.base_order,
        "inputs": [
            {"name": name, "shape": list(shape), "reads_sequence": name == model.sequence_input}
            for name, shape in zip(model.input_names, model.input_shapes, strict=True)
        ],
        "heads": [
            {
                "name": head.name,
                "shape": list(head.shape),
                "activation": head.activation,
                "deeplift": BLACK_BOX if model.black_box else _verdict(obstacle(model, position, "logit")),
            }
            for position, head in enumerate(model.heads)
        ],
        "layers": [],
        "without_rule": [],
    }
    if not model.black_box:
        facts["layers"] = [asdict(row) for row in layer_rows(model)]
        facts["without_rule"] = [row["name"] for row in facts["layers"] if "no rule" in row["rules"]["deeplift"]]
        facts["parameters"] = int(model.keras_model.count_params())
    return facts


def _verdict(obstacle: str | None) -> str:
    return "yes" if obstacle is None else for_command_line(obstacle)


def _write(console: Console, facts: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    def table(*headings: str) -> Table:
        made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for heading in headings:
            made.add_column(heading, justify="right" if heading == "parameters" else "left", overflow="fold")
        return made

    def row(to: Table, *cells: object) -> None:
        to.add_row(*(Text(str(cell)) for cell in cells))

    length = f"{facts['length']} bp" if facts["length"] else "sequences of any length"
    weights = f", {facts['parameters']:,} parameters" if "parameters" in facts else ""
    console.print(f"{facts['model']} ({facts['class']}{weights})")
    console.print(f"reads {length}, layout {facts['layout']}, bases {facts['base_order']}\n")
    inputs = table("input", "shape", "")
    for one in facts["inputs"]:
        note = "the sequence" if one["reads_sequence"] else f"give it: --extra {one['name']}=…"
        row(inputs, one["name"], _shape(one["shape"]), note)
    console.print(inputs)
    heads = table("\nhead", "\nshape", "\nends in", "\nDeepLIFT")
    for one in facts["heads"]:
        row(heads, one["name"], _shape(one["shape"]), one["activation"], "yes" if one["deeplift"] == "yes" else "no")
    console.print(heads)
    if facts["layers"]:
        layers = table("\nlayer", "\nclass", "\noutput", "\nparameters", "\noperations",
                       *(f"\n{engine}" for engine in facts["layers"][0]["rules"]))  # fmt: skip
        for one in facts["layers"]:
            operations = ", ".join(one["operations"]) or "none at inference"
            shape = "" if one["output_shape"] is None else _shape(one["output_shape"])
            row(
                layers, one["name"], one["layer_class"], shape, f"{one['parameters']:,}", operations,
                *(", ".join(rules) for rules in one["rules"].values()),
            )  # fmt: skip
        console.print(layers)
    console.print()
    for line in _conclusions(facts):
        console.print(Text(line))


def _conclusions(facts: dict[str, Any]) -> list[str]:
    """Say plainly what can be done with the model."""
    if facts["black_box"]:
        return [f"This model: {BLACK_BOX}."]
    able = [head["name"] for head in facts["heads"] if head["deeplift"] == "yes"]
    lines = []
    if facts["without_rule"]:
        listed = ", ".join(
            f"{row['name']} ({row['layer_class']})" for row in facts["layers"] if row["name"] in facts["without_rule"]
        )
        lines.append(f"Without a rule: {listed}.")
    if len(able) == len(facts["heads"]):
        also = " (a final softmax or sigmoid needs none: the logit below it is explained)"
        lines.append("Every head can be explained" + (also if facts["without_rule"] else "") + ": seqexplain explain.")
        return lines
    if able:
        lines.append(f"Can be explained: {', '.join(able)}.")
    lines += [
        f"Cannot be explained: {head['name']}. {head['deeplift']}"
        for head in facts["heads"]
        if head["deeplift"] != "yes"
    ]
    lines.append("All heads can be scored: seqexplain score.")
    return lines


def _shape(shape: list[int | None]) -> str:
    return " × ".join("?" if n is None else str(n) for n in shape) or "1"
