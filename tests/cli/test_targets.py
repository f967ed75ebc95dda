"""The grammar of --target."""

from __future__ import annotations

import pytest

from seqexplain.cli._targets import Difference, Unit, parse_target, parse_targets, stored_label
from seqexplain.errors import TargetError


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0", Unit(None, (0,))),
        ("10,1", Unit(None, (10, 1))),
        ("profile", Unit("profile", None)),
        ("my-head", Unit("my-head", None)),
        ("my-head_2:3", Unit("my-head_2", (3,))),
        ("outer/inner:0", Unit("outer/inner", (0,))),
        ("profile:250,1", Unit("profile", (250, 1))),
        ("1:0", Unit("1", (0,))),
        ("0-1", Difference(Unit(None, (0,)), Unit(None, (1,)))),
        (" 0 - 1 ", Difference(Unit(None, (0,)), Unit(None, (1,)))),
        ("A:0 - A:1", Difference(Unit("A", (0,)), Unit("A", (1,)))),
        ("A:0-B:10,1", Difference(Unit("A", (0,)), Unit("B", (10, 1)))),
        ("dnase - my-head", Difference(Unit("dnase", None), Unit("my-head", None))),
    ],
)
def test_grammar(text, wanted):
    assert parse_target(text) == wanted


@pytest.mark.parametrize("text", ["", ":0", "A:", "A:x", "-1", "A:0,", ",", "A:1.5"])
def test_what_is_not_a_target_is_refused(text):
    with pytest.raises(TargetError, match="is not understood"):
        parse_target(text)


def test_none_and_several():
    assert parse_targets(None) == []
    assert parse_targets(["0", "1"]) == [Unit(None, (0,)), Unit(None, (1,))]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0", "0"),
        ("0-1", "0 − 1"),
        (" 0 - 1", "0 − 1"),
        ("A:0-B:1", "A:0 − B:1"),
        ("B", "B:0"),
        ("1", "1"),  # no label, so a position, or nothing
        ("A", "A"),  # two labels would do
    ],
)
def test_what_was_typed_to_explain_finds_the_stored_label(text, wanted):
    assert stored_label(["0", "0 − 1", "A:0 − B:1", "B:0", "A:0", "A: 0"], text) == wanted
