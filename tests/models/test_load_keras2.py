"""Files that Keras 2 wrote open with the outputs that Keras 2 (tf_keras, in its own process) computes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from seqexplain.errors import ModelLoadError
from seqexplain.models.load import load_keras_model

# Keras itself converts its tensors in a way that NumPy 2 warns about.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

TOLERANCE = 1e-5
ZOO = [
    *("conv1d", "conv2d", "resizing", "recurrent", "merging", "nested", "frozen", "diamond", "attention"),
    *("functions", "normalisation", "any_length", "wrapped", "half"),
]
FORMATS = {
    "h5": ("{}.h5", None),
    "keras": ("{}.keras", None),
    "json_old": ("{}.json", "{}_old.h5"),
    "json_new": ("{}.json", "{}_new.weights.h5"),
    "keras_and_old": ("{}.keras", "{}_old.h5"),
}


def run_oracle(*arguments: str) -> None:
    script = Path(__file__).with_name("keras2_oracle.py")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"the Keras 2 oracle failed:\n{done.stderr[-3000:]}")


def largest_difference(model, stored) -> float:
    """Largest absolute difference to Keras 2's outputs.

    It must also be small beside what the outputs vary by: near 0, where a sigmoid saturates, all agree.
    """
    inputs = [stored[key] for key in stored.files if key.startswith("x")]
    wanted = [stored[key] for key in stored.files if key.startswith("y")]
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    assert len(outputs) == len(wanted)
    difference = max(float(np.abs(np.asarray(got) - y).max()) for got, y in zip(outputs, wanted, strict=True))
    assert difference <= 0.01 * max(float(np.ptp(y)) for y in wanted)
    assert any(np.ptp(y) > 0 for y in wanted)
    return difference


@pytest.fixture(scope="session")
def zoo(tmp_path_factory) -> Path:
    pytest.importorskip("h5py")
    folder = tmp_path_factory.mktemp("zoo")
    run_oracle("zoo", str(folder))
    return folder


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize(
    "kind", ["h5", *(pytest.param(kind, marks=pytest.mark.slow) for kind in FORMATS if kind != "h5")]
)
def test_every_layer_kind_gives_the_outputs_of_keras2(zoo, name, kind):
    path, weights = FORMATS[kind]
    model = load_keras_model(zoo / path.format(name), weights=None if weights is None else zoo / weights.format(name))
    assert largest_difference(model, np.load(zoo / f"{name}.npz")) <= TOLERANCE


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_weights_of_cudnn_layers_are_converted(zoo, kind):
    model = load_keras_model(zoo / f"cudnn_{kind}.json", weights=zoo / f"cudnn_{kind}.h5")
    assert largest_difference(model, np.load(zoo / f"cudnn_{kind}.npz")) <= TOLERANCE


REAL = [
    "talgata/model.json|talgata/weights.h5",
    "ctcf_gm12878/model.json|ctcf_gm12878/weights.h5",
    "tal1_kipoi/arch.json|tal1_kipoi/weights.hdf5",
    "mpra_dragonn/model.json|mpra_dragonn/weights.hdf5",
    "pysster_artificial/model.h5",
    "znf143_profile/model.h5",
    "xpresso/mouse.h5",
    "mmsplice/Exon_prime3.h5",
    "mmsplice/Intron3.h5",
    "mmsplice/Intron5.h5",
    "deepg4/model.h5",
]


@pytest.fixture(scope="session")
def real_outputs(testdata, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("real")
    models = testdata / "models"
    run_oracle("predict", str(folder), *("|".join(str(models / part) for part in entry.split("|")) for entry in REAL))
    return folder


@pytest.mark.parametrize("number", range(len(REAL)), ids=REAL)
def test_real_files_give_the_outputs_of_keras2(testdata, real_outputs, number):
    path, _, weights = REAL[number].partition("|")
    models = testdata / "models"
    model = load_keras_model(models / path, weights=models / weights if weights else None)
    assert largest_difference(model, np.load(real_outputs / f"{number}.npz")) <= TOLERANCE


def test_keras1_files_say_how_to_convert_them(testdata):
    folder = testdata / "models" / "legacy_keras1"
    with pytest.raises(ModelLoadError, match=r"written by Keras 1\.2\.1.*Open it once with Keras 2"):
        load_keras_model(folder / "model.json", weights=folder / "weights.h5")


# -- handmade files --------------------------------------------------------------------------------


def write_old_weights(path: Path, layers: dict[str, dict[str, np.ndarray]], backend: str = "tensorflow") -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        file.attrs["backend"] = backend.encode()
        file.attrs["keras_version"] = b"2.1.6"
        for name, weights in layers.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [key.encode() for key in weights]
            for key, value in weights.items():
                group[key] = value
    return path


def dense(name: str, units: int, activation: str = "linear", **more: object) -> dict:
    return {"class_name": "Dense", "config": {"name": name, "units": units, "activation": activation, **more}}


def sequential(path: Path, *layers: dict) -> Path:
    path.write_text(json.dumps({"class_name": "Sequential", "keras_version": "2.1.6", "config": list(layers)}))
    return path


@pytest.fixture
def two_layers(tmp_path, rng):
    """Architecture, and weights as arrays."""
    architecture = sequential(
        tmp_path / "model.json", dense("a", 4, batch_input_shape=[None, 4]), dense("b", 4, "hard_sigmoid")
    )
    weights = {
        name: {f"{name}/kernel:0": rng.normal(size=(4, 4)), f"{name}/bias:0": rng.normal(size=4)} for name in "ab"
    }
    return architecture, weights


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def by_hand(x: np.ndarray, weights: dict) -> np.ndarray:
    a, b = weights["a"], weights["b"]
    z = (x @ a["a/kernel:0"] + a["a/bias:0"]) @ b["b/kernel:0"] + b["b/bias:0"]
    return np.clip(0.2 * z + 0.5, 0, 1)


def test_hard_sigmoid_keeps_the_meaning_of_keras2(two_layers, tmp_path, rng):
    architecture, weights = two_layers
    model = load_keras_model(architecture, weights=write_old_weights(tmp_path / "w.h5", weights))
    x = rng.normal(size=(6, 4)).astype("float32")
    np.testing.assert_allclose(np.asarray(model(x)), by_hand(x, weights), atol=1e-5)


def test_weights_under_other_names_are_taken_in_order(two_layers, tmp_path, rng):
    architecture, weights = two_layers
    renamed = {
        f"dense_{i}": {key.replace(name, f"dense_{i}"): value for key, value in weights[name].items()}
        for i, name in enumerate("ab", start=7)
    }
    model = load_keras_model(architecture, weights=write_old_weights(tmp_path / "w.h5", renamed))
    x = rng.normal(size=(6, 4)).astype("float32")
    np.testing.assert_allclose(np.asarray(model(x)), by_hand(x, weights), atol=1e-5)


def test_layers_are_found_by_name_whatever_their_order_in_the_file(two_layers, tmp_path, rng):
    architecture, weights = two_layers
    turned = dict(reversed(weights.items()))
    model = load_keras_model(architecture, weights=write_old_weights(tmp_path / "w.h5", turned))
    x = rng.normal(size=(6, 4)).astype("float32")
    np.testing.assert_allclose(np.asarray(model(x)), by_hand(x, weights), atol=1e-5)


def test_weights_saved_from_a_wrapper_for_several_gpus(two_layers, tmp_path, rng):
    architecture, weights = two_layers
    wrapped = {"model_1": {**weights["a"], **weights["b"]}}
    model = load_keras_model(architecture, weights=write_old_weights(tmp_path / "w.h5", wrapped))
    x = rng.normal(size=(6, 4)).astype("float32")
    np.testing.assert_allclose(np.asarray(model(x)), by_hand(x, weights), atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("b"), r"Without weights: 'b'"),
        (lambda w: w.update(c={"c/kernel:0": np.zeros((4, 4))}), r"Left over in the file: 'c'"),
        (lambda w: w["b"].pop("b/bias:0"), r"Layer 'b' has 2 weights .*holds 1 for it"),
        (
            lambda w: w["b"].update({"b/kernel:0": np.zeros((4, 5))}),
            r"Weight 'kernel' of layer 'b' has shape \(4, 4\) in the model, but .* holds \(4, 5\)",
        ),
        (
            lambda w: w.update(b={"b/bias:0": np.zeros(4), "b/gamma:0": np.zeros((4, 4))}),
            r"the place of 'kernel' is taken by 'bias'",
        ),
    ],
    ids=["missing layer", "left over", "missing weight", "shape", "other weight"],
)
def test_weights_that_do_not_fit_are_refused(two_layers, tmp_path, change, message):
    architecture, weights = two_layers
    change(weights)
    with pytest.raises(ModelLoadError, match=message):
        load_keras_model(architecture, weights=write_old_weights(tmp_path / "w.h5", weights))


def test_kernels_of_theano_are_flipped(tmp_path, rng):
    kernel = rng.normal(size=(5, 4, 3))
    conv = {
        "filters": 3,
        "kernel_size": [5],
        "use_bias": False,
        "batch_input_shape": [None, 12, 4],
        "name": "c",
    }
    architecture = sequential(tmp_path / "model.json", {"class_name": "Conv1D", "config": conv})
    x = rng.normal(size=(2, 12, 4)).astype("float32")
    outputs = []
    for backend, stored in (("tensorflow", kernel), ("theano", kernel[::-1])):
        path = write_old_weights(tmp_path / f"{backend}.h5", {"c": {"c/kernel:0": stored}}, backend)
        outputs.append(np.asarray(load_keras_model(architecture, weights=path)(x)))
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-6)
    assert np.ptp(outputs[0]) > 1


def test_graph_nodes_of_tensorflow_2_0(tmp_path, rng):
    def op(name: str, inputs: list, kind: str, constants: dict, **attributes: object) -> dict:
        node = {"name": name, "op": kind, "attr": attributes}
        config = {
            "name": name,
            "trainable": True,
            "dtype": "float32",
            "node_def": node,
            "constants": constants,
        }
        return {"class_name": "TensorFlowOpLayer", "config": config, "name": name, "inbound_nodes": [inputs]}

    layers = [
        {
            "class_name": "InputLayer",
            "config": {"batch_input_shape": [None, 6, 4], "name": "x", "dtype": "float32"},
            "name": "x",
            "inbound_nodes": [],
        },
        op("mul", [["x", 0, 0, {}]], "Mul", {"1": 3.0}),
        op("sub", [["mul", 0, 0, {}]], "Sub", {"0": 1.0}),
        op("both", [["sub", 0, 0, {}], ["x", 0, 0, {}]], "ConcatV2", {"2": -1}),
        op("mean", [["both", 0, 0, {}]], "Mean", {"1": [1]}, keep_dims={"b": True}),
        op("flat", [["mean", 0, 0, {}]], "Squeeze", {}, squeeze_dims={"list": {"i": ["1"]}}),
        {**dense("d", 2), "name": "d", "inbound_nodes": [[["flat", 0, 0, {}]]]},
    ]
    config = {"name": "m", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["d", 0, 0]]}
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"class_name": "Model", "config": config, "keras_version": "2.2.4-tf"}))
    weights = {"d": {"d/kernel:0": rng.normal(size=(8, 2)), "d/bias:0": rng.normal(size=2)}}
    model = load_keras_model(path, weights=write_old_weights(tmp_path / "w.h5", weights))
    x = rng.normal(size=(3, 6, 4)).astype("float32")
    wanted = np.concatenate([1 - 3 * x, x], -1).mean(1) @ weights["d"]["d/kernel:0"] + weights["d"]["d/bias:0"]
    np.testing.assert_allclose(np.asarray(model(x)), wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"class_name": "LocallyConnected1D", "config": {"name": "l"}}, "LocallyConnected1D"),
        (dense("d", 3, shiny=1), r"Layer 'd' \(Dense\) has the setting shiny=1"),
        (
            {"class_name": "LSTM", "config": {"name": "r", "units": 2, "time_major": True}},
            r"Layer 'r' \(LSTM\) uses time_major=true",
        ),
        (
            {"class_name": "Dense", "config": {"name": "d", "units": 3, "activation": "mine"}},
            r"Layer 'd' \(Dense\) cannot be made.*",
        ),
    ],
)
def test_settings_that_keras3_lacks_are_named(tmp_path, layer, message):
    layer["config"]["batch_input_shape"] = [None, 6, 4]
    architecture = sequential(tmp_path / "model.json", layer)
    with pytest.raises(ModelLoadError, match=message):
        load_keras_model(architecture, weights=write_old_weights(tmp_path / "w.h5", {}))


def test_untranslatable_function_is_named(tmp_path):
    given = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4], "name": "x"}, "name": "x"}
    call = {"class_name": "TFOpLambda", "name": "tf.sort", "config": {"name": "tf.sort", "function": "sort"}}
    layers = [{**given, "inbound_nodes": []}, {**call, "inbound_nodes": [["x", 0, 0, {}]]}]
    config = {
        "name": "m",
        "layers": layers,
        "input_layers": [["x", 0, 0]],
        "output_layers": [["tf.sort", 0, 0]],
    }
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"class_name": "Functional", "config": config, "keras_version": "2.4.0"}))
    with pytest.raises(ModelLoadError, match=r"'tf.sort' calls the TensorFlow function tf\.sort"):
        load_keras_model(path, weights=write_old_weights(tmp_path / "w.h5", {}))
