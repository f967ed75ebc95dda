"""Hits in more contributions than memory: a process that may not have so much looks for motifs in all of them.

    python benchmarks/large_hits.py make large.zarr --sequences 250000      # 4 GB of contributions, on disk
    ( ulimit -v 2500000; python benchmarks/large_hits.py find large.zarr )  # kB of address space

`make`: sequences of 1,000 bp, Laplace noise, and in every other one a word drawn from one of three matrices of JASPAR,
on either strand, whose bases contribute more; names say where. `find`: hits of these three, with the time, the largest
memory the process had, and precision and recall against what was planted.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np

from seqexplain.motifs import find_hits, load_database
from seqexplain.results import Attributions
from seqexplain.storage._layout import default_chunk
from seqexplain.storage._writer import StoreWriter, begin_store

LENGTH = 1000
WANTED = ("MA1104.3", "MA0139.2", "MA0080.7")  # GATA6, CTCF, Spi1


def motifs() -> list:
    """Return the three matrices."""
    known = {motif.id: motif for motif in load_database()}
    return [known[id] for id in WANTED]


def block(first: int, count: int) -> Attributions:
    """Return sequences `first` to `first + count`, always the same ones."""
    rng = np.random.default_rng([7, first])
    codes = rng.integers(0, 4, (count, LENGTH), dtype=np.uint8)
    uniform = rng.random((count, LENGTH, 4), dtype=np.float32) - np.float32(0.5)
    scores = np.float32(-0.02) * np.sign(uniform) * np.log1p(-2 * np.minimum(np.abs(uniform), np.float32(0.4999999)))
    names = []
    for i in range(count):
        name = f"{first + i}"
        if i % 2 == 0:
            k = (first + i) // 2 % len(WANTED)
            shares = motifs_held[k].probabilities
            weight = np.asarray(motifs_held[k].information_content())
            drawn = np.array([rng.choice(4, p=row / row.sum()) for row in shares])
            minus = bool(rng.integers(2))
            at = int(rng.integers(0, LENGTH - len(drawn) + 1))
            word, size = (3 - drawn[::-1], weight[::-1]) if minus else (drawn, weight)
            place = slice(at, at + len(word))
            codes[i, place] = word
            scores[i, np.arange(at, at + len(word)), word] += np.float32(0.3) * size.astype(np.float32)
            name += f":{WANTED[k]}:{at}:{'-' if minus else '+'}"
        names.append(name)
    X = np.eye(4, dtype=np.float32)[codes]
    return Attributions(
        contributions=scores * X, X=X, predictions=np.zeros(count, np.float32), hypothetical=scores,
        names=tuple(names), targets=("planted",), method="planted",
    )  # fmt: skip


def make(options: argparse.Namespace) -> None:
    """Write the store, a chunk at a time."""
    chunk = default_chunk(LENGTH)
    writer: StoreWriter | None = None
    for index, first in enumerate(range(0, options.sequences, chunk)):
        part = block(first, min(chunk, options.sequences - first))
        if writer is None:
            writer = begin_store(
                options.store, index, part, n=options.sequences, chunk=chunk, intervals=False, lengths=False
            )
        else:
            writer.write(index, part)


def find(options: argparse.Namespace) -> None:
    """Look for the motifs, and say what it took."""
    begun, used = time.perf_counter(), time.process_time()
    hits = find_hits(options.store, motifs_held)
    wall, cpu = time.perf_counter() - begun, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{len(hits.names):,} sequences: {len(hits):,} hits in {wall:.0f} s ({cpu:.0f} s of processor), {peak:.2f} GB"
    )
    planted = [name.split(":")[1:] for name in hits.names]
    for k, id in enumerate(hits.patterns):
        mine = hits.take(np.flatnonzero(hits.motif == k))
        right = sum(
            planted[i] == [id, str(at), strand]
            for i, at, strand in zip(mine.sequence.tolist(), mine.start.tolist(), mine.strand.tolist(), strict=True)
        )
        there = sum(place[:1] == [id] for place in planted)
        print(f"{id} {hits.labels[k]}: precision {right / max(len(mine), 1):.3f}, recall {right / max(there, 1):.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("make", "find"))
    parser.add_argument("store", type=Path)
    parser.add_argument("--sequences", type=int, default=250_000)
    chosen = parser.parse_args()
    motifs_held = motifs()
    (make if chosen.action == "make" else find)(chosen)
