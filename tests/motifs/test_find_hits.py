"""Hits against loops over all windows, on null data, and where they are known to be."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from contributions import (
    EVERYTHING,
    GATA,
    QUICK,
    attributions,
    letters,
    noise,
    pattern_of,
    random_pattern,
    reverse_complement,
    with_words,
    word_pattern,
)
from scipy.stats import binom, false_discovery_control

from seqexplain.motifs import (
    Motif,
    find_hits,
    match_motifs,
    open_contributions,
    scan,
    stack_pattern,
)
from seqexplain.motifs._hit_scores import BINS, FLOOR, least_score
from seqexplain.motifs._hit_weights import ALIKE, scrambled
from seqexplain.results import Interval
from seqexplain.sequences import codes_to_one_hot

# ---- the score and its p-value, against loops ----


def brute_force(codes, observed, weights, mean_square):
    """Every window's (sequence, start, strand, explained, similarity, score, contribution)."""
    width = len(weights)
    unit = weights / np.sqrt((weights**2).sum())
    found = []
    for i in range(len(codes)):
        for s in range(codes.shape[1] - width + 1):
            if (codes[i, s : s + width] == 4).any():
                continue
            sums = {"+": 0.0, "-": 0.0}
            for k in range(width):
                base, c = codes[i, s + k], observed[i, s + k]
                sums["+"] += c * unit[k, base]
                sums["-"] += c * unit[width - 1 - k, 3 - base]
            strand = "-" if sums["-"] > sums["+"] else "+"
            size = (observed[i, s : s + width] ** 2).sum()
            found.append(
                (
                    i, s, strand, sums[strand], sums[strand] / np.sqrt(size),
                    sums[strand] / np.sqrt(size + FLOOR * width * mean_square), observed[i, s : s + width].sum(),
                )
            )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def small():
    codes, observed = noise(20, 60, seed=3)
    codes[1, 17] = 4
    observed[1, 17] = 0
    return codes, observed.astype(np.float32)


def test_scores_are_those_of_a_loop_over_all_windows(small):
    codes, observed = small
    one = random_pattern(9, seed=1)
    hits = find_hits(attributions(codes, observed), one, **EVERYTHING)
    mean_square = (observed**2).sum() / (codes < 4).sum()
    windows = brute_force(codes, observed, one.cwm, mean_square)
    expected = [line for line in windows if line[5] >= least_score(9) and line[6] > 0]
    assert len(hits) == len(expected) > 20
    assert list(zip(hits.sequence, hits.start, hits.strand, strict=True)) == [line[:3] for line in expected]
    numbers = np.stack([hits.explained, hits.similarity, hits.score, hits.contribution], axis=1)
    np.testing.assert_allclose(numbers, [line[3:] for line in expected], rtol=2e-5, atol=1e-6)


def test_p_values_are_counted_among_scrambled_motifs_and_q_values_are_those_of_benjamini_and_hochberg(small):
    codes, observed = small
    one = random_pattern(7, seed=2)
    hits = find_hits(attributions(codes, observed), one, **EVERYTHING)
    mean_square = (observed**2).sum() / (codes < 4).sum()

    def bins(weights):
        """Where each window's score lies, that of scores that are not counted being 0."""
        score = np.array([line[5] for line in brute_force(codes, observed, weights, mean_square)])
        return np.where(score >= least_score(7), np.floor(score * BINS + 1e-6), 0)

    seed = np.random.default_rng([0, zlib.crc32(b"pos_0")])
    null = np.concatenate([bins(m) for m in scrambled(one.cwm / np.linalg.norm(one.cwm), 200_000 // 1200, seed)])
    mine = bins(one.cwm)
    p = (1 + (null[:, None] >= mine).sum(axis=0)) / (1 + len(null))
    q = false_discovery_control(p)
    places = {line[:2]: k for k, line in enumerate(brute_force(codes, observed, one.cwm, mean_square))}
    found = [places[place] for place in zip(hits.sequence, hits.start, strict=True)]
    assert len(found) > 20
    # a score that lies on the edge of a bin may be counted in either
    np.testing.assert_allclose(hits.p_value, p[found], rtol=0.02)
    np.testing.assert_allclose(hits.q_value, q[found], rtol=0.02)
    assert np.median(np.abs(hits.p_value / p[found] - 1)) < 1e-3


def test_scrambled_motifs_weigh_as_much_at_each_position_and_are_other_motifs():
    rng = np.random.default_rng(0)
    weights = word_pattern("AGATAAGC").cwm * np.array([0.2, 1, 3, 2, 2, 2, 1, 0.5])[:, None]
    weights = weights / np.linalg.norm(weights)
    mixed = scrambled(weights, 50, rng)
    assert mixed.shape == (50, 8, 4)
    np.testing.assert_allclose(np.linalg.norm(mixed, axis=2), np.linalg.norm(weights, axis=1)[None].repeat(50, 0))
    for one in mixed:  # the same bases in another order, and not like it on either strand
        assert sorted(one.argmax(axis=1)) == sorted(weights.argmax(axis=1))
        assert (one * weights).sum() < ALIKE
        assert (one * weights[::-1, ::-1]).sum() < ALIKE
    # one base only: no order differs, so bases are exchanged
    mixed = scrambled(word_pattern("AAAAAA").cwm / np.sqrt(6), 50, rng)
    assert len(np.unique(mixed.argmax(axis=2), axis=0)) > 30
    assert ((mixed * np.eye(4)[0]).sum(axis=(1, 2)) < ALIKE * np.sqrt(6)).all()


# ---- is a p-value what it says? ----


@pytest.mark.parametrize("width", [5, 8, 15])
def test_on_null_data_p_values_are_as_frequent_as_they_say(width):
    codes, observed = noise(400, 100, seed=width)
    source = open_contributions(attributions(codes, observed))
    windows = 400 * (101 - width)
    few, many = binom.ppf([1e-6, 1 - 1e-6], windows, 1e-3), binom.ppf([1e-6, 1 - 1e-6], windows, 1e-2)
    for seed in range(6):
        one = random_pattern(width, seed)
        hits = find_hits(
            source, one, q_value=1.0, p_value=1e-2, match_p_value=1.0, overlaps="all", null_windows=2_000_000
        )
        # overlapping windows are not independent, so somewhat more than the binomial's range
        assert many[0] * 0.9 < (hits.p_value <= 1e-2).sum() < many[1] * 1.1
        assert few[0] * 0.7 < (hits.p_value <= 1e-3).sum() < few[1] * 1.3


def test_on_null_data_nothing_is_found_as_often_as_the_rate_says():
    found = []
    for seed in range(40):
        source = open_contributions(attributions(*noise(60, 80, seed=seed)))
        found.append(len(find_hits(source, word_pattern(), q_value=0.1, null_windows=500_000)) > 0)
    # where every hit is false, the false discovery rate is the chance of having any
    assert sum(found) <= binom.ppf(0.9999, 40, 0.1)


def test_words_that_do_not_contribute_and_contributions_without_the_word_are_no_hits():
    codes, observed = noise(300, 100, seed=1)
    codes[:100, 40:47] = letters(GATA)  # matches
    observed[100:200, 40:47] += 1.0  # contributes
    codes[200:, 40:47] = letters(GATA)  # both
    observed[200:, 40:47] += 1.0
    hits = find_hits(attributions(codes, observed), word_pattern(), **QUICK)
    assert np.isin(np.arange(200, 300), hits.sequence[hits.start == 40]).all()
    assert (hits.sequence < 200).sum() <= 0.1 * len(hits)
    np.testing.assert_array_equal(hits.word[(hits.sequence >= 200) & (hits.start == 40)], GATA)


def test_a_word_has_to_match_a_little_and_the_sign_has_to_be_the_patterns():
    source, start, _ = with_words(seed=15)
    half = word_pattern("GATACCT")  # GATAAG's first half, and nothing better
    loose = find_hits(source, half, q_value=1.0, p_value=0.02, match_p_value=1.0, **QUICK)
    assert len(loose) > 50
    strict = find_hits(source, half, q_value=1.0, p_value=0.02, **QUICK)
    assert (strict.fimo_p_value <= 0.01).all()
    assert len(strict) < len(loose) / 5
    # of three bases no word is as rare as 1 %: the best one (1 in 64) is still a hit
    short = find_hits(source, word_pattern("GAT"), q_value=1.0, p_value=0.05, **QUICK)
    assert len(short) > 50
    assert set(short.word) == {"GAT"}
    # a pattern against the target some of whose bases speak for it: its hits are against it all the same
    mixed = pattern_of(np.eye(5, 4)[letters(GATA)] * np.array([1, 1, 1, 1, 1, 1, -0.5])[:, None], id="neg_0", sign=-1)
    for sign, count in ((-1, 0), (1, 50)):
        hits = find_hits(source, replace(mixed, sign=sign), q_value=1.0, match_p_value=1.0, **QUICK)
        assert (hits.contribution * sign > 0).all()
        assert np.isin(np.arange(100), hits.sequence[hits.start == start[hits.sequence]]).sum() >= count
        assert sign > 0 or not (hits.start == start[hits.sequence]).any()


def test_of_the_hits_no_more_are_false_than_the_rate_says():
    """Another motif contributes as much in other sequences: its sites are among the null's windows."""
    source, start, _ = with_words(400, 100, share=0.25, seed=4)
    result = source._result
    codes, observed = result.X.argmax(axis=2), result.contributions.sum(axis=2)
    codes[200:300, 30:38], observed[200:300, 30:38] = letters("CACGTGAC"), observed[200:300, 30:38] + 1
    hits = find_hits(attributions(codes, observed), word_pattern(), q_value=0.05, **QUICK)
    true = hits.start == start[hits.sequence]
    assert true.sum() == 100
    assert (~true).sum() <= binom.ppf(0.999, 105, 0.05)


# ---- where hits are ----


@pytest.mark.parametrize("width", [7, 13])
def test_planted_words_are_found_on_their_strand_and_nowhere_else(width):
    source, start, strand = with_words(seed=2)
    rows = np.arange(50)
    flank = (width - 7) // 2
    one = stack_pattern(source, rows, start[rows] - flank, width, strand[rows])
    hits = find_hits(source, one, **QUICK)
    assert hits.sequence.tolist() == list(range(100))  # one each in the half that has one
    np.testing.assert_array_equal(hits.start, start[:100])
    np.testing.assert_array_equal(hits.end, start[:100] + 7)  # the core, not the window
    np.testing.assert_array_equal(hits.strand, strand[:100])
    assert set(hits.word) == {GATA}
    assert hits.patterns == ("pos_0",)
    assert hits.labels == (GATA,)
    assert (hits.similarity > 0.8).all()
    observed = source.read(np.arange(100)).observed
    sums = [observed[i, s : s + 7].sum() for i, s in enumerate(start[:100])]
    np.testing.assert_allclose(hits.contribution, sums, rtol=1e-5)


def test_genome_coordinates_on_both_strands_by_hand():
    codes, observed = noise(3, 40, seed=8)
    for row, word in enumerate([letters(GATA), letters(GATA), reverse_complement(letters(GATA))]):
        codes[row, 10:17], observed[row, 10:17] = word, 2.0
    intervals = (Interval("chr1", 100, 140, "+"), Interval("chr2", 100, 140, "-"), Interval("chr2", 500, 540, "-"))
    hits = find_hits(attributions(codes, observed, intervals=intervals), word_pattern(), **QUICK)
    table = hits.to_table()
    assert table[["start", "end", "strand"]].to_numpy().tolist() == [[10, 17, "+"], [10, 17, "+"], [10, 17, "-"]]
    placed = table[["chromosome", "genome_start", "genome_end", "genome_strand"]].to_numpy().tolist()
    # read from the − strand, base 10 is the genome's 140 − 10 − 1: the span is 140 − 17 to 140 − 10
    assert placed == [["chr1", 110, 117, "+"], ["chr2", 123, 130, "-"], ["chr2", 523, 530, "+"]]


def test_a_palindrome_is_one_hit_on_the_plus_strand():
    source, start, _ = with_words(word="CACGTG", seed=5)
    rows = np.arange(100)
    one = stack_pattern(source, rows, start[rows], 6, np.full(100, "+"))
    even = replace(one, cwm=(one.cwm + one.cwm[::-1, ::-1]) / 2)
    hits = find_hits(source, even, **QUICK)
    assert hits.sequence.tolist() == list(range(100))
    assert set(hits.strand) == {"+"}


def test_overlapping_hits_are_resolved_by_the_stated_rule():
    codes, observed = noise(40, 60, seed=6)
    codes[:, 20:32], observed[:, 20:32] = letters("GGATAAGATAAG"), 1.0  # GGATAA at 20, AGATAA at 25: 1 bp shared
    long, short = word_pattern("GGATAAGATAAG", id="long"), word_pattern("GATAAG", id="short")
    source = attributions(codes, observed)

    def spans(hits, row=7):
        mine = hits.sequence == row
        ids = np.array(hits.patterns)[hits.motif[mine]]
        return sorted(zip(ids, hits.start[mine].tolist(), hits.end[mine].tolist(), strict=True))

    both = [("long", 20, 32), ("short", 21, 27), ("short", 26, 32)]  # the short ones share 1 of 6 bp
    assert spans(find_hits(source, [long, short], overlaps="by_motif", **QUICK)) == both
    resolved = find_hits(source, [short, long], overlaps="resolved", **QUICK)
    assert spans(resolved) == [("long", 20, 32)]  # explains √12 against √6
    assert spans(find_hits(source, [short], **QUICK)) == both[1:]
    apart = find_hits(source, [short], max_overlap=0.1, **QUICK)
    assert len(spans(apart)) == 1  # 1 of 6 is more than a tenth
    everything = find_hits(source, [long, short], overlaps="all", **QUICK)
    assert set(both) <= set(spans(everything))
    assert len(everything) > len(resolved)


def test_a_pattern_against_the_target_is_found_where_it_lowers_it():
    source, start, strand = with_words(size=-1.0, seed=7)
    rows = np.arange(60)
    one = stack_pattern(source, rows, start[rows], 7, strand[rows], id="neg_0", sign=-1)
    hits = find_hits(source, [one], **QUICK)
    assert hits.sequence.tolist() == list(range(100))
    assert (hits.contribution < -3).all()
    assert hits.signs == (-1,)
    assert len(find_hits(source, word_pattern(), **QUICK)) == 0  # the same bases, speaking for it
    # a matrix has no sign of its own
    matrix = Motif("M1", "box", np.eye(5, 4)[letters(GATA)] * 50 + 1)
    assert len(find_hits(source, matrix, **QUICK)) == 0
    assert find_hits(source, matrix, sign=-1, **QUICK).sequence.tolist() == list(range(100))


# ---- matrices, and p-values of the word alone ----


def test_a_motif_without_contributions_of_its_own_finds_the_same_sites():
    source, start, strand = with_words(seed=9)
    counts = np.eye(5, 4)[letters("N" + GATA + "NN")] * 30 + np.array([[1.0] * 4] * 10)
    hits = find_hits(source, [Motif("MA0035.4", "GATA1", counts)], names={"MA0035.4": "Gata"}, **QUICK)
    inside = (start > 1) & (start < 91)  # the matrix's flanks have to be there
    shift = np.where(strand == "+", 1, 2)
    found = {(int(i), int(s)) for i, s in zip(hits.sequence, hits.start, strict=True)}
    assert {(i, start[i] - shift[i]) for i in np.flatnonzero(inside)} <= found
    assert hits.labels == ("Gata",)


def test_patterns_are_called_by_what_they_match():
    source, start, strand = with_words(seed=9)
    rows = np.arange(100)
    one = stack_pattern(source, rows, start[rows], 7, strand[rows])
    known = [Motif("MA1", "Gata1", one.motif.counts), *(random_pattern(8, seed).motif for seed in range(3))]
    known += [Motif(f"R{k}", "other", np.random.default_rng(k).dirichlet([0.5] * 4, 9) * 100 + 1) for k in range(60)]
    matches = match_motifs([Motif("pos_0", "", one.motif.counts)], known)
    assert find_hits(source, one, names=matches, **QUICK).labels == ("Gata1",)
    assert find_hits(source, one, names=matches.significant(1e-300), **QUICK).labels == (GATA,)


def test_fimo_p_values_are_those_of_the_scan():
    source, _, _ = with_words(seed=10)
    one = word_pattern()
    background = (0.3, 0.2, 0.2, 0.3)
    hits = find_hits(source, one, background=background, **EVERYTHING)
    X = codes_to_one_hot(source.read(np.arange(source.n)).codes)
    alone = scan(X, one.motif, background=background, p_value=1.0)
    known = {place: p for *place, p in zip(alone.sequence, alone.start, alone.strand, alone.p_value, strict=True)
             for place in [tuple(place)]}  # fmt: skip
    assert len(hits) > 900
    for place in zip(hits.sequence, hits.start, hits.strand, hits.fimo_p_value, strict=True):
        assert known[place[:3]] == pytest.approx(place[3], rel=1e-12)


@pytest.mark.slow  # memelite compiles for minutes when it is first used
def test_fimo_p_values_agree_with_memelite():
    fimo = pytest.importorskip("memelite").fimo
    source, _, _ = with_words(seed=11)
    counts = np.random.default_rng(0).dirichlet([0.3] * 4, 9) * 500 + 1
    one = pattern_of(counts, counts=counts)
    X = codes_to_one_hot(source.read(np.arange(source.n)).codes)
    theirs = fimo({"m": one.motif.probabilities.T}, X.transpose(0, 2, 1), threshold=1e-2, bin_size=0.01)[0]
    ours = scan(X, one.motif, p_value=0.02)
    known = {place[:3]: place[3] for place in zip(ours.sequence, ours.start, ours.strand, ours.p_value, strict=True)}
    places = zip(theirs["sequence_name"], theirs["start"], theirs["strand"], strict=True)
    pairs = np.array([(known[place], p) for place, p in zip(places, theirs["p-value"], strict=True)])
    assert len(pairs) > 100
    # they round scores to a hundredth of a bit here, and add .0001 to probabilities where we add one site
    np.testing.assert_allclose(np.log10(pairs[:, 0]), np.log10(pairs[:, 1]), atol=0.1)
    hits = find_hits(source, one, background=(0.25,) * 4, **EVERYTHING)
    mine = {
        place[:3]: place[3] for place in zip(hits.sequence, hits.start, hits.strand, hits.fimo_p_value, strict=True)
    }
    shared = mine.keys() & known.keys()
    assert len(shared) > 5
    assert all(mine[place] == pytest.approx(known[place], rel=1e-12) for place in shared)


def test_the_order_of_the_sequences_changes_nothing():
    rng = np.random.default_rng(5)
    codes, observed = noise(300, 100, 5)
    start = rng.integers(0, 93, 300)
    for i, size in enumerate(rng.uniform(0, 1, 300)):  # from nothing to much, so that some are near the limit
        codes[i, start[i] : start[i] + 7] = letters(GATA)
        observed[i, start[i] : start[i] + 7] += size
    order = rng.permutation(300)
    one, other = (
        find_hits(attributions(codes[rows], observed[rows]), word_pattern(), q_value=0.2, **QUICK)
        for rows in (np.arange(300), order)
    )
    assert len(one) > 100
    expected = sorted(zip(one.sequence, one.start, one.strand, one.p_value, one.q_value, one.fimo_p_value, strict=True))
    assert expected == sorted(
        zip(order[other.sequence], other.start, other.strand, other.p_value, other.q_value, other.fimo_p_value,
            strict=True)
    )  # fmt: skip
