"""`seqexplain motifs` and `seqexplain hits`: from stores to named motifs and places, and what comes of poor input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seqexplain.results import Attributions, Interval
from seqexplain.sequences import one_hot
from seqexplain.storage import save

GATA, EBOX = "AGATAAGG", "ACCATCTGTT"


def planted(
    n: int, length: int = 80, *, words: tuple[str, ...] = (GATA, EBOX), noise: float = 0.02, seed: int = 0
) -> Attributions:
    """One word a sequence, on either strand; its bases contribute 1, each other base hardly anything."""
    generator = np.random.default_rng(seed)
    hypothetical = generator.normal(0, noise, (n, length, 4)).astype(np.float32)
    sequences, names = [], []
    for i in range(n):
        word = words[i % len(words)]
        bases = list(generator.choice(list("ACGT"), length))
        turned = generator.random() < 0.5
        placed = word[::-1].translate(str.maketrans("ACGT", "TGCA")) if turned else word
        at = int(generator.integers(3, length - len(word) - 3))
        bases[at : at + len(word)] = placed
        for k, base in enumerate(placed):
            hypothetical[i, at + k] += np.where(np.array(list("ACGT")) == base, 1.0, -0.33)
        sequences.append("".join(bases))
        names.append(f"{word}:{at}:{'-' if turned else '+'}:{i}")
    X = one_hot(sequences)
    return Attributions(
        contributions=hypothetical * X, X=X, predictions=np.zeros(n, np.float32), hypothetical=hypothetical,
        names=tuple(names), targets=("t",), method="planted",
        intervals=tuple(Interval("chr1", 1000 * i, 1000 * i + length, "+-"[i % 2]) for i in range(n)),
    )  # fmt: skip


def replaced(result: Attributions, **fields: object) -> Attributions:
    from dataclasses import replace

    return replace(result, **fields)


def test_motifs_are_found_named_and_placed(cli):
    result = planted(240)
    save(result, "peaks.zarr")
    done = cli("motifs", "peaks.zarr", "-o", "motifs")
    assert done.code == 0, done.err
    assert "2 motifs in 240 sequences of 80 bp" in done.out
    table = pd.read_csv("motifs/motifs.tsv", sep="\t")
    names = dict(zip(table["pattern"], table["name"], strict=True))
    assert sum("GATA" in name.upper() for name in names.values()) == 1
    consensus = set(table["consensus"])
    turned = {word[::-1].translate(str.maketrans("ACGT", "TGCA")) for word in consensus}
    assert any("GATAA" in word for word in consensus | turned)
    assert any("CATCTG" in word for word in consensus | turned)

    done = cli("hits", "peaks.zarr", "motifs", "-o", "hits.bed", "-o", "hits.tsv.gz")
    assert done.code == 0, done.err
    hits = pd.read_csv("hits.tsv.gz", sep="\t")
    places = [name.split(":") for name in hits["sequence"]]
    right = [
        abs((start + end) / 2 - (int(at) + len(word) / 2)) <= 2
        for start, end, (word, at, _, _) in zip(hits["start"], hits["end"], places, strict=True)
    ]
    assert np.mean(right) > 0.95
    assert len({name for name, ok in zip(hits["sequence"], right, strict=True) if ok}) > 225
    strands = {}
    for pattern, strand, (word, _, planted_strand, _) in zip(hits["pattern"], hits["strand"], places, strict=True):
        strands.setdefault((pattern, word), []).append(strand == planted_strand)
    for (_, _), same in strands.items():  # the pattern reads as the word does, or the other way round, always
        assert len(same) < 5 or max(np.mean(same), 1 - np.mean(same)) > 0.95
    bed = pd.read_csv("hits.bed", sep="\t")
    assert set(bed["#chrom"]) == {"chr1"}
    first = bed.iloc[0]
    row = int(first["sequence"].split(":")[-1])
    assert 1000 * row <= first["chromStart"] < first["chromEnd"] <= 1000 * row + 80


def test_the_same_command_gives_the_same_motifs(cli):
    save(planted(120), "peaks.zarr")
    for place in ("a", "b"):
        assert cli("motifs", "peaks.zarr", "-o", place, "--database", "none").code == 0
    for name in ("motifs.tsv", "occurrences.tsv", "motifs.meme", "motifs.json"):
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes()


def test_a_background_of_shuffled_sequences_is_what_seqlets_stand_out_against(cli):
    """The recipe: shuffle, explain (here: nothing but noise), motifs."""
    result = planted(240)
    save(result, "peaks.zarr")
    assert cli("shuffle", "peaks.zarr", "-o", "shuffled.fa").code == 0
    X = one_hot([line for line in Path("shuffled.fa").read_text().splitlines() if not line.startswith(">")])
    noise = np.random.default_rng(1).normal(0, 0.02, X.shape).astype(np.float32)
    save(replaced(result, X=X, hypothetical=noise, contributions=noise * X, intervals=None), "shuffled.zarr")
    done = cli("motifs", "peaks.zarr", "-o", "motifs", "--background", "shuffled.zarr", "--database", "none")
    assert done.code == 0, done.err
    summary = json.loads(Path("motifs/motifs.json").read_text())
    assert summary["parameters"]["null"] == "background"
    assert summary["parameters"]["background"] == "shuffled.zarr"
    assert len(summary["patterns"]) == 2
    # the same contributions as a background: nothing stands out
    done = cli("motifs", "peaks.zarr", "-o", "none", "--background", "peaks.zarr", "--database", "none")
    assert done.code == 0, done.err
    assert "0 motifs" in done.out


def test_seqlets_are_drawn_alike_from_shuffled_rows(cli):
    result = planted(240)
    order = np.random.default_rng(2).permutation(240)
    save(result, "peaks.zarr")
    save(result.take(order), "turned.zarr")
    found = []
    for name in ("peaks", "turned"):
        done = cli("motifs", f"{name}.zarr", "-o", name, "--max-seqlets", "120", "--database", "none")
        assert done.code == 0, done.err
        assert "120 of" in done.out
        table = pd.read_csv(f"{name}/occurrences.tsv", sep="\t")
        found.append(sorted(zip(table["pattern"], table["sequence"], table["start"], strict=True)))
    assert found[0] == found[1]


def n_sequences(n: int) -> Attributions:
    return planted(n)


def without_bases() -> Attributions:
    result = planted(40)
    nothing = np.zeros_like(result.X)
    return replaced(result, X=nothing, contributions=nothing, hypothetical=nothing)


def without_contributions() -> Attributions:
    result = planted(40)
    nothing = np.zeros_like(result.X)
    return replaced(result, contributions=nothing, hypothetical=nothing)


def one_motif() -> Attributions:
    return planted(150, words=(GATA,))


def short() -> Attributions:
    return planted(150, length=60)


def very_short() -> Attributions:
    return planted(150, length=18)


def repeated() -> Attributions:
    return planted(1).take(np.zeros(100, dtype=int))


def with_unknown() -> Attributions:
    result = planted(150)
    X, hypothetical = result.X.copy(), result.hypothetical.copy()
    X[:, :5], hypothetical[:, :5] = 0, 0
    X[::3, 40:50], hypothetical[::3, 40:50] = 0, 0
    return replaced(result, X=X, hypothetical=hypothetical, contributions=hypothetical * X)


INPUTS = {
    "20 sequences": lambda: n_sequences(20), "2 sequences": lambda: n_sequences(2),
    "1 sequence": lambda: n_sequences(1),
    "all N": without_bases, "contributions of 0": without_contributions, "one motif only": one_motif, "60 bp": short,
    "18 bp": very_short, "the same sequence 100 times": repeated, "stretches of N": with_unknown,
}  # fmt: skip
HAVE_MOTIFS = {"one motif only", "60 bp", "stretches of N"}


@pytest.mark.parametrize("case", INPUTS)
@pytest.mark.parametrize("method", ["fast", pytest.param("modisco", marks=pytest.mark.slow)])
def test_poor_input_gives_a_result_or_a_plain_statement(cli, case, method):
    if method == "modisco":
        pytest.importorskip("modiscolite", reason="needs seqexplain[modisco]")
    save(INPUTS[case](), "in.zarr")
    done = cli("motifs", "in.zarr", "-o", "motifs", "--method", method, "--database", "none")
    assert done.code == 0, done.err
    summary = json.loads(Path("motifs/motifs.json").read_text())
    assert summary["patterns"] or summary["notes"]
    for note in summary["notes"]:
        assert "\n" not in note
        assert len(note) < 300
    if case in HAVE_MOTIFS:
        assert summary["patterns"]
    done = cli("hits", "in.zarr", "motifs", "-o", "hits.tsv")
    assert done.code == 0, done.err
    assert Path("hits.tsv").read_text().startswith("sequence\tstart\tend\tstrand")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("motifs", "none.zarr", "-o", "m"), "none.zarr"),
        (("motifs", "two.zarr", "-o", "m"), "--target"),
        (("motifs", "in.zarr", "-o", "m", "--method", "filters"), "--model"),
        (("motifs", "in.zarr", "-o", "m", "--window", "50"), "--method modisco"),
        (("motifs", "in.zarr", "-o", "m", "--database", "none.meme"), "none.meme"),
        (("motifs", "in.zarr", "-o", "m", "--fdr", "5"), "--fdr is 5"),
        (("motifs", "in.zarr", "-o", "m", "--method", "sis"), "subsets"),
        (("motifs", "in.zarr", "-o", "m", "--method", "sis", "--fdr", "0.1"), "--method fast and modisco"),
        (("motifs", "in.zarr", "-o", "m", "--weights", "w.h5"), "--weights is nothing for --method fast"),
        (("motifs", "in.zarr", "-o", "m", "--unknown", "zeros"), "--unknown is nothing for --method fast"),
        (("motifs", "in.zarr", "-o", "m", "--method", "modisco", "--layer", "conv"), "belongs to --method filters"),
        (("motifs", "in.zarr", "-o", "m", "--method", "sis", "--layout", "LC"), "--layout is nothing for --method sis"),
        (("motifs", "in.zarr", "-o", "m", "--method", "modisco", "--scores", "in.zarr"), "belongs to --method sis"),
        (
            ("motifs", "in.zarr", "-o", "m", "--method", "filters", "--model", "x", "--min-size", "3"),
            "--min-size is nothing",
        ),
        (("motifs", "in.zarr", "-o", "m", "--method", "sis", "--background", "in.zarr"), "--background is nothing"),
        (("motifs", "in.zarr", "-o", "m", "--background", "none.zarr"), "none.zarr"),
        (("motifs", "in.zarr", "-o", "m", "--background", "two.zarr"), "--target"),
        (("motifs", "in.zarr", "-o", "in.zarr"), "never overwritten"),
        (("motifs", "in.zarr", "-o", "no/m"), "does not exist"),
        (("hits", "in.zarr", "none", "-o", "h.bed"), "There is no none"),
        (("hits", "in.zarr", "in.zarr", "-o", "h.bed"), "no folder of motifs"),
        (("hits", "in.zarr", "x.meme", "-o", "h.xls"), ".bed or .tsv"),
        (("hits", "in.zarr", "x.meme", "-o", "h.bed", "--q-value", "0"), "--q-value is 0"),
    ],
)
def test_mistakes_are_told_in_a_line_and_leave_nothing(cli, words, message):
    result = planted(4)
    save(result, "in.zarr")
    both = {name: np.stack([getattr(result, name)] * 2, axis=1) for name in ("contributions", "hypothetical")}
    save(replaced(result, **both, predictions=np.zeros((4, 2), np.float32), targets=("a", "b")), "two.zarr")
    Path("x.meme").write_text("no motifs")
    before = sorted(p.name for p in Path().iterdir())
    done = cli(*words)
    assert done.code == 2
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert sorted(p.name for p in Path().iterdir()) == before


def test_patterns_of_tf_modisco_are_looked_for_in_other_sequences(cli):
    import h5py

    save(planted(160), "peaks.zarr")
    save(planted(40, seed=5), "fewer.zarr")
    assert cli("motifs", "peaks.zarr", "-o", "motifs", "--database", "none").code == 0
    with h5py.File("motifs/motifs.h5", "a") as file:
        del file["seqexplain"]  # what TF-MoDISco's own file does not have
    done = cli("hits", "fewer.zarr", "motifs/motifs.h5", "-o", "hits.tsv")
    assert done.code == 0, done.err
    hits = pd.read_csv("hits.tsv", sep="\t")
    assert hits["sequence"].nunique() > 35


def test_the_finished_part_of_an_interrupted_job_will_do_where_that_is_said(cli):
    import zarr

    save(planted(300), "peaks.zarr")
    done = zarr.open_array("peaks.zarr/done")
    assert done.shape[0] > 1
    done[1:] = 0
    for words in (("motifs", "peaks.zarr", "-o", "motifs", "--database", "none"), ("hits", "peaks.zarr", "motifs", "-o",
                  "hits.tsv")):  # fmt: skip
        refused = cli(*words)
        assert refused.code == 2
        assert "incomplete" in refused.err
        assert "--allow-incomplete" in refused.err
        assert cli(*words, "--allow-incomplete").code == 0
    hits = pd.read_csv("hits.tsv", sep="\t")
    assert 230 < hits["sequence"].nunique() <= 256
