"""The model that ships: its card's figures are computed anew, by other means than the training script's."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata

from seqexplain.data import DEMO_PEAKS, MODEL, MODEL_CARD, MODEL_METRICS, MOTIFS, bundled
from seqexplain.errors import MissingFileError
from seqexplain.sequences import dinucleotide_shuffle, one_hot

# Keras reads h5py datasets in a way that NumPy 2 deprecates
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

SOURCES = Path(__file__).resolve().parents[2] / "data"
FILES = {"CTCF": "ctcf_peaks_100bp.fa.gz", "PU.1": "pu1_peaks_100bp.fa.gz"}
TASKS = ("CTCF", "PU.1")
OTHER = {"CTCF": "PU.1", "PU.1": "CTCF"}
KINDS = ("own_dinucleotide_shuffle", "other_factor")
TARGETS = {"CTCF": 0.97, "PU.1": 0.98}  # against the shuffles; .99 against the other factor's peaks


@cache
def peaks(factor):
    """Return (chromosome, start, end, bases) of each peak."""
    lines = gzip.decompress((SOURCES / FILES[factor]).read_bytes()).decode("ascii").split("\n")
    found = []
    for name, bases in zip(lines[0::2], lines[1::2], strict=False):
        chromosome, start, end = re.fullmatch(r">(\w+):(\d+)-(\d+)", name).groups()
        found.append((chromosome, int(start), int(end), bases.upper()))
    return found


def held_out(factor):
    return [peak for peak in peaks(factor) if peak[0] in ("chr8", "chr9")]


def touching(factor):
    """Say for each held-out peak whether it shares a base with one of the other factor's: all pairs compared."""
    mine, others = (
        [np.array(column) for column in zip(*[peak[:3] for peak in held_out(f)], strict=True)]
        for f in (factor, OTHER[factor])
    )
    same = mine[0][:, None] == others[0]
    return (same & (mine[1][:, None] < others[2]) & (others[1] < mine[2][:, None])).any(axis=1)


def auroc(positive, negative):
    """Mann and Whitney's U over the number of pairs."""
    ranks = rankdata(np.r_[positive, negative])[: len(positive)]
    return (ranks.sum() - len(positive) * (len(positive) + 1) / 2) / (len(positive) * len(negative))


def average_precision(positive, negative):
    """Mean over the positives of the precision at their score."""
    values = [(positive >= s).sum() / ((positive >= s).sum() + (negative >= s).sum()) for s in positive]
    return float(np.mean(values))


@cache
def recomputed():
    """Return {(task, kind): (AUROC, average precision, positives, negatives)} on chromosomes 8 and 9."""
    import keras

    model = keras.models.load_model(bundled(MODEL), compile=False)
    X = {factor: one_hot([peak[3] for peak in held_out(factor)]) for factor in TASKS}
    scores = {factor: model.predict(X[factor], batch_size=1024, verbose=0) for factor in TASKS}
    result = {}
    for task, factor in enumerate(TASKS):
        shuffles = dinucleotide_shuffle(X[factor], n=1, random_state=0)[:, 0]
        clear = ~touching(OTHER[factor])
        positive = scores[factor][:, task]
        negatives = (
            model.predict(shuffles, batch_size=1024, verbose=0)[:, task],
            scores[OTHER[factor]][clear, task],
        )
        for kind, negative in zip(KINDS, negatives, strict=True):
            figures = (auroc(positive, negative), average_precision(positive, negative))
            result[factor, kind] = (*figures, len(positive), len(negative))
    return result


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", KINDS)
def test_recorded_figures_are_true(task, kind):
    recorded = json.loads(bundled(MODEL_METRICS).read_text())["held_out"][task][kind]
    area, precision, n_positive, n_negative = recomputed()[task, kind]
    assert area == pytest.approx(recorded["auroc"], abs=1e-4)
    assert precision == pytest.approx(recorded["average_precision"], abs=1e-4)
    assert (n_positive, n_negative) == (recorded["positives"], recorded["negatives"])
    assert area >= (TARGETS[task] if kind == KINDS[0] else 0.99)


def test_the_card_says_what_was_recorded():
    card = bundled(MODEL_CARD).read_text(encoding="utf-8")
    metrics = json.loads(bundled(MODEL_METRICS).read_text())
    names = {"own_dinucleotide_shuffle": "own dinucleotide shuffle", "other_factor": "the other factor's peaks"}
    for task in TASKS:
        for kind in KINDS:
            row = metrics["held_out"][task][kind]
            line = (
                f"| {task} | {names[kind]} | {row['auroc']:.4f} | {row['average_precision']:.4f} "
                f"| {row['positives']:,} | {row['negatives']:,} |"
            )
            assert line in card
    assert f"{metrics['parameters']:,} parameters" in card
    assert f"seed {metrics['seed']}" in card
    for package in ("python", "keras", "tensorflow", "numpy"):
        assert metrics["versions"][package] in card


def test_labels_that_were_masked():
    metrics = json.loads(bundled(MODEL_METRICS).read_text())
    for factor in TASKS:
        negatives = metrics["held_out"][factor]["other_factor"]["negatives"]
        assert negatives == np.count_nonzero(~touching(OTHER[factor])) < len(held_out(OTHER[factor]))
    assert metrics["peaks"] == {factor: len(peaks(factor)) for factor in TASKS}


def test_the_file_holds_a_bare_model():
    import keras

    model = keras.models.load_model(bundled(MODEL), compile=False)
    assert model.input_shape == (None, 100, 4)
    assert model.output_shape == (None, 2)
    assert getattr(model, "optimizer", None) is None
    with zipfile.ZipFile(bundled(MODEL)) as archive:
        assert json.loads(archive.read("config.json")).get("compile_config") in (None, {})
    package = bundled(MODEL).parent
    assert bundled(MODEL).stat().st_size < 2_000_000
    assert sum(path.stat().st_size for path in package.iterdir() if path.is_file()) < 2_500_000


def test_demo_peaks_are_held_out_and_as_they_came():
    lines = bundled(DEMO_PEAKS).read_text().split("\n")
    records = list(zip(lines[0::2], lines[1::2], strict=False))
    everything = {(f"{c}:{a}-{b}", factor): bases for factor in TASKS for c, a, b, bases in held_out(factor)}
    names = set()
    for header, bases in records:
        name, factor = header[1:].split()
        assert everything[name, factor] == bases
        names.add(name)
    assert len(names) == len(records) == 400
    assert [sum(header.endswith(factor) for header, _ in records) for factor in TASKS] == [200, 200]


def test_only_what_ships_is_found():
    for name in (MODEL, MODEL_CARD, MODEL_METRICS, DEMO_PEAKS, MOTIFS):
        assert bundled(name).is_file()
    for name in ("absent.txt", "../errors.py"):
        with pytest.raises(MissingFileError, match=r"there are: ctcf_pu1\.keras"):
            bundled(name)


@pytest.mark.slow
def test_explanations_point_at_the_known_motif():
    from seqexplain.attribution import deeplift
    from seqexplain.models import load_model
    from seqexplain.motifs import read_motifs, window_agreement

    model = load_model(bundled(MODEL))
    for task, (factor, motif) in enumerate(zip(TASKS, read_motifs(bundled(MOTIFS)), strict=True)):
        X = one_hot([peak[3] for peak in held_out(factor)])
        result = deeplift(model, X, target=task)
        agreement = window_agreement(result.contributions, X, motif)
        assert agreement.share > 0.7  # most peaks, those without any hit of the matrix counted against
        assert agreement.share_of_hits > 0.9
        assert agreement.share > agreement.chance_exchanged + 0.3
