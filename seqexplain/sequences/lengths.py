"""One policy for sequences whose length is not the wanted one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, get_args, overload

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError, SequenceError, ShapeError
from seqexplain.results import Interval
from seqexplain.sequences.records import SequenceRecord

LengthPolicy = Literal["error", "crop", "pad", "crop-or-pad"]


@overload
def fit_length(sequence: str, length: int, *, policy: LengthPolicy = "error") -> str: ...
@overload
def fit_length(sequence: SequenceRecord, length: int, *, policy: LengthPolicy = "error") -> SequenceRecord: ...
@overload
def fit_length(sequence: NDArray[Any], length: int, *, policy: LengthPolicy = "error") -> NDArray[Any]: ...
def fit_length(
    sequence: str | SequenceRecord | NDArray[Any], length: int, *, policy: LengthPolicy = "error"
) -> str | SequenceRecord | NDArray[Any]:
    """Bring a sequence to a length.

    Parameters
    ----------
    sequence
        A string, a record, or an array `(…, L, 4)`.
    length
        Bases wanted.
    policy
        `"error"` raises where the length differs; `"crop"` cuts longer ones around their centre; `"pad"` puts
        N (zero rows in an array) on both sides of shorter ones; `"crop-or-pad"` does whichever is needed. The
        base at index `L // 2` comes to index `length // 2` in each case, so a crop undoes a pad.

    Returns
    -------
    str, SequenceRecord or ndarray
        As given; an array is `(…, length, 4)`. A record's interval goes with its bases, on either strand; that of a
        padded one may run off its chromosome.

    Raises
    ------
    SequenceError
        Where the policy does not allow what is needed (a string or a record, whose source is named).
    ShapeError
        Likewise for an array.
    ParameterError
        For another policy, a length below 1, or another type of sequence.

    Examples
    --------
    >>> fit_length("AACGTT", 4, policy="crop")
    'ACGT'
    >>> fit_length("CG", 6, policy="pad")
    'NNCGNN'
    """
    if policy not in get_args(LengthPolicy):
        choices = ", ".join(repr(kind) for kind in get_args(LengthPolicy))
        raise ParameterError(f"policy is {policy!r}; expected one of {choices}.")
    if isinstance(length, bool) or not isinstance(length, int | np.integer) or length < 1:
        raise ParameterError(f"length is {length!r}; expected a whole number of at least 1.")
    if isinstance(sequence, str):
        return _fit_string(sequence, int(length), policy, "The sequence")
    if isinstance(sequence, SequenceRecord):
        origin = f"{sequence.source}: {sequence.name!r}" if sequence.source else f"Sequence {sequence.name!r}"
        bases = _fit_string(sequence.sequence, int(length), policy, origin)
        interval = sequence.interval
        if interval is not None:
            interval = _moved(interval, left_surplus(len(sequence.sequence), int(length)), int(length))
        return replace(sequence, sequence=bases, interval=interval)
    if not hasattr(sequence, "__array__"):
        raise ParameterError(
            f"Received {type(sequence).__name__}; expected a string, a SequenceRecord or an array (…, length, 4)."
        )
    return _fit_array(np.asarray(sequence), int(length), policy)


def left_surplus(have: int, want: int) -> int:
    """Return how many bases stand before the centred window; below 0, how many are missing."""
    return have // 2 - want // 2


def _check_policy(have: int, want: int, policy: LengthPolicy, origin: str, error: type[Exception]) -> None:
    if have > want and policy not in ("crop", "crop-or-pad"):
        remedy = '"crop" to keep its centre' if policy == "error" else '"crop-or-pad" to keep the centre of longer ones'
        raise error(f"{origin} has {have} bases; expected {want}. Use policy={remedy}, or trim it.")
    if have < want and policy not in ("pad", "crop-or-pad"):
        remedy = '"pad" to add N' if policy == "error" else '"crop-or-pad" to add N to shorter ones'
        raise error(f"{origin} has {have} bases; expected {want}. Use policy={remedy} on both sides, or extend it.")


def _fit_string(sequence: str, length: int, policy: LengthPolicy, origin: str) -> str:
    if len(sequence) == length:
        return sequence
    _check_policy(len(sequence), length, policy, origin, SequenceError)
    left = left_surplus(len(sequence), length)
    if len(sequence) > length:
        return sequence[left : left + length]
    return "N" * -left + sequence + "N" * (length - len(sequence) + left)


def _fit_array(X: NDArray[Any], length: int, policy: LengthPolicy) -> NDArray[Any]:
    if X.ndim < 2 or X.shape[-1] != 4:
        raise ShapeError(f"The array has shape {X.shape}; expected (…, length, 4).")
    have = X.shape[-2]
    if have == length:
        return X
    _check_policy(have, length, policy, f"Each sequence of the array of shape {X.shape}", ShapeError)
    left = left_surplus(have, length)
    if have > length:
        return X[..., left : left + length, :]
    padded = np.zeros((*X.shape[:-2], length, 4), dtype=X.dtype)
    padded[..., -left : -left + have, :] = X
    return padded


def _moved(interval: Interval, left: int, length: int) -> Interval:
    """Interval of the `length` bases that begin `left` bases into the sequence as it is read."""
    if interval.strand == "-":
        return replace(interval, start=interval.end - left - length, end=interval.end - left)
    return replace(interval, start=interval.start + left, end=interval.start + left + length)
