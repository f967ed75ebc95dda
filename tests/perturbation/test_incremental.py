"""Computing only what an edit changes gives what the whole model gives, for every layer, or an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers as kl
from keras import ops

from seqexplain.errors import IncrementalError, ParameterError
from seqexplain.models import sequence_model
from seqexplain.models.backend import backend_name
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation import EditOptions, Scorer, _make_edit_plan
from seqexplain.perturbation._edit_plan import FullStep
from seqexplain.perturbation._local_steps import LocalStep, Total

TOLERANCE = 1e-5  # of the scores' scale: float32's rounding in the model itself


@pytest.fixture(autouse=True)
def eager(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile nothing: of small networks, compiling is what takes the time."""
    if "compiled" not in request.node.name:
        monkeypatch.setattr(sequence_model, "jit", lambda function, *_: function)


def randomised(model: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        name = variable.path.rpartition("/")[2]
        if name in ("gamma", "moving_variance"):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        else:
            fan = max(1.0, float(np.prod(variable.shape[:-1])))
            variable.assign(rng.normal(0, 1.5 / np.sqrt(fan), variable.shape))
    return model


def dna(n: int, length: int, seed: int = 0) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[np.random.default_rng(seed).integers(0, 4, (n, length))]


def assert_same(
    model: SequenceModel, length: int, width: int = 1, target: Any = None, n: int = 2, seed: int = 0
) -> Any:
    """Compare all edits of a width with whole sequences; return the evaluator."""
    rng = np.random.default_rng(seed)
    X = dna(n, length, seed)
    places = length - width + 1
    rows, starts = np.repeat(np.arange(n), places), np.tile(np.arange(places), n)
    order = rng.permutation(len(rows))
    rows, starts = rows[order], starts[order]
    replacements = rng.random((len(rows), 2, width, 4)).astype(np.float32)
    options = {"target": target, "batch_size": 48}
    bound = Scorer(model, length, n, EditOptions(evaluation="incremental", **options)).bind(X)
    whole = Scorer(model, length, n, EditOptions(evaluation="full", **options)).bind(X)
    found, wanted = bound.effects(rows, starts, replacements), whole.effects(rows, starts, replacements)
    scale = max(np.abs(whole.base).max(), np.abs(wanted).max(), 1e-3)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE * scale)
    assert np.abs(wanted).max() > 0
    return bound.scorer.evaluator(width)


def local_layers(evaluator: Any) -> set[str]:
    return {s.operation.layer_class for s in evaluator.plan.steps if isinstance(s, LocalStep)}


def full_layers(evaluator: Any) -> set[str]:
    return {s.operation.layer_class for s in evaluator.plan.steps if isinstance(s, FullStep)}


def basset() -> Any:
    x = y = keras.Input((72, 4))
    for filters, width, pool in ((6, 9, 3), (5, 5, 4), (5, 3, 2)):
        y = kl.Conv1D(filters, width, padding="same", use_bias=False)(y)
        y = kl.MaxPooling1D(pool)(kl.ReLU()(kl.BatchNormalization()(y)))
    y = kl.Dense(7, activation="relu")(kl.Flatten()(y))
    return keras.Model(x, kl.Dense(3, activation="sigmoid")(y))


def factorised_basset() -> Any:
    x = y = keras.Input((60, 4))
    for filters, widths, pool in ((6, (3, 5), 3), (5, (3, 3), 2)):
        for width in widths:
            y = kl.Conv1D(filters, width, padding="same")(y)
            y = kl.Activation("gelu")(kl.BatchNormalization()(y))
        y = kl.MaxPooling1D(pool, padding="same")(y)
    return keras.Model(x, kl.Dense(2)(kl.GlobalMaxPooling1D()(y)))


def bpnet() -> Any:
    x = keras.Input((80, 4))
    y = kl.Conv1D(5, 7, activation="relu")(x)
    for d in (2, 4, 8):
        z = kl.Conv1D(5, 3, dilation_rate=d, activation="relu")(y)
        y = kl.Add()([kl.Cropping1D(d)(y), z])
    profile = kl.Flatten(name="profile")(kl.Conv1D(1, 9)(y))
    counts = kl.Dense(1, name="counts")(kl.GlobalAveragePooling1D()(y))
    return keras.Model(x, [profile, counts])


def danq() -> Any:
    x = keras.Input((52, 4))
    y = kl.MaxPooling1D(4)(kl.Conv1D(6, 7, activation="relu")(x))
    y = kl.Bidirectional(kl.LSTM(3, return_sequences=True))(y)
    return keras.Model(x, kl.Dense(2)(kl.Dense(5, activation="relu")(kl.Flatten()(y))))


def attention() -> Any:
    x = keras.Input((30, 4))
    y = kl.LayerNormalization()(kl.Conv1D(6, 5, padding="same", activation="relu")(x))
    y = y + kl.MultiHeadAttention(2, 3)(y, y)
    return keras.Model(x, kl.Dense(1)(kl.GlobalAveragePooling1D()(y)))


def squeeze_and_excite() -> Any:
    x = keras.Input((30, 4))
    y = kl.Conv1D(6, 5, padding="same", activation="silu")(x)
    gate = kl.Dense(6, activation="sigmoid")(kl.GlobalAveragePooling1D(keepdims=True)(y))
    return keras.Model(x, kl.Dense(1)(kl.GlobalMaxPooling1D()(kl.Multiply()([y, gate]))))


def inception() -> Any:
    """Branches of different reach, joined by channel, gated position by position."""
    x = keras.Input((41, 4))
    branches = [kl.Conv1D(3, k, padding="same", activation="relu")(x) for k in (1, 5, 9)]
    y = kl.Concatenate()([*branches, kl.AveragePooling1D(3, strides=1, padding="same")(x)])
    y = kl.SeparableConv1D(6, 3, activation="tanh")(y)
    y = kl.DepthwiseConv1D(3, padding="same")(y)
    y = kl.Conv1D(4, 3, activation="tanh")(y) * kl.Conv1D(4, 3, activation="sigmoid")(y)
    y = ops.maximum(y, kl.Conv1D(4, 1)(y))
    return keras.Model(x, kl.Dense(2)(kl.Flatten()(kl.AveragePooling1D(4, strides=3)(y))))


def images() -> Any:
    """DNA as an image with one channel, as older models have it."""
    x = keras.Input((40, 4, 1))
    y = kl.MaxPooling2D((3, 1), strides=(2, 1))(kl.Conv2D(5, (6, 4), activation="relu")(x))
    y = kl.Conv2D(4, (3, 1), padding="same", activation="relu")(y)
    return keras.Model(x, kl.Dense(2)(kl.Flatten()(kl.AveragePooling2D((2, 1), padding="same")(y))))


def sideways() -> Any:
    """Positions along the second axis, channels before them."""
    x = keras.Input((4, 36))
    y = kl.Permute((2, 1))(x)
    y = kl.Conv1D(5, 5, strides=2, activation="relu")(y)
    y = kl.Reshape((16, 1, 5))(y)
    y = kl.Conv2D(5, (3, 1), padding="same", activation="elu")(y)
    y = kl.Permute((3, 1, 2))(kl.Dense(3, activation="relu")(y))
    return keras.Model(x, kl.Dense(1)(kl.Flatten()(y)))


def both_strands() -> Any:
    """A tower shared by the two strands, the second turned back."""
    x = keras.Input((33, 4))
    tower = keras.Sequential([keras.Input((33, 4)), kl.Conv1D(5, 5, activation="relu"), kl.Conv1D(3, 3)])
    turned = ops.flip(tower(ops.flip(x, axis=(1, 2))), axis=1)
    y = kl.UpSampling1D(2)(kl.ZeroPadding1D((2, 1))(kl.Maximum()([tower(x), turned])))
    return keras.Model(x, kl.Dense(1)(kl.GlobalMaxPooling1D()(kl.LeakyReLU()(kl.Conv1D(4, 3)(y)))))


CASES: dict[str, tuple[Callable[[], Any], Any, set[str], set[str]]] = {
    # what to build, what to explain, layers computed locally, layers computed in full
    "Basset": (basset, [0, 2], {"Conv1D", "BatchNormalization", "ReLU", "MaxPooling1D"}, {"Flatten", "Dense"}),
    "factorised Basset": (factorised_basset, 1, {"Conv1D", "MaxPooling1D", "GlobalMaxPooling1D"}, {"Dense"}),
    "BPNet": (bpnet, [("counts", 0), ("profile", 30)], {"Conv1D", "Cropping1D", "GlobalAveragePooling1D"}, {"Dense"}),
    "DanQ": (danq, 0, {"Conv1D", "MaxPooling1D"}, {"Bidirectional", "Dense"}),
    "attention": (attention, None, {"Conv1D", "LayerNormalization"}, {"MultiHeadAttention"}),
    "squeeze and excite": (squeeze_and_excite, None, {"Conv1D", "GlobalAveragePooling1D"}, {"Multiply"}),
    "inception": (
        inception,
        1,
        {"Conv1D", "Concatenate", "SeparableConv1D", "AveragePooling1D", "Multiply"},
        {"Dense"},
    ),
    "images": (images, 0, {"Conv2D", "MaxPooling2D", "AveragePooling2D"}, {"Dense"}),
    "sideways": (sideways, None, {"Permute", "Conv1D", "Reshape", "Conv2D", "Dense"}, {"Flatten"}),
    "both strands": (both_strands, None, {"Flip", "Maximum", "UpSampling1D", "ZeroPadding1D"}, {"Dense"}),
}


@pytest.mark.parametrize("name", CASES)
def test_architectures(name: str) -> None:
    build, target, local, full = CASES[name]
    model = SequenceModel(randomised(build(), 1))
    evaluator = assert_same(model, model.length, target=target)
    assert local <= local_layers(evaluator), evaluator.plan.steps
    assert full <= full_layers(evaluator)


@pytest.mark.parametrize("channels", [1, 4])
def test_a_mean_over_an_odd_number_of_positions_is_no_choice_of_the_middle_one(channels: int) -> None:
    x = keras.Input((21, 4))
    y = kl.Conv1D(channels, 3, padding="same", activation="tanh")(x)
    gate = kl.Dense(channels, activation="sigmoid")(kl.GlobalAveragePooling1D(keepdims=True)(y))
    y = kl.Add()([kl.GlobalMaxPooling1D()(kl.Multiply()([y, gate])), kl.GlobalAveragePooling1D()(y)])
    assert_same(SequenceModel(randomised(keras.Model(x, kl.Dense(1)(y)), 5)), 21)


@pytest.mark.parametrize("name", ["Basset", "BPNet", "images", "both strands"])
@pytest.mark.parametrize("width", [4, 11])
def test_stretches(name: str, width: int) -> None:
    build, target, *_ = CASES[name]
    model = SequenceModel(randomised(build(), 2))
    assert_same(model, model.length, width=width, target=target, n=1)


@pytest.mark.parametrize("axis", [1, 2])
def test_a_dense_layer_multiplies_what_neighbours_change(axis: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_make_edit_plan, "NEAR", 4)
    x = keras.Input((48, 4))
    y = kl.MaxPooling1D(2)(kl.Conv1D(3, 5, padding="same", activation="relu")(x))
    flat = kl.Flatten(name="flat")(y if axis == 1 else kl.Permute((2, 1))(y))
    model = SequenceModel(randomised(keras.Model(x, kl.Dense(1)(kl.Dense(2, activation="relu")(flat))), 1))
    found = assert_same(model, 48)  # in random order: batches reach everywhere
    steps = [type(s).__name__ for s in found.plan.steps]
    assert ("FlatDense" in steps) == (axis == 1)  # channel by channel, the weights of a position are scattered
    X = dna(1, 48)
    starts, replacements = np.arange(48), np.random.default_rng(0).random((48, 2, 1, 4)).astype(np.float32)
    near, whole = (
        Scorer(model, 48, 1, EditOptions(evaluation=e, batch_size=b)).bind(X).effects(0 * starts, starts, replacements)
        for e, b in (("incremental", 8), ("full", "auto"))
    )
    np.testing.assert_allclose(near, whole, rtol=0, atol=2e-6)


def test_profiles_and_average_of_strands() -> None:
    from seqexplain.models.target import profile

    assert_same(SequenceModel(randomised(bpnet(), 3)), 80, target=[profile("profile"), ("profile", 3)], n=1)
    assert_same(SequenceModel(randomised(basset(), 3), average_strands=True), 72, target=0, n=1)


def test_other_inputs_and_unknown_bases() -> None:
    x, cell, track = keras.Input((30, 4), name="x"), keras.Input((3,), name="cell"), keras.Input((30, 2), name="track")
    y = kl.Conv1D(5, 3, padding="same", activation="relu")(x)
    y = kl.Concatenate()([y, track, kl.RepeatVector(30)(cell)])
    y = kl.Conv1D(4, 5, activation="relu")(kl.Multiply()([y, kl.Dense(10)(cell)[:, None]]))
    model = randomised(keras.Model([x, cell, track], kl.Dense(1)(kl.GlobalMaxPooling1D()(y))), 4)
    rng = np.random.default_rng(0)
    extra = {"cell": rng.normal(size=(2, 3)), "track": rng.normal(size=(30, 2))}
    X = dna(2, 30)
    X[:, 7:9] = 0
    rows, starts = np.repeat([0, 1], 30), np.tile(np.arange(30), 2)
    replacements = np.broadcast_to(np.eye(4, dtype=np.float32)[:, None], (60, 4, 1, 4))
    for unknown in ("zeros", "uniform"):
        wrapped = SequenceModel(model, unknown=unknown, extra_inputs=extra, sequence_input="x")
        found, wanted = (
            Scorer(wrapped, 30, 2, EditOptions(evaluation=e)).bind(X).effects(rows, starts, replacements)
            for e in ("incremental", "full")
        )
        np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-6)


SPECS = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["conv", "conv", "residual", "max", "average", "crop", "norm"]),
            "padding": st.sampled_from(["same", "valid", "causal"]),
            "size": st.integers(1, 7),
            "stride": st.integers(1, 4),
            "dilation": st.integers(1, 4),
            "activation": st.sampled_from(["relu", "gelu", "linear", "tanh"]),
        }
    ),
    min_size=1,
    max_size=4,
)


def network(length: int, specs: list[dict[str, Any]], end: str) -> Any:
    """A stack of what regulatory models are made of, as far as the positions last."""
    x = y = keras.Input((length, 4))
    for spec in specs:
        room = int(y.shape[1])
        size, stride = min(spec["size"], room), spec["stride"]
        padding = "same" if spec["padding"] == "causal" and spec["kind"] != "conv" else spec["padding"]
        if spec["kind"] == "average" and backend_name() == "torch":
            padding = "valid"  # Keras pads otherwise there than elsewhere: such a model is refused
        if spec["kind"] == "conv":
            dilation = min(spec["dilation"], max(1, (room - 1) // max(1, size - 1)))
            steps = {"strides": stride} if dilation == 1 else {"dilation_rate": dilation}
            y = kl.Conv1D(3, size, padding=padding, activation=spec["activation"], **steps)(y)
        elif spec["kind"] == "residual":
            y = kl.Add()([y, kl.Conv1D(y.shape[2], size, padding="same", activation="relu")(y)])
        elif spec["kind"] in ("max", "average"):
            pool = kl.MaxPooling1D if spec["kind"] == "max" else kl.AveragePooling1D
            y = pool(size, strides=stride, padding=padding)(y)
        elif spec["kind"] == "crop":
            y = kl.Cropping1D((min(spec["size"], (room - 1) // 2), min(stride, (room - 1) // 2)))(y)
        else:
            y = kl.LayerNormalization()(y)
    y = {"flat": kl.Flatten, "mean": kl.GlobalAveragePooling1D, "max": kl.GlobalMaxPooling1D}[end]()(y)
    return keras.Model(x, kl.Dense(1)(y))


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(24, 44), SPECS, st.sampled_from(["flat", "mean", "max"]), st.integers(1, 5), st.integers(0, 99))
def test_random_networks(length: int, specs: list[dict[str, Any]], end: str, width: int, seed: int) -> None:
    model = SequenceModel(randomised(network(length, specs, end), seed))
    X = dna(1, model.length, 5)
    starts = np.arange(model.length - width + 1)
    replacements = np.random.default_rng(6).random((len(starts), 1, width, 4)).astype(np.float32)
    found, wanted = (
        Scorer(model, model.length, 1, EditOptions(evaluation=e)).bind(X).effects(0 * starts, starts, replacements)
        for e in ("incremental", "full")
    )
    scale = max(1e-3, np.abs(wanted).max(), np.abs(model.predict(X, level="logit")).max())
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE * scale)


def test_a_wrong_effect_is_an_error_that_names_the_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    from seqexplain.perturbation._local_steps import Spread

    right = Spread.run

    def wrong(self: Any, *arguments: Any) -> Any:
        local = right(self, *arguments)
        return local * 1.01 if self.operation.layer == "second" else local

    x = keras.Input((30, 4))
    y = kl.Conv1D(4, 3, activation="relu", name="second")(kl.Conv1D(4, 3, activation="relu", name="first")(x))
    model = SequenceModel(randomised(keras.Model(x, kl.Dense(1)(kl.GlobalMaxPooling1D()(y))), 1))
    monkeypatch.setattr(Spread, "run", wrong)
    with pytest.raises(IncrementalError, match=r"begins at the layer 'second' \(Conv1D\).*evaluation=\"full\""):
        assert_same(model, 30)


def test_a_wrong_effect_on_a_small_head_does_not_hide_behind_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    x = keras.Input((30, 4))
    y = kl.Conv1D(6, 5, activation="tanh")(x)
    large = kl.Rescaling(1e6)(kl.Dense(1)(kl.GlobalMaxPooling1D()(y)))
    small = kl.Dense(1)(kl.GlobalAveragePooling1D()(y))
    model = SequenceModel(randomised(keras.Model(x, [large, small]), 2))
    right = Total.run
    monkeypatch.setattr(Total, "run", lambda self, *given: 2 * right(self, *given))
    options = EditOptions(target=[(0, 0), (1, 0)], evaluation="incremental")
    bound = Scorer(model, 30, 1, options).bind(dna(1, 30))
    with pytest.raises(IncrementalError, match="off by"):
        bound.effects(np.zeros(30, dtype=int), np.arange(30), np.full((30, 1, 1, 4), 0.25, dtype=np.float32))


def test_auto_does_not_compile_for_little(monkeypatch: pytest.MonkeyPatch) -> None:
    model = SequenceModel(randomised(basset(), 1))
    assert Scorer(model, 72, 1, EditOptions(target=0)).evaluator(1) is None
    large = Scorer(model, 72, 10**9, EditOptions(target=0))
    assert large.evaluator(1).plan.saving > 2
    assert large.evaluator(72) is None  # all is replaced: nothing is saved
    x = keras.Input((30, 4))
    mixed = SequenceModel(keras.Model(x, kl.Dense(1)(kl.LSTM(8)(x))))
    assert Scorer(mixed, 30, 10**9, EditOptions()).evaluator(1) is None


def test_a_black_box_is_scored_in_full() -> None:
    class Box:
        name, input_names, input_shapes = "box", ["x"], [(20, 4)]
        outputs = (type("Port", (), {"name": "y", "shape": (None, 1)})(),)

        def predict_batch(self, inputs: Any) -> Any:
            return [inputs[0][:, 3, :1] * 2]

    model = SequenceModel(Box(), input_shape=(20, 4))
    X = dna(1, 20)
    one = np.eye(4, dtype=np.float32)[None, :, None]
    found = Scorer(model, 20, 1, EditOptions(level="output")).bind(X).edits(np.array([0]), np.array([3]), one)
    np.testing.assert_array_equal(found[0, :, 0], [2, 0, 0, 0])
    with pytest.raises(ParameterError, match="SavedModel"):
        Scorer(model, 20, 1, EditOptions(level="output", evaluation="incremental")).bind(X).edits(
            np.array([0]), np.array([3]), one
        )


def test_compiled_in_any_batch_it_is_the_same() -> None:
    model = SequenceModel(randomised(basset(), 7))
    X = dna(3, 72, 1)
    rows, starts = np.repeat(np.arange(3), 72), np.tile(np.arange(72), 3)
    replacements = np.random.default_rng(0).random((216, 3, 1, 4)).astype(np.float32)
    whole = Scorer(model, 72, 3, EditOptions(target=0, evaluation="full")).bind(X)
    wanted = whole.effects(rows, starts, replacements)
    for size in ("auto", 30):
        bound = Scorer(model, 72, 3, EditOptions(target=0, evaluation="incremental", batch_size=size)).bind(X)
        found = bound.effects(rows, starts, replacements)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)
        alone = bound.effects(rows[100:101], starts[100:101], replacements[100:101])
        np.testing.assert_allclose(alone[0], found[100], rtol=0, atol=1e-6)
