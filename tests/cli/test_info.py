"""`seqexplain info`: counts and verdicts that can be checked by hand."""

from __future__ import annotations

import json

import keras
import pytest


@pytest.fixture
def facts(cli):
    def read(*arguments: object) -> dict:
        outcome = cli("info", *arguments, "--json")
        assert (outcome.code, outcome.err) == (0, "")
        return json.loads(outcome.out)

    return read


def test_the_bundled_model(cli, facts, model):
    found = facts(model)
    assert (found["length"], found["layout"], found["black_box"]) == (100, "LC", False)
    assert found["inputs"] == [{"name": "sequence", "shape": [100, 4], "reads_sequence": True}]
    assert found["heads"] == [{"name": "ctcf_pu1", "shape": [2], "activation": "sigmoid", "deeplift": "yes"}]
    layers = {row["name"]: row for row in found["layers"]}
    # 96 filters of 19 × 4 without bias; 4 numbers a channel of a normalisation
    assert layers["motif_conv"]["parameters"] == 96 * 19 * 4
    assert layers["motif_norm"]["parameters"] == 4 * 96
    assert layers["motif_pool"]["output_shape"] == [25, 96]
    assert layers["motif_pool"]["rules"]["deeplift"] == ["max pool"]
    assert layers["motif_pool"]["rules"]["gradients"] == ["max pool winner"]
    assert (layers["motif_conv"]["rules"]["lrp"], layers["motif_norm"]["rules"]["lrp"]) == (
        ["with the next"],
        ["z-plus"],
    )
    assert layers["motif_dropout"]["operations"] == []
    assert layers["ctcf_pu1"]["operations"] == ["linear", "elementwise"]
    assert sum(row["parameters"] for row in found["layers"]) == found["parameters"] == 57314
    text = cli("info", model).out
    assert "Every head can be explained" in text
    assert all(row["name"] in text and row["layer_class"] in text for row in found["layers"])


def test_two_heads_and_two_inputs(facts, testdata):
    found = facts(testdata / "models" / "znf143_profile" / "model.h5")
    assert [(h["name"], h["shape"]) for h in found["heads"]] == [("task0_logcount", [2]), ("task0_profile", [500, 2])]
    found = facts(testdata / "models" / "xpresso" / "mouse.h5")
    assert [(i["name"], i["reads_sequence"]) for i in found["inputs"]] == [("promoter", True), ("halflife", False)]


def test_any_length(cli, testdata):
    path = testdata / "models" / "mmsplice" / "Intron3.h5"
    assert "reads sequences of any length" in cli("info", path).out


def test_a_layer_without_rule_is_named(cli, facts, tmp_path):
    """One head goes through a recurrent layer that is given its state and cannot be explained, the other one can."""
    inputs = keras.Input((30, 4), name="dna")
    begun = keras.layers.GlobalAveragePooling1D(name="begun")(inputs)
    memory = keras.layers.GRU(4, name="memory")(inputs, initial_state=begun)
    counts = keras.layers.Dense(1, name="counts")(memory)
    bound = keras.layers.Dense(1, activation="sigmoid", name="bound")(keras.layers.Flatten(name="flat")(inputs))
    keras.Model(inputs, [counts, bound]).save(tmp_path / "m.keras")
    found = facts("m.keras")
    assert found["without_rule"] == ["memory"]
    assert [h["deeplift"] == "yes" for h in found["heads"]] == [False, True]
    assert "'memory' (GRU)" in found["heads"][0]["deeplift"]
    text = cli("info", "m.keras").out
    assert "Without a rule: memory (GRU)." in text
    assert "Can be explained: bound." in text
    assert "Cannot be explained: counts." in text
    assert "All heads can be scored" in text


def test_a_final_softmax_needs_no_rule(cli, testdata):
    text = cli("info", testdata / "models" / "pysster_artificial" / "model.keras").out
    assert "Every head can be explained" in text


def test_nested_and_reused_layers(facts, tmp_path):
    """Layers of a nested model have paths; a layer used twice stands there once, with its parameters once."""
    inner_in = keras.Input((30, 4))
    inner = keras.Model(inner_in, keras.layers.Conv1D(5, 3, name="conv")(inner_in), name="stem")
    inputs = keras.Input((30, 4), name="dna")
    twice = keras.layers.Conv1D(4, 3, padding="same", name="twice")
    flat = keras.layers.Flatten(name="flat")(inner(twice(twice(inputs))))
    keras.Model(inputs, keras.layers.Dense(1, name="out")(flat)).save(tmp_path / "m.keras")
    layers = {row["name"]: row for row in facts("m.keras")["layers"]}
    assert layers["stem/conv"]["parameters"] == 5 * (3 * 4 + 1)
    assert layers["twice"]["parameters"] == 4 * (3 * 4 + 1)
    assert layers["twice"]["output_shape"] == [30, 4]


def test_a_saved_model_is_a_black_box(cli, facts, tmp_path):
    inputs = keras.Input((30, 4), name="dna")
    model = keras.Model(inputs, keras.layers.Dense(2, name="out")(keras.layers.Flatten()(inputs)))
    model.export(tmp_path / "saved", verbose=False)
    found = facts("saved")
    assert found["black_box"]
    assert (found["length"], found["layers"]) == (30, [])
    assert "black box" in cli("info", "saved").out
    (tmp_path / "x.fa").write_text(f">a\n{'ACGTT' * 6}\n")
    outcome = cli("score", "saved", "x.fa")
    assert (outcome.code, outcome.err) == (0, "")
    import numpy as np
    from plain_reading import hand_one_hot

    wanted = model.predict(hand_one_hot(["ACGTT" * 6]), verbose=0)[0]
    np.testing.assert_allclose([float(x) for x in outcome.out.splitlines()[1].split("\t")[1:]], wanted, atol=1e-5)


def test_what_edits_cost(cli, facts, model):
    found = facts(model, "--edits")
    rows = {(row["layer"], row["layer_class"]): row for row in found["layers"]}
    conv = rows["motif_conv", "Conv1D"]
    assert (conv["reach"], conv["positions"]) == (19, 100)  # a base is seen by as many windows as the kernel is wide
    assert (conv["full"], conv["edit"]) == (100 * 19 * 4 * 96, 19 * 4 * 96)
    pool = rows["motif_pool", "MaxPooling1D"]
    assert (pool["reach"], pool["positions"]) == (6, 25)  # 19 positions lie in at most 6 windows of 4
    assert found["saving"] == pytest.approx(
        sum(r["full"] for r in found["layers"]) / sum(r["edit"] for r in found["layers"]), abs=1e-3
    )
    text = cli("info", model, "--edits", "--width", 5).out
    assert "5 bp are replaced, of 100 bp" in text
    assert "times less arithmetic" in text
    assert "in full" in text


def test_edits_that_cannot_be(cli, model, testdata):
    for arguments, message in (
        ((model, "--edits", "--width", 100), "from 1 to 99"),
        ((model, "--edits", "--length", 50), "reads 100 bp. Leave it out"),
        ((testdata / "models/mmsplice/Intron3.h5", "--edits"), "say of how many bp they are: --length 1000"),
    ):
        outcome = cli("info", *arguments)
        assert outcome.code == 2
        assert message in outcome.err
