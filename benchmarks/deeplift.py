"""DeepLIFT (Rescale) side by side with tangermeme's `deep_lift_shap`: same weights, sequences and references, one run.

    python benchmarks/deeplift.py [--sequences 8] [--networks basset bpnet chrombpnet]

On a GPU, where the backend has one (KERAS_BACKEND=jax or torch), the peer runs there too; the figures that it publishes
are for `--networks bpnet --sequences 1000` and `--networks chrombpnet --sequences 100`.

Prints seconds a sequence, the ratio, the largest difference, and how far each is from the floor: the multiply-adds of
one forward and one backward pass for each reference, at the rate of a large matrix product on the same machine.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import architectures
import numpy as np

from seqexplain.attribution import deeplift
from seqexplain.models.backend import backend_name, device
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.sequences import dinucleotide_shuffle

N_REFERENCES = 20
PEER_DEFAULT_BATCH = 32
PEER_BATCHES = (20, 32, 100)  # its speed depends on it


def best_of(function: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the shortest time in seconds, and the last result."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return min(times), result


def matrix_rate() -> float:
    """Return the floating-point operations a second of a large float32 matrix product."""
    from seqexplain.models.backend import jit, ops, to_numpy, to_tensor

    a = to_tensor(np.random.default_rng(0).normal(size=(2048, 2048)))
    product = jit(lambda x: ops.matmul(x, x))
    to_numpy(product(a))
    seconds, _ = best_of(lambda: to_numpy(product(a)[:1, :1]), 7)
    return 2 * 2048**3 / seconds


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--networks", nargs="+", default=["basset", "bpnet"], choices=list(architectures.LENGTHS))
    parser.add_argument("--alone", action="store_true", help="do not run the peer")
    options = parser.parse_args()
    rate = matrix_rate()
    print(f"{device()}, backend {backend_name()}; ", end="")
    print(f"matrix product: {rate / 1e9:.0f} GFLOP/s; {options.sequences} sequences, {N_REFERENCES} references each")
    for name in options.networks:
        length = architectures.LENGTHS[name]
        network = getattr(architectures, f"keras_{name}")()
        generator = np.random.default_rng(1)
        X = np.eye(4, dtype=np.float32)[generator.integers(0, 4, size=(options.sequences, length))]
        references = dinucleotide_shuffle(X, N_REFERENCES)
        model = SequenceModel(network)
        run = partial(deeplift, model, X, target=0, references=references)
        start = time.perf_counter()
        run()
        first = time.perf_counter() - start
        seconds, ours = best_of(run, options.repeats)
        floor = 2 * 2 * architectures.multiply_adds(network) * N_REFERENCES / rate
        each = seconds / options.sequences
        print(f"{name}: seqexplain {each:.3f} s a sequence (compiled in {first - seconds:.1f} s), "
              f"{each / floor:.1f} times the floor of {floor:.3f} s")  # fmt: skip
        if options.alone:
            continue
        compare(name, network, X, references, ours, each, floor, options.repeats)


def compare(
    name: str, network: Any, X: Any, references: Any, ours: Any, each: float, floor: float, repeats: int
) -> None:
    """Time the peer and compare its contributions with ours."""
    try:
        import torch
        from tangermeme.deep_lift_shap import deep_lift_shap
    except ImportError as error:
        print(f'  the peer is not installed ({error}); pip install "seqexplain[bench]"')
        return
    torch.manual_seed(0)
    peer = getattr(architectures, f"torch_{name}")(network)
    x = torch.tensor(X.transpose(0, 2, 1).copy())
    r = torch.tensor(references.transpose(0, 1, 3, 2).copy())
    # published for GPUs: batches as large as fit
    batches = (*PEER_BATCHES, 1000) if torch.cuda.is_available() else PEER_BATCHES
    timings = {}
    for batch in batches:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call = partial(
                deep_lift_shap,
                peer,
                x,
                target=0,
                references=r,
                batch_size=batch,
                device="cuda" if torch.cuda.is_available() else "cpu",
                warning_threshold=1e9,
            )
            call()
            timings[batch], theirs = best_of(call, repeats)
    difference = np.abs(theirs.cpu().numpy().transpose(0, 2, 1) - ours.contributions).max()
    for batch, total in timings.items():
        peer_each = total / len(X)
        default = ", its default" if batch == PEER_DEFAULT_BATCH else ""
        print(
            f"  tangermeme {peer_each:.3f} s a sequence with batches of {batch}{default}: "
            f"{peer_each / floor:.1f} times the floor, ratio {peer_each / each:.2f}"
        )
    print(f"  largest difference {difference:.1e} of contributions up to {np.abs(ours.contributions).max():.2g}")


if __name__ == "__main__":
    main()
