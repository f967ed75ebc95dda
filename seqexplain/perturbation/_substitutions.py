"""Every other base at every position: the effects of all substitutions in a stretch of each sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array
from seqexplain.perturbation._scorer import BoundSequences

BASES = np.eye(4, dtype=np.float32)
OTHERS = np.array([[b for b in range(4) if b != a] for a in range(4)])  # the three other bases, of each


def check_span(start: Any, end: Any, length: int) -> tuple[int, int]:
    """Return first and end position of a stretch of a sequence of `length` bp.

    Raises
    ------
    ParameterError
        When they are no positions, or the stretch is empty or leaves the sequence.
    """
    for name, value in (("start", start), ("end", length if end is None else end)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise ParameterError(f"{name}={value!r} is no position; give a whole number from 0 to {length}.")
    first, last = int(start), length if end is None else int(end)
    if not 0 <= first < last <= length:
        raise ParameterError(
            f"start={first}, end={last} is no stretch of a sequence of {length} bp; positions count from 0, and "
            f"0 ≤ start < end ≤ {length}."
        )
    return first, last


def is_base(x: Array) -> Array:
    """Return which rows of `(…, 4)` are one base: neither unknown nor a mixture of bases."""
    found: Array = (x == 1).any(axis=-1) & ((x != 0).sum(axis=-1) == 1)
    return found


def substitution_effects(bound: BoundSequences, start: int, end: int) -> Array:
    """Return `(n, t, L, 4)` float32: the targets with each base at each position, less those of the sequence.

    Parameters
    ----------
    bound
        The sequences.
    start, end
        Where to substitute; effects elsewhere are 0, and so are those of the observed base. Where a sequence has no
        base (N), all four are put.
    """
    n, length = bound.X.shape[:2]
    effects = np.zeros((n, bound.base.shape[1], length, 4), dtype=np.float32)
    x = bound.X[:, start:end]
    known = is_base(x)
    # two calls, for the number of alternatives is part of what is compiled
    for places in (known, ~known):
        rows, positions = np.nonzero(places)
        if not len(rows):
            continue
        observed = x[rows, positions].argmax(axis=-1)
        bases = OTHERS[observed] if places is known else np.tile(np.arange(4), (len(rows), 1))
        found = bound.effects(rows, start + positions, BASES[bases][:, :, None])
        # the axes that are indexed come first: (edits, bases, targets)
        effects[rows[:, None], :, start + positions[:, None], bases] = found
    return effects
