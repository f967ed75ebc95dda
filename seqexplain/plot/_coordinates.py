"""The x axis: positions of a sequence, or of the genome it was cut from.

Letters are always placed at positions of the sequence, left to right as it reads; on the minus strand the
genome's coordinates then run downward, and only the tick labels know.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from seqexplain.errors import ParameterError
from seqexplain.results import Interval

INCHES_PER_TICK = 0.55  # room for a position in a sequence
INCHES_PER_GENOME_TICK = 1.1  # room for a label such as 127,735,434
_ROUND = (1, 2, 5)


@dataclass(frozen=True)
class Coordinates:
    """Positions `start` to `start + length` of a sequence, of which `interval` is the place in the genome."""

    start: int
    length: int
    interval: Interval | None = None

    def __post_init__(self) -> None:
        where = self.interval
        if where is None:
            return
        size = where.end - where.start
        if self.start < 0 or self.start + self.length > size:
            raise ParameterError(
                f"interval {where} has {size} bp, but positions {self.start} to {self.start + self.length} "
                f"are drawn. "
                "Give the interval of the whole sequence, of which `start` is the first position drawn."
            )
        if where.strand not in ("+", "-", "."):
            raise ParameterError(f"interval {where} has strand {where.strand!r}; expected '+', '-' or '.'.")

    @property
    def end(self) -> int:
        """One past the last position."""
        return self.start + self.length

    @property
    def label(self) -> str:
        """What the x axis shows."""
        if self.interval is None:
            return "position (bp)"
        strand = {"+": ", + strand", "-": ", − strand", ".": ""}[self.interval.strand]
        return f"{self.interval.chromosome} (bp, 0-based{strand})"

    def to_genome(self, position: int) -> int:
        """Return the genome's 0-based coordinate of a position of the sequence."""
        if self.interval is None:
            return position
        if self.interval.strand == "-":
            return self.interval.end - 1 - position
        return self.interval.start + position

    def from_genome(self, place: Interval) -> tuple[int, int]:
        """Return the half-open span of the sequence that a genome interval covers.

        Raises
        ------
        ParameterError
            When the sequence has no interval, or one on another chromosome.
        """
        if self.interval is None:
            raise ParameterError(
                f"highlight {place} is in genome coordinates, but the sequence has no interval. Give "
                f"`interval`, or "
                "highlight positions of the sequence: (start, end)."
            )
        if place.chromosome != self.interval.chromosome:
            raise ParameterError(
                f"highlight {place} is on another chromosome than the sequence, {self.interval}. Leave it out."
            )
        if self.interval.strand == "-":
            return self.interval.end - place.end, self.interval.end - place.start
        return place.start - self.interval.start, place.end - self.interval.start

    def ticks(self, inches: float) -> tuple[list[int], list[str]]:
        """Return positions of the sequence to mark and their labels, as many as fit an axis of this width."""
        per_tick = INCHES_PER_TICK if self.interval is None else INCHES_PER_GENOME_TICK
        step = tick_step(self.length, max(2, int(inches / per_tick)))
        ends = self.to_genome(self.start), self.to_genome(self.end - 1)
        first = -(-min(ends) // step) * step
        marks = np.arange(first, max(ends) + 1, step)
        positions = [abs(int(mark) - ends[0]) + self.start for mark in marks]
        return positions, [f"{int(mark):,}".replace("-", "−") for mark in marks]


def tick_step(length: int, count: int) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 50, … that puts at most `count` marks on `length` positions.

    Examples
    --------
    >>> tick_step(20, 20), tick_step(200, 12), tick_step(1000, 12)
    (1, 20, 100)
    """
    power = 1
    while True:
        for part in _ROUND:
            if length <= part * power * count:
                return part * power
        power *= 10


def width_in_inches(ax: Axes) -> float:
    """Return the width of the axes; before the layout is made, a little less than it will be."""
    return float(ax.get_window_extent().width / ax.figure.dpi)


def style_x_axis(ax: Axes, coordinates: Coordinates, *, labels: bool = True) -> None:
    """Set limits, ticks and the label of the x axis; `labels=False` leaves the ticks bare."""
    ax.set_xlim(coordinates.start - 0.5, coordinates.end - 0.5)
    positions, names = coordinates.ticks(width_in_inches(ax))
    ax.set_xticks(positions)
    if labels:
        ax.set_xticklabels(names)
        ax.set_xlabel(coordinates.label)
    else:
        ax.tick_params(axis="x", labelbottom=False)


def style_relative_axis(ax: Axes, start: int, length: int, label: str, *, labels: bool = True) -> None:
    """Set limits, ticks and the label of an x axis that counts from some place, negative positions before it."""
    ax.set_xlim(start - 0.5, start + length - 0.5)
    step = tick_step(length, max(2, int(width_in_inches(ax) / INCHES_PER_TICK)))
    first = -(-start // step) * step
    marks = list(range(first, start + length, step))
    ax.set_xticks(marks)
    if labels:
        ax.set_xticklabels([f"{mark:,}".replace("-", "−") for mark in marks])
        ax.set_xlabel(label, parse_math=False)
    else:
        ax.tick_params(axis="x", labelbottom=False)
