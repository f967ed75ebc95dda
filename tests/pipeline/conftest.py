"""The toy job, also for tests that run it in their own process."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

WORKER = Path(__file__).with_name("worker.py")


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    """The module worker.py."""
    spec = importlib.util.spec_from_file_location("toy_worker", WORKER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def worker() -> Path:
    """Path of worker.py."""
    return WORKER
