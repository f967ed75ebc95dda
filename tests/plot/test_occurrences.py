"""Hits, patterns and seqlets over logos."""

from __future__ import annotations

import numpy as np
import pytest
from explained import NAMES, L, explained, placed

from seqexplain.errors import ParameterError, SequenceError
from seqexplain.motifs import MotifHits, PatternSet, open_contributions
from seqexplain.motifs._pattern import stack_pattern
from seqexplain.motifs._seqlets import Seqlets
from seqexplain.plot import attribution_logo, compare_methods, mutation_map

UNIQUE = ("peak_1", "peak_2", "third", "fourth")


def hits(names=NAMES):
    numbers = np.ones(4)
    return MotifHits(
        np.array([0, 0, 0, 1]), np.array([2, 14, 30, 5]), np.array([8, 20, 33, 11]), np.array(["+", "-", "+", "+"]),
        np.array([0, 0, 1, 0]), numbers, numbers, numbers, numbers, numbers, numbers, numbers, np.array(["ACG"] * 4),
        patterns=("pos_0", "pos_1"), labels=("CTCF (MA0139.2), q=1e-9; zinc fingers", ""), signs=(1, 1), names=names,
    )  # fmt: skip


def spans(ax):
    return [(p.get_bbox().x0 + 0.5, p.get_bbox().x1 + 0.5) for p in ax.patches if p.get_zorder() == -2]


def colors(ax):
    return [p.get_facecolor() for p in ax.patches if p.get_zorder() == -2]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_hits_of_the_sequence_with_name_and_direction():
    (ax,) = attribution_logo(explained(intervals=placed()), "peak_1", hits=hits())
    assert spans(ax) == [(2, 8), (14, 20), (30, 33)]
    assert texts(ax) == ["CTCF →", "CTCF ←", "pos_1 →"]
    first, second, other = colors(ax)
    assert first == second != other
    (ax,) = attribution_logo(explained(), 1, start=6, end=30, hits=hits(), highlight=[(20, 22, "site")])
    assert (spans(ax), texts(ax)) == ([(6, 11), (20, 22)], ["CTCF →", "site"])


def test_what_lies_behind_the_end_of_a_sequence_is_left_out():
    (ax,) = attribution_logo(explained(lengths=np.array([18, L, L, L])), 0, hits=hits())
    assert spans(ax) == [(2, 8), (14, 18)]


def test_in_part_of_the_sequences_they_are_found_by_name():
    some = explained(names=UNIQUE).take([1])
    (ax,) = attribution_logo(some, 0, hits=hits(UNIQUE))
    assert spans(ax) == [(5, 11)]
    with pytest.raises(SequenceError, match="'third' is not among their 2"):
        attribution_logo(explained(names=UNIQUE), 2, hits=hits(UNIQUE[:2]))
    with pytest.raises(SequenceError, match="found in 2 sequences of the name 'twice'"):
        attribution_logo(explained().take([2, 3]), 0, hits=hits())


def test_patterns_by_their_cores():
    result = explained()
    source = open_contributions(result)
    pattern = stack_pattern(source, [0, 0, 1], [-3, 33, 5], 10, ["+", "-", "+"])
    core = pattern.trimmed()
    wanted = [(max(s, 0), min(s + core.width, L)) for s in core.start[:2].tolist()]
    (ax,) = attribution_logo(result, 0, hits=pattern)
    assert (spans(ax), texts(ax)) == (wanted, ["pos_0 →", "pos_0 ←"])
    found = PatternSet.of(source, [pattern], method="fast", parameters={})
    (ax,) = attribution_logo(result, 0, hits=found)
    assert (spans(ax), texts(ax)) == (wanted, ["pos_0 →", "pos_0 ←"])


def test_seqlets_for_and_against_differ_in_colour():
    numbers = np.ones(3)
    found = Seqlets(
        np.array([0, 0, 1]), np.array([1, 10, 3]), np.array([5, 15, 9]), np.array([2.0, -2, 1]), numbers, numbers, NAMES
    )
    (ax,) = attribution_logo(explained(), 0, hits=found)
    assert spans(ax) == [(1, 5), (10, 15)]
    assert len(set(colors(ax))) == 2
    assert texts(ax) == []


def test_other_pictures_take_them_too():
    assert spans(compare_methods([explained()], 1, hits=hits())[0]) == [(5, 11)]
    assert spans(mutation_map(explained(), 1, hits=hits())[0]) == [(5, 11)]


def test_errors_teach():
    with pytest.raises(ParameterError, match=r"hits is a list; expected MotifHits, .* use highlight="):
        attribution_logo(explained(), 0, hits=[(1, 2)])
