"""Contributions around the occurrences of a motif: their mean and spread, and each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from numpy.typing import NDArray

from seqexplain.errors import ParameterError
from seqexplain.plot._arrays import Floats, check_whole
from seqexplain.plot._average_profile import PANELS, average_profile
from seqexplain.plot._effect_curves import PALETTE
from seqexplain.plot._effect_map import CMAP
from seqexplain.plot._occurrences import short_name
from seqexplain.plot._one_sequence import one_target, unit_of
from seqexplain.results import Attributions

READ_AT_ONCE = 4096  # sequences
_KINDS = (
    "MotifHits of one motif, such as hits.of('pos_0'); a Pattern; or a tuple of arrays (sequence, start, end) or "
    "(sequence, start, end, strand)"
)


def motif_profile(
    source: Any,
    places: Any,
    *,
    flank: int = 30,
    target: int | str | None = None,
    show: Sequence[str] = PANELS,
    spread: str = "quartiles",
    ax: Axes | Sequence[Axes] | None = None,
    cmap: str | Colormap = CMAP,
    color: Any = PALETTE[0],
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
) -> list[Axes]:
    """Draw the contributions around all occurrences of a motif, each read in the motif's direction.

    Windows on the − strand are turned round, so that the motif reads left to right in all. How many occurrences there
    are, and in how many sequences, stands above.

    Parameters
    ----------
    source
        `Attributions`, or what `open_contributions` returns for a store on disk: then windows are read some sequences
        at a time.
    places
        Where the motif is, all as wide: `MotifHits` of one motif, `hits.of("pos_0")`; a `Pattern` (its core); or arrays
        `(sequence, start, end)` or `(sequence, start, end, strand)`: rows of `source`, 0-based half-open positions, and
        `"+"` or `"-"`.
    flank
        Positions to draw on either side of the motif, bp.
    target
        Which of several targets, by position or label.
    show, spread, ax, cmap, color, figsize
        As for `average_profile`.
    title
        Text above; default: the motif, and numbers of occurrences and sequences.

    Returns
    -------
    list of matplotlib.axes.Axes
        One a panel; position 0 is the motif's first base.

    Raises
    ------
    ParameterError
        When `places` cannot be read, hold no occurrence, or do not fit `source`; or another argument makes no sense.
    TargetError
        When there are several targets and none is chosen, or no such target.

    Examples
    --------
    >>> import numpy as np
    >>> from seqexplain.results import Attributions
    >>> X = np.eye(4, dtype=np.float32)[[[0, 2, 3, 0, 1, 1, 2, 0]]]
    >>> result = Attributions(contributions=X, X=X, predictions=np.zeros(1))
    >>> top, bottom = motif_profile(result, ([0, 0], [1, 4], [3, 6], ["+", "-"]), flank=1)
    >>> top.get_title(loc="left")
    '2 occurrences in 1 sequence'
    """
    size = check_whole(flank, "flank")
    if size < 0:
        raise ParameterError(f"flank is {flank}; expected 0 or more positions on either side of the motif.")
    found = _read_places(places)
    windows = _cut(_Contributions(source, target), found, size)
    return average_profile(
        windows,
        start=-size,
        span=(0, found.width),
        show=show,
        spread=spread,
        ax=ax,
        cmap=cmap,
        color=color,
        xlabel="position from the motif's first base (bp)",
        ylabel=f"contribution{unit_of(source)}",
        title=found.title() if title is None else title,
        figsize=figsize,
    )


@dataclass(frozen=True, eq=False)
class _Places:
    """Occurrences of one motif: rows, starts and strands `(k,)`, and the motif's width and name."""

    sequence: NDArray[np.int64]
    start: NDArray[np.int64]
    strand: NDArray[np.str_]
    width: int
    name: str
    what: str

    def title(self) -> str:
        k, n = len(self.sequence), len(np.unique(self.sequence))
        counts = f"{k:,} {self.what}{'s' if k > 1 else ''} in {n:,} sequence{'s' if n > 1 else ''}"
        return f"{self.name}: {counts}" if self.name else counts


def _read_places(places: Any) -> _Places:
    name, what = "", "occurrence"
    if hasattr(places, "trimmed"):
        core = places.trimmed()
        arrays = core.sequence, core.start, core.start + core.width, core.strand
        name = places.id
    elif hasattr(places, "motif") and hasattr(places, "patterns"):
        motifs = np.unique(places.motif)
        if len(motifs) > 1:
            raise ParameterError(
                f"places holds hits of {len(motifs)} motifs; expected those of one. Pick it: "
                f"hits.of({places.patterns[int(motifs[0])]!r})."
            )
        arrays = places.sequence, places.start, places.end, places.strand
        if len(motifs):
            k = int(motifs[0])
            label = short_name(places.labels[k]) if len(places.labels) > k else ""
            name = label or places.patterns[k]
        what = "hit"
    elif isinstance(places, tuple) and len(places) in (3, 4):
        rest = () if len(places) == 4 else (np.full(len(places[0]), "+"),)
        arrays = (*(np.asarray(part) for part in places), *rest)
    else:
        raise ParameterError(f"places is a {type(places).__name__}; expected {_KINDS}.")
    return _checked(arrays, name, what)


def _checked(arrays: Any, name: str, what: str) -> _Places:
    sequence, start, end = (np.asarray(part) for part in arrays[:3])
    strand = np.asarray(arrays[3], dtype=np.str_)
    if not len(sequence):
        raise ParameterError("places holds no occurrence; there is nothing to average.")
    if len({len(part) for part in (sequence, start, end, strand)}) > 1 or any(
        part.dtype.kind not in "iu" for part in (sequence, start, end)
    ):
        raise ParameterError("places has arrays that do not go together; expected whole numbers, one entry each.")
    widths = np.unique(end - start)
    if len(widths) > 1 or widths[0] < 1:
        raise ParameterError(
            f"places are from {widths[0]} to {widths[-1]} bp wide; expected occurrences of one motif, all as wide."
        )
    unknown = sorted(set(np.unique(strand).tolist()) - {"+", "-", "."})
    if unknown:
        raise ParameterError(f"places has the strand {unknown[0]!r}; expected '+' or '-'.")
    return _Places(sequence.astype(np.int64), start.astype(np.int64), strand, int(widths[0]), name, what)


class _Contributions:
    """What observed bases contribute, by row, whatever holds it."""

    def __init__(self, source: Any, target: int | str | None) -> None:
        self._result: Attributions | None = None
        if isinstance(source, Attributions):
            self._result = one_target(source, target)
            self.n = len(source)
        elif hasattr(source, "read") and hasattr(source, "has_hypothetical"):
            self.n = source.n
        else:
            raise ParameterError(
                f"source is a {type(source).__name__}; expected Attributions, or what open_contributions returns."
            )
        self._source = source

    def read(self, rows: NDArray[np.int64]) -> Floats:
        """Return `(m, L)` contributions of the observed bases, NaN behind a sequence's end."""
        if self._result is None:
            observed = np.asarray(self._source.read(rows).observed, dtype=np.float64)
            every: Any = self._source.lengths
        else:
            observed = self._result.contributions[rows].sum(axis=-1, dtype=np.float64)
            every = self._result.lengths
        if every is not None:
            lengths = np.asarray(every)[rows]
            observed = np.where(np.arange(observed.shape[1]) < lengths[:, None], observed, np.nan)
        return np.asarray(observed)


def _cut(contributions: _Contributions, places: _Places, flank: int) -> Floats:
    """Return `(k, w)` windows around the occurrences, in the motif's direction; NaN beyond the sequence."""
    if places.sequence.min() < 0 or places.sequence.max() >= contributions.n:
        raise ParameterError(
            f"places has an occurrence in row {int(places.sequence.max())}; source has rows 0 to "
            f"{contributions.n - 1}. Give the contributions that the motif was found in."
        )
    width = places.width + 2 * flank
    windows = np.full((len(places.sequence), width), np.nan)
    at = places.start[:, None] - flank + np.arange(width)
    turned = places.strand == "-"
    at[turned] = at[turned, ::-1]
    rows = np.unique(places.sequence)
    for first in range(0, len(rows), READ_AT_ONCE):
        some = rows[first : first + READ_AT_ONCE]
        read = contributions.read(some)
        mine = np.flatnonzero((places.sequence >= some[0]) & (places.sequence <= some[-1]))
        inside = (at[mine] >= 0) & (at[mine] < read.shape[1])
        row = np.searchsorted(some, places.sequence[mine])[:, None]
        windows[mine] = np.where(inside, read[row, np.where(inside, at[mine], 0)], np.nan)
    return windows
