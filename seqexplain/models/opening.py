"""What every method's function begins with: a model and sequences, as users have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.sequences import one_hot


def opened(model: SequenceModel | Any, X: Array | Sequence[str]) -> tuple[SequenceModel, Array]:
    """Return the model wrapped, and the sequences checked, `(n, L, 4)` float32.

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model that reads `(L, 4)`.
    X
        `(n, L, 4)` one-hot, or `n` strings of one length.

    Raises
    ------
    ShapeError
        When X does not fit the model.
    """
    model = model if isinstance(model, SequenceModel) else SequenceModel(model)
    if isinstance(X, (list, tuple)) and X and isinstance(X[0], str):
        X = one_hot(list(X))
    return model, model.validate(X)
