"""Time and peak memory of motifs from seqlets, native against TF-MoDISco, and of matching and hits.

    python benchmarks/motifs.py [--seqlets 1000 10000 50000] [--peer-limit 1800] [--result peaks.zarr --target 0]

Both sides get the same contributions and the same seqlets, and both return the same thing, a `PatternSet` whose
matrices were made by the same code. Each run is a process of its own, whose peak memory is read at its end; what the
imports and the contributions themselves take is measured before and told apart. Our side runs twice: the first call
compiles, or loads from numba's cache. The peer is `modisco_patterns` (`pip install "seqexplain[modisco]"`), which works
in a process of its own; its kernels too come from numba's cache. It is skipped where it is missing, and given up after
--peer-limit seconds.

Contributions are planted: sites of twelve motifs, drawn from matrices, on either strand in sequences of 200 bp, with
noise. With --result the seqlets of a stored result are taken instead, as many as there are, up to each number.

Which patterns are the same is told by the correlation of their contributions (CWMs) at the best alignment on either
strand: for each pattern of the one side the best of the other, weighted by size, and by number.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

LENGTH, SPAN, PER_SEQUENCE = 200, 41, 2
WORDS = (
    "AGATAAGG", "GCCACGTGAC", "ACCGGAAGTG", "ATGACTCATC", "TGCGCATGCGCA", "CCACCAGGGGGCGC", "TTTGCATAACAA",
    "GGGGCGGGGC", "CATTCCAG", "TGACCTTTGACCC", "CAGATGGT", "ATTGTTTACTT",
)  # fmt: skip
SAME = 0.85  # correlation at which two patterns are told to be the same


def planted(n: int, seed: int = 0) -> tuple[Any, Any]:
    """Return contributions with `n` sites, two a sequence, and a seqlet around each."""
    from seqexplain.motifs import Seqlets
    from seqexplain.results import Attributions

    rng = np.random.default_rng(seed)
    rows = -(-n // PER_SEQUENCE)
    codes = rng.integers(0, 4, (rows, LENGTH), dtype=np.uint8)
    hypothetical = rng.normal(0, 0.1, (rows, LENGTH, 4)).astype(np.float32)
    share = 1 / np.arange(1, len(WORDS) + 1)  # some motifs are rare
    kinds = rng.choice(len(WORDS), n, p=share / share.sum())
    start = np.empty(n, dtype=np.int64)
    for k, kind in enumerate(kinds):
        row, half = divmod(k, PER_SEQUENCE)
        ppm = np.full((len(WORDS[kind]), 4), 0.05)
        ppm[np.arange(len(ppm)), ["ACGT".index(letter) for letter in WORDS[kind]]] = 0.85
        word = (rng.random((len(ppm), 1)) < ppm.cumsum(axis=1)).argmax(axis=1)
        scores = np.log(ppm * 4) * rng.normal(1, 0.2) / 3
        scores -= scores.mean(axis=1, keepdims=True)
        if rng.random() < 0.5:
            word, scores = 3 - word[::-1], scores[::-1, ::-1]
        at = int(rng.integers(half * 100 + 20, half * 100 + 80 - len(ppm)))
        codes[row, at : at + len(ppm)] = word
        hypothetical[row, at : at + len(ppm)] += scores
        start[k] = at + len(ppm) // 2 - SPAN // 2 + rng.integers(-4, 5)
    X = np.eye(4, dtype=np.float32)[codes]
    result = Attributions(
        contributions=hypothetical * X, X=X, predictions=np.zeros(rows, np.float32), hypothetical=hypothetical,
        names=tuple(f"s{i}" for i in range(rows)), method="planted",
    )  # fmt: skip
    sequence = np.arange(n) // PER_SEQUENCE
    observed = result.contributions.sum(axis=-1)
    score = observed[sequence[:, None], start[:, None] + np.arange(SPAN)].sum(axis=1, dtype=np.float64)
    nan = np.full(n, np.nan)
    return result, Seqlets(sequence, start, start + SPAN, score, nan, nan, names=result.names)


def data(options: argparse.Namespace, n: int) -> tuple[Any, Any]:
    """Return what both sides get."""
    if options.result is None:
        return planted(n)
    from seqexplain.motifs import call_seqlets, open_contributions

    source = open_contributions(options.result, target=options.target)
    found = call_seqlets(source, method="window")
    strongest = np.argsort(-np.abs(found.score), kind="stable")[:n]
    return source, found.take(np.sort(strongest))


def peak() -> float:
    """Return the most memory that this process and, together, its largest child have held, in MB."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    own, child = (resource.getrusage(one).ru_maxrss / 1024 for one in whose)
    return max(own, child) if child > own else own


def processor() -> float:
    """Return the seconds that processors have worked for this process and for its children that have ended."""
    used = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def child(options: argparse.Namespace) -> None:
    """Run one thing and print what it took."""
    from seqexplain.motifs import extract_patterns, find_hits, load_database, match_motifs

    source, seqlets = data(options, options.n)
    before, took = peak(), []
    for _ in range(1 if options.child == "peer" else 2):
        used, began = processor(), time.perf_counter()
        if options.child == "peer":
            from seqexplain.motifs import modisco_patterns

            found = modisco_patterns(source, seqlets=seqlets, max_seqlets=max(options.n, 1))
        else:
            found = extract_patterns(source, seqlets)
        took.append((time.perf_counter() - began, processor() - used))
    line: dict[str, Any] = {
        "seqlets": len(seqlets), "seconds": took, "before": before, "peak": peak(), "patterns": len(found),
        "members": sum(pattern.size for pattern in found), "notes": list(found.notes),
        "cwms": [(pattern.size, pattern.trimmed().cwm.tolist()) for pattern in found],
    }  # fmt: skip
    if options.child == "after":
        database = load_database("jaspar")
        for name, call in (
            ("match", lambda: match_motifs(found, database)),
            ("hits", lambda: find_hits(source, found)),
        ):
            line[name] = []
            for _ in range(2):
                began = time.perf_counter()
                result = call()
                line[name].append(time.perf_counter() - began)
        line["database"], line["hits_found"], line["peak"] = len(database), len(result), peak()
    print(json.dumps(line))


def run(options: argparse.Namespace, which: str, n: int, limit: float | None = None) -> dict[str, Any] | str:
    """Run this script in a process of its own, and return what it measured, or why there is nothing."""
    command = [sys.executable, str(Path(__file__).resolve()), "--child", which, "--n", str(n)]
    if options.result is not None:
        command += ["--result", options.result] + ([] if options.target is None else ["--target", options.target])
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False, env=os.environ)
    except subprocess.TimeoutExpired:
        return f"given up after {limit:.0f} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1]
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Return the correlation of two matrices of contributions at the best alignment, half of one over the other."""
    best = -1.0
    for turned in (b, b[::-1, ::-1]):
        for shift in range(-len(turned) + 1, len(a)):
            low, high = max(0, shift), min(len(a), shift + len(turned))
            if 2 * (high - low) < min(len(a), len(turned)):
                continue
            x, y = a[low:high], turned[low - shift : high - shift]
            # what lies outside counts: else a few bases fit anywhere
            best = max(best, float((x * y).sum() / np.sqrt((a**2).sum() * (b**2).sum())))
    return best


def matches(ours: Any, theirs: Any) -> str:
    """Say how many patterns of each side have a partner on the other."""
    sides = [[(size, np.array(cwm)) for size, cwm in side] for side in (ours, theirs)]
    said = []
    for name, side, other in (("ours", sides[0], sides[1]), ("theirs", sides[1], sides[0])):
        best = [max((likeness(cwm, b) for _, b in other), default=0.0) for _, cwm in side]
        sizes = np.array([size for size, _ in side], dtype=float)
        good = np.array(best) >= SAME
        share = 100 * float(sizes[good].sum() / max(sizes.sum(), 1))
        said.append(f"{int(good.sum())} of {len(side)} of {name} (with {share:.0f} % of the members)")
    return " and ".join(said) + f" have a partner with a correlation of {SAME} or more"


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seqlets", type=int, nargs="+", default=[1000, 10_000, 50_000])
    parser.add_argument("--peer-limit", type=float, default=1800)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--result", default=None)
    parser.add_argument("--target", default=None)
    parser.add_argument("--child", choices=("native", "peer", "after"), default=None, help=argparse.SUPPRESS)
    parser.add_argument("--n", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options)
        return
    for n in options.seqlets:
        ours = run(options, "native", n)
        if isinstance(ours, str):
            raise SystemExit(f"{n} seqlets, ours: {ours}")
        (first, _), (wall, work) = ours["seconds"]
        print(
            f"{ours['seqlets']:>6} seqlets, ours: {wall:.2f} s ({work:.2f} s of processors; first call "
            f"{first:.2f} s), {ours['peak']:.0f} MB at most, {ours['before']:.0f} of them before; "
            f"{ours['patterns']} patterns, {ours['members']} members",
            flush=True,
        )
        if not options.no_peer:
            theirs = run(options, "peer", n, options.peer_limit)
            if isinstance(theirs, str):
                print(f"       TF-MoDISco skipped: {theirs}", flush=True)
            else:
                ((seconds, their_work),) = theirs["seconds"]
                print(
                    f"       TF-MoDISco: {seconds:.1f} s ({their_work:.1f} s of processors), {theirs['peak']:.0f} MB; "
                    f"{theirs['patterns']} patterns, {theirs['members']} members; ours is {seconds / wall:.1f} times "
                    f"as fast ({their_work / work:.1f} times by the processors' seconds)\n"
                    f"       {matches(ours['cwms'], theirs['cwms'])}",
                    flush=True,
                )
        after = run(options, "after", n)
        if isinstance(after, str):
            print(f"       matching and hits skipped: {after}", flush=True)
        else:
            print(
                f"       Tomtom of {after['patterns']} patterns against {after['database']} motifs: "
                f"{after['match'][1]:.2f} s (first call {after['match'][0]:.2f}); hits: {after['hits'][1]:.2f} s "
                f"(first call {after['hits'][0]:.2f}), {after['hits_found']} hits",
                flush=True,
            )


if __name__ == "__main__":
    main()
