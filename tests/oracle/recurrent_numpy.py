"""DeepLIFT through recurrent layers in float64 NumPy, unrolled over time, from the layers' equations alone.

One time step of each layer is written out as its authors have it, forwards, and backwards with the multipliers' chain
rule: a sum passes its multiplier to each term, a matrix its transpose, an activation the secant Δy / Δz (the derivative
where Δz is 0), and a product a·b gives m·(b + b₀)/2 to a and m·(a + a₀)/2 to b, the mean over both orders of moving
from the reference.

LSTM (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000), gates in Keras' order i, f, g, o:
    z = x W + h U + b,  c' = σ(z_f) c + σ(z_i) τ(z_g),  h' = σ(z_o) τ(c').
GRU (Cho et al. 2014), gates in Keras' order u, r, n:
    u, r = σ(x W + h U + b),  n = τ(x W_n + b_n + (r h) U_n),  h' = u h + (1 − u) n,
or, with the reset after the product, n = τ(x W_n + b_n + r (h U_n + d_n)).
Sequences are `(T, channels)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
Function = tuple[Callable[[Array], Array], Callable[[Array], Array]]  # an activation and its derivative

NO_MOVE = 1e-10  # float64: a smaller difference is rounding


def _logistic(z: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-z))


SIGMOID: Function = (_logistic, lambda z: _logistic(z) * (1.0 - _logistic(z)))
TANH: Function = (np.tanh, lambda z: 1.0 - np.tanh(z) ** 2)
RELU: Function = (lambda z: np.maximum(z, 0.0), lambda z: (z > 0).astype(float))


def secant(f: Function, z: Array, z_0: Array) -> Array:
    """Δy / Δz of each element."""
    moved = np.abs(z - z_0) > NO_MOVE
    step = np.where(moved, z - z_0, 1.0)
    return np.where(moved, (f[0](z) - f[0](z_0)) / step, f[1](z_0))


def middle(pair: tuple[Array, Array]) -> Array:
    """Half way between x and reference."""
    return (pair[0] + pair[1]) / 2


@dataclass
class Lstm:
    """Weights `(channels, 4 units)`, `(units, 4 units)` and `(4 units,)`."""

    W: Array
    U: Array
    b: Array
    gate: Function = SIGMOID
    act: Function = TANH

    def run(self, x: Array) -> dict[str, Array]:
        n = len(self.U)
        h, c = np.zeros(n), np.zeros(n)
        rows: dict[str, list[Array]] = {k: [] for k in ("zi", "zf", "zg", "zo", "c_old", "c", "h")}
        for x_t in x:
            z = x_t @ self.W + h @ self.U + self.b
            zi, zf, zg, zo = z[:n], z[n : 2 * n], z[2 * n : 3 * n], z[3 * n :]
            c_old = c
            c = self.gate[0](zf) * c_old + self.gate[0](zi) * self.act[0](zg)
            h = self.gate[0](zo) * self.act[0](c)
            for k, v in {"zi": zi, "zf": zf, "zg": zg, "zo": zo, "c_old": c_old, "c": c, "h": h}.items():
                rows[k].append(v)
        return {k: np.array(v) for k, v in rows.items()}

    def multipliers(self, x: Array, r: Array, m: Array) -> Array:
        """Multipliers of the sequence, from those `(T, units)` of all outputs h."""
        at, at_0 = self.run(x), self.run(r)
        s, tau = self.gate[0], self.act[0]
        m_x, m_h, m_c = np.zeros_like(x, dtype=float), np.zeros(len(self.U)), np.zeros(len(self.U))
        for t in reversed(range(len(x))):
            pair = {k: (at[k][t], at_0[k][t]) for k in at}
            both = lambda f, k: middle((f(pair[k][0]), f(pair[k][1])))  # noqa: B023, E731 - used in this round only
            m_h = m_h + m[t]
            m_o = m_h * both(tau, "c")
            m_c = m_c + m_h * both(s, "zo") * secant(self.act, *pair["c"])
            m_i, m_g = m_c * both(tau, "zg"), m_c * both(s, "zi")
            m_f, m_c = m_c * middle(pair["c_old"]), m_c * both(s, "zf")
            parts = ((m_i, self.gate, "zi"), (m_f, self.gate, "zf"), (m_g, self.act, "zg"), (m_o, self.gate, "zo"))
            m_z = np.concatenate([v * secant(f, *pair[k]) for v, f, k in parts])
            m_x[t], m_h = self.W @ m_z, self.U @ m_z
        return m_x


@dataclass
class Gru:
    """Weights `(channels, 3 units)`, `(units, 3 units)`, the input's bias and, with the reset after, the state's."""

    W: Array
    U: Array
    b: Array
    d: Array | None = None
    gate: Function = SIGMOID
    act: Function = TANH

    def run(self, x: Array) -> dict[str, Array]:
        n = len(self.U)
        h = np.zeros(n)
        after = np.zeros(3 * n) if self.d is None else self.d
        rows: dict[str, list[Array]] = {k: [] for k in ("zu", "zr", "zn", "s", "h_old", "h")}
        for x_t in x:
            a, v = x_t @ self.W + self.b, h @ self.U + after
            zu, zr = a[:n] + v[:n], a[n : 2 * n] + v[n : 2 * n]
            r = self.gate[0](zr)
            # s: what the reset gate multiplies
            s = h if self.d is None else v[2 * n :]
            zn = a[2 * n :] + ((r * s) @ self.U[:, 2 * n :] if self.d is None else r * s)
            u, h_old = self.gate[0](zu), h
            h = u * h_old + (1.0 - u) * self.act[0](zn)
            for k, value in {"zu": zu, "zr": zr, "zn": zn, "s": s, "h_old": h_old, "h": h}.items():
                rows[k].append(value)
        return {k: np.array(v) for k, v in rows.items()}

    def multipliers(self, x: Array, r: Array, m: Array) -> Array:
        """Multipliers of the sequence, from those `(T, units)` of all outputs h."""
        at, at_0 = self.run(x), self.run(r)
        n = len(self.U)
        m_x, m_h = np.zeros_like(x, dtype=float), np.zeros(n)
        U_u, U_r, U_n = self.U[:, :n], self.U[:, n : 2 * n], self.U[:, 2 * n :]
        for t in reversed(range(len(x))):
            pair = {k: (at[k][t], at_0[k][t]) for k in at}
            both = lambda f, k: middle((f(pair[k][0]), f(pair[k][1])))  # noqa: B023, E731 - used in this round only
            m_h = m_h + m[t]
            u = both(self.gate[0], "zu")
            m_u = m_h * middle(pair["h_old"]) - m_h * both(self.act[0], "zn")
            m_n = m_h * (1.0 - u) * secant(self.act, *pair["zn"])
            m_h = m_h * u
            m_reset = U_n @ m_n if self.d is None else m_n  # of the product r·s
            m_r, m_s = m_reset * middle(pair["s"]), m_reset * both(self.gate[0], "zr")
            m_h = m_h + (m_s if self.d is None else U_n @ m_s)
            m_u, m_r = m_u * secant(self.gate, *pair["zu"]), m_r * secant(self.gate, *pair["zr"])
            m_h = m_h + U_u @ m_u + U_r @ m_r
            m_x[t] = self.W @ np.concatenate([m_u, m_r, m_n])
        return m_x


@dataclass
class Simple:
    """h' = τ(x W + h U + b)."""

    W: Array
    U: Array
    b: Array
    act: Function = TANH

    def run(self, x: Array) -> dict[str, Array]:
        h, z_all, h_all = np.zeros(len(self.U)), [], []
        for x_t in x:
            z = x_t @ self.W + h @ self.U + self.b
            h = self.act[0](z)
            z_all.append(z)
            h_all.append(h)
        return {"z": np.array(z_all), "h": np.array(h_all)}

    def multipliers(self, x: Array, r: Array, m: Array) -> Array:
        """Multipliers of the sequence, from those `(T, units)` of all outputs h."""
        at, at_0 = self.run(x), self.run(r)
        m_x, m_h = np.zeros_like(x, dtype=float), np.zeros(len(self.U))
        for t in reversed(range(len(x))):
            m_z = (m_h + m[t]) * secant(self.act, at["z"][t], at_0["z"][t])
            m_x[t], m_h = self.W @ m_z, self.U @ m_z
        return m_x
