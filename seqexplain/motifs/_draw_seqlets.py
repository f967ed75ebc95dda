"""Some of many seqlets, drawn so that neither the order of the sequences nor what else is there has a say."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.motifs._contribution_source import ContributionSource
from seqexplain.motifs._seqlets import Seqlets

Array = NDArray[Any]


def draw_seqlets(source: ContributionSource, seqlets: Seqlets, most: int, random_state: int) -> Seqlets:
    """Return at most so many seqlets, each with the same chance.

    Each has a number that follows from the seed, the bases of its sequence and its place and sign there, and from
    nothing else; those with the smallest numbers are taken. So the same ones come out of shuffled rows, and of more
    sequences a part of those that came out of fewer, with others.

    Parameters
    ----------
    source
        Where they lie; read once, when there are more than `most`.
    seqlets
        All of them.
    most
        How many are kept, from 1.
    random_state
        The seed, checked.

    Returns
    -------
    Seqlets
        In the order given; with a note where some were left out.
    """
    if len(seqlets) <= most:
        return seqlets
    number = _numbers(source, seqlets, random_state)
    # seqlets of sequences that are the same have the same number: any of them will do
    kept = np.sort(np.argsort(number, kind="stable")[:most])
    note = f"{most} of {len(seqlets)} seqlets were looked at, drawn at random (max_seqlets)."
    return replace(seqlets.take(kept), notes=(*seqlets.notes, note))


def _numbers(source: ContributionSource, seqlets: Seqlets, random_state: int) -> NDArray[np.uint64]:
    row = np.asarray(seqlets.sequence, dtype=np.int64)
    place = np.stack([seqlets.start, seqlets.end, np.sign(seqlets.score)], axis=1).astype("<i8")
    by_row = np.argsort(row, kind="stable")
    bounds = np.searchsorted(row[by_row], np.arange(source.n + 1))
    lengths = np.minimum(source.lengths, source.length)
    key = random_state.to_bytes(8, "little")
    number = np.zeros(len(row), dtype=np.uint64)
    for block in source.blocks():
        for i, codes in zip(block.rows.tolist(), block.codes, strict=True):
            mine = by_row[bounds[i] : bounds[i + 1]]
            if len(mine) == 0:
                continue
            sequence = blake2b(codes[: lengths[i]].tobytes(), digest_size=8, key=key, person=b"draw-seqlets")
            for k in mine:
                one = sequence.copy()
                one.update(place[k].tobytes())
                number[k] = int.from_bytes(one.digest(), "little")
    return number
