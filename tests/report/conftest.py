"""Results to report on: small, made up, with names that would be markup or code if they were let."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

_HERE = str(Path(__file__).resolve().parent)
if _HERE not in sys.path:  # for `report_pages` and `report_browser`, wherever pytest is run from
    sys.path.insert(0, _HERE)

from report_browser import Reader, need_browser, reading  # noqa: E402
from report_pages import Page, made_up, made_up_hits, made_up_motifs  # noqa: E402

from seqexplain.report import write_report  # noqa: E402
from seqexplain.results import Attributions  # noqa: E402


@pytest.fixture
def page(tmp_path: Path) -> Callable[..., Page]:
    """Write a report and read it back."""

    def write(results: Any = None, **options: Any) -> Page:
        path = tmp_path / "page.html"
        write_report(made_up() if results is None else results, path, overwrite=True, **options)
        return Page(path.read_text("utf-8"))

    return write


@pytest.fixture(scope="session")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def reader(tmp_path_factory, downloads):
    need_browser()
    with reading(tmp_path_factory.mktemp("profile"), downloads) as found:
        yield found


@pytest.fixture(scope="session")
def results() -> Attributions:
    return made_up(40, 200)


@pytest.fixture(scope="session")
def path(results, tmp_path_factory) -> Path:
    """A report with all there is."""
    motifs = made_up_motifs(results)
    many = tuple(replace(motifs.patterns[0], id=f"pos_{k}") for k in range(30))
    motifs = replace(motifs, patterns=many, labels={"pos_0": "ETS1 (MA0098.3)", "pos_7": "CTCF (MA0139.2)"})
    effects = np.random.default_rng(3).normal(0, 0.2, results.X.shape).astype(np.float32)
    found = tmp_path_factory.mktemp("page") / "page.html"
    hits = made_up_hits(results, "ETS1 (MA0098.3)")
    ism = replace(results, effects=effects, method="in_silico_mutagenesis")
    write_report(results, found, motifs=motifs, hits=hits, ism=ism, title="Made-up peaks")
    return found


@pytest.fixture
def opened(reader: Reader, path: Path) -> Reader:
    return reader.open(path)
