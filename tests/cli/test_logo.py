"""`seqexplain logo`."""

from __future__ import annotations

import re
import shutil

import pytest

from seqexplain.cli._logo import parse_highlight
from seqexplain.results import Interval

SIGNATURES = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
NAME = "chr9:36995970-36996070"


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_pictures(cli, store, tmp_path, kind):
    outcome = cli("logo", store, "--sequence", NAME, "--start", "20", "--end", "80", "-o", f"x.{kind}")
    assert outcome == (0, f"x.{kind}\n", "")
    first = (tmp_path / f"x.{kind}").read_bytes()
    assert first.startswith(SIGNATURES[kind])
    assert cli("logo", store, "--position", "0", "--start", "20", "--end", "80", "-o", f"x.{kind}").code == 0
    assert (tmp_path / f"x.{kind}").read_bytes() == first


def test_what_is_drawn(cli, store, tmp_path):
    """Both targets by default; one, both kinds of contributions, labels and titles where asked for."""

    def drawn(*options: str) -> list[str]:
        outcome = cli("logo", store, "--sequence", NAME, "-o", "x.svg", *options)
        assert (outcome.code, outcome.err) == (0, "")
        return texts((tmp_path / "x.svg").read_text("utf-8"))

    both = drawn()
    assert {"0", "1", NAME} <= set(both)
    one = drawn("--target", "1")
    assert "contribution (logit)" in " ".join(one)
    assert f"{NAME} · target 1" in one
    assert "hypothetical contribution (logit)" in " ".join(drawn("--target", "1", "--hypothetical"))
    four = drawn("--tracks", "contributions", "--tracks", "hypothetical")
    assert {"contribution 0", "contribution 1", "hypothetical 0", "hypothetical 1"} <= set(four)
    assert {"contribution", "hypothetical"} <= set(
        drawn("--target", "0", "--tracks", "contributions", "--hypothetical")
    )
    labelled = drawn("--highlight", "30-45:GATA", "--highlight", "chr9:36996030-36996040:here", "--title", "mine")
    assert {"GATA", "here", "mine"} <= set(labelled)
    assert "sequence (bp, 0-based)" not in drawn("--coordinates", "genome")
    assert drawn("--coordinates", "sequence") != drawn("--coordinates", "genome")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("30-45", (30, 45, "")),
        ("30-45:a:b", (30, 45, "a:b")),
        ("chr8:100-120", (Interval("chr8", 100, 120), "")),
        ("chr8:100-120:GATA", (Interval("chr8", 100, 120), "GATA")),
    ],
)
def test_highlights(text, wanted):
    assert parse_highlight(text) == wanted


def test_an_unfinished_store_shows_what_it_has(cli, store, tmp_path):
    """What was explained before a job was stopped can be looked at."""
    shutil.copytree(store, tmp_path / "part.zarr")
    assert cli("logo", "part.zarr", "--position", "0", "-o", "x.png").code == 0
