"""Results to report on: small, made up, with names that would be markup or code if they were let."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_HERE = str(Path(__file__).resolve().parent)
if _HERE not in sys.path:  # for `report_pages` and `report_browser`, wherever pytest is run from
    sys.path.insert(0, _HERE)

from report_pages import Page, made_up  # noqa: E402

from seqexplain.report import write_report  # noqa: E402


@pytest.fixture
def page(tmp_path: Path) -> Callable[..., Page]:
    """Write a report and read it back."""

    def write(results: Any = None, **options: Any) -> Page:
        path = tmp_path / "page.html"
        write_report(made_up() if results is None else results, path, overwrite=True, **options)
        return Page(path.read_text("utf-8"))

    return write
