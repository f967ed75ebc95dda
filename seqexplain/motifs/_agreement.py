"""Whether the bases that an explanation points at lie where a known motif matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.motifs._matrices import PSEUDOCOUNT, UNIFORM, Motif
from seqexplain.motifs._scan import P_VALUE, best_hits

WINDOW = 12  # bp; most motifs' informative core fits


@dataclass(frozen=True, eq=False)
class WindowAgreement:
    """How often the strongest window of a sequence's contributions lies on the best hit of a motif.

    Attributes
    ----------
    agrees
        `(n,)` bool: the sequence has a hit, and its strongest window lies on the best one.
    has_hit
        `(n,)` bool: the best word of the sequence is a hit.
    window_starts
        `(n,)` int64, 0-based start of each strongest window.
    share
        Agreeing sequences out of all `n`; those without a hit count against it.
    share_of_hits
        Agreeing sequences out of those with a hit; NaN where there are none.
    chance
        The share that is expected of windows which lie anywhere, each place as likely.
    chance_exchanged
        The share that is expected when the sequences exchange their windows at random: what is owed to where
        windows and hits lie in sequences (the middle of peaks, say), and not to each sequence's own bases.
    """

    agrees: NDArray[np.bool_]
    has_hit: NDArray[np.bool_]
    window_starts: NDArray[np.int64]
    share: float
    share_of_hits: float
    chance: float
    chance_exchanged: float

    def __len__(self) -> int:
        return len(self.agrees)

    def __repr__(self) -> str:
        return (
            f"WindowAgreement(n={len(self)}, with_hit={int(self.has_hit.sum())}, share={self.share:.3f}, "
            f"share_of_hits={self.share_of_hits:.3f}, chance={self.chance:.3f}, "
            f"chance_exchanged={self.chance_exchanged:.3f})"
        )


def strongest_window(contributions: ArrayLike, *, width: int = WINDOW) -> NDArray[np.int64]:
    """Find the window with the largest sum of observed contributions in each sequence.

    Parameters
    ----------
    contributions
        `(n, L, 4)`, of the observed bases (`Attributions.contributions`, not `hypothetical`). Signs count:
        the window that speaks most *for* the target is found, not the one with the largest absolute values.
    width
        Width of the window, bp.

    Returns
    -------
    ndarray of int64, shape (n,)
        0-based start; the leftmost of equal ones.

    Raises
    ------
    ShapeError
        Where the array is not `(n, L, 4)` or holds a NaN.
    ParameterError
        Where the width is not from 1 to L.

    Examples
    --------
    >>> c = np.zeros((1, 6, 4))
    >>> c[0, 3:5, 0] = 1.0
    >>> strongest_window(c, width=2).tolist()
    [3]
    """
    scores = np.asarray(contributions)
    if scores.ndim != 3 or scores.shape[2] != 4:
        raise ShapeError(f"contributions have shape {scores.shape}; expected (n, length, 4), for one target.")
    if not np.isfinite(scores).all():
        raise ShapeError("contributions hold NaN or infinite values; expected numbers only.")
    length = scores.shape[1]
    if isinstance(width, bool) or not isinstance(width, int | np.integer) or not 1 <= width <= length:
        raise ParameterError(f"width is {width}; expected a whole number of bp from 1 to the length, {length}.")
    per_base = scores.sum(axis=2, dtype=np.float64)
    sums = np.lib.stride_tricks.sliding_window_view(per_base, int(width), axis=1).sum(axis=2)
    return np.asarray(sums.argmax(axis=1), dtype=np.int64)


def window_agreement(
    contributions: ArrayLike,
    X: ArrayLike,
    motif: Motif,
    *,
    width: int = WINDOW,
    p_value: float = P_VALUE,
    background: Sequence[float] = UNIFORM,
    pseudocount: float = PSEUDOCOUNT,
) -> WindowAgreement:
    """Measure how often the strongest window of the contributions lies on a motif's best hit.

    A window agrees when it shares at least half of its bases with the best hit of its sequence, on either
    strand, and that hit has at most the p-value given. (For a motif narrower than the window: half of the
    motif's bases.)

    Parameters
    ----------
    contributions
        `(n, L, 4)`, see `strongest_window`.
    X
        `(n, L, 4)` one-hot, the sequences that were explained.
    motif
        The matrix.
    width
        Width of the window, bp.
    p_value
        Highest p-value, of one word, of a hit.
    background, pseudocount
        See `scan`.

    Returns
    -------
    WindowAgreement
        With two chance levels, both computed exactly, which need no random numbers.

    Raises
    ------
    ShapeError
        Where shapes differ, or there is no sequence.
    ParameterError
        For a width, p-value, background or pseudocount that cannot be.
    """
    if np.shape(contributions) != np.shape(X):
        raise ShapeError(
            f"contributions have shape {np.shape(contributions)} and X {np.shape(X)}; expected both (n, length, 4)."
        )
    starts = strongest_window(contributions, width=width)
    if len(starts) == 0:
        raise ShapeError("There is no sequence; expected one at least.")
    if not 0 < p_value <= 1:
        raise ParameterError(f"p_value is {p_value}; expected a probability above 0 and at most 1, such as 1e-4.")
    hits = best_hits(X, motif, background=background, pseudocount=pseudocount)
    has_hit = (hits.p_value <= p_value) & (hits.start >= 0)
    n_places = np.shape(X)[1] - width + 1
    needed = -(-min(width, motif.width) // 2)
    # a window agrees when it starts at first, last or between
    first = np.clip(hits.start + needed - width, 0, n_places)
    last = np.clip(hits.end - needed, -1, n_places - 1)
    agrees = has_hit & (first <= starts) & (starts <= last)
    places = np.where(has_hit, np.maximum(last - first + 1, 0), 0)
    # below[k]: windows, of any sequence, that start before k
    below = np.concatenate([[0], np.cumsum(np.bincount(starts, minlength=n_places))])
    exchanged = np.where(has_hit & (places > 0), below[last + 1] - below[first], 0) / len(starts)
    return WindowAgreement(
        agrees=agrees,
        has_hit=has_hit,
        window_starts=starts,
        share=float(agrees.mean()),
        share_of_hits=float(agrees[has_hit].mean()) if has_hit.any() else float("nan"),
        chance=float((places / n_places).mean()),
        chance_exchanged=float(exchanged.mean()),
    )
