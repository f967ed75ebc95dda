"""A motif as a matrix of counts, and what follows from it: probabilities, information and log-odds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqexplain.errors import ParameterError, ShapeError

UNIFORM = (0.25, 0.25, 0.25, 0.25)
PSEUDOCOUNT = 1.0  # one imagined site, spread as the background is: no word gets minus infinity


@dataclass(frozen=True, eq=False)
class Motif:
    """A position frequency matrix.

    Attributes
    ----------
    id
        Accession, `MA0139.1` for instance.
    name
        The factor.
    counts
        `(w, 4)` float64, order A C G T: how often each base was seen at each position. Read-only.

    Raises
    ------
    ShapeError
        Where `counts` is not `(w, 4)`, or has a negative or infinite entry or a position without any count.

    Examples
    --------
    >>> motif = Motif("M1", "box", [[8, 0, 0, 0], [0, 4, 4, 0]])
    >>> motif.width, motif.consensus
    (2, 'AC')
    >>> motif.information.tolist()
    [2.0, 1.0]
    """

    id: str
    name: str
    counts: NDArray[np.float64]

    def __post_init__(self) -> None:
        counts = np.array(self.counts, dtype=np.float64)  # a copy, so that nobody else can change it
        if counts.ndim != 2 or counts.shape[1] != 4 or len(counts) == 0:
            hint = " Use counts.T." if counts.ndim == 2 and counts.shape[0] == 4 else ""
            raise ShapeError(
                f"Motif {self.id!r} has counts of shape {counts.shape}; expected (width, 4), order A C G T.{hint}"
            )
        bad = np.argwhere(~np.isfinite(counts) | (counts < 0))
        if bad.size:
            position, base = (int(k) for k in bad[0])
            raise ShapeError(
                f"Motif {self.id!r} has {counts[position, base]} for {'ACGT'[base]} at position {position}; "
                f"expected counts or probabilities of at least 0. Turn log-odds back into them first."
            )
        empty = np.flatnonzero(counts.sum(axis=1) == 0)
        if empty.size:
            raise ShapeError(
                f"Motif {self.id!r} has no count at position {int(empty[0])}; expected one at least. Trim the position."
            )
        counts.setflags(write=False)
        object.__setattr__(self, "counts", counts)

    def __repr__(self) -> str:
        return f"Motif(id={self.id!r}, name={self.name!r}, width={self.width}, consensus={self.consensus!r})"

    @property
    def width(self) -> int:
        """Number of positions."""
        return len(self.counts)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """`(w, 4)`, each row sums to 1."""
        return np.asarray(self.counts / self.counts.sum(axis=1, keepdims=True))

    @property
    def information(self) -> NDArray[np.float64]:
        """`(w,)` information content in bits against a uniform background: 2 + Σ p·log2 p."""
        p = self.probabilities
        return np.asarray(2.0 + (p * np.log2(np.where(p > 0, p, 1.0))).sum(axis=1))

    @property
    def consensus(self) -> str:
        """The most frequent base at each position."""
        return "".join("ACGT"[base] for base in self.counts.argmax(axis=1))

    def reverse_complement(self) -> Motif:
        """Return the motif as it reads on the other strand."""
        return Motif(self.id, self.name, self.counts[::-1, ::-1])

    def log_odds(
        self, background: Sequence[float] = UNIFORM, *, pseudocount: float = PSEUDOCOUNT
    ) -> NDArray[np.float64]:
        """Compute the log-odds of each base against a background.

        Parameters
        ----------
        background
            Probabilities of A, C, G and T.
        pseudocount
            Imagined sites, spread over the bases as the background is; above 0.

        Returns
        -------
        ndarray of float64, shape (w, 4)
            In bits: log2((c + s·b) / (Σc + s) / b), with counts c, background b and pseudocount s.

        Raises
        ------
        ParameterError
            Where the background is not four probabilities above 0, or the pseudocount is not above 0.
        """
        b = check_background(background)
        if not pseudocount > 0 or not np.isfinite(pseudocount):
            raise ParameterError(
                f"pseudocount is {pseudocount}; expected a number above 0, as a base that was never seen "
                f"would otherwise score minus infinity."
            )
        total = self.counts.sum(axis=1, keepdims=True)
        return np.asarray(np.log2((self.counts + pseudocount * b) / (total + pseudocount) / b))


def check_background(background: ArrayLike) -> NDArray[np.float64]:
    """Return background probabilities `(4,)`, or raise `ParameterError`."""
    b = np.asarray(background, dtype=np.float64)
    if b.shape != (4,) or not np.all(b > 0) or not np.isclose(b.sum(), 1.0, atol=1e-6):
        raise ParameterError(
            f"background is {b.tolist()}; expected four probabilities above 0 that sum to 1, order A C G T."
        )
    return np.asarray(b / b.sum())
