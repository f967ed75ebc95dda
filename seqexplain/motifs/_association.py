"""Whether groups differ in how often they use each of several kinds of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Association:
    """Tests of groups against clusters.

    Attributes
    ----------
    p_values
        `(c,)` float64, whether groups differ in their share of the cluster: Fisher's exact test of two groups
        (two-sided), Pearson's χ² of more.
    q_values
        `(c,)` float64: the same, corrected for `c` tests (Benjamini & Hochberg).
    """

    p_values: NDArray[np.float64]
    q_values: NDArray[np.float64]


def association(counts: Array, totals: Array) -> Association | None:
    """Test the association of clusters and groups; None where there are fewer than two groups, or no cluster.

    Parameters
    ----------
    counts
        `(c, g)` members of each group in each cluster; a member may be in several.
    totals
        `(g,)` all that are of the group, in a cluster or not.
    """
    if len(totals) < 2 or len(counts) == 0:
        return None
    from scipy import stats

    p_values = np.ones(len(counts))
    for k, inside in enumerate(counts):
        table = np.stack([inside, totals - inside])[:, totals > 0]
        if table.shape[1] < 2 or (table.sum(axis=1) == 0).any():
            continue  # everything is in the cluster, or one group is all there is: there is nothing to tell apart
        if table.shape[1] == 2:
            p_values[k] = stats.fisher_exact(table)[1]
        else:
            p_values[k] = stats.chi2_contingency(table, correction=False)[1]
    return Association(p_values, np.asarray(stats.false_discovery_control(p_values)))
