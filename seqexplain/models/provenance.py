"""Where numbers come from: versions, device, model, and choices that no name tells apart."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from seqexplain.models._extra_inputs import digest as digest_of
from seqexplain.models.backend import device, versions
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.models.target import Contrast, Target


def provenance(model: SequenceModel) -> dict[str, Any]:
    """Return what is needed, beside the parameters, to repeat a run; ready for JSON."""
    return {
        "seqexplain": version("seqexplain"),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        **versions(),
        "device": device(),
        "model": {"name": model.name, "path": model.path, "sha256": model.sha256},
    }


def unnamed_choices(target: Any, resolved: Sequence[Target], extra_inputs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return digests of choices that decide the numbers and have no name to tell them by.

    One `<lambda>` is called like the other, and the values of inputs have no name at all; a stored run would
    otherwise be gone on with by another one.

    Parameters
    ----------
    target
        As the user gave it.
    resolved
        What it means.
    extra_inputs
        Those of the call, which stand in for the model's own.
    """
    found: dict[str, Any] = {}
    if any(map(_holds_function, target if isinstance(target, list) else [target])):
        digest = hashlib.sha256()
        for one in resolved:
            digest.update(repr(one.offset).encode())
            for head, weights in sorted(one.weights.items()):
                digest.update(f"{head} {weights.shape}".encode())
                digest.update(np.ascontiguousarray(weights, dtype=np.float32).tobytes())
        found["target_weights_sha256"] = digest.hexdigest()
    if extra_inputs:
        found["extra_inputs"] = {name: digest_of(value) for name, value in sorted(extra_inputs.items())}
    return found


def _holds_function(target: Any) -> bool:
    if isinstance(target, Contrast):
        return _holds_function(target.positive) or _holds_function(target.negative)
    return callable(target)
