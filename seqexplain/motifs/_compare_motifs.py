"""How alike two motifs are, at the offset and on the strand where they are most so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError
from seqexplain.motifs._matrices import PSEUDOCOUNT, UNIFORM, Motif, check_background

Array = NDArray[Any]
Metric = Literal["correlation", "euclidean", "kl"]

METRICS = ("correlation", "euclidean", "kl")

# sums over positions that differ by rounding only are equal: palindromes read alike on both strands
_EQUAL = 1e-9


@dataclass(frozen=True)
class MotifComparison:
    """Two motifs laid over each other.

    Attributes
    ----------
    metric
        `"correlation"`, `"euclidean"` or `"kl"`.
    value
        Correlation, at most 1, or distance, at least 0.
    overlap
        Columns that lie over each other.
    offset
        Where the other motif's first column, as it reads on `strand`, lies in the first motif; negative where it
        begins before it.
    strand
        `"+"`, or `"-"` where the other motif's reverse complement lies there.
    """

    metric: str
    value: float
    overlap: int
    offset: int
    strand: str


def compare_motifs(
    motif: Motif,
    other: Motif,
    *,
    metric: Metric = "correlation",
    background: Sequence[float] = UNIFORM,
    both_strands: bool = True,
) -> MotifComparison:
    """Compare two motifs at every offset, on both strands, and return the best.

    For how unlikely a likeness is, see `match_motifs`; this is for how great it is.

    Parameters
    ----------
    motif, other
        The motifs, of any width.
    metric
        See the notes.
    background
        Probabilities of A, C, G and T, b below; on the other strand those of T, G, C and A.
    both_strands
        Whether `other` may be turned.

    Returns
    -------
    MotifComparison
        At least one column overlaps. Of equal values the greater overlap counts, then the + strand, then the offset
        furthest to the left.

    Raises
    ------
    ParameterError
        For an unknown metric, or a background that cannot be.

    Notes
    -----
    Beyond its ends a motif is taken to go on as background, so that what overhangs counts, too. With columns pᵢ and qᵢ
    over all positions that either motif covers, the greater of the two widths w, and sums over positions:

    - correlation: Σ (pᵢ − b)·(qᵢ − b) / √(Σ ‖pᵢ − b‖² · Σ ‖qᵢ − b‖²). With a uniform background this is Pearson's
      correlation of the two matrices; informative positions weigh the most. 0 where a motif is all background.
    - euclidean: Σ ‖pᵢ − qᵢ‖ / w.
    - kl: Σ ½ (KL(pᵢ‖qᵢ) + KL(qᵢ‖pᵢ)) / w in bits, with one imagined site, spread as the background is, added to each
      motif's counts, as a base that was never seen would make it infinite.

    Examples
    --------
    >>> box = Motif("M1", "box", [[9, 0, 0, 0], [0, 9, 0, 0], [0, 0, 0, 9]])
    >>> turned = Motif("M2", "xob", [[1, 1, 1, 1], [9, 0, 0, 0], [0, 0, 9, 0], [0, 0, 0, 9]])
    >>> compare_motifs(box, turned)
    MotifComparison(metric='correlation', value=1.0, overlap=3, offset=0, strand='-')
    """
    if metric not in METRICS:
        raise ParameterError(f"metric is {metric!r}; expected one of {', '.join(map(repr, METRICS))}.")
    b = check_background(background)
    best: tuple[float, int, bool, int] | None = None
    for strand in ("+", "-") if both_strands else ("+",):
        reads = other if strand == "+" else other.reverse_complement()
        cost, start, overlap = _costs(motif, reads, metric, b)
        lowest = cost.min()
        for k in np.flatnonzero(cost <= lowest + _EQUAL):
            found = (float(cost[k]), -int(overlap[k]), strand == "-", int(start[k]))
            if best is None or found[0] < best[0] - _EQUAL or (found[0] <= best[0] + _EQUAL and found[1:] < best[1:]):
                best = found
    if best is None:  # never: motifs have a column at least
        raise ParameterError("Nothing to compare.")
    value, overlap_of, minus, offset = best
    return MotifComparison(
        metric=metric,
        value=min(-value, 1.0) if metric == "correlation" else max(value, 0.0),
        overlap=-overlap_of,
        offset=offset,
        strand="-" if minus else "+",
    )


def _costs(motif: Motif, other: Motif, metric: str, b: Array) -> tuple[Array, Array, Array]:
    """Return what each offset costs, the offsets, and how many columns overlap."""
    between, alone, alone_other, scale = _terms(motif, other, metric, b)
    rows, columns = between.shape
    # what laying two columns over each other changes, against each of them lying on background
    gain = between - alone[:, None] - alone_other[None, :]
    starts = np.arange(1 - columns, rows)
    total = np.array([np.trace(gain, offset=-int(start)) for start in starts]) + alone.sum() + alone_other.sum()
    overlap = np.minimum(starts + columns, rows) - np.maximum(starts, 0)
    return total / scale, starts, overlap


def _terms(motif: Motif, other: Motif, metric: str, b: Array) -> tuple[Array, Array, Array, float]:
    """Return the cost of each pair of columns, of each column on background (twice), and what divides the sum."""
    p, q = motif.probabilities, other.probabilities
    widest = float(max(len(p), len(q)))
    if metric == "correlation":
        x, y = p - b, q - b
        norm = float(np.sqrt((x**2).sum() * (y**2).sum()))
        return -(x @ y.T), np.zeros(len(p)), np.zeros(len(q)), norm or 1.0
    if metric == "euclidean":
        apart = np.sqrt(((p[:, None] - q[None]) ** 2).sum(-1))
        return apart, np.linalg.norm(p - b, axis=1), np.linalg.norm(q - b, axis=1), widest
    p, q = (_smoothed(one, b) for one in (motif, other))
    log_p, log_q, log_b = np.log2(p), np.log2(q), np.log2(b)
    # ½ Σ (p − q)(log p − log q), both directions at once
    both = 0.5 * ((p[:, None] - q[None]) * (log_p[:, None] - log_q[None])).sum(-1)
    return both, 0.5 * ((p - b) * (log_p - log_b)).sum(-1), 0.5 * ((q - b) * (log_q - log_b)).sum(-1), widest


def _smoothed(motif: Motif, b: Array) -> Array:
    counts = motif.counts + PSEUDOCOUNT * b
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))
