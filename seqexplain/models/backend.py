"""What differs between the backends of Keras: vector–Jacobian products, compilation, free memory.

Importing this module imports Keras, so only code that is about to compute does. Everything else is written with
`keras.ops`, re-exported here as `ops`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from seqexplain.errors import BackendError
from seqexplain.models._precision import in_precision

Tensor = Any  # a tensor of whichever backend is in use
Array = np.ndarray[Any, Any]

__all__ = [
    "Tensor",
    "backend_name",
    "device",
    "free_memory",
    "jit",
    "ops",
    "scan",
    "to_numpy",
    "to_tensor",
    "versions",
    "vjp",
]

ASSUMED_MEMORY = 4 << 30  # bytes; where the system does not say how much is free


def backend_name() -> str:
    """Return `"tensorflow"`, `"jax"` or `"torch"`."""
    name: str = keras.backend.backend()
    if name not in ("tensorflow", "jax", "torch"):
        raise BackendError(
            f"The Keras backend is {name!r}; seqexplain needs tensorflow, jax or torch. Set KERAS_BACKEND to one of "
            "them."
        )
    return name


def vjp(function: Callable[..., Tensor], primals: Sequence[Tensor], cotangent: Tensor) -> tuple[Tensor, ...]:
    """Return the vector–Jacobian product of `function` at `primals`, one tensor a primal.

    Only the primals are differentiated; weights that the function uses are constants. A primal that the result
    does not depend on gets zeros.
    """
    name = backend_name()
    if name == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(primals))
            value = function(*primals)
        return tuple(
            tape.gradient(
                value,
                list(primals),
                output_gradients=cotangent,
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )
        )
    if name == "jax":
        import jax

        return tuple(jax.vjp(function, *primals)[1](cotangent))
    import torch

    with torch.enable_grad():
        leaves = [p.detach().requires_grad_(True) for p in primals]
        value = function(*leaves)
        gradients = torch.autograd.grad(value, leaves, grad_outputs=cotangent, allow_unused=True)
    return tuple(torch.zeros_like(p) if g is None else g for p, g in zip(primals, gradients, strict=True))


def jit(function: Callable[..., Any], precision: str = "float32") -> Callable[..., Any]:
    """Compile a function of nested lists of tensors: with XLA on TensorFlow and JAX, without gradients on PyTorch.

    The compiled function is for one set of shapes: that of its first call.

    Parameters
    ----------
    function
        What to compile.
    precision
        Of matrix products on GPUs: `"float32"`, or `"tf32"` where rounding the factors to 10 bits is allowed.
    """
    name = backend_name()
    compiled = _compile(function, name)

    def call(*arguments: Any) -> Any:
        with in_precision(name, precision):
            return compiled(*arguments)

    return call


def _compile(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    if name == "tensorflow":
        import tensorflow as tf

        traced = tf.function(function, jit_compile=True, autograph=False)
        concrete: list[Callable[..., Any]] = []

        def call(*arguments: Any) -> Any:
            # a concrete function is not counted as a retracing, of which TensorFlow warns
            if not concrete:
                concrete.append(traced.get_concrete_function(*arguments))
            return concrete[0](*arguments)

        return call
    if name == "jax":
        import jax

        return jax.jit(function)  # type: ignore[no-any-return]
    import torch

    return torch.no_grad()(function)  # type: ignore[no-any-return]


def scan(
    step: Callable[[list[Tensor], list[Tensor]], tuple[list[Tensor], list[Tensor]]],
    carry: Sequence[Tensor],
    inputs: Sequence[Tensor],
    shapes: Sequence[Sequence[int]],
    *,
    reverse: bool = False,
) -> list[Tensor]:
    """Apply a function to one slice after the other along the first axis, without unrolling where that is compiled.

    `keras.ops.scan` is not used: on TensorFlow it wants outputs of the same shapes as what is carried, and XLA cannot
    differentiate it.

    Parameters
    ----------
    step
        `step(carried, slices) -> (carried, outputs)`.
    carry
        What is carried at first; shapes and types stay.
    inputs
        At least one; the first axes are of one length, which is known.
    shapes
        Of the outputs of one step, float32.
    reverse
        Whether to begin with the last slices.

    Returns
    -------
    list of Tensor
        The outputs of all steps, each with a first axis in the order of the inputs.
    """
    name = backend_name()
    length = int(inputs[0].shape[0])
    if name == "jax":
        import jax

        return list(jax.lax.scan(lambda c, x: step(list(c), list(x)), list(carry), list(inputs), reverse=reverse)[1])
    order = range(length - 1, -1, -1) if reverse else range(length)
    if name == "torch":
        import torch

        carried, rows = list(carry), []
        for i in order:
            carried, row = step(carried, [x[i] for x in inputs])
            rows.append(row)
        return [torch.stack(column) for column in zip(*(rows[::-1] if reverse else rows), strict=True)]
    import tensorflow as tf

    def array(dtype: Any, shape: Any) -> Any:
        return tf.TensorArray(dtype, size=length, element_shape=shape, clear_after_read=False)

    given = [array(x.dtype, x.shape[1:]).unstack(x) for x in inputs]

    def body(i: Any, carried: Any, written: Any) -> Any:
        place = length - 1 - i if reverse else i
        carried, row = step(list(carried), [x.read(place) for x in given])
        return i + 1, carried, [w.write(place, value) for w, value in zip(written, row, strict=True)]

    begun = (tf.constant(0), list(carry), [array(tf.float32, tuple(shape)) for shape in shapes])
    written = tf.while_loop(lambda i, *_: i < length, body, begun, maximum_iterations=length)[2]
    return [w.stack() for w in written]


def to_tensor(array: Array) -> Tensor:
    """Return a float32 tensor on the default device."""
    return ops.convert_to_tensor(np.ascontiguousarray(array, dtype=np.float32))


def to_numpy(tensor: Tensor) -> Array:
    """Return a NumPy copy of a tensor of any backend; bfloat16, which NumPy does not know, as float32."""
    if keras.backend.standardize_dtype(tensor.dtype) == "bfloat16":
        tensor = ops.cast(tensor, "float32")
    if backend_name() == "torch":
        # by its own method: Keras' way makes NumPy 2 warn of torch's __array__
        return np.array(tensor.detach().cpu().numpy())
    return np.asarray(ops.convert_to_numpy(tensor))


def device() -> str:
    """Describe where the backend computes: `"cpu"` or the accelerator's name."""
    name = backend_name()
    if name == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if not gpus:
            return "cpu"
        return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "gpu"))
    if name == "jax":
        import jax

        first = jax.devices()[0]
        return "cpu" if first.platform == "cpu" else str(first.device_kind)
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"


def versions() -> dict[str, str]:
    """Return the versions of Keras and of the backend in use."""
    name = backend_name()
    module = __import__(name)
    return {"keras": str(keras.__version__), "backend": name, name: str(module.__version__)}


def free_memory() -> int:
    """Return how many bytes are free where the backend computes."""
    if device() != "cpu":
        return _free_gpu_memory()
    limits = [_free_host_memory(), *_cgroup_limits()]
    return min(limits)


def _free_gpu_memory() -> int:
    name = backend_name()
    if name == "torch":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    if name == "jax":
        import jax

        stats = jax.devices()[0].memory_stats() or {}
        return int(stats.get("bytes_limit", ASSUMED_MEMORY)) - int(stats.get("bytes_in_use", 0))
    # TensorFlow does not tell its limit: half of what a small card has, and a user can pass batch_size.
    return ASSUMED_MEMORY


def _free_host_memory() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):
        return ASSUMED_MEMORY


def _cgroup_limits() -> list[int]:
    """Room left in the container, if the process runs in one."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii").strip()
        return [int(limit) - int(used)] if limit != "max" else []
    except (OSError, ValueError):
        return []
