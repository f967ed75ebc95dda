"""Contributions around occurrences of a motif."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from explained import L, N, explained

from seqexplain.errors import ParameterError, TargetError
from seqexplain.motifs import MotifHits, open_contributions
from seqexplain.motifs._pattern import stack_pattern
from seqexplain.plot import motif_profile

PLACES = (np.array([0, 1, 3]), np.array([20, 2, 37]), np.array([23, 5, 40]), np.array(["+", "-", "+"]))


def observed(result):
    return result.contributions.sum(axis=-1)


def expected(result, flank=4):
    """Windows cut one by one."""
    rows = []
    for row, start, end, strand in zip(*PLACES, strict=True):
        window = [observed(result)[row, p] if 0 <= p < L else np.nan for p in range(start - flank, end + flank)]
        rows.append(window[::-1] if strand == "-" else window)
    return np.array(rows)


def windows(axes):
    return axes[1].get_images()[0].get_array().filled(np.nan)


def hits(*, motif=(0, 0, 0), labels=("CTCF (MA0139.2), q=1e-9; zinc fingers", "SPI1")):
    numbers = np.ones(3)
    return MotifHits(
        *PLACES, np.array(motif), numbers, numbers, numbers, numbers, numbers, numbers, numbers,
        np.array(["ACG"] * 3), patterns=("pos_0", "pos_1"), labels=labels, signs=(1, 1), names=("a", "b", "c", "d"),
    )  # fmt: skip


def test_windows_are_turned_into_the_motifs_direction():
    result = explained()
    axes = motif_profile(result, PLACES, flank=4)
    wanted = expected(result)
    order = np.argsort(-wanted[:, 4:7].sum(axis=1) * np.sign(wanted[:, 4:7].sum()))
    assert np.allclose(windows(axes), wanted[order], equal_nan=True)
    assert np.allclose(axes[0].get_lines()[0].get_ydata(), np.nanmean(wanted, axis=0))
    assert axes[0].get_lines()[0].get_xdata().tolist() == list(range(-4, 7))
    assert axes[0].get_title(loc="left") == "3 occurrences in 3 sequences"
    assert [(p.get_bbox().x0, p.get_bbox().x1) for p in axes[0].patches] == [(-0.5, 2.5)]


def test_whatever_holds_contributions_and_places_gives_the_same():
    result = explained()
    source = open_contributions(result)
    pattern = stack_pattern(source, *PLACES[:2], 3, PLACES[3])
    whole = SimpleNamespace(id="pos_0", trimmed=lambda: pattern)
    wanted = windows(motif_profile(result, PLACES, flank=4))
    for given, places in ((source, PLACES), (result, hits()), (source, hits()), (source, whole)):
        assert np.allclose(windows(motif_profile(given, places, flank=4)), wanted, equal_nan=True)


def test_title_has_the_motifs_name():
    assert motif_profile(explained(), hits())[0].get_title(loc="left") == "CTCF: 3 hits in 3 sequences"
    source = open_contributions(explained())
    pattern = stack_pattern(source, *PLACES[:2], 3, PLACES[3])
    assert motif_profile(source, pattern)[0].get_title(loc="left") == "pos_0: 3 occurrences in 3 sequences"
    once = ([2], [3], [9])
    assert motif_profile(explained(), once)[0].get_title(loc="left") == "1 occurrence in 1 sequence"


def test_padding_is_not_there():
    result = explained(lengths=np.array([22, L, L, L]))
    found = windows(motif_profile(result, ([0], [20], [23]), flank=2))
    assert np.isnan(found[0]).tolist() == [False] * 4 + [True] * 3


def test_one_of_several_targets():
    result = explained(("a", "b"), several=True)
    wanted = windows(motif_profile(result.for_target("b"), PLACES))
    assert np.allclose(windows(motif_profile(result, PLACES, target=1)), wanted, equal_nan=True)
    with pytest.raises(TargetError, match="Choose one"):
        motif_profile(result, PLACES)


def test_read_in_parts(monkeypatch):
    from seqexplain.plot import _motif_profile

    wanted = windows(motif_profile(explained(), PLACES))
    monkeypatch.setattr(_motif_profile, "READ_AT_ONCE", 2)
    assert np.allclose(windows(motif_profile(explained(), PLACES)), wanted, equal_nan=True)


@pytest.mark.parametrize(
    ("places", "words"),
    [
        (([], [], []), "holds no occurrence"),
        (([0, 1], [1, 2], [4, 9]), "from 3 to 7 bp wide; expected occurrences of one motif"),
        (([N], [1], [4]), r"row 4; source has rows 0 to 3"),
        (([0], [1.5], [4]), "expected whole numbers"),
        (([0], [1], [4], ["?"]), r"strand '\?'"),
        ("pos_0", r"places is a str; expected MotifHits of one motif"),
        (hits(motif=(0, 0, 1)), r"hits of 2 motifs; expected those of one. Pick it: hits.of\('pos_0'\)"),
    ],
)
def test_errors_teach(places, words):
    with pytest.raises(ParameterError, match=words):
        motif_profile(explained(), places)


def test_errors_of_other_arguments_teach():
    with pytest.raises(ParameterError, match="flank is -1"):
        motif_profile(explained(), PLACES, flank=-1)
    with pytest.raises(ParameterError, match="source is a ndarray; expected Attributions"):
        motif_profile(explained().contributions, PLACES)
