"""Fixtures that all tests share."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

_TESTDATA = Path(__file__).resolve().parents[2] / "shared" / "testdata"


@pytest.fixture(scope="session")
def testdata() -> Path:
    """Folder of real models and sequences beside the checkout; tests skip where it is absent."""
    if not _TESTDATA.is_dir():
        pytest.skip("the folder shared/testdata is not beside this checkout")
    return _TESTDATA


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what is marked as slow
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of the rows of a test marked `table(k)` leave every k-th to the quick tests; the rest are slow ones."""
    rows: Counter[str] = Counter()
    for item in items:
        table = item.get_closest_marker("table")
        if table is not None:
            name = item.nodeid.partition("[")[0]
            if rows[name] % table.args[0]:
                item.add_marker(pytest.mark.slow)
                item.add_marker(pytest.mark.rest)
            rows[name] += 1
