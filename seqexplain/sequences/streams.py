"""Random numbers that depend on a seed and on what they are for, and not on what else is computed."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def stream(seed: int, purpose: str, *arrays: Array) -> np.random.Generator:
    """Return a generator of its own for each seed, purpose and content of the arrays.

    Parameters
    ----------
    seed
        From 0 to 2**64 − 1.
    purpose
        Up to 16 letters: methods must not share their random numbers.
    arrays
        What the numbers are for: a sequence, or a sequence and its reference.
    """
    digest = blake2b(digest_size=16, key=seed.to_bytes(8, "little"), person=purpose.encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype=np.float32).tobytes())
    return np.random.default_rng(int.from_bytes(digest.digest(), "little"))


def draw_rows(codes: Array, most: int, seed: int) -> NDArray[np.int64]:
    """Return the rows of `most` sequences, ascending, each with the same chance.

    Each sequence has a number that follows from the seed and its own bases; those with the smallest are drawn. So the
    order of the sequences has no say. Of sequences that are the same the first ones come first.

    Parameters
    ----------
    codes
        `(n, L)` uint8 base codes.
    most
        How many, up to n.
    seed
        From 0 to 2**64 − 1.

    Examples
    --------
    >>> codes = np.random.default_rng(0).integers(0, 4, (50, 20), dtype=np.uint8)
    >>> turned = draw_rows(codes[::-1], 5, seed=0)
    >>> sorted((49 - turned).tolist()) == draw_rows(codes, 5, seed=0).tolist()
    True
    """
    key = seed.to_bytes(8, "little")
    number = np.array(
        [
            int.from_bytes(blake2b(row.tobytes(), digest_size=8, key=key, person=b"draw-rows").digest(), "little")
            for row in np.ascontiguousarray(codes)
        ],
        dtype=np.uint64,
    )
    return np.sort(np.argsort(number, kind="stable")[:most])
