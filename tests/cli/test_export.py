"""`seqexplain export`: the suffix chooses, and the files hold what the store holds."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from plain_reading import hand_one_hot, records, table

from seqexplain.storage import load


@pytest.fixture
def first(store):
    return load(store).for_target(0)


def test_modisco(cli, store, few, first, tmp_path):
    outcome = cli("export", store, "-o", "m", "--target", "0")
    assert outcome.code == 0
    assert outcome.out.splitlines()[:2] == ["m/ohe.npz", "m/shap.npz"]
    bases, scores = np.load(tmp_path / "m" / "ohe.npz"), np.load(tmp_path / "m" / "shap.npz")
    X = hand_one_hot([s for _, s in records(few)])
    np.testing.assert_array_equal(bases["arr_0"], X.transpose(0, 2, 1))
    np.testing.assert_array_equal(scores["arr_0"], first.hypothetical.transpose(0, 2, 1))


def test_npz_and_h5(cli, store, first, tmp_path):
    assert cli("export", store, "-o", "x.npz", "--target", "0").code == 0
    with np.load(tmp_path / "x.npz") as archive:
        np.testing.assert_array_equal(archive["contributions"], first.contributions.transpose(0, 2, 1))
        assert archive["names"].tolist() == list(first.names)
    assert cli("export", store, "-o", "x.h5", "--target", "1").code == 0
    with h5py.File(tmp_path / "x.h5") as file:
        wanted = load(store).for_target(1).hypothetical.transpose(0, 2, 1)
        np.testing.assert_array_equal(file["shap/seq"][:], wanted)


def test_tables(cli, store, few, first, tmp_path):
    assert cli("export", store, "-o", "x.tsv").code == 0
    header, rows = table((tmp_path / "x.tsv").read_text())
    assert header[:6] == ["name", "length", "chromosome", "start", "end", "strand"]
    column = header.index("contribution_sum:0")
    sums = first.contributions.sum(axis=(1, 2))
    np.testing.assert_allclose([float(r[column]) for r in rows], sums, rtol=1e-4)
    assert cli("export", store, "-o", "x.bed").code == 0
    lines = (tmp_path / "x.bed").read_text().splitlines()
    assert [line.split("\t")[3] for line in lines] == [name for name, _ in records(few)]
    assert cli("export", store, "-o", "list.txt", "--format", "bed").code == 0
    assert (tmp_path / "list.txt").read_text() == (tmp_path / "x.bed").read_text()
    refused = cli("export", store, "-o", "x.bed")
    assert refused.code == 2
    assert "--overwrite" in refused.err
    assert cli("export", store, "-o", "x.bed", "--overwrite").code == 0


def test_labels_come_before_positions(cli, few, model, tmp_path):
    """Where a target is called "1", --target 1 is that one, wherever it stands."""
    names = ("--target", "1", "--target", "0")
    assert cli("explain", model, few, "-o", "x.zarr", *names, "-n", "2").code == 0
    assert cli("export", "x.zarr", "-o", "x.npz", "--target", "1").code == 0
    with np.load(tmp_path / "x.npz") as archive:
        np.testing.assert_array_equal(archive["predictions"], load("x.zarr").predictions[:, 0])


def test_bigwig(cli, tmp_path, model, peaks):
    """Alone, beside another file, and by the suffix; what it lacks is told in one line."""
    pytest.importorskip("pyBigWig")
    pybigtools = pytest.importorskip("pybigtools")
    sequences = [sequence for _, sequence in records(peaks)][:6]
    (tmp_path / "g.fa").write_text("".join(f">chr{i}\n{'ACGT' * 10}{s}\n" for i, s in enumerate(sequences)))
    lines = (f"chr{i}\t{start}\t{start + 100}\tp{i}.{start}\t0\t-\n" for i in range(6) for start in (10, 40))
    (tmp_path / "p.bed").write_text("".join(lines))
    made = cli("explain", model, "--bed", "p.bed", "--genome", "g.fa", "-o", "x.zarr", "--target", "0", "-n", "2")
    assert made.code == 0
    outcome = cli("export", "x.zarr", "--bigwig", "x.bw", "--chrom-sizes", "g.fa", "--overlaps", "first")
    assert (outcome.code, outcome.out) == (0, "x.bw\n")
    assert cli("export", "x.zarr", "-o", "x.bed", "--bigwig", "y.bw").out == "y.bw\nx.bed\n"
    assert cli("export", "x.zarr", "-o", "z.bw").code == 0
    result = load("x.zarr")
    observed = result.contributions.sum(axis=-1)
    with pybigtools.open("x.bw") as file:
        assert file.chroms() == {f"chr{i}": 140 for i in range(6)}
        values = file.values("chr2", 10, 140, fillna=None)
        np.testing.assert_array_equal(np.float32(values[:100]), observed[4][::-1])
        np.testing.assert_array_equal(np.float32(values[100:]), observed[5][::-1][70:])
    refused = cli("export", "x.zarr")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "-o OUTPUT or --bigwig FILE.bw" in refused.err
    assert "--overwrite" in cli("export", "x.zarr", "--bigwig", "x.bw").err
    assert "--chrom-sizes" in cli("export", "x.zarr", "--bigwig", "w.bw").err


def test_options_of_a_track_want_a_track(cli, store, tmp_path):
    for words in (("--overlaps", "largest"), ("--chrom-sizes", "hg38.sizes")):
        refused = cli("export", store, "-o", tmp_path / "out.npz", *words)
        assert refused.code == 2
        assert f"{words[0]} is for bigWig alone" in refused.err
        assert not (tmp_path / "out.npz").exists()
