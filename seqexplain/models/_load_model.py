"""Open a model file, ready to be scored and explained."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqexplain.models._black_box import load_black_box
from seqexplain.models._model_files import kind_of
from seqexplain.models.backend_choice import import_keras
from seqexplain.models.load import load_keras_model, model_sha256

if TYPE_CHECKING:
    from seqexplain.models.sequence_model import SequenceModel


def load_model(
    path: str | Path,
    *,
    weights: str | Path | None = None,
    allow_lambda: Collection[str] = (),
    custom_objects: Mapping[str, Any] | None = None,
    backend: str | None = None,
    **reading: Any,
) -> SequenceModel:
    """Open a model written by Keras 2 or 3, or a SavedModel folder, as a `SequenceModel`.

    Nothing in the file is run: a Lambda layer is refused unless it is allowed by name.

    Parameters
    ----------
    path
        `.keras`, whole-model `.h5`, an architecture `.json` (with `weights`), or a SavedModel folder, which can be
        scored but not looked into.
    weights
        Weights to go with an architecture.
    allow_lambda
        Names of Lambda layers whose code may be run.
    custom_objects
        Classes and functions that the file names, by name.
    backend
        `"tensorflow"`, `"jax"` or `"torch"`; must be chosen before Keras is first imported.
    **reading
        How the model reads sequences: the keyword arguments of `SequenceModel` (`layout`, `base_order`, `unknown`,
        `extra_inputs`, `average_strands`, …).

    Returns
    -------
    SequenceModel
        The model, not compiled for training.

    Raises
    ------
    MissingFileError
        When there is no such file.
    ModelLoadError
        When the file is not a model, is damaged, or does not hold all weights.
    UnsafeModelError
        When the file holds code.
    BackendError
        When the backend cannot be had.
    """
    import_keras(backend)
    from seqexplain.models.sequence_model import SequenceModel

    path = Path(path)
    if kind_of(path) == "saved_model":
        model: Any = load_black_box(path)
    else:
        model = load_keras_model(path, weights=weights, allow_lambda=allow_lambda, custom_objects=custom_objects)
    reading.setdefault("name", path.name)
    return SequenceModel(model, sha256=model_sha256(path, weights), path=str(path), **reading)
