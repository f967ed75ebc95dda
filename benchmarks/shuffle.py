"""Time `dinucleotide_shuffle` beside tangermeme's, in one process, on the same sequences and the same
threads.

Run with `python benchmarks/shuffle.py`. The peer needs `pip install "seqexplain[bench]"`; without it only our
side is timed. Compilation is reported apart and left out of the ratios. Each figure is the median of several
runs, taken in turns, so that both sides meet the same load.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

CASES = ((1000, 600, 20), (100, 2114, 20))  # sequences, length in bp, shuffles of each


def timed(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


class Peer:
    """tangermeme's shuffle; takes its own layout, so that converting to it is not timed."""

    def __init__(self) -> None:
        import torch
        from tangermeme.ersatz import dinucleotide_shuffle

        self._torch, self._shuffle = torch, dinucleotide_shuffle

    def tensor(self, X: np.ndarray) -> Any:
        return self._torch.from_numpy(np.ascontiguousarray(X.transpose(0, 2, 1)))

    def shuffle(self, tensor: Any, n: int, threads: int) -> Any:
        return self._shuffle(tensor, n=n, random_state=0, n_jobs=threads)


def load_peer() -> Peer | None:
    try:
        return Peer()
    except ImportError as error:
        print(f'peer skipped: {error}. Use pip install "seqexplain[bench]".')
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    # both sides take as many threads as there are cores in this set
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])

    from seqexplain.sequences import codes_to_one_hot, dinucleotide_shuffle

    peer = load_peer()
    rng = np.random.default_rng(0)
    tiny = codes_to_one_hot(rng.integers(0, 4, (4, 600)))
    first = timed(lambda: dinucleotide_shuffle(tiny, n=20))
    print(f"first call, ours: {first:.2f} s (compiled, or loaded from numba's cache)")
    if peer is not None:
        first = timed(lambda: peer.shuffle(peer.tensor(tiny), 20, options.threads))
        print(f"first call, peer: {first:.2f} s")

    print(f"{'sequences':>9} {'bp':>6} {'shuffles':>8} {'ours (s)':>9} {'peer (s)':>9} {'peer/ours':>9}")
    for n_sequences, length, n in CASES:
        X = codes_to_one_hot(rng.integers(0, 4, (n_sequences, length)))
        ours: list[float] = []
        theirs: list[float] = []
        tensor = None if peer is None else peer.tensor(X)
        for _ in range(options.repeats):
            ours.append(timed(lambda X=X, n=n: dinucleotide_shuffle(X, n=n)))
            if peer is not None:
                theirs.append(timed(lambda tensor=tensor, n=n: peer.shuffle(tensor, n, options.threads)))
        row = f"{n_sequences:>9} {length:>6} {n:>8} {statistics.median(ours):>9.3f}"
        if theirs:
            ratio = statistics.median(theirs) / statistics.median(ours)
            row += f" {statistics.median(theirs):>9.3f} {ratio:>9.1f}"
        print(row)


if __name__ == "__main__":
    main()
