"""Which motifs are found in a simulation whose motifs are known, and how many of their sites: precision and recall.

    python benchmarks/talgata_motifs.py FOLDER [--results talgata.zarr] [--methods fast,sis,…] [--q-value .05]

FOLDER holds the network of the DeepLIFT paper's simulation and its 8,000 sequences of 200 bp (`talgata.keras`,
`sequences.simdata.gz`), in which GATA and TAL1 sites were embedded on the + strand. Without `--results`, a store of
contributions to its three tasks in the order of the file, they are computed (DeepLIFT, 20 shuffles). GATA is looked for
in what contributes to task 1, TAL1 in what contributes to task 2.

Patterns are found in the first half of the sequences, and so are thresholds; hits are those in the second half. A hit
is right where it shares at least half of its own bases, or of the embedded site if that is shorter, with a site of the
motif that no other hit has taken, on whichever strand; every other hit is wrong, also one of a site that is there by
chance and that the network answers to. Hits of several patterns of one motif are taken together, overlaps resolved.

A pattern is one of the motif where at least half of its hits in the first half of the sequences lie on embedded sites,
spurious where fewer do, and idle where it has no hits. It is named right if a matrix of the factor (GATA1 to GATA6;
TAL1::TCF3) is among its matches in JASPAR with q < .05; the table has the best match of the most frequent pattern, its
family, and the rank of the factor's first matrix.

Baselines: FIMO (`scan`) with JASPAR's matrix, and with the matrix that the embedded sites of the first half have, at
p < 1e-4 and at the p-value that is best for F1 in the first half; and hits of JASPAR's matrix in the contributions.
What there is to win: hits of a pattern made of the embedded sites.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import seqexplain
from seqexplain.errors import MissingExtraError
from seqexplain.motifs import (
    ContributionSource,
    Motif,
    PatternSet,
    extract_patterns,
    find_hits,
    load_database,
    match_motifs,
    open_contributions,
    scan,
    sis_patterns,
    stack_pattern,
)
from seqexplain.motifs._hit_kernels import resolve

SITE = re.compile(r"pos-(\d+)_(GATA|TAL1)_\w+?-([ACGT]+)")
SIS_SEQUENCES = 150  # subsets are searched for in so many of the positive sequences


@dataclass(frozen=True)
class Task:
    """A motif, the task it is looked for in, what the names of its matrices hold, and JASPAR's matrix for FIMO."""

    motif: str
    target: int
    names: re.Pattern[str]
    jaspar: str


TASKS = (
    Task("GATA", 1, re.compile("^GATA[1-6]$", re.IGNORECASE), "MA1104"),
    Task("TAL1", 2, re.compile("^TAL1", re.IGNORECASE), "MA0091"),
)
Sites = list[list[tuple[int, int]]]
Places = tuple[np.ndarray, np.ndarray, np.ndarray]  # of hits: sequence, start, end


def read_simulation(folder: Path) -> list[dict[str, str]]:
    """Return names, sequences, embeddings and labels, in the file's order."""
    with gzip.open(folder / "sequences.simdata.gz", "rt") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def sites_of(rows: list[dict[str, str]], motif: str) -> Sites:
    """Return start and end of the motif's embedded sites in each sequence."""
    return [
        [(int(at), int(at) + len(word)) for at, kind, word in SITE.findall(row["embeddings"] or "") if kind == motif]
        for row in rows
    ]


def right(places: Places, sites: Sites) -> np.ndarray:
    """Return which hits lie on a site that no hit before them has taken."""
    taken: set[tuple[int, int]] = set()
    found = np.zeros(len(places[0]), dtype=bool)
    for k, (row, start, end) in enumerate(zip(*places, strict=True)):
        for a, b in sites[row]:
            shared = min(b, end) - max(a, start)
            if (row, a) not in taken and 2 * shared >= min(b - a, end - start):
                taken.add((int(row), a))
                found[k] = True
                break
    return found


def scores(places: Places, sites: Sites) -> tuple[float, float, float]:
    """Return precision, recall and F1."""
    true, total = int(right(places, sites).sum()), sum(map(len, sites))
    precision, recall = true / max(len(places[0]), 1), true / total
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-12)


def fimo(X: np.ndarray, motif: Motif, background: Any, p_value: float) -> tuple[Places, np.ndarray]:
    """Return FIMO's hits, overlaps resolved (the lower p-value stays), and their p-values."""
    hits = scan(X, motif, background=background, p_value=p_value)
    kept = resolve(hits.sequence, hits.start, hits.end, -hits.p_value, 0.5)
    return (hits.sequence[kept], hits.start[kept], hits.end[kept]), hits.p_value[kept]


def best_p_value(X: np.ndarray, motif: Motif, background: Any, sites: Sites) -> float:
    """Return the p-value up to which FIMO's hits have the highest F1."""
    places, p = fimo(X, motif, background, 1e-2)
    order = np.argsort(p, kind="stable")
    good = right(tuple(values[order] for values in places), sites)  # type: ignore[arg-type]
    true, rank = np.cumsum(good), np.arange(1, len(good) + 1)
    f1 = 2 * true / (rank + sum(map(len, sites)))
    return float(p[order][f1.argmax()])


@dataclass
class Half:
    """One half of the sequences: contributions to a task, bases and sites."""

    source: ContributionSource
    X: np.ndarray
    sites: Sites


@dataclass
class Bench:
    """What methods are given."""

    model: Any
    task: Task
    train: Half


def from_modisco(bench: Bench) -> PatternSet:
    """Find patterns with TF-MoDISco."""
    return seqexplain.motifs.modisco_patterns(bench.train.source)


def from_seqlets(bench: Bench) -> PatternSet:
    """Find patterns with the extractor that needs no other package."""
    return extract_patterns(bench.train.source)


def from_subsets(bench: Bench) -> PatternSet:
    """Find patterns in sufficient subsets of the sequences that the network is surest of."""
    predicted = bench.model.predict(bench.train.X, target=bench.task.target, level="logit")
    rows = np.flatnonzero(predicted >= 2)[:SIS_SEQUENCES]
    found = seqexplain.sufficient_input_subsets(
        bench.model, bench.train.X[rows], target=bench.task.target, threshold=2.0, method="gradient", per_step=4
    )
    contributions = seqexplain.results.Attributions(
        contributions=bench.train.source.read(rows).projected, X=bench.train.X[rows], predictions=predicted[rows]
    )
    return sis_patterns(found, contributions=contributions)


def from_filters(bench: Bench) -> PatternSet:
    """Make patterns of the first layer's filters."""
    from seqexplain.features import filter_patterns_of_model

    patterns, _ = filter_patterns_of_model(bench.model, bench.train.source)
    return patterns


METHODS: dict[str, tuple[str, Callable[[Bench], PatternSet]]] = {
    "modisco": ("TF-MoDISco", from_modisco),
    "fast": ("native (extract_patterns)", from_seqlets),
    "sis": ("sufficient subsets", from_subsets),
    "filters": ("filters of the first layer", from_filters),
}


def kinds_of(patterns: PatternSet, train: Half, q_value: float) -> tuple[list[str], list[str]]:
    """Return the ids of patterns of the motif, the most frequent first, and of spurious ones, by their hits."""
    hits = find_hits(train.source, patterns, q_value=q_value)
    counted: list[tuple[int, str, bool]] = []
    for id in hits.patterns:
        mine = hits.of(id)
        if len(mine):
            on_sites = right((mine.sequence, mine.start, mine.end), train.sites).mean()
            counted.append((len(mine), id, bool(on_sites >= 0.5)))
            if on_sites < 0.5:
                consensus = patterns[id].trimmed().consensus
                print(f"    spurious: {id} {consensus}, {len(mine)} hits, {100 * on_sites:.0f} % of them on sites")
    counted.sort(key=lambda one: (-one[0], one[1]))
    return [id for _, id, good in counted if good], [id for _, id, good in counted if not good]


def rank_of(matches: list[Any], names: re.Pattern[str]) -> int:
    """Return the rank of the first significant match whose name fits; 0 without any."""
    return next((m.rank for m in matches if m.q_value < 0.05 and names.search(m.name)), 0)


def line(name: str, cells: list[str], result: tuple[float, float, float], hits: int, seconds: float) -> None:
    """Print a line of the table."""
    texts = "".join(f"{cell:>10s}" for cell in cells[:-1]) + f"  {cells[-1]:46s}"
    print(f"{name:42s}{texts}" + "".join(f"{value:8.3f}" for value in result) + f"{hits:8d}{seconds:8.1f}", flush=True)


def compare(bench: Bench, test: Half, background: Any, names: list[str], q_value: float) -> None:
    """Print the table of one motif."""
    task, train = bench.task, bench.train
    database = load_database()
    known = next(motif for motif in database if motif.id.startswith(task.jaspar))
    total = sum(map(len, test.sites))
    print(f"\n{task.motif}: contributions to task {task.target}; {total} sites in {test.source.n} sequences")
    head = (
        f"{'':42s}{'patterns':>10s}{'right':>10s}{'spurious':>10s}  {'best match, rank of the factor; named right':46s}"
    )
    print(head + "".join(f"{name:>8s}" for name in ("precis.", "recall", "F1", "hits", "s")))

    def hits_of(patterns: Any, kept: list[str] | None = None, *, q: float = q_value) -> tuple[Places, float]:
        begin = time.perf_counter()
        hits = find_hits(test.source, patterns, q_value=q)
        seconds = time.perf_counter() - begin
        if kept is not None:
            hits = hits.take(np.isin(np.array([*hits.patterns, ""])[hits.motif], kept))
        return (hits.sequence, hits.start, hits.end), seconds

    rows = np.repeat(np.arange(len(train.sites)), [len(sites) for sites in train.sites])
    starts = [a for sites in train.sites for a, _ in sites]
    width = next(b - a for sites in train.sites for a, b in sites)
    embedded = stack_pattern(train.source, rows, starts, width, ["+"] * len(rows), id="embedded")
    for label, matrix in (("JASPAR's matrix", known), ("embedded matrix", embedded.motif)):
        for p, how in ((1e-4, "p < 1e-4"), (best_p_value(train.X, matrix, background, train.sites), "best p")):
            begin = time.perf_counter()
            places, _ = fimo(test.X, matrix, background, p)
            cells = ["", "", "", f"{matrix.id} {matrix.name if matrix is known else ''}"]
            seconds = time.perf_counter() - begin
            line(f"FIMO, {label}, {how} ({p:.2g})", cells, scores(places, test.sites), len(places[0]), seconds)
    for label, given in (("JASPAR's matrix + hits", known), ("embedded sites' pattern + hits", embedded)):
        places, seconds = hits_of(given)
        line(label, ["", "", "", given.id], scores(places, test.sites), len(places[0]), seconds)
    for name in names:
        title, method = METHODS[name]
        begin = time.perf_counter()
        try:
            patterns = method(bench)
        except MissingExtraError as error:
            print(f"{title}: {error}")
            continue
        seconds = time.perf_counter() - begin
        mine, spurious = kinds_of(patterns, train, q_value)
        best = ""
        if mine:
            matches = match_motifs(patterns, database, top=None)
            ranks = {id: rank_of(matches.of(id), task.names) for id in mine}
            first = matches.best[mine[0]]
            right_names = sum(rank > 0 for rank in ranks.values())
            best = f"{first.name} ({first.family}), no. {ranks[mine[0]]}; {right_names} of {len(mine)}"
        for q in dict.fromkeys((q_value, 0.01)):
            places, more = hits_of(patterns, mine, q=q)
            cells = [str(len(patterns)), str(len(mine)), str(len(spurious)), best]
            total_s = seconds + more if q == q_value else more
            line(f"{title} + hits, q < {q:g}", cells, scores(places, test.sites), len(places[0]), total_s)


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--results", type=Path, default=None, help="store of contributions to the three tasks")
    parser.add_argument("--methods", default=",".join(METHODS), help="which, of: " + ", ".join(METHODS))
    parser.add_argument("--q-value", type=float, default=0.05)
    options = parser.parse_args()
    simulated = read_simulation(options.folder)
    model = seqexplain.load_model(options.folder / "talgata.keras")
    X = seqexplain.one_hot([row["sequence"] for row in simulated])
    background = X.mean(axis=(0, 1))
    begin = time.perf_counter()
    if options.results:
        found = seqexplain.load(options.results)
    else:
        found = seqexplain.deeplift(model, X, target=[0, 1, 2])
        print(f"contributions of {len(X)} sequences: {time.perf_counter() - begin:.0f} s")
    half = len(X) // 2
    for task in TASKS:
        sites = sites_of(simulated, task.motif)
        mine = found.for_target(task.target)
        train, test = (
            Half(open_contributions(mine.take(part)), X[part], sites[part])
            for part in (slice(0, half), slice(half, None))
        )
        compare(Bench(model, task, train), test, background, options.methods.split(","), options.q_value)


if __name__ == "__main__":
    main()
