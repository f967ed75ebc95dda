"""One self-contained HTML page of results: overview, motifs and a browser of sequences.

Names are loaded at first use, so importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqexplain._lazy import lazy

if TYPE_CHECKING:
    from seqexplain.report._write_report import ReportSummary as ReportSummary
    from seqexplain.report._write_report import write_report as write_report

_HOMES = {
    "ReportSummary": "_write_report",
    "write_report": "_write_report",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy(__name__, globals(), _HOMES)
