"""Where numbers come from: versions, device, model."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from seqexplain.models.backend import device, versions
from seqexplain.models.sequence_model import SequenceModel


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
