"""`--target`: what is computed, as text.

====================  ==================================================================
text                  means
====================  ==================================================================
`0`                   unit 0, of a model with one head
`10,1`                position 10, channel 1, of a model with one head
`HEAD`                the only unit of a head, by its name
`HEAD:0`, `1:0`       unit 0 of a head, by name or number
`HEAD:10,1`           position 10, channel 1 of a head
`LAYER:10,1`          the same of a hidden layer
`HEAD:*,1`            channel 1, summed over positions
`profile(HEAD)`       the shape of a profile head; `profile(HEAD:0)` of its channel 0
`0-1`, `A:0 - B:1`    a contrast: the first less the second
====================  ==================================================================

A text is read before the model is loaded, and its heads are looked up afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seqexplain.errors import TargetError

if TYPE_CHECKING:
    from seqexplain.models import SequenceModel

HELP = (
    "What to compute: a unit (0), HEAD, HEAD:0, a position and channel (HEAD:10,1; * for all), a hidden LAYER:10,1, "
    "'profile(HEAD)', or a contrast (0-1 or 'A:0 - B:1'). Repeatable."
)
_INDEX = r"(?:\d+|\*)(?:,(?:\d+|\*))*"
_PROFILE = re.compile(r"profile\((?P<head>[^()]*?)(?::(?P<channel>\d+))?\)")
_CONTRASTS = (
    re.compile(rf"({_INDEX})\s*[-−]\s*({_INDEX})"),
    re.compile(rf"(.+:{_INDEX})\s*[-−]\s*(.+:{_INDEX})"),
    re.compile(r"(.+?)\s+[-−]\s+(.+)"),
)


@dataclass(frozen=True)
class Unit:
    """One unit of a head: the head's name (None where not given), and the index (None for its only unit)."""

    head: str | None
    index: tuple[int | slice, ...] | None


@dataclass(frozen=True)
class Shape:
    """The shape of a profile head (None: the only head), of one channel or of all."""

    head: str | None
    channel: int | None


@dataclass(frozen=True)
class Difference:
    """One unit less another."""

    positive: Unit
    negative: Unit


TargetText = Unit | Shape | Difference


def parse_target(text: str) -> TargetText:
    """Read one `--target`.

    Raises
    ------
    TargetError
        When the text is not of the grammar above.

    Examples
    --------
    >>> parse_target("profile:10,1")
    Unit(head='profile', index=(10, 1))
    >>> parse_target("0-1")
    Difference(positive=Unit(head=None, index=(0,)), negative=Unit(head=None, index=(1,)))
    """
    whole = _PROFILE.fullmatch(text.strip())
    if whole:
        return Shape(whole["head"].strip() or None, None if whole["channel"] is None else int(whole["channel"]))
    for pattern in _CONTRASTS:
        match = pattern.fullmatch(text.strip())
        if match:
            return Difference(_parse_unit(match[1]), _parse_unit(match[2]))
    return _parse_unit(text)


def _parse_unit(text: str) -> Unit:
    text = text.strip()
    if re.fullmatch(_INDEX, text):
        return Unit(None, _index(text))
    head, colon, index = text.rpartition(":")
    if not colon and text and not text.startswith(("-", ",")):
        return Unit(text, None)
    if not head or not re.fullmatch(_INDEX, index):
        raise TargetError(
            f"--target {text!r} is not understood; write a unit (0), HEAD, HEAD:0, HEAD:10,1 or a contrast "
            "('A:0 - B:1')."
        )
    return Unit(head, _index(index))


def _index(text: str) -> tuple[int | slice, ...]:
    return tuple(slice(None) if part == "*" else int(part) for part in text.split(","))


def parse_targets(texts: Sequence[str] | None) -> list[TargetText]:
    """Read all `--target` options; raises as `parse_target` does."""
    return [parse_target(text) for text in texts or ()]


def targets_of(model: SequenceModel, parsed: Sequence[TargetText]) -> Any:
    """Return targets as methods take them: None for none, one alone, or a list.

    Raises
    ------
    TargetError
        When a head that is named does not exist, or a model with several heads is given an index alone.
    """
    found = [_target_of(model, one) for one in parsed]
    if not found:
        return None
    return found if len(found) > 1 else found[0]


def _target_of(model: SequenceModel, parsed: TargetText) -> Any:
    from seqexplain.models import contrast, profile

    if isinstance(parsed, Shape):
        return profile(_head_name(model, parsed.head), channel=parsed.channel)
    if isinstance(parsed, Difference):
        return contrast(_unit_of(model, parsed.positive), _unit_of(model, parsed.negative))
    return _unit_of(model, parsed)


def _unit_of(model: SequenceModel, unit: Unit) -> Any:
    from seqexplain.models.target import describe_heads

    names = [head.name for head in model.heads]
    index: Any = unit.index[0] if unit.index is not None and len(unit.index) == 1 else unit.index
    if unit.head is None:
        if len(names) > 1:
            raise TargetError(
                f"--target {_text(index)} does not say which head is meant. The model has "
                f"{describe_heads(model.heads)}. Write --target {names[0]}:{_text(index)}."
            )
        return index
    head = _head_name(model, unit.head)
    return head if index is None else (head, index)


def _head_name(model: SequenceModel, head: str | None) -> str | None:
    """Return a head's name, also where it was given by its number."""
    names = [one.name for one in model.heads]
    by_number = head is not None and head not in names and head.isdecimal() and int(head) < len(names)
    return names[int(head)] if by_number else head  # type: ignore[arg-type]


def _text(index: int | slice | tuple[int | slice, ...] | None) -> str:
    parts = index if isinstance(index, tuple) else (index,)
    return ",".join("*" if isinstance(part, slice) else str(part) for part in parts)


def stored_label(labels: Sequence[str], text: str) -> str:
    """Return the label of a stored target that a text means; the text itself where none fits.

    A label may differ from what was typed to explain it: `A:0 - B:1` is stored with a minus sign, `A` as `A:0`.

    Examples
    --------
    >>> stored_label(["A:0", "A:0 − B:1"], "A:0-B:1"), stored_label(["A:0", "B:0"], "B")
    ('A:0 − B:1', 'B:0')
    """
    if text in labels:
        return text
    plain = _plain(text)
    fitting = [label for label in labels if _plain(label) in (plain, f"{plain}:0")]
    return fitting[0] if len(fitting) == 1 else text


def _plain(text: str) -> str:
    return "".join(text.split()).replace("−", "-")
