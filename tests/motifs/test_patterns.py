"""Occurrences laid over each other, against sums by hand; spans on the genome; sources that agree."""

from __future__ import annotations

import numpy as np
import pytest

from seqexplain.errors import ParameterError, ShapeError, TargetError
from seqexplain.motifs import PatternSet, Seqlets, genome_spans, open_contributions, stack_pattern
from seqexplain.motifs._pattern import core_of
from seqexplain.results import Attributions, Interval
from seqexplain.sequences import one_hot
from seqexplain.storage import save


def example(n: int = 7, length: int = 30, *, targets: int = 1) -> Attributions:
    generator = np.random.default_rng(4)
    sequences = ["".join(generator.choice(list("ACGTN"), length, p=[0.24, 0.24, 0.24, 0.24, 0.04])) for _ in range(n)]
    X = one_hot(sequences)
    several = (targets,) if targets > 1 else ()
    hypothetical = generator.normal(size=(n, *several, length, 4)).astype(np.float32)
    observed = hypothetical * (X[:, None] if several else X)
    intervals = tuple(Interval("chr1", 100 * i, 100 * i + length, "+-"[i % 2]) for i in range(n))
    return Attributions(
        contributions=observed, X=X, predictions=np.zeros((n, *several), np.float32), hypothetical=hypothetical,
        names=tuple(f"s{i}" for i in range(n)), intervals=intervals, targets=tuple(f"t{k}" for k in range(targets)),
        method="made up",
    )  # fmt: skip


def test_a_pattern_is_the_sum_of_its_windows() -> None:
    result = example()
    rows, starts, strands = [0, 3, 3, 6], [2, 5, 11, 20], ["+", "-", "+", "-"]
    pattern = stack_pattern(open_contributions(result), rows, starts, 8, strands)
    counts, cwm, hypothetical, contribution = np.zeros((8, 4)), np.zeros((8, 4)), np.zeros((8, 4)), []
    for i, a, strand in zip(rows, starts, strands, strict=True):
        x, c, h = (v[i, a : a + 8] for v in (result.X, result.contributions, result.hypothetical))
        if strand == "-":
            x, c, h = x[::-1, ::-1], c[::-1, ::-1], h[::-1, ::-1]
        counts += np.where(x.sum(axis=1, keepdims=True) > 0, x, 0.25)
        cwm += c / 4
        hypothetical += h / 4
        contribution.append(c.sum())
    np.testing.assert_allclose(pattern.motif.counts, counts)
    np.testing.assert_allclose(pattern.cwm, cwm, atol=1e-6)
    np.testing.assert_allclose(pattern.hypothetical_cwm, hypothetical, atol=1e-6)
    np.testing.assert_allclose(pattern.contribution, contribution, atol=1e-5)


def test_what_hangs_over_an_edge_adds_nothing() -> None:
    result = example()
    pattern = stack_pattern(open_contributions(result), [1, 1], [-3, 26], 6, ["+", "-"])
    x, c = result.X[1], result.contributions[1]
    wanted = np.full((6, 4), 0.0)
    wanted[3:] += np.where(x[:3].sum(axis=1, keepdims=True) > 0, x[:3], 0.25)
    wanted[:3] += 0.25
    last = np.where(x[26:].sum(axis=1, keepdims=True) > 0, x[26:], 0.25)[::-1, ::-1]
    wanted[2:] += last
    wanted[:2] += 0.25
    np.testing.assert_allclose(pattern.motif.counts, wanted)
    np.testing.assert_allclose(pattern.contribution, [c[:3].sum(), c[26:].sum()], atol=1e-6)


def test_turning_twice_changes_nothing_and_trimming_follows_the_strand() -> None:
    source = open_contributions(example())
    pattern = stack_pattern(source, [0, 3], [2, 5], 12, ["+", "-"])
    again = pattern.reverse_complement().reverse_complement()
    np.testing.assert_array_equal(again.cwm, pattern.cwm)
    assert again.core == pattern.core
    assert list(again.strand) == list(pattern.strand)
    short = pattern.trimmed()
    low, high = pattern.core
    assert (high - low) < 12
    restacked = stack_pattern(source, short.sequence, short.start, short.width, short.strand)
    np.testing.assert_allclose(restacked.cwm, pattern.cwm[low:high], atol=1e-12)
    turned = pattern.reverse_complement().trimmed()
    np.testing.assert_array_equal(turned.start, short.start)


def test_cores() -> None:
    weights = np.zeros((10, 4))
    weights[3, 0], weights[4, 2], weights[7, 1], weights[9, 1] = 1.0, -0.5, 0.3, 0.1
    assert core_of(weights) == (3, 8)
    assert core_of(np.eye(10, 4) * [1, 0, 0, 0]) == (0, 4)
    assert core_of(np.zeros((6, 4))) == (0, 6)


def test_no_occurrence_and_rows_that_are_not_there() -> None:
    source = open_contributions(example())
    with pytest.raises(ParameterError, match="no occurrence"):
        stack_pattern(source, [], [], 5, [])
    with pytest.raises(ParameterError, match="rows 0 to 6"):
        stack_pattern(source, [7], [0], 5, ["+"])


def test_memory_and_store_agree_for_each_target(tmp_path) -> None:
    result = example(targets=2)
    save(result, tmp_path / "r.zarr")
    with pytest.raises(TargetError, match="choose one"):
        open_contributions(result)
    for target in ("t0", 1):
        here, there = open_contributions(result, target=target), open_contributions(tmp_path / "r.zarr", target=target)
        assert (here.names, here.intervals, here.label) == (there.names, there.intervals, there.label)
        np.testing.assert_array_equal(here.lengths, there.lengths)
        a, b = here.read([5, 0]), there.read([5, 0])
        np.testing.assert_array_equal(a.hypothetical, b.hypothetical)
        np.testing.assert_array_equal(a.projected, result.for_target(target).contributions[[5, 0]])
        np.testing.assert_array_equal(b.projected, a.projected)
        np.testing.assert_array_equal(
            np.concatenate([block.codes for block in here.blocks()]),
            np.concatenate([block.codes for block in there.blocks()]),
        )


def test_values_that_are_no_numbers_are_named() -> None:
    result = example()
    result.contributions[2, 3] = np.nan
    with pytest.raises(ShapeError, match="'s2'"):
        next(open_contributions(result).blocks())


def test_spans_on_the_genome() -> None:
    intervals = (Interval("chr1", 100, 130, "+"), Interval("chr2", 200, 230, "-"), None)
    placed = genome_spans(intervals, [0, 1, 1, 2], [2, 2, 0, 1], [5, 5, 30, 4], ["+", "+", "-", "+"])
    assert placed is not None
    assert placed.chromosome.tolist() == ["chr1", "chr2", "chr2", ""]
    assert placed.start.tolist() == [102, 225, 200, -1]
    assert placed.end.tolist() == [105, 228, 230, -1]
    assert placed.strand.tolist() == ["+", "-", "+", "."]
    assert genome_spans((None, None), [0], [1], [2]) is None


def test_tables() -> None:
    source = open_contributions(example())
    small = stack_pattern(source, [0], [2], 8, ["+"])
    large = stack_pattern(source, [0, 1, 2], [2, 5, 11], 8, ["+", "-", "+"])
    against = stack_pattern(source, [4, 5], [2, 5], 8, ["+", "+"], sign=-1)
    found = PatternSet.of(source, [small, against, large], method="fast", parameters={})
    assert [(p.id, p.size) for p in found] == [("pos_0", 3), ("pos_1", 1), ("neg_0", 2)]
    table = found.to_table()
    assert table["sequences"].tolist() == [3, 1, 2]
    assert found["neg_0"].sign == -1
    with pytest.raises(ParameterError, match="pos_0, pos_1, neg_0"):
        found["pos_9"]
    none = np.empty(0)
    assert len(PatternSet.of(source, [], method="fast", parameters={}, notes=["none"]).to_table()) == 0
    seqlets = Seqlets(
        sequence=np.array([1]), start=np.array([3]), end=np.array([9]), score=np.array([1.5]), p_value=np.array([0.01]),
        q_value=np.array([np.nan]), names=source.names, intervals=source.intervals,
    )  # fmt: skip
    line = seqlets.to_table().iloc[0]
    assert (line["sequence"], line["chromosome"], line["genome_start"], line["genome_end"]) == ("s1", "chr1", 121, 127)
    with pytest.raises(ShapeError):
        Seqlets(none, none, none, none, none, np.empty(1))
