"""Seqlets against their definition worked out slowly, nulls against counting, and rates against what is planted."""

from __future__ import annotations

import re

import numpy as np
import pytest

from seqexplain.errors import ParameterError
from seqexplain.motifs import _contribution_source as sources
from seqexplain.motifs import _span_null, call_seqlets, open_contributions
from seqexplain.motifs._recursive_seqlets import RecursiveCaller
from seqexplain.motifs._span_null import RowBlocks, SumHistogram, convolved_null, laplace_null, measured_null
from seqexplain.results import Attributions, Interval
from seqexplain.storage import save

METHODS = ("recursive", "window")


def explained(values, *, unknown=None, **more):
    """Attributions with these contributions `(n, L)` of the observed bases."""
    values = np.asarray(values, dtype=np.float32)
    codes = np.random.default_rng(0).integers(0, 4, values.shape)
    X = np.eye(4, dtype=np.float32)[codes]
    if unknown is not None:
        X[unknown] = 0
    n = len(values)
    return Attributions(
        contributions=X * values[..., None], X=X, predictions=np.zeros(n, np.float32), targets=("a",), **more
    )


def noise(n, length, seed, scale=0.1):
    return np.random.default_rng(seed).laplace(scale=scale, size=(n, length))


def planted(n, length=120, *, seed=0, width=8, height=0.6, every=2, sign=1):
    """Noise with a span of `width` high bases in every second sequence; and the places of the spans."""
    values = noise(n, length, seed)
    places = []
    for i in range(0, n, every):
        at = int(np.random.default_rng((seed, i)).integers(5, length - width - 5))
        values[i, at : at + width] += sign * height
        places.append((i, at, at + width))
    return values, places


def spans(seqlets):
    return list(zip(seqlets.sequence.tolist(), seqlets.start.tolist(), seqlets.end.tolist(), strict=True))


def false_share(seqlets, places):
    """The share of seqlets that overlap no planted span."""
    true = {i: (a, b) for i, a, b in places}
    wrong = sum(1 for i, a, b in spans(seqlets) if i not in true or b <= true[i][0] or a >= true[i][1])
    return wrong / max(len(seqlets), 1)


# the definition, slowly


def slow_recursive(row, p_value, shortest, longest, threshold):
    """Longest first, then by p-value, then leftmost; every part significant."""
    size = len(row)
    p = {(a, b): p_value(row[a:b]) for a in range(size) for b in range(a + shortest, min(a + longest, size) + 1)}
    good = [
        (a, b) for a, b in p
        if all(p[c, d] <= threshold for c in range(a, b) for d in range(c + shortest, b + 1))
    ]  # fmt: skip
    taken = []
    for a, b in sorted(good, key=lambda span: (span[0] - span[1], p[span], span[0])):
        if all(b <= c or a >= d for c, d in taken):
            taken.append((a, b))
    return sorted(taken)


@pytest.mark.parametrize("null", ["laplace", "empirical", "background"])
@pytest.mark.parametrize("sign", [1, -1])
def test_recursive_by_definition(null, sign):
    """The kernels against all spans of all lengths, one by one, with p-values from the same tables."""
    values = planted(30, 60, seed=3, sign=sign)[0].astype(np.float32)
    source = RowBlocks(open_contributions(explained(values)))
    sums = SumHistogram(3, 9)
    sums.add(values, np.full(30, 60))
    if null == "laplace":
        tables = laplace_null(sums)
    elif null == "background":
        sums = SumHistogram(3, 9)
        sums.add(noise(200, 60, 9), np.full(200, 60))
        tables = measured_null(sums)
    else:
        bases = SumHistogram(1, 1)
        bases.add_bases(values, np.zeros(values.shape, np.uint8), np.full(30, 60))
        tables = convolved_null(bases, 9)

    def p_value(part):
        units, k = tables.units(part).sum(), len(part)
        place = int(np.floor(units * tables.scale[k])) - tables.low[k]
        table = tables.tables[sign][k]
        return table[min(max(place, 0), len(table) - 1)]

    found = 0
    for threshold in (0.05, 0.01, 0.002):
        caller = RecursiveCaller(tables, sign, 3, 0.05)
        islands = caller.islands(source)
        seqlets = caller.found(islands, threshold, caller.levels(islands, 1000, None, 1.0))
        got = [[(a, b) for i, a, b in spans(seqlets) if i == row] for row in range(30)]
        wanted = [slow_recursive(row, p_value, 3, 9, threshold) for row in values]
        assert [sorted(one) for one in got] == wanted
        p = [p_value(values[i, a:b]) for i, a, b in spans(seqlets)]
        np.testing.assert_allclose(seqlets.p_value, p)
        found += len(p)
    assert found > 30


def test_windows_by_definition():
    """The most significant window first, and none over another."""
    values = planted(40, 70, seed=4)[0].astype(np.float32)
    values[::3] *= -1
    found = call_seqlets(explained(values), method="window", window=8, p_value=0.02)
    sums = np.stack([values[:, k : k + 63].astype(np.float64) for k in range(8)]).sum(axis=0)
    hist = SumHistogram(8, 8)
    hist.add(values, np.full(40, 70))
    tables = laplace_null(hist)
    place = np.floor(sums * tables.scale[8]).astype(int) - tables.low[8]
    p = np.where(sums > 0, tables.tables[1][8][place], tables.tables[-1][8][place])
    wanted = []
    for i in range(40):
        free = p[i] <= 0.02
        while free.any():
            best = min(np.flatnonzero(free), key=lambda k: (p[i, k], -abs(sums[i, k]), k))
            wanted.append((i, int(best), int(best) + 8))
            free[max(0, best - 7) : best + 8] = False
    assert spans(found) == sorted(wanted)
    np.testing.assert_allclose(found.score, [sums[i, a] for i, a, _ in spans(found)], rtol=1e-6)
    assert (found.score > 0).any()
    assert (found.score < 0).any()


# nulls


def test_convolution_is_the_sum_of_independent_draws():
    """Against all triples of a few values."""
    values = np.array([-1.0, -0.25, 0.0, 0.5, 0.5, 3.0])
    bases = SumHistogram(1, 1)
    bases.add_bases(values[None], np.zeros((1, 6), np.uint8), np.array([6]))
    tables = convolved_null(bases, 3)
    units = tables.units(values)
    triples = (units[:, None, None] + units[None, :, None] + units[None, None, :]).ravel()
    for total in np.unique(triples):
        place = int(total) - tables.low[3]
        assert tables.tables[1][3, place] == pytest.approx((triples >= total).mean())
        assert tables.tables[-1][3, place] == pytest.approx((triples <= total).mean())


def test_bins_do_not_depend_on_blocks():
    """Ever larger values merge bins: the counts are those of one pass."""
    values = (noise(60, 30, 1) * np.logspace(-6, 3, 60)[:, None]).astype(np.float32)
    lengths = np.full(60, 30)
    whole, parts = SumHistogram(2, 5), SumHistogram(2, 5)
    whole.add(values, lengths)
    for i in range(60):
        parts.add(values[i : i + 1], lengths[i : i + 1])
    np.testing.assert_array_equal(whole.exponents, parts.exponents)
    np.testing.assert_array_equal(whole.counts, parts.counts)
    assert whole.counts[0].sum() == 60 * 29
    sums = values[:, :-1].astype(np.float64) + values[:, 1:]
    edges = (np.arange(2 * _span_null.HALF + 1) - _span_null.HALF) * whole.widths[0]
    np.testing.assert_array_equal(whole.counts[0], np.histogram(sums, edges)[0])


def test_measured_p_values():
    background = noise(50, 40, 2)
    values = planted(20, 40, seed=5)[0]
    found = call_seqlets(explained(values), background=explained(background), method="window", window=6, p_value=0.01)
    sums = np.stack([background[:, k : k + 35].astype(np.float32) for k in range(6)]).sum(axis=0, dtype=np.float64)
    assert found.parameters["null"] == "background"
    assert len(found) >= 10
    for score, p in zip(found.score, found.p_value, strict=True):
        count = (sums >= score).sum() if score > 0 else (sums <= score).sum()
        # values in the bin of the score are taken for as extreme
        assert (1 + count) / (1 + sums.size) <= p <= (1 + count + 2) / (1 + sums.size)


def test_a_laplace_density_is_recovered():
    """Rates of either side and the mode, with a tenth of motifs on top."""
    rng = np.random.default_rng(6)
    values = np.where(rng.random(200_000) < 0.4, rng.exponential(0.3, 200_000), -rng.exponential(0.1, 200_000)) - 0.05
    values[:20_000] = rng.normal(4, 1, 20_000)
    counts = SumHistogram(1, 1)
    counts.add_bases(values[None], np.zeros((1, 200_000), np.uint8), np.array([200_000]))
    fit = _span_null.fit_laplace(counts.counts[0], float(counts.widths[0]))
    assert fit.mode == pytest.approx(-0.05, abs=0.02)
    assert fit.scale_above == pytest.approx(0.3, rel=0.25)
    assert fit.scale_below == pytest.approx(0.1, rel=0.1)
    assert fit.upper(np.array([1.0]))[0] + fit.lower(np.array([1.0]))[0] == pytest.approx(1)


# rates


@pytest.mark.parametrize("null", ["laplace", "empirical"])
@pytest.mark.parametrize("threshold", [1e-2, 1e-3])
def test_false_positives_are_as_many_as_stated(null, threshold):
    """Without motifs: no more seqlets than spans tried times p, of either method."""
    values = noise(600, 150, 7)
    for method, options in (("window", {"window": 1 if null == "laplace" else 8}), ("recursive", {"min_length": 4})):
        if method == "recursive" and null == "laplace":
            continue  # sums of independent bases are no Laplace variates: see the next test
        found = call_seqlets(explained(values), method=method, null=null, p_value=threshold, **options)
        expected = 2 * found.parameters["spans_tried"] * threshold
        assert len(found) <= expected + 4 * np.sqrt(expected)
        assert len(found) >= 0.05 * expected  # and not for want of finding anything


def test_laplace_is_careful_with_sums_of_independent_bases():
    """Tails of sums are lighter than exponential: fewer are found than stated."""
    found = call_seqlets(explained(noise(600, 150, 8)), p_value=1e-3)
    assert len(found) <= 2 * found.parameters["spans_tried"] * 1e-3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("null", ["laplace", "empirical", "background"])
def test_share_of_false_seqlets(method, null):
    """Among planted spans: over several draws no more are false than was asked for, and most spans are found."""
    shares, recalls = [], []
    for seed in range(6):
        values, places = planted(200, seed=100 + seed)
        background = explained(noise(400, 120, 900 + seed)) if null == "background" else None
        found = call_seqlets(explained(values), method=method, null=null, background=background, fdr=0.1, window=8)
        shares.append(false_share(found, places))
        rows = {i for i, a, b in spans(found)}
        recalls.append(np.mean([i in rows for i, _, _ in places]))
        assert (found.q_value <= 0.1).all()
    assert np.mean(shares) <= 0.1
    assert np.mean(recalls) >= 0.7


def test_nothing_is_found_where_the_background_is_the_same():
    """Permuted bases against permuted bases."""
    values, _ = planted(300, seed=1)
    rng = np.random.default_rng(2)
    shuffled = [explained(rng.permuted(values, axis=1)) for _ in range(2)]
    for method in METHODS:
        found = call_seqlets(shuffled[0], background=shuffled[1], method=method, fdr=0.05)
        assert len(found) <= 2


def test_q_values_rise_with_p_values():
    values, _ = planted(200, seed=3)
    for method in METHODS:
        found = call_seqlets(explained(values), method=method, p_value=0.01, sign="positive", window=8)
        order = np.argsort(found.p_value)
        if method == "window":
            assert (np.diff(found.q_value[order]) >= 0).all()
        assert found.q_value.min() < 0.05
        assert method == "window" or found.q_value.max() > 0.05
        stricter = call_seqlets(explained(values), method=method, fdr=0.02, sign="positive", window=8)
        assert stricter.q_value.max() <= 0.02


# whatever may come


def test_blocks_stores_and_memory_agree(tmp_path, monkeypatch):
    """One block or many, kept or read again, in memory or in a store: the same seqlets to the last bit."""
    values, _ = planted(600, seed=4)  # three chunks of a store
    result = explained(values)
    save(result, tmp_path / "r.zarr")
    wanted = {method: call_seqlets(result, method=method, window=8) for method in METHODS}
    monkeypatch.setattr(sources, "BLOCK_BASES", 500)
    monkeypatch.setattr(_span_null, "HELD_BASES", 0)
    for source in (result, tmp_path / "r.zarr"):
        for method in METHODS:
            found = call_seqlets(source, method=method, window=8)
            assert len(found) > 200
            for name in ("sequence", "start", "end", "score", "p_value", "q_value"):
                np.testing.assert_array_equal(getattr(found, name), getattr(wanted[method], name))


def test_read_backwards_the_spans_are_mirrored():
    values, _ = planted(100, 90, seed=5)
    for method in METHODS:
        there, back = (call_seqlets(explained(v), method=method, window=8) for v in (values, values[:, ::-1]))
        assert len(there) > 20
        assert spans(there) == sorted((i, 90 - b, 90 - a) for i, a, b in spans(back))


def test_signs():
    """Spans against the target are found like those for it, and either can be asked for alone."""
    values = np.concatenate([planted(100, seed=6)[0], planted(100, seed=7, sign=-1)[0]])
    for method in METHODS:
        both = call_seqlets(explained(values), method=method, window=8)
        alone = [
            call_seqlets(explained(values), method=method, sign=sign, window=8) for sign in ("positive", "negative")
        ]
        assert (alone[0].score > 0).all()
        assert (alone[1].score < 0).all()
        assert min(len(one) for one in alone) > 30
        assert set(spans(both)) <= set(spans(alone[0])) | set(spans(alone[1]))
        assert 0.9 * len(both) <= len(alone[0]) + len(alone[1]) <= 1.1 * len(both)


def test_none_overlaps_another():
    values = np.random.default_rng(1).standard_t(2, size=(80, 100))
    for method in METHODS:
        found = call_seqlets(explained(values), method=method, p_value=0.05, window=6)
        assert len(found) > 100
        for (i, _, b), (j, c, _) in zip(spans(found), spans(found)[1:], strict=False):
            assert i < j or b <= c


def test_padding_and_unknown_bases_are_no_evidence():
    """Rows that end early, and Ns: nothing is tried there, and no span goes beyond."""
    values, _ = planted(120, seed=8)
    lengths = np.where(np.arange(120) % 3, 120, 60)
    values[np.arange(120) >= lengths[:, None]] = 0
    unknown = np.zeros(values.shape, dtype=bool)
    unknown[:, 20:30] = True
    unknown |= np.arange(120) >= lengths[:, None]
    values[unknown] = 0
    for method in METHODS:
        found = call_seqlets(explained(values, unknown=unknown, lengths=lengths), method=method, window=8)
        assert (found.end <= lengths[found.sequence]).all()
        assert len(found) > 20
        same = call_seqlets(explained(values, unknown=unknown), method=method, window=8)
        assert found.parameters["spans_tried"] == pytest.approx(same.parameters["spans_tried"], rel=0.03)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("null", ["laplace", "empirical", "background"])
@pytest.mark.parametrize(
    ("values", "note"),
    [
        (np.zeros((30, 50)), "holds a contribution other than 0"),
        (np.full((30, 50), 0.5), "no null can be told|reaches a false discovery rate"),
        (np.zeros((0, 50)), "holds a contribution other than 0"),
        (noise(30, 3, 1), "are shorter than"),
        (noise(1, 22, 1), "Too few spans|reaches a false discovery rate"),
    ],
)
def test_what_holds_no_seqlets(method, null, values, note):
    """A statement, not a crash."""
    background = explained(noise(30, 50, 2)) if null == "background" else None
    found = call_seqlets(explained(values), method=method, null=null, background=background)
    if null == "background" and note.startswith("no null"):
        assert len(found) > 0  # what is the same everywhere stands out against a background
        return
    assert len(found) == 0
    assert any(re.search(note, one) for one in found.notes)
    assert all("\n" not in one for one in found.notes)
    assert found.to_table().empty


@pytest.mark.parametrize("method", METHODS)
def test_few_and_odd_sequences(method):
    """One sequence, one that comes often, 60 bp, all N, a background that is too short."""
    values, places = planted(2, 400, height=2)
    one = call_seqlets(explained(values[:1]), method=method, window=8)
    assert any(a < places[0][2] and b > places[0][1] for _, a, b in spans(one))
    often = call_seqlets(explained(np.repeat(values[:1], 20, axis=0)), method=method, window=8)
    assert {(a, b) for _, a, b in spans(often)} >= {(a, b) for _, a, b in spans(one)}
    assert set(np.bincount(often.sequence)) == {len(often) // 20}
    short = call_seqlets(explained(planted(50, 60)[0]), method=method, window=8)
    assert len(short) > 5
    masked = np.ones((5, 60), dtype=bool)
    nothing = call_seqlets(explained(np.zeros((5, 60)), unknown=masked), method=method)
    assert len(nothing) == 0
    none = call_seqlets(explained(values), background=explained(noise(9, 2, 1)), method=method)
    assert len(none) == 0
    assert "Too few" in none.notes[-1]


def test_places_on_the_genome():
    values, _ = planted(40, 80)
    intervals = tuple(Interval("chr7", 1000 * i, 1000 * i + 80, "+-"[i % 4 // 2]) for i in range(40))
    found = call_seqlets(explained(values, intervals=intervals))
    table = found.to_table()
    for i, a, b, start, end in zip(
        found.sequence, found.start, found.end, table["genome_start"], table["genome_end"], strict=True
    ):
        wanted = (1000 * i + 80 - b, 1000 * i + 80 - a) if i % 4 // 2 else (1000 * i + a, 1000 * i + b)
        assert (start, end) == wanted
    assert found.parameters["thresholds"]["positive"]["seqlets"] >= (found.score > 0).sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "best"}, "method is 'best'; expected one of 'recursive', 'window'"),
        ({"null": "normal"}, "null is 'normal'"),
        ({"sign": "plus"}, "sign is 'plus'"),
        ({"null": "background"}, "needs background="),
        ({"null": "laplace", "background": explained(noise(3, 50, 0))}, "does not use a background"),
        ({"fdr": 0}, "fdr is 0; expected a number above 0"),
        ({"p_value": 2}, "p_value is 2"),
        ({"min_length": 0}, "min_length is 0; expected a whole number of bp from 1 to 200"),
        ({"max_length": 3}, "max_length is 3, below min_length, 4"),
        ({"window": 5.0}, "window is 5.0"),
    ],
)
def test_parameters_that_make_no_sense(options, message):
    with pytest.raises(ParameterError, match=message):
        call_seqlets(explained(noise(3, 50, 0)), **options)


@pytest.mark.slow
def test_agrees_with_tangermeme():
    """The recursive caller of another package, with its null, on the same contributions."""
    pytest.importorskip("torch")
    peer = pytest.importorskip("tangermeme.seqlet")
    values = planted(1500, 200, seed=11, height=0.4)[0].astype(np.float32)
    for threshold in (1e-2, 1e-3, 1e-4):
        theirs = peer.recursive_seqlets(values, threshold=threshold)
        ours = call_seqlets(explained(values), null="empirical", p_value=threshold, sign="positive")
        columns = ("example_idx", "start", "end")
        wanted = set(zip(*(theirs[c].astype(int) for c in columns), strict=True))
        same = wanted & set(spans(ours))
        # bins are not quite the same, and of equally long spans theirs take the one with the best beginning
        assert len(same) >= 0.95 * max(len(wanted), len(ours))
        assert len(wanted) > 100
