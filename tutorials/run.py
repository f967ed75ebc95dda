"""Run the tutorials from scratch, each in a fresh kernel of this Python, and check what they show.

    python tutorials/run.py                  # all of them; the files stay as they are
    python tutorials/run.py 03               # those whose names begin so
    python tutorials/run.py --write          # … and store the new outputs

A notebook fails when a cell raises, writes to standard error, or shows a path of this machine; when it takes more than
three minutes or more than 300 kB; when what is stored in it was not made by its present cells; or when it leaves files
behind. Stored pictures and numbers are not compared with new ones: processors differ in rounding.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from PIL import Image

HERE = Path(__file__).resolve().parent
MOST_SECONDS = 180.0  # a notebook
MOST_BYTES = 300_000  # a file
KEY = "seqexplain"  # of the notebook's metadata
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def main() -> int:
    """Run what was asked for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="beginnings of names; default: all")
    parser.add_argument("--write", action="store_true", help="store the outputs")
    asked = parser.parse_args()
    paths = [
        path
        for path in sorted(HERE.glob("*.ipynb"))
        if not asked.names or any(path.name.startswith(name) for name in asked.names)
    ]
    if not paths:
        parser.error(f"no notebook in {HERE} begins with {' or '.join(asked.names) or 'anything'}")
    failed, total = 0, 0.0
    for path in paths:
        seconds, problems = check(path, write=asked.write)
        total += seconds
        failed += bool(problems)
        print(f"{path.name:36} {seconds:6.1f} s {path.stat().st_size / 1000:6.0f} kB  {'' if problems else 'ok'}")
        for problem in problems:
            print(f"    {problem}")
        sys.stdout.flush()
    print(f"{'all':36} {total:6.1f} s")
    return int(failed > 0)


def check(path: Path, *, write: bool = False) -> tuple[float, list[str]]:
    """Run one notebook; return the seconds it took, and what is wrong with it."""
    stored = nbformat.read(path, as_version=4)
    nbformat.validate(stored)
    fresh = nbformat.from_dict(nbformat.read(path, as_version=4))
    for cell in code_cells(fresh):
        cell.outputs, cell.execution_count = [], None
    before = set(path.parent.iterdir())
    client = NotebookClient(
        fresh,
        timeout=int(MOST_SECONDS),
        kernel_name="python3",  # which Jupyter takes to mean the Python that runs this
        coalesce_streams=True,  # what a cell prints comes in pieces, as many as its processor's speed makes of it
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=ERROR"],
    )
    began = time.perf_counter()
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError) as error:
        return time.perf_counter() - began, [ESCAPES.sub("", str(error))]
    seconds = time.perf_counter() - began
    problems = [f"cell {i}: {what}" for i, cell in enumerate(fresh.cells) for what in complaints(cell)]
    if seconds > MOST_SECONDS:
        problems.append(f"takes {seconds:.0f} s; at most {MOST_SECONDS:.0f} s are promised")
    if left := {p.name for p in set(path.parent.iterdir()) - before if p.name != "__pycache__"}:
        problems.append(f"leaves {', '.join(sorted(left))} behind; write into a temporary folder")
    if write and not problems:
        store(fresh, path)
        stored = nbformat.read(path, as_version=4)
    if stored.metadata.get(KEY, {}).get("cells") != digest(stored) or kinds(stored) != kinds(fresh):
        problems.append("what is stored was not made by these cells: run `python tutorials/run.py --write`")
    if path.stat().st_size > MOST_BYTES:
        problems.append(f"has {path.stat().st_size:,} bytes; at most {MOST_BYTES:,} are wanted")
    return seconds, problems


def code_cells(notebook: Any) -> list[Any]:
    """Return the cells with code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def digest(notebook: Any) -> str:
    """Return what tells whether a notebook's code was changed."""
    text = "\0".join(cell.source for cell in code_cells(notebook))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def kinds(notebook: Any) -> list[list[list[str]]]:
    """Return of each cell what kinds of output it has: text, tables, pictures."""
    return [[sorted(out.get("data", {out.get("name", ""): ""})) for out in c.outputs] for c in code_cells(notebook)]


def complaints(cell: Any) -> list[str]:
    """Return what the outputs of a cell show that they should not."""
    found = []
    for out in cell.get("outputs", []):
        text = "".join(out.get("text", "")) + "".join(
            "".join(value) for kind, value in out.get("data", {}).items() if kind.startswith("text/")
        )
        if out.get("name") == "stderr":
            found.append(f"writes to standard error: {text[:300]}")
        if "image/svg+xml" in out.get("data", {}):
            found.append("shows an SVG; a PNG is smaller")
        places = {str(HERE.parent), str(Path.home()), tempfile.gettempdir(), sys.prefix}
        found += [f"shows the path {place} of this machine" for place in sorted(places) if f"{place}/" in text]
    return found


def store(notebook: Any, path: Path) -> None:
    """Write a notebook without what differs from machine to machine, its pictures in 256 colours."""
    for cell in notebook.cells:
        for data in (out.data for out in cell.get("outputs", []) if "image/png" in out.get("data", {})):
            data["image/png"] = smaller(data["image/png"])
        cell.metadata = nbformat.from_dict({key: value for key, value in cell.metadata.items() if key == "tags"})
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            KEY: {"cells": digest(notebook)},
        }
    )
    nbformat.write(notebook, path)


def smaller(png: str) -> str:
    """Return a base64-coded PNG with a palette, which takes half the bytes."""
    picture, kept = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"), io.BytesIO()
    picture.quantize(256, dither=Image.Dither.NONE).save(kept, "png", optimize=True)
    return base64.b64encode(kept.getvalue()).decode()


if __name__ == "__main__":
    sys.exit(main())
