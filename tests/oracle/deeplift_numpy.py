"""DeepLIFT's Rescale rule in float64 NumPy, slowly, from the paper's equations alone.

Shrikumar, Greenside & Kundaje (2017), section 3: a multiplier m(Δx, Δt) is a contribution divided by the difference
from reference, C(Δx, Δt) / Δx; multipliers obey a chain rule, m(Δx, Δt) = Σ_j m(Δx, Δy_j) m(Δy_j, Δt) (eq. 3).
Linear rule: m(Δx_i, Δy) = w_i (eqs. 6-9). Rescale rule: m(Δx, Δy) = Δy / Δx, and the derivative where Δx = 0
(eqs. 10-11). The paper has no rule for maxima. Here: with c = max(y, y_ref), the rise c − y_ref belongs to the
position that wins in x, and the fall y − c to the one that wins in the reference (of equals, the first).

A network is a list of steps over flat vectors. A linear step is its matrix, found by feeding unit vectors to a forward
function; no gradient is ever asked of a library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray

NO_MOVE = 1e-10  # float64: a smaller difference is rounding
STEP = 1e-5  # of the one-sided difference that stands for the derivative


@dataclass
class Affine:
    """`y = Σ_k M_k x_k + b`."""

    inputs: tuple[int, ...]
    matrices: list[Array]
    bias: Array

    def forward(self, values: Sequence[Array]) -> Array:
        return self.bias + sum(M @ values[i] for M, i in zip(self.matrices, self.inputs, strict=True))

    def back(self, x: Sequence[Array], r: Sequence[Array], m: Array) -> list[Array]:
        return [M.T @ m for M in self.matrices]


@dataclass
class Activation:
    """`y_i = f(x_i)`; `f` takes the whole vector, so that it may have parameters of each position."""

    inputs: tuple[int, ...]
    f: Callable[[Array], Array]

    def forward(self, values: Sequence[Array]) -> Array:
        return self.f(values[self.inputs[0]])

    def back(self, x: Sequence[Array], r: Sequence[Array], m: Array) -> list[Array]:
        a, b = x[self.inputs[0]], r[self.inputs[0]]
        # second-order difference from the left: at a kink the left derivative, as relu'(0) = 0
        slope = (3 * self.f(b) - 4 * self.f(b - STEP) + self.f(b - 2 * STEP)) / (2 * STEP)
        change = self.f(a) - self.f(b)
        for i in range(len(a)):
            if abs(a[i] - b[i]) > NO_MOVE:
                slope[i] = change[i] / (a[i] - b[i])
        return [m * slope]


@dataclass
class Largest:
    """`y_o` is the largest of some entries of the inputs, laid end to end; `sign=-1`: the smallest."""

    inputs: tuple[int, ...]
    windows: list[list[int]]
    sign: float = 1.0
    winner_takes_all: bool = False  # the original package's rule: m to the winner at x, whatever it did

    def forward(self, values: Sequence[Array]) -> Array:
        flat = self.sign * np.concatenate([values[i] for i in self.inputs])
        return self.sign * np.array([flat[w].max() for w in self.windows])

    def back(self, x: Sequence[Array], r: Sequence[Array], m: Array) -> list[Array]:
        a = self.sign * np.concatenate([x[i] for i in self.inputs])
        b = self.sign * np.concatenate([r[i] for i in self.inputs])
        result = np.zeros(len(a))
        for o, w in enumerate(self.windows):
            at_x, at_r = w[int(np.argmax(a[w]))], w[int(np.argmax(b[w]))]
            if self.winner_takes_all:
                result[at_x] += m[o]
                continue
            top = max(a[at_x], b[at_r])
            rise, fall = top - b[at_r], a[at_x] - top
            if abs(rise) <= NO_MOVE and abs(fall) <= NO_MOVE:
                if abs(a[at_x] - b[at_x]) <= NO_MOVE:
                    result[at_x] += m[o]  # nothing moves: the derivative
                continue
            if rise > 0:
                result[at_x] += m[o] * rise / (a[at_x] - b[at_x])
            if fall < 0:
                result[at_r] += m[o] * fall / (a[at_r] - b[at_r])
        sizes = np.cumsum([len(x[i]) for i in self.inputs])[:-1]
        return np.split(result, sizes)


class Network:
    """Steps over flat vectors; a value's number is its place. Shapes are kept so that layers can be described."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.steps: dict[int, Affine | Activation | Largest] = {}

    def input(self, shape: Sequence[int]) -> int:
        self.shapes.append(tuple(shape))
        return len(self.shapes) - 1

    def affine(self, f: Callable[..., Array], *inputs: int) -> int:
        """Add an affine step; `f` takes and returns arrays in their own shapes, of one example."""
        zeros = [np.zeros(self.shapes[i]) for i in inputs]
        bias = np.asarray(f(*zeros), dtype=np.float64)
        matrices = []
        for k, zero in enumerate(zeros):
            columns = []
            for j in range(zero.size):
                unit = np.zeros(zero.size)
                unit[j] = 1.0
                given = [*zeros[:k], unit.reshape(zero.shape), *zeros[k + 1 :]]
                columns.append((np.asarray(f(*given)) - bias).ravel())
            matrices.append(np.stack(columns, axis=1))
        return self._add(Affine(tuple(inputs), matrices, bias.ravel()), bias.shape)

    def activation(self, f: Callable[[Array], Array], value: int) -> int:
        return self._add(Activation((value,), f), self.shapes[value])

    def largest(
        self,
        inputs: Sequence[int],
        windows: list[list[int]],
        shape: Sequence[int],
        *,
        sign: float = 1.0,
        winner_takes_all: bool = False,
    ) -> int:
        return self._add(Largest(tuple(inputs), windows, sign, winner_takes_all), tuple(shape))

    def _add(self, step: Affine | Activation | Largest, shape: tuple[int, ...]) -> int:
        value = self.input(shape)
        self.steps[value] = step
        return value

    def run(self, *inputs: Array) -> list[Array]:
        """Return all values, flat, from the inputs (in the order in which they were added)."""
        given = iter(inputs)
        values: list[Array] = []
        for i in range(len(self.shapes)):
            values.append(
                self.steps[i].forward(values) if i in self.steps else np.ravel(next(given)).astype(np.float64)
            )
        return values

    def forward(self, head: int, *inputs: Array) -> Array:
        return self.run(*inputs)[head].reshape(self.shapes[head])

    def multipliers(
        self, x: Sequence[Array], reference: Sequence[Array], head: int, index: int, sequence: int = 0
    ) -> Array:
        """Return m of the value `sequence` for one unit of a head, in the sequence's shape."""
        at_x, at_r = self.run(*x), self.run(*reference)
        m = [np.zeros(int(np.prod(s))) for s in self.shapes]
        m[head][index] = 1.0
        for value in sorted(self.steps, reverse=True):
            step = self.steps[value]
            if m[value].any():
                for i, part in zip(step.inputs, step.back(at_x, at_r, m[value]), strict=True):
                    m[i] = m[i] + part
        return m[sequence].reshape(self.shapes[sequence])

    def deeplift(
        self, x: Array, references: Array, head: int, index: int, extra: Sequence[Array] = ()
    ) -> tuple[Array, Array]:
        """Return hypothetical scores `(L, 4)`, the mean over references `(r, L, 4)`, and Σ m·(x − ref) of each.

        `extra` are the inputs after the sequence, the same at x and at the reference.
        """
        scores, sums = [], []
        for reference in references:
            m = self.multipliers([x, *extra], [reference, *extra], head, index)
            scores.append(m - (m * reference).sum(axis=1, keepdims=True))
            sums.append((m * (np.asarray(x, dtype=np.float64) - reference)).sum())
        return np.mean(scores, axis=0), np.array(sums)
