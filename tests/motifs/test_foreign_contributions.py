"""Contributions out of the files of other tools: any layout, read in blocks; what cannot be is told in one line."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from seqexplain.errors import (
    FileFormatError,
    MissingExtraError,
    MissingFileError,
    ParameterError,
    SeqExplainWarning,
    ShapeError,
    TargetError,
)
from seqexplain.motifs import open_contributions
from seqexplain.results import Attributions, Interval
from seqexplain.storage import export, save

N, LENGTH = 300, 11


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(3)
    X = np.concatenate([np.eye(4), np.zeros((1, 4))]).astype(np.float32)[rng.integers(0, 5, (N, LENGTH))]
    return X, rng.normal(size=(N, LENGTH, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def store(arrays, tmp_path_factory):
    X, scores = arrays
    result = Attributions(
        contributions=scores * X,
        X=X,
        predictions=np.zeros(N, np.float32),
        hypothetical=scores,
        names=tuple(f"p{i}" for i in range(N)),
        intervals=tuple(Interval("chr2", 5 * i, 5 * i + LENGTH, "-+"[i % 2]) for i in range(N)),
        targets=("a",),
        method="deeplift",
    )
    path = tmp_path_factory.mktemp("store") / "r.zarr"
    save(result, path)
    return path


def agree(source, X, scores, *, hypothetical=True):
    """Whether a source gives these arrays, in blocks and by row."""
    observed = (scores * X).sum(axis=-1)
    blocks = list(source.blocks())
    np.testing.assert_array_equal(np.concatenate([b.rows for b in blocks]), np.arange(len(X)))
    np.testing.assert_array_equal(np.concatenate([b.projected for b in blocks]) != 0, scores * X != 0)
    np.testing.assert_allclose(np.concatenate([b.observed for b in blocks]), observed, rtol=1e-6)
    codes = np.where(X.any(axis=-1), X.argmax(axis=-1), 4)
    np.testing.assert_array_equal(np.concatenate([b.codes for b in blocks]), codes)
    assert source.has_hypothetical == hypothetical
    assert all((b.hypothetical is not None) == hypothetical for b in blocks)
    rows = np.array([len(X) - 1, 0, 1, 2, 130, 2])
    picked = source.read(rows)
    np.testing.assert_array_equal(picked.rows, rows)
    np.testing.assert_array_equal(picked.codes, codes[rows])
    np.testing.assert_allclose(picked.observed, observed[rows], rtol=1e-6)
    if hypothetical:
        np.testing.assert_array_equal(np.concatenate([b.hypothetical for b in blocks]), scores)
        np.testing.assert_array_equal(picked.hypothetical, scores[rows])


@pytest.mark.parametrize("name", ["m", "r.h5", "r.npz"])
def test_exports_of_ours(arrays, store, tmp_path, name):
    """Every export comes back, with names and places where it has them."""
    export(store, tmp_path / name, format={"m": "modisco", "r.h5": "h5", "r.npz": "npz"}[name])
    source, wanted = open_contributions(tmp_path / name), open_contributions(store)
    agree(source, *arrays)
    assert source.names == wanted.names
    assert source.intervals == (None if name == "r.npz" else wanted.intervals)
    np.testing.assert_array_equal(source.lengths, wanted.lengths)


@pytest.mark.parametrize("bases_last", [True, False])
@pytest.mark.parametrize("save_as", ["npy", "npz", "compressed"])
def test_pair_of_arrays(arrays, tmp_path, bases_last, save_as):
    X, scores = (a if bases_last else a.transpose(0, 2, 1) for a in arrays)
    suffix = "npy" if save_as == "npy" else "npz"
    paths = tmp_path / f"X.{suffix}", tmp_path / f"attributions.{suffix}"
    writer = {"npy": np.save, "npz": np.savez, "compressed": np.savez_compressed}[save_as]
    for path, array in zip(paths, (X.astype(bool), scores), strict=True):
        writer(path, array)
    agree(open_contributions(paths), *arrays)
    agree(open_contributions(tmp_path), *arrays)  # the same as a folder


def test_layouts_of_a_pair_may_differ(arrays, tmp_path):
    X, scores = arrays
    np.save(tmp_path / "a.npy", X.transpose(0, 2, 1))
    np.save(tmp_path / "b.npy", scores.astype(np.float64))
    agree(open_contributions([tmp_path / "a.npy", str(tmp_path / "b.npy")]), X, scores)


@pytest.mark.parametrize(
    "names", [("sequences", "contributions"), ("X", "attributions"), ("arr_0", "arr_1"), ("one_hot", "shap")]
)
def test_archive_of_both(arrays, tmp_path, names):
    X, scores = arrays
    np.savez_compressed(tmp_path / "r.npz", **dict(zip(names, (X.astype(np.int8), scores), strict=True)))
    agree(open_contributions(tmp_path / "r.npz"), X, scores)


def test_observed_scores_only(arrays, tmp_path):
    """Scores (n, L), or zero at the other bases: no hypothetical ones."""
    X, scores = arrays
    np.savez(tmp_path / "r.npz", sequences=X, contributions=(scores * X).sum(axis=-1))
    agree(open_contributions(tmp_path / "r.npz"), X, scores, hypothetical=False)
    np.savez(tmp_path / "p.npz", sequences=X, contributions=scores * X)
    agree(open_contributions(tmp_path / "p.npz"), X, scores, hypothetical=False)


def test_scores_at_unknown_bases_do_not_count(arrays, tmp_path):
    """Some tools write an unknown base as a quarter of each, and score it."""
    X, scores = arrays
    soft = np.where(X.any(axis=-1, keepdims=True), X, 0.25)
    np.savez(tmp_path / "r.npz", X=soft, attributions=(scores * soft).sum(axis=-1))
    agree(open_contributions(tmp_path / "r.npz"), X, scores, hypothetical=False)


def test_bpreveal(arrays, tmp_path):
    X, scores = arrays
    with h5py.File(tmp_path / "r.h5", "w") as file:
        file["input_seqs"], file["hyp_scores"] = X.astype(np.uint8), scores
        file["chrom_names"] = ["chr1", "chrX"]
        file["coords_chrom"] = np.arange(N) % 2
        file["coords_start"], file["coords_end"] = np.arange(N) * 7, np.arange(N) * 7 + LENGTH
    source = open_contributions(tmp_path / "r.h5")
    agree(source, X, scores)
    assert source.intervals[3] == Interval("chrX", 21, 21 + LENGTH, "+")
    assert source.names[3] == "chrX:21-32"


def test_chrombpnet(arrays, tmp_path):
    """float16 in chunks that hold parts of rows; no coordinates; projected scores alone will do."""
    X, scores = arrays
    with h5py.File(tmp_path / "r.h5", "w") as file:
        options = {"chunks": (7, 2, 5), "compression": "gzip"}
        file.create_dataset("raw/seq", data=X.transpose(0, 2, 1).astype(np.int8), **options)
        halves = scores.transpose(0, 2, 1).astype(np.float16)
        file.create_dataset("shap/seq", data=halves, **options)
    source = open_contributions(tmp_path / "r.h5")
    agree(source, X, scores.astype(np.float16).astype(np.float32))
    assert source.intervals is None
    with h5py.File(tmp_path / "r.h5", "a") as file:
        del file["shap/seq"]
        file["projected_shap/seq"] = (scores * X).transpose(0, 2, 1)
    agree(open_contributions(tmp_path / "r.h5"), X, scores, hypothetical=False)


def test_places_from_a_bed_file(arrays, tmp_path):
    """Intervals as long as the sequences are taken as they are; around summits they get that length."""
    X, scores = arrays
    np.savez(tmp_path / "x.npz", X)
    np.savez(tmp_path / "s.npz", scores)
    exact, peaks, other = (tmp_path / name for name in ("exact.bed", "peaks.narrowPeak", "other.bed"))
    exact.write_text("".join(f"chr1\t{i}\t{i + LENGTH}\tq{i}\t0\t-\n" for i in range(N)))
    peaks.write_text("".join(f"chr1\t{100 + i}\t{500 + i}\t.\t0\t.\t1\t1\t1\t200\n" for i in range(N)))
    other.write_text("".join(f"chr1\t{i}\t{i + 5}\n" for i in range(N)))
    pair = tmp_path / "x.npz", tmp_path / "s.npz"
    first = open_contributions((*pair, exact))
    assert (first.intervals[4], first.names[4]) == (Interval("chr1", 4, 4 + LENGTH, "-"), "q4")
    # base L // 2 is the summit, 100 + 200 + 4
    assert open_contributions((*pair, peaks)).intervals[4] == Interval("chr1", 299, 310, ".")
    short = open_contributions((*pair, other))
    assert short.intervals[0] == Interval("chr1", 0, 5, ".")
    assert short.lengths.tolist() == [5] * N


def test_intervals_that_do_not_fit_are_left_out(arrays, tmp_path):
    X, scores = arrays
    with h5py.File(tmp_path / "r.h5", "w") as file:
        file["input_seqs"], file["hyp_scores"] = X, scores
        file["coords_chrom"], file["coords_start"], file["coords_end"] = ["chr1"] * N, [0] * N, [1000] * N
    with pytest.warns(SeqExplainWarning, match="the sequences have 11 bp, but the interval of row 0 has 1000"):
        assert open_contributions(tmp_path / "r.h5").intervals is None


def pair_of(tmp_path, X, scores):
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "s.npy", scores)
    return open_contributions((tmp_path / "X.npy", tmp_path / "s.npy"))


@pytest.mark.parametrize(
    ("X", "scores", "message"),
    [
        (np.zeros((3, 4, 4)), np.zeros((3, 4, 4)), r"X\.npy has shape \(3, 4, 4\): with sequences of 4 bp"),
        (np.zeros((3, 5, 7)), np.zeros((3, 5, 7)), r"X\.npy.*no axis is 4 long"),
        (np.zeros((3, 7)), np.zeros((3, 7)), r"X\.npy has shape \(3, 7\); expected \(n, 4, L\) or \(n, L, 4\)\.$"),
        (np.zeros((3, 4, 9)), np.zeros((3, 8, 4)), r"s\.npy has 3 sequences of 8 bp, and .*X\.npy 3 of 9 bp"),
        (np.zeros((3, 4, 9)), np.zeros((2, 9)), r"s\.npy has 2 sequences of 9 bp"),
        (np.zeros((3, 4, 9)), np.full((3, 4, 9), "a"), r"s\.npy has dtype <U1; expected numbers"),
    ],
)
def test_shapes_that_cannot_be(tmp_path, X, scores, message):
    with pytest.raises(ShapeError, match=message):
        pair_of(tmp_path, X, scores)


def test_content_that_cannot_be(arrays, tmp_path):
    """The message names file, row and place."""
    X, scores = arrays
    with pytest.raises(ShapeError, match=r"X\.npy is not one-hot: row 0, position 0 holds .* in the right order\?"):
        pair_of(tmp_path, scores, X)
    soft = X.copy()
    soft[7, 3] = 0.5, 0.5, 0, 0
    with pytest.raises(ShapeError, match=r"X\.npy is not one-hot: row 7, position 3 holds 0\.5, 0\.5, 0, 0"):
        pair_of(tmp_path, soft, scores)
    for bad in (np.nan, -np.inf, 1e300):
        wrong = scores.astype(np.float64)
        wrong[299, 2, 1] = bad
        with pytest.raises(ShapeError, match=r"s\.npy: the scores of row 299 \(sequence_299\) hold NaN or infinity"):
            pair_of(tmp_path, X, wrong)


def test_files_that_cannot_be(arrays, tmp_path):
    X, scores = arrays

    def refused(source, error, message):
        with pytest.raises(error, match=message):
            open_contributions(source)

    np.savez(tmp_path / "two.npz", foo=X, bar=scores)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "F.npy", np.asfortranarray(scores))
    np.save(tmp_path / "O.npy", np.array([{}], dtype=object))
    (tmp_path / "bad.npz").write_text("no archive")
    (tmp_path / "bad.h5").write_text("no HDF5")
    (tmp_path / "bad.npy").write_text("no array")
    (tmp_path / "x.txt").write_text("")
    (tmp_path / "empty").mkdir()
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["a/b"] = X
    refused(tmp_path / "none.h5", MissingFileError, "none.h5 does not exist")
    refused(tmp_path / "two.npz", FileFormatError, "holds foo, bar; expected sequences")
    refused(tmp_path / "X.npy", ParameterError, "is one array; give the paths of two")
    refused((tmp_path / "X.npy", tmp_path / "F.npy"), FileFormatError, "column by column")
    refused((tmp_path / "X.npy", tmp_path / "O.npy"), FileFormatError, "holds Python objects")
    refused((tmp_path / "X.npy", tmp_path / "bad.npy"), FileFormatError, "not an array that NumPy saved")
    refused((tmp_path / "two.npz", tmp_path / "X.npy"), FileFormatError, "holds 2 arrays, foo, bar; expected one")
    refused((tmp_path / "X.npy",), ParameterError, "source has 1 paths")
    refused(tmp_path / "bad.npz", FileFormatError, "not an archive")
    refused(tmp_path / "bad.h5", FileFormatError, "not an HDF5 file")
    refused(tmp_path / "other.h5", FileFormatError, "holds a/b; expected raw/seq")
    refused(tmp_path / "x.txt", FileFormatError, "not a file of contributions")
    refused(tmp_path / "empty", FileFormatError, "neither a result store nor a folder with ohe.npz")
    refused(7, ParameterError, "source is of type int")
    np.save(tmp_path / "s.npy", scores)
    pair = tmp_path / "X.npy", tmp_path / "s.npy"
    with pytest.raises(TargetError, match="one target, 0"):
        open_contributions(pair, target=1)
    open_contributions(pair, target=0)
    with (tmp_path / "s.npy").open("r+b") as file:
        file.truncate(2000)
    refused(pair, FileFormatError, "ends early")
    (tmp_path / "few.bed").write_text("chr1\t0\t11\n")
    np.save(tmp_path / "s.npy", scores)
    refused((*pair, tmp_path / "few.bed"), ShapeError, "300 sequences, but 1 names")
    with pytest.raises(ParameterError, match="there is no row 300"):
        open_contributions(pair).read([300])


def test_compression_that_needs_a_plugin(arrays, tmp_path, monkeypatch):
    """chrombpnet compresses with blosc, which HDF5 does not know by itself."""
    X, scores = arrays
    with h5py.File(tmp_path / "r.h5", "w") as file:
        file["raw/seq"], file["shap/seq"] = X, np.zeros_like(scores)
    source = open_contributions(tmp_path / "r.h5")

    def refuse(*_):
        raise OSError("Can't synchronously read data (can't open directory (/usr/local/hdf5/lib/plugin))")

    monkeypatch.setattr(h5py.Dataset, "__getitem__", refuse)
    with pytest.raises(MissingExtraError, match=r"raw/seq is compressed .*pip install hdf5plugin"):
        list(source.blocks())
