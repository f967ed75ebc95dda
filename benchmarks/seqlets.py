"""Seqlets: how right their rates are on a network's own shuffled sequences, and the other package's caller.

    seqexplain explain MODEL peaks.fa -o peaks.zarr
    seqexplain explain MODEL shuffled.fa -o shuffled.zarr
    python benchmarks/seqlets.py rates peaks.zarr shuffled.zarr [--target T] [--simulation sequences.simdata.gz]
    python benchmarks/seqlets.py peer peaks.zarr [--target T]
    python benchmarks/seqlets.py peer --synthetic 20000x1000

`rates`: seqlets a sequence among the peaks, and among the shuffled ones searched alone, by method, null and rate. Of a
simulation (the GATA/TAL one of the DeepLIFT paper) also the share of positive seqlets that overlap an embedded word of
`--motif`, and of words that are covered. `peer`: spans that tangermeme's `recursive_seqlets` finds at the same
threshold, and the processor time of both from the array of contributions on, first call and best of three more.
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from seqexplain.motifs import ContributionBlock, ContributionSource, Seqlets, call_seqlets, open_contributions


class Held(ContributionSource):
    """Contributions `(n, L)` as they are."""

    def __init__(self, values: np.ndarray) -> None:
        self._block = ContributionBlock(np.arange(len(values)), np.zeros(values.shape, np.uint8), values)
        self.n, self.length = values.shape
        self.names, self.intervals = tuple(map(str, range(self.n))), None
        self.lengths, self.has_hypothetical = np.full(self.n, self.length), False
        self.label = self.description = ""

    def blocks(self) -> Iterator[ContributionBlock]:
        """Yield all of it."""
        yield self._block

    def read(self, rows: Any) -> ContributionBlock:
        """Refuse: nobody asks."""
        raise NotImplementedError


def embedded(path: Path, motif: str) -> dict[str, list[tuple[int, int]]]:
    """Return the places of a motif's words in each sequence."""
    found = {}
    with gzip.open(path, "rt") as file:
        next(file)
        for line in file:
            name, _, embeddings, *_ = line.rstrip("\n").split("\t")
            words = (one.removeprefix("pos-").split("_", 1) for one in filter(None, embeddings.split(",")))
            places = [(int(at), int(at) + len(word.rsplit("-", 1)[1])) for at, word in words if word.startswith(motif)]
            found[name] = places
    return found


def covered(found: Seqlets, words: dict[str, list[tuple[int, int]]]) -> str:
    """Return precision and recall of positive seqlets, overlaps counting."""
    positive = found.take(found.score > 0)
    spans: dict[str, list[tuple[int, int]]] = {}
    for i, a, b in zip(positive.sequence, positive.start, positive.end, strict=True):
        spans.setdefault(found.names[i], []).append((int(a), int(b)))
    true = sum(
        any(a < d and c < b for c, d in words[name]) for name, mine in spans.items() for a, b in mine
    )  # fmt: skip
    seen = sum(any(a < d and c < b for a, b in spans.get(name, ())) for name, all_ in words.items() for c, d in all_)
    return f"{true / max(len(positive), 1):9.3f} {seen / sum(map(len, words.values())):9.3f}"


def rates(options: argparse.Namespace) -> None:
    """Print the table."""
    peaks = open_contributions(options.peaks, target=options.target)
    shuffled = open_contributions(options.shuffled, target=options.target if options.shuffled_target else None)
    words = None if options.simulation is None else embedded(options.simulation, options.motif)
    print("method     null        fdr   peaks  shuffled" + ("  precision    recall" if words else ""))
    for method in ("recursive", "window"):
        for null in ("empirical", "laplace", "background"):
            for fdr in (0.05, 0.2):
                behind = shuffled if null == "background" else None
                found = call_seqlets(peaks, method=method, null=null, background=behind, fdr=fdr)
                line = f"{method:10} {null:11} {fdr:<5} {len(found) / peaks.n:6.3f}"
                if behind is None:
                    alone = call_seqlets(shuffled, method=method, null=null, fdr=fdr)
                    line += f" {len(alone) / shuffled.n:9.3f}"
                else:
                    line += "         -"
                print(line + (f" {covered(found, words)}" if words else ""), flush=True)


def peer(options: argparse.Namespace) -> None:
    """Compare with tangermeme."""
    import torch
    from tangermeme.seqlet import recursive_seqlets

    torch.set_num_threads(1)
    if options.synthetic:
        n, length = (int(part) for part in options.synthetic.split("x"))
        rng = np.random.default_rng(0)
        values = rng.laplace(scale=0.05, size=(n, length)).astype(np.float32)
        for i in range(0, n, 2):
            at = int(rng.integers(5, length - 20))
            values[i, at : at + 10] += 0.4
    else:
        source = open_contributions(options.peaks, target=options.target)
        values = np.concatenate([block.observed for block in source.blocks()])
    held = Held(values)
    for threshold in (1e-2, 1e-3, 1e-4):
        times = []
        for _ in range(4):
            begin = time.process_time()
            theirs = recursive_seqlets(values, threshold=threshold)
            middle = time.process_time()
            ours = call_seqlets(held, null="empirical", p_value=threshold, sign="positive")
            times.append((middle - begin, time.process_time() - middle))
        columns = ("example_idx", "start", "end")
        wanted = set(zip(*(theirs[c].astype(int) for c in columns), strict=True))
        mine = set(zip(ours.sequence.tolist(), ours.start.tolist(), ours.end.tolist(), strict=True))
        bases = [np.zeros(values.shape, dtype=bool) for _ in range(2)]
        for mask, spans in zip(bases, (wanted, mine), strict=True):
            for i, a, b in spans:
                mask[i, a:b] = True
        union = (bases[0] | bases[1]).sum()
        best = np.min(times[1:], axis=0)
        jaccard = (bases[0] & bases[1]).sum() / max(union, 1)
        print(
            f"p {threshold:g}: {len(wanted)} theirs, {len(mine)} ours, {len(wanted & mine)} the same; Jaccard index of "
            f"the bases {jaccard:.4f}; CPU s: first {times[0][0]:.2f} and {times[0][1]:.2f}, then {best[0]:.3f} and "
            f"{best[1]:.3f}",
            flush=True,
        )


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("rates", "peer"))
    parser.add_argument("peaks", type=Path, nargs="?")
    parser.add_argument("shuffled", type=Path, nargs="?")
    parser.add_argument("--target")
    parser.add_argument("--shuffled-target", action="store_true", help="the shuffled ones have several targets, too")
    parser.add_argument("--simulation", type=Path)
    parser.add_argument("--motif", default="GATA")
    parser.add_argument("--synthetic")
    options = parser.parse_args()
    if options.target is not None and options.target.isdecimal():
        options.target = int(options.target)
    {"rates": rates, "peer": peer}[options.what](options)


if __name__ == "__main__":
    main()
