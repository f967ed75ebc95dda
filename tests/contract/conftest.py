"""Let the tests in this folder import the tables beside them, and share what is compiled."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

_TESTS = str(Path(__file__).resolve().parents[1])
if _TESTS not in sys.path:
    sys.path.insert(0, _TESTS)


# what happens where arrays enter and leave, which is the same for all methods of an engine: one of each is quick
AT_THE_EDGE = ("test_layouts_and_base_orders", "test_half_precision_models_are_explained_in_full")
LEADERS = ("deeplift", "lrp", "saliency", "integrated gradients", "in-silico mutagenesis", "kernel SHAP")
# what does not name a model is tried on "tasks"; of the other models one is quick for methods that lead no engine
OTHER_TOY = "two heads"
# all that is quick for these methods where TensorFlow is not the backend: each is computed, by an engine that is tried
ON_OTHER_BACKENDS = "test_predictions_are_the_models"


@cache
def _leaders() -> tuple[Any, ...]:
    from contract.methods import METHODS

    return tuple(METHODS[name] for name in LEADERS)


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what is marked as slow
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of methods that are slow."""
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        method = parameters.get("method")
        name = getattr(item, "originalname", "")
        led = method is not None and not any(method is m for m in _leaders())
        same_engine = led and parameters.get("toy", OTHER_TOY) != OTHER_TOY
        if led and os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
            same_engine = same_engine or name != ON_OTHER_BACKENDS
        if same_engine:
            item.add_marker(pytest.mark.rest)
        if same_engine or (led and name in AT_THE_EDGE) or getattr(method, "slow", False):
            item.add_marker(pytest.mark.slow)


def _is_compiled(request: pytest.FixtureRequest) -> bool:
    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    return bool(getattr(parameters.get("method"), "compiled", True))


@pytest.fixture(autouse=True)
def compiled_or_not(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile some methods only: of small networks, compiling is what takes the time."""
    from seqexplain.models import sequence_model

    if not _is_compiled(request):
        monkeypatch.setattr(sequence_model, "jit", lambda function, *_: function)


@cache
def _wrap(name: str, compiled: bool) -> Any:
    from contract.toys import TOYS

    from seqexplain.models.sequence_model import SequenceModel

    toy = TOYS[name]
    return SequenceModel(toy.build(), extra_inputs=toy.extra)


@pytest.fixture
def wrapped(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Return a toy model by name, wrapped once, so that what is compiled serves many tests."""
    return partial(_wrap, compiled=_is_compiled(request))
