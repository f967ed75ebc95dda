"""The same network in PyTorch: Keras layers mapped one by one, so that tools of PyTorch can be asked as well.

Everything with weights or a nonlinearity becomes a module, under the Keras layer's name, each *call* of an activation
one of its own: tools that hook modules find what they look for. Whatever only moves or averages values is a plain
function. Values along the sequence are `(n, channels, positions)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

from seqexplain.models.backend import to_numpy

torch = pytest.importorskip("torch")
nn = torch.nn

Part = Callable[..., torch.Tensor]  # a module, or a function of tensors

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "relu": nn.ReLU,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}


def to_torch(X: np.ndarray) -> torch.Tensor:
    """Turn `(…, L, 4)` into `(…, 4, L)`."""
    return torch.tensor(np.ascontiguousarray(np.swapaxes(X, -1, -2), dtype=np.float32))


def from_torch(tensor: torch.Tensor) -> np.ndarray:
    """Turn `(…, 4, L)` into `(…, L, 4)`."""
    return np.ascontiguousarray(np.swapaxes(tensor.detach().numpy(), -1, -2))


def torch_twin(model: Any, *, logits: bool = True) -> Twin:
    """Return the network as a PyTorch module that reads `(n, 4, L)`.

    Parameters
    ----------
    model
        Keras model, Functional or Sequential.
    logits
        Whether to leave out a sigmoid or softmax that ends a head.
    """
    return Twin(model, logits).eval()


class Twin(nn.Module):
    """A Keras model, layer by layer; `modules_of[layer]` has the modules of a Keras layer by its name."""

    def __init__(self, model: Any, logits: bool) -> None:
        super().__init__()
        functional = getattr(model, "_functional", None) or model
        self._heads = [id(t) for t in functional.outputs]
        self._inputs = [id(t) for t in functional.inputs]
        self._calls: list[tuple[list[Part], list[int], list[int]]] = []
        self.modules_of: dict[str, list[nn.Module]] = {}
        known = set(self._inputs)
        weighted: dict[str, nn.Module] = {}
        for depth in sorted(functional._nodes_by_depth, reverse=True):
            for node in functional._nodes_by_depth[depth]:
                inputs, outputs = ([id(t) for t in ts] for ts in (node.input_tensors, node.output_tensors))
                if node.is_input or not known.issuperset(inputs):
                    continue
                bare = logits and bool(set(outputs).intersection(self._heads))
                parts = _parts(node.operation, node.input_tensors, bare, weighted)
                for part in parts:
                    if isinstance(part, nn.Module):
                        kept = self.modules_of.setdefault(node.operation.name, [])
                        self.add_module(f"{node.operation.name.replace('.', '_')}_{len(kept)}", part)
                        kept.append(part)
                known.update(outputs)
                self._calls.append((parts, inputs, outputs))

    def forward(self, *inputs: torch.Tensor) -> Any:
        values = dict(zip(self._inputs, inputs, strict=True))
        for parts, reads, writes in self._calls:
            results = [values[i] for i in reads]
            for part in parts:
                y = part(*results)
                results = list(y) if isinstance(y, tuple) else [y]
            values.update(zip(writes, results, strict=True))
        found = tuple(values[i] for i in self._heads)
        return found[0] if len(found) == 1 else found


def _parts(layer: Any, tensors: Sequence[Any], bare: bool, weighted: dict[str, nn.Module]) -> list[Part]:
    """Return what a layer does, one after another; `weighted` keeps what layers that are used twice share."""
    kind, along = type(layer), len(tensors[0].shape) == 3
    if kind in (kl.Dropout, kl.SpatialDropout1D, kl.InputLayer):
        return [lambda x: x]
    if kind is kl.Conv1D:
        pad = _padding(layer.padding, tensors[0].shape[1], layer.kernel_size[0], layer.strides[0],
                       layer.dilation_rate[0])  # fmt: skip
        conv = weighted.setdefault(layer.name, _conv(layer))
        return [*pad, conv, *_activation(layer.activation, bare)]
    if kind is kl.Dense:
        linear: Part = weighted.setdefault(layer.name, _linear(layer))
        parts = [_swap, linear, _swap] if along else [linear]
        return [*parts, *_activation(layer.activation, bare)]
    if kind is kl.BatchNormalization:
        return [weighted.setdefault(layer.name, _normalization(layer))]
    if kind is kl.Activation:
        return _activation(layer.activation, bare)
    if kind is kl.ReLU and layer.max_value is None and not layer.negative_slope and not layer.threshold:
        return [nn.ReLU()]
    if kind is kl.LeakyReLU:
        return [nn.LeakyReLU(float(layer.negative_slope))]
    if kind is kl.ELU:
        return [nn.ELU(float(layer.alpha))]
    if kind is kl.Softmax:
        return [] if bare else [nn.Softmax(dim=1)]
    if kind is kl.MaxPooling1D:
        k, s = layer.pool_size[0], layer.strides[0]
        return [*_padding(layer.padding, tensors[0].shape[1], k, s, 1, -np.inf), nn.MaxPool1d(k, s)]
    if kind is kl.AveragePooling1D and layer.padding == "valid":
        return [nn.AvgPool1d(layer.pool_size[0], layer.strides[0])]
    if kind is kl.GlobalAveragePooling1D:
        return [lambda x: x.mean(dim=2)]
    if kind is kl.GlobalMaxPooling1D:
        return [lambda x: x.max(dim=2).values]
    if kind is kl.Flatten:  # in Keras' order, so the dense layer after it needs no other
        return [lambda x: _swap(x).flatten(1)] if along else [lambda x: x]
    if kind is kl.Add:
        return [lambda *x: sum(x[1:], x[0])]
    if kind is kl.Concatenate:
        axis = layer.axis % 3 if along else 1
        return [lambda *x: torch.cat(x, dim={1: 2, 2: 1}[axis] if along else 1)]
    if kind in (keras.Model, keras.Sequential):
        inner: Part = weighted.setdefault(layer.name, Twin(layer, bare))
        return [inner]
    raise NotImplementedError(f"no twin of {kind.__name__} ({layer.name!r})")


def _swap(x: torch.Tensor) -> torch.Tensor:
    return x.transpose(1, 2)


def _activation(activation: Any, bare: bool) -> list[Part]:
    name = getattr(activation, "__name__", type(activation).__name__)
    if name == "linear" or (bare and name in ("sigmoid", "softmax")):
        return []
    if name == "softmax":
        return [nn.Softmax(dim=1)]
    if name not in ACTIVATIONS:
        raise NotImplementedError(f"no twin of the activation {name!r}")
    return [ACTIVATIONS[name]()]


def _padding(mode: str, length: int, window: int, stride: int, dilation: int, value: float = 0.0) -> list[Part]:
    """Return Keras' padding: unequal on both sides where that has to be."""
    span = (window - 1) * dilation + 1
    if mode == "valid":
        return []
    missing = span - 1 if mode == "causal" else max(0, (-(-length // stride) - 1) * stride + span - length)
    before = missing if mode == "causal" else missing // 2
    return [lambda x: nn.functional.pad(x, (before, missing - before), value=value)]


def _array(variable: Any) -> np.ndarray:
    """Return a weight; of a copy that is no variable, of which NumPy would warn."""
    return to_numpy(keras.ops.copy(variable)).astype(np.float32)


def _set(parameter: Any, array: np.ndarray) -> None:
    parameter.data = torch.tensor(np.ascontiguousarray(array))


def _conv(layer: Any) -> nn.Module:
    kernel = _array(layer.kernel)
    width, channels_in, filters = kernel.shape
    conv = nn.Conv1d(channels_in * layer.groups, filters, width, layer.strides[0], dilation=layer.dilation_rate[0],
                     groups=layer.groups, bias=layer.use_bias)  # fmt: skip
    _set(conv.weight, kernel.transpose(2, 1, 0))
    if layer.use_bias:
        _set(conv.bias, _array(layer.bias))
    return conv


def _linear(layer: Any) -> nn.Module:
    kernel = _array(layer.kernel)
    linear = nn.Linear(*kernel.shape, bias=layer.use_bias)
    _set(linear.weight, kernel.T)
    if layer.use_bias:
        _set(linear.bias, _array(layer.bias))
    return linear


def _normalization(layer: Any) -> nn.Module:
    n = layer.moving_mean.shape[0]
    norm = nn.BatchNorm1d(n, eps=layer.epsilon)
    _set(norm.running_mean, _array(layer.moving_mean))
    _set(norm.running_var, _array(layer.moving_variance))
    _set(norm.weight, _array(layer.gamma) if layer.scale else np.ones(n, dtype=np.float32))
    _set(norm.bias, _array(layer.beta) if layer.center else np.zeros(n, dtype=np.float32))
    return norm
