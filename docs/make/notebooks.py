"""The tutorials: executed notebooks as pages."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

from included import relinked, spaced

_INTRO = (
    "# Tutorials\n\nNotebooks, each from a question to a picture, in the folder `tutorials/` of the source tree.\n\n"
)
_TOO_LONG = 60  # lines of an output


def write_notebooks(root: Path, stage: Path) -> None:
    """Write each notebook of `tutorials/` as a page, and a page that lists them: its README, where there is one."""
    folder = stage / "tutorials"
    folder.mkdir(exist_ok=True)
    rows = []
    for path in sorted((root / "tutorials").glob("*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        for cell in cells:
            if cell["cell_type"] == "markdown":
                text = relinked("".join(cell["source"]), root, f"tutorials/{path.name}", f"tutorials/{path.stem}.md")
                cell["source"] = [spaced(text)]
        text = "\n\n".join(part for i, cell in enumerate(cells) for part in _cell(cell, folder, f"{path.stem}_{i}"))
        (folder / f"{path.stem}.md").write_text(text + f"\n\nThis page is the notebook `tutorials/{path.name}`.\n")
        title = re.search(r"(?m)^# (.*)$", text)
        rows.append(f"- [{title[1] if title else path.stem}]({path.stem}.md)")
    readme = root / "tutorials" / "README.md"
    if readme.exists():
        index = spaced(relinked(readme.read_text(), root, "tutorials/README.md", "tutorials/index.md"))
    else:
        index = _INTRO + "\n".join(rows) + "\n"
    (folder / "index.md").write_text(index)


def _cell(cell: dict[str, Any], folder: Path, stem: str) -> list[str]:
    source = "".join(cell["source"]).strip()
    if cell["cell_type"] == "markdown":
        return [source]
    if cell["cell_type"] != "code" or not source:
        return []
    parts = [f"```python\n{source}\n```"]
    for number, output in enumerate(cell["outputs"]):
        data = output.get("data", {})
        if "image/png" in data:
            name = f"{stem}_{number}.png"
            (folder / name).write_bytes(base64.b64decode("".join(data["image/png"])))
            parts.append(f"![]({name})")
        elif "image/svg+xml" in data:
            name = f"{stem}_{number}.svg"
            (folder / name).write_text("".join(data["image/svg+xml"]))
            parts.append(f"![]({name})")
        elif "text/html" in data:
            parts.append('<div class="nb-output">\n' + "".join(data["text/html"]) + "\n</div>")
        else:
            text = "".join(output.get("text", data.get("text/plain", ""))).rstrip().splitlines()
            shown = "\n".join(text[:_TOO_LONG] + (["…"] if len(text) > _TOO_LONG else []))
            if shown:
                parts.append(f"```text\n{shown}\n```")
    return parts
