"""Arrays in, motifs out: known matrices, their hits, and how explanations agree with them.

Names are loaded at first use, so importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqexplain._lazy import lazy

if TYPE_CHECKING:
    from seqexplain.motifs._agreement import WindowAgreement as WindowAgreement
    from seqexplain.motifs._agreement import strongest_window as strongest_window
    from seqexplain.motifs._agreement import window_agreement as window_agreement
    from seqexplain.motifs._association import Association as Association
    from seqexplain.motifs._cluster_subsets import cluster_subsets as cluster_subsets
    from seqexplain.motifs._matrices import Motif as Motif
    from seqexplain.motifs._read_motifs import read_motifs as read_motifs
    from seqexplain.motifs._scan import Hits as Hits
    from seqexplain.motifs._scan import best_hits as best_hits
    from seqexplain.motifs._scan import scan as scan
    from seqexplain.motifs._scores import ScoreTable as ScoreTable
    from seqexplain.motifs._scores import score_table as score_table
    from seqexplain.motifs._subset_clusters import SubsetClusters as SubsetClusters
    from seqexplain.motifs._write_motifs import write_motifs as write_motifs

_HOMES = {
    "Association": "_association",
    "Hits": "_scan",
    "Motif": "_matrices",
    "ScoreTable": "_scores",
    "SubsetClusters": "_subset_clusters",
    "WindowAgreement": "_agreement",
    "best_hits": "_scan",
    "cluster_subsets": "_cluster_subsets",
    "read_motifs": "_read_motifs",
    "scan": "_scan",
    "score_table": "_scores",
    "strongest_window": "_agreement",
    "window_agreement": "_agreement",
    "write_motifs": "_write_motifs",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy(__name__, globals(), _HOMES)
