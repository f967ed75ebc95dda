"""Hits and p-values, against every word there is and against a plain loop."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from seqexplain.data import MOTIFS, bundled
from seqexplain.errors import ParameterError, SeqExplainWarning, ShapeError
from seqexplain.motifs import Motif, best_hits, read_motifs, scan, score_table
from seqexplain.sequences import one_hot, reverse_complement

COUNTS = np.array([[7, 1, 1, 1], [0, 5, 5, 0], [2, 0, 6, 2], [1, 1, 1, 9]], dtype=float)
BACKGROUND = (0.3, 0.2, 0.2, 0.3)


def random_sequences(n, length, seed=0):
    rng = np.random.default_rng(seed)
    return ["".join(row) for row in rng.choice(list("ACGT"), size=(n, length))]


def word_score(table, word):
    return sum(int(table.weights[j, "ACGT".index(base)]) for j, base in enumerate(word))


@pytest.mark.parametrize("background", [(0.25,) * 4, BACKGROUND, (0.1, 0.4, 0.4, 0.1)])
@pytest.mark.parametrize("width", [1, 3, 4])
def test_p_values_are_exact_over_all_words(background, width):
    table = score_table(Motif("M1", "box", COUNTS[:width]), background)
    words = ["".join(word) for word in itertools.product("ACGT", repeat=width)]
    scores = np.array([word_score(table, word) for word in words])
    chances = np.array([np.prod([background["ACGT".index(base)] for base in word]) for word in words])
    for score in (*np.unique(scores), scores.min() - 1, scores.max() + 1):
        expected = chances[scores >= score].sum()
        np.testing.assert_allclose(table.p_values(score), expected, rtol=1e-12, atol=1e-15)


def test_rare_tails_keep_their_digits():
    # a word is all A, or has one other base, with the chances of the binomial distribution
    table = score_table(Motif("M1", "box", np.tile([1000.0, 0, 0, 0], (24, 1))), BACKGROUND)
    best = int(table.weights.max(axis=1).sum())
    second = best - int(table.weights[0, 0] - table.weights[0, 1])
    np.testing.assert_allclose(table.p_values([best, second]), [0.3**24, 0.3**24 + 24 * 0.7 * 0.3**23], rtol=1e-9)


def test_scores_are_the_log_odds_within_the_step():
    motif = Motif("M1", "box", COUNTS)
    table = score_table(motif, BACKGROUND)
    assert np.abs(table.weights * table.step - motif.log_odds(BACKGROUND)).max() <= table.step / 2 + 1e-12


def test_background_is_averaged_over_the_strands():
    motif = Motif("M1", "box", COUNTS)
    one = score_table(motif, (0.4, 0.3, 0.1, 0.2))
    other = score_table(motif, (0.3, 0.2, 0.2, 0.3))
    np.testing.assert_array_equal(one.weights, other.weights)


def test_threshold_is_the_lowest_score_that_is_rare_enough():
    table = score_table(Motif("M1", "box", COUNTS))
    for p_value in (1.0, 0.3, 1 / 64, 1 / 128):
        threshold = table.threshold(p_value)
        assert table.p_values(threshold) <= p_value
        if p_value < 1:
            assert table.p_values(threshold - 1) > p_value
    assert table.threshold(1 / 256) is None  # C and G are equal at one position, so two words are best


def test_scan_equals_a_plain_loop():
    motif = Motif("M1", "box", COUNTS)
    table = score_table(motif, BACKGROUND)
    sequences = [*random_sequences(20, 30), "N" * 30, "ACGT" * 3 + "NN" + "ACGT" * 4]
    expected = []
    for i, sequence in enumerate(sequences):
        for start in range(30 - 4 + 1):
            word = sequence[start : start + 4]
            if "N" in word:
                continue
            for strand, read in (("+", word), ("-", reverse_complement(word))):
                score = word_score(table, read)
                p = float(table.p_values(score))
                if p <= 0.05:
                    expected.append((i, start, start + 4, strand, round(score * table.step, 9), p))
    hits = scan(one_hot(sequences), motif, background=BACKGROUND, p_value=0.05)
    found = list(
        zip(
            hits.sequence.tolist(),
            hits.start.tolist(),
            hits.end.tolist(),
            hits.strand.tolist(),
            hits.score.round(9).tolist(),
            hits.p_value.tolist(),
            strict=True,
        )
    )
    assert len(expected) > 50
    assert found == expected


def test_best_hits_are_the_best_of_all_hits():
    motif = Motif("M1", "box", COUNTS)
    X = one_hot(random_sequences(50, 30, seed=1))
    best = best_hits(X, motif)
    hits = scan(X, motif, p_value=1.0)
    assert best.sequence.tolist() == list(range(50))
    for i in range(50):
        here = hits.sequence == i
        first = np.flatnonzero(here)[hits.score[here].argmax()]
        assert (best.start[i], best.strand[i]) == (hits.start[first], hits.strand[first])
        assert best.p_value[i] == hits.p_value[here].min()


def test_chunks_do_not_change_the_hits(monkeypatch):
    motif = Motif("M1", "box", COUNTS)
    X = one_hot(random_sequences(23, 40, seed=2))
    whole = scan(X, motif, p_value=0.02)
    monkeypatch.setattr("seqexplain.motifs._scan._CHUNK_WORDS", 100)
    parts = scan(X, motif, p_value=0.02)
    for name in ("sequence", "start", "strand", "score", "p_value"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))
    assert best_hits(X, motif).sequence.tolist() == list(range(23))


def test_every_word_is_a_hit_at_p_value_one():
    X = one_hot([*random_sequences(10, 30), "GG" + "TACA" + "G" * 24])  # TACA scores the lowest of all words
    table = score_table(Motif("M1", "box", COUNTS))
    hits = scan(X, Motif("M1", "box", COUNTS), p_value=1.0)
    assert len(hits) == 11 * 27 * 2
    assert round(hits.score.min() / table.step) == table.lowest


def test_the_other_strand_has_the_same_hits():
    motif = read_motifs(bundled(MOTIFS))[0]
    X = one_hot(random_sequences(200, 100, seed=3))
    forward, backward = best_hits(X, motif), best_hits(X[:, ::-1, ::-1], motif)
    np.testing.assert_allclose(forward.score, backward.score)
    unique = forward.p_value < 1e-3  # poor words tie more often, and ties go to the left on either strand
    np.testing.assert_array_equal(forward.start[unique], 100 - backward.end[unique])
    assert np.all(forward.strand[unique] != backward.strand[unique])


def test_hits_in_random_dna_are_as_frequent_as_the_p_value_says():
    motif = read_motifs(bundled(MOTIFS))[1]
    X = one_hot(random_sequences(5000, 100, seed=4))
    n_words = 5000 * (100 - motif.width + 1) * 2
    hits = scan(X, motif, p_value=1e-3)
    expected = n_words * 1e-3
    # words overlap, so the variance is a little above the Poisson one: six standard deviations
    assert abs(len(hits) - expected) < 6 * np.sqrt(expected)


def test_without_a_word_there_is_no_hit():
    motif = Motif("M1", "box", COUNTS)
    X = one_hot(["NNNNNN", "ACGNAC"])
    best = best_hits(X, motif)
    assert best.start.tolist() == [-1, -1]
    assert best.strand.tolist() == [".", "."]
    assert best.p_value.tolist() == [1.0, 1.0]
    assert len(scan(X, motif, p_value=1.0)) == 0
    assert len(scan(X[:0], motif, p_value=1.0)) == len(best_hits(X[:0], motif)) == 0


def test_a_motif_that_can_have_no_hit_warns():
    with pytest.warns(SeqExplainWarning, match=r"best word has p = 0\.0078"):
        hits = scan(one_hot(["ACGTACGT"]), Motif("M1", "box", COUNTS), p_value=1e-4)
    assert len(hits) == 0


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((2, 3, 4)), "at least 4 bp"),
        (np.zeros((8, 4)), r"Use X\[None\]"),
        (np.zeros((2, 4, 9)), "transpose"),
        (np.full((2, 9, 4), 0.25), "one-hot"),
    ],
)
def test_bad_arrays_are_explained(X, message):
    motif = Motif("M1", "box", COUNTS)
    with pytest.raises(ShapeError, match=message):
        scan(X, motif)
    with pytest.raises(ShapeError, match=message):
        best_hits(X, motif)


@pytest.mark.parametrize("p_value", [0, -1, 2, float("nan")])
def test_bad_p_values_are_refused(p_value):
    with pytest.raises(ParameterError, match="probability"):
        scan(one_hot(["ACGTACGT"]), Motif("M1", "box", COUNTS), p_value=p_value)
