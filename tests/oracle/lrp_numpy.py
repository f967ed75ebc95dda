"""Layer-wise relevance propagation in float64 NumPy, from the papers' equations: one share for each pair of units.

Bach et al. (2015): z, ε, αβ; Montavon et al. (2017): z⁺, w², z^B; Montavon et al. (2019): γ; Lapuschkin et al. (2019):
flat. Every layer is its explicit matrix. Batch normalisation is multiplied into the matrix of the layer before it, else
of the one after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from oracle.deeplift_numpy import Activation, Affine, Array, Largest
from oracle.twins import Twin, Value

KERNELS = ("Conv1D", "Conv2D", "Dense", "DepthwiseConv1D", "SeparableConv1D", "Conv1DTranspose")
MOVES = ("Flatten", "Reshape", "Permute", "Cropping1D", "Concatenate", "RepeatVector")
Rule = tuple[Any, ...]  # name and parameters


class LayerTwin(Twin):
    """A twin that remembers which layer each value comes from."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.made_by: dict[int, str] = {}

    def randomise(self, layer: Any) -> None:
        """Give weights, none of them 0: a matrix then tells which units are connected."""
        super().randomise(layer)
        if not hasattr(layer, "layers"):
            layer.set_weights([np.where(w == 0, 1, w) for w in layer.get_weights()])

    def __call__(self, layer: Any, *values: Value, keep: bool = False) -> Value:
        before = len(self.net.shapes)
        result = super().__call__(layer, *values, keep=keep)
        self.made_by.update(dict.fromkeys(range(before, len(self.net.shapes)), type(layer).__name__))
        return result


@dataclass
class Oracle:
    """Relevance of a twin's network.

    Attributes
    ----------
    rule
        Of a layer with weights: `rule(class name, depth)`, with depth 1 for the first.
    sums
        Of what only adds.
    pooling
        `"winner"` or `"proportional"`.
    worst
        Largest Σ|terms| over |denominator| that was met: how much rounding is blown up.
    """

    twin: LayerTwin
    rule: Callable[[str, int], Rule]
    sums: Rule = ("epsilon", 1e-6)
    pooling: str = "winner"
    worst: float = 0.0
    depths: dict[int, int] = field(default_factory=dict)

    def __call__(self, x: Array, head: int, index: int, extra: Sequence[Array] = ()) -> Array:
        """Return the relevance of the first input for one unit of a head, in the input's shape."""
        net, made_by = self.twin.net, self.twin.made_by
        values = net.run(x, *extra)
        for v, step in sorted(net.steps.items()):
            kernel = isinstance(step, Affine) and made_by[v] in KERNELS
            self.depths[v] = max(self.depths.get(i, 0) for i in step.inputs) + kernel
        relevance = [np.zeros(len(v)) for v in values]
        relevance[head][index] = values[head][index]
        for v in sorted(net.steps, reverse=True):
            if relevance[v].any():
                for i, part in self._back(v, values, relevance[v]):
                    relevance[i] = relevance[i] + part
        return relevance[0].reshape(net.shapes[0])

    def _back(self, v: int, values: Sequence[Array], R: Array) -> list[tuple[int, Array]]:
        step = self.twin.net.steps[v]
        if isinstance(step, Activation):
            return [(step.inputs[0], R)]
        if isinstance(step, Largest):
            return self._largest(step, values, R)
        if self.twin.made_by[v] in MOVES:
            return [(i, M.T @ R) for i, M in zip(step.inputs, step.matrices, strict=True)]
        M, b, inputs, depth = self._folded(v)
        a = np.concatenate([values[i] for i in inputs])
        kernel = self._kernel_under(v) is not None
        rule = self.rule(self.twin.made_by[self._kernel_under(v)], depth) if kernel else self.sums
        S = self.shares(rule, M, a, b)
        if not kernel:  # equal shares where nothing is added
            empty = (np.abs(M * a).sum(axis=1) == 0) & (np.abs(b) == 0)
            S[empty] = self.shares(("flat",), M, a, b)[empty]
        parts = np.split(S.T @ R, np.cumsum([len(values[i]) for i in inputs])[:-1])
        return list(zip(inputs, parts, strict=True))

    def _kernel_under(self, v: int) -> int | None:
        """Return the value of the layer with weights that a value comes from, through normalisation and moves."""
        made_by, steps = self.twin.made_by, self.twin.net.steps
        while v in steps and isinstance(steps[v], Affine):
            if made_by[v] in KERNELS:
                return v
            if made_by[v] not in ("BatchNormalization", *MOVES) or len(steps[v].inputs) > 1:
                return None
            (v,) = steps[v].inputs
            if sum(v in s.inputs for s in steps.values()) > 1:
                return None
        return None

    def _folded(self, v: int) -> tuple[Array, Array, tuple[int, ...], int]:
        steps, made_by = self.twin.net.steps, self.twin.made_by
        step = steps[v]
        M, b, inputs = np.hstack(step.matrices), step.bias, step.inputs
        kernel = self._kernel_under(v)
        if kernel is None:
            return M, b, inputs, 0
        while v != kernel:
            (v,) = steps[v].inputs
            M, b = M @ steps[v].matrices[0], M @ steps[v].bias + b
            inputs = steps[v].inputs
        # a normalisation before it that belongs to no layer before
        below, P, p = inputs[0], np.eye(M.shape[1]), np.zeros(M.shape[1])
        while below in steps and isinstance(steps[below], Affine) and len(steps[below].inputs) == 1:
            if made_by[below] not in ("BatchNormalization", *MOVES) or self._kernel_under(below) is not None:
                break
            earlier = steps[below]
            P, p = P @ earlier.matrices[0], P @ earlier.bias + p
            if made_by[below] == "BatchNormalization":
                M, b, inputs = M @ P, b + M @ p, earlier.inputs
                P, p = np.eye(M.shape[1]), np.zeros(M.shape[1])
            below = earlier.inputs[0]
        return M, b, inputs, self.depths[kernel]

    def shares(self, rule: Rule, M: Array, a: Array, b: Array) -> Array:
        """Return the share of input i in the relevance of unit j, `(j, i)`."""
        name, *more = rule
        t, W = M * a, M
        up, down = np.maximum(t, 0), np.minimum(t, 0)
        b_up, b_down = np.maximum(b, 0), np.minimum(b, 0)
        z = t.sum(axis=1) + b
        if name == "z":
            return self._over(t, z)
        if name == "epsilon":
            return self._over(t, z + more[0] * np.sqrt(np.mean(z**2)) * np.where(z >= 0, 1, -1))
        if name == "epsilon-absolute":
            return self._over(t, z + more[0] * np.where(z >= 0, 1, -1))
        if name == "gamma":
            (g,) = more
            positive = z[:, None] > 0
            return np.where(
                positive,
                self._over(t + g * up, z + g * (up.sum(axis=1) + b_up)),
                self._over(t + g * down, z + g * (down.sum(axis=1) + b_down)),
            )
        if name == "alpha-beta":
            alpha, beta = more
            return alpha * self._over(up, up.sum(axis=1) + b_up) - beta * self._over(down, down.sum(axis=1) + b_down)
        if name == "z-plus":
            return self._over(up, up.sum(axis=1) + (b_up if more[0] else 0))
        if name == "flat":
            connected = (W != 0).astype(float)
            return self._over(connected, connected.sum(axis=1))
        if name == "w-square":
            return self._over(W**2, (W**2).sum(axis=1))
        if name == "z-b":
            low, high = more
            t = t - low * np.maximum(W, 0) - high * np.minimum(W, 0)
            return self._over(t, t.sum(axis=1))
        raise NotImplementedError(name)

    def _over(self, terms: Array, by: Array) -> Array:
        size = np.abs(terms).sum(axis=1)
        some = np.abs(by) > 1e-14 * np.maximum(size, 1e-300)
        if (some & (size > 0)).any():
            self.worst = max(self.worst, float((size[some] / np.abs(by[some])).max()))
        return np.where(some[:, None], terms / np.where(some, by, 1.0)[:, None], 0.0)

    def _largest(self, step: Largest, values: Sequence[Array], R: Array) -> list[tuple[int, Array]]:
        a = np.concatenate([values[i] for i in step.inputs])
        result = np.zeros(len(a))
        for o, window in enumerate(step.windows):
            positive = np.maximum(a[window], 0)
            if self.pooling == "proportional" and positive.sum() > 0 and len(step.inputs) == 1:
                result[window] += R[o] * positive / positive.sum()
            else:
                result[window[int(np.argmax(step.sign * a[window]))]] += R[o]
        parts = np.split(result, np.cumsum([len(values[i]) for i in step.inputs])[:-1])
        return list(zip(step.inputs, parts, strict=True))


def same_for_all(rule: Rule) -> Callable[[str, int], Rule]:
    """Return a choice of one rule for all layers with weights."""
    return lambda name, depth: rule


def composite(dense: Rule, convolution: Rule, first: Rule | None = None) -> Callable[[str, int], Rule]:
    """Return a choice by what a layer is."""

    def choose(name: str, depth: int) -> Rule:
        if first is not None and depth == 1:
            return first
        return dense if name == "Dense" else convolution

    return choose
