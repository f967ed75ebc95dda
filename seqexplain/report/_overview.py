"""What the page says at its begin and at its end: facts, histograms, settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.report._explained import Block, Explained

Array = NDArray[Any]

BINS = 48  # of the histogram of predictions
PROFILE_POINTS = 400  # of the profile along the sequence
_LONG = 400  # characters of a setting that are shown


@dataclass
class Tally:
    """Numbers of all sequences, gathered block by block.

    Attributes
    ----------
    n, length
        Of the results.
    predictions, error, total, held, pairs
        `(n,)` of each sequence: f, largest absolute completeness error (NaN without), sum of contributions, and how
        many of its sequence–reference pairs are within tolerance, and how many it has.
    references
        Predictions of the references, a sample where they are many.
    profile, depth
        `(L,)`: Σ|contribution| at each position, and how many sequences have a known base there.
    """

    n: int
    length: int
    predictions: Array = field(init=False)
    error: Array = field(init=False)
    total: Array = field(init=False)
    held: Array = field(init=False)
    pairs: Array = field(init=False)
    references: list[Array] = field(default_factory=list)
    profile: Array = field(init=False)
    depth: Array = field(init=False)

    def __post_init__(self) -> None:
        self.predictions, self.error = np.full(self.n, np.nan), np.full(self.n, np.nan)
        self.total = np.zeros(self.n)
        self.held, self.pairs = np.zeros(self.n, dtype=np.int64), np.zeros(self.n, dtype=np.int64)
        self.profile, self.depth = np.zeros(self.length), np.zeros(self.length)

    def add(self, block: Block) -> None:
        """Count in a block."""
        rows = slice(block.first, block.first + len(block))
        self.predictions[rows] = block.predictions
        self.total[rows] = block.observed.sum(axis=1, dtype=np.float64)
        self.profile += np.abs(block.observed).sum(axis=0, dtype=np.float64)
        self.depth += (block.codes < 4).sum(axis=0)
        if block.references is not None and block.references.size:
            self.references.append(np.asarray(block.references, dtype=np.float32).ravel())
        if block.errors is not None and block.held is not None and block.errors.size:
            self.error[rows] = np.abs(block.errors).max(axis=1)
            self.held[rows] = block.held.sum(axis=1)
            self.pairs[rows] = block.held.shape[1]


@dataclass(frozen=True)
class Bars:
    """A histogram, ready to be drawn: each bar as (x, y, width, height), in percent of the picture."""

    low: float
    high: float
    most: int
    bars: tuple[tuple[float, float, float, float], ...]
    others: tuple[tuple[float, float, float, float], ...] = ()


def histogram(values: Array, others: Array | None = None) -> Bars | None:
    """Count values in bins, and `others` in the same bins, scaled to the same area; None where there is no value."""
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    other = np.empty(0) if others is None else others[np.isfinite(others)]
    both = np.concatenate([values, other])
    low, high = float(both.min()), float(both.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    counts = np.histogram(values, bins=BINS, range=(low, high))[0]
    more = np.histogram(other, bins=BINS, range=(low, high))[0] * (len(values) / max(len(other), 1))
    top = max(counts.max(), more.max())

    def bars(heights: Array) -> tuple[tuple[float, float, float, float], ...]:
        width = 100 / BINS
        share = 100 * heights / top
        return tuple(
            (round(k * width, 3), round(float(100 - height), 2), round(0.9 * width, 3), round(float(height), 2))
            for k, height in enumerate(share)
            if height
        )

    return Bars(low, high, int(np.ceil(top)), bars(counts), bars(more))


def profile(tally: Tally) -> list[float]:
    """Return the mean |contribution| along the sequence as parts of the largest, at most `PROFILE_POINTS` of them."""
    mean = tally.profile / np.maximum(tally.depth, 1)
    parts = np.array_split(mean, min(PROFILE_POINTS, max(len(mean), 1)))
    points = np.array([part.mean() if len(part) else 0.0 for part in parts])
    return [round(float(value), 4) for value in points / max(points.max(initial=0), 1e-30)]


def unit_of(explained: Explained) -> str:
    """Return the unit of predictions and contributions, as far as the parameters tell."""
    level = explained.parameters.get("level")
    return {"logit": "logit", "output": "output"}.get(str(level), "")


def flat(settings: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested settings as lines: `references.n`, `20`.

    Examples
    --------
    >>> list(flat({"references": {"kind": "dinucleotide", "n": 20}, "seed": None}))
    [('references.kind', 'dinucleotide'), ('references.n', '20'), ('seed', 'none')]
    """
    if isinstance(settings, Mapping) and settings:
        for key, value in settings.items():
            yield from flat(value, f"{prefix}.{key}" if prefix else str(key))
        return
    yield prefix, _text(settings)


def _text(value: Any) -> str:
    if value is None or (isinstance(value, Mapping | list | tuple) and not value):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        value = ", ".join(_text(one) for one in value)
    if isinstance(value, float):
        value = f"{value:.6g}"
    text = str(value)
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"
