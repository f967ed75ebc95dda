"""`seqexplain shuffle`: what is kept, what is changed, and what the next commands make of it."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from seqexplain.results import Attributions, Interval
from seqexplain.sequences import one_hot, read_fasta
from seqexplain.storage import save


def pairs(sequence: str) -> Counter[str]:
    return Counter(sequence[i : i + 2] for i in range(len(sequence) - 1))


def written(path: str) -> list[tuple[str, str]]:
    return [(record.name, record.sequence) for record in read_fasta(path)]


def random_fasta(path: str, lengths: list[int]) -> list[str]:
    rng = np.random.default_rng(0)
    sequences = ["".join(rng.choice(list("ACGT"), length)) for length in lengths]
    Path(path).write_text("".join(f">chr1:{100 * i}-{100 * i + len(s)}\n{s}\n" for i, s in enumerate(sequences)))
    return sequences


def test_pairs_of_bases_stay_and_places_on_the_genome_go(cli):
    sequences = random_fasta("in.fa", [60, 60, 45, 60])
    done = cli("shuffle", "in.fa", "-o", "out.fa.gz", "-n", 2)
    assert done.code == 0, done.err
    assert "8 shuffled sequences" in done.out
    found = written("out.fa.gz")
    assert [name for name, _ in found][:3] == ["chr1:0-60_shuffle1", "chr1:0-60_shuffle2", "chr1:100-160_shuffle1"]
    for k, (_, shuffled) in enumerate(found):
        assert pairs(shuffled) == pairs(sequences[k // 2])
        assert shuffled != sequences[k // 2]
    assert all(record.interval is None for record in read_fasta("out.fa.gz"))
    assert gzip.decompress(Path("out.fa.gz").read_bytes()).startswith(b">")


def test_a_sequence_has_its_own_shuffles_in_any_order(cli):
    random_fasta("in.fa", [50, 50, 50])
    lines = Path("in.fa").read_text().split(">")[1:]
    Path("turned.fa").write_text("".join(f">{one}" for one in lines[::-1]))
    for name in ("in", "turned"):
        assert cli("shuffle", f"{name}.fa", "-o", f"{name}.out.fa", "--seed", 3).code == 0
    assert sorted(written("in.out.fa")) == sorted(written("turned.out.fa"))
    assert cli("shuffle", "in.fa", "-o", "other.fa", "--seed", 4).code == 0
    assert written("other.fa") != written("in.out.fa")


def test_unknown_bases_stay_where_they_are_and_single_bases_may_be_all_that_is_kept(cli):
    Path("in.fa").write_text(">a\nacguacguNNRacgtacgt\n")
    done = cli("shuffle", "in.fa", "-o", "-", "--kind", "mononucleotide")
    assert done.code == 0
    name, bases = done.out.split()
    assert name == ">a_shuffle1"
    assert [i for i, base in enumerate(bases) if base == "N"] == [8, 9, 10]
    assert Counter(bases) == Counter("ACGT" * 4 + "NNN")


def test_the_sequences_of_a_store_without_their_padding(cli):
    sequences = ["ACGTTGCAACGGTTCA", "ACGTAACCGG"]
    X = one_hot([sequence.ljust(16, "N") for sequence in sequences])
    result = Attributions(
        contributions=X, X=X, predictions=np.zeros(2), names=("a", "b"), lengths=np.array([16, 10]), method="m",
        intervals=(Interval("chr1", 0, 16, "-"), None),
    )  # fmt: skip
    save(result, "peaks.zarr")
    assert cli("shuffle", "peaks.zarr", "-o", "out.fa").code == 0
    found = written("out.fa")
    assert [name for name, _ in found] == ["a_shuffle1", "b_shuffle1"]
    assert [pairs(bases) for _, bases in found] == [pairs(sequence) for sequence in sequences]


def test_what_cannot_be_shuffled_is_said(cli):
    Path("in.fa").write_text(">a\nAAAAAAAA\n>b\nACGTTGCAAACGTGTCAAGCTTAGGC\n")
    done = cli("shuffle", "in.fa", "-o", "out.fa")
    assert done.code == 0
    assert "1 of 2 shuffles are the sequence itself" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("none.fa", "-o", "out.fa"), "none.fa does not exist"),
        (("empty.fa", "-o", "out.fa"), "holds no sequence"),
        (("in.fa", "-o", "in.fa"), "exists already"),
        (("in.fa", "-o", "out.fa", "-n", "0"), "-n is 0"),
        (("in.fa", "-o", "out.fa", "--seed", "-1"), "--seed is -1"),
    ],
)
def test_mistakes_are_told_in_a_line_and_leave_nothing(cli, words, message):
    random_fasta("in.fa", [40])
    Path("empty.fa").write_text("")
    before = sorted(path.name for path in Path().iterdir())
    done = cli("shuffle", *words)
    assert done.code == 2
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert sorted(path.name for path in Path().iterdir()) == before
