"""Integrated gradients side by side with captum's: same weights, sequences and references, one run.

    python benchmarks/integrated_gradients.py [--sequences 8] [--networks basset bpnet]

captum takes as many Gauss–Legendre steps as it is told (50 by default). Ours is given the same 50, which makes the same
error. Left alone it chooses its own steps: then captum is given more and more of them, until its error is no larger
than ours at the default tolerance. Errors are |Σ contributions − (f(x) − f(reference))| relative to the difference; the
mean over the sequences is compared.
"""

from __future__ import annotations

import argparse
import os
import warnings
from functools import partial
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import architectures
import numpy as np
from deeplift import best_of

from seqexplain.attribution import integrated_gradients
from seqexplain.models.sequence_model import SequenceModel

STEPS = 50  # captum's default
MORE_STEPS = (100, 200, 400)
BATCHES = (8, 32)  # of captum's steps; its speed depends on it


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--networks", nargs="+", default=["basset", "bpnet"], choices=["basset", "bpnet"])
    options = parser.parse_args()
    for name in options.networks:
        length = architectures.LENGTHS[name]
        network = getattr(architectures, f"keras_{name}")()
        codes = np.random.default_rng(1).integers(0, 4, size=(options.sequences, length))
        compare(name, network, np.eye(4, dtype=np.float32)[codes], options.repeats)


def compare(name: str, network: Any, X: Any, repeats: int) -> None:
    """Time both, and print times, errors and ratios."""
    import torch
    from captum.attr import IntegratedGradients

    torch.manual_seed(0)
    peer = getattr(architectures, f"torch_{name}")(network)
    method = IntegratedGradients(lambda x: peer(x)[:, 0])
    x = torch.tensor(X.transpose(0, 2, 1).copy())
    background = torch.full_like(x, 0.25)
    with torch.no_grad():
        delta = (peer(x)[:, 0] - peer(background)[:, 0]).numpy()
    print(f"{name}: {len(X)} sequences, uniform reference")

    def theirs(steps: int) -> tuple[float, float]:
        calls = [
            partial(method.attribute, x, background, n_steps=steps, internal_batch_size=batch) for batch in BATCHES
        ]
        timed = [best_of(call, repeats) for call in calls]
        seconds, found = min(timed, key=lambda pair: pair[0])
        error = float(np.mean(np.abs(found.sum(dim=(1, 2)).detach().numpy() - delta) / np.abs(delta)))
        print(f"  captum, {steps} steps: {seconds / len(X):.3f} s a sequence, error {error:.1e}")
        return seconds, error

    model = SequenceModel(network)

    def ours(tolerance: float, steps: int | str = "auto") -> tuple[float, float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pairs at the limit, which count in the error
            run = partial(integrated_gradients, model, X, target=0, tolerance=tolerance, steps=steps)
            run()
            seconds, found = best_of(run, repeats)
        difference = found.predictions - found.reference_predictions[:, 0]
        error = float(np.mean(np.abs(found.completeness_error[:, 0] / difference)))
        asked = f"tolerance {tolerance:.1e}" if steps == "auto" else f"{steps} steps"
        print(f"  seqexplain, {asked}: {seconds / len(X):.3f} s a sequence, error {error:.1e}")
        return seconds, error

    peer_seconds, peer_error = theirs(STEPS)
    seconds, error = ours(1.0, STEPS)
    print(f"  ratio at {STEPS} steps: {peer_seconds / seconds:.2f}; errors differ by {abs(error - peer_error):.1e}")
    seconds, error = ours(1e-3)
    for steps in MORE_STEPS:
        peer_seconds, peer_error = theirs(steps)
        if peer_error <= error:
            break
    reached = "" if peer_error <= error else ", which do not reach it"
    print(f"  ratio at our default tolerance, to {steps} steps{reached}: {peer_seconds / seconds:.2f}")


if __name__ == "__main__":
    main()
