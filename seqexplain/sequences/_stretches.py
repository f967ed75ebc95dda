"""The arithmetic of Markov chains over stretches whose flanks are known; all stretches at a time.

A context is the number of the last k bases, of which the last counts units; contexts with fewer known bases are those
with A before them, and tables are repeated so that it makes no difference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.sequences.encoding import UNKNOWN

Array = NDArray[Any]


def known_before(codes: Array, order: int) -> Array:
    """Return how many known bases, at most `order`, stand directly before each position of `(n, L)` base codes."""
    place = np.arange(codes.shape[1])
    last_unknown = np.maximum.accumulate(np.where(codes == UNKNOWN, place, -1), axis=1)
    before = np.zeros(codes.shape, dtype=np.intp)
    before[:, 1:] = place[:-1] - last_unknown[:, :-1]
    return np.minimum(before, order)


def context_of(codes: Array, order: int) -> Array:
    """Return the number of the `order` bases before each position of `(n, L)` base codes; unknown ones count as A."""
    bases = np.where(codes == UNKNOWN, 0, codes).astype(np.intp)
    context = np.zeros(codes.shape, dtype=np.intp)
    for back in range(1, min(order, codes.shape[1]) + 1):
        context[:, back:] += bases[:, : codes.shape[1] - back] * 4 ** (back - 1)
    return context


def given_flanks(tables: Array, rows: Array, around: Array, width: int) -> Array:
    """Return how likely each base is in a stretch after each context, together with everything that comes after it.

    Parameters
    ----------
    tables
        `(models, order + 1, 4**order, 4)`: probabilities of each base, by known bases before it and by context.
    rows
        `(m,)`: which of the models each stretch follows.
    around
        `(m, order + width + order)` base codes: the stretch and its flanks, unknown where nothing is known.
    width
        Of the stretches.

    Returns
    -------
    numpy.ndarray
        `(m, width, 4**order, 4)`, each row proportional to P(base | context before, right flank).
    """
    order, contexts = tables.shape[1] - 1, tables.shape[2]
    before = known_before(around, order)
    following = (4 * np.arange(contexts)[:, None] + np.arange(4)) % contexts
    steps = np.ones((len(around), width, contexts, 4))
    message = np.ones((len(around), contexts))  # P(what comes after | context), up to a factor
    for place in range(around.shape[1] - 1, order - 1, -1):
        known = around[:, place] != UNKNOWN
        joint = tables[rows, before[:, place]] * message[:, following]
        if place < order + width:
            steps[:, place - order] = joint
            passed = joint.sum(axis=2)
        else:
            base = np.where(known, around[:, place], 0)
            passed = np.take_along_axis(joint, base[:, None, None], axis=2)[:, :, 0]
        message = np.where(known[:, None], passed, message)
        message /= message.max(axis=1, keepdims=True)
    return steps


def sample_stretches(steps: Array, around: Array, uniform: Array) -> Array:
    """Draw stretches.

    Parameters
    ----------
    steps, around
        As above.
    uniform
        `(m, n, width)` random numbers from 0 to 1.

    Returns
    -------
    numpy.ndarray
        `(m, n, width)` uint8 base codes; unknown bases stay.
    """
    n_stretches, n, width = uniform.shape
    contexts = steps.shape[2]
    context = np.repeat(_context_before(around, width)[:, None], n, axis=1)
    drawn = np.empty(uniform.shape, dtype=np.uint8)
    each = np.arange(n_stretches)[:, None]
    for j in range(width):
        reached = np.cumsum(steps[each, j, context], axis=2)
        base = (uniform[:, :, j, None] * reached[:, :, -1:] >= reached[:, :, :-1]).sum(axis=2)
        known = around[:, _order(around, width) + j, None] != UNKNOWN
        drawn[:, :, j] = np.where(known, base, UNKNOWN)
        context = np.where(known, 4 * context + base, 0) % contexts
    return drawn


def enumerate_stretches(steps: Array, around: Array) -> Array:
    """Return the probability of every stretch, `(m, 4**width)` float64, in alphabetic order.

    Where a base is unknown, stretches with another than A there have probability 0.
    """
    width, contexts = steps.shape[1], steps.shape[2]
    stretches = stretch_codes(width)
    context = np.repeat(_context_before(around, width)[:, None], len(stretches), axis=1)
    probability = np.ones((len(around), len(stretches)))
    each = np.arange(len(around))[:, None]
    for j in range(width):
        base = stretches[:, j].astype(np.intp)
        step = steps[each, j, context]
        share = np.take_along_axis(step, base[None, :, None], axis=2)[:, :, 0] / step.sum(axis=2)
        known = around[:, _order(around, width) + j, None] != UNKNOWN
        probability *= np.where(known, share, base == 0)
        context = np.where(known, 4 * context + base, 0) % contexts
    return probability


def stretch_codes(width: int) -> Array:
    """Return all stretches in alphabetic order, `(4**width, width)` uint8."""
    place = 4 ** np.arange(width - 1, -1, -1)
    return ((np.arange(4**width)[:, None] // place) % 4).astype(np.uint8)


def _order(around: Array, width: int) -> int:
    return (int(around.shape[1]) - width) // 2


def _context_before(around: Array, width: int) -> Array:
    order = _order(around, width)
    return context_of(around[:, : order + 1], order)[:, order]
