"""A draw from many seqlets: each has the same chance, whatever the order of the sequences and what else is there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seqexplain.errors import ParameterError
from seqexplain.motifs import Seqlets, extract_patterns, open_contributions
from seqexplain.motifs._draw_seqlets import draw_seqlets
from seqexplain.results import Attributions

N, LENGTH, EACH = 300, 40, 3  # sequences, bp, and seqlets in each


def sequences(n: int = N, seed: int = 0) -> Attributions:
    codes = np.random.default_rng(seed).integers(0, 4, (n, LENGTH))
    X = np.eye(4, dtype=np.float32)[codes]
    return Attributions(contributions=X, X=X, predictions=np.zeros(n, np.float32))


def spans(n: int = N) -> Seqlets:
    row = np.repeat(np.arange(n), EACH)
    start = np.tile(np.arange(EACH) * 12, n)
    return Seqlets(row, start, start + 10, np.tile([1.0, -1.0, 1.0], n), *np.full((2, EACH * n), np.nan))


def contents(result: Attributions, seqlets: Seqlets) -> set[tuple[bytes, int]]:
    """What was drawn, by the sequence and not by its row."""
    return {
        (result.X[i].tobytes(), int(at))
        for i, at in zip(seqlets.sequence.tolist(), seqlets.start.tolist(), strict=True)
    }


def test_shuffled_rows_give_the_same_seqlets():
    result, seqlets = sequences(), spans()
    drawn = draw_seqlets(open_contributions(result), seqlets, 90, 0)
    assert len(drawn) == 90
    assert drawn.notes == ("90 of 900 seqlets were looked at, drawn at random (max_seqlets).",)
    order = np.random.default_rng(1).permutation(N)
    turned = result.take(order)
    again = draw_seqlets(open_contributions(turned), seqlets, 90, 0)
    assert contents(result, drawn) == contents(turned, again)
    assert contents(result, draw_seqlets(open_contributions(result), seqlets, 90, 1)) != contents(result, drawn)


def test_more_sequences_take_places_and_give_none():
    """What is drawn of more was drawn of fewer before, or is new: none comes in because others came."""
    result = sequences()
    fewer = contents(
        result.take(slice(0, 200)), draw_seqlets(open_contributions(result.take(slice(0, 200))), spans(200), 90, 0)
    )
    all_of_200 = contents(result.take(slice(0, 200)), spans(200))
    more = contents(result, draw_seqlets(open_contributions(result), spans(), 90, 0))
    assert more & all_of_200 <= fewer
    assert 0 < len(more & all_of_200) < 90


def test_each_has_the_same_chance_wherever_it_stands():
    """Over 40 seeds a third of 900 seqlets: first and last rows, and each place of a sequence, come equally often."""
    source = open_contributions(sequences())
    seqlets = spans()
    times = np.zeros(len(seqlets))
    for seed in range(40):
        kept = draw_seqlets(source, seqlets, 300, seed)
        times[kept.sequence * EACH + kept.start // 12] += 1
    expected = 40 / 3
    deviation = np.sqrt(40 * 2 / 9)
    for part in (times[:225], times[-225:], times[::3], times[1::3], times[2::3]):
        assert abs(part.mean() - expected) < 4 * deviation / np.sqrt(len(part))
    assert times.var() == pytest.approx(deviation**2, rel=0.25)  # of 40 independent draws


def test_repeats_and_what_is_not_drawn_from():
    result = sequences(1).take(np.zeros(20, dtype=int))
    assert len(draw_seqlets(open_contributions(result), spans(20), 7, 0)) == 7
    seqlets = spans(20)
    assert draw_seqlets(open_contributions(result), seqlets, 60, 0) is seqlets


def test_padding_is_no_content():
    """A sequence draws alike, alone and beside a longer one."""
    result = sequences(2)
    X = result.X.copy()
    X[:, 30:] = 0
    lengths = np.array([30, 30])
    short = replace(result, X=X[:, :30], contributions=X[:, :30])
    padded = replace(result, X=X, contributions=X, lengths=lengths)
    seqlets = replace(spans(2), end=np.minimum(spans(2).end, 30))
    a, b = (draw_seqlets(open_contributions(one), seqlets, 3, 5) for one in (short, padded))
    np.testing.assert_array_equal(a.start, b.start)
    np.testing.assert_array_equal(a.sequence, b.sequence)


def test_the_extractor_draws_and_says_so():
    found = extract_patterns(sequences(), spans(), max_seqlets=10)
    assert found.notes[0] == "10 of 900 seqlets were looked at, drawn at random (max_seqlets)."
    assert found.parameters["seqlets"] == 10
    for most in (0, 2.5, True):
        with pytest.raises(ParameterError, match="max_seqlets is"):
            extract_patterns(sequences(), spans(), max_seqlets=most)
