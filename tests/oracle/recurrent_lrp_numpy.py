"""Relevance through recurrent layers in float64 NumPy, unrolled over time (Arras et al. 2017 and 2019).

Forward passes and weights are those of `recurrent_numpy`. Backwards, gates are constants: of `gate · signal` the signal
gets all. Everything that is added shares in proportion, R_i = a_i / (z + ε sign z) · R with z = Σ a_i (+ bias); tanh
passes R as it is. ε is `epsilon` times the root mean square of z, for every sum by itself; 0 is the rule "z".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oracle.recurrent_numpy import Gru, Lstm, Simple

Array = np.ndarray


class Relevance:
    """One way back through a layer; `absorbed` grows by what no input gets."""

    def __init__(self, layer: Any, epsilon: float) -> None:
        self.layer, self.epsilon, self.absorbed = layer, epsilon, 0.0

    def quotient(self, R: Array, z: Array) -> Array:
        below = z + np.where(z >= 0, 1.0, -1.0) * self.epsilon * np.sqrt((z**2).mean())
        return np.where(below == 0, 0.0, R / np.where(below == 0, 1.0, below))

    def shared(self, R: Array, terms: Sequence[Array], bias: Array | float = 0.0) -> list[Array]:
        s = self.quotient(R, sum(terms) + bias)
        parts = [t * s for t in terms]
        self.absorbed += (R - sum(parts)).sum()
        return parts

    def through(self, R: Array, a: Array, W: Array, bias: Array | float = 0.0) -> Array:
        """Back through a W + bias."""
        found = a * (W @ self.quotient(R, a @ W + bias))
        self.absorbed += R.sum() - found.sum()
        return found

    def of_sequence(self, x: Array, R: Array) -> Array:
        """Relevance of the sequence from that of all outputs, `(T, units)`."""
        steps = {Lstm: self._lstm, Gru: self._gru, Simple: self._simple}[type(self.layer)]
        at, n = self.layer.run(x), len(self.layer.U)
        found = np.zeros_like(x)
        carried: tuple[Array, ...] = (np.zeros(n), np.zeros(n))
        for t in reversed(range(len(x))):
            h_old = at["h"][t - 1] if t else np.zeros(n)
            now = {k: v[t] for k, v in at.items()}
            found[t], *carried = steps(x[t], h_old, now, carried[0] + R[t], *carried[1:])
        self.absorbed += sum(c.sum() for c in carried)
        return found

    def _lstm(self, x: Array, h: Array, at: dict[str, Array], R_h: Array, R_c: Array) -> tuple[Array, ...]:
        own, n = self.layer, len(h)
        sigma, tau = own.gate[0], own.act[0]
        R_c, R_g = self.shared(R_c + R_h, [sigma(at["zf"]) * at["c_old"], sigma(at["zi"]) * tau(at["zg"])])
        R_z = np.concatenate([np.zeros(2 * n), R_g, np.zeros(n)])
        terms = [x @ own.W, h @ own.U]
        if own.b.any():
            (R_z,) = self.shared(R_z, [sum(terms)], own.b)
        R_in, R_old = self.shared(R_z, terms)
        return self.through(R_in, x, own.W), self.through(R_old, h, own.U), R_c

    def _gru(self, x: Array, h: Array, at: dict[str, Array], R_h: Array, _: Array) -> tuple[Array, ...]:
        own, n = self.layer, len(h)
        sigma, tau = own.gate[0], own.act[0]
        u, r = sigma(at["zu"]), sigma(at["zr"])
        R_kept, R_n = self.shared(R_h, [u * h, (1.0 - u) * tau(at["zn"])])
        none = np.zeros(2 * n)
        a = x @ own.W + own.b
        if own.d is None:
            U_n = own.U[:, 2 * n :]
            R_in, R_reset = self.shared(R_n, [a[2 * n :], (r * h) @ U_n])
            R_old = self.through(R_reset, r * h, U_n)
        else:
            R_in, R_reset = self.shared(R_n, [a[2 * n :], r * at["s"]])
            R_old = self.through(np.concatenate([none, R_reset]), h, own.U, own.d)
        return self.through(np.concatenate([none, R_in]), x, own.W, own.b), R_kept + R_old, np.zeros(n)

    def _simple(self, x: Array, h: Array, at: dict[str, Array], R_h: Array, _: Array) -> tuple[Array, ...]:
        own = self.layer
        R_in, R_old = self.shared(R_h, [x @ own.W + own.b, h @ own.U])
        return self.through(R_in, x, own.W, own.b), self.through(R_old, h, own.U), np.zeros(len(h))
