"""`--method`, `--option`, `--ensemble` and targets beyond a unit do what the functions do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from plain_reading import hand_one_hot, records

import seqexplain
from seqexplain.cli._targets import Shape, Unit, parse_target
from seqexplain.pipeline._catalogue import CATALOGUE
from seqexplain.storage import peek

# what a method needs beside its defaults, to be quick or to run at all on the bundled model
OPTIONS: dict[str, list[str]] = {
    "integrated_gradients": ["max_steps=4096"],
    "expected_gradients": ["samples=2"],
    "meaningful_perturbation": ["steps=20"],
}


UNFIT = {"cam": "grad_cam"}  # what the bundled model is not built for, and what the refusal advises


@pytest.mark.table(3)
@pytest.mark.parametrize("method", [m for m in CATALOGUE if m not in UNFIT])
def test_every_method_as_its_function(method, cli, model, few, tmp_path):
    extra = OPTIONS.get(method, [])
    references = ["-n", "2"] if "references" in CATALOGUE[method].parameters() else []
    outcome = cli(
        "explain", model, few, "-o", tmp_path / "out.zarr", "--target", "0", "--method", method, "-q", *references,
        *(word for text in extra for word in ("--option", text)),
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    found = seqexplain.load(tmp_path / "out.zarr")
    X = hand_one_hot([sequence for _, sequence in records(few)])
    options = {"n_references": 2} if references else {}
    options |= {name: int(value) for name, _, value in (text.partition("=") for text in extra)}
    wanted = getattr(seqexplain, method)(seqexplain.load_model(model), X, target=0, **options)
    scale = np.abs(wanted.contributions).max()
    assert scale > 0
    np.testing.assert_allclose(found.contributions, wanted.contributions, rtol=0, atol=1e-6 * scale)
    assert found.method == method


@pytest.mark.parametrize("method", UNFIT)
def test_a_method_that_the_model_is_not_built_for(method, cli, model, few, tmp_path):
    outcome = cli("explain", model, few, "-o", tmp_path / "out.zarr", "--target", "0", "--method", method, "-q")
    assert outcome.code != 0
    assert UNFIT[method] in outcome.err
    assert not (tmp_path / "out.zarr").exists()


def test_the_list_names_methods_and_parameters(cli):
    text = cli("methods").out
    for name, entry in CATALOGUE.items():
        assert name in text
        assert entry.summary in text
    assert "rule=rescale" in text


def test_parameters_of_the_method(cli, model, few, tmp_path):
    outcome = cli("explain", model, few, "-o", tmp_path / "a.zarr", "--target", "1", "-n", "2", "-q",
                  "--option", "rule=reveal_cancel", "--option", "keep_references=true")  # fmt: skip
    assert outcome.code == 0, outcome.err
    found = seqexplain.load(tmp_path / "a.zarr")
    assert found.parameters["rule"] == "reveal_cancel"
    assert found.per_reference.shape == (len(found), 2, 100, 4)
    np.testing.assert_allclose(found.per_reference.mean(axis=1), found.hypothetical, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("words", "culprit"),
    [
        (["--method", "deeplifted"], "no method 'deeplifted'; there are: deeplift"),
        (["--method", "deplift"], "Did you mean 'deeplift'?"),
        (["--option", "steps=3"], "deeplift has no parameter 'steps'; it has keep_references, rule"),
        (["--option", "rule"], "NAME=VALUE"),
        (["--method", "deconvnet", "--rule", "rescale"], "--rule is nothing that deconvnet has"),
        (["--method", "deconvnet", "--references", "zeros"], "--references is nothing for deconvnet"),
        (["--method", "simple_taylor_decomposition", "--references", "zeros"], "--references is nothing for simple_t"),
        (["--rule", "rescaled"], "'rescaled'"),
    ],
)
def test_what_a_method_has_not(words, culprit, cli, model, few, tmp_path):
    outcome = cli("explain", model, few, "-o", tmp_path / "x.zarr", "--target", "0", *words)
    assert outcome.code == 2
    assert culprit in outcome.err
    assert not (tmp_path / "x.zarr").exists()


@pytest.mark.slow
def test_an_ensemble_and_going_on_with_it(cli, model, few, tmp_path):
    shutil.copy(model, tmp_path / "fold0.keras")
    other = keras.saving.load_model(model)
    weights = other.get_weights()
    weights[-1] = weights[-1] + 1.0
    weights[-2] = weights[-2] * 0.5
    other.set_weights(weights)
    other.save(tmp_path / "fold1.keras")
    words = ("explain", "fold0.keras", few, "-o", "e.zarr", "--target", "0", "-n", "2", "--ensemble", "fold1.keras")
    assert cli(*words).code == 0
    found = seqexplain.load(tmp_path / "e.zarr")
    X = hand_one_hot([sequence for _, sequence in records(few)])
    folds = [seqexplain.load_model(tmp_path / f"fold{k}.keras") for k in (0, 1)]
    wanted = seqexplain.ensemble(seqexplain.deeplift, folds, X, target=0, n_references=2)
    np.testing.assert_allclose(found.contributions, wanted.contributions, rtol=0, atol=2e-6)
    np.testing.assert_allclose(found.spread, wanted.spread, rtol=0, atol=2e-6)
    assert found.spread.max() > 0.01
    again = cli(*words)
    assert again.code == 0, again.err
    refused = cli(*words[:-2])
    assert refused.code == 2
    assert "e.zarr" in refused.err


def test_hidden_layers_and_sums(cli, model, few, tmp_path):
    outcome = cli("explain", model, few, "-o", tmp_path / "h.zarr", "-n", "2", "-q",
                  "--target", "hidden:3", "--target", "motif_conv:*,5")  # fmt: skip
    assert outcome.code == 0, outcome.err
    found = seqexplain.load(tmp_path / "h.zarr")
    X = hand_one_hot([sequence for _, sequence in records(few)])
    wanted = seqexplain.deeplift(
        seqexplain.load_model(model), X, target=[("hidden", 3), ("motif_conv", (slice(None), 5))], n_references=2
    )
    np.testing.assert_allclose(found.contributions, wanted.contributions, rtol=0, atol=1e-5)
    assert found.targets == ("hidden:3", "motif_conv:*,5")


def test_targets_as_text():
    assert parse_target("profile(counts:1)") == Shape("counts", 1)
    assert parse_target("profile()") == Shape(None, None)
    assert parse_target("conv1d_3:*,7") == Unit("conv1d_3", (slice(None), 7))


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
@pytest.mark.parametrize("words", [["methods"], ["explain", "--method", "lrp"]], ids=" ".join)
def test_a_fresh_process_is_quiet_and_takes_the_backend(words, backend, model, few, tmp_path):
    """Nothing imports Keras before the backend is chosen and its start-up messages are held back."""
    pytest.importorskip(backend)
    if words[0] == "explain":
        words = [*words, str(model), str(few), "-o", str(tmp_path / "o.zarr"), "--target", "0", "--backend", backend]
    elif backend != "tensorflow":
        pytest.skip("the list is one for all backends")
    code = "import sys; from seqexplain.cli.main import main; sys.exit(main(sys.argv[1:]))"
    environment = {k: v for k, v in os.environ.items() if k not in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL")}
    done = subprocess.run([sys.executable, "-c", code, *words, *(["-q"] if len(words) > 1 else [])],
                          env=environment, capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    if words[0] == "explain":
        assert f"'backend': '{backend}'" in str(peek(tmp_path / "o.zarr"))
