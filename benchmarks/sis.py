"""Time `sufficient_input_subsets` beside the authors' own code, on the same Keras model, sequences and threshold.

    python benchmarks/sis.py [--authors sis.py] [--folder FOLDER] [--sequences 60] [--peer-sequences 3]

The authors' code is `sufficient_input_subsets/sis.py` of github.com/google-research/google-research (Apache-2.0); it is
no part of this project: give its path with --authors or in the variable SIS_AUTHORS. It is driven by the same Keras
model on the same processor, in two ways: `model.predict`, as its tutorial does, and `model.predict_on_batch`, which has
less overhead. Without it only our side is timed.

FOLDER holds the network of the DeepLIFT paper's simulation and its sequences of 200 bp (see `talgata.py`); the share of
the bases of subsets that lie in embedded motifs is printed for them. Without FOLDER a network of the same shape with
random weights stands in, and there are no motifs.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import seqexplain

LENGTH = 200


def load_authors(path: Path) -> Any:
    """Import the authors' module, which asks NumPy for a name that NumPy 2 no longer has."""
    vars(np).setdefault("float_", np.float64)
    spec = importlib.util.spec_from_file_location("authors_sis", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stand_in() -> tuple[Any, np.ndarray]:
    """Return a network of the simulation's shape with random weights, and random sequences."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((LENGTH, 4)),
            layers.Conv1D(50, 11, activation="relu"),
            layers.Conv1D(50, 11, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(50, activation="relu"),
            layers.Dense(3),
            layers.Activation("sigmoid"),
        ]
    )
    codes = np.random.default_rng(0).integers(0, 4, (200, LENGTH))
    return model, np.eye(4, dtype=np.float32)[codes]


def simulation(folder: Path) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return the network, the held-out sequences that are positive for task 0, and which bases lie in motifs."""
    import keras
    from talgata import read_simulation

    found = [(sequence, motifs.any(axis=0)) for sequence, labels, motifs in read_simulation(folder) if labels[0]]
    model = keras.models.load_model(folder / "talgata.keras")
    return model, seqexplain.one_hot([sequence for sequence, _ in found]), np.array([inside for _, inside in found])


def theirs(authors: Any, call: Callable[[np.ndarray], Any], x: np.ndarray, threshold: float) -> list[list[int]]:
    """Return the collection of one sequence, as positions."""

    blank = np.full(x.shape, 0.25, dtype=np.float32)
    mask = np.ones((len(x), 1), dtype=bool)
    return [
        found.sis[:, 0].tolist()
        for found in authors.sis_collection(
            lambda batch: np.asarray(call(batch))[:, 0], threshold, x, blank, initial_mask=mask
        )
    ]


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    result = call()
    return result, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--authors", type=Path, default=os.environ.get("SIS_AUTHORS"))
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--sequences", type=int, default=60, help="that our side explains together")
    parser.add_argument("--peer-sequences", type=int, default=3, help="of these, that the authors' code explains")
    parser.add_argument("--evaluation", default="auto")
    options = parser.parse_args()
    inside: np.ndarray | None = None
    if options.folder is None:
        network, X = stand_in()
    else:
        network, X, inside = simulation(options.folder)
    model = seqexplain.SequenceModel(network)
    logits = model.predict(X, target=0, level="logit")
    threshold = 0.0 if inside is not None else float(np.quantile(logits, 0.5))
    X = X[logits >= threshold]
    if inside is not None:
        inside = inside[logits >= threshold]

    def ours(X: np.ndarray) -> Any:
        return seqexplain.sufficient_input_subsets(
            model, X, target=0, threshold=threshold, evaluation=options.evaluation
        )

    few = X[: options.sequences]
    _, first = timed(lambda: ours(few))
    result, seconds = timed(lambda: ours(few))
    each = seconds / len(few)
    print(f"ours: {each:.3f} s a sequence ({len(few)} together; {first - seconds:.0f} s of the first call compiled)")
    if options.authors is None:
        print("authors' code skipped: give its path with --authors.")
    else:
        import keras

        authors = load_authors(Path(options.authors))
        logits_of = keras.Model(network.inputs, network.layers[-2].output)  # all but the sigmoid
        calls = {
            "predict": lambda batch: logits_of.predict(batch, verbose=0, batch_size=256),
            "predict_on_batch": logits_of.predict_on_batch,
        }
        for name, call in calls.items():
            for size in (1, 2, 3):  # traces for batches of any size
                call(few[np.zeros(size, dtype=int)])
            peers, agree = [], 0
            for row, x in enumerate(few[: options.peer_sequences]):
                found, taken = timed(lambda x=x, call=call: theirs(authors, call, x, threshold))
                peers.append(taken)
                agree += [sorted(one) for one in found] == [sorted(s.positions.tolist()) for s in result.subsets(row)]
            mean = float(np.mean(peers))
            print(
                f"authors' code, {name}: {mean:.2f} s a sequence, {mean / each:.1f} times ours; the same subsets "
                f"for {agree} of {len(peers)} sequences"
            )
    if inside is not None:
        shares = share_inside(result, inside)
        print(
            f"{shares[0]} of {shares[1]} bases of {len(result.subsets())} subsets lie in embedded motifs "
            f"({100 * shares[0] / max(1, shares[1]):.2f} %); all of a sequence's in {shares[2]} of {len(few)}"
        )


def share_inside(found: Any, inside: np.ndarray) -> tuple[int, int, int]:
    """Return the bases of subsets that lie in motifs, all bases of subsets, and sequences with no base outside."""
    members = found.subset > 0
    within = members & inside[: len(members)]
    return int(within.sum()), int(members.sum()), int((members == within).all(axis=1).sum())


if __name__ == "__main__":
    main()
