"""The native extractor: planted motifs come back, whatever the order of the sequences, and odd input is no crash."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from planted_contributions import WORDS, Planted, matrix, plant

from seqexplain.errors import ParameterError
from seqexplain.motifs import Motif, Pattern, PatternSet, Seqlets, extract_patterns, open_contributions
from seqexplain.motifs._seqlet_windows import read_windows
from seqexplain.results import Attributions


def best_match(pattern: Pattern, motif: Motif) -> tuple[float, int, bool]:
    """Largest mean correlation of columns of probabilities, where the motif lies in the window, and whether turned."""
    best = (-1.0, 0, False)
    p = pattern.motif.probabilities - 0.25
    for turned in (False, True):
        q = (motif.reverse_complement() if turned else motif).probabilities - 0.25
        for at in range(len(p) - len(q) + 1):
            part = p[at : at + len(q)]
            best = max(best, (float((part * q).sum() / np.sqrt((part**2).sum() * (q**2).sum())), at, turned))
    return best


def shuffled(planted: Planted, order: np.ndarray) -> tuple[Attributions, Seqlets]:
    place = np.argsort(order)
    seqlets = planted.seqlets
    return planted.result.take(order), replace(seqlets, sequence=place[seqlets.sequence])


@pytest.fixture(scope="module")
def four() -> tuple[Planted, PatternSet, list[Motif]]:
    motifs = [matrix(word) for word in WORDS.values()]
    planted = plant(motifs, sites=70, random_seqlets=40)
    return planted, extract_patterns(planted.result, planted.seqlets), motifs


def test_planted_motifs_come_back(four: tuple[Planted, PatternSet, list[Motif]]) -> None:
    planted, found, motifs = four
    assert len(found) == len(motifs)
    matched = set()
    for pattern in found:
        assert (pattern.strand == "+").mean() >= 0.5  # read as most members are
        scores = [best_match(pattern, motif) for motif in motifs]
        kind = int(np.argmax([score for score, _, _ in scores]))
        score, at, turned = scores[kind]
        matched.add(kind)
        assert score > 0.98
        # its members are that motif's sites, lying where they were planted, on their strands
        right = planted.kind[pattern.sequence] == kind
        assert right.mean() > 0.95
        assert right.sum() >= 0.95 * (planted.kind == kind).sum()
        rows = pattern.sequence[right]
        width = motifs[kind].width
        minus = pattern.strand[right] == "-"
        site = pattern.start[right] + np.where(minus, pattern.width - at - width, at)
        assert (site == planted.start[rows]).mean() > 0.95
        assert ((planted.strand[rows] == "-") == (minus ^ turned)).mean() > 0.9  # one is nearly a palindrome
        # and its matrices are those of the sites themselves
        sums = np.zeros((pattern.width, 4))
        for i, start, strand in zip(pattern.sequence, pattern.start, pattern.strand, strict=True):
            inside = np.arange(max(start, 0), min(start + pattern.width, planted.result.X.shape[1]))
            window = np.zeros((pattern.width, 4))
            window[inside - start] = planted.result.contributions[i, inside]
            sums += window[::-1, ::-1] if strand == "-" else window
        np.testing.assert_allclose(pattern.cwm, sums / pattern.size, atol=1e-5)
        assert pattern.hypothetical_cwm is not None
    assert matched == set(range(len(motifs)))


def test_random_seqlets_are_left_out(four: tuple[Planted, PatternSet, list[Motif]]) -> None:
    planted, found, _ = four
    members = np.concatenate([pattern.sequence for pattern in found])
    assert np.isin(np.flatnonzero(planted.kind < 0), members).mean() < 0.3
    assert any("in no pattern" in note for note in found.notes)


def test_the_order_of_sequences_does_not_matter(four: tuple[Planted, PatternSet, list[Motif]]) -> None:
    planted, found, _ = four
    order = np.random.default_rng(7).permutation(len(planted.kind))
    result, seqlets = shuffled(planted, order)
    again = extract_patterns(result, seqlets.take(np.random.default_rng(8).permutation(len(seqlets))))
    assert again.notes == found.notes
    for a, b in zip(found, again, strict=True):
        np.testing.assert_allclose(a.cwm, b.cwm, atol=1e-6)
        occurrences = {(int(i), int(s), str(t)) for i, s, t in zip(a.sequence, a.start, a.strand, strict=True)}
        others = {(int(order[i]), int(s), str(t)) for i, s, t in zip(b.sequence, b.start, b.strand, strict=True)}
        assert occurrences == others
        assert [part.size for part in a.subpatterns] == [part.size for part in b.subpatterns]


def test_windows_come_in_an_order_of_their_own(four: tuple[Planted, PatternSet, list[Motif]]) -> None:
    planted, _, _ = four
    order = np.random.default_rng(9).permutation(len(planted.kind))
    result, seqlets = shuffled(planted, order)
    ours = read_windows(open_contributions(planted.result), planted.seqlets)
    others = read_windows(open_contributions(result), seqlets.take(np.random.default_rng(10).permutation(len(seqlets))))
    for sign in (1, -1):
        np.testing.assert_array_equal(ours[sign].weights, others[sign].weights)
        np.testing.assert_array_equal(ours[sign].sequence, order[others[sign].sequence])
        np.testing.assert_array_equal(ours[sign].start, others[sign].start)
        assert (np.diff(ours[sign].strength) <= 0).all()
        if len(ours[sign]):
            np.testing.assert_allclose(ours[sign].weights.sum(axis=(1, 2)), 1, atol=1e-5)


def test_a_seqlet_has_the_sign_of_its_score() -> None:
    contributions = np.zeros((3, 30, 4), np.float32)
    contributions[:, np.arange(30), np.arange(30) % 4] = np.where(np.arange(30) < 15, 1.0, -0.2)
    X = (contributions != 0).astype(np.float32)
    source = open_contributions(Attributions(contributions=contributions, X=X, predictions=np.zeros(3, np.float32)))
    nan = np.full(3, np.nan)
    at = (np.arange(3), np.full(3, 5), np.full(3, 27))
    found = read_windows(source, Seqlets(*at, np.array([2.0, -2.0, np.nan]), nan, nan))
    assert found[1].sequence.tolist() == [0, 2]  # unknown: of the contributions' sum
    assert found[-1].sequence.tolist() == [1]
    np.testing.assert_allclose(found[1].strength, 10)
    np.testing.assert_allclose(found[-1].strength, 12 * 0.2, rtol=1e-6)


def test_pieces_of_a_motif_are_merged() -> None:
    planted = plant([matrix(WORDS["GATA"], 0.7), matrix(WORDS["ETS"], 0.7)], sites=250, seed=12)
    options = {"resolution": 10.0, "n_neighbors": 8, "subpatterns": False}
    assert len(extract_patterns(planted.result, planted.seqlets, **options, min_cosine=1.0)) > 4
    assert len(extract_patterns(planted.result, planted.seqlets, **options)) == 2


def test_the_same_call_gives_the_same(four: tuple[Planted, PatternSet, list[Motif]]) -> None:
    planted, found, _ = four
    for a, b in zip(found, extract_patterns(planted.result, planted.seqlets), strict=True):
        np.testing.assert_array_equal(a.cwm, b.cwm)
        np.testing.assert_array_equal(a.start, b.start)


def test_negative_and_positive_are_found_apart() -> None:
    motifs = [matrix(WORDS["GATA"]), matrix(WORDS["ETS"])]
    planted = plant(motifs, sites=60, signs=(1, -1), seed=2)
    found = extract_patterns(planted.result, planted.seqlets)
    assert [pattern.id for pattern in found] == ["pos_0", "neg_0"]
    assert [pattern.sign for pattern in found] == [1, -1]
    assert best_match(found["pos_0"], motifs[0])[0] > 0.97
    assert best_match(found["neg_0"], motifs[1])[0] > 0.97
    assert found["neg_0"].cwm.sum() < 0 < found["pos_0"].cwm.sum()


@pytest.mark.parametrize("gaps", [(6,), (2, 5, 8, 11)], ids=["fixed", "by chance"])
def test_two_motifs_beside_each_other_are_a_motif_only_where_they_prefer_that(gaps: tuple[int, ...]) -> None:
    left, right = WORDS["GATA"], WORDS["ETS"]
    words = [left, right, *(left + "N" * gap + right for gap in gaps)]
    single, pairs = 150, 100 // len(gaps)
    counts = [single, single] + [pairs] * len(gaps)
    parts = [
        plant([matrix(word)], sites=n, length=90, jitter=2, span=41, seed=k, noise=0.05)
        for k, (word, n) in enumerate(zip(words, counts, strict=True))
    ]
    named = ("contributions", "X", "predictions", "hypothetical")
    arrays = {name: np.concatenate([getattr(part.result, name) for part in parts]) for name in named}
    n = len(arrays["X"])
    start = np.concatenate([part.seqlets.start for part in parts])
    nan = np.full(n, np.nan)
    found = extract_patterns(
        Attributions(**arrays, names=tuple(map(str, range(n)))), Seqlets(np.arange(n), start, start + 41, nan, nan, nan)
    )
    if len(gaps) == 1:
        assert len(found) == 3
        assert max(best_match(pattern, matrix(words[2]))[0] for pattern in found) > 0.95
    else:
        assert len(found) == 2
        assert all(max(best_match(pattern, matrix(word))[0] for pattern in found) > 0.97 for word in words[:2])


def test_variants_of_one_motif_are_its_parts() -> None:
    words = ["TTACCGGAAGTGCA", "TTACCGGATCTGCA"]
    motifs = [matrix(word, 0.95) for word in words]
    planted = plant(motifs, sites=80, noise=0.05, seed=3)
    found = extract_patterns(planted.result, planted.seqlets, max_auroc=1.0, min_cosine=0.5)
    assert len(found) == 1
    parts = found[0].subpatterns
    assert sum(part.size for part in parts) == found[0].size
    kinds = [planted.kind[part.sequence] for part in parts]
    assert {int(np.round(kind.mean())) for kind in kinds} == {0, 1}
    assert all(max((kind == 0).mean(), (kind == 1).mean()) > 0.9 for kind in kinds)
    assert not extract_patterns(planted.result, planted.seqlets, max_auroc=1.0, min_cosine=0.5, subpatterns=False)[
        0
    ].subpatterns


def test_many_are_drawn_from_and_the_others_join() -> None:
    motifs = [matrix(WORDS["GATA"]), matrix(WORDS["ETS"])]
    planted = plant(motifs, sites=150, seed=4)
    found = extract_patterns(planted.result, planted.seqlets, max_compared=100)
    assert len(found) == 2
    assert sum(pattern.size for pattern in found) > 280
    assert any("drawn at random" in note for note in found.notes)


def test_nothing_in_memory_grows_with_the_square() -> None:
    planted = plant([matrix(WORDS["GATA"]), matrix(WORDS["ETS"])], sites=2500, length=60, seed=14)
    extract_patterns(planted.result, planted.seqlets.take(slice(0, 60)))  # compiles
    tracemalloc.start()
    found = extract_patterns(planted.result, planted.seqlets, subpatterns=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 2
    assert peak < 5000 * 5000 * 4 / 2  # half of what one float32 for each pair would take


@pytest.mark.parametrize("kind", ["one", "twenty", "unknown", "silent", "sixty"])
def test_seqlets_are_called_where_none_are_given(kind: str) -> None:
    planted = plant([matrix(WORDS["AP1"])], sites=200, length=60, noise=0.02, seed=15)
    result = planted.result
    if kind in ("one", "twenty"):
        result = result.take(slice(0, {"one": 1, "twenty": 20}[kind]))
    elif kind == "unknown":
        result = replace(result, X=np.zeros_like(result.X), contributions=np.zeros_like(result.contributions))
    elif kind == "silent":
        result = replace(result, contributions=np.zeros_like(result.contributions), hypothetical=None)
    found = extract_patterns(result)
    if kind == "sixty":
        assert len(found) >= 1
        assert best_match(found[0], matrix(WORDS["AP1"]))[0] > 0.97
    else:
        assert len(found) <= 1
        assert found.notes or len(found)


def test_patterns_that_say_little_are_left_out() -> None:
    planted = plant([matrix(WORDS["ETS"])], sites=60, seed=16)
    bits = extract_patterns(planted.result, planted.seqlets)[0].trimmed().motif.information.sum()
    assert len(extract_patterns(planted.result, planted.seqlets, min_information=bits - 0.01)) == 1
    found = extract_patterns(planted.result, planted.seqlets, min_information=bits + 0.01)
    assert len(found) == 0
    assert "1 of 1 patterns hold less than" in found.notes[-1]


def none_of(planted: Planted) -> Seqlets:
    return planted.seqlets.take(slice(0, 0))


def test_nothing_to_find_is_said() -> None:
    planted = plant([matrix(WORDS["GATA"])], sites=30)
    empty = extract_patterns(planted.result, none_of(planted))
    assert len(empty) == 0
    assert "no seqlet" in empty.notes[0]
    for n in (1, 2, 3, 19):
        few = extract_patterns(planted.result, planted.seqlets.take(slice(0, n)))
        assert len(few) == 0
        assert f"{n} positive seqlets are too few" in few.notes[0]
    silent = replace(planted.result, contributions=np.zeros_like(planted.result.contributions), hypothetical=None)
    found = extract_patterns(silent, planted.seqlets)
    assert len(found) == 0
    assert found.notes == ("30 of 30 seqlets contribute nothing, and are in no pattern.",)


def test_one_motif_only_and_no_hypothetical_scores() -> None:
    motif = matrix(WORDS["EBOX"])
    planted = plant([motif], sites=40, seed=5)
    found = extract_patterns(replace(planted.result, hypothetical=None), planted.seqlets)
    assert len(found) == 1
    assert found[0].hypothetical_cwm is None
    assert best_match(found[0], motif)[0] > 0.97


def test_equal_sequences_are_one_pattern() -> None:
    planted = plant([matrix(WORDS["EBOX"])], sites=3, seed=6)
    rows = np.zeros(50, dtype=int)
    result = planted.result.take(rows)
    first = planted.seqlets.take(rows)
    found = extract_patterns(result, replace(first, sequence=np.arange(50)))
    assert len(found) == 1
    assert found[0].size == 50
    assert found[0].subpatterns == ()


def test_short_sequences_unknown_bases_and_windows_over_the_edge() -> None:
    motif = matrix(WORDS["AP1"])
    planted = plant([motif], sites=60, length=60, seed=7)
    X = planted.result.X.copy()
    X[::3, :4] = 0
    X[1::3, -3:] = 0
    result = replace(planted.result, X=X, contributions=planted.result.contributions * (X.sum(-1, keepdims=True) > 0))
    whole = replace(planted.seqlets, start=np.zeros(60, dtype=int), end=np.full(60, 60))
    for seqlets in (planted.seqlets, whole, replace(planted.seqlets, end=planted.seqlets.start + 3)):
        found = extract_patterns(result, seqlets)
        assert all(np.isfinite(pattern.cwm).all() for pattern in found)
    found = extract_patterns(result, planted.seqlets)
    assert len(found) == 1
    assert best_match(found[0], motif)[0] > 0.95


def test_options_that_make_no_sense() -> None:
    planted = plant([matrix(WORDS["GATA"])], sites=25)
    for option in ({"min_size": 1}, {"max_auroc": 0.2}, {"resolution": 0}, {"max_null": 2}, {"flank": -1}):
        with pytest.raises(ParameterError, match=next(iter(option))):
            extract_patterns(planted.result, planted.seqlets, **option)
    with pytest.raises(ParameterError, match="rows 0 to 24; the source has rows 0 to 9"):
        extract_patterns(planted.result.take(slice(0, 10)), planted.seqlets)
