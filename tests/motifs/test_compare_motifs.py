"""Likeness of two motifs against its definition, written out, and averages of motifs that were moved about."""

from __future__ import annotations

import numpy as np
import pytest

from seqexplain.errors import ParameterError
from seqexplain.motifs import Motif, average_motifs, compare_motifs

RNG = np.random.default_rng(8)


def drawn(width, name="m", sites=40):
    return Motif(name, name, RNG.multinomial(sites, [0.25] * 4, width) + RNG.dirichlet(np.full(4, 0.3), width) * sites)


def padded(p, start, low, high, b):
    """Columns of a motif from `low` to `high` where it begins at `start`, background around it."""
    out = np.tile(b, (high - low, 1))
    out[start - low : start - low + len(p)] = p
    return out


def by_definition(motif, other, metric, b):
    b = np.asarray(b)
    values = {}
    for strand in "+-":
        q = other if strand == "+" else other.reverse_complement()
        matrices = [m.probabilities for m in (motif, q)]
        if metric == "kl":
            matrices = [(m.counts + b) / (m.counts + b).sum(1, keepdims=True) for m in (motif, q)]
        for start in range(1 - len(matrices[1]), len(matrices[0])):
            low, high = min(0, start), max(motif.width, start + other.width)
            x, y = padded(matrices[0], 0, low, high, b), padded(matrices[1], start, low, high, b)
            if metric == "correlation":
                value = ((x - b) * (y - b)).sum() / np.sqrt(((x - b) ** 2).sum() * ((y - b) ** 2).sum())
                if np.allclose(b, 0.25):
                    assert value == pytest.approx(np.corrcoef(x.ravel(), y.ravel())[0, 1])
            elif metric == "euclidean":
                value = np.linalg.norm(x - y, axis=1).sum() / max(motif.width, other.width)
            else:
                value = 0.5 * (x * np.log2(x / y) + y * np.log2(y / x)).sum() / max(motif.width, other.width)
            values[start, strand] = value
    chosen = (max if metric == "correlation" else min)(values, key=values.get)
    return values[chosen], chosen


@pytest.mark.parametrize("metric", ["correlation", "euclidean", "kl"])
@pytest.mark.parametrize("background", [(0.25,) * 4, (0.4, 0.1, 0.2, 0.3)])
def test_the_best_place_is_the_one_of_the_definition(metric, background):
    for widths in ((5, 8), (8, 5), (1, 6), (7, 7)):
        motif, other = (drawn(w) for w in widths)
        found = compare_motifs(motif, other, metric=metric, background=background)
        value, (start, strand) = by_definition(motif, other, metric, background)
        assert found.value == pytest.approx(value)
        assert (found.offset, found.strand) == (start, strand)
        assert found.overlap == min(start + other.width, motif.width) - max(start, 0)


def test_a_motif_is_itself():
    motif = drawn(9)
    part = Motif("part", "part", motif.counts[2:7])
    for metric, same in (("correlation", 1.0), ("euclidean", 0.0), ("kl", 0.0)):
        for other, strand in ((motif, "+"), (motif.reverse_complement(), "-")):
            found = compare_motifs(motif, other, metric=metric)
            assert found.value == pytest.approx(same, abs=1e-12)
            assert (found.offset, found.overlap, found.strand) == (0, 9, strand)
        assert compare_motifs(motif, part, metric=metric).offset == 2
    palindrome = Motif("p", "p", motif.counts + motif.counts[::-1, ::-1])
    assert compare_motifs(palindrome, palindrome.reverse_complement()).strand == "+"
    assert compare_motifs(motif, motif.reverse_complement(), both_strands=False).value < 0.99
    flat = Motif("flat", "flat", np.ones((3, 4)))
    assert compare_motifs(motif, flat).value == 0
    assert compare_motifs(motif, flat).overlap == 3
    with pytest.raises(ParameterError, match="metric is 'kullback'"):
        compare_motifs(motif, motif, metric="kullback")


def test_averages_of_moved_and_turned_motifs():
    motif = Motif("m", "m", RNG.dirichlet(np.full(4, 0.2), 12) * 100 + 0.5)
    cuts = ((0, 12), (1, 12), (0, 10), (2, 11))
    pieces = []
    for k, (low, high) in enumerate(cuts):
        piece = Motif(f"p{k}", "p", motif.counts[low:high])
        pieces.append(piece.reverse_complement() if k % 2 else piece)
    found = average_motifs(pieces, coverage=0.75)
    assert found.strand.tolist() == ["+", "-", "+", "-"]
    assert found.start.tolist() == [-1, 0, -1, 1]
    assert found.coverage.tolist() == [3, *[4] * 8, 3]
    inside = motif.probabilities[2:10]
    np.testing.assert_allclose(found.motif.probabilities[1:9], inside)
    np.testing.assert_allclose(found.motif.probabilities[0], 0.75 * motif.probabilities[1] + 0.25 / 4)
    assert found.motif.kind == "probabilities"


def test_weights_and_odd_input():
    one, two = (Motif("a", "a", np.eye(4)[[0, 1, 3]] * n) for n in (90, 10))
    two = Motif("b", "b", two.counts[:, [0, 2, 1, 3]])  # C and G swapped: A G T
    mixed = average_motifs([one, two], weights="sites")
    np.testing.assert_allclose(mixed.motif.counts.sum(1), 100)
    assert mixed.motif.kind == "counts"
    assert average_motifs([one]).motif.consensus == "ACT"
    for arguments, message in (
        (([],), "empty"),
        (([one],), "coverage is 0"),
        (([one],), "weights is 'x'"),
    ):
        with pytest.raises(ParameterError, match=message):
            average_motifs(*arguments, **({"coverage": 0} if "cov" in message else {}), **(
                {"weights": "x"} if "weights" in message else {}))  # fmt: skip
