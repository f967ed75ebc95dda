"""Texts that stand in the repository and are pages too: READMEs, the changelog, the citation."""

from __future__ import annotations

import os
import re
from pathlib import Path

import yaml
from indices import with_bars, with_indices

# where a file of the repository stands in the site
PAGES = {
    "CHANGELOG.md": "about/changelog.md",
    "benchmarks/README.md": "about/benchmarks.md",
    "data/README.md": "about/data.md",
    "seqexplain/attribution/README.md": "methods/attribution-maths.md",
    "seqexplain/data/JASPAR_NOTICE.md": "about/jaspar.md",
    "seqexplain/data/MODEL_CARD.md": "about/model-card.md",
    "seqexplain/features/README.md": "methods/filters-maths.md",
    "seqexplain/motifs/README.md": "methods/motifs-maths.md",
    "seqexplain/perturbation/README.md": "methods/perturbation-maths.md",
    "seqexplain/report/README.md": "about/report.md",
}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#]*)(#[^)\s]*)?\)")
_BULLET = re.compile(r"^( *)(?:[-*]|\d+\.) ")


def write_included(root: Path, stage: Path) -> None:
    """Write each of these files as a page."""
    for source, page in PAGES.items():
        text = relinked((root / source).read_text(), root, source, page)
        to = stage / page
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(with_indices(with_bars(spaced(text))))


def page_of(name: str) -> str:
    """Return where a file of the repository stands in the site; nothing where it is no page."""
    if re.fullmatch(r"tutorials/[^/]+\.ipynb", name):
        return name.removesuffix(".ipynb") + ".md"
    return PAGES.get(name, "tutorials/index.md" if name == "tutorials/README.md" else "")


def relinked(text: str, root: Path, source: str, page: str) -> str:
    """Turn links between files of the repository into links between pages.

    Files that are no pages keep their text alone; a link to a file that does not exist is an error.
    """

    def turn(match: re.Match[str]) -> str:
        mark, label, target, anchor = match[1], match[2], match[3], match[4] or ""
        if not target or re.match(r"[a-z]+:", target):
            return match[0]
        path = Path(os.path.normpath((root / source).parent / target))
        if not path.exists():
            raise SystemExit(f"{source}: links to {target}, which does not exist.")
        name = path.relative_to(root).as_posix()
        here = Path(page).parent
        if page_of(name):
            return f"{mark}[{label}]({os.path.relpath(page_of(name), here)}{anchor})"
        if name.startswith("docs/images/"):
            return f"{mark}[{label}]({os.path.relpath(name.removeprefix('docs/'), here)})"
        if name.startswith("docs/pages/"):
            return f"{mark}[{label}]({os.path.relpath(name.removeprefix('docs/pages/'), here)}{anchor})"
        return label if label.startswith("`") else f"`{name}`" if label == target else label

    return _LINK.sub(turn, text)


def spaced(text: str) -> str:
    """Put an empty line before lists and headings that follow a paragraph, which Markdown on GitHub does not need."""
    lines: list[str] = []
    fenced = False
    for line in text.splitlines():
        before = lines[-1] if lines else ""
        if not fenced and before.strip():
            starts_list = _BULLET.match(line) and not _BULLET.match(before) and not before.startswith(" ")
            if starts_list or line.startswith("#"):
                lines.append("")
        fenced ^= line.lstrip().startswith("```")
        lines.append(line)
    return "\n".join(lines) + "\n"


def write_citation(root: Path, stage: Path) -> None:
    """Write the page of the citation from CITATION.cff."""
    cff = yaml.safe_load((root / "CITATION.cff").read_text())
    authors = " and ".join(_name(author) for author in cff["authors"])
    text = [
        "# Citation",
        "",
        f"{cff['message']}",
        "",
        "```bibtex",
        "@software{seqexplain,",
        f"  title = {{{cff['title']}}},",
        f"  author = {{{authors}}},",
        f"  version = {{{cff['version']}}},",
        f"  year = {{{str(cff['date-released'])[:4]}}},",
        f"  license = {{{cff['license']}}},",
        "}",
        "```",
        "",
        "The papers of the methods stand on the page of each method and in its docstring. These are behind much of it:",
        "",
    ]
    for paper in cff.get("references", ()):
        names = ", ".join(_name(author) for author in paper["authors"])
        where = paper.get("journal") or paper.get("conference", {}).get("name", "")
        doi = f" doi:{paper['doi']}" if "doi" in paper else ""
        text.append(f"- {names} ({paper['year']}). {paper['title']}. *{where}*.{doi}")
    text += ["", "The software is under the MIT licence.", ""]
    (stage / "about").mkdir(exist_ok=True)
    (stage / "about" / "citation.md").write_text("\n".join(text))


def _name(author: dict[str, str]) -> str:
    return author.get("name") or f"{author['given-names']} {author['family-names']}"
