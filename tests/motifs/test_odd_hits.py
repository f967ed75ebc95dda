"""Hits in data that are odd: unknown bases, padding, one sequence, nothing at all; and options that make no sense."""

from __future__ import annotations

import numpy as np
import pytest
from contributions import (
    GATA,
    QUICK,
    attributions,
    letters,
    noise,
    pattern_of,
    random_pattern,
    with_words,
    word_pattern,
)

from seqexplain.errors import ParameterError
from seqexplain.motifs import MotifHits, PatternSet, find_hits, stack_pattern


def test_unknown_bases_and_padding_hold_no_hits():
    codes, observed = noise(30, 50, seed=12)
    codes[:, 5:12], observed[:, 5:12] = letters(GATA), 1.0
    codes[:, 30:37], observed[:, 30:37] = letters(GATA), 1.0
    codes[3, 7], observed[3, 7] = 4, 0.0
    codes[4, 33:], observed[4, 33:] = 4, 0.0
    lengths = np.where(np.arange(30) == 4, 33, 50)
    hits = find_hits(attributions(codes, observed, lengths=lengths), word_pattern(), **QUICK)
    sites = {(int(i), int(s)) for i, s in zip(hits.sequence, hits.start, strict=True)}
    assert sites == {(i, s) for i in range(30) for s in (5, 30)} - {(3, 5), (4, 30)}
    assert (hits.end <= lengths[hits.sequence]).all()


def test_one_sequence_with_one_site():
    codes, observed = noise(1, 200, seed=13)
    codes[0, 90:97], observed[0, 90:97] = letters(GATA), 1.0
    hits = find_hits(attributions(codes, observed), word_pattern())
    assert hits.start.tolist() == [90]
    assert hits.q_value[0] < 0.05


@pytest.mark.parametrize(
    ("codes", "observed", "patterns", "note"),
    [
        (np.zeros((3, 30), int), np.zeros((3, 30)), [word_pattern()], "all contributions are 0: nothing is a hit"),
        (np.full((3, 30), 4), np.zeros((3, 30)), [word_pattern()], "all contributions are 0: nothing is a hit"),
        (np.zeros((3, 5), int), np.ones((3, 5)), [word_pattern()], "pos_0 is 7 bp wide, wider than the sequences: it"),
        (np.zeros((3, 30), int), np.ones((3, 30)), [], "there is no pattern to look for"),
        (np.zeros((0, 30), int), np.ones((0, 30)), [word_pattern()], "there is no sequence"),
        (np.zeros((3, 30), int), np.ones((3, 30)), [word_pattern()], "pos_0 has no hit"),
        (np.zeros((3, 30), int), np.ones((3, 30)), [pattern_of(np.zeros((6, 4)))], "pos_0 contributes nothing in its"),
    ],
    ids=["zeros", "unknown", "wide", "no pattern", "no sequence", "no hit", "empty pattern"],
)
def test_where_nothing_can_be_found_a_note_says_why(codes, observed, patterns, note):
    hits = find_hits(attributions(codes, observed), patterns, **QUICK)
    assert isinstance(hits, MotifHits)
    assert len(hits) == 0
    assert any(line.startswith(note) for line in hits.notes), hits.notes
    assert len(hits.to_table()) == 0
    assert len(hits.summarise()) == len(hits.patterns)


def test_an_empty_pattern_set_is_no_error():
    source, _, _ = with_words(20)
    hits = find_hits(source, PatternSet(patterns=(), notes=("12 seqlets are too few to cluster",)))
    assert (len(hits), hits.notes) == (0, ("there is no pattern to look for",))


def test_hits_do_not_depend_on_blocks_on_other_motifs_or_on_being_stored(tmp_path):
    from seqexplain.motifs._contribution_source import ContributionSource
    from seqexplain.storage import save

    source, start, strand = with_words(120, seed=14)
    rows = np.arange(40)
    one = stack_pattern(source, rows, start[rows], 7, strand[rows])
    save(source._result, tmp_path / "r.zarr")

    class Piecewise(ContributionSource):
        def __init__(self):
            vars(self).update({k: getattr(source, k) for k in ContributionSource.__annotations__})

        def blocks(self):
            return (source.read(np.arange(first, min(first + 7, 120))) for first in range(0, 120, 7))

        def read(self, rows):
            return source.read(rows)

    first = find_hits(source, one, **QUICK)
    for other in (
        find_hits(Piecewise(), one, **QUICK),
        find_hits(tmp_path / "r.zarr", one, **QUICK),
        find_hits(source, [random_pattern(7, 0, id="x"), one], overlaps="by_motif", **QUICK).of("pos_0"),
    ):
        np.testing.assert_array_equal(other.start, first.start)
        np.testing.assert_array_equal(other.p_value, first.p_value)
        np.testing.assert_allclose(other.score, first.score, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"q_value": 0}, "q_value is 0; expected a number above 0"),
        ({"p_value": 1.5}, "p_value is 1.5"),
        ({"match_p_value": -1}, "match_p_value is -1"),
        ({"max_overlap": 0.0}, "max_overlap is 0.0"),
        ({"overlaps": "none"}, "expected one of 'resolved', 'by_motif', 'all'"),
        ({"sign": 0}, "sign is 0; expected 1 or -1"),
        ({"null_windows": 10}, "expected a whole number from 1000"),
        ({"patterns": [3]}, "patterns holds a int"),
        ({"patterns": [word_pattern(), word_pattern()]}, "several of the id 'pos_0'"),
    ],
)
def test_options_that_make_no_sense(options, words):
    source, _, _ = with_words(10)
    options = {"patterns": word_pattern(), **options}
    with pytest.raises(ParameterError, match=words):
        find_hits(source, options.pop("patterns"), **options)
