"""Files: whole, repeatable, and refused clearly."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from seqexplain.errors import MissingFileError, ParameterError
from seqexplain.plot import logo, save_figure, tracks

KINDS = ("svg", "png", "pdf")
STARTS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}


def picture():
    matrix = np.random.default_rng(0).normal(size=(12, 4))
    return tracks({"contribution": matrix, "line": matrix[:, 0]}, title="a title", highlight=[(2, 5, "site")])


@pytest.mark.parametrize("kind", KINDS)
def test_same_figure_same_bytes(tmp_path, kind):
    panels = picture()
    first = save_figure(panels, tmp_path / f"a.{kind}")
    again = save_figure(panels[0].figure, tmp_path / f"b.{kind.upper()}")
    anew = save_figure(picture()[1], str(tmp_path / f"c.{kind}"))
    assert first.read_bytes().startswith(STARTS[kind])
    assert first.read_bytes() == again.read_bytes() == anew.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a.{kind}", f"b.{kind.upper()}", f"c.{kind}"]


@pytest.mark.slow
def test_same_bytes_from_another_process(tmp_path):
    code = (
        "import sys, numpy as np; from seqexplain.plot import logo, save_figure;"
        "[save_figure(logo(np.eye(4), title='x'), f'{sys.argv[1]}.{k}') for k in ('svg', 'png', 'pdf')]"
    )
    for name in ("one", "two"):
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], check=True, cwd=Path(__file__).parents[2])
    for kind in KINDS:
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()


def test_text_in_svg_is_text_and_letters_are_outlines(tmp_path):
    path = save_figure(picture(), tmp_path / "a.svg")
    root = ElementTree.fromstring(path.read_bytes())
    written = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"a title", "site", "contribution", "position (bp)"} <= set(written)
    assert not {"A", "C", "G", "T"} & set(written)
    assert b"<dc:date>" not in path.read_bytes()
    assert b"CreationDate" not in save_figure(picture(), tmp_path / "a.pdf").read_bytes()


def test_dpi_sets_pixels(tmp_path):
    ax = logo(np.eye(4), figsize=(3, 2))
    assert imread(save_figure(ax, tmp_path / "a.png", dpi=50)).shape[:2] == (100, 150)
    assert imread(save_figure(ax, tmp_path / "a.png", dpi=100)).shape[:2] == (200, 300)


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.svg"
    path.write_text("old")
    figure = picture()[0].figure

    def fail(stream, **_):
        stream.write(b"half")
        raise RuntimeError("disk full")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        save_figure(figure, path)
    assert [item.name for item in tmp_path.iterdir()] == ["a.svg"]
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.jpg", r"ends in '\.jpg'.*\.svg, \.png or \.pdf"),
        ("a", "no suffix"),
        ("folder.svg", "is a folder"),
    ],
)
def test_refuses_paths(tmp_path, name, words):
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(ParameterError, match=words):
        save_figure(picture(), tmp_path / name)


def test_refuses_the_rest(tmp_path):
    with pytest.raises(MissingFileError, match="does not exist"):
        save_figure(picture(), tmp_path / "none" / "a.svg")
    for dpi in (0, -1, np.nan, "high"):
        with pytest.raises(ParameterError, match="dpi"):
            save_figure(picture(), tmp_path / "a.png", dpi=dpi)
    with pytest.raises(ParameterError, match="at most 65535"):
        save_figure(picture(), tmp_path / "a.png", dpi=1e5)
    for figure in ("figure", [], [1], [Figure().subplots(), Figure().subplots()]):
        with pytest.raises(ParameterError, match="figure"):
            save_figure(figure, tmp_path / "a.svg")
    assert not list(tmp_path.iterdir())


def test_subfigures_are_saved_with_the_whole(tmp_path):
    left, _ = Figure().subfigures(1, 2)
    ax = logo(np.eye(4), ax=left.subplots())
    assert save_figure(ax, tmp_path / "a.svg").stat().st_size > 0


def test_three_long_tracks_in_a_few_seconds(tmp_path):
    """1,000 bp with four letters a position, of processor time: logomaker alone takes tens of seconds."""
    rng = np.random.default_rng(0)
    values = {str(i): rng.normal(size=(1000, 4)) for i in range(3)}
    save_figure(tracks({"warm": np.eye(4)}), tmp_path / "warm.pdf")
    for kind in KINDS:
        begin = time.process_time()
        save_figure(tracks(values), tmp_path / f"a.{kind}")
        assert time.process_time() - begin < 3
