"""Pages written by hand, and whether the navigation names every page."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import yaml

# a paragraph that ends in a line of its own, `{ .eq }`, is an equation
_EQUATION = re.compile(r"(?m)(^(?:(?!\n\n|^$|^ *\{)[^\n]*\n)+)^ *\{ \.eq \}$")


def write_pages(root: Path, stage: Path) -> None:
    """Copy the pages of `docs/pages` and the images, with equations set."""
    source = root / "docs" / "pages"
    for path in sorted(source.rglob("*")):
        to = stage / path.relative_to(source)
        if path.is_dir():
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            to.write_text(with_equations(path.read_text()))
        else:
            shutil.copyfile(path, to)
    shutil.copytree(root / "docs" / "images", stage / "images", dirs_exist_ok=True)


def with_equations(text: str) -> str:
    """Set `_i`, `_{ij}` and `^{…}` in paragraphs of the class `eq` low and high."""
    return _EQUATION.sub(lambda match: _set(match[1]) + "{ .eq }", text)


def _set(line: str) -> str:
    line = re.sub(r"_\{([^}]*)\}|_(\w)", lambda m: f"<sub>{m[1] or m[2]}</sub>", line)
    return re.sub(r"\^\{([^}]*)\}|\^(\w)", lambda m: f"<sup>{m[1] or m[2]}</sup>", line)


def check_navigation(root: Path, stage: Path) -> None:
    """Raise where the navigation names a page that is not there, or leaves one out."""
    nav = yaml.safe_load((root / "mkdocs.yml").read_text())["nav"]
    named = set(_paths(nav))
    there = {path.relative_to(stage).as_posix() for path in stage.rglob("*.md")}
    there = {page for page in there if page in named or not page.startswith("tutorials/")}  # these have a list
    if named != there:
        raise SystemExit(
            f"mkdocs.yml: the navigation names {sorted(named - there)}, which no page is, and leaves out "
            f"{sorted(there - named)}."
        )


def _paths(item: object) -> list[str]:
    if isinstance(item, str):
        return [item]
    parts = item.values() if isinstance(item, dict) else item
    return [path for part in parts for path in _paths(part)]
