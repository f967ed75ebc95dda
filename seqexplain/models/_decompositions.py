"""Layers of the user's own, taken apart by a function that the user registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import keras

from seqexplain.errors import RegistrationError
from seqexplain.models._handlers import HANDLERS

Decomposition = Callable[..., Any]
Function = TypeVar("Function", bound=Decomposition)

_DECOMPOSITIONS: dict[type, Decomposition] = {}


def register_decomposition(layer_class: type) -> Callable[[Function], Function]:
    """Register how a layer of your own is made of `keras.ops` and Keras layers.

    Most layers need none: their `call` is traced. Register one where `call` uses what cannot be traced (the backend's
    own functions, loops over tensors), or where other operations say better what the layer does. The class is matched
    exactly: subclasses are not taken for it.

    Parameters
    ----------
    layer_class
        The class of the layer.

    Returns
    -------
    callable
        A decorator for the function `(layer, *inputs) -> output`, which is given symbolic tensors and returns what the
        layer's `call` returns. `layer` stands in for the layer: its weights are symbols, too.

    Raises
    ------
    RegistrationError
        When it is no class of a Keras layer, is built in, or has another function registered.

    Examples
    --------
    >>> import keras, seqexplain
    >>> class Gate(keras.Layer):
    ...     def call(self, x):
    ...         return x * keras.ops.sigmoid(x)
    >>> @seqexplain.register_decomposition(Gate)
    ... def gate(layer, x):
    ...     return keras.ops.silu(x)
    """
    name = getattr(layer_class, "__name__", repr(layer_class))
    if not (isinstance(layer_class, type) and issubclass(layer_class, keras.Layer)):
        raise RegistrationError(
            f"register_decomposition got {name}; expected a class of Keras layers: @register_decomposition(MyLayer)."
        )
    if layer_class in HANDLERS:
        raise RegistrationError(
            f"{name} is built in and cannot be registered; derive a class of your own from it and register that."
        )

    def register(function: Function) -> Function:
        if _DECOMPOSITIONS.get(layer_class, function) is not function:
            raise RegistrationError(
                f"{name} has another decomposition, {_DECOMPOSITIONS[layer_class].__qualname__}; a class can have one."
            )
        _DECOMPOSITIONS[layer_class] = function
        return function

    return register


def decomposition_of(layer_class: type) -> Decomposition | None:
    """Return the function that was registered for a class."""
    return _DECOMPOSITIONS.get(layer_class)


def registered() -> frozenset[type]:
    """Return the classes that have a decomposition: a model that was flattened before one came is flattened anew."""
    return frozenset(_DECOMPOSITIONS)
