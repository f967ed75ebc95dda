"""Patterns written in the layout of TF-MoDISco: read back the same, and laid out as its readers want it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from seqexplain.errors import FileFormatError, MissingFileError, ParameterError, StorageError
from seqexplain.motifs import Pattern, PatternSet, open_contributions, read_patterns, stack_pattern, write_patterns
from seqexplain.results import Attributions, Interval
from seqexplain.sequences import one_hot


def contributions(n: int = 9, length: int = 40, *, hypothetical: bool = True) -> Attributions:
    generator = np.random.default_rng(7)
    X = one_hot(["".join(generator.choice(list("ACGTN"), length, p=[0.24, 0.24, 0.24, 0.24, 0.04])) for _ in range(n)])
    scores = generator.normal(size=X.shape).astype(np.float32)
    intervals = tuple(None if i == 2 else Interval("chrä", 50 * i, 50 * i + length, "+-."[i % 3]) for i in range(n))
    return Attributions(
        contributions=scores * X, X=X, predictions=np.zeros(n, np.float32),
        hypothetical=scores if hypothetical else None, intervals=intervals, names=tuple(f"peak {i}" for i in range(n)),
        targets=("CTCF",), method="made up",
    )  # fmt: skip


def found(result: Attributions) -> PatternSet:
    """Two positive patterns, one of them divided, and a negative one that hangs over both edges."""
    source = open_contributions(result)
    parts = [stack_pattern(source, [k], [3 + k], 12, ["+-"[k]], id=f"pos_0.{k}") for k in range(2)]
    first = stack_pattern(source, [0, 1, 1, 8], [3, 4, 20, 28], 12, ["+", "-", "+", "-"], id="pos_0")
    second = stack_pattern(source, [5, 4], [0, 11], 9, ["-", "-"], id="pos_1")
    negative = stack_pattern(source, [7, 3, 3], [-4, 33, 9], 11, ["+", "-", "+"], id="neg_0", sign=-1)
    patterns = [replace(first, subpatterns=tuple(parts)), second, negative]
    return PatternSet.of(
        source, patterns, method="by hand", parameters={"width": 12, "share": 0.1, "names": ["a", "b"]},
        notes=["12 seqlets are too few to cluster"],
    )  # fmt: skip


def assert_same(one: Pattern, other: Pattern) -> None:
    for name in ("id", "sign", "core", "size", "width"):
        assert getattr(one, name) == getattr(other, name), name
    assert (one.motif.id, one.motif.name) == (other.motif.id, other.motif.name)
    np.testing.assert_array_equal(one.motif.counts, other.motif.counts)
    for name in ("cwm", "hypothetical_cwm", "sequence", "start", "strand", "contribution"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert (mine is None) == (theirs is None)
        if mine is not None:
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype, name
    assert len(one.subpatterns) == len(other.subpatterns)
    for mine, theirs in zip(one.subpatterns, other.subpatterns, strict=True):
        assert_same(mine, theirs)


@pytest.mark.parametrize("hypothetical", [True, False])
def test_what_is_written_is_read_back(tmp_path: Path, hypothetical: bool) -> None:
    result = contributions(hypothetical=hypothetical)
    patterns = found(result)
    write_patterns(patterns, tmp_path / "patterns.h5", result)
    again = read_patterns(tmp_path / "patterns.h5")
    for name in ("method", "parameters", "names", "intervals", "length", "label", "notes"):
        assert getattr(again, name) == getattr(patterns, name), name
    assert len(again) == 3
    for one, other in zip(patterns, again, strict=True):
        assert_same(one, other)


def test_the_layout_is_that_of_modisco(tmp_path: Path) -> None:
    result = contributions()
    patterns = found(result)
    write_patterns(patterns, tmp_path / "patterns.h5", result)
    with h5py.File(tmp_path / "patterns.h5") as file:
        assert file.attrs["window_size"] == 40
        assert sorted(file["pos_patterns"]) == ["pattern_0", "pattern_1"]
        assert sorted(file["neg_patterns"]) == ["pattern_0"]
        assert "subpattern_1" in file["pos_patterns/pattern_0"]
        for pattern, path in zip(
            patterns, ("pos_patterns/pattern_0", "pos_patterns/pattern_1", "neg_patterns/pattern_0"), strict=True
        ):
            group = file[path]
            seqlets = group["seqlets"]
            assert seqlets["n_seqlets"][:].tolist() == [pattern.size]
            for k in range(pattern.size):
                row, a, b = (int(seqlets[name][k]) for name in ("example_idx", "start", "end"))
                assert b - a == 12  # all as wide as the widest: Fi-NeMo stacks them
                inside = slice(max(a, 0), min(b, 40))
                bases, scores, hypothetical = np.zeros((3, 12, 4))
                bases[inside.start - a : inside.stop - a] = result.X[row, inside]
                scores[inside.start - a : inside.stop - a] = result.contributions[row, inside]
                hypothetical[inside.start - a : inside.stop - a] = result.hypothetical[row, inside]
                turn = (slice(None, None, -1),) * 2 if seqlets["is_revcomp"][k] else (slice(None),) * 2
                np.testing.assert_array_equal(seqlets["sequence"][k], bases[turn])
                np.testing.assert_array_equal(seqlets["contrib_scores"][k], scores[turn].astype(np.float32))
                np.testing.assert_array_equal(
                    seqlets["hypothetical_contribs"][k], hypothetical[turn].astype(np.float32)
                )
            for name in ("contrib_scores", "hypothetical_contribs"):
                np.testing.assert_allclose(group[name][:], seqlets[name][:].mean(axis=0), atol=1e-6)
            np.testing.assert_allclose(group["sequence"][:].sum(axis=1), 1)


def as_modisco_writes(path: Path, result: Attributions, window: int, *, shift: int = 0) -> None:
    """A file of two seqlets in the layout of the library, from nothing but its documentation."""
    with h5py.File(path, "w") as file:
        file.attrs["window_size"] = window
        for number, rows in ((10, [1]), (2, [0, 3]), (0, [5, 6, 8])):
            group = file.create_group(f"neg_patterns/pattern_{number}")
            cut = {name: np.stack([values[i, shift + 4 : shift + 14] for i in rows]) for name, values in (
                ("sequence", result.X), ("contrib_scores", result.contributions),
                ("hypothetical_contribs", result.hypothetical))}  # fmt: skip
            for name, values in cut.items():
                group[name] = values.mean(axis=0)
                group[f"seqlets/{name}"] = values
            group["seqlets/n_seqlets"] = np.array([len(rows)])
            group["seqlets/start"], group["seqlets/end"] = np.full(len(rows), 4), np.full(len(rows), 14)
            group["seqlets/example_idx"], group["seqlets/is_revcomp"] = np.array(rows), np.zeros(len(rows), bool)


def test_files_of_modisco(tmp_path: Path) -> None:
    result = contributions()
    as_modisco_writes(tmp_path / "theirs.h5", result, 40)
    patterns = read_patterns(tmp_path / "theirs.h5", result)
    assert [p.id for p in patterns] == ["neg_0", "neg_1", "neg_2"]
    assert [p.size for p in patterns] == [3, 2, 1]  # 0, 2, 10: by number, not as text
    assert patterns.names == result.names
    assert patterns.intervals == result.intervals
    source = open_contributions(result)
    for pattern, rows in zip(patterns, ([5, 6, 8], [0, 3], [1]), strict=True):
        ours = stack_pattern(source, rows, [4] * len(rows), 10, ["+"] * len(rows), id=pattern.id, sign=-1)
        np.testing.assert_allclose(pattern.motif.counts, ours.motif.counts)
        np.testing.assert_allclose(pattern.cwm, ours.cwm, atol=1e-6)
        np.testing.assert_allclose(pattern.hypothetical_cwm, ours.hypothetical_cwm, atol=1e-6)
        np.testing.assert_allclose(pattern.contribution, ours.contribution, atol=1e-5)
        assert pattern.core == ours.core
        assert pattern.start.tolist() == [4] * len(rows)


@pytest.mark.parametrize(("length", "window"), [(40, 30), (40, 31), (41, 30), (41, 31)])
def test_places_in_a_window_become_places_in_the_sequence(tmp_path: Path, length: int, window: int) -> None:
    result = contributions(length=length)
    # what its command cuts out: from length // 2 − window // 2
    shift = length // 2 - window // 2
    as_modisco_writes(tmp_path / "theirs.h5", result, window, shift=shift)
    by_source = read_patterns(tmp_path / "theirs.h5", result)
    by_length = read_patterns(tmp_path / "theirs.h5", length=length)
    source = open_contributions(result)
    for patterns in (by_source, by_length):
        assert patterns.length == length
        for pattern in patterns:
            ours = stack_pattern(source, pattern.sequence, pattern.start, pattern.width, pattern.strand)
            np.testing.assert_allclose(pattern.cwm, ours.cwm, atol=1e-6)
    in_window = read_patterns(tmp_path / "theirs.h5")
    assert in_window[0].start.tolist() == [4, 4, 4]
    assert in_window.length == window
    assert any("window" in note for note in in_window.notes)


def test_a_set_without_patterns(tmp_path: Path) -> None:
    result = contributions()
    empty = PatternSet.of(open_contributions(result), [], method="fast", parameters={}, notes=["nothing there"])
    write_patterns(empty, tmp_path / "empty.h5", result)
    again = read_patterns(tmp_path / "empty.h5")
    assert len(again) == 0
    assert again.notes == ("nothing there",)
    with h5py.File(tmp_path / "theirs.h5", "w") as file:
        file.attrs["window_size"] = 400
    assert "no pattern" in read_patterns(tmp_path / "theirs.h5").notes[0]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="does not exist"):
        read_patterns(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(FileFormatError, match="not an HDF5 file"):
        read_patterns(tmp_path / "text.h5")
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.create_group("metacluster_idx_to_submetacluster_results")
    with pytest.raises(FileFormatError, match="modisco convert"):
        read_patterns(tmp_path / "old.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(FileFormatError, match="neither pos_patterns nor neg_patterns"):
        read_patterns(tmp_path / "other.h5")
    result = contributions()
    as_modisco_writes(tmp_path / "cut.h5", result, 40)
    with h5py.File(tmp_path / "cut.h5", "a") as file:
        del file["neg_patterns/pattern_2/contrib_scores"]
    with pytest.raises(FileFormatError, match="contrib_scores"):
        read_patterns(tmp_path / "cut.h5")
    as_modisco_writes(tmp_path / "theirs.h5", result, 40)
    with pytest.raises(ParameterError, match="only 5 sequences"):
        read_patterns(tmp_path / "theirs.h5", result.take(slice(0, 5)))
    with pytest.raises(ParameterError, match="length 30"):
        read_patterns(tmp_path / "theirs.h5", length=30)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    result = contributions()
    patterns = found(result)
    with pytest.raises(ParameterError, match="found in 9 sequences of 40 bp"):
        write_patterns(patterns, tmp_path / "patterns.h5", contributions(length=41))
    assert not list(tmp_path.iterdir())
    write_patterns(patterns, tmp_path / "patterns.h5", result)
    before = (tmp_path / "patterns.h5").read_bytes()
    with pytest.raises(StorageError, match="exists already"):
        write_patterns(patterns, tmp_path / "patterns.h5", result)
    write_patterns(patterns, tmp_path / "patterns.h5", result, overwrite=True)
    assert (tmp_path / "patterns.h5").read_bytes() == before  # the same patterns are the same bytes


def test_a_damaged_description_is_told(tmp_path: Path) -> None:
    result = contributions()
    path = tmp_path / "patterns.h5"
    write_patterns(found(result), path, result)
    with h5py.File(path, "a") as file:
        file["seqexplain/about"][0] = "{bad"
    with pytest.raises(FileFormatError, match=r"patterns\.h5 is not a file of patterns that can be read"):
        read_patterns(path)
