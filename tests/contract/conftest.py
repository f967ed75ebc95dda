"""Let the tests in this folder import the tables beside them, and share what is compiled."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_TESTS = str(Path(__file__).resolve().parents[1])
if _TESTS not in sys.path:
    sys.path.insert(0, _TESTS)


@pytest.fixture(autouse=True)
def compiled_or_not(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile some methods only: of small networks, compiling is what takes the time."""
    from seqexplain.models import sequence_model

    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    if not getattr(parameters.get("method"), "compiled", True):
        monkeypatch.setattr(sequence_model, "jit", lambda function, *_: function)


@pytest.fixture(scope="session")
def wrapped() -> Callable[[str], Any]:
    """Return a toy model by name, wrapped once, so that what is compiled serves many tests."""
    from contract.toys import TOYS

    from seqexplain.models.sequence_model import SequenceModel

    @cache
    def get(name: str) -> Any:
        toy = TOYS[name]
        return SequenceModel(toy.build(), extra_inputs=toy.extra)

    return get
