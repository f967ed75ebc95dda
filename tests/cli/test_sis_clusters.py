"""`seqexplain sis-clusters`: stores in, tables, motifs and logos out."""

from __future__ import annotations

import numpy as np
import pytest
from plain_reading import table
from scipy import stats

from seqexplain.motifs import read_motifs
from seqexplain.results import SufficientInputSubsets
from seqexplain.storage import save

GATA, EBOX = "GATAAG", "CACGTG"


def subsets(words: list[list[str]], seed: int = 0, targets: tuple[str, ...] = ("0",)) -> SufficientInputSubsets:
    """One sequence a list; its words lie 20 bp apart, each a subset of its own."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (len(words), 60))
    subset = np.zeros((len(words), 60), dtype=np.int32)
    for i, own in enumerate(words):
        for k, word in enumerate(own):
            at = 20 * k + int(rng.integers(10))
            codes[i, at : at + len(word)] = ["ACGT".index(letter) for letter in word]
            subset[i, at : at + len(word)] = k + 1
    X = np.eye(4, dtype=np.float32)[codes]
    n, zeros = len(words), np.zeros((len(words), 60), np.float32)
    fields = {
        "contributions": np.zeros_like(X), "predictions": np.ones(n, np.float32), "subset": subset, "rank": subset,
        "subset_value": zeros, "threshold": np.zeros(n, np.float32), "rest_predictions": np.zeros(n, np.float32),
        "masked_predictions": np.zeros(n, np.float32), "stopped": np.zeros(n, np.uint8),
    }  # fmt: skip
    if len(targets) > 1:
        fields = {name: np.stack([value] * len(targets), axis=1) for name, value in fields.items()}
        fields["subset"][:, 1][:, 20:] = 0  # the second target rests on the first word alone
    names = tuple(f"s{i}" for i in range(n))
    return SufficientInputSubsets(X=X, names=names, targets=targets, method="sufficient_input_subsets", **fields)


@pytest.fixture
def stores(tmp_path):
    save(subsets([[GATA, EBOX]] * 8), tmp_path / "new.zarr")
    save(subsets([[GATA]] * 6 + [[EBOX]] * 2, seed=1), tmp_path / "old.zarr")
    return tmp_path


def test_two_models_are_compared(cli, stores):
    outcome = cli(
        "sis-clusters", "new.zarr", "old.zarr", "-o", "c.tsv", "--members", "m.tsv", "--motifs", "x.meme", "--logos",
        "l.svg",
    )  # fmt: skip
    assert (outcome.code, outcome.err) == (0, "")
    header, rows = table((stores / "c.tsv").read_text())
    found = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(r["consensus"], r["size"]) for r in found] == [(GATA, "14"), (EBOX, "10")]
    assert [(r["count new"], r["count old"]) for r in found] == [("8", "6"), ("8", "2")]
    np.testing.assert_allclose([float(found[0]["share new"]), float(found[0]["share old"])], [0.5, 0.75])
    p = stats.fisher_exact([[8, 6], [8, 2]])[1]
    assert float(found[0]["p_value"]) == pytest.approx(p, rel=1e-5)
    _, members = table((stores / "m.tsv").read_text())
    assert len(members) == 24
    assert members[0][:2] == ["new", "s0"]
    motifs = read_motifs(stores / "x.meme")
    assert [(m.id, m.name, m.consensus) for m in motifs] == [("cluster_0", GATA, GATA), ("cluster_1", EBOX, EBOX)]
    assert (stores / "l.svg").read_text().startswith("<?xml")
    assert "24 subsets in 24 pieces: 2 clusters, 0 pieces in none" in outcome.out
    assert "0: GATAAG, 14 pieces; in the subsets of new 50 %, old 75 %" in outcome.out
    again = cli("sis-clusters", "new.zarr", "-o", "c.tsv")
    assert (again.code, "exists already" in again.err) == (2, True)


def test_labels_of_one_store(cli, stores):
    (stores / "labels.tsv").write_text(
        "# name\tlabel\n" + "".join(f"s{i}\t{'right' if i < 6 else 'wrong'}\n" for i in range(8))
    )
    outcome = cli("sis-clusters", "old.zarr", "--labels", "labels.tsv", "--min-size", "2")
    assert (outcome.code, outcome.err) == (0, "")
    header, rows = table(outcome.out)
    assert [row[header.index("share right")] for row in rows] == ["1", "0"]
    assert [row[header.index("share wrong")] for row in rows] == ["0", "1"]


def test_targets_of_one_store(cli, stores):
    save(subsets([[GATA, EBOX]] * 8, targets=("a", "b")), stores / "two.zarr")
    header, rows = table(cli("sis-clusters", "two.zarr").out)
    assert [(r[1], r[header.index("count target a")], r[header.index("count target b")]) for r in rows] == [
        (GATA, "8", "8"),
        (EBOX, "8", "0"),
    ]
    header, rows = table(cli("sis-clusters", "two.zarr", "--target", "b").out)
    assert [row[1] for row in rows] == [GATA]
    assert "share" not in " ".join(header)
    outcome = cli("sis-clusters", "two.zarr", "new.zarr")
    assert (outcome.code, "--target a" in outcome.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.zarr"], "missing.zarr"),
        (["new.zarr", "new.zarr"], "given twice"),
        (["new.zarr", "old.zarr", "--labels", "labels.tsv"], "one or the other"),
        (["new.zarr", "--labels", "absent.tsv"], "does not exist"),
        (["new.zarr", "--labels", "labels.tsv"], "no label for 7 sequences"),
        (["new.zarr", "--max-distance", "3"], "--max-distance"),
        (["new.zarr", "--min-size", "1"], "--min-size"),
        (["new.zarr", "--logos", "l.gif"], ".svg, .png, .pdf"),
        (["new.zarr", "-o", "t", "--motifs", "t"], "a name of its own"),
        (["new.zarr", "--min-bases", "9"], "no piece of 9 bases"),
        (["STORE"], "which are no subsets"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(cli, stores, store, words, message):
    (stores / "labels.tsv").write_text("s0\tright\n")
    before = sorted(stores.iterdir())
    outcome = cli("sis-clusters", *(str(store) if word == "STORE" else word for word in words))
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert sorted(stores.iterdir()) == before


def test_no_cluster_is_said(cli, stores):
    outcome = cli("sis-clusters", "old.zarr", "--min-size", "20", "-o", "c.tsv", "--motifs", "x.meme")
    assert (outcome.code, outcome.err) == (0, "")
    assert "No cluster" in outcome.out
    assert not (stores / "x.meme").exists()
    assert table((stores / "c.tsv").read_text())[1] == []
