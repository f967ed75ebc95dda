"""Motifs in a folder: everything comes back, and nothing of somebody else's is touched."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from seqexplain.errors import FileFormatError, MissingFileError, ParameterError, StorageError
from seqexplain.motifs import PatternSet, load_motifs, open_contributions, read_motifs, save_motifs, stack_pattern
from seqexplain.results import Attributions, Interval
from seqexplain.sequences import one_hot


@pytest.fixture
def source():
    generator = np.random.default_rng(1)
    X = one_hot(["".join(generator.choice(list("ACGT"), 40)) for _ in range(6)])
    hypothetical = generator.normal(size=X.shape).astype(np.float32)
    return open_contributions(
        Attributions(
            contributions=hypothetical * X, X=X, predictions=np.zeros(6, np.float32), hypothetical=hypothetical,
            names=("a\tb", "b", "c", "d", "e", "f"), targets=("t",), method="made up",
            intervals=tuple(Interval("chr1", 100 * i, 100 * i + 40, "+-"[i % 2]) for i in range(6)),
        )
    )  # fmt: skip


@pytest.fixture
def found(source):
    large = stack_pattern(source, [0, 1, 2], [2, 5, 11], 9, ["+", "-", "+"])
    against = stack_pattern(source, [4, 5], [2, 33], 9, ["+", "+"], sign=-1)
    made = PatternSet.of(source, [large, against], method="fast", parameters={"min_size": 2}, notes=["a note"])
    return replace(made, labels={"pos_0": "CTCF (MA0139.2)"})


def test_all_comes_back(found, source, tmp_path):
    place = save_motifs(found, tmp_path / "m", source)
    again = load_motifs(place)
    assert (again.method, again.notes, dict(again.labels)) == ("fast", ("a note",), {"pos_0": "CTCF (MA0139.2)"})
    assert [p.id for p in again] == ["pos_0", "neg_0"]
    np.testing.assert_allclose(again["pos_0"].cwm, found["pos_0"].cwm, atol=1e-6)
    assert again.names == found.names
    assert {p.name for p in place.iterdir()} == {
        "motifs.tsv", "occurrences.tsv", "motifs.meme", "motifs.h5", "logos.svg", "logos.png", "motifs.json",
    }  # fmt: skip
    table = pd.read_csv(place / "motifs.tsv", sep="\t")
    assert table["name"].fillna("").tolist() == ["CTCF (MA0139.2)", ""]
    assert table["size"].tolist() == [3, 2]
    places = pd.read_csv(place / "occurrences.tsv", sep="\t")
    assert places["sequence"].tolist() == ["a b", "b", "c", "e", "f"]  # a tab in a name parts no columns
    low, high = found["pos_0"].core
    second = places.iloc[1]  # on the - strand, in a sequence that was read from the - strand
    assert (second["start"], second["end"], second["strand"]) == (5 + 9 - high, 5 + 9 - low, "-")
    assert (second["genome_start"], second["genome_end"], second["genome_strand"]) == (
        140 - second["end"], 140 - second["start"], "+",
    )  # fmt: skip
    assert [m.id for m in read_motifs(place / "motifs.meme")] == ["pos_0", "neg_0"]


def test_parts_of_motifs_are_within_reach(found, source, tmp_path):
    """By id, as patterns of their own, as a column of the occurrences, and as files."""
    whole = stack_pattern(source, [0, 1, 2, 3], [2, 5, 11, 20], 9, ["+", "-", "+", "-"])
    one, two = (
        stack_pattern(source, np.arange(4)[rows], np.array([2, 5, 11, 20])[rows], 9, np.array(list("+-+-"))[rows])
        for rows in ([1, 3], [0, 2])
    )
    against = found["neg_0"]
    divided = PatternSet.of(
        source, [replace(whole, subpatterns=(one, two)), against], method="fast", parameters={}, notes=[]
    )
    divided = replace(divided, labels={"pos_0": "CTCF (MA0139.2)"})
    again = load_motifs(save_motifs(divided, tmp_path / "m", source))
    for motifs in (divided, again):
        parts = motifs.subpatterns()
        assert [part.id for part in parts] == ["pos_0.0", "pos_0.1"]
        assert motifs["pos_0.1"].sequence.tolist() == [0, 2]
        assert motifs[np.int64(1)].id == "neg_0"
        assert parts.to_table()["name"].tolist() == ["CTCF (MA0139.2)"] * 2
        with pytest.raises(ParameterError, match=r"no pattern 'pos_0\.2'"):
            motifs["pos_0.2"]
    assert len(against.subpatterns) == len(found.subpatterns()) == 0
    table = pd.read_csv(tmp_path / "m" / "subpatterns.tsv", sep="\t")
    assert table["pattern"].tolist() == ["pos_0.0", "pos_0.1"]
    assert table["size"].tolist() == [2, 2]
    assert [m.id for m in read_motifs(tmp_path / "m" / "subpatterns.meme")] == ["pos_0.0", "pos_0.1"]
    assert (tmp_path / "m" / "subpatterns.svg").stat().st_size > 1000
    places = pd.read_csv(tmp_path / "m" / "occurrences.tsv", sep="\t", keep_default_na=False)
    assert places["subpattern"].tolist() == ["pos_0.1", "pos_0.0", "pos_0.1", "pos_0.0", "", ""]


def test_no_motif_is_a_result_too(source, tmp_path):
    none = PatternSet.of(source, [], method="fast", parameters={}, notes=["3 seqlets are too few to cluster."])
    place = save_motifs(none, tmp_path / "m", source)
    assert not (place / "motifs.meme").exists()
    again = load_motifs(place)
    assert len(again) == 0
    assert again.notes == ("3 seqlets are too few to cluster.",)
    with pytest.raises(ParameterError, match="too few to cluster"):
        again.plot()


def test_what_stands_there_is_kept(found, source, tmp_path):
    place = save_motifs(found, tmp_path / "m", source)
    with pytest.raises(StorageError, match="--overwrite"):
        save_motifs(found, place, source)
    small = replace(found, patterns=found.patterns[:1])
    save_motifs(small, place, source, overwrite=True)
    assert len(load_motifs(place)) == 1
    other = tmp_path / "mine"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(StorageError, match="never overwritten"):
        save_motifs(found, other, source, overwrite=True)
    assert (other / "thesis.txt").read_text() == "years of work"
    with pytest.raises(StorageError, match="does not exist"):
        save_motifs(found, tmp_path / "no" / "m", source)


def test_a_failure_leaves_the_old_folder(found, source, tmp_path):
    place = save_motifs(found, tmp_path / "m", source)
    before = (place / "motifs.json").read_text()
    stranger = replace(found, length=41)
    with pytest.raises(ParameterError, match="41 bp"):
        save_motifs(stranger, place, source, overwrite=True)
    assert (place / "motifs.json").read_text() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_what_is_no_folder_of_motifs(tmp_path):
    with pytest.raises(MissingFileError, match="seqexplain motifs"):
        load_motifs(tmp_path / "none")
    (tmp_path / "x").mkdir()
    with pytest.raises(FileFormatError, match="no folder of motifs"):
        load_motifs(tmp_path / "x")
    (tmp_path / "x" / "motifs.json").write_text(json.dumps(["no mapping"]))
    with pytest.raises(FileFormatError, match="no folder of motifs"):
        load_motifs(tmp_path / "x")


@pytest.mark.parametrize("labels", [None, ["CTCF"], "CTCF"])
def test_labels_that_are_none_are_told(found, source, tmp_path, labels):
    place = save_motifs(found, tmp_path / "motifs", source)
    summary = json.loads((place / "motifs.json").read_text())
    (place / "motifs.json").write_text(json.dumps(summary | {"labels": labels}))
    with pytest.raises(FileFormatError, match="labels are"):
        load_motifs(place)


def test_hits_have_the_labels_of_the_motifs(found, source):
    from seqexplain.motifs import find_hits

    hits = find_hits(source, found, q_value=1.0, p_value=1.0, null_windows=1000)
    labels = dict(zip(hits.patterns, hits.labels, strict=True))
    assert labels["pos_0"] == "CTCF (MA0139.2)"
    assert labels["neg_0"] == found["neg_0"].trimmed().consensus
