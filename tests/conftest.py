"""Fixtures that all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

_TESTDATA = Path(__file__).resolve().parents[2] / "shared" / "testdata"


@pytest.fixture(scope="session")
def testdata() -> Path:
    """Folder of real models and sequences beside the checkout; tests skip where it is absent."""
    if not _TESTDATA.is_dir():
        pytest.skip("the folder shared/testdata is not beside this checkout")
    return _TESTDATA
