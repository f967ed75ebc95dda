"""The average of motifs that are laid over each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError
from seqexplain.motifs._compare_motifs import MotifComparison, compare_motifs
from seqexplain.motifs._matrices import UNIFORM, Motif, check_background
from seqexplain.motifs._motif_blocks import ASSUMED_SITES

Array = NDArray[Any]

SWEEPS = 10  # over the motifs; places hardly change after the second
COVERAGE = 0.5  # share of the motifs that a position needs


@dataclass(frozen=True, eq=False)
class AverageMotif:
    """Motifs laid over each other, and their average.

    Attributes
    ----------
    motif
        The average.
    start
        `(n,)` int64: where each motif's first column, as it reads on its strand, lies in the average; may be negative.
    strand
        `(n,)` `"+"`, or `"-"` where the motif was turned.
    coverage
        `(w,)` int64: how many motifs reach each position.
    """

    motif: Motif
    start: NDArray[np.int64]
    strand: NDArray[np.str_]
    coverage: NDArray[np.int64]


def average_motifs(
    motifs: Sequence[Motif],
    *,
    weights: Literal["equal", "sites"] = "equal",
    coverage: float = COVERAGE,
    background: Sequence[float] = UNIFORM,
    id: str = "average",
) -> AverageMotif:
    """Lay motifs over each other where they correlate the most, and average them: for an average logo.

    Parameters
    ----------
    motifs
        The motifs, of any width and strand.
    weights
        `"equal"`: the mean of their probabilities. `"sites"`: the sum of their counts, so that a motif of many sites
        weighs more.
    coverage
        Share of the motifs that must reach the first and the last position; what lies further out is cut. Where a motif
        does not reach, it counts as background.
    background
        Probabilities of A, C, G and T.
    id
        Of the average.

    Returns
    -------
    AverageMotif
        It reads as the motif with the most information does; of equal ones the first.

    Raises
    ------
    ParameterError
        Without a motif, for unknown weights, or a coverage that is not above 0 and at most 1.

    Notes
    -----
    All motifs are laid on the most informative one (`compare_motifs`, correlation), then on the average of all, until
    none moves or ten times over.

    Examples
    --------
    >>> one = Motif("M1", "box", [[8, 0, 0, 0], [0, 8, 0, 0], [0, 0, 0, 8]])
    >>> two = Motif("M2", "box", [[9, 0, 0, 0], [0, 0, 9, 0], [0, 0, 0, 9]])
    >>> found = average_motifs([one, two])
    >>> found.motif.consensus, found.strand.tolist()
    ('ACT', ['+', '-'])
    """
    if not motifs:
        raise ParameterError("motifs is empty; expected one motif at least.")
    if weights not in ("equal", "sites"):
        raise ParameterError(f'weights is {weights!r}; expected "equal" or "sites".')
    if not 0 < coverage <= 1:
        raise ParameterError(f"coverage is {coverage}; expected a share above 0 and at most 1.")
    b = check_background(background)
    reference = max(motifs, key=lambda motif: float(motif.information_content(background).sum()))
    origin = 0  # of the reference in the frame of the first one, so that places can be compared between sweeps
    places: list[tuple[int, str]] = []
    for _ in range(SWEEPS):
        found = [compare_motifs(reference, motif, background=background) for motif in motifs]
        now = [(place.offset + origin, place.strand) for place in found]
        average = _average(motifs, found, weights, coverage, b, id)
        if now == places:
            break
        places, reference = now, average.motif
        origin += average.start_of_frame
    return AverageMotif(
        motif=average.motif,
        start=np.array([place.offset for place in found], dtype=np.int64) - average.start_of_frame,
        strand=np.array([place.strand for place in found]),
        coverage=average.coverage,
    )


@dataclass(frozen=True, eq=False)
class _Average:
    motif: Motif
    coverage: Array
    start_of_frame: int  # where its first position lies in what the motifs were laid on


def _average(
    motifs: Sequence[Motif], places: list[MotifComparison], weights: str, coverage: float, b: Array, id: str
) -> _Average:
    low = min(place.offset for place in places)
    high = max(place.offset + motif.width for place, motif in zip(places, motifs, strict=True))
    total, reached = np.zeros((high - low, 4)), np.zeros(high - low, dtype=np.int64)
    for place, motif in zip(places, motifs, strict=True):
        reads = motif if place.strand == "+" else motif.reverse_complement()
        inside = slice(place.offset - low, place.offset - low + motif.width)
        values = reads.probabilities if weights == "equal" else reads.counts
        outside = np.ones(high - low, dtype=np.bool_)
        outside[inside] = False
        total[inside] += values
        total[outside] += b * (1.0 if weights == "equal" else values.sum(axis=1).max())
        reached[inside] += 1
    kept = np.flatnonzero(reached >= coverage * len(motifs))
    if kept.size == 0:  # motifs that hardly overlap: what the most of them reach
        kept = np.flatnonzero(reached == reached.max())
    first, last = int(kept[0]), int(kept[-1]) + 1
    part = total[first:last]
    if weights == "equal":
        motif = Motif(id, id, part / len(motifs) * ASSUMED_SITES, kind="probabilities")
    else:
        motif = Motif(id, id, part)
    return _Average(motif, reached[first:last], low + first)
