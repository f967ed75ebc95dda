"""One sequence out of a result: its row, the stretch to draw, where it lies, what it is called."""

from __future__ import annotations

from difflib import get_close_matches

from seqexplain.errors import ParameterError, SequenceError, TargetError
from seqexplain.plot._arrays import check_whole
from seqexplain.results import Attributions, Interval

NAMES_SHOWN = 5
UNITLESS = {  # methods whose numbers are in no unit of the model's score
    "cam", "deconvnet", "grad_cam", "guided_backprop", "guided_grad_cam", "sensitivity_analysis",
}  # fmt: skip
NAMES_COMPARED = 20_000  # comparing a name with more of them would take seconds


def unit_of(result: object) -> str:
    """Return the unit of contributions for the label of an axis: ` (logit)`, or nothing where it is not known."""
    level = str(getattr(result, "parameters", {}).get("level"))
    known = level in ("logit", "centered_logit", "output") and getattr(result, "method", "") not in UNITLESS
    return f" ({level.replace('_', ' ')})" if known else ""


def find_row(result: Attributions, sequence: int | str) -> int:
    """Return the row of a sequence given by position or name."""
    count = len(result)
    if not isinstance(sequence, str):
        row = check_whole(sequence, "sequence")
        if not -count <= row < count:
            raise SequenceError(f"sequence {row} is out of range; the result holds {count}, numbered 0 to {count - 1}.")
        return row % count
    rows = [row for row, name in enumerate(result.names) if name == sequence]
    if len(rows) == 1:
        return rows[0]
    if rows:
        listed = ", ".join(map(str, rows[:NAMES_SHOWN])) + (", …" if len(rows) > NAMES_SHOWN else "")
        raise SequenceError(
            f"{len(rows)} sequences have the name {sequence!r}. Give the position of the one you want: {listed}."
        )
    close = _close_names(sequence, result.names)
    hint = (
        f"Close names: {', '.join(close)}."
        if close
        else f"The first ones are: {', '.join(result.names[:NAMES_SHOWN])}."
    )
    raise SequenceError(f"No sequence has the name {sequence!r} among the {count} of the result. {hint}")


def _close_names(wanted: str, names: tuple[str, ...]) -> list[str]:
    """Return a few names that contain the wanted one or are spelled much like it, best first."""
    folded = wanted.casefold()
    containing = [name for name in names if folded in name.casefold()] if folded else []
    similar = get_close_matches(wanted, names[:NAMES_COMPARED], n=NAMES_SHOWN)
    return list(dict.fromkeys([*similar, *containing]))[:NAMES_SHOWN]


def length_of(result: Attributions, row: int) -> int:
    """Return how many positions of a row are real."""
    return int(result.X.shape[1] if result.lengths is None else result.lengths[row])


def read_stretch(start: int | None, end: int | None, length: int, name: str) -> tuple[int, int]:
    """Return the positions to draw, checked."""
    first = 0 if start is None else check_whole(start, "start")
    last = length if end is None else check_whole(end, "end")
    if not 0 <= first < last <= length:
        raise SequenceError(
            f"start {first} and end {last} do not mark a stretch of {name!r}, which has {length} bp; "
            f"expected "
            f"0 <= start < end <= {length} (0-based, end not included)."
        )
    return first, last


def place_of(result: Attributions, row: int, coordinates: str) -> Interval | None:
    """Return where the sequence lies on the genome; None where that is not known, or not to be shown."""
    if coordinates not in ("auto", "sequence", "genome"):
        raise ParameterError(f"coordinates is {coordinates!r}; expected 'auto', 'sequence' or 'genome'.")
    interval = None if result.intervals is None else result.intervals[row]
    if interval is None and coordinates == "genome":
        raise ParameterError(
            f"{result.names[row]!r} has no genome interval (it was not cut from a genome). Use coordinates='sequence'."
        )
    return None if coordinates == "sequence" else interval


def one_target(result: Attributions, target: int | str | None) -> Attributions:
    """Return the result of one target.

    Raises
    ------
    TargetError
        When there are several and none is chosen, or no such target.
    """
    if target is not None:
        return result.for_target(target)
    if result.several_targets:
        listed = ", ".join(map(repr, result.targets))
        raise TargetError(
            f"{len(result.targets)} targets were explained: {listed}. Choose one: target={result.targets[0]!r}."
        )
    return result


def title_of(result: Attributions, row: int) -> str:
    """Return the sequence's name, and the target where there is one."""
    name = result.names[row]
    if len(result.targets) == 1 and not result.several_targets:
        return f"{name} · {target_name(result.targets[0])}"
    return name


def target_name(label: str) -> str:
    """Return a target's label, or "target 0" for a bare number."""
    return f"target {label}" if label.isdigit() else label
