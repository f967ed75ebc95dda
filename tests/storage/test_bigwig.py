"""Contributions along the genome: what a reader by others finds in the bigWig file."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seqexplain.errors import (
    FileFormatError,
    MissingExtraError,
    MissingFileError,
    ParameterError,
    SequenceError,
    SequenceWarning,
    StorageError,
    TargetError,
)
from seqexplain.results import Attributions, Interval
from seqexplain.storage import export, export_bigwig, save

pybigtools = pytest.importorskip("pybigtools")
pytest.importorskip("pyBigWig")

LENGTH = 40
SIZES = {"chr1": 20_000, "chr10": 5_000, "chr2": 9_000, "chrM": 700}


def made(intervals, *, targets=0, lengths=None, seed=0, length=LENGTH):
    rng = np.random.default_rng(seed)
    n = len(intervals)
    X = np.eye(4, dtype=np.float32)[rng.integers(0, 4, (n, length))]
    X[0, 3] = 0  # an unknown base, which contributes nothing
    shape = (n, targets, length, 4) if targets else (n, length, 4)
    scores = rng.normal(size=shape).astype(np.float32)
    return Attributions(
        contributions=scores * (X[:, None] if targets else X),
        X=X,
        predictions=np.zeros((n, targets) if targets else n, np.float32),
        hypothetical=scores,
        names=tuple(f"s{i}" for i in range(n)),
        intervals=tuple(intervals),
        lengths=lengths,
        targets=tuple("ab"[: max(1, targets)]),
        method="deeplift",
    )


def genome_of(result, sizes, combine):
    """What should stand at each base, base by base: `combine` gets [(value, distance to the centre, row)]."""
    wanted = {}
    observed = result.contributions.sum(axis=-1)
    for i, place in enumerate(result.intervals):
        if place is None:
            continue
        values = observed[i][: place.end - place.start]
        values = values[::-1] if place.strand == "-" else values
        for k, value in enumerate(values):
            base = place.start + k
            if 0 <= base < sizes[place.chromosome]:
                distance = abs(base + 0.5 - (place.start + place.end) / 2)
                wanted.setdefault((place.chromosome, base), []).append((float(value), distance, i, place.start))
    return {base: combine(values) for base, values in wanted.items()}


def read_back(path):
    """All bases of a bigWig file, by the other library."""
    found = {}
    with pybigtools.open(str(path)) as file:
        for name in file.chroms():
            for start, end, value in file.records(name):
                found |= {(name, base): value for base in range(start, end)}
    return found


def check(path, wanted):
    found = read_back(path)
    assert found.keys() == wanted.keys()
    np.testing.assert_array_equal(
        np.float32([found[base] for base in wanted]), np.float32([wanted[base] for base in wanted])
    )


def spread(n=300, *, sort=False, seed=1):
    """Intervals on three chromosomes and both strands, without overlaps."""
    rng = np.random.default_rng(seed)
    slots = [(name, k) for name in ("chr1", "chr2", "chr10") for k in range(SIZES[name] // 50)]
    picked = rng.permutation(len(slots))[:n]
    places = [Interval(slots[i][0], slots[i][1] * 50, slots[i][1] * 50 + LENGTH, "+-."[i % 3]) for i in picked]
    return sorted(places, key=lambda p: (p.chromosome, p.start)) if sort else places


@pytest.mark.parametrize("sort", [True, False])
def test_values_read_back_equal(tmp_path, sort):
    """In the genome's order and in any other, over more than one chunk."""
    result = made(spread(sort=sort))
    save(result, tmp_path / "r.zarr")
    (path,) = export(tmp_path / "r.zarr", tmp_path / "r.bw", format="bigwig")
    check(path, genome_of(result, SIZES, lambda values: values[0][0]))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.bw", "r.zarr"]


def best(key):
    return lambda values: min(values, key=lambda v: (key(v), v[3], v[2]))[0]


RULES = {
    "mean": lambda values: sum(v[0] for v in sorted(values, key=lambda v: (v[3], v[2]))) / len(values),
    "largest": best(lambda v: -abs(v[0])),
    "centre": best(lambda v: v[1]),
    "first": best(lambda v: v[2]),
}


@pytest.mark.parametrize("rule", RULES)
def test_overlaps(tmp_path, rule):
    """Against every base worked out by itself; the same interval twice, one inside another, long chains."""
    rng = np.random.default_rng(5)
    places = [Interval("chr1", int(s), int(s) + LENGTH, "+-"[s % 2]) for s in rng.integers(0, 900, 120)]
    places += [places[0], Interval("chr2", 10, 50, "+"), Interval("chr2", 30, 55, "-"), Interval("chr2", 32, 40, "+")]
    lengths = np.array([p.end - p.start for p in places])
    result = made(places, lengths=lengths)
    save(result, tmp_path / "r.zarr")
    path = export_bigwig(tmp_path / "r.zarr", tmp_path / "r.bw", overlaps=rule, chromosome_sizes=SIZES)
    check(path, genome_of(result, SIZES, RULES[rule]))


def test_ends_of_chromosomes(tmp_path):
    """What runs off is left out; lengths come from a table, an index, or a FASTA file's index."""
    places = [Interval("chr1", -10, 30, "-"), Interval("chrM", 690, 730, "+"), Interval("chrM", 800, 840, "+")]
    result = made(places)
    save(result, tmp_path / "r.zarr")
    table = tmp_path / "hg.chrom.sizes"
    table.write_text("# a comment\n" + "".join(f"{name}\t{size}\n" for name, size in SIZES.items()))
    (tmp_path / "g.fa.fai").write_text("".join(f"{name}\t{size}\t6\t60\t61\n" for name, size in SIZES.items()))
    (tmp_path / "g.fa").write_text(">chr1\n")
    for number, sizes in enumerate((SIZES, table, tmp_path / "g.fa.fai", str(tmp_path / "g.fa"))):
        path = export_bigwig(tmp_path / "r.zarr", tmp_path / f"{number}.bw", chromosome_sizes=sizes)
        check(path, genome_of(result, SIZES, RULES["mean"]))
        assert pybigtools.open(str(path)).chroms() == SIZES
    path = export_bigwig(tmp_path / "r.zarr", tmp_path / "r.bw")
    assert pybigtools.open(str(path)).chroms() == {"chr1": 30, "chrM": 840}


def test_targets_and_missing_places(tmp_path):
    places = [Interval("chr1", 100, 140), None, Interval("chr1", 50, 90, "-")]
    result = made(places, targets=2)
    save(result, tmp_path / "r.zarr")
    with pytest.raises(TargetError, match=r"several targets; choose one .*: a, b"):
        export_bigwig(tmp_path / "r.zarr", tmp_path / "r.bw")
    with pytest.raises(TargetError, match="explained were"):
        export_bigwig(tmp_path / "r.zarr", tmp_path / "r.bw", target=2)
    for target in (1, "b"):
        with pytest.warns(SequenceWarning, match="1 of 3 sequences have no genome coordinates"):
            path = export_bigwig(tmp_path / "r.zarr", tmp_path / "r.bw", target=target, overwrite=True)
        check(path, genome_of(result.for_target(1), SIZES, RULES["mean"]))


def test_what_cannot_be(tmp_path, monkeypatch):
    save(made(spread(3)), tmp_path / "r.zarr")
    save(made([None, None]), tmp_path / "none.zarr")
    save(made([Interval("chr1", 0, LENGTH + 1)]), tmp_path / "wide.zarr")
    (tmp_path / "bad.sizes").write_text("chr1 long\n")
    (tmp_path / "empty.sizes").write_text("")
    (tmp_path / "g.fa").write_text(">chr1\n")

    def refused(error, message, store="r.zarr", **options):
        with pytest.raises(error, match=message):
            export_bigwig(tmp_path / store, tmp_path / "r.bw", **options)
        assert not (tmp_path / "r.bw").exists()

    refused(ParameterError, "No sequence of .* has genome coordinates", "none.zarr")
    refused(SequenceError, r"row 0 has 40 bases, but its interval chr1:0-41 has 41", "wide.zarr")
    refused(ParameterError, "overlaps is 'max'; expected one of 'mean'", overlaps="max")
    refused(SequenceError, "has no 'chr", chromosome_sizes={"1": 20_000})
    refused(ParameterError, "The length of chr1 is 0", chromosome_sizes={"chr1": 0})
    refused(FileFormatError, "bad.sizes, line 1", chromosome_sizes=tmp_path / "bad.sizes")
    refused(FileFormatError, "holds no chromosome", chromosome_sizes=tmp_path / "empty.sizes")
    refused(MissingFileError, "has no index g.fa.fai", chromosome_sizes=tmp_path / "g.fa")
    refused(MissingFileError, "does not exist", chromosome_sizes=tmp_path / "no.sizes")
    real = importlib.import_module

    def without(name, *rest):
        if name == "pyBigWig":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr("seqexplain.storage._bigwig.import_module", without)
    refused(MissingExtraError, r'pip install "seqexplain\[tracks\]"')


_FULL = """
import resource, signal, sys
from seqexplain.errors import StorageError
from seqexplain.storage import export_bigwig
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    export_bigwig(sys.argv[1], "r.bw")
except StorageError as error:
    print(error)
"""


@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_a_full_disk_leaves_nothing(tmp_path, share):
    """While values are written, and when the file is closed, which the library itself does not tell."""
    save(made(spread(300, sort=True)), tmp_path / "r.zarr")
    whole = export_bigwig(tmp_path / "r.zarr", tmp_path / "whole.bw")
    child = [sys.executable, "-c", _FULL, "r.zarr", str(int(share * whole.stat().st_size))]
    whole.unlink()
    root = Path(__file__).parents[2]
    done = subprocess.run(
        child, cwd=tmp_path, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(root)}
    )
    assert "disk full" in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["r.zarr"]


def test_overwriting(tmp_path):
    save(made(spread(3)), tmp_path / "r.zarr")
    (tmp_path / "r.bw").write_text("mine")
    with pytest.raises(StorageError, match="exists already"):
        export_bigwig(tmp_path / "r.zarr", tmp_path / "r.bw")
    assert (tmp_path / "r.bw").read_text() == "mine"
