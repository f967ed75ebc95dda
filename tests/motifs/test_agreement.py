"""Strongest windows and their agreement with hits, on made-up contributions with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.motifs import Motif, best_hits, strongest_window, window_agreement
from seqexplain.sequences import one_hot

SITE = "ACGTTGCAAG"
MOTIF = Motif("M1", "site", 100.0 * one_hot([SITE])[0])
WIDTH = 6  # half of it: 3


def peaks_at(starts, length=40, filler="T"):
    return one_hot([filler * k + SITE + filler * (length - k - len(SITE)) for k in starts])


def contributions_at(X, starts, width=WIDTH):
    c = np.zeros(X.shape)
    for i, start in enumerate(starts):
        c[i, start : start + width] = X[i, start : start + width]
    return c


def test_strongest_window_equals_a_plain_search():
    rng = np.random.default_rng(0)
    c = rng.normal(size=(30, 25, 4))
    expected = [int(np.argmax([c[i, k : k + 7].sum() for k in range(25 - 7 + 1)])) for i in range(30)]
    assert strongest_window(c, width=7).tolist() == expected


def test_strongest_window_counts_signs_and_takes_the_leftmost():
    c = np.zeros((2, 10, 4))
    c[0, 1:3, 0] = -5.0
    c[0, 6:8, 1] = 1.0
    assert strongest_window(c, width=2).tolist() == [6, 0]


@pytest.mark.parametrize(("offset", "agrees"), [(-4, False), (-3, True), (0, True), (7, True), (8, False)])
def test_half_of_the_window_has_to_lie_on_the_hit(offset, agrees):
    X = peaks_at([15])
    result = window_agreement(contributions_at(X, [15 + offset]), X, MOTIF, width=WIDTH)
    assert result.agrees.tolist() == [agrees]
    assert result.share == float(agrees)


def test_half_of_a_motif_narrower_than_the_window():
    X = peaks_at([15, 14])  # 5 and 4 of the motif's 10 bases lie in the window
    result = window_agreement(contributions_at(X, [20, 20], 20), X, MOTIF, width=20)
    assert result.agrees.tolist() == [True, False]


def test_chance_levels_against_counting():
    rng = np.random.default_rng(1)
    sites = rng.integers(0, 31, size=12)
    windows = rng.integers(0, 35, size=12)
    X = peaks_at(sites)
    X[3] = one_hot(["T" * 40])[0]  # no hit
    c = contributions_at(X, windows)
    result = window_agreement(c, X, MOTIF, width=WIDTH)
    hits = best_hits(X, MOTIF)

    def overlap(i, start):
        shared = min(start + WIDTH, hits.end[i]) - max(start, hits.start[i])
        return hits.p_value[i] <= 1e-4 and shared >= WIDTH / 2

    assert result.has_hit.tolist() == [i != 3 for i in range(12)]
    assert result.agrees.tolist() == [overlap(i, windows[i]) for i in range(12)]
    assert result.window_starts.tolist() == windows.tolist()
    assert result.chance == pytest.approx(np.mean([[overlap(i, k) for k in range(35)] for i in range(12)]))
    exchanged = np.mean([[overlap(i, windows[j]) for j in range(12)] for i in range(12)])
    assert result.chance_exchanged == pytest.approx(exchanged)
    assert result.share == pytest.approx(result.agrees.mean())
    assert result.share_of_hits == pytest.approx(result.agrees[result.has_hit].mean())


def test_sites_at_the_ends_and_on_the_other_strand():
    X = peaks_at([0, 30])
    X = np.concatenate([X, X[:, ::-1, ::-1]])
    result = window_agreement(contributions_at(X, [0, 34, 34, 0]), X, MOTIF, width=WIDTH)
    assert result.agrees.all()
    # at an end only windows on the inner side count: starts 0…7 of 35, or 27…34
    assert result.chance == pytest.approx(8 / 35)


def test_no_hit_anywhere():
    X = one_hot(["T" * 40, "N" * 40])
    result = window_agreement(np.zeros(X.shape), X, MOTIF)
    assert result.share == result.chance == result.chance_exchanged == 0
    assert np.isnan(result.share_of_hits)
    assert "with_hit=0" in repr(result)


def test_bad_input_is_explained():
    X = peaks_at([3])
    c = np.zeros(X.shape)
    with pytest.raises(ShapeError, match="expected both"):
        window_agreement(c[:, :-1], X, MOTIF)
    with pytest.raises(ShapeError, match="one target"):
        strongest_window(np.zeros((2, 3, 40, 4)))
    with pytest.raises(ShapeError, match="NaN"):
        strongest_window(np.full((1, 40, 4), np.nan))
    with pytest.raises(ShapeError, match="no sequence"):
        window_agreement(c[:0], X[:0], MOTIF)
    for width in (0, 41, 2.5, True):
        with pytest.raises(ParameterError, match="width is"):
            strongest_window(c, width=width)
    with pytest.raises(ParameterError, match="p_value"):
        window_agreement(c, X, MOTIF, p_value=0)
