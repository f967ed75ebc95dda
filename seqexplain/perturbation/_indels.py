"""Sequences with bases lost or put in: which part stays in its place, and what comes in at the ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._checks import check_count
from seqexplain.perturbation._finite import DIFFERENCE
from seqexplain.perturbation._scorer import BoundSequences
from seqexplain.perturbation._substitutions import BASES
from seqexplain.sequences import one_hot
from seqexplain.sequences.streams import stream

KEEPS = ("left", "right", "center", None)
FILLS = ("unknown", "random")


def check_keep(keep: Any, model: SequenceModel, target: Any, level: str, length: int, change: int) -> None:
    """Raise unless edited sequences fit the model.

    Parameters
    ----------
    keep
        As the user gave it.
    model, target, level
        What is scored.
    length, change
        Of the sequences, and by how much edits change it where nothing mends that.

    Raises
    ------
    ParameterError
        For another rule, or for None where the model or the target needs one length.
    """
    if keep not in KEEPS:
        raise ParameterError(f'keep={keep!r} is not known; use "left", "right", "center" or None.')
    if keep is not None:
        return
    if model.length is not None:
        raise ParameterError(
            f'keep=None changes the length, and the model {model.name!r} reads {model.length} bp; use "left", "right" '
            'or "center".'
        )
    shapes = [
        [{v: w.shape for v, w in t.weights.items()} for t in model.targets(target, level=level, length=size)]
        for size in (length, length + change)
    ]
    if shapes[0] != shapes[1]:
        raise ParameterError(
            'keep=None changes the length, and a target has positions, which would mean other bases then; use "left", '
            '"right" or "center".'
        )


def check_deletion(size: Any, start: int, end: int, length: int) -> None:
    """Raise `ParameterError` unless `size` bases can be lost within a stretch of a sequence of `length` bp."""
    check_count("size", size)
    if size > end - start or size >= length:
        raise ParameterError(
            f"size={size} leaves nothing of the stretch of {end - start} bp from {start} to {end}, in sequences of "
            f"{length} bp; take a smaller one."
        )


def stays_right(keep: str | None, middles: Array, length: int) -> Array:
    """Return where what is right of an edit stays in its place, and what is left of it moves.

    Parameters
    ----------
    keep
        `"left"`, `"right"`, or `"center"`: the middle of the sequence stays, so that what is left of it moves the left
        part.
    middles
        Of the edits, in bases from the left end.
    length
        Of the sequences.
    """
    if keep == "center":
        return np.asarray(middles < length / 2)
    return np.full(len(middles), keep == "right")


def ends(fill: Any, bound: BoundSequences, X: Array, size: int, seed: int) -> tuple[Array, Array]:
    """Return what comes in from the left and from the right, `(n, size, 4)` each, as the model sees it.

    Parameters
    ----------
    fill
        `"unknown"`, `"random"`, or what flanks the sequences: a pair `(left, right)`, each strings or an array
        `(n, size or more, 4)`, or None for an end that is not filled.
    bound, X
        The sequences.
    size
        Bases that are lost.
    seed
        Of random bases.

    Raises
    ------
    ParameterError
        When it is none of these.
    ShapeError
        When flanks are too short, or not one for each sequence.
    """
    nothing = np.zeros((len(X), size, 4), dtype=np.float32)
    if isinstance(fill, str):
        if fill == "unknown":
            given = [nothing, nothing]
        elif fill == "random":
            drawn = [stream(seed, "deletions", x).integers(0, 4, (2, size)) for x in bound.X]
            given = [np.stack([BASES[one[k]] for one in drawn]) if drawn else nothing for k in (0, 1)]
        else:
            raise ParameterError(
                f'fill={fill!r} is not known; use "unknown", "random", or a pair of what flanks the sequences, '
                "(left, right)."
            )
    else:
        if not isinstance(fill, (tuple, list)) or len(fill) != 2:
            raise ParameterError(
                f'fill is {type(fill).__name__}; expected "unknown", "random", or a pair of what flanks the '
                "sequences, (left, right)."
            )
        given = [
            nothing if flank is None else _flank(flank, side, len(X), size)
            for flank, side in zip(fill, ("left", "right"), strict=True)
        ]
    left, right = (bound.scorer.model.fill_unknown(flank.astype(np.float32)) for flank in given)
    return left[:, left.shape[1] - size :], right[:, :size]


def _flank(flank: Any, side: str, n: int, size: int) -> Array:
    strings = isinstance(flank, (list, tuple)) and all(isinstance(one, str) for one in flank)
    array = one_hot(list(flank)) if strings else np.asarray(flank)
    if array.ndim != 3 or array.shape[0] != n or array.shape[2] != 4 or array.shape[1] < size:
        raise ShapeError(
            f"The {side} flanks have shape {array.shape}; expected ({n}, {size} or more, 4): one for each sequence, "
            "the bases that follow on it."
        )
    return array


def without(extended: Array, positions: Array, size: int, *, move_left: Array, length: int) -> Array:
    """Return sequences that have lost `size` bases at a position each, `(m, length, 4)`.

    Parameters
    ----------
    extended
        `(m, size + L + size, 4)`: the sequences between what comes in from both ends.
    positions
        `(m,)`: the first base that is lost, counted in the sequence.
    size
        Bases that are lost.
    move_left
        `(m,)` bool: whether the part left of the deletion moves, and bases come in from the left.
    length
        Of the result: L, or L − size where nothing comes in.
    """
    place = np.where(move_left, 0, size)[:, None] + np.arange(length)
    place = place + size * (place >= size + positions[:, None])
    return np.asarray(np.take_along_axis(extended, place[..., None], axis=1))


def with_inserted(x: Array, inserted: Array, positions: Array, *, move_left: Array, length: int) -> Array:
    """Return sequences with bases put in before a position each, `(m, length, 4)`; what is pushed out is lost.

    Parameters
    ----------
    x
        `(m, L, 4)`.
    inserted
        `(m, size, 4)`.
    positions
        `(m,)`: the base before which they are put.
    move_left
        `(m,)` bool: whether the part left of the insertion moves, and bases are lost at the left end.
    length
        Of the result: L, or L + size where nothing is lost.
    """
    size = inserted.shape[1]
    place = np.where(move_left, size, 0)[:, None] + np.arange(length)
    behind = place - positions[:, None]  # 0 at the first base that is put in
    source = np.where(behind < 0, place, np.where(behind < size, x.shape[1] + behind, place - size))
    return np.asarray(np.take_along_axis(np.concatenate([x, inserted], axis=1), source[..., None], axis=1))


def deleted(bound: BoundSequences, positions: Array, size: int, keep: str | None, flanks: tuple[Array, Array]) -> Array:
    """Return `(n, t, p)` float32: the effects of losing `size` bases from each of the `positions` `(p,)` on.

    `flanks` are what comes in from the left and from the right, `(n, size, 4)` each; `keep` is what stays.
    """
    n, length = bound.X.shape[:2]
    extended = np.concatenate([flanks[0], bound.X, flanks[1]], axis=1)
    moving = stays_right(keep, positions + size / 2, length)
    rows, place = (a.ravel() for a in np.indices((n, len(positions))))

    def make(part: slice) -> Array:
        return without(
            extended[rows[part]],
            positions[place[part]],
            size,
            move_left=moving[place[part]],
            length=length - size if keep is None else length,
        )

    effects = score_in_batches(bound, rows, make).reshape(n, len(positions), bound.base.shape[1])
    return np.ascontiguousarray(effects.transpose(0, 2, 1))


def put_in(bound: BoundSequences, positions: Array, inserted: Array, keep: str | None) -> Array:
    """Return `(n, t, p, k)` float32: the effects of `inserted` `(n, k, w, 4)` before each of the `positions` `(p,)`."""
    n, length = bound.X.shape[:2]
    k, width = inserted.shape[1:3]
    moving = stays_right(keep, positions, length)
    rows, place, which = (a.ravel() for a in np.indices((n, len(positions), k)))

    def make(part: slice) -> Array:
        return with_inserted(
            bound.X[rows[part]],
            inserted[rows[part], which[part]],
            positions[place[part]],
            move_left=moving[place[part]],
            length=length + width if keep is None else length,
        )

    effects = score_in_batches(bound, rows, make).reshape(n, len(positions), k, bound.base.shape[1])
    return np.ascontiguousarray(effects.transpose(0, 3, 1, 2))


@DIFFERENCE
def score_in_batches(bound: BoundSequences, rows: Array, make: Callable[[slice], Array]) -> Array:
    """Return `(m, t)` float32: the effects of sequences that are made some at a time.

    Parameters
    ----------
    bound
        The sequences as they are.
    rows
        `(m,)`: which of them each was made of.
    make
        Returns some of them, `(…, L, 4)`.
    """
    effects = np.zeros((len(rows), bound.base.shape[1]), dtype=np.float32)
    size = bound.scorer.batch_of(len(rows))
    for low in range(0, len(rows), size):
        part = slice(low, min(low + size, len(rows)))
        effects[part] = bound.whole(make(part), rows[part]) - bound.base[rows[part]]
    return effects


def read_inserts(inserts: Any, X: Array, size: int, n_samples: int, seed: int) -> Array:
    """Return what is put into each sequence, `(n, k, size, 4)`.

    Parameters
    ----------
    inserts
        `"random"`, strings of one length, or an array `(k, size, 4)` or `(n, k, size, 4)`.
    X
        The sequences, as the model sees them.
    size, n_samples, seed
        Of random bases.

    Raises
    ------
    ParameterError, ShapeError
        When it is none of these.
    """
    if isinstance(inserts, str):
        if inserts != "random":
            raise ParameterError(
                f'inserts={inserts!r} is not known; use "random", a list of strings of one length such as '
                f'["{inserts}"], or an array (k, size, 4).'
            )
        drawn = [stream(seed, "insertions", x).integers(0, 4, (n_samples, size)) for x in X]
        return np.stack([BASES[one] for one in drawn]) if drawn else np.zeros((0, n_samples, size, 4), np.float32)
    array = one_hot(list(inserts)) if _strings(inserts) else np.asarray(inserts)
    if array.ndim == 3:
        array = np.broadcast_to(array, (len(X), *array.shape))
    if array.ndim != 4 or array.shape[0] != len(X) or array.shape[3] != 4 or 0 in array.shape[1:3]:
        raise ShapeError(
            f"inserts have shape {np.shape(inserts)}; expected (k, size, 4), or ({len(X)}, k, size, 4) with those of "
            "each sequence, or a list of strings of one length."
        )
    return np.asarray(array, dtype=np.float32)


def _strings(inserts: Any) -> bool:
    return isinstance(inserts, Sequence) and len(inserts) > 0 and all(isinstance(one, str) for one in inserts)
