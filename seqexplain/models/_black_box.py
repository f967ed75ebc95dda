"""A TensorFlow SavedModel: it can be scored, and nothing else is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import BackendError, ModelLoadError, ShapeError
from seqexplain.models._model_files import kind_of
from seqexplain.models.backend_choice import choose_backend, import_keras

Array = NDArray[Any]
_SIGNATURE = "serving_default"  # what TensorFlow calls the function that servers use; Keras writes it as well


@dataclass(frozen=True)
class Port:
    """One input or output of a black box.

    Attributes
    ----------
    name
        Name in the file.
    shape
        Shape with the batch axis first; None where any length will do.
    dtype
        NumPy name of the type.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class BlackBoxModel:
    """A model that can only be called.

    Attributes
    ----------
    inputs, outputs
        Names, shapes and types of what goes in and comes out.
    name
        Name of the folder.
    """

    def __init__(self, name: str, module: Any, function: Any) -> None:
        # TensorFlow frees the variables with the module, so it is kept.
        self._module = module
        self._function = function
        self.name = name
        keyword_inputs = function.structured_input_signature[1]
        self.inputs: tuple[Port, ...] = tuple(_port(spec, key) for key, spec in keyword_inputs.items())
        outputs = function.structured_outputs
        self.outputs: tuple[Port, ...] = tuple(_port(outputs[key], key) for key in sorted(outputs))

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return [port.name for port in self.inputs]

    @property
    def input_shapes(self) -> list[tuple[int | None, ...]]:
        """Shapes of the inputs, of one example."""
        return [port.shape[1:] for port in self.inputs]

    def predict_batch(self, inputs: Sequence[Array]) -> list[Array]:
        """Score one batch.

        Parameters
        ----------
        inputs
            One array per input, in the order of `inputs`; the first axis is the batch.

        Returns
        -------
        list of arrays
            One per output, in the order of `outputs`.

        Raises
        ------
        ShapeError
            When their number or shapes are not those of the model.
        """
        import tensorflow as tf

        if len(inputs) != len(self.inputs):
            names = ", ".join(port.name for port in self.inputs)
            raise ShapeError(f"{self.name} has {len(self.inputs)} inputs ({names}); {len(inputs)} arrays were given.")
        feed = {}
        for port, given in zip(self.inputs, inputs, strict=True):
            array = np.asarray(given)
            fits = len(port.shape) == array.ndim and all(
                wanted is None or wanted == size for wanted, size in zip(port.shape, array.shape, strict=True)
            )
            if port.shape and not fits:
                raise ShapeError(f"Input {port.name!r} of {self.name} has shape {array.shape}; expected {port.shape}.")
            feed[port.name] = tf.constant(array, dtype=port.dtype)
        results = self._function(**feed)
        return [np.asarray(results[port.name]) for port in self.outputs]


def load_black_box(folder: str | Path) -> BlackBoxModel:
    """Open a SavedModel folder for scoring.

    The signature `serving_default` is used; a folder with a single other signature serves as well.

    Raises
    ------
    MissingFileError
        When there is no such folder.
    BackendError
        When the Keras backend is not TensorFlow.
    ModelLoadError
        When the folder is not a SavedModel, is damaged, or has no signature to call.
    """
    folder = Path(folder)
    if kind_of(folder) != "saved_model":
        raise ModelLoadError(f"{folder} is a file, not a SavedModel folder. Open it with load_model({str(folder)!r}).")
    backend = choose_backend()
    if backend != "tensorflow":
        raise BackendError(
            f"{folder} is a TensorFlow SavedModel, which the {backend!r} backend cannot run. "
            "Set KERAS_BACKEND=tensorflow in a new process."
        )
    import_keras()
    import tensorflow as tf

    try:
        module = tf.saved_model.load(str(folder))
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelLoadError(f"The SavedModel {folder} cannot be opened: {reason}") from error
    signatures = dict(getattr(module, "signatures", {}))
    if _SIGNATURE in signatures:
        function = signatures[_SIGNATURE]
    elif len(signatures) == 1:
        function = next(iter(signatures.values()))
    else:
        names = ", ".join(signatures) or "none"
        raise ModelLoadError(
            f"The SavedModel {folder} has no signature {_SIGNATURE!r} (it has: {names}). Export it with "
            "model.export(folder), which writes one."
        )
    return BlackBoxModel(folder.name, module, function)


def _port(spec: Any, name: str) -> Port:
    shape = () if spec.shape.rank is None else tuple(spec.shape.as_list())
    return Port(name, shape, spec.dtype.as_numpy_dtype.__name__)
