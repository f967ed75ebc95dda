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
