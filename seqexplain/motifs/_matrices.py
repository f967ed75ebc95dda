"""A motif as a matrix of counts, and what follows from it: probabilities, information and log-odds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqexplain.errors import ParameterError, ShapeError

UNIFORM = (0.25, 0.25, 0.25, 0.25)
PSEUDOCOUNT = 1.0  # one imagined site, spread as the background is: no word gets minus infinity
EDGE_INFORMATION = 0.3  # bits: an edge position with less is taken for flank

# the bases a letter stands for, in the order A C G T
IUPAC = {
    "A": "A", "C": "C", "G": "G", "T": "T", "AC": "M", "AG": "R", "AT": "W", "CG": "S", "CT": "Y", "GT": "K",
    "ACG": "V", "ACT": "H", "AGT": "D", "CGT": "B", "ACGT": "N",
}  # fmt: skip

Kind = Literal["counts", "probabilities"]


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
    kind
        `"counts"`, or `"probabilities"` where nobody said how many sites they come from: `counts` are then the
        probabilities times an assumed number of sites, 20, which only pseudocounts depend on.
    annotations
        What else is known: `family`, `class`, `species`, `url`, … Empty for motifs that were found.

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
    kind: Kind = "counts"
    annotations: Mapping[str, str] = field(default_factory=dict)

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
        object.__setattr__(self, "annotations", dict(self.annotations))

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

    @property
    def family(self) -> str:
        """The structural family of the factor; empty where it is not known."""
        return self.annotations.get("family", "")

    @property
    def iupac(self) -> str:
        """The consensus with letters for several bases.

        One base where it is over half of the position and over twice the second; else two where they are over three
        quarters; else three where the fourth was never seen; else N. Of equal bases the first in A C G T comes first.

        References
        ----------
        Cavener DR (1987). Nucleic Acids Res. 15:1353.
        """
        letters = []
        for row in self.counts:
            order = np.argsort(-row, kind="stable")
            first, second, third, fourth = row[order]
            if first > second + third + fourth and first > 2 * second:
                size = 1
            elif 4 * (first + second) > 3 * row.sum():
                size = 2
            else:
                size = 3 if fourth == 0 else 4
            letters.append(IUPAC["".join("ACGT"[base] for base in sorted(order[:size]))])
        return "".join(letters)

    def information_content(self, background: Sequence[float] = UNIFORM) -> NDArray[np.float64]:
        """Compute the information of each position against a background.

        Parameters
        ----------
        background
            Probabilities of A, C, G and T.

        Returns
        -------
        ndarray of float64, shape (w,)
            Bits, Σ p·log2(p / b) with 0·log 0 = 0: the relative entropy, at least 0 and 0 only where p = b. No
            pseudocount and no correction for small samples. `information` is this against a uniform background.

        Raises
        ------
        ParameterError
            Where the background is not four probabilities above 0.

        Examples
        --------
        >>> Motif("M1", "box", [[1, 0, 0, 0], [2, 1, 1, 4]]).information_content((0.25, 0.125, 0.125, 0.5)).tolist()
        [2.0, 0.0]
        """
        b = check_background(background)
        p = self.probabilities
        return np.asarray((p * np.log2(np.where(p > 0, p, b) / b)).sum(axis=1))

    def trim(self, information: float = EDGE_INFORMATION, *, background: Sequence[float] = UNIFORM) -> Motif:
        """Cut the positions before the first and after the last that has so much information.

        Parameters
        ----------
        information
            Bits, against `background`.
        background
            Probabilities of A, C, G and T.

        Returns
        -------
        Motif
            With the same id, name and annotations.

        Raises
        ------
        ParameterError
            Where no position has so much.

        Examples
        --------
        >>> Motif("M1", "box", [[1, 1, 1, 1], [9, 0, 0, 0], [1, 1, 1, 1], [0, 9, 0, 0], [2, 1, 1, 1]]).trim().consensus
        'AAC'
        """
        values = self.information_content(background)
        kept = np.flatnonzero(values >= information)
        if kept.size == 0:
            raise ParameterError(
                f"No position of motif {self.id!r} has {information:g} bits of information; the most is "
                f"{values.max():.3g}. Lower information, or leave the motif out."
            )
        return replace(self, counts=self.counts[kept[0] : kept[-1] + 1])

    def reverse_complement(self) -> Motif:
        """Return the motif as it reads on the other strand."""
        return replace(self, counts=self.counts[::-1, ::-1])

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
