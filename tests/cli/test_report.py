"""`seqexplain report`."""

from __future__ import annotations

from pathlib import Path


def test_a_page_of_a_store(cli, store, tmp_path):
    done = cli("report", store, "-o", "page.html", "--target", "1", "--title", "CTCF & PU.1")
    assert done.code == 0, done.err
    assert done.out.startswith("page.html: 12 sequences; ")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "<title>CTCF &amp; PU.1 · seqexplain</title>" in text
    assert "DeepLIFT" in text
    again = cli("report", store, "-o", "page.html", "--target", "1")
    assert again.code == 2
    assert "page.html exists already; choose another name, or pass --overwrite" in again.err


def test_mistakes_are_said_in_the_words_of_the_command_line(cli, store):
    for arguments, words in (
        (("-o", "page.html"), "2 targets"),
        (("-o", "page.html", "--target", "7"), "Target 7 is out of range"),
        (("-o", "page.txt", "--target", "0"), "give a name that ends in .html"),
        (("-o", "page.html", "--target", "0", "--hits", "computed"), "give the folder that `seqexplain motifs` wrote"),
        (("-o", "page.html", "--target", "0", "--sis", "no.zarr"), "expected one that `seqexplain sis` wrote"),
        (("-o", "page.html", "--target", "0", "--ism", store), "holds no effects of substitutions"),
        (("no-motifs", "-o", "page.html", "--target", "0"), "There is no no-motifs"),
        (("-o", "nowhere/page.html", "--target", "0"), "does not exist. Make it first"),
    ):
        done = cli("report", store, *arguments)
        assert done.code == 2, (arguments, done.err)
        assert words in done.err, (arguments, done.err)
        assert done.err.count("\n") == 1
    assert not Path("page.html").exists()


def test_the_demo_has_a_page_with_motifs_and_hits(tmp_path):
    from dataclasses import replace

    import numpy as np

    from seqexplain.cli._demo_report import write_demo_report
    from seqexplain.results import Attributions
    from seqexplain.storage import save

    g = np.random.default_rng(0)
    codes = g.integers(0, 4, (60, 100))
    word = ["ACGT".index(base) for base in "CCACTAGGTGGCAG"]
    for row, at in enumerate(g.integers(20, 60, 60)):
        codes[row, at : at + len(word)] = word
    X = np.eye(4, dtype=np.float32)[codes]
    planted = np.zeros((60, 100), dtype=bool)
    for row in range(60):
        at = "".join("ACGT"[k] for k in codes[row]).index("CCACTAGGTGGCAG")
        planted[row, at : at + len(word)] = True
    hypothetical = (X * np.where(planted, 1.0, 0.03)[..., None] * g.normal(1, 0.2, (60, 100, 1))).astype(np.float32)
    results = Attributions(contributions=hypothetical * X, X=X, predictions=np.ones(60, np.float32), targets=("0",))
    save(replace(results, hypothetical=hypothetical, method="deeplift"), tmp_path / "ctcf.zarr")
    done = write_demo_report(tmp_path / "ctcf.zarr", tmp_path / "ctcf.html", title="CTCF")
    assert done.motifs >= 1
    assert done.hits >= 50
    assert "CTCF" in done.path.read_text("utf-8").split('id="head">')[1][:20_000]
