"""Brings a map over the positions of a hidden layer to the length of the sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqexplain.attribution._positions import NEAR, Shapes, centres
from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array
from seqexplain.models.graph import Graph, WeightList

SAME = 1e-3  # bp; positions closer than this have one centre


@dataclass(frozen=True, eq=False)
class Places:
    """Where the positions of a layer are in the sequence.

    Attributes
    ----------
    axis
        Of the layer's spatial axes, the one along the sequence.
    at
        In bp from the start of the sequence, one for each position, rising or (on the other strand) falling.
    length
        Of the sequence, in bp.
    """

    axis: int
    at: Array
    length: int

    def spread(self, found: Array, interpolation: str) -> Array:
        """Bring a map `(…, positions)` to `(…, length)`: linear between positions, constant beyond the outermost."""
        order = np.argsort(self.at)
        at, found = self.at[order], found[..., order]
        bases = np.arange(self.length)
        high = np.clip(np.searchsorted(at, bases), min(1, len(at) - 1), len(at) - 1)
        low = np.maximum(high - 1, 0)
        gap = np.where(high > low, at[high] - at[low], 1.0)
        share = np.clip((bases - at[low]) / gap, 0.0, 1.0)
        if interpolation == "nearest":
            share = np.where(share > 0.5, 1.0, 0.0)
        share = share.astype(np.float32)
        spread: Array = found[..., low] * (1 - share) + found[..., high] * share
        return spread


def places_of(
    graph: Graph, value: int, shapes: Shapes, weights: WeightList, layer: str, *, turned: bool = False
) -> Places:
    """Return where the positions of a layer are.

    Parameters
    ----------
    graph, value, shapes, weights
        As for `centres`.
    layer
        Its name, for messages.
    turned
        Whether it reads the other strand, where centres cannot tell.

    Raises
    ------
    ParameterError
        When it cannot be told which axis is the sequence's, or when that is the last one.
    """
    shape, length = tuple(shapes[value]), shapes[graph.inputs[0]][0]
    centre = centres(graph, value, shapes, weights)
    spatial = shape[:-1]
    allowed = [SAME] * len(spatial) + [NEAR]
    along = [axis for axis, most in enumerate(allowed) if np.nanmax(_spread(centre, axis), initial=0.0) > most]
    if along == [len(shape) - 1] and spatial != (1,) * len(spatial):
        raise ParameterError(
            f"The layer {layer!r} gives {shape} with the positions last; a map needs (positions, channels). Choose the "
            "layer before its axes are exchanged."
        )
    if len(along) == 1 and along[0] < len(spatial) and np.isfinite(centre).all():
        axis = along[0]
        line = np.moveaxis(centre, axis, 0).reshape(shape[axis], -1).mean(axis=1)
        steps = np.diff(line)
        if (steps > -SAME).all() or (steps < SAME).all():
            return Places(axis, _apart(line), length)
    return _even(spatial, length, layer, turned)


def _spread(centre: Array, axis: int) -> Array:
    """Return how far apart an axis' centres are."""
    spread: Array = np.max(centre, axis=axis) - np.min(centre, axis=axis)
    return spread


def _apart(line: Array) -> Array:
    """Set positions with one centre (after up-sampling) apart, evenly over the room that they have."""
    first = np.flatnonzero(np.abs(np.diff(line, prepend=np.inf)) > SAME)
    many = np.diff(first, append=len(line))
    room = np.repeat(np.gradient(line[first]), many)
    place = np.arange(len(line)) - np.repeat(first, many)
    many = np.repeat(many, many)
    apart: Array = line + room * ((place + 0.5) / many - 0.5)
    return apart


def _even(spatial: Sequence[int], length: int, layer: str, turned: bool) -> Places:
    """Spread positions whose places are not known evenly over the sequence."""
    axes = [axis for axis, n in enumerate(spatial) if n != 1] or [0]
    if len(axes) > 1:
        raise ParameterError(
            f"The layer {layer!r} has two axes of positions, {tuple(spatial)}, and layers before it mix them so that "
            "neither is the sequence's. Choose an earlier layer."
        )
    n = spatial[axes[0]]
    at = (np.arange(n) + 0.5) * length / n - 0.5
    return Places(axes[0], at[::-1].copy() if turned else at, length)
