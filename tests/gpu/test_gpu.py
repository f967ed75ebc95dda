"""On a GPU, with whichever backend has one: what the CPU computes, to 1e-4. Skips itself where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

import seqexplain
from seqexplain.models.backend import device
from seqexplain.models.sequence_model import SequenceModel

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(device() == "cpu", reason="the Keras backend has no GPU here"),
]

TOLERANCE = 1e-4  # of the largest score
TF32_ERROR = 2e-2  # of the largest score; what rounding the factors of each product to 10 bits costs in some layers
CALLS: dict[str, dict[str, Any]] = {
    "deeplift": {"n_references": 3},
    "integrated_gradients": {},
    "input_x_gradient": {},
    "guided_backprop": {},
    "lrp": {},
    "in_silico_mutagenesis": {"evaluation": "incremental"},
}
ON_CPU = """
import sys, numpy as np, seqexplain
model = seqexplain.load_model(sys.argv[1])
X = np.load(sys.argv[2])
calls = {calls!r}
np.savez(sys.argv[3], **{{name: getattr(seqexplain, name)(model, X, **options).contributions
                         for name, options in calls.items()}})
"""


def network() -> Any:
    keras.utils.set_random_seed(0)
    x = keras.Input((200, 4))
    y = kl.Conv1D(64, 15, padding="same", activation="relu")(x)
    for dilation in (2, 4, 8):
        y = kl.Add()([y, kl.Conv1D(64, 3, padding="same", dilation_rate=dilation, activation="relu")(y)])
    y = kl.BatchNormalization()(kl.MaxPooling1D(4)(y))
    y = kl.Dense(32, activation="gelu")(kl.GlobalAveragePooling1D()(y))
    return keras.Model(x, kl.Dense(1)(y))


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, np.ndarray, dict[str, np.ndarray]]:
    """A network, sequences, and what a process that sees no GPU makes of them."""
    folder = tmp_path_factory.mktemp("gpu")
    model, X = network(), np.eye(4, dtype=np.float32)[np.random.default_rng(0).integers(0, 4, (6, 200))]
    model.save(folder / "model.keras")
    np.save(folder / "X.npy", X)
    paths = [str(folder / name) for name in ("model.keras", "X.npy", "cpu.npz")]
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", ON_CPU.format(calls=CALLS), *paths], env=hidden, check=True)
    return model, X, dict(np.load(Path(paths[2])))


@pytest.mark.parametrize("method", CALLS)
def test_equal_to_the_cpu(method: str, case: tuple[Any, np.ndarray, dict[str, np.ndarray]]) -> None:
    model, X, on_cpu = case
    found = getattr(seqexplain, method)(SequenceModel(model), X, **CALLS[method]).contributions
    assert np.abs(found - on_cpu[method]).max() <= TOLERANCE * np.abs(on_cpu[method]).max()


def test_tf32_costs_what_is_stated(case: tuple[Any, np.ndarray, dict[str, np.ndarray]]) -> None:
    model, X, on_cpu = case
    found = seqexplain.input_x_gradient(SequenceModel(model, precision="tf32"), X).contributions
    assert np.abs(found - on_cpu["input_x_gradient"]).max() <= TF32_ERROR * np.abs(on_cpu["input_x_gradient"]).max()
