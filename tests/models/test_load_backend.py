"""The backend is chosen before Keras is imported, and no other framework comes in with it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from seqexplain.errors import BackendError
from seqexplain.models import backend_choice
from seqexplain.models.backend_choice import choose_backend


@pytest.fixture
def no_keras(monkeypatch, tmp_path):
    """As in a fresh process: Keras not imported, no settings."""
    monkeypatch.setattr(backend_choice, "_backend_of_loaded_keras", lambda: None)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    # set first, so that what the code under test sets is undone afterwards
    monkeypatch.setenv("KERAS_BACKEND", "unset")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "unset")
    monkeypatch.delenv("KERAS_BACKEND")
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    return tmp_path


def test_tensorflow_is_the_default(no_keras):
    assert choose_backend() == "tensorflow"
    assert os.environ["KERAS_BACKEND"] == "tensorflow"
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "2"


def test_order_of_precedence(no_keras, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    (no_keras / "keras.json").write_text(json.dumps({"backend": "torch"}))
    assert choose_backend() == "torch"
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert choose_backend() == "jax"
    assert choose_backend("tf") == "tensorflow"
    assert choose_backend("PyTorch") == "torch"


def test_settings_that_cannot_be_read_count_as_none(no_keras):
    (no_keras / "keras.json").write_text("{broken")
    assert choose_backend() == "tensorflow"


def test_loudness_set_by_the_user_stays(no_keras, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    choose_backend("tensorflow")
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_unknown_name(no_keras):
    with pytest.raises(BackendError, match=r"Unknown Keras backend 'theano'.*tensorflow, jax, torch"):
        choose_backend("theano")


def test_package_that_is_not_installed(no_keras, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for name in ("jax", "torch"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        with pytest.raises(BackendError, match=rf'pip install "seqexplain\[{name}\]"'):
            choose_backend(name)
    assert "KERAS_BACKEND" not in os.environ


def test_keras_that_is_imported_cannot_be_switched():
    current = keras.backend.backend()
    other = "jax" if current != "jax" else "torch"
    assert choose_backend(current) == choose_backend(None) == current
    with pytest.raises(BackendError, match=f"'{other}' was asked for, but .* imported with '{current}'"):
        choose_backend(other)


PROGRAM = """
import sys
from seqexplain.models.load import load_keras_model
assert "keras" not in sys.modules
from seqexplain.models.backend_choice import import_keras
import_keras({backend!r})
model = load_keras_model({path!r}, weights={weights!r})
import keras, numpy
assert keras.backend.backend() == {backend!r}, keras.backend.backend()
loaded = sorted({{"tensorflow", "jax", "torch"}} & set(sys.modules))
x = numpy.eye(4, dtype="float32")[numpy.arange(80) % 3].reshape(4, 20, 4)
print(loaded, float(keras.ops.convert_to_numpy(model(x)).sum()))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """One small network as files of Keras 3 and of Keras 2, and the sum of its outputs."""
    import h5py

    folder = tmp_path_factory.mktemp("saved")
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(5, 4, 3)).astype("float32"), rng.normal(size=3).astype("float32")
    layer = keras.layers.Conv1D(3, 5, activation="relu", name="c")
    model = keras.Sequential([keras.layers.Input((20, 4)), layer])
    model.layers[0].set_weights([kernel, bias])
    model.save(folder / "m.keras")
    conv = {"name": "c", "filters": 3, "kernel_size": [5], "activation": "relu"}
    conv["batch_input_shape"] = [None, 20, 4]
    architecture = {"class_name": "Sequential", "config": [{"class_name": "Conv1D", "config": conv}]}
    (folder / "m.json").write_text(json.dumps({**architecture, "keras_version": "2.0.8"}))
    with h5py.File(folder / "m.h5", "w") as file:
        file.attrs["layer_names"] = [b"c"]
        group = file.create_group("c")
        group.attrs["weight_names"] = [b"c/kernel:0", b"c/bias:0"]
        group["c/kernel:0"], group["c/bias:0"] = kernel, bias
    x = np.eye(4, dtype="float32")[np.arange(80) % 3].reshape(4, 20, 4)
    windows = np.lib.stride_tricks.sliding_window_view(x, 5, axis=1)
    total = np.maximum(np.einsum("nlcw,wck->nlk", windows, kernel) + bias, 0).sum()
    return folder, float(total)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
@pytest.mark.parametrize("files", [("m.keras", None), ("m.json", "m.h5")], ids=["keras3", "keras2"])
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_only_the_backend_itself_is_imported_and_nothing_is_printed(saved, backend, files):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    folder, total = saved
    path, weights = (None if name is None else str(folder / name) for name in files)
    environment = {k: v for k, v in os.environ.items() if k not in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL")}
    program = PROGRAM.format(backend=backend, path=path, weights=weights)
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    modules, _, printed = done.stdout.strip().rpartition(" ")
    # Keras itself imports JAX wherever that is installed; TensorFlow comes only with its own backend.
    assert backend in modules
    assert ("tensorflow" in modules) == (backend == "tensorflow")
    assert float(printed) == pytest.approx(total, rel=1e-4)
    assert done.stderr == ""
