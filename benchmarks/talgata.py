"""Where methods point in simulated sequences whose motifs are known: the first comparison of the DeepLIFT paper.

    python benchmarks/talgata.py FOLDER [--figure talgata.png]

FOLDER holds the network of the paper's simulation and its sequences (`talgata.keras`, `sequences.simdata.gz`,
`test.txt.gz`). Task 0 is "GATA and TAL1", task 1 "GATA", task 2 "TAL1". Of all held-out sequences that are positive for
a task: how often the strongest window of 10 bp lies in a motif of the task (at least half of it), and the average
precision with which single bases, ranked by contribution over all these sequences, are members of the task's motifs;
bases of the other motif count against a method. In the last column the tasks are put together.
"""

from __future__ import annotations

import argparse
import gzip
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from methods import methods

import seqexplain
from seqexplain.motifs import strongest_window

BACKGROUND = (0.3, 0.2, 0.2, 0.3)  # A C G T, of the simulation: the paper's reference
MOTIFS = {"GATA and TAL1": ("GATA", "TAL1"), "GATA": ("GATA",), "TAL1": ("TAL1",)}
WIDTH = 10  # bp, the GATA motif's


def read_simulation(folder: Path) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Return held-out sequences: bases, labels `(3,)` and for each motif `(2, L)` which bases belong to it."""
    with gzip.open(folder / "test.txt.gz", "rt") as file:
        held_out = {line.strip() for line in file}
    found = []
    with gzip.open(folder / "sequences.simdata.gz", "rt") as file:
        next(file)
        for line in file:
            name, sequence, embeddings, *labels = line.rstrip("\n").split("\t")
            if name not in held_out:
                continue
            inside = np.zeros((2, len(sequence)), dtype=bool)
            for embedding in filter(None, embeddings.split(",")):
                place, motif = embedding.split("_", 1)
                start = int(place.removeprefix("pos-"))
                word = motif.rsplit("-", 1)[1]
                inside[0 if motif.startswith("GATA") else 1, start : start + len(word)] = True
            found.append((sequence, np.array([int(label) for label in labels]), inside))
    return found


def main() -> None:
    """Compare."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--figure", type=Path, default=None)
    options = parser.parse_args()
    simulated = read_simulation(options.folder)
    X = seqexplain.one_hot([sequence for sequence, _, _ in simulated])
    labels = np.array([label for _, label, _ in simulated])
    inside = np.array([motifs for _, _, motifs in simulated])
    model = seqexplain.load_model(options.folder / "talgata.keras")
    print(f"{len(X)} held-out sequences of {X.shape[1]} bp; positives by task: {labels.sum(axis=0)}")
    print(f"{'':32s}" + "".join(f"{task:>24s}" for task in MOTIFS))
    print(f"{'':32s}" + "    window     precision" * 3 + "   all tasks   s")
    curves: dict[str, Any] = {}
    for name, method in methods(BACKGROUND).items():
        begin = time.perf_counter()
        contributions = method(model, X, target=[0, 1, 2]).contributions
        scores = contributions.sum(axis=-1)
        seconds = time.perf_counter() - begin
        cells, all_true, all_scores = [], [], []
        for task, motifs in enumerate(MOTIFS.values()):
            rows = labels[:, task] == 1
            true = inside[rows][:, [k for k, m in enumerate(("GATA", "TAL1")) if m in motifs]].any(axis=1)
            mine = scores[rows, task]
            starts = strongest_window(contributions[rows, task], width=WIDTH)
            hit = np.array([t[s : s + WIDTH].sum() * 2 >= WIDTH for t, s in zip(true, starts, strict=True)])
            cells.append((hit.mean(), average_precision_score(true.ravel(), mine.ravel())))
            # scores of different tasks are of different size: each in units of its own
            all_true.append(true.ravel())
            all_scores.append(mine.ravel() / np.abs(mine).mean())
        true, mine = np.concatenate(all_true), np.concatenate(all_scores)
        total = average_precision_score(true, mine)
        curves[name] = (precision_recall_curve(true, mine), total)
        print(
            f"{name:32s}" + "".join(f"{100 * w:9.1f} % {p:12.3f}" for w, p in cells) + f"{total:12.3f} {seconds:5.1f}"
        )
    chance = true.mean()
    print(f"{'chance (bases in motifs)':32s}" + " " * 72 + f"{chance:12.3f}")
    if options.figure:
        draw(curves, float(chance), options.figure)


def draw(curves: dict[str, Any], chance: float, path: Path) -> None:
    """Draw precision against recall, the best method first."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 5), layout="constrained")
    styles = ("-", "--", ":")
    ordered = sorted(curves.items(), key=lambda item: -item[1][1])
    for k, (name, ((precision, recall, _), area)) in enumerate(ordered):
        axes.plot(recall, precision, styles[k // 10 % 3] if k >= 10 else styles[k % 2], label=f"{name} ({area:.3f})")
    axes.axhline(chance, color="0.7", linewidth=1)
    axes.set(xlabel="recall of bases in motifs", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(title="average precision", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    print(f"drawn: {path}")


if __name__ == "__main__":
    main()
