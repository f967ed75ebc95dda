"""Ablations: what is replaced, with what, and that the scores are the model's own."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from experiments import L, logits, network, random_sequences

from seqexplain.errors import ParameterError, ShuffleWarning
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.motifs import Hits, Motif, best_hits
from seqexplain.perturbation import BoundSequences, ablation
from seqexplain.sequences import decode, one_hot


@pytest.fixture(scope="module")
def model() -> SequenceModel:
    return network()


@pytest.fixture
def asked(monkeypatch) -> list[np.ndarray]:
    """Whole sequences, as every edit would have made them."""
    seen: list[np.ndarray] = []
    original = BoundSequences.effects

    def effects(self, rows, starts, replacements):
        for row, start, new in zip(rows, starts, replacements, strict=True):
            whole = np.repeat(self.X[row][None], len(new), axis=0)
            whole[:, start : start + new.shape[1]] = new
            seen.append(whole)
        return original(self, rows, starts, replacements)

    monkeypatch.setattr(BoundSequences, "effects", effects)
    return seen


def pairs(text: str) -> Counter[str]:
    return Counter(a + b for a, b in pairwise(text))


@pytest.mark.parametrize("content", ["shuffle", "dinucleotide", "random"])
def test_spans_alone_are_replaced_and_scored(model, asked, content):
    X = random_sequences(3, seed=5)
    spans = np.array([[2, 3, 15], [0, 20, 32], [2, 28, 40]])
    found = ablation(model, X, spans, content=content, n_samples=6, target=[2, 0], batch_size=8)
    assert found.ablated.shape == (3, 2, 6)
    base = logits(model, X)
    np.testing.assert_allclose(found.predictions, base[:, [2, 0]], atol=2e-5)
    for k, (row, start, end) in enumerate(spans):
        made = asked[k]
        keep = np.ones(L, dtype=bool)
        keep[start:end] = False
        assert (made[:, keep] == X[row, keep]).all()
        np.testing.assert_allclose(found.ablated[k].T, logits(model, made)[:, [2, 0]], atol=2e-5)
        np.testing.assert_allclose(found.effects[k].T, (base[row] - logits(model, made))[:, [2, 0]], atol=5e-5)
        was, now = decode(X[row : row + 1, start:end])[0], decode(made[:, start:end])
        assert len(set(now)) > 1
        if content == "shuffle":
            assert all(Counter(text) == Counter(was) for text in now)
        if content == "dinucleotide":
            assert all(pairs(text) == pairs(was) for text in now)
        if content == "random":
            assert any(Counter(text) != Counter(was) for text in now)
    table = found.to_table()
    assert len(table) == 6
    assert list(table.loc[0, ["name", "start", "end", "spans", "n"]]) == ["sequence_2", 3, 15, "3-15", 6]
    assert table.loc[0, "effect"] == pytest.approx(found.effects[0, 0].mean(), abs=1e-6)


def test_samples_do_not_depend_on_what_else_is_ablated(model):
    X = random_sequences(4, seed=6)
    spans = [(3, 11), (20, 31), (8, 13)]
    for content in ("random", "shuffle"):
        whole = ablation(model, X, spans, content=content, n_samples=4, target=0)
        assert whole.rows.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
        one = ablation(model, X[2:3], [(20, 31)], content=content, n_samples=4, target=0, batch_size=2)
        np.testing.assert_allclose(whole.ablated[7], one.ablated[0], atol=2e-6)
        other = ablation(model, X[2:3], [(20, 31)], content=content, n_samples=4, target=0, random_state=1)
        assert not np.allclose(one.ablated, other.ablated)


def test_spans_of_a_sequence_together(model, asked):
    X = random_sequences(2, seed=7)
    found = ablation(model, X, [(25, 33), (2, 9)], content="shuffle", n_samples=5, together=True, target=0)
    assert found.spans == (((2, 9), (25, 33)),) * 2
    for row, made in enumerate(asked):
        keep = np.ones(L, dtype=bool)
        keep[2:9] = keep[25:33] = False
        assert (made[:, keep] == X[row, keep]).all()
        assert (made[:, 2:9] != X[row, 2:9]).any()
        assert (made[:, 25:33] != X[row, 25:33]).any()
        np.testing.assert_allclose(found.ablated[row], logits(model, made)[:, 0], atol=2e-5)
    assert found.to_table()["spans"].tolist() == ["2-9;25-33"] * 2
    with pytest.raises(ParameterError, match="overlap"):
        ablation(model, X, [(2, 9), (8, 12)], together=True, target=0)


def test_hits_of_a_motif_are_spans(model):
    X = random_sequences(3, seed=8)
    hits = best_hits(X, Motif("M", "box", np.eye(4)[[2, 0, 3, 0]] * 10))
    found = ablation(model, X, hits, n_samples=2, content="random", target=0)
    assert found.rows.tolist() == [0, 1, 2]
    assert [spans[0][0] for spans in found.spans] == hits.start.tolist()
    none = Hits(*(np.array(v) for v in ([0], [-1], [-1], ["."], [-np.inf], [1.0])))
    with pytest.raises(ParameterError, match="no hit"):
        ablation(model, X, none, target=0)


def test_unknown_bases_stay(model, asked):
    X = random_sequences(1, seed=9)
    X[0, 12:14] = 0
    uniform = SequenceModel(model.keras_model, unknown="uniform")
    for content in ("random", "dinucleotide", "shuffle"):
        asked.clear()
        ablation(uniform, X, [(5, 20)], content=content, n_samples=3, target=0)
        assert (asked[0][:, 12:14] == 0.25).all()
        assert np.isin(np.delete(asked[0], [12, 13], axis=1), [0, 1]).all()


def test_a_span_without_another_shuffle_is_warned_of(model):
    X = one_hot(["ACGTTGCAAAAAAAAAAGTCGATCGATCGGGATATCCGAT"])
    with pytest.warns(ShuffleWarning, match="1 span.s. have no other dinucleotide shuffle .*8-14 of peak"):
        found = ablation(model, X, [(8, 14), (17, 35)], target=0, names=["peak"])
    np.testing.assert_allclose(found.effects[0], 0, atol=1e-6)
    assert np.abs(found.effects[1]).max() > 0.01


@pytest.mark.parametrize(
    ("spans", "words"),
    [
        ([(5, 5)], "0 ≤ start < end ≤ 40"),
        ([(30, 41)], "makes no sense in 40 bp"),
        ([(2, 3, 8)], "sequence 2; there are 2"),
        ([], r"expected \[\(start, end\)"),
        ([(0.5, 3.0)], "whole numbers"),
        ([(1, 2), (3,)], r"expected \[\(start, end\)"),
    ],
)
def test_spans_that_cannot_be_are_refused(model, spans, words):
    with pytest.raises(ParameterError, match=words):
        ablation(model, random_sequences(2), spans, target=0)


def test_options_that_cannot_be_are_refused(model):
    with pytest.raises(ParameterError, match="content"):
        ablation(model, random_sequences(2), [(1, 9)], content="zeros", target=0)
    with pytest.raises(ParameterError, match="n is 0"):
        ablation(model, random_sequences(2), [(1, 9)], n_samples=0, target=0)


def test_plot(model):
    ax = ablation(model, random_sequences(2), [(1, 9), (20, 30)], content="random", target=0).plot()
    assert [t.get_text() for t in ax.get_xticklabels()] == [
        f"sequence_{i} {s}" for i in (0, 1) for s in ("1-9", "20-30")
    ]
