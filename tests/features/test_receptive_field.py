"""Receptive fields: what the layer's values change by when each base is changed."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import randomise
from keras import layers as kl

from seqexplain.errors import ParameterError, UnsupportedLayerError
from seqexplain.features import receptive_field
from seqexplain.features._filter_layer import filter_layer
from seqexplain.models import load_model
from seqexplain.models.backend import to_numpy, to_tensor
from seqexplain.models.sequence_model import SequenceModel

L = 40
ROUNDING = 2e-6  # of values of about 1: some processors round an example differently at another place of its batch


def seen(model: SequenceModel, layer: str, length: int = L) -> list[np.ndarray]:
    """Which bases change each position, `(positions, L)` bool, one array a call: all edits, tried on the graph."""
    chosen = filter_layer(model, layer, length)
    rng = np.random.default_rng(0)
    found: list[np.ndarray] = []
    graph, weights = model.graph, model.weights()
    positions = graph.needed_for(chosen.values)
    for _ in range(4):  # a pooled value shows a change only where it wins: several sequences
        x = np.eye(4, dtype=np.float32)[rng.integers(0, 4, length)]
        batch = np.repeat(x[None], 3 * length + 1, axis=0)
        for place in range(length):
            for k in range(3):
                batch[1 + 3 * place + k, place] = np.eye(4)[(x[place].argmax() + k + 1) % 4]
        values = graph.run(weights, model.feeds(to_tensor(batch), {}), positions)
        for call, (value, reach) in enumerate(zip(chosen.values, chosen.reaches, strict=True)):
            y = np.moveaxis(to_numpy(values[value]), reach.axis, 1).reshape(len(batch), len(reach), -1)
            changed = (np.abs(y[1:] - y[:1]) > ROUNDING).any(axis=-1).reshape(length, 3, -1).any(axis=1).T
            if len(found) <= call:
                found.append(changed)
            else:
                found[call] |= changed
    return found


def agree(model: SequenceModel, layer: str, length: int = L) -> int:
    """Every change is inside of the window; in the middle windows are no wider than they must be. Return how many."""
    chosen = filter_layer(model, layer, length)
    tried = 0
    for reach, changed in zip(chosen.reaches, seen(model, layer, length), strict=True):
        places = np.arange(length)
        inside = (places >= reach.first[:, None]) & (places <= reach.last[:, None])
        assert not (changed & ~inside).any()
        # near the edges a window sees padding, or what has been cropped
        for p in range(len(reach) // 3, len(reach) - len(reach) // 3):
            if reach.first[p] >= 0 and reach.last[p] < length:
                hit = np.flatnonzero(changed[p])
                assert (hit[0], hit[-1]) == (reach.first[p], reach.last[p])
                tried += 1
    return tried


def stack(seed: int, length: int) -> Any:
    """A random stack of convolutions, pooling, padding and cropping; no value is dead."""
    rng = np.random.default_rng(seed)
    x = y = keras.Input((length, 4))
    for _ in range(int(rng.integers(1, 4))):
        padding = str(rng.choice(["valid", "same", "causal"]))
        stride, dilation = (int(rng.integers(1, 3)), 1) if rng.random() < 0.5 else (1, int(rng.integers(1, 4)))
        y = kl.Conv1D(6, int(rng.integers(1, 5)), padding=padding, strides=stride, dilation_rate=dilation)(y)
        y = kl.BatchNormalization()(y)
        y = kl.Activation("tanh")(y)
        kind = rng.integers(0, 5)
        if kind == 0:
            y = kl.AveragePooling1D(int(rng.integers(1, 4)), strides=int(rng.integers(1, 3)), padding="same")(y)
        elif kind == 1:
            y = kl.MaxPooling1D(2, padding="valid")(y)
        elif kind == 2:
            y = kl.ZeroPadding1D((2, 1))(y)
        elif kind == 3:
            y = kl.Cropping1D((1, 2))(y)
    y = kl.Conv1D(5, 3, padding="same", activation="tanh", name="last")(y)
    return randomise(keras.Model(x, kl.Dense(1)(kl.GlobalAveragePooling1D()(y))), seed)


@pytest.mark.parametrize("seed", range(12))
def test_random_stacks(seed: int) -> None:
    model = SequenceModel(stack(seed, 60))
    assert agree(model, "last", 60) > 0
    # windows go on beyond the edges as they do inside
    (reach,) = filter_layer(model, "last", 60).reaches
    assert len(np.unique(reach.last - reach.first)) == 1
    assert receptive_field(model, layer="last").stride > 0


def test_closed_forms() -> None:
    x = keras.Input((L, 4))
    y = kl.Conv1D(3, 7, name="first")(x)
    y = kl.MaxPooling1D(4)(kl.ReLU()(y))
    y = kl.Conv1D(2, 3, dilation_rate=2, padding="same", activation="relu", name="second")(y)
    model = SequenceModel(keras.Model(x, kl.Dense(1)(kl.Flatten()(y))))
    first, second = receptive_field(model), receptive_field(model, layer="second")
    assert (first.width, first.stride, int(first.starts[0]), len(first)) == (7, 1, 0, L - 6)
    # 7 bases and 3 more for pooling, and 2 · 2 pooled positions of 4 bases each
    assert (second.width, second.stride, int(second.starts[0]), len(second)) == (7 + 3 + 16, 4, -8, (L - 6) // 4)
    assert not second.turned.any()


def test_branches_see_what_any_of_them_sees() -> None:
    x = keras.Input((L, 4))
    short = kl.Conv1D(3, 3, padding="same", activation="tanh")(x)
    long = kl.Conv1D(3, 9, padding="same", activation="tanh")(x)
    y = kl.Concatenate(name="joined")([short, long])
    z = kl.Add()([y, kl.Conv1D(6, 5, padding="same", activation="tanh", name="deep")(y)])
    z = kl.LayerNormalization(name="norm")(z)
    model = SequenceModel(randomise(keras.Model(x, kl.Dense(1)(kl.GlobalAveragePooling1D()(z)))))
    assert receptive_field(model, layer="joined").width == 9
    assert receptive_field(model, layer="norm").width == 13
    for layer in ("joined", "deep", "norm"):
        agree(model, layer)


@pytest.mark.parametrize("layout", ["LC1", "1LC", "CL"])
def test_layouts(layout: str) -> None:
    if layout == "LC1":
        x = keras.Input((L, 4, 1))
        y = kl.Conv2D(5, (6, 4), activation="tanh", name="first")(x)
    elif layout == "1LC":
        x = keras.Input((1, L, 4))
        y = kl.Conv2D(5, (1, 6), activation="tanh", name="first")(x)
    else:
        x = keras.Input((4, L))
        y = kl.Conv1D(5, 6, activation="tanh", name="first")(kl.Permute((2, 1))(x))
    keras_model = randomise(keras.Model(x, kl.Dense(1)(kl.Flatten()(y))))
    model = SequenceModel(keras_model, layout=layout)
    found = receptive_field(model)
    assert (len(found), found.width, found.stride) == (L - 5, 6, 1)
    assert filter_layer(model, "first", L).n_filters == 5
    agree(model, "first")


def test_both_strands_and_the_other_strand_inside_of_the_model() -> None:
    x = keras.Input((L, 4))
    shared = kl.Conv1D(4, 5, strides=2, activation="tanh", name="first")
    turned = keras.ops.flip(x, axis=(1, 2))
    y = kl.Concatenate()([kl.GlobalAveragePooling1D()(shared(x)), kl.GlobalAveragePooling1D()(shared(turned))])
    inside = SequenceModel(randomise(keras.Model(x, kl.Dense(1)(y))))
    x = keras.Input((L, 4))
    y = kl.GlobalMaxPooling1D()(kl.Conv1D(4, 5, strides=2, activation="tanh", name="first")(x))
    around = SequenceModel(randomise(keras.Model(x, kl.Dense(1)(y))), average_strands=True)
    for model in (inside, around):
        found = receptive_field(model)
        n = (L - 5) // 2 + 1
        assert found.starts[:n].tolist() == list(range(0, L - 4, 2))
        assert found.starts[n:].tolist() == [L - 5 - s for s in range(0, L - 4, 2)]
        assert found.turned.tolist() == [False] * n + [True] * n
        agree(model, "first")
    assert receptive_field(around, layer="first#2").turned.all()


def test_what_mixes_positions_is_refused() -> None:
    x = keras.Input((L, 4))
    y = kl.Conv1D(4, 5, activation="relu", name="first")(x)
    y = kl.GRU(3, return_sequences=True, name="gru")(y)
    y = kl.Conv1D(2, 3, name="second")(y)
    model = SequenceModel(keras.Model(x, kl.Dense(1)(kl.Flatten()(y))))
    assert receptive_field(model).width == 5
    with pytest.raises(ParameterError, match=r"'second' has no receptive field: before it, the layer 'gru' \(GRU\)"):
        receptive_field(model, layer="second")
    with pytest.raises(ParameterError, match="no layer 'secnd'"):
        receptive_field(model, layer="secnd")


def test_no_filters_and_any_length(tmp_path: Any) -> None:
    x = keras.Input((None, 4))
    y = kl.Conv1D(4, 5, activation="relu", name="first")(x)
    model = SequenceModel(keras.Model(x, kl.Dense(1)(kl.GlobalMaxPooling1D()(y))))
    assert len(receptive_field(model, length=50)) == 46
    with pytest.raises(ParameterError, match="any length"):
        receptive_field(model)
    x = keras.Input((L, 4))
    dense = SequenceModel(keras.Model(x, kl.Dense(1)(kl.Flatten()(x))))
    with pytest.raises(UnsupportedLayerError, match="has no convolution"):
        receptive_field(dense)
    x = keras.Input((L, 4, 1))
    apart = SequenceModel(keras.Model(x, kl.Dense(1)(kl.Flatten()(kl.Conv2D(5, (6, 1), name="first")(x)))))
    with pytest.raises(ParameterError, match="beside the positions it has 2 axes"):
        receptive_field(apart)


@pytest.mark.filterwarnings("ignore")
def test_a_black_box_is_refused(tmp_path: Any) -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("SavedModel folders are of TensorFlow")
    x = keras.Input((L, 4))
    keras.Model(x, kl.Dense(1)(kl.Flatten()(kl.Conv1D(4, 5)(x)))).export(tmp_path / "saved", verbose=False)
    with pytest.raises(UnsupportedLayerError, match="can be scored, but not looked into"):
        receptive_field(load_model(tmp_path / "saved"))
