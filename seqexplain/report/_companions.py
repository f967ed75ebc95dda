"""Other results of the same sequences, which the page draws below: sufficient subsets, effects of substitutions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError
from seqexplain.report._explained import Block, Explained, open_results, same_target
from seqexplain.report._packing import pack, quantise
from seqexplain.results import Attributions
from seqexplain.storage import ResultStore, peek

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Companion:
    """Packs of one kind.

    Attributes
    ----------
    kind
        `"sis"` or `"ism"`.
    packs
        The text of each.
    first
        `(packs + 1,)` the first of its rows that each holds, and their number.
    rows
        `(n,)` int32: which of the companion's rows belongs to each sequence of the results, −1 for none.
    facts
        What the page says of it: method, settings, run.
    notes
        Plain statements.
    """

    kind: str
    packs: tuple[str, ...]
    first: tuple[int, ...]
    rows: NDArray[np.int32]
    facts: dict[str, Any]
    notes: tuple[str, ...]


def companion(kind: str, given: Any, explained: Explained, codes: Array, *, most_bases: int) -> Companion:
    """Read a companion, and keep what belongs to the sequences of the results.

    Parameters
    ----------
    kind
        `"sis"` or `"ism"`.
    given
        `Attributions`, a `ResultStore`, or the path of one.
    explained
        The results that are shown.
    codes
        `(n, L)` their bases.
    most_bases
        Packs are made of the first sequences that together have so many.

    Raises
    ------
    ParameterError
        When it holds no subsets or effects, or none of the sequences.
    """
    if isinstance(given, str | Path) and (Path(given).suffix == ".zarr" or peek(given) is not None):
        given = ResultStore(given)
    what, command = _NAMES[kind]
    if not isinstance(given, Attributions | ResultStore):
        raise ParameterError(
            f"{kind} is {given!r}; expected a result store with {what}, as `seqexplain {command}` writes it."
        )
    other = open_results(given, same_target(given, explained.label))
    place = _places(explained)
    rows = np.full(explained.n, -1, dtype=np.int32)
    packs: list[str] = []
    first = [0]
    differing = left_out = 0
    for block in other.blocks():
        if (block.subset if kind == "sis" else block.effects) is None:
            raise ParameterError(
                f"{other.description} holds no {what}; it was made by {other.method or 'another tool'}. Give what "
                f"`seqexplain {command}` wrote."
            )
        kept: list[int] = []
        targets: list[int] = []
        for k in range(len(block)):
            row = place.get(other.names[block.first + k], [])
            row, place[other.names[block.first + k]] = row[:1], row[1:]
            if not row:
                continue
            if not _same(block.codes[k], codes[row[0]]):
                differing += 1
            elif (first[-1] + len(kept) + 1) * block.codes.shape[1] > most_bases:
                left_out += 1
            else:
                kept.append(k)
                targets.append(row[0])
        if kept:
            rows[targets] = np.arange(first[-1], first[-1] + len(kept))
            packs.append(_PACKERS[kind](block, np.array(kept)))
            first.append(first[-1] + len(kept))
    if not packs:
        raise ParameterError(
            f"{other.description} holds none of the {explained.n:,} sequences of {explained.description}"
            + (f" ({differing:,} have the name of one, but other bases)" if differing else "")
            + f". Give the {what} of the same sequences."
        )
    notes = []
    found = int((rows >= 0).sum())
    if differing:
        notes.append(f"{differing:,} sequences have other bases in {other.description}; nothing is shown for them.")
    if left_out:
        notes.append(
            f"{what.capitalize()} of {found:,} sequences are in this page; those of {left_out:,} more would make it "
            "too large."
        )
    elif found < explained.n:
        notes.append(f"{what.capitalize()} are known of {found:,} of {explained.n:,} sequences.")
    facts = {"method": other.method, "parameters": other.parameters, "run": other.run, "label": other.label}
    return Companion(kind, tuple(packs), tuple(first), rows, facts, tuple(notes))


_NAMES = {"sis": ("sufficient input subsets", "sis"), "ism": ("effects of substitutions", "ism")}


def _places(explained: Explained) -> dict[str, list[int]]:
    """Return the rows of each name, in order: the second of a name belongs to the second there."""
    place: dict[str, list[int]] = {}
    for row, name in enumerate(explained.names):
        place.setdefault(name, []).append(row)
    return place


def _same(one: Array, other: Array) -> bool:
    shared = min(len(one), len(other))
    rest = np.concatenate([one[shared:], other[shared:]])
    return bool(np.array_equal(one[:shared], other[:shared]) and (rest == 4).all())


def _pack_subsets(block: Block, kept: Array) -> str:
    numbers, value = np.asarray(block.subset), np.asarray(block.subset_value)
    subset = numbers[kept]
    count = subset.max(axis=1, initial=0).astype(np.int32)
    values = [
        [_value(value[row][numbers[row] == number]) for number in range(1, n + 1)]
        for row, n in zip(kept, count, strict=True)
    ]
    threshold = np.asarray(block.threshold, dtype=np.float32)[kept]
    return pack(
        {"values": values},
        {"subset": subset.astype(np.uint16), "count": count, "threshold": threshold},
    )


def _value(values: Array) -> float | None:
    first = float(values[0])
    return float(f"{first:.4g}") if np.isfinite(first) else None


def _pack_effects(block: Block, kept: Array) -> str:
    small = quantise(np.nan_to_num(np.asarray(block.effects)[kept]), 8)
    return pack({}, {"effects": small.steps, "scale": small.scale})


_PACKERS = {"sis": _pack_subsets, "ism": _pack_effects}
