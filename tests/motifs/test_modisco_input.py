"""What TF-MoDISco is given does not depend on the order of the input, on repeats, or on what lies outside a window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from planted_words import planted_words

from seqexplain.motifs import open_contributions
from seqexplain.motifs._modisco_input import context_of, drawn, fill_context, look_at, windows_of

LENGTHS = np.array([50, 60, 37, 44, 60, 58, 31, 52, 60, 49, 60, 55])
RESULT, _ = planted_words(12, {"CACGTGACCT": 1.0}, length=60, lengths=LENGTHS)


def test_the_order_follows_from_content_and_seed() -> None:
    order = np.random.default_rng(0).permutation(12)
    one, observed = look_at(open_contributions(RESULT), 40, 3)
    two, again = look_at(open_contributions(RESULT.take(order)), 40, 3)
    np.testing.assert_array_equal(one.order, order[two.order])
    np.testing.assert_array_equal(observed, again)
    assert list(look_at(open_contributions(RESULT), 40, 4)[0].order) != list(one.order)
    for row, values in zip(one.order, observed, strict=True):
        size = min(LENGTHS[row], 40)
        first = LENGTHS[row] // 2 - size // 2
        assert (one.first[row], one.size[row]) == (first, size)
        stretch = RESULT.contributions[row].sum(axis=-1)[first : first + size]
        np.testing.assert_allclose(values, np.pad(stretch, (0, 40 - size)), atol=1e-7)


def test_repeats_are_one_and_come_back() -> None:
    rows = np.array([4, 2, 4, 7, 2, 4])
    view, observed = look_at(open_contributions(RESULT.take(rows)), None, 0)
    assert sorted(view.order) == [0, 1, 3]
    assert len(observed) == 3
    span, row, start = view.with_repeats(np.array([0, 3, 1]), np.array([5, 6, 7]))
    back = sorted(zip(span.tolist(), row.tolist(), start.tolist(), strict=True))
    assert back == [(0, 0, 5), (0, 2, 5), (0, 5, 5), (1, 3, 6), (2, 1, 7), (2, 4, 7)]
    # the same span, given in two repeats, is one; what contributes nothing is none
    windows = windows_of(
        np.array([0, 2, 5, 4, 3]), np.array([8, 8, 9, 3, 1]), np.array([1.0, 2.0, 1.0, -1.0, 0.0]), view
    )
    found = set(zip(windows.row.tolist(), windows.start.tolist(), windows.sign.tolist(), strict=True))
    assert found == {(0, 8, 1), (0, 9, 1), (1, 3, -1)}


def test_a_repeated_stretch_elsewhere_in_its_sequence_keeps_its_place() -> None:
    """Two sequences of different lengths whose middles are the same."""
    X, H = RESULT.X[[1, 1]].copy(), np.asarray(RESULT.hypothetical)[[1, 1]].copy()
    X[1, :50], H[1, :50] = X[0, 5:55], H[0, 5:55]
    X[1, 50:], H[1, 50:] = 0, 0
    both = replace(
        RESULT.take([1, 1]), X=X, hypothetical=H, contributions=X * H, lengths=np.array([60, 50]), intervals=None
    )
    view, _ = look_at(open_contributions(both), 20, 0)
    assert len(view.order) == 1
    _, row, start = view.with_repeats(view.order, view.first[view.order] + 3)
    assert dict(zip(row.tolist(), start.tolist(), strict=True)) == {0: 23, 1: 18}


def test_each_seqlet_has_the_same_chance_whatever_the_order() -> None:
    generator = np.random.default_rng(1)
    row, start = generator.integers(0, 12, 90), generator.integers(0, 30, 90)
    score = generator.normal(size=90)
    order = generator.permutation(12)
    place = np.argsort(order)
    drawings = []
    for result, rows in ((RESULT, row), (RESULT.take(order), place[row])):
        view, _ = look_at(open_contributions(result), None, 3)
        chosen, notes = drawn(windows_of(rows, start, score, view), 20, 3)
        back = chosen.row if result is RESULT else order[chosen.row]
        drawings.append(set(zip(back.tolist(), chosen.start.tolist(), chosen.sign.tolist(), strict=True)))
        assert [(chosen.sign == sign).sum() for sign in (1, -1)] == [20, 20]
        assert "drawn at random" in notes[0]
    assert drawings[0] == drawings[1]
    # not the first ones: over seeds each is drawn about as often
    view, _ = look_at(open_contributions(RESULT), None, 0)
    windows = windows_of(row, start, np.ones(90), view)
    counts = np.zeros(len(windows))
    for seed in range(400):
        chosen, _ = drawn(windows, 20, seed)
        at = {one: k for k, one in enumerate(zip(windows.row.tolist(), windows.start.tolist(), strict=True))}
        counts[[at[one] for one in zip(chosen.row.tolist(), chosen.start.tolist(), strict=True)]] += 1
    expected = 400 * 20 / len(windows)
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_context_is_what_lies_around() -> None:
    source = open_contributions(RESULT)
    view, _ = look_at(source, 20, 0)
    windows = windows_of(np.array([6, 0]), np.array([12, 30]), np.array([1.0, 1.0]), view)
    context = context_of(windows, view, 12)
    codes, hypothetical = np.zeros((2, context.width), np.uint8), np.zeros((2, context.width, 4), np.float32)
    fill_context(source, context, codes, hypothetical)
    for row in (6, 0):
        k = int(context.place(np.array([row]))[0])
        first = LENGTHS[row] // 2 - 10 - 12
        for at in range(context.width):
            inside = 0 <= first + at < LENGTHS[row]
            wanted = int(RESULT.X[row, first + at].argmax()) if inside else 4
            assert codes[k, at] == wanted
            np.testing.assert_array_equal(hypothetical[k, at], RESULT.hypothetical[row, first + at] if inside else 0)
