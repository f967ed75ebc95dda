"""Motif matrices: what follows from counts, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from seqexplain.errors import ParameterError, SeqExplainError, ShapeError
from seqexplain.motifs import Motif


def test_probabilities_information_and_consensus():
    motif = Motif("M1", "box", [[8, 0, 0, 0], [0, 4, 4, 0], [1, 1, 1, 1]])
    np.testing.assert_allclose(motif.probabilities, [[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0.25] * 4])
    np.testing.assert_allclose(motif.information, [2, 1, 0])
    assert motif.consensus == "ACA"
    assert motif.width == 3


def test_log_odds_follow_the_formula():
    # counts 6 and 2 of 8, two imagined sites, background .4 .1 .1 .4:
    # A: (6 + .8) / 10 / .4 = 1.7; C: (2 + .2) / 10 / .1 = 2.2; G: .2 / 10 / .1 = .2; T: .8 / 10 / .4 = .2
    motif = Motif("M1", "box", [[6, 2, 0, 0]])
    expected = np.log2([[1.7, 2.2, 0.2, 0.2]])
    np.testing.assert_allclose(motif.log_odds((0.4, 0.1, 0.1, 0.4), pseudocount=2), expected)


def test_reverse_complement_mirrors_and_twice_is_nothing():
    counts = np.arange(1, 13).reshape(3, 4)
    motif = Motif("M1", "box", counts)
    np.testing.assert_array_equal(motif.reverse_complement().counts[0], [12, 11, 10, 9])
    np.testing.assert_array_equal(motif.reverse_complement().reverse_complement().counts, counts)


def test_counts_are_the_motifs_own_and_read_only():
    counts = np.ones((3, 4))
    motif = Motif("M1", "box", counts)
    counts[0, 0] = 5
    assert motif.counts[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        motif.counts[0, 0] = 2


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (np.ones((4, 7)), r"shape \(4, 7\).*Use counts\.T"),
        (np.ones(4), r"shape \(4,\)"),
        (np.ones((0, 4)), r"shape \(0, 4\)"),
        ([[1, 1, 1, 1], [1, -2, 1, 1]], r"-2\.0 for C at position 1"),
        ([[1, np.nan, 1, 1]], "nan for C at position 0"),
        ([[1, 1, 1, 1], [0, 0, 0, 0]], "no count at position 1"),
    ],
)
def test_bad_counts_are_explained(counts, message):
    with pytest.raises(ShapeError, match=message) as caught:
        Motif("M1", "box", counts)
    assert isinstance(caught.value, SeqExplainError)


@pytest.mark.parametrize("background", [(0.5, 0.5), (0.5, 0.5, 0.0, 0.0), (1, 1, 1, 1), (np.nan, 0.5, 0.25, 0.25)])
def test_bad_backgrounds_are_refused(background):
    with pytest.raises(ParameterError, match="four probabilities"):
        Motif("M1", "box", np.ones((2, 4))).log_odds(background)


@pytest.mark.parametrize("pseudocount", [0, -1, np.nan, np.inf])
def test_bad_pseudocounts_are_refused(pseudocount):
    with pytest.raises(ParameterError, match="above 0"):
        Motif("M1", "box", np.ones((2, 4))).log_odds(pseudocount=pseudocount)


def test_information_against_a_background_is_what_others_compute():
    import logomaker
    import pandas as pd
    from Bio import motifs as bio

    rng = np.random.default_rng(5)
    counts = rng.integers(0, 50, (8, 4)) + np.eye(4)[[0] * 8]
    motif = Motif("m", "m", counts)
    for background in ((0.25, 0.25, 0.25, 0.25), (0.3, 0.2, 0.15, 0.35)):
        theirs = bio.Motif(counts={base: list(counts[:, k]) for k, base in enumerate("ACGT")})
        theirs.background = dict(zip("ACGT", background, strict=True))
        np.testing.assert_allclose(motif.information_content(background), theirs.relative_entropy)
        heights = logomaker.transform_matrix(
            pd.DataFrame(motif.probabilities, columns=list("ACGT")),
            from_type="probability", to_type="information", background=list(background),
        )  # fmt: skip
        np.testing.assert_allclose(motif.information_content(background), heights.sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(motif.information_content(), motif.information)
    np.testing.assert_allclose(Motif("b", "b", [background]).information_content(background), 0, atol=1e-15)


def test_ambiguous_consensus_is_biopythons():
    from Bio import motifs as bio

    rng = np.random.default_rng(6)
    counts = np.round(rng.dirichlet(np.full(4, 0.5), 400) * 40)
    counts[:, 0] += counts.sum(1) == 0
    theirs = bio.Motif(counts={base: list(counts[:, k]) for k, base in enumerate("ACGT")})
    letters = str(theirs.counts.degenerate_consensus)
    assert Motif("m", "m", counts).iupac == letters
    assert len(set(letters)) > 12, "all rules were used"


def test_trimming():
    motif = Motif(
        "m", "m", [[1, 1, 1, 1], [9, 0, 0, 0], [1, 1, 1, 1], [0, 3, 3, 0], [2, 1, 1, 1]], annotations={"a": "b"}
    )
    trimmed = motif.trim()
    np.testing.assert_array_equal(trimmed.counts, motif.counts[1:4])
    assert (trimmed.id, trimmed.annotations) == ("m", {"a": "b"})
    assert motif.trim(1.5).width == 1
    assert motif.trim(0).width == 5
    skewed = Motif("s", "s", [[4, 1, 1, 4], [1, 0, 0, 0]])
    assert skewed.trim(0.2, background=(0.4, 0.1, 0.1, 0.4)).width == 1
    with pytest.raises(ParameterError, match=r"No position of motif 'm' has 2\.5 bits"):
        motif.trim(2.5)
