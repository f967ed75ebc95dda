"""Pages written by hand, and whether the navigation names every page."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import yaml
from indices import with_bars, with_indices


def write_pages(root: Path, stage: Path) -> None:
    """Copy the pages of `docs/pages` and the images."""
    source = root / "docs" / "pages"
    for path in sorted(source.rglob("*")):
        to = stage / path.relative_to(source)
        if path.is_dir():
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            to.write_text(with_indices(with_bars(path.read_text())))
        else:
            shutil.copyfile(path, to)
    shutil.copytree(root / "docs" / "images", stage / "images", dirs_exist_ok=True)


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


def with_tutorials(config: str, stage: Path) -> str:
    """Return the configuration with every notebook in the navigation, by its title."""
    entry = "  - Tutorials: [tutorials/index.md]\n"
    if entry not in config:
        raise SystemExit("mkdocs.yml: the navigation has no line of tutorials to put the notebooks at.")
    lines = ["  - Tutorials:\n", "      - tutorials/index.md\n"]
    for page in sorted((stage / "tutorials").glob("*.md")):
        if page.name != "index.md":
            title = next(line for line in page.read_text().splitlines() if line.startswith("# ")).removeprefix("# ")
            lines.append(f"      - {json.dumps(title, ensure_ascii=False)}: tutorials/{page.name}\n")
    return config.replace(entry, "".join(lines))


def _paths(item: object) -> list[str]:
    if isinstance(item, str):
        return [item]
    parts = item.values() if isinstance(item, dict) else item
    return [path for part in parts for path in _paths(part)]
