"""What is to be known of all contributions before motifs are looked for in them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.motifs._contribution_source import ContributionSource

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Survey:
    """What one pass over contributions tells.

    Attributes
    ----------
    composition
        `(4,)` float64: share of each base, both strands together; one imagined base of each kind is added.
    mean_square
        Mean square of a known base's contribution; 0 where nothing contributes.
    order
        `(n,)` int64: the rows as they are drawn, which follows from the seed and from what they hold.
    """

    composition: NDArray[np.float64]
    mean_square: float
    order: NDArray[np.int64]


def survey(source: ContributionSource, random_state: int) -> Survey:
    """Read all contributions once; neither their order nor blocks change the result."""
    counts = np.zeros(4, dtype=np.int64)
    squares = np.zeros(source.n)
    digests: list[bytes] = []
    key = random_state.to_bytes(8, "little")
    for block in source.blocks():
        counts += np.bincount(block.codes.ravel(), minlength=5)[:4]
        squares[block.rows] = np.square(block.observed, dtype=np.float64).sum(axis=1)
        for codes, values in zip(block.codes, block.observed, strict=True):
            digests.append(
                blake2b(codes.tobytes() + values.tobytes(), digest_size=16, key=key, person=b"hits").digest()
            )
    order = np.array(sorted(range(source.n), key=digests.__getitem__), dtype=np.int64)
    shares = counts + counts[::-1] + 2.0
    return Survey(
        composition=shares / shares.sum(),
        mean_square=float(squares[order].sum()) / max(int(counts.sum()), 1),
        order=order,
    )
