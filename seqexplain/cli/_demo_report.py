"""The demo's page: the motifs and hits of a factor's peaks, beside their contributions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seqexplain.report import ReportSummary

FEWEST = 10  # occurrences that make a motif: the demo has 200 peaks at most


def write_demo_report(store: Path, page: Path, *, title: str) -> ReportSummary:
    """Find motifs in a store of the demo, name them, find their hits, and write all as one page.

    Parameters
    ----------
    store
        Explained peaks.
    page
        The HTML file to write; one that exists is replaced.
    title
        Of the page.
    """
    from seqexplain.motifs import call_seqlets, extract_patterns, load_database, name_patterns, open_contributions
    from seqexplain.report import write_report
    from seqexplain.storage import ResultStore

    results = ResultStore(store)
    source = open_contributions(results)
    found = extract_patterns(source, call_seqlets(source), min_size=FEWEST)
    named, matches = name_patterns(found, load_database())
    return write_report(results, page, motifs=named, matches=matches, hits="computed", title=title, overwrite=True)
