"""The examples in the documentation: what stands in its pages between fences."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "pages").rglob("*.md"))
TEXTS = [*PAGES, ROOT / "README.md"]
FENCE = re.compile(r"(?ms)^( *)```(\w*)[^\n]*\n(.*?)^\1```")
# a block after this line is shown, not run
NOT_RUN = "<!-- not run -->"


def blocks(path: Path, languages: tuple[str, ...]) -> list[str]:
    """Return the code blocks of a page that are in one of the languages."""
    text = path.read_text()
    return [
        textwrap.dedent(match[3])
        for match in FENCE.finditer(text)
        if match[2] in languages and not text[: match.start()].rstrip().endswith(NOT_RUN)
    ]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def command_lines(path: Path) -> list[str]:
    """Return all that a page tells to type into a shell and begins with `seqexplain`."""
    found = []
    for block in blocks(path, ("", "sh", "bash", "console")):
        for line in re.sub(r"\\\n\s*", " ", block).splitlines():
            found += [part for part in re.split(r"&&|\|(?!\|)", line) if is_ours(part)]
    return found


def is_ours(line: str) -> bool:
    words = line.split()
    return bool(words) and Path(words[0]).name == "seqexplain"
