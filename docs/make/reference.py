"""The reference of names: a page a room, with an entry for each of its public names, found without importing any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import griffe
from indices import cell, with_indices

ROOMS = {
    "sequences": "Sequences",
    "models": "Models and targets",
    "attribution": "Attribution: methods that look inside",
    "attribution.lrp_rules": "Rules of relevance propagation",
    "perturbation": "Perturbation: methods that edit and score",
    "features": "Features: what filters detect",
    "motifs": "Motifs",
    "results": "Results",
    "storage": "Storage and exports",
    "plot": "Pictures",
    "pipeline": "Long jobs",
    "report": "Report",
    "evaluation": "Evaluation",
    "errors": "Errors and warnings",
}
MATHS = {
    "attribution": "attribution-maths.md",
    "perturbation": "perturbation-maths.md",
    "features": "filters-maths.md",
    "motifs": "motifs-maths.md",
}
# rooms without public names of their own: the command line is documented as such
NOT_ROOMS = ("cli", "data")


def write_reference(root: Path, stage: Path) -> None:
    """Write the pages of the reference."""
    package = load_package(root)
    rooms = room_names(package)
    folder = stage / "api"
    folder.mkdir(exist_ok=True)
    for room in rooms:
        (folder / f"{room}.md").write_text(_room_page(package, room))
    (folder / "index.md").write_text(_index(package))


def load_package(root: Path) -> griffe.Module:
    """Read the package's source, with its re-exports followed."""
    loader = griffe.GriffeLoader(search_paths=[str(root)], allow_inspection=False)
    package = loader.load("seqexplain")
    loader.resolve_aliases(implicit=True)
    return package


def room_names(package: griffe.Module) -> list[str]:
    """Return the modules that have a page, in the order of the pages; a room that nobody has named is an error."""
    there = [name for name in package.modules if name not in NOT_ROOMS and not name.startswith("_")]
    unknown = [name for name in there if name not in ROOMS]
    if unknown:
        raise SystemExit(f"docs/make/reference.py: ROOMS has no title for {unknown}.")
    return [room for room in ROOMS if room.split(".")[0] in there]


def public_names(module: griffe.Module) -> list[str]:
    """Return a module's public names: those that its lazy table or its `__all__` names, else those it defines."""
    homes = module.members.get("_HOMES")
    if homes is not None and isinstance(homes.value, griffe.ExprDict):
        return sorted(str(key).strip("'\"") for key in homes.value.keys)
    if module.exports is not None:
        return sorted(str(name) for name in module.exports)
    return [
        name
        for name, member in module.members.items()
        if not name.startswith("_") and not member.is_alias and (member.is_class or member.is_function)
    ]


def _room_page(package: griffe.Module, room: str) -> str:
    module = package[room]
    functions, classes, others = [], [], []
    for name in public_names(module):
        member = module[name]
        kind = functions if member.is_function else classes if member.is_class else others
        kind.append(name)
    if room == "errors":
        classes = public_names(module)  # in the order of the tree
    path = f"seqexplain.{room}"
    lines = [
        f"# {ROOMS[room]}",
        "",
        f"`{path}`",
        "",
        _summary(module).replace(" See README.md here for the maths.", ""),
    ]
    lines += [
        "",
        f"The mathematics is under [{ROOMS[room].split(':')[0]}](../methods/{MATHS[room]})." if room in MATHS else "",
        "",
    ]
    if functions and classes:
        lines += ["**Functions** " + _links(path, functions), "", "**Types** " + _links(path, classes), ""]
    for name in (*functions, *classes, *others):
        lines += [f"::: {path}.{name}", ""]
    return "\n".join(lines)


def _links(path: str, names: list[str]) -> str:
    return " · ".join(f"[`{name}`][{path}.{name}]" for name in names)


def _index(package: griffe.Module) -> str:
    lines = [
        "# Names",
        "",
        "What `import seqexplain as sx` offers. Each name lives in a module, whose page has the rest.",
        "",
    ]
    rows: dict[str, list[str]] = {}
    for name, room in _homes(package):
        rows.setdefault(room, []).append(name)
    for room in (room for room in ROOMS if room in rows):
        lines += [f"## {ROOMS[room]}", "", "| | |", "| --- | --- |"]
        for name in sorted(rows[room]):
            lines.append(f"| [`{name}`][seqexplain.{room}.{name}] | {_summary(package[room][name])} |")
        lines.append("")
    return "\n".join(lines)


def _homes(package: griffe.Module) -> Iterator[tuple[str, str]]:
    homes = package["_HOMES"].value
    for key, value in zip(homes.keys, homes.values, strict=True):
        yield str(key).strip("'\""), str(value).strip("'\"")


def _summary(thing: griffe.Object | griffe.Alias) -> str:
    text = thing.docstring.value if thing.docstring else ""
    return with_indices(cell(" ".join(text.split("\n\n")[0].split())))
