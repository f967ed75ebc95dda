"""In-silico mutagenesis side by side with tangermeme's `saturation_mutagenesis`: same weights and sequence, one run.

    python benchmarks/ism.py [--networks basset bpnet] [--sequences 1] [--repeats 3] [--alone] [--figure scaling.png]

Every substitution of every base: ours incrementally, ours with every edited sequence scored in full (from some
positions, scaled up: it is the same work everywhere), and the peer's two modes. Prints seconds a sequence, ratios, the
largest difference between effects, how far each of ours is from the same effects in float64 (by the PyTorch twin, at
some positions), and how far the incremental one is from its floor: its multiply-adds at the rate of a large matrix
product. `--figure` draws how time grows with the length of the sequence.

On a GPU, where the backend has one, the peer runs there too; the figures that it publishes are for `--networks bpnet
--sequences 320` and `--networks chrombpnet --sequences 32`.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import architectures
import numpy as np
from deeplift import best_of, matrix_rate

from seqexplain.models.backend import backend_name, device
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation import EditOptions, Scorer, in_silico_mutagenesis

FULL_PLACES = 60  # of each sequence, scored in full; the time is scaled to all
EXACT_PLACES = 25  # compared with float64
NAMES = {"basset": "Basset-like", "bpnet": "BPNet-like", "chrombpnet": "ChromBPNet-like"}
LENGTHS = {"basset": (300, 600, 1200, 2400), "bpnet": (1057, 2114, 4228, 8456)}


def sequences(n: int, length: int) -> np.ndarray:
    """Return random sequences, one-hot."""
    return np.eye(4, dtype=np.float32)[np.random.default_rng(1).integers(0, 4, size=(n, length))]


def places(length: int, count: int) -> np.ndarray:
    """Return positions all along a sequence."""
    return np.unique(np.linspace(0, length - 1, min(count, length)).astype(int))


def others(x: np.ndarray) -> np.ndarray:
    """Return the three bases that could stand at each position, `(positions, 3, 4)`."""
    codes = x.argmax(axis=-1)
    return np.eye(4, dtype=np.float32)[(codes[:, None] + np.arange(1, 4)) % 4]


def in_full(model: SequenceModel, X: np.ndarray, repeats: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Return seconds for all substitutions of a sequence, scored in full, and the effects at some places."""
    length = X.shape[1]
    at = places(length, FULL_PLACES)
    bound = Scorer(model, length, len(X), EditOptions(target=0, evaluation="full")).bind(X)
    run = lambda: bound.effects(np.zeros(len(at), int), at, others(X[0])[at][:, :, None])  # noqa: E731
    run()
    seconds, effects = best_of(run, repeats)
    return seconds * length / len(at), at, effects[..., 0]


def exact(name: str, network: Any, X: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return effects in float64, `(places, 3)`, by the PyTorch twin."""
    import torch

    twin = getattr(architectures, f"torch_{name}")(network, X.shape[1]).double()
    edited = np.repeat(X[:1], 3 * len(at) + 1, axis=0).astype(np.float64)
    edited[np.arange(3 * len(at)), np.repeat(at, 3)] = others(X[0])[at].reshape(-1, 4)
    scores = []
    with torch.no_grad():
        for low in range(0, len(edited), 16):
            scores.append(twin(torch.tensor(edited[low : low + 16].transpose(0, 2, 1)))[:, 0].numpy())
    values = np.concatenate(scores)
    effects: np.ndarray = (values[:-1] - values[-1]).reshape(len(at), 3)
    return effects


def peer_times(name: str, network: Any, X: np.ndarray, repeats: int) -> tuple[dict[str, float], np.ndarray] | None:
    """Return the peer's seconds a sequence by mode, and its effects `(L, 4)` of the first sequence."""
    try:
        import torch
        from tangermeme import saturation_mutagenesis as module
    except ImportError as error:
        print(f'  the peer is not installed ({error}); pip install "seqexplain[bench]"')
        return None
    module._FAST_MIN_SECONDS = 0.0  # it tries its fast mode for long jobs only; here it always may
    twin = getattr(architectures, f"torch_{name}")(network, X.shape[1])
    x = torch.tensor(X.transpose(0, 2, 1).copy())
    where = "cuda" if torch.cuda.is_available() else "cpu"
    timings, effects = {}, np.zeros(0)
    for mode in (True, False):
        label = "fast mode" if mode else "plain mode"
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            seconds, (before, after) = best_of(
                lambda mode=mode: module.saturation_mutagenesis(twin, x, raw_outputs=True, fast=mode, device=where),
                repeats,
            )
        if mode and any("fast=False" in str(w.message) for w in said):
            print(f"  tangermeme does not use its fast mode: {said[-1].message}")
            label = "what it chose"
        timings[label] = seconds / len(X)
        if not len(effects):
            effects = (after[0, :, :, 0] - before[0, 0]).cpu().numpy().T
    return timings, effects


def compare(name: str, n: int, repeats: int, rate: float, alone: bool) -> None:
    """Print all figures of one network."""
    length = architectures.LENGTHS[name]
    network = getattr(architectures, f"keras_{name}")()
    X = sequences(n, length)
    model = SequenceModel(network)
    run = lambda: in_silico_mutagenesis(model, X, target=0, evaluation="incremental")  # noqa: E731
    start = time.perf_counter()
    run()
    first = time.perf_counter() - start
    seconds, result = best_of(run, repeats)
    each = seconds / n
    plan = Scorer(model, length, n, EditOptions(target=0, evaluation="incremental")).evaluator(1).plan
    multiplied = sum(s.cost for s in plan.steps if plan.full_cost[s.position] > 1e5 and _multiplies(s))
    floor = 2 * 3 * length * multiplied / rate
    print(f"{name}: incremental {each:.3f} s a sequence (compiled in {first - seconds:.1f} s), "
          f"{each / floor:.1f} times the floor of {floor:.3f} s; {plan.saving:.1f} times less arithmetic")  # fmt: skip
    full, at, wanted = in_full(model, X, repeats)
    effects = result.effects[0]
    found = np.take_along_axis(effects[at], others(X[0])[at].argmax(-1), axis=1)
    spread = np.ptp(effects)
    print(f"  in full {full:.3f} s, ratio {full / each:.2f}; largest difference {np.abs(found - wanted).max():.1e} "
          f"of effects that span {spread:.2g}")  # fmt: skip
    some = places(length, EXACT_PLACES)
    try:
        truth = exact(name, network, X, some)
    except ImportError:
        print("  float64: PyTorch is not installed")
    else:
        rows = np.searchsorted(at, np.intersect1d(at, some))
        mine = np.take_along_axis(effects[some], others(X[0])[some].argmax(-1), axis=1)
        both = np.isin(some, at)
        print(f"  from float64: incremental {np.abs(mine - truth).max():.1e}, "
              f"in full {np.abs(wanted[rows] - truth[both]).max():.1e}")  # fmt: skip
    if alone:
        return
    peer = peer_times(name, network, X, repeats)
    if peer is None:
        return
    for label, taken in peer[0].items():
        print(f"  tangermeme, {label}, {taken:.3f} s, ratio {taken / each:.2f}")
    print(f"  largest difference {np.abs(peer[1] - effects).max():.1e}")


def _multiplies(step: Any) -> bool:
    from seqexplain.models.operations import Convolution, Dense

    return isinstance(step.operation, (Convolution, Dense))


def draw_scaling(path: Path, networks: list[str], repeats: int) -> None:
    """Draw seconds a sequence against its length, incrementally and in full."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(networks), figsize=(4.2 * len(networks), 3.4), squeeze=False)
    for ax, name in zip(axes[0], networks, strict=True):
        timings: dict[str, list[float]] = {"in full": [], "incremental": []}
        for length in LENGTHS[name]:
            model = SequenceModel(getattr(architectures, f"keras_{name}")(length))
            X = sequences(1, length)
            run = lambda: in_silico_mutagenesis(model, X, target=0, evaluation="incremental")  # noqa: B023, E731
            run()
            timings["incremental"].append(best_of(run, repeats)[0])
            timings["in full"].append(in_full(model, X, repeats)[0])
            print(f"{name} {length} bp: " + ", ".join(f"{k} {v[-1]:.2f} s" for k, v in timings.items()), flush=True)
        for (label, seconds), marker in zip(timings.items(), "os", strict=True):
            ax.loglog(LENGTHS[name], seconds, marker=marker, label=label)
        ax.set(title=NAMES[name], xlabel="length (bp)", ylabel="all substitutions (s)")
        ax.set_xticks(LENGTHS[name], [f"{n:,}" for n in LENGTHS[name]])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    axes[0, 0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["basset", "bpnet"], choices=list(architectures.LENGTHS))
    parser.add_argument("--sequences", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help="do not run the peer")
    parser.add_argument("--figure", type=Path, metavar="PNG", help="draw time against length instead")
    options = parser.parse_args()
    if options.figure:
        draw_scaling(options.figure, options.networks, options.repeats)
        return
    rate = matrix_rate()
    print(f"{device()}, backend {backend_name()}; matrix product: {rate / 1e9:.0f} GFLOP/s")
    for name in options.networks:
        compare(name, options.sequences, options.repeats, rate, options.alone)


if __name__ == "__main__":
    main()
