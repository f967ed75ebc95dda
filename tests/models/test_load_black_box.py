"""SavedModel folders are scored as TensorFlow scores them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from seqexplain.errors import BackendError, MissingFileError, ModelLoadError, ShapeError
from seqexplain.models import _black_box
from seqexplain.models._black_box import load_black_box
from seqexplain.models.load import load_keras_model

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="needs TensorFlow")


class Scores(tf.Module):
    """Two inputs, two outputs: sum of squares plus a shift, and the shift doubled."""

    @tf.function(
        input_signature=[tf.TensorSpec((None, 10, 4), tf.float32, "dna"), tf.TensorSpec((None, 1), tf.float32, "shift")]
    )
    def score(self, dna, shift):
        return {"sum": tf.reduce_sum(dna**2, axis=[1, 2])[:, None] + shift, "double": 2 * shift}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("black") / "scores"
    module = Scores()
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.score})
    return path


def test_scores_and_ports(folder):
    box = load_black_box(folder)
    ports = {port.name: port for port in box.inputs}
    assert (ports["dna"].shape, ports["dna"].dtype) == ((None, 10, 4), "float32")
    assert [port.name for port in box.outputs] == ["double", "sum"]
    rng = np.random.default_rng(0)
    feed = {"dna": rng.random((3, 10, 4)), "shift": rng.random((3, 1))}
    double, total = box.predict_batch([feed[port.name] for port in box.inputs])
    np.testing.assert_allclose(double, 2 * feed["shift"], rtol=1e-6)
    np.testing.assert_allclose(total, (feed["dna"] ** 2).sum((1, 2))[:, None] + feed["shift"], rtol=1e-5)


def test_wrong_inputs_are_named(folder):
    box = load_black_box(folder)
    arrays = {"dna": np.zeros((2, 4, 10)), "shift": np.zeros((2, 1))}
    with pytest.raises(ShapeError, match=r"'dna' of scores has shape \(2, 4, 10\); expected \(None, 10, 4\)"):
        box.predict_batch([arrays[port.name] for port in box.inputs])
    with pytest.raises(ShapeError, match="has 2 inputs"):
        box.predict_batch([np.zeros((2, 10, 4))])


def test_what_cannot_be_opened(folder, tmp_path):
    with pytest.raises(ModelLoadError, match="can be scored, but not looked into"):
        load_keras_model(folder)
    with pytest.raises(MissingFileError):
        load_black_box(tmp_path / "nothing")
    bare = tmp_path / "bare"
    tf.saved_model.save(Scores(), str(bare), signatures={})
    with pytest.raises(ModelLoadError, match="has no signature 'serving_default'"):
        load_black_box(bare)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "saved_model.pb").write_bytes(b"\xff\xff\xff")
    with pytest.raises(ModelLoadError, match="cannot be opened"):
        load_black_box(broken)


def test_other_backends_are_refused(folder, monkeypatch):
    monkeypatch.setattr(_black_box, "choose_backend", lambda: "jax")
    with pytest.raises(BackendError, match="'jax' backend cannot run"):
        load_black_box(folder)


def test_a_folder_that_keras_exported(tmp_path):
    model = keras.Sequential([keras.layers.Input((6, 4)), keras.layers.Conv1D(2, 3)])
    model.export(tmp_path / "exported", verbose=False)
    x = np.random.default_rng(1).random((2, 6, 4)).astype("float32")
    (got,) = load_black_box(tmp_path / "exported").predict_batch([x])
    np.testing.assert_allclose(got, np.asarray(model(x)), atol=1e-6)
