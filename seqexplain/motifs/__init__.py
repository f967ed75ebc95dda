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
    from seqexplain.motifs._average_motifs import AverageMotif as AverageMotif
    from seqexplain.motifs._average_motifs import average_motifs as average_motifs
    from seqexplain.motifs._call_seqlets import call_seqlets as call_seqlets
    from seqexplain.motifs._cluster_subsets import cluster_subsets as cluster_subsets
    from seqexplain.motifs._compare_motifs import MotifComparison as MotifComparison
    from seqexplain.motifs._compare_motifs import compare_motifs as compare_motifs
    from seqexplain.motifs._contribution_source import ContributionBlock as ContributionBlock
    from seqexplain.motifs._contribution_source import ContributionSource as ContributionSource
    from seqexplain.motifs._contribution_source import open_contributions as open_contributions
    from seqexplain.motifs._extract_patterns import extract_patterns as extract_patterns
    from seqexplain.motifs._filter_motifs import FilterMotif as FilterMotif
    from seqexplain.motifs._filter_motifs import FilterMotifs as FilterMotifs
    from seqexplain.motifs._filter_patterns import filter_patterns as filter_patterns
    from seqexplain.motifs._find_hits import find_hits as find_hits
    from seqexplain.motifs._find_motifs import find_motifs as find_motifs
    from seqexplain.motifs._genome_spans import GenomeSpans as GenomeSpans
    from seqexplain.motifs._genome_spans import genome_spans as genome_spans
    from seqexplain.motifs._load_database import load_database as load_database
    from seqexplain.motifs._match_motifs import match_motifs as match_motifs
    from seqexplain.motifs._matrices import Motif as Motif
    from seqexplain.motifs._modisco_patterns import modisco_patterns as modisco_patterns
    from seqexplain.motifs._motif_folder import load_motifs as load_motifs
    from seqexplain.motifs._motif_folder import refuse_motif_folder as refuse_motif_folder
    from seqexplain.motifs._motif_folder import save_motifs as save_motifs
    from seqexplain.motifs._motif_hits import MotifHits as MotifHits
    from seqexplain.motifs._motif_matches import MotifMatch as MotifMatch
    from seqexplain.motifs._motif_matches import MotifMatches as MotifMatches
    from seqexplain.motifs._name_patterns import name_patterns as name_patterns
    from seqexplain.motifs._orient_patterns import orient_patterns as orient_patterns
    from seqexplain.motifs._pattern import Pattern as Pattern
    from seqexplain.motifs._pattern import stack_pattern as stack_pattern
    from seqexplain.motifs._pattern_files import read_patterns as read_patterns
    from seqexplain.motifs._pattern_files import write_patterns as write_patterns
    from seqexplain.motifs._pattern_set import PatternSet as PatternSet
    from seqexplain.motifs._read_motifs import read_motifs as read_motifs
    from seqexplain.motifs._receptive_field import ReceptiveField as ReceptiveField
    from seqexplain.motifs._scan import Hits as Hits
    from seqexplain.motifs._scan import best_hits as best_hits
    from seqexplain.motifs._scan import scan as scan
    from seqexplain.motifs._scores import ScoreTable as ScoreTable
    from seqexplain.motifs._scores import score_table as score_table
    from seqexplain.motifs._seqlets import Seqlets as Seqlets
    from seqexplain.motifs._sis_patterns import sis_patterns as sis_patterns
    from seqexplain.motifs._subset_clusters import SubsetClusters as SubsetClusters
    from seqexplain.motifs._write_hits import write_hits as write_hits
    from seqexplain.motifs._write_motifs import write_motifs as write_motifs
    from seqexplain.motifs._write_seqlets_bed import write_seqlets_bed as write_seqlets_bed

_HOMES = {
    "Association": "_association",
    "AverageMotif": "_average_motifs",
    "ContributionBlock": "_contribution_source",
    "ContributionSource": "_contribution_source",
    "FilterMotif": "_filter_motifs",
    "FilterMotifs": "_filter_motifs",
    "GenomeSpans": "_genome_spans",
    "Hits": "_scan",
    "Motif": "_matrices",
    "MotifComparison": "_compare_motifs",
    "MotifHits": "_motif_hits",
    "MotifMatch": "_motif_matches",
    "MotifMatches": "_motif_matches",
    "Pattern": "_pattern",
    "PatternSet": "_pattern_set",
    "ReceptiveField": "_receptive_field",
    "ScoreTable": "_scores",
    "Seqlets": "_seqlets",
    "SubsetClusters": "_subset_clusters",
    "WindowAgreement": "_agreement",
    "average_motifs": "_average_motifs",
    "best_hits": "_scan",
    "call_seqlets": "_call_seqlets",
    "cluster_subsets": "_cluster_subsets",
    "compare_motifs": "_compare_motifs",
    "extract_patterns": "_extract_patterns",
    "filter_patterns": "_filter_patterns",
    "find_hits": "_find_hits",
    "find_motifs": "_find_motifs",
    "genome_spans": "_genome_spans",
    "load_database": "_load_database",
    "load_motifs": "_motif_folder",
    "match_motifs": "_match_motifs",
    "modisco_patterns": "_modisco_patterns",
    "name_patterns": "_name_patterns",
    "open_contributions": "_contribution_source",
    "orient_patterns": "_orient_patterns",
    "read_motifs": "_read_motifs",
    "read_patterns": "_pattern_files",
    "refuse_motif_folder": "_motif_folder",
    "save_motifs": "_motif_folder",
    "scan": "_scan",
    "score_table": "_scores",
    "sis_patterns": "_sis_patterns",
    "stack_pattern": "_pattern",
    "strongest_window": "_agreement",
    "window_agreement": "_agreement",
    "write_hits": "_write_hits",
    "write_motifs": "_write_motifs",
    "write_patterns": "_pattern_files",
    "write_seqlets_bed": "_write_seqlets_bed",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy(__name__, globals(), _HOMES)
