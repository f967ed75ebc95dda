"""Erasing pixels to turn one digit into another: the second comparison of the DeepLIFT paper, on smaller digits.

    python benchmarks/digits.py [--figure digits.png] [--seeds 3]

A small convolutional network learns scikit-learn's 8 × 8 digits. To turn a digit of class a into class b, pixels are
ranked by the difference of their contributions to the logits of a and of b, and the first 20 % (12 of 64), as far as
the difference is positive, are erased. A good ranking makes the log-odds of b against a rise most. As in the paper, 8
becomes 3 or 6, and 9 becomes 1 or 4; the reference is a blank image.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from methods import methods

from seqexplain.models import SequenceModel

PAIRS = ((8, 3), (8, 6), (9, 1), (9, 4))
SHARE = 0.2  # of the pixels, at most
SIDE = 8


def train(seed: int) -> tuple[Any, np.ndarray, np.ndarray, float]:
    """Return a network of images `(16, 4)`, the held-out images and their classes, and its accuracy on them."""
    import keras
    from keras import layers
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    keras.utils.set_random_seed(seed)
    digits = load_digits()
    images = (digits.data / 16).astype("float32").reshape(-1, SIDE * SIDE // 4, 4)  # four pixels where DNA has bases
    x, x_test, y, y_test = train_test_split(
        images, digits.target, test_size=0.4, random_state=0, stratify=digits.target
    )
    network = keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            layers.Reshape((SIDE, SIDE, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.25),
            layers.Dense(10, activation="softmax"),
        ]
    )
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(x, y, epochs=40, batch_size=64, verbose=0)
    return network, x_test, y_test, float(network.evaluate(x_test, y_test, verbose=0)[1])


def erase(X: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """Return images without the pixels that speak most for one class and against the other, `(n, 16, 4)` each."""
    flat, order = X.reshape(len(X), -1).copy(), np.argsort(-difference.reshape(len(X), -1), axis=1, kind="stable")
    chosen = order[:, : int(SHARE * flat.shape[1])]
    positive = np.take_along_axis(difference.reshape(len(X), -1), chosen, axis=1) > 0
    kept = np.where(positive, 0.0, np.take_along_axis(flat, chosen, axis=1))
    np.put_along_axis(flat, chosen, kept, axis=1)
    return flat.reshape(X.shape)


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figure", type=Path, default=None)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    changes: dict[str, dict[tuple[int, int], list[np.ndarray]]] = {}
    for seed in range(options.seeds):
        network, X_test, classes, accuracy = train(seed)
        model = SequenceModel(network)
        print(f"network {seed}: accuracy {accuracy:.3f} on {len(classes)} held-out digits")
        ranked = {**methods("zeros"), "random": None}
        for name, method in ranked.items():
            for a, b in PAIRS:
                X = X_test[classes == a]
                if method is None:
                    difference = np.random.default_rng(seed).random(X.shape)
                else:
                    scores = method(model, X, target=[a, b]).contributions
                    difference = scores[:, 0] - scores[:, 1]
                logits = [model.predict(image, level="logit") for image in (X, erase(X, difference))]
                odds = [z[:, b] - z[:, a] for z in logits]
                changes.setdefault(name, {}).setdefault((a, b), []).append(odds[1] - odds[0])
    means = {name: {p: np.concatenate(v) for p, v in by_pair.items()} for name, by_pair in changes.items()}
    print("\nchange of the log-odds (mean ± standard error over images and networks)")
    print(f"{'':32s}" + "".join(f"{f'{a} → {b}':>18s}" for a, b in PAIRS) + f"{'mean':>10s}")
    order = sorted(means, key=lambda n: -np.mean([v.mean() for v in means[n].values()]))
    for name in order:
        cells = [f"{v.mean():10.2f} ± {v.std(ddof=1) / np.sqrt(len(v)):.2f}" for v in means[name].values()]
        overall = np.mean([v.mean() for v in means[name].values()])
        print(f"{name:32s}" + "".join(f"{cell:>18s}" for cell in cells) + f"{overall:10.2f}")
    if options.figure:
        draw({name: means[name] for name in order}, options.figure)


def draw(means: dict[str, dict[tuple[int, int], np.ndarray]], path: Path) -> None:
    """Draw the distribution of the changes, a panel for each pair of digits."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(PAIRS), figsize=(12, 4), sharey=True, layout="constrained")
    names = list(means)[::-1]
    for axes, pair in zip(panels, PAIRS, strict=True):
        axes.boxplot([means[n][pair] for n in names], orientation="horizontal", showfliers=False, widths=0.6)
        axes.axvline(0, color="0.7", linewidth=1)
        axes.set_title(f"{pair[0]} → {pair[1]}")
        axes.set_yticks(range(1, len(names) + 1), names)
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("change of the log-odds after erasing up to 20 % of the pixels")
    figure.savefig(path, dpi=150)
    print(f"drawn: {path}")


if __name__ == "__main__":
    main()
