"""Where gradients on a path are taken, and how they are weighted."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import numpy as np

from seqexplain.models.backend import Array

QUADRATURES = ("gauss-legendre", "midpoint")
PANEL_NODES = 4  # gradients in each stretch of an adaptive path
FIRST_STEPS = 4 * PANEL_NODES  # an adaptive path begins with four stretches
REFINED = 0.25  # of the stretches are halved in a round: those with the largest errors
MIN_WIDTH = 2.0**-18  # of a stretch; points nearer to each other than that are rounding noise in float32


def nodes(quadrature: str, n: int) -> tuple[Array, Array]:
    """Return places `(n,)` in [0, 1] and weights `(n,)` that sum to 1."""
    if quadrature == "midpoint":
        return (np.arange(n) + 0.5) / n, np.full(n, 1.0 / n)
    places, weights = np.polynomial.legendre.leggauss(n)
    return (places + 1) / 2, weights / 2


class Stretch:
    """A part [start, end] of a path, with the scores at its ends.

    Attributes
    ----------
    integral
        ∫ ∇f dα over it, by quadrature `(L, 4)`; empty before it is computed.
    error
        Of the integral along the path: Σ integral · (x − reference) − (f(end) − f(start)).
    """

    __slots__ = ("end", "error", "f_end", "f_start", "integral", "start")

    def __init__(self, start: float, end: float, f_start: float, f_end: float) -> None:
        self.start, self.end, self.f_start, self.f_end = start, end, f_start, f_end
        self.integral: Array = np.zeros(0)
        self.error = 0.0

    @property
    def middle(self) -> float:
        """Where it is cut in two."""
        return (self.start + self.end) / 2


class AdaptivePath:
    """The integral of the gradient along one path, finer where it has to be.

    Scores at the ends of a stretch tell its integral along the path exactly, so the error of each is known and not
    estimated. Where the whole is not near enough, the stretches that are worst are cut in two.

    Parameters
    ----------
    direction
        x − reference `(L, 4)`.
    scores
        At the reference, in the middle of the path, and at x.
    holds
        `holds(error, magnitude)`: whether the whole is near enough; the magnitude is Σ |c| over positions.
    max_steps
        Gradients that may be taken.
    """

    def __init__(
        self,
        direction: Array,
        scores: tuple[float, float, float],
        holds: Callable[[float, float], bool],
        max_steps: int,
    ) -> None:
        self._direction = direction.astype(np.float64)
        self._holds = holds
        self._max_steps = max_steps
        low, middle, high = scores
        self._stretches: list[Stretch] = []
        self._total = np.zeros_like(self._direction)
        self.steps = 0
        self.wanted = [Stretch(0.0, 0.5, low, middle), Stretch(0.5, 1.0, middle, high)]

    def cut(self, stretch: Stretch, f_middle: float, halves: Array) -> None:
        """Put the two halves of a wanted stretch in its place.

        Parameters
        ----------
        stretch
            One of `wanted`.
        f_middle
            The score in its middle.
        halves
            Integrals over both `(2, L, 4)`.
        """
        if stretch.integral.size:
            self._stretches.remove(stretch)
            self._total -= stretch.integral
        middle = stretch.middle
        ends = ((stretch.start, middle, stretch.f_start, f_middle), (middle, stretch.end, f_middle, stretch.f_end))
        for end, integral in zip(ends, halves, strict=True):
            half = Stretch(*end)
            half.integral = integral
            half.error = float((integral * self._direction).sum()) - (half.f_end - half.f_start)
            self._total += integral
            self._stretches.append(half)
        self.steps += 2 * PANEL_NODES

    def refine(self) -> None:
        """Say in `wanted` what to cut next; nothing where the integral is near enough or all steps are spent."""
        self.wanted = []
        error = sum(s.error for s in self._stretches)
        magnitude = float(np.abs((self._total * self._direction).sum(axis=-1)).sum())
        if self._holds(error, magnitude):
            return
        left = (self._max_steps - self.steps) // (2 * PANEL_NODES)
        worst = sorted(self._stretches, key=lambda s: (-abs(s.error), s.start))[: ceil(REFINED * len(self._stretches))]
        self.wanted = [s for s in worst if s.end - s.start > MIN_WIDTH][:left]

    def integral(self) -> Array:
        """Return ∫ ∇f dα over the whole path `(L, 4)`."""
        total = np.zeros_like(self._direction)
        for stretch in sorted(self._stretches, key=lambda s: s.start):
            total += stretch.integral
        return total.astype(np.float32)
