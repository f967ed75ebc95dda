"""What each Keras layer computes, as NumPy loops over one example, read off its configuration and weights.

Written from the documentation of the layers: nothing here calls Keras to compute.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import ceil, erf
from typing import Any

import numpy as np

from oracle.deeplift_numpy import Array, Network


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _softplus(x: Array) -> Array:
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "celu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x * 0.5 * (1 + np.vectorize(erf)(x / np.sqrt(2))),
    "silu": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sigmoid": _sigmoid,
    "log_sigmoid": lambda x: -_softplus(-x),
    "tanh": np.tanh,
    "tanh_shrink": lambda x: x - np.tanh(x),
    "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hard_silu": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "exponential": np.exp,
    "squareplus": lambda x: (x + np.sqrt(x**2 + 4)) / 2,
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
}


def padding_of(n: int, span: int, stride: int, padding: str) -> tuple[int, int, int]:
    """Return zeros before and after an axis, and the number of outputs."""
    if padding == "valid":
        return 0, 0, ceil((n - span + 1) / stride)
    if padding == "causal":
        return span - 1, 0, ceil(n / stride)
    out = ceil(n / stride)
    total = max((out - 1) * stride + span - n, 0)
    return total // 2, total - total // 2, out


def convolve(
    x: Array, kernel: Array, strides: Sequence[int], dilation: Sequence[int], padding: str, groups: int = 1
) -> Array:
    """`x` (*space, channels), `kernel` (*window, channels / groups, filters)."""
    rank = x.ndim - 1
    window = kernel.shape[:rank]
    spans = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    edges = [padding_of(n, k, s, padding) for n, k, s in zip(x.shape[:rank], spans, strides, strict=True)]
    x = np.pad(x, [(before, after) for before, after, _ in edges] + [(0, 0)])
    y = np.zeros((*(out for _, _, out in edges), kernel.shape[-1]))
    per_in, per_out = x.shape[-1] // groups, kernel.shape[-1] // groups
    for place in product(*(range(out) for _, _, out in edges)):
        for tap in product(*(range(k) for k in window)):
            at = tuple(p * s + t * d for p, s, t, d in zip(place, strides, tap, dilation, strict=True))
            for g in range(groups):
                outs = slice(g * per_out, (g + 1) * per_out)
                y[place][outs] += x[at][g * per_in : (g + 1) * per_in] @ kernel[tap][:, outs]
    return y


def convolve_depthwise(x: Array, kernel: Array, *how: Any) -> Array:
    """`kernel` (*window, channels, multiplier): channel c gives the outputs c·multiplier …"""
    parts = [convolve(x[..., c : c + 1], kernel[..., c : c + 1, :], *how) for c in range(x.shape[-1])]
    return np.concatenate(parts, axis=-1)


def convolve_transposed(x: Array, kernel: Array, stride: int, padding: str) -> Array:
    """`x` (n, channels), `kernel` (k, filters, channels): each position stamps the kernel, `stride` apart."""
    n, k = len(x), len(kernel)
    full = np.zeros(((n - 1) * stride + max(k, stride), kernel.shape[1]))
    for i, j in product(range(n), range(k)):
        full[i * stride + j] += kernel[j] @ x[i]
    if padding == "valid":
        return full
    before = max(k - stride, 0) // 2
    return full[before : before + n * stride]


def windows_of(
    shape: Sequence[int], window: Sequence[int], strides: Sequence[int], padding: str
) -> tuple[list[list[int]], tuple[int, ...]]:
    """Return the flat positions in each pooling window (`shape` ends in channels), and the outputs' shape."""
    space, channels = shape[:-1], shape[-1]
    edges = [padding_of(n, k, s, padding) for n, k, s in zip(space, window, strides, strict=True)]
    out = (*(o for _, _, o in edges), channels)
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    result = []
    for *place, c in product(*(range(o) for o in out)):
        found = []
        for tap in product(*(range(k) for k in window)):
            at = [p * s + t - e[0] for p, s, t, e in zip(place, strides, tap, edges, strict=True)]
            if all(0 <= i < n for i, n in zip(at, space, strict=True)):
                found.append(int(numbers[(*at, c)]))
        result.append(found)
    return result, out


def describe(net: Network, layer: Any, *inputs: int, winner_takes_all: bool = False) -> int:
    """Append what a Keras layer (or a Sequential of them) computes; return the number of its output."""
    kind = type(layer).__name__
    if kind == "Sequential":
        for inner in layer.layers:
            inputs = (describe(net, inner, *inputs),)
        return inputs[0]
    c = layer.get_config()
    w = [np.asarray(v, dtype=np.float64) for v in layer.get_weights()]
    x = inputs[0]
    shape = net.shapes[x]

    def activated(value: int) -> int:
        name = c.get("activation", "linear")
        if isinstance(name, dict):  # an activation that is itself a layer
            return describe(net, layer.activation, value)
        return value if name == "linear" else net.activation(ACTIVATIONS[name], value)

    if kind in ("Conv1D", "Conv2D"):
        bias = w[1] if c["use_bias"] else 0.0
        how = (c["strides"], c["dilation_rate"], c["padding"], c["groups"])
        return activated(net.affine(lambda a: convolve(a, w[0], *how) + bias, x))
    if kind in ("DepthwiseConv1D", "DepthwiseConv2D"):
        bias = w[1] if c["use_bias"] else 0.0
        rank = len(shape) - 1
        how = (_tuple(c["strides"], rank), _tuple(c["dilation_rate"], rank), c["padding"])
        return activated(net.affine(lambda a: convolve_depthwise(a, w[0], *how) + bias, x))
    if kind in ("SeparableConv1D", "SeparableConv2D"):
        bias = w[2] if c["use_bias"] else 0.0
        how = (c["strides"], c["dilation_rate"], c["padding"])
        mix = w[1].reshape(w[1].shape[-2:])
        return activated(net.affine(lambda a: convolve_depthwise(a, w[0], *how) @ mix + bias, x))
    if kind == "Conv1DTranspose":
        bias = w[1] if c["use_bias"] else 0.0
        how = (c["strides"][0], c["padding"])
        return activated(net.affine(lambda a: convolve_transposed(a, w[0], *how) + bias, x))
    if kind == "Dense":
        bias = w[1] if c["use_bias"] else 0.0
        return activated(net.affine(lambda a: a @ w[0] + bias, x))
    if kind == "BatchNormalization":
        rest = list(w)
        gamma = rest.pop(0) if c["scale"] else 1.0
        beta = rest.pop(0) if c["center"] else 0.0
        mean, variance = rest
        axis = c["axis"] if c["axis"] < 0 else c["axis"] - len(shape) - 1
        last = lambda a: np.moveaxis(a, axis, -1)  # noqa: E731
        normal = lambda a: (last(a) - mean) / np.sqrt(variance + c["epsilon"]) * gamma + beta  # noqa: E731
        return net.affine(lambda a: np.moveaxis(normal(a), -1, axis), x)
    if kind in ("MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D"):
        windows, out = windows_of(shape, c["pool_size"], c["strides"], c["padding"])
        if kind.startswith("Max"):
            return net.largest([x], windows, out, winner_takes_all=winner_takes_all)
        return net.affine(lambda a: np.array([a.ravel()[w].mean() for w in windows]).reshape(out), x)
    if kind in ("GlobalMaxPooling1D", "GlobalMaxPooling2D"):
        windows, out = windows_of(shape, shape[:-1], shape[:-1], "valid")
        out = out if c["keepdims"] else out[-1:]
        return net.largest([x], windows, out, winner_takes_all=winner_takes_all)
    if kind in ("GlobalAveragePooling1D", "GlobalAveragePooling2D"):
        axes = tuple(range(len(shape) - 1))
        return net.affine(lambda a: a.mean(axis=axes, keepdims=c["keepdims"]), x)
    if kind in ("Maximum", "Minimum"):
        size, out = int(np.prod(shape)), np.broadcast_shapes(*(net.shapes[i] for i in inputs))
        numbers, start = [], 0
        for i in inputs:
            size = int(np.prod(net.shapes[i]))
            numbers.append(np.broadcast_to(np.arange(start, start + size).reshape(net.shapes[i]), out).ravel())
            start += size
        windows = [list(map(int, group)) for group in zip(*numbers, strict=True)]
        return net.largest(inputs, windows, out, sign=1.0 if kind == "Maximum" else -1.0)
    if kind == "Add":
        return net.affine(lambda *a: sum(a), *inputs)
    if kind == "Subtract":
        return net.affine(lambda a, b: a - b, *inputs)
    if kind == "Average":
        return net.affine(lambda *a: sum(a) / len(a), *inputs)
    if kind == "Concatenate":
        axis = c["axis"] if c["axis"] < 0 else c["axis"] - 1
        return net.affine(lambda *a: np.concatenate(a, axis=axis), *inputs)
    if kind == "Activation":
        return activated(x)
    if kind == "ReLU":
        top, slope, start = c["max_value"], c["negative_slope"], c["threshold"]
        top = np.inf if top is None else top
        f = lambda a: np.where(a >= start, np.minimum(a, top), slope * (a - start))  # noqa: E731
        return net.activation(f, x)
    if kind == "LeakyReLU":
        return net.activation(lambda a: np.where(a > 0, a, c["negative_slope"] * a), x)
    if kind == "ELU":
        return net.activation(lambda a: np.where(a > 0, a, c["alpha"] * np.expm1(np.minimum(a, 0))), x)
    if kind == "PReLU":
        alpha = np.broadcast_to(w[0], shape).ravel()
        return net.activation(lambda a: np.where(a > 0, a, alpha * a), x)
    if kind == "Flatten":
        return net.affine(np.ravel, x)
    if kind == "Reshape":
        return net.affine(lambda a: a.reshape(c["target_shape"]), x)
    if kind == "Permute":
        return net.affine(lambda a: a.transpose([d - 1 for d in c["dims"]]), x)
    if kind == "RepeatVector":
        return net.affine(lambda a: np.stack([a] * c["n"]), x)
    if kind == "Cropping1D":
        before, after = c["cropping"]
        return net.affine(lambda a: a[before : len(a) - after], x)
    if kind == "Cropping2D":
        (t, b), (le, r) = c["cropping"]
        return net.affine(lambda a: a[t : a.shape[0] - b, le : a.shape[1] - r], x)
    if kind == "ZeroPadding1D":
        return net.affine(lambda a: np.pad(a, [tuple(c["padding"]), (0, 0)]), x)
    if kind == "ZeroPadding2D":
        return net.affine(lambda a: np.pad(a, [*map(tuple, c["padding"]), (0, 0)]), x)
    if kind == "UpSampling1D":
        return net.affine(lambda a: np.repeat(a, c["size"], axis=0), x)
    if kind == "UpSampling2D":
        rows, columns = c["size"]
        return net.affine(lambda a: np.repeat(np.repeat(a, rows, axis=0), columns, axis=1), x)
    if kind in ("Dropout", "SpatialDropout1D", "GaussianNoise", "Identity"):
        return x
    raise NotImplementedError(kind)


def _tuple(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)
