"""Relevance propagation: what theory says of it, whatever the oracle computes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import pytest
from contract.toys import L, array_of, dna, randomise, tasks
from keras import layers as kl

from seqexplain.attribution import lrp, lrp_conservation
from seqexplain.attribution.lrp_rules import RULES, AlphaBeta, Epsilon, Flat, Gamma, OneHot, ZPlus
from seqexplain.errors import ParameterError, UnsupportedLayerError
from seqexplain.models import sequence_model
from seqexplain.models.backend import to_numpy, vjp
from seqexplain.models.sequence_model import SequenceModel

COMPOSITES = ("epsilon-plus", "epsilon-plus-flat", "epsilon-gamma-box", "deep-taylor")


@pytest.fixture(autouse=True, scope="module")
def uncompiled() -> Iterator[None]:
    """Compute without XLA: many networks of a few sequences each would be compiled and thrown away."""
    patch = pytest.MonkeyPatch()
    patch.setattr(sequence_model, "jit", lambda function, *_: function)
    yield
    patch.undo()


def without_biases(seed: int = 0) -> Any:
    """A network of ReLUs, pools, a sum of branches and dense layers, none with a bias."""
    x = keras.Input((L, 4))
    y = kl.Conv1D(6, 3, padding="same", activation="relu", use_bias=False, name="motifs")(x)
    z = kl.Conv1D(6, 3, padding="same", dilation_rate=2, activation="relu", use_bias=False)(y)
    y = kl.MaxPooling1D(3, strides=2)(kl.Add()([y, z]))
    y = kl.Dense(8, activation="relu", use_bias=False)(kl.Flatten()(kl.AveragePooling1D(2)(y)))
    return randomise(keras.Model(x, kl.Dense(2, use_bias=False, name="last")(y)), seed)


def normalised(where: str) -> tuple[Any, Any]:
    """The same network twice: with batch normalisation, and with it multiplied into the layer that it belongs to."""
    nets = []
    for folded in (False, True):
        x = keras.Input((L, 4))
        y = kl.Conv1D(5, 3, name="first")(x)
        if where == "after" and not folded:
            y = kl.BatchNormalization(name="norm")(y)
        y = kl.MaxPooling1D(2)(kl.ReLU()(y))
        if where == "before" and not folded:
            y = kl.BatchNormalization(name="norm")(y)
        y = kl.ReLU()(kl.Conv1D(4, 2, name="second")(y))
        nets.append(keras.Model(x, kl.Dense(1, name="last")(kl.Flatten()(y))))
    plain, whole = randomise(nets[0]), nets[1]
    gamma, beta, mean, variance = (array_of(v) for v in plain.get_layer("norm").weights)
    scale = gamma / np.sqrt(variance + plain.get_layer("norm").epsilon)
    shift = beta - mean * scale
    assert (scale < 0).any()
    for layer in whole.layers:
        if not layer.weights:
            continue
        kernel, bias = (array_of(v) for v in plain.get_layer(layer.name).weights)
        if where == "after" and layer.name == "first":
            kernel, bias = kernel * scale, bias * scale + shift
        if where == "before" and layer.name == "second":
            kernel, bias = kernel * scale[:, None], bias + np.einsum("kio,i->o", kernel, shift)
        layer.set_weights([kernel, bias])
    return plain, whole


@pytest.mark.parametrize("seed", range(3))
def test_lrp_0_is_input_times_gradient_without_biases(seed: int) -> None:
    """Bach et al. 2015; Shrikumar et al. 2016: on ReLU networks without biases the two are one."""
    keras_model, X = without_biases(seed), dna(4, seed)
    result = lrp(keras_model, X, rule="z", target=1)
    x = keras.ops.convert_to_tensor(X)
    start = np.zeros((4, 2), dtype=np.float32)
    start[:, 1] = 1
    gradient = to_numpy(vjp(lambda t: keras_model(t), [x], keras.ops.convert_to_tensor(start))[0])
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(result.contributions, gradient * X, rtol=0, atol=1e-5 * scale)
    assert (np.abs(result.completeness_error[:, 0]) <= 1e-4 * np.abs(result.predictions)).all()


def test_input_that_is_no_base_keeps_what_each_value_got() -> None:
    x = keras.Input((L, 4))
    model = SequenceModel(keras.Model(x, kl.Dense(1)(kl.Flatten()(x))))
    X = np.random.default_rng(0).random((2, L, 4)).astype(np.float32)
    X[0, 3] = [0, 1, 0, 0]
    X[1, 4] = 0
    kernel = model.keras_model.layers[-1].get_weights()[0].reshape(L, 4)
    found = lrp(model, X, rule="z")
    np.testing.assert_allclose(found.contributions, X * kernel, rtol=0, atol=1e-5)


@pytest.mark.parametrize("rule", ["z", "epsilon", "gamma", "flat", "w-square", *COMPOSITES])
def test_relevance_is_conserved_without_biases(rule: str) -> None:
    result = lrp(without_biases(), dna(5), rule=rule, target=0)
    empty = 0.0
    if rule not in ("z", "epsilon", "gamma", "flat", "w-square"):  # z⁺ finds no positive term in some units
        rows = lrp_conservation(without_biases(), dna(5), rule=rule, target=0)
        empty = sum(row.absorbed for row in rows)
    scale = np.abs(result.predictions) + np.abs(result.contributions).sum(axis=(1, 2))
    assert (np.abs(result.completeness_error[:, 0] + empty) <= 1e-5 * scale).all()


@pytest.mark.parametrize("where", ["after", "before"])
@pytest.mark.parametrize("rule", [*(n for n in RULES if n not in ("z-b", "one-hot")), *COMPOSITES])
def test_batch_normalisation_is_folded(where: str, rule: str) -> None:
    plain, whole = normalised(where)
    X = dna(3, seed=1)
    np.testing.assert_allclose(plain(X), whole(X), atol=1e-5)
    got, wanted = (lrp(model, X, rule=rule).contributions for model in (plain, whole))
    np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-5 * np.abs(wanted).max())


def test_deep_taylor_keeps_the_sign_and_the_sum() -> None:
    result = lrp(tasks(), dna(20), rule="deep-taylor", target=[0, 1, 2])
    sign = np.sign(result.predictions)[..., None, None]
    assert (result.contributions * sign >= 0).all()
    assert (result.predictions > 0).any()
    assert (result.predictions < 0).any()
    np.testing.assert_allclose(result.contributions.sum(axis=(2, 3)), result.predictions, rtol=1e-4)


def single(kernel: list[list[float]], bias: float = 0.0) -> Any:
    """One convolution as wide as the sequence: f(x) is a position weight matrix's score."""
    x = keras.Input((len(kernel), 4))
    model = keras.Model(x, kl.Flatten()(kl.Conv1D(1, len(kernel), name="matrix")(x)))
    model.get_layer("matrix").set_weights([np.array(kernel, dtype=np.float32)[..., None], np.array([bias])])
    return model


MATRIX = [[2.0, -1.0, 0.5, 0.0], [1.0, 3.0, -2.0, 1.0]]


@pytest.mark.parametrize(
    ("rule", "first", "second"),
    [
        # "AG": terms 2 and −2, bias 1, f = 1
        ("z", 2.0, -2.0),
        (Gamma(1.0), 4 / 4, -2 / 4),  # doubled: 2 · 2 of 4 − 2 + 2 · 1
        (AlphaBeta(2, 1), 2 * 2 / 3, -1.0),
        (AlphaBeta(2, 1, bias=False), 2.0, -1.0),
        ("z-plus", 2 / 3, 0.0),
        (ZPlus(bias=False), 1.0, 0.0),
        ("flat", 0.5, 0.5),
        ("w-square", 5.25 / 20.25, 15 / 20.25),
        # the base there: 2, and −1 is not there: 1; nothing for −2, which is there
        ({"first": "z-b"}, 1.0, 0.0),
        ({"first": "one-hot"}, 2.0, -2.0),
        ({"first": OneHot(centered=True)}, 2 - 1.5 / 4, -2 - 3 / 4),
        (Epsilon(3.0, relative=False), 2 / 4, -2 / 4),
        (Epsilon(3.0), 2 / 4, -2 / 4),  # of a single unit the root mean square is its size
    ],
)
def test_one_position_weight_matrix(rule: Any, first: float, second: float) -> None:
    result = lrp(single(MATRIX, 1.0), ["AG"], rule=rule)
    assert result.predictions == pytest.approx([1.0])
    wanted = np.zeros((1, 2, 4))
    wanted[0, 0, 0], wanted[0, 1, 2] = first, second
    np.testing.assert_allclose(result.contributions, wanted, atol=1e-5)


def test_max_pooling() -> None:
    x = keras.Input((4, 4))
    net = keras.Model(x, kl.Flatten()(kl.MaxPooling1D(4)(kl.Conv1D(1, 1, name="c", use_bias=False)(x))))
    net.get_layer("c").set_weights([np.array([[[3.0], [1.0], [-1.0], [-2.0]]])])
    shown = lambda text, **how: lrp(net, [text], rule="z", **how).contributions.sum(axis=2)[0]  # noqa: E731
    np.testing.assert_allclose(shown("CAAG"), [0, 3, 0, 0], atol=1e-6)
    np.testing.assert_allclose(shown("CAAG", max_pool="proportional"), [3 / 7, 9 / 7, 9 / 7, 0], atol=1e-6)
    # nothing positive: to the winner
    np.testing.assert_allclose(shown("TTGT", max_pool="proportional"), [0, 0, -1, 0], atol=1e-6)


def test_rules_by_name_place_and_class() -> None:
    model = SequenceModel(tasks())
    chosen = lambda rule: lrp(model, dna(1), target=0, rule=rule).parameters["rules"]  # noqa: E731
    everything = chosen({"motifs": "flat", "last": Gamma(0.5), "Dense": "z", "*": "w_square"})
    assert everything == {"motifs": "Flat()", "mix": "Z(bias=True)", "tasks": repr(Gamma(0.5))}
    assert chosen({"first": "z-b"}) == {
        "motifs": "ZB(low=0.0, high=1.0)", "mix": repr(Epsilon()), "tasks": repr(Epsilon())
    }  # fmt: skip
    # the normalisation is folded into the layer after it, so its class chooses as well
    assert chosen({"BatchNormalization": "flat"})["mix"] == "Flat()"
    by_depth = chosen(lambda layer: "flat" if layer.depth == 1 else Gamma(layer.height) if layer.height == 2 else None)
    assert by_depth == {"motifs": "Flat()", "mix": repr(Gamma(2)), "tasks": repr(Epsilon())}


BAD_RULES = {
    "no such rule": ("delta", "rule='delta' is not known; use one of epsilon-plus, .*z-plus"),
    "no such rule for a layer": ({"mix": "delta"}, r"rule\['mix'\]='delta' is not known; the rules are z, epsilon"),
    "no such layer": ({"mixture": "z"}, "'mixture', which is neither .* it has motifs"),
    "a number": (0.5, "rule=0.5 is not understood"),
    "bounds for all layers": ("z-b", "for the first layer alone"),
    "one-hot in the middle": ({"mix": "one-hot"}, "'mix' reads no sequence"),
    "what a function returns": (lambda layer: 3, r"rule\('motifs'\)=3 is not known"),
}


@pytest.mark.parametrize("what", BAD_RULES)
def test_bad_rules_are_explained(what: str) -> None:
    rule, message = BAD_RULES[what]
    with pytest.raises(ParameterError, match=message):
        lrp(tasks(), dna(1), target=0, rule=rule)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AlphaBeta(2, 0), "α − β is 2"),
        (lambda: AlphaBeta(0.5, -0.5), "alpha must be 1 or more"),
        (lambda: Gamma(-1), "gamma must be 0 or positive"),
        (lambda: Epsilon(0), "epsilon must be positive"),
        (lambda: Epsilon(float("nan")), "epsilon must be positive"),
        (lambda: RULES["z-b"].__class__(1, 0), "high must be above low=1"),
    ],
)
def test_bad_parameters_are_explained(make: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        make()


def test_other_bad_options() -> None:
    with pytest.raises(ParameterError, match='use "winner" or "proportional"'):
        lrp(tasks(), dna(1), target=0, max_pool="mean")


def test_conservation_is_told_layer_by_layer() -> None:
    model, X = SequenceModel(tasks()), dna(5)
    rows = lrp_conservation(model, X, target=0, batch_size=2)
    result = lrp(model, X, target=0)
    assert [r.operation for r in rows if r.rule is not None] == ["tasks", "mix", "motifs"]
    np.testing.assert_allclose(rows[0].relevance_out, result.predictions, rtol=1e-5)
    for row, following in pairwise(rows):
        np.testing.assert_allclose(row.relevance_in + row.absorbed, row.relevance_out, atol=1e-4)
        np.testing.assert_allclose(row.relevance_in, following.relevance_out, atol=1e-5)
    np.testing.assert_allclose(rows[-1].relevance_in, result.contributions.sum(axis=(1, 2)), atol=1e-4)
    absorbed = sum(row.absorbed for row in rows)
    np.testing.assert_allclose(-result.completeness_error[:, 0], absorbed, atol=1e-4)
    several = lrp_conservation(model, X, target=[0, 2])
    assert several[0].relevance_out.shape == (5, 2)
    np.testing.assert_allclose(several[0].relevance_out[:, 0], rows[0].relevance_out, rtol=1e-5)


def small(y: Any, x: Any) -> Any:
    return randomise(keras.Model(x, kl.Dense(1)(kl.Flatten()(y))))


def test_gates_and_attention_pass_relevance_to_the_signal() -> None:
    x = keras.Input((L, 4))
    h = kl.Conv1D(4, 3, padding="same", activation="relu", use_bias=False, name="signal")(x)
    gate = kl.Conv1D(4, 3, padding="same", activation="sigmoid", name="gate")(x)
    pooled = kl.Dense(4, activation="sigmoid", name="squeeze")(kl.GlobalAveragePooling1D()(h))
    for y in (kl.Multiply()([h, gate]), kl.Multiply()([kl.Reshape((1, 4))(pooled), h])):
        rows = lrp_conservation(small(y, x), dna(3), rule="z")
        assert not {r.operation for r in rows}.intersection({"gate", "squeeze"})
        assert "signal" in {r.operation for r in rows}
    both = kl.Multiply()([h, kl.Conv1D(4, 3, padding="same", activation="relu", name="other")(x)])
    rows = {r.operation: r for r in lrp_conservation(small(both, x), dna(3), rule="flat")}
    np.testing.assert_allclose(rows["signal"].relevance_out, rows["other"].relevance_out, rtol=1e-5)
    attended = kl.MultiHeadAttention(2, 3, name="attention")(h, h)
    rows = lrp_conservation(small(attended, x), dna(3), rule="flat")
    names = " ".join(r.operation for r in rows)
    assert "value" in names
    assert "query" not in names
    assert "key" not in names


NORMALISATIONS = {
    "layer": lambda: kl.LayerNormalization(),
    "group": lambda: kl.GroupNormalization(2),
    "root mean square": lambda: kl.RMSNormalization(),
    "attention": lambda: None,
}


@pytest.mark.parametrize("what", NORMALISATIONS)
def test_networks_of_today_keep_their_books(what: str) -> None:
    """No warning: what is not at the sequence has been absorbed by something that is named."""
    x = keras.Input((L, 4))
    h = kl.Conv1D(4, 3, padding="same", activation="relu")(x)
    y = kl.MultiHeadAttention(2, 3)(h, h) if what == "attention" else NORMALISATIONS[what]()(h)
    model = SequenceModel(small(kl.Add()([h, y]), x))
    for rule in ("z", *COMPOSITES):
        result = lrp(model, dna(3), rule=rule)
        assert np.abs(result.contributions).max() > 0
        absorbed = sum(row.absorbed for row in lrp_conservation(model, dna(3), rule=rule))
        scale = 1 + np.abs(result.contributions).sum()
        np.testing.assert_allclose(result.completeness_error[:, 0], -absorbed, atol=1e-4 * scale)


def test_a_softmax_that_weighs_nothing_is_refused() -> None:
    x = keras.Input((L, 4))
    y = kl.Dense(3, activation="softmax", name="inside")(kl.Conv1D(4, 3)(x))
    with pytest.raises(UnsupportedLayerError, match="'inside'"):
        lrp(small(y, x), dna(2))


def test_flat_at_the_first_layer_spreads_over_windows() -> None:
    """Of a motif's relevance each position under the filter has the same."""
    result = lrp(single(MATRIX), ["AC"], rule={"first": Flat()})
    np.testing.assert_allclose(result.contributions.sum(axis=2), [[2.5, 2.5]], rtol=1e-5)
