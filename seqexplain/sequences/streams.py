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
