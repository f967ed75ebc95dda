"""The pages of the documentation: nothing public is left out, and the tools that make them do what they say."""

import importlib
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs" / "make"))

if not os.environ.get("CI"):
    pytest.importorskip("griffe", reason='building the documentation needs pip install ".[docs]"')
    pytest.importorskip("yaml", reason='building the documentation needs pip install ".[docs]"')

from check_site import find_problems  # noqa: E402
from commands import write_commands  # noqa: E402
from included import relinked, spaced, write_citation, write_included  # noqa: E402
from indices import cell, with_bars, with_indices  # noqa: E402
from notebooks import write_notebooks  # noqa: E402
from pages import check_navigation, with_tutorials, write_pages  # noqa: E402
from reference import load_package, public_names, room_names, write_reference  # noqa: E402
from rst_tables import with_markdown_tables  # noqa: E402


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """All pages, as they are before the site is built."""
    folder = tmp_path_factory.mktemp("stage")
    write_pages(ROOT, folder)
    write_included(ROOT, folder)
    write_citation(ROOT, folder)
    write_notebooks(ROOT, folder)
    write_commands(folder)
    write_reference(ROOT, folder)
    return folder


def test_navigation_names_every_page(stage):
    check_navigation(ROOT, stage)
    (stage / "stray.md").write_text("# Stray\n")
    with pytest.raises(SystemExit, match=r"leaves out \['stray\.md'\]"):
        check_navigation(ROOT, stage)
    (stage / "stray.md").unlink()


def test_reference_has_every_public_name(stage):
    """What the package offers when it runs is what is found in its source, and each has an entry."""
    package = load_package(ROOT)
    for room in room_names(package):
        module = importlib.import_module(f"seqexplain.{room}")
        offered = {name for name in getattr(module, "__all__", ()) if not name.startswith("__")}
        names = set(public_names(package[room]))
        assert offered <= names, room
        text = (stage / "api" / f"{room}.md").read_text()
        assert all(f"::: seqexplain.{room}.{name}\n" in text for name in names), room
    import seqexplain

    index = (stage / "api" / "index.md").read_text()
    assert all(f"[`{name}`]" in index for name in seqexplain.__all__ if name != "__version__")


def test_command_line_reference_has_every_option(stage):
    import typer.main

    from seqexplain.cli.main import app

    sections = (stage / "cli.md").read_text().split("\n## ")
    by_name = {section.split("\n")[0]: section for section in sections[1:]}
    commands = typer.main.get_command(app).commands
    assert set(by_name) == set(commands)
    for name, command in commands.items():
        for parameter in command.params:
            for option in parameter.opts:
                assert not option.startswith("--") or option == "--help" or f"`{option}" in by_name[name], (
                    name,
                    option,
                )


GUIDE = ROOT / "docs" / "pages" / "methods"


def test_method_guide_has_every_method():
    """Each method of the catalogue, and each public function of these rooms, stands in the guide."""
    import inspect

    import seqexplain
    from seqexplain.pipeline._catalogue import CATALOGUE

    guide = "".join(path.read_text() for path in GUIDE.glob("*.md"))
    wanted = {f"[seqexplain.{entry.room}.{name}]" for name, entry in CATALOGUE.items()}
    for name, room in seqexplain._HOMES.items():
        reads_or_writes = name.startswith(("load", "save", "read", "write"))
        computes = room in ("attribution", "perturbation", "features", "motifs") and not reads_or_writes
        if computes and inspect.isfunction(getattr(seqexplain, name)):
            wanted.add(f"[seqexplain.{room}.{name}]")
    assert {link for link in wanted if link not in guide} == set()


@pytest.mark.parametrize("page", ["attribution.md", "perturbation.md"])
def test_every_method_has_its_answer_equation_cost_and_limits(page):
    sections = (GUIDE / page).read_text().split("\n## ")[1:]
    assert len(sections) > 10
    for section in sections:
        lacking = [part for part in ("**Answers**", "{ .eq }", "**Cost", "**Misleads**") if part not in section]
        assert not lacking, section.split("\n")[0]


def test_links_between_files_become_links_between_pages():
    text = "[a](benchmarks/README.md#x) ![b](docs/images/digits.png) [c](data/train.py) [d](https://e.f)"
    assert relinked(text, ROOT, "README.md", "methods/x.md") == (
        "[a](../about/benchmarks.md#x) ![b](../images/digits.png) c [d](https://e.f)"
    )
    with pytest.raises(SystemExit, match=r"README\.md: links to nowhere\.md, which does not exist"):
        relinked("[a](nowhere.md)", ROOT, "README.md", "x.md")


def test_lists_get_an_empty_line_before_them():
    assert spaced("such as\n- a\n- b\n  goes on\n- c\n# H") == "such as\n\n- a\n- b\n  goes on\n- c\n\n# H\n"
    assert spaced("```\nx\n- y\n```") == "```\nx\n- y\n```\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Σ_c m_c r_c", "Σ<sub>c</sub> m<sub>c</sub> r<sub>c</sub>"),
        ("x_{i+1} and t^{2}", "x<sub>i+1</sub> and t<sup>2</sup>"),
        ("`n_s` and max_pool", "`n_s` and max_pool"),
        ("```\nx_i\n```", "```\nx_i\n```"),
        ("z_ij⁺ / w_ij² z_j^s", "z<sub>ij</sub>⁺ / w<sub>ij</sub>² z<sub>j</sub><sup>s</sup>"),
        ("map_i CWM_{jb} shape (n_seq, n)", "map<sub>i</sub> CWM<sub>jb</sub> shape (n_seq, n)"),
        ("[x_i](x_i.md)", "[x<sub>i</sub>](x_i.md)"),
    ],
)
def test_indices_are_set_low_outside_of_code(text, wanted):
    assert with_indices(text) == wanted


def test_notebooks_become_pages_with_their_pictures(tmp_path):
    import base64
    import json

    picture = {"output_type": "display_data", "data": {"image/png": base64.b64encode(b"png").decode()}}
    stream = {"output_type": "stream", "text": ["one\n", "two\n"]}
    cells = [
        {"cell_type": "markdown", "source": ["# First\n", "see [two](2.ipynb)\n", "- a\n"]},
        {"cell_type": "code", "source": ["f(x)[0](1)"], "outputs": [stream, picture]},
    ]
    tutorials = tmp_path / "tutorials"
    tutorials.mkdir()
    for name in ("1", "2"):
        (tutorials / f"{name}.ipynb").write_text(json.dumps({"cells": cells}))
    write_notebooks(tmp_path, tmp_path / "tutorials")
    page = (tutorials / "tutorials" / "1.md").read_text()
    assert page.startswith("# First\nsee [two](2.md)\n\n- a\n")
    assert "```python\nf(x)[0](1)\n```" in page
    assert "```text\none\ntwo\n```" in page
    assert "![](1_1_1.png)" in page
    assert (tutorials / "tutorials" / "1_1_1.png").read_bytes() == b"png"
    assert "[First](2.md)" in (tutorials / "tutorials" / "index.md").read_text()


def test_tutorials_are_in_the_navigation(tmp_path):
    (tmp_path / "tutorials").mkdir()
    for name in ("index", "01-a", "02-b"):
        (tmp_path / "tutorials" / f"{name}.md").write_text(f'# {name}: "why?"\n')
    nav = with_tutorials((ROOT / "mkdocs.yml").read_text(), tmp_path)
    assert '  - Tutorials:\n      - tutorials/index.md\n      - "01-a: \\"why?\\"": tutorials/01-a.md\n' in nav
    with pytest.raises(SystemExit, match="no line of tutorials"):
        with_tutorials("nav: []", tmp_path)


def test_bars_in_tables_are_escaped_but_not_in_code():
    assert cell("`a|b` c|d `e\\|f`") == "`a|b` c\\|d `e|f`"
    assert with_bars("| `a\\|b` | c\\|d |\n`a\\|b`") == "| `a|b` | c\\|d |\n`a\\|b`"


def test_drawn_tables_become_markdown():
    rows = ["====  =====", "name  what", "====  =====", "a     one|two", "      more", "b     x", "====  ====="]
    text = "Before.\n\n" + "".join(f"    {row}\n" for row in rows) + "\nAfter."
    lines = [line for line in with_markdown_tables(text).splitlines() if line]
    assert lines == [
        "Before.",
        "    | name | what |",
        "    | --- | --- |",
        "    | a | one\\|two more |",
        "    | b | x |",
        "After.",
    ]


def test_faults_of_a_site_are_found(tmp_path):
    (tmp_path / "index.html").write_text('<a href="a.html#here">x</a><img src="i.png">')
    (tmp_path / "a.html").write_text('<p id="here">x</p>')
    (tmp_path / "i.png").write_bytes(b"")
    assert find_problems(tmp_path) == []
    (tmp_path / "a.html").write_text('<a href="b.html">x</a><script src="https://cdn.example/x.js"></script>')
    (tmp_path / "x.css").write_text("p { background: url(https://elsewhere/x.png) }")
    assert len(find_problems(tmp_path)) == 4  # no b.html, no such place, a script and a picture from elsewhere
