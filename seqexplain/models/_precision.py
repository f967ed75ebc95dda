"""How exactly matrix products are computed on a GPU: in float32, unless TF32 is asked for.

On NVIDIA GPUs since Ampere, all three backends may round the factors of a product to TF32, with 10 bits of mantissa in
place of 23, and do so by default (TensorFlow and JAX in all products, PyTorch in convolutions). A relative error of
5e-4 in each factor is more than completeness allows. So it is switched off while something is computed, and left as it
was.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any

PRECISIONS = ("float32", "tf32")

_lock = Lock()
_inside: dict[str, int] = dict.fromkeys(PRECISIONS, 0)
_before: list[Any] = []


@contextlib.contextmanager
def in_precision(backend: str, precision: str) -> Iterator[None]:
    """Compute with this precision; several threads may at once, if they ask for the same.

    Parameters
    ----------
    backend
        `"tensorflow"`, `"jax"` or `"torch"`.
    precision
        `"float32"`, or `"tf32"`: matrix products on GPUs may round their factors.
    """
    if backend == "jax":  # a setting of the thread, and part of what is compiled
        import jax

        with jax.default_matmul_precision("float32" if precision == "float32" else "tensorfloat32"):
            yield
        return
    read, write = _switch(backend)
    with _lock:
        if not any(_inside.values()):
            _before[:] = [read()]
            write(precision == "tf32")
        _inside[precision] += 1
    try:
        yield
    finally:
        with _lock:
            _inside[precision] -= 1
            if not any(_inside.values()):
                write(_before.pop())


def _switch(backend: str) -> tuple[Callable[[], Any], Callable[[Any], None]]:
    """Return how to read and to set the backend's permission to use TF32."""
    if backend == "tensorflow":
        import tensorflow as tf

        experimental = tf.config.experimental
        return experimental.tensor_float_32_execution_enabled, experimental.enable_tensor_float_32_execution
    import torch

    def read() -> tuple[bool, bool]:
        return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32

    def write(allowed: bool | tuple[bool, bool]) -> None:
        products, convolutions = allowed if isinstance(allowed, tuple) else (allowed, allowed)
        torch.backends.cuda.matmul.allow_tf32 = products
        torch.backends.cudnn.allow_tf32 = convolutions

    return read, write
