"""Files of Keras 3, files that are no models, and files that mean harm."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from seqexplain.errors import FileFormatError, MissingFileError, ModelLoadError, UnsafeModelError
from seqexplain.models.load import load_keras_model, model_sha256

# Keras itself converts its tensors in a way that NumPy 2 warns about.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

LENGTH = 20


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """A model with nesting, a shared layer, operations and two heads; biases and statistics are not zero."""
    keras.utils.set_random_seed(5)
    trunk = keras.Sequential(
        [
            layers.Input((LENGTH, 4)),
            layers.Conv1D(6, 5),
            layers.BatchNormalization(),
            layers.Activation("gelu"),
        ],
        name="trunk",
    )
    given = layers.Input((LENGTH, 4))
    a, b = trunk(given), trunk(given[:, ::-1, ::-1])
    x = keras.ops.maximum(a, keras.ops.multiply(b, 0.5))
    x = layers.MultiHeadAttention(2, 3)(x, x)
    x = layers.Bidirectional(layers.GRU(3))(x)
    other = layers.Dense(1, activation="hard_sigmoid")(x)
    made = keras.Model(given, [layers.Dense(2, name="profile")(x), other])
    rng = np.random.default_rng(1)
    for variable in made.weights:
        variable.assign(rng.uniform(0.05, 0.4, variable.shape))
    return made


@pytest.fixture
def folder(model, tmp_path) -> Path:
    """The model in every format that Keras 3 writes."""
    model.save(tmp_path / "m.keras")
    model.save(tmp_path / "m.h5")
    model.save_weights(tmp_path / "m.weights.h5")
    (tmp_path / "m.json").write_text(model.to_json())
    return tmp_path


def outputs(model: keras.Model) -> list[np.ndarray]:
    x = np.random.default_rng(2).random((3, LENGTH, 4)).astype("float32")
    result = model(x)
    return [np.asarray(part) for part in (result if isinstance(result, list) else [result])]


@pytest.mark.parametrize(
    ("path", "weights"),
    [
        ("m.keras", None),
        ("m.h5", None),
        ("m.json", "m.weights.h5"),
        ("m.json", "m.h5"),
        ("m.json", "m.keras"),
        ("m.keras", "m.weights.h5"),
    ],
)
def test_every_format_of_keras3(folder, model, path, weights):
    opened = load_keras_model(folder / path, weights=None if weights is None else folder / weights)
    for got, wanted in zip(outputs(opened), outputs(model), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-6)
    assert not opened.compiled


def test_content_counts_and_not_the_name(folder, model):
    (folder / "m.keras").rename(folder / "model.bin")
    (folder / "m.weights.h5").rename(folder / "weights")
    first = load_keras_model(folder / "model.bin")
    second = load_keras_model(folder / "m.json", weights=folder / "weights")
    np.testing.assert_allclose(outputs(first)[0], outputs(model)[0], atol=1e-6)
    np.testing.assert_allclose(outputs(second)[0], outputs(model)[0], atol=1e-6)


# -- weights that do not fit ---------------------------------------------------------------------------------


def test_missing_weight_in_the_newer_layout(folder):
    with h5py.File(folder / "m.weights.h5", "a") as file:
        del file["layers/dense/vars/1"]
    with pytest.raises(ModelLoadError, match="profile"):
        load_keras_model(folder / "m.json", weights=folder / "m.weights.h5")


def test_left_over_weight_in_the_newer_layout(folder):
    with h5py.File(folder / "m.weights.h5", "a") as file:
        file["layers/dense_7/vars/0"] = np.zeros(3)
    with pytest.raises(ModelLoadError, match="belong to another architecture"):
        load_keras_model(folder / "m.json", weights=folder / "m.weights.h5")


def test_other_shape_in_the_newer_layout(folder):
    with h5py.File(folder / "m.weights.h5", "a") as file:
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = np.zeros(3)
    with pytest.raises(ModelLoadError, match=r"profile.*\(2,\).*\(3,\)"):
        load_keras_model(folder / "m.json", weights=folder / "m.weights.h5")


class Holder(layers.Layer):
    """Forgets to save its weight, as layers with sloppy saving do."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1],), name="kernel")

    def call(self, x):
        return x * self.kernel

    def save_own_variables(self, store):
        pass

    def load_own_variables(self, store):
        pass


def test_a_weight_that_nothing_sets_is_noticed(tmp_path):
    made = keras.Sequential([layers.Input((4,)), Holder(name="holder"), layers.Dense(1)])
    made.save(tmp_path / "m.keras")
    with pytest.raises(ModelLoadError, match=r"no values for the weights holder/kernel"):
        load_keras_model(tmp_path / "m.keras", custom_objects={"Holder": Holder})


# -- custom classes and code ---------------------------------------------------------------------------------


class Twice(layers.Layer):
    def call(self, x):
        return x * 2.0


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_custom_class_must_be_given(tmp_path, name):
    made = keras.Sequential([layers.Input((4,)), Twice(), layers.Dense(1, bias_initializer="ones")])
    made.save(tmp_path / name)
    with pytest.raises(ModelLoadError, match=r"'Twice'.*custom_objects=\{'Twice': Twice\}"):
        load_keras_model(tmp_path / name)
    opened = load_keras_model(tmp_path / name, custom_objects={"Twice": Twice})
    x = np.ones((2, 4), "float32")
    np.testing.assert_allclose(np.asarray(opened(x)), np.asarray(made(x)))
    assert "Twice" not in keras.saving.get_custom_objects()


class OwnModel(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.parts = [layers.Dense(3), layers.Dense(1)]

    def call(self, x):
        return self.parts[1](self.parts[0](x))

    def get_config(self):
        return {"name": self.name}


def test_model_of_the_authors_own_class(tmp_path):
    x = np.random.default_rng(3).random((2, 4)).astype("float32")
    made = OwnModel()
    wanted = np.asarray(made(x))
    made.save(tmp_path / "m.keras")
    with pytest.raises(ModelLoadError, match="OwnModel"):
        load_keras_model(tmp_path / "m.keras")
    opened = load_keras_model(tmp_path / "m.keras", custom_objects={"OwnModel": OwnModel})
    np.testing.assert_allclose(np.asarray(opened(x)), wanted)


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_lambda_is_refused_unless_named(tmp_path, name):
    triple = layers.Lambda(lambda x: x * 3.0, name="triple")
    made = keras.Sequential([layers.Input((4,)), triple, layers.Dense(1)])
    made.save(tmp_path / name)
    path, x = tmp_path / name, np.ones((2, 4), "float32")
    for allowed in ((), ("other",)):
        with pytest.raises(UnsafeModelError, match=r"'triple' is a Lambda layer.*allow_lambda=\['triple'\]"):
            load_keras_model(path, allow_lambda=allowed)
    opened = load_keras_model(path, allow_lambda=["triple"])
    np.testing.assert_allclose(np.asarray(opened(x)), np.asarray(made(x)))
    own = load_keras_model(path, custom_objects={"triple": lambda x: x * 6.0})
    np.testing.assert_allclose(np.asarray(own(x)), np.asarray(made(2 * x)), rtol=1e-6)
    # nothing is left switched on
    with pytest.raises(UnsafeModelError):
        load_keras_model(path)
    with pytest.raises(ValueError, match=r"lambda|Lambda"):
        keras.saving.load_model(path)


def rewrite(source: Path, target: Path, change) -> Path:
    """Copy a .keras file with its configuration changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config)
                content = json.dumps(config).encode()
            new.writestr(name, content)
    return target


def _dense(config: dict) -> dict:
    return next(layer for layer in config["config"]["layers"] if layer["name"] == "profile")


def _os_class(config):
    _dense(config).update(module="os", class_name="system", config={"command": "touch hacked"}, registered_name=None)


def _os_function(config):
    _dense(config)["config"]["activation"] = {
        "module": "os", "class_name": "function", "config": "system", "registered_name": "system",
    }  # fmt: skip


def _keras_utility(config):
    _dense(config)["config"]["activation"] = {
        "module": "keras.utils", "class_name": "get_file", "config": {"origin": "x"}, "registered_name": None,
    }  # fmt: skip


def _keras_root(config):
    _dense(config).update(module="keras", class_name="version", config={}, registered_name=None)


def _outside_layer(config):
    _dense(config).update(class_name="TFSMLayer", config={"name": "profile", "filepath": "elsewhere"})


def _pickle_layer(config):
    _dense(config).update(class_name="TorchModuleWrapper", config={"name": "profile", "module": "eA=="})


def _hidden_lambda(config):
    code = {"class_name": "__lambda__", "config": {"code": "4wAA", "defaults": None, "closure": None}}
    _dense(config)["config"]["kernel_initializer"] = code


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (_os_class, ModelLoadError),
        (_os_function, ModelLoadError),
        (_keras_utility, ModelLoadError),
        (_keras_root, UnsafeModelError),
        (_outside_layer, UnsafeModelError),
        (_pickle_layer, UnsafeModelError),
        (_hidden_lambda, UnsafeModelError),
    ],
)
def test_files_that_name_foreign_code_are_refused_before_keras_sees_them(folder, monkeypatch, change, error):
    path = rewrite(folder / "m.keras", folder / "bad.keras", change)

    def reached(*_: object, **__: object) -> None:
        pytest.fail("Keras was given the file")

    monkeypatch.setattr(keras.saving, "deserialize_keras_object", reached)
    with pytest.raises(error, match="profile"):
        load_keras_model(path)


# -- files that are no models --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.keras", b"", "is empty"),
        ("m.h5", b"<!DOCTYPE html><html>", "web page"),
        ("m.h5", b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
        ("m.pt", b"\x80\x02\x8a\nl\xfc\x9c", "pickle"),
        ("m.onnx", b"\x08\x07\x12\x07pytorch", "ONNX"),
        ("saved_model.pb", b"\x08\x01\x12", "SavedModel folder"),
        ("m.h5.gz", b"\x1f\x8b\x08", "gunzip"),
        ("m.json", b"{not json", "not valid JSON"),
        ("m.json", b'{"a": 1}', "not the architecture"),
        ("m.yaml", b"backend: tensorflow", "YAML"),
        ("m.txt", b"hello", "no format that is known"),
        ("m.keras", b"PK\x03\x04 broken", "damaged or cut short"),
        ("m.h5", b"\x89HDF\r\n\x1a\n broken", "damaged or cut short"),
    ],
)
def test_strangers_are_explained(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelLoadError, match=message) as caught:
        load_keras_model(tmp_path / name, weights=None)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_truncated_files(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(ModelLoadError, match="damaged or cut short"):
        load_keras_model(folder / name)


def test_missing_files(folder):
    with pytest.raises(MissingFileError, match=r"There is no file .*nothing\.keras"):
        load_keras_model(folder / "nothing.keras")
    with pytest.raises(MissingFileError, match="no weights file"):
        load_keras_model(folder / "m.json", weights=folder / "nothing.h5")


def test_half_a_model_says_what_else_to_give(folder):
    with pytest.raises(ModelLoadError, match=r"weights without an architecture.*weights='.*m\.weights\.h5'"):
        load_keras_model(folder / "m.weights.h5")
    with pytest.raises(ModelLoadError, match=r"architecture without weights.*weights='weights\.h5'"):
        load_keras_model(folder / "m.json")
    with pytest.raises(ModelLoadError, match="no weights file of Keras"):
        load_keras_model(folder / "m.json", weights=folder / "m.json")


def test_other_archives_and_folders(tmp_path):
    for member, message in (("archive/data.pkl", "PyTorch"), ("x/saved_model.pb", "Unzip"), ("a.txt", r"config\.json")):
        with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
            archive.writestr(member, "x")
        with pytest.raises(ModelLoadError, match=message):
            load_keras_model(tmp_path / "m.zip")
    with pytest.raises(ModelLoadError, match="not a TensorFlow SavedModel"):
        load_keras_model(tmp_path)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"] = np.zeros(3)
    architecture = tmp_path / "m.json"
    architecture.write_text(keras.Sequential([layers.Input((4,)), layers.Dense(1)]).to_json())
    with pytest.raises(ModelLoadError, match="holds no weights as Keras writes them; at its top are: x"):
        load_keras_model(architecture, weights=tmp_path / "data.h5")


def test_errors_are_typed_twice():
    assert issubclass(ModelLoadError, ValueError)
    assert not issubclass(ModelLoadError, FileFormatError)


# -- the hash ------------------------------------------------------------------------------------------------


def test_sha256_of_file_is_the_usual_one(tmp_path):
    (tmp_path / "m.keras").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert model_sha256(tmp_path / "m.keras") == known
    both = hashlib.sha256(f"{known}\n{known}".encode()).hexdigest()
    assert model_sha256(tmp_path / "m.keras", tmp_path / "m.keras") == both


def test_sha256_of_folder_sees_names_and_contents(tmp_path):
    hashes = set()
    for number, files in enumerate(({"a": "1", "b": "2"}, {"a": "2", "b": "1"}, {"a": "1", "c": "2"}, {"a": "1"})):
        folder = tmp_path / str(number)
        (folder / "sub").mkdir(parents=True)
        for name, content in files.items():
            (folder / "sub" / name).write_text(content)
        hashes.add(model_sha256(folder))
    assert len(hashes) == 4
    with pytest.raises(MissingFileError):
        model_sha256(tmp_path / "nothing")
