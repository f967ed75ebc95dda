"""Train the two-task network that ships with seqexplain: CTCF and PU.1 peaks of 100 bp.

Run from anywhere, with seqexplain and scikit-learn installed::

    python data/train.py --out seqexplain/data/ctcf_pu1.keras

Beside the model it writes `<stem>.metrics.json`: the held-out figures of the model card, counts, seed and
versions.

Labels. Each task's positives are the factor's peaks. Its negatives are a uniform dinucleotide shuffle of
every peak, drawn anew each epoch, and the other factor's peaks, less those that share a base with
a peak of its own factor: whether the site lies in the shared part is unknown, so these count neither way.

Split by chromosome: 8 and 9 are held out for the figures and read once, after training; 10 selects the epoch.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from seqexplain.sequences import codes_to_one_hot, dinucleotide_shuffle, one_hot_to_codes
from seqexplain.sequences.encoding import stack_codes

HERE = Path(__file__).resolve().parent
TASKS = ("CTCF", "PU.1")
PEAK_FILES = {"CTCF": HERE / "ctcf_peaks_100bp.fa.gz", "PU.1": HERE / "pu1_peaks_100bp.fa.gz"}
TEST_CHROMOSOMES = ("chr8", "chr9")
VALIDATION_CHROMOSOMES = ("chr10",)
TEST_SHUFFLE_SEED = 0  # the held-out negatives: one shuffle a peak, the same on every machine
MASKED = -1.0  # a label that counts neither way


@dataclass(frozen=True)
class Peaks:
    """Peaks of one factor: `(n, 100)` base codes and where they lie, 0-based half-open."""

    codes: NDArray[np.uint8]
    chromosomes: NDArray[np.str_]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.codes)

    def on(self, chromosomes: tuple[str, ...]) -> NDArray[np.bool_]:
        """Say for each peak whether it lies on one of these chromosomes."""
        return np.isin(self.chromosomes, chromosomes)


def read_peaks(path: Path) -> Peaks:
    """Read a gzipped FASTA with names such as `chr1:100-200`; lower-case repeats become upper case."""
    names: list[str] = []
    sequences: list[str] = []
    with gzip.open(path, "rt", encoding="ascii") as lines:
        for line in lines:
            if line.startswith(">"):
                names.append(line[1:].split()[0])
                sequences.append("")
            else:
                sequences[-1] += line.strip()
    places = [name.replace("-", ":").split(":") for name in names]
    return Peaks(
        codes=stack_codes(sequences, length=100),
        chromosomes=np.array([place[0] for place in places]),
        starts=np.array([int(place[1]) for place in places]),
        ends=np.array([int(place[2]) for place in places]),
    )


def touching(peaks: Peaks, others: Peaks) -> NDArray[np.bool_]:
    """Say for each of `peaks` whether it shares at least one base with one of `others`."""
    touches = np.zeros(len(peaks), dtype=bool)
    for chromosome in np.unique(peaks.chromosomes):
        rows = np.flatnonzero(peaks.chromosomes == chromosome)
        there = others.chromosomes == chromosome
        # begun before the end of the peak, less those that ended by its start
        begun = np.searchsorted(np.sort(others.starts[there]), peaks.ends[rows], side="left")
        ended = np.searchsorted(np.sort(others.ends[there]), peaks.starts[rows], side="right")
        touches[rows] = begun > ended
    return touches


def labelled(peaks: dict[str, Peaks], touches: dict[str, NDArray[np.bool_]]) -> NDArray[np.float32]:
    """Return labels `(n_CTCF + n_PU.1, 2)`: 1, 0 or `MASKED`."""
    rows = []
    for factor in TASKS:
        labels = np.zeros((len(peaks[factor]), 2), dtype=np.float32)
        labels[touches[factor]] = MASKED
        labels[:, TASKS.index(factor)] = 1.0
        rows.append(labels)
    return np.concatenate(rows)


def shuffled(codes: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Return one uniform dinucleotide shuffle of each sequence."""
    return one_hot_to_codes(dinucleotide_shuffle(codes_to_one_hot(codes), n=1, random_state=seed)[:, 0])


def build_model(n_filters: int = 96, filter_length: int = 19, dropout: float = 0.2) -> Any:
    """Build the network, without weights of note and without an optimizer.

    Filters as long as the CTCF site see a whole site at once. Short max-pooling keeps the place of the site
    to 4 bp, and a global maximum asks for one good site anywhere rather than for a mean over the window.
    """
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((100, 4), name="sequence"),
            layers.Conv1D(n_filters, filter_length, padding="same", use_bias=False, name="motif_conv"),
            layers.BatchNormalization(name="motif_norm"),
            layers.ReLU(name="motif_relu"),
            layers.MaxPooling1D(4, name="motif_pool"),
            layers.Dropout(dropout / 3, name="motif_dropout"),
            layers.Conv1D(n_filters, 5, padding="same", use_bias=False, name="context_conv"),
            layers.BatchNormalization(name="context_norm"),
            layers.ReLU(name="context_relu"),
            layers.GlobalMaxPooling1D(name="anywhere"),
            layers.Dropout(dropout, name="dropout"),
            layers.Dense(32, activation="relu", name="hidden"),
            layers.Dense(2, activation="sigmoid", name="ctcf_pu1"),
        ],
        name="ctcf_pu1",
    )


def masked_cross_entropy(labels: Any, predictions: Any) -> Any:
    """Return the binary cross-entropy over the labels that count."""
    from keras import ops

    counts = ops.cast(labels >= 0, "float32")
    predictions = ops.clip(predictions, 1e-7, 1 - 1e-7)
    loss = -labels * ops.log(predictions) - (1 - labels) * ops.log(1 - predictions)
    return ops.sum(loss * counts) / ops.maximum(ops.sum(counts), 1.0)


def figures(positive: NDArray[Any], negative: NDArray[Any]) -> dict[str, Any]:
    """Return AUROC, average precision and counts of scores of positives and negatives."""
    labels = np.r_[np.ones(len(positive)), np.zeros(len(negative))]
    scores = np.r_[positive, negative]
    return {
        "auroc": float(roc_auc_score(labels, scores)),
        "average_precision": float(average_precision_score(labels, scores)),
        "positives": len(positive),
        "negatives": len(negative),
    }


def evaluate(
    model: Any, peaks: dict[str, Peaks], touches: dict[str, NDArray[np.bool_]], chromosomes: tuple[str, ...]
) -> dict[str, Any]:
    """Return the figures on these chromosomes, per task and kind of negative."""
    here = {factor: peaks[factor].on(chromosomes) for factor in TASKS}
    codes = {factor: peaks[factor].codes[here[factor]] for factor in TASKS}
    scores = {factor: predict(model, codes[factor]) for factor in TASKS}
    shuffles = {factor: predict(model, shuffled(codes[factor], TEST_SHUFFLE_SEED)) for factor in TASKS}
    result: dict[str, Any] = {}
    for task, factor in enumerate(TASKS):
        (other,) = set(TASKS) - {factor}
        clear = ~touches[other][here[other]]
        positive = scores[factor][:, task]
        result[factor] = {
            "own_dinucleotide_shuffle": figures(positive, shuffles[factor][:, task]),
            "other_factor": figures(positive, scores[other][clear, task]),
        }
    return result


def predict(model: Any, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probabilities `(n, 2)`."""
    return np.asarray(model.predict(codes_to_one_hot(codes), batch_size=1024, verbose=0))


def fit(
    model: Any,
    peaks: dict[str, Peaks],
    touches: dict[str, NDArray[np.bool_]],
    arguments: argparse.Namespace,
) -> list[dict[str, float]]:
    """Train the model in place, keep the weights of the best epoch, return the history."""
    import keras

    codes = np.concatenate([peaks[factor].codes for factor in TASKS])
    labels = labelled(peaks, touches)
    place = np.concatenate([peaks[factor].chromosomes for factor in TASKS])
    validation = np.isin(place, VALIDATION_CHROMOSOMES)
    training = ~validation & ~np.isin(place, TEST_CHROMOSOMES)
    background = np.zeros_like(labels)  # a shuffle is bound by neither
    X_validation = codes_to_one_hot(np.concatenate([codes[validation], shuffled(codes[validation], arguments.seed)]))
    y_validation = np.concatenate([labels[validation], background[validation]])

    n_steps = arguments.epochs * int(np.ceil(2 * training.sum() / arguments.batch_size))
    schedule = keras.optimizers.schedules.CosineDecay(
        arguments.learning_rate / 10,
        n_steps,
        warmup_target=arguments.learning_rate,
        warmup_steps=n_steps // 10,
    )
    model.compile(optimizer=keras.optimizers.Adam(schedule), loss=masked_cross_entropy)
    rng = np.random.default_rng(arguments.seed)
    best, best_loss, history = model.get_weights(), np.inf, []
    for epoch in range(arguments.epochs):
        started = time.perf_counter()
        # fresh negatives each epoch; seeds apart from the ones of validation and test
        negatives = shuffled(codes[training], arguments.seed + 1000 + epoch)
        X = codes_to_one_hot(np.concatenate([codes[training], negatives]))
        flip = rng.random(len(X)) < 0.5  # either strand
        X[flip] = X[flip, ::-1, ::-1]
        y = np.concatenate([labels[training], background[training]])
        order = rng.permutation(len(X))
        fitted = model.fit(X[order], y[order], batch_size=arguments.batch_size, verbose=0, shuffle=False)
        loss = float(model.evaluate(X_validation, y_validation, batch_size=1024, verbose=0))
        history.append({"loss": fitted.history["loss"][0], "validation_loss": loss})
        seconds = time.perf_counter() - started
        print(
            f"epoch {epoch + 1}/{arguments.epochs}  loss {history[-1]['loss']:.4f}  "
            f"validation {loss:.4f}  {seconds:.0f} s",
            flush=True,
        )
        if loss < best_loss:
            best, best_loss = model.get_weights(), loss
    model.set_weights(best)
    return history


def main() -> None:
    """Train, evaluate on the held-out chromosomes, and write model and figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("ctcf_pu1.keras"), help="where the model goes (.keras)")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="highest rate of the cosine schedule")
    parser.add_argument("--filters", type=int, default=96)
    parser.add_argument("--filter-length", type=int, default=19)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # the CPU suffices, and its sums do not depend on the card
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    started = time.perf_counter()
    keras.utils.set_random_seed(arguments.seed)
    peaks = {factor: read_peaks(PEAK_FILES[factor]) for factor in TASKS}
    touches = {
        "CTCF": touching(peaks["CTCF"], peaks["PU.1"]),
        "PU.1": touching(peaks["PU.1"], peaks["CTCF"]),
    }
    shape = (arguments.filters, arguments.filter_length, arguments.dropout)
    model = build_model(*shape)
    history = fit(model, peaks, touches, arguments)
    seconds = time.perf_counter() - started

    bare = build_model(*shape)  # never compiled: the file holds no optimizer state and no custom loss
    bare.set_weights(model.get_weights())
    bare.save(arguments.out)
    report = {
        "seed": arguments.seed,
        "epochs": arguments.epochs,
        "best_epoch": int(np.argmin([row["validation_loss"] for row in history])) + 1,
        "batch_size": arguments.batch_size,
        "learning_rate": arguments.learning_rate,
        "parameters": int(bare.count_params()),
        "seconds": round(seconds),
        "peaks": {factor: len(peaks[factor]) for factor in TASKS},
        "peaks_touching_the_other_factor": {factor: int(touches[factor].sum()) for factor in TASKS},
        "test_chromosomes": TEST_CHROMOSOMES,
        "validation_chromosomes": VALIDATION_CHROMOSOMES,
        "test_shuffle_seed": TEST_SHUFFLE_SEED,
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            keras.backend.backend(): import_module(keras.backend.backend()).__version__,
            "numpy": np.__version__,
        },
        "history": history,
        "validation": evaluate(bare, peaks, touches, VALIDATION_CHROMOSOMES),
        "held_out": evaluate(bare, peaks, touches, TEST_CHROMOSOMES),
    }
    metrics = arguments.out.with_name(f"{arguments.out.stem}.metrics.json")
    metrics.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for factor, kinds in report["held_out"].items():
        for kind, row in kinds.items():
            print(f"{factor:5s} {kind:25s} AUROC {row['auroc']:.4f}  AP {row['average_precision']:.4f}")
    print(f"{arguments.out} and {metrics}, {seconds:.0f} s")


if __name__ == "__main__":
    main()
