"""Products are computed in float32, whatever the backend would do on a GPU, and its settings are left as they were."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import keras
import numpy as np
import pytest

from seqexplain import deeplift
from seqexplain.errors import ParameterError
from seqexplain.models._precision import in_precision
from seqexplain.models.sequence_model import SequenceModel

tf = pytest.importorskip("tensorflow")
enabled = tf.config.experimental.tensor_float_32_execution_enabled


@pytest.mark.parametrize("before", [True, False])
def test_tensorflow_is_left_as_it_was(before: bool) -> None:
    tf.config.experimental.enable_tensor_float_32_execution(before)
    try:
        with in_precision("tensorflow", "float32"):
            assert not enabled()
            with in_precision("tensorflow", "float32"):
                assert not enabled()
            assert not enabled()
        assert enabled() == before
        with in_precision("tensorflow", "tf32"):
            assert enabled()
        with pytest.raises(RuntimeError, match="boom"), in_precision("tensorflow", "float32"):
            raise RuntimeError("boom")
        assert enabled() == before
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(True)


def test_threads_that_overlap() -> None:
    meet = Barrier(2)

    def work(first_out: bool) -> bool:
        with in_precision("tensorflow", "float32"):
            meet.wait(10)
            inside = not enabled()
            if not first_out:
                done.wait(10)
                inside = inside and not enabled()  # the other has left already
        if first_out:
            done.wait(10)
        return inside

    done = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(work, (True, False)))
    assert enabled()


def test_torch_is_left_as_it_was() -> None:
    torch = pytest.importorskip("torch")
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    with in_precision("torch", "float32"):
        assert not torch.backends.cuda.matmul.allow_tf32
        assert not torch.backends.cudnn.allow_tf32
    with in_precision("torch", "tf32"):
        assert torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.allow_tf32
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == before


@pytest.mark.parametrize(("precision", "wanted"), [("float32", "HIGHEST"), ("tf32", "HIGH")])
def test_jax_compiles_products_of_this_precision(precision: str, wanted: str) -> None:
    jax = pytest.importorskip("jax")
    ones = np.ones((2, 2), dtype=np.float32)
    with in_precision("jax", precision):
        program = str(jax.make_jaxpr(lambda a: a @ a)(ones))
    assert f"Precision.{wanted}," in program
    assert "Precision" not in str(jax.make_jaxpr(lambda a: a @ a)(ones)).replace("precision=None", "")


def test_methods_compute_in_it_and_say_so() -> None:
    seen = []

    def target(heads: Any) -> Any:  # evaluated outside; the rule below inside of what is compiled
        return heads[:, 0]

    def rule(layer: Any, x: Any, reference: Any, m: Any) -> Any:
        seen.append(enabled())
        return m

    x = keras.Input((12, 4))
    keras_model = keras.Model(x, keras.layers.Dense(1)(keras.layers.Flatten()(keras.layers.Identity()(x))))
    X = np.eye(4, dtype=np.float32)[np.random.default_rng(0).integers(0, 4, (2, 12))]
    for precision in ("float32", "tf32"):
        model = SequenceModel(keras_model, precision=precision)
        found = deeplift(model, X, target=target, n_references=1, rules={keras.layers.Identity: rule})
        assert found.parameters["model"]["precision"] == precision
    assert seen == [False, True]
    assert enabled()
    with pytest.raises(ParameterError, match="precision='half' is not known"):
        SequenceModel(keras_model, precision="half")
