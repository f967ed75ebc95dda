"""Products, softmax and normalisations for the NumPy oracle: written out in float64 from their equations.

A product of two values goes to each by the two-player Shapley value: what it adds when it changes first and when it
changes last, half of each. Softmax is exp(z − log Σ exp z), each exp and log by DeepLIFT's Rescale rule as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from oracle.deeplift_numpy import Array, Network


@dataclass
class Times:
    """`y = f(a, b)`, linear in either; its Shapley value, one unit of each input after the other."""

    inputs: tuple[int, int]
    f: Callable[[Array, Array], Array]
    shapes: tuple[tuple[int, ...], tuple[int, ...]]

    def _of(self, a: Array, b: Array) -> Array:
        return np.asarray(self.f(a.reshape(self.shapes[0]), b.reshape(self.shapes[1]))).ravel()

    def forward(self, values: Sequence[Array]) -> Array:
        return self._of(values[self.inputs[0]], values[self.inputs[1]])

    def back(self, x: Sequence[Array], r: Sequence[Array], m: Array) -> list[Array]:
        i, j = self.inputs
        parts = [np.zeros(len(x[i])), np.zeros(len(x[j]))]
        for k in range(len(x[i])):
            unit = np.eye(len(x[i]))[k]
            parts[0][k] = m @ (self._of(unit, r[j]) + self._of(unit, x[j])) / 2  # b as it was; b as it is
        for k in range(len(x[j])):
            unit = np.eye(len(x[j]))[k]
            parts[1][k] = m @ (self._of(r[i], unit) + self._of(x[i], unit)) / 2
        return parts


def times(net: Network, f: Callable[[Array, Array], Array], a: int, b: int) -> int:
    shapes = (net.shapes[a], net.shapes[b])
    shape = np.asarray(f(np.zeros(shapes[0]), np.zeros(shapes[1]))).shape
    return net._add(Times((a, b), f, shapes), shape)


def logsumexp(net: Network, z: int, axis: int | tuple[int, ...]) -> int:
    powers = net.activation(np.exp, z)
    total = net.affine(lambda e: e.sum(axis=axis, keepdims=True), powers)
    return net.activation(lambda s: np.log(np.maximum(s, 1e-12)), total)


def softmax(net: Network, z: int, axis: int | tuple[int, ...]) -> int:
    return net.activation(np.exp, net.affine(lambda a, s: a - s, z, logsumexp(net, z, axis)))


def normalise(net: Network, x: int, axis: int | tuple[int, ...], epsilon: float, centre: bool = True) -> int:
    if centre:
        x = net.affine(lambda a: a - a.mean(axis=axis, keepdims=True), x)
    spread = net.affine(lambda a: a.mean(axis=axis, keepdims=True), net.activation(np.square, x))
    return times(net, lambda a, b: a * b, x, net.activation(lambda v: 1 / np.sqrt(v + epsilon), spread))
