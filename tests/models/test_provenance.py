"""What a stored run is told by, where its choices have no names."""

from __future__ import annotations

import keras
import pytest

from seqexplain.attribution import DeepLift, DeepLiftOptions
from seqexplain.models import SequenceModel, contrast


@pytest.fixture(scope="module")
def model() -> SequenceModel:
    keras.utils.set_random_seed(0)
    sequence, cell = keras.Input((10, 4), name="sequence"), keras.Input((2,), name="cell")
    joined = keras.layers.Concatenate()([keras.layers.Flatten()(sequence), cell])
    return SequenceModel(
        keras.Model([sequence, cell], keras.layers.Dense(3)(joined)), extra_inputs={"cell": [0.0, 1.0]}
    )


def parameters(model: SequenceModel, **options):
    return DeepLift(model, 10, 2, DeepLiftOptions(**options)).parameters


def test_functions_of_one_name_are_told_apart(model: SequenceModel) -> None:
    """A store begun with one `<lambda>` must not be gone on with by its opposite."""
    first = parameters(model, target=lambda y: y[:, 0] - y[:, 1])
    assert first == parameters(model, target=lambda y: -y[:, 1] + y[:, 0])
    for other in (lambda y: y[:, 1] - y[:, 0], lambda y: y[:, 0] - y[:, 1] + 1.0):
        changed = parameters(model, target=other)
        assert changed["targets"] == first["targets"]
        assert changed != first
    within = [parameters(model, target=[0, contrast(lambda y, k=k: k * y[:, 0], 1)]) for k in (1.0, 2.0)]
    assert within[0] != within[1]
    assert "target_weights_sha256" not in parameters(model, target=[0, contrast(0, 1)])


def test_inputs_of_the_call_are_told_apart(model: SequenceModel) -> None:
    found = [parameters(model, target=0, extra_inputs={"cell": v}) for v in ([1.0, 0.0], [1.0, 0.0], [0.0, 0.0])]
    assert found[0] == found[1]
    assert found[0] != found[2]
