"""Clusters of subsets: what evidence a model uses, and which of its decisions rest on which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError
from seqexplain.motifs._association import Association
from seqexplain.motifs._matrices import Motif

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class SubsetClusters:
    """`k` pieces of subsets in `c` clusters, the largest first, with a motif each.

    A subset is one piece, or several where it was cut; see `cluster_subsets`.

    Attributes
    ----------
    cluster
        `(k,)` int64, 0 … c − 1; −1 for a piece that is in none.
    source, sequence, number
        `(k,)` int64: which result a piece comes from, row of its sequence there, and the subset's number in the
        sequence.
    start
        `(k,)` int64: where the cluster's motif starts in the sequence, 0-based, whatever the strand; may reach over an
        edge. −1 without a cluster.
    strand
        `(k,)`: `"+"`, or `"-"` where the reverse complement lies there; `"."` without a cluster.
    motifs
        `c` motifs: counts of the aligned pieces; one that has a gap at a position counts ¼ for each base.
    coverage
        `c` arrays `(w,)`: how many pieces have a base at each position of the motif.
    medoids
        `(c,)` int64: the piece with the smallest mean distance to the others of its cluster (of a
        large one, to 200 of them).
    spread
        `(c,)` float64: mean distance of the members to the medoid, 0 to 1.
    groups
        Names of the `g` groups that are compared: of results, or labels. One group where neither was given.
    group
        `(k,)` int64: the group of each piece.
    counts
        `(c, g)` int64: subsets of each group that have a piece in each cluster.
    group_sizes
        `(g,)` int64: all subsets of each group, with a piece in a cluster or not.
    association
        Tests of the groups against the clusters; None with one group.
    parameters
        How it was computed.
    """

    cluster: NDArray[np.int64]
    source: NDArray[np.int64]
    sequence: NDArray[np.int64]
    number: NDArray[np.int64]
    start: NDArray[np.int64]
    strand: NDArray[np.str_]
    motifs: tuple[Motif, ...]
    coverage: tuple[NDArray[np.int64], ...]
    medoids: NDArray[np.int64]
    spread: NDArray[np.float64]
    groups: tuple[str, ...]
    group: NDArray[np.int64]
    counts: NDArray[np.int64]
    group_sizes: NDArray[np.int64]
    association: Association | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.motifs)

    def __repr__(self) -> str:
        return f"SubsetClusters({len(self.cluster)} pieces, {len(self)} clusters, {self.unclustered} in none)"

    @property
    def sizes(self) -> NDArray[np.int64]:
        """`(c,)` number of pieces in each cluster."""
        return np.bincount(self.cluster[self.cluster >= 0], minlength=len(self)).astype(np.int64)

    @property
    def unclustered(self) -> int:
        """How many pieces are in no cluster."""
        return int((self.cluster < 0).sum())

    @property
    def shares(self) -> NDArray[np.float64]:
        """`(c, g)` share of a group's subsets that have a piece in each cluster; NaN for a group without subsets."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.counts / self.group_sizes)

    def to_table(self) -> DataFrame:
        """Return a line for each cluster.

        Columns: cluster, consensus, width, size (pieces), sequences (how many), information (bits, of the whole
        motif), spread; and with groups `count GROUP` and `share GROUP` for each, p_value, q_value.
        """
        import pandas as pd

        shares, sizes = self.shares, self.sizes
        lines = []
        for c, motif in enumerate(self.motifs):
            mine = self.cluster == c
            line: dict[str, Any] = {
                "cluster": c,
                "consensus": motif.name,
                "width": motif.width,
                "size": int(sizes[c]),
                "sequences": len(np.unique(np.stack([self.source[mine], self.sequence[mine]]), axis=1).T),
                "information": float(motif.information.sum()),
                "spread": float(self.spread[c]),
            }
            if self.association is not None:
                for g, name in enumerate(self.groups):
                    line[f"count {name}"], line[f"share {name}"] = int(self.counts[c, g]), float(shares[c, g])
                line["p_value"] = float(self.association.p_values[c])
                line["q_value"] = float(self.association.q_values[c])
            lines.append(line)
        columns = ["cluster", "consensus", "width", "size", "sequences", "information", "spread"]
        return pd.DataFrame(lines) if lines else pd.DataFrame(columns=columns)

    def members_table(self) -> DataFrame:
        """Return a line for each piece: source, sequence, number, group, cluster; start, end, strand of the motif."""
        import pandas as pd

        widths = np.array([motif.width for motif in self.motifs] + [0])  # the last is of no cluster's
        return pd.DataFrame(
            {
                "source": self.source,
                "sequence": self.sequence,
                "number": self.number,
                "group": np.array(self.groups, dtype=object)[self.group],
                "cluster": self.cluster,
                "start": self.start,
                "end": np.where(self.cluster >= 0, self.start + widths[self.cluster], -1),
                "strand": self.strand,
            }
        )

    def plot(self, *, largest: int = 10, title: str | None = None, ax: Any = None) -> list[Axes]:
        """Draw the motifs of the largest clusters, one below the other, and the share of each group's subsets.

        Parameters
        ----------
        largest
            How many clusters to draw.
        title
            Text above.
        ax
            Matplotlib axes in whose place all panels are put; default: a figure of their own.

        Returns
        -------
        list of matplotlib.axes.Axes
            One a motif; `.figure` of any of them is the figure.

        Raises
        ------
        ParameterError
            When there is no cluster.
        """
        from seqexplain.plot import motif_panels

        if len(self) == 0:
            raise ParameterError(
                "There is no cluster to draw. Raise max_distance or lower min_size, or give more subsets."
            )
        shown = range(min(largest, len(self)))
        sizes = self.sizes
        return motif_panels(
            [self.motifs[c].probabilities for c in shown],
            labels=[f"{c}: {sizes[c]}" for c in shown],
            shares={name: self.shares[: len(shown), g] for g, name in enumerate(self.groups)},
            title=title,
            ax=ax,
        )
