"""`seqexplain insert` against Keras itself, and what it says about mistakes."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import keras
import numpy as np
import pytest
from plain_reading import hand_one_hot, records, table

from seqexplain.data import MOTIFS, bundled
from seqexplain.perturbation import SpacingExperiment
from seqexplain.pipeline import _experiments

CTCF = "CCACCAGGGGGCGC"


def logits(model, sequences):
    p = keras.saving.load_model(model, compile=False).predict(hand_one_hot(sequences), verbose=0).astype(float)
    return np.log(p / (1 - p))


def test_one_motif_at_several_positions(cli, model, few, tmp_path):
    outcome = cli(
        "insert", model, few, "--motif", CTCF, "--at", "10:30:20,40", "--target", "0", "-o", "t.tsv", "--each",
        "e.tsv.gz", "--plot", "p.svg",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "inserting: 12 of 12 backgrounds" in outcome.err
    header, rows = table((tmp_path / "t.tsv").read_text())
    assert header == ["motif", "strand", "target", "position", "n", "without", "with", "effect", "standard_error",
                      "low", "high"]  # fmt: skip
    sequences = [s for _, s in records(few)]
    base = logits(model, sequences)[:, 0]
    for row, position in zip(rows, (10, 30, 40), strict=True):
        changed = [s[:position] + CTCF + s[position + len(CTCF) :] for s in sequences]
        effects = logits(model, changed)[:, 0] - base
        assert row[:5] == [CTCF, "+", "0", str(position), "12"]
        np.testing.assert_allclose(float(row[7]), effects.mean(), atol=1e-4)
        np.testing.assert_allclose(float(row[8]), effects.std(ddof=1) / np.sqrt(12), atol=1e-4)
    assert "12 backgrounds of 100 bp (" in outcome.out
    assert "the largest of 3 positions" in outcome.out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.tsv.gz", "p.svg", "t.tsv"]
    again = cli("insert", model, few, "--motif", CTCF, "-o", "t.tsv")
    assert again.code == 2
    assert "t.tsv exists already" in again.err


def test_a_motif_of_a_file_into_random_bases(cli, model):
    words = ("insert", model, "--backgrounds", "random", "-n", "30", "--composition", "0.3,0.2,0.2,0.3", "--target",
             "0", "--target", "1")  # fmt: skip
    outcome = cli(*words, "--motif-file", f"{bundled(MOTIFS)}:ctcf", "--sample")
    assert outcome.code == 0, outcome.err
    assert "inserting: 30 of 30 backgrounds" in outcome.err
    _, rows = table(outcome.out)
    assert [(r[0], r[2], r[4]) for r in rows] == [("CTCF", "0", "30"), ("CTCF", "1", "30")]
    assert float(rows[0][9]) > 1  # the whole interval: the model was trained to find CTCF
    assert cli(*words, "--motif-file", f"{bundled(MOTIFS)}:MA0139.1", "--sample").out == outcome.out
    assert cli(*words, "--motif-file", f"{bundled(MOTIFS)}:MA0139.1").out != outcome.out


def test_two_motifs(cli, model, few, tmp_path):
    outcome = cli(
        "insert", model, few, "--motif", CTCF, "--second", "GGAANN", "--distances", "0:6:3", "--orientations", "++,+-",
        "--at", "20", "--target", "0", "--backgrounds", "dinucleotide", "-n", "2", "-o", "t.tsv", "--plot", "p.png",
        "--each", "e.tsv",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "inserting: 24 of 24 backgrounds" in outcome.err
    header, rows = table((tmp_path / "t.tsv").read_text())
    found = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(r["orientation"], r["distance"], r["position_b"]) for r in found] == [
        (way, str(d), str(20 + len(CTCF) + d)) for way in ("++", "+-") for d in (0, 3, 6)
    ]
    for r in found:
        assert float(r["interaction"]) == pytest.approx(
            float(r["effect_both"]) - float(r["effect_a"]) - float(r["effect_b"]), abs=1e-4
        )
    header, rows = table((tmp_path / "e.tsv").read_text())
    assert len(rows) == 24 * 2 * 3
    mine = [float(r[-1]) for r in rows if (r[2], r[3]) == ("+-", "3")]
    assert np.mean(mine) == pytest.approx(float(found[4]["interaction"]), abs=1e-5)
    assert "dinucleotide shuffles of" in outcome.out
    assert "(+-), target 0: strongest interaction" in outcome.out
    assert (tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give --motif CACGTG"),
        (["--motif", "GAJTA"], "'J' at position 2"),
        (["--motif", "A", "--motif-file", "x.meme"], "give one"),
        (["--motif-file", "x.meme"], "no such file"),
        (["--motif-file", "MOTIFS"], "holds 2 motifs"),
        (["--motif-file", "MOTIFS:CTCFL"], "no motif 'CTCFL'. Close ones: CTCF"),
        (["--motif", "A" * 101], "has 101 bp and the backgrounds have 100"),
        (["--motif", "GATA", "--at", "97"], "position 97 does not exist"),
        (["--motif", "GATA", "--at", "begin"], "--at 'begin' is not understood"),
        (["--motif", "GATA", "--distances", "0:5"], "give the other with --second"),
        (["--motif", "GATA", "--second", "CAG", "--distances", "5:0"], "holds no number"),
        (["--motif", "GATA", "--second", "CAG", "--distances", "0:99"], "The largest distance that fits is 93"),
        (["--motif", "GATA", "--second", "CAG", "--strand", "-"], "--orientations"),
        (["--motif", "GATA", "--second", "CAG", "--at", "all"], "the first stays in one place"),
        (["--motif", "GATA", "--second", "CAG", "--orientations", "+"], "each once"),
        (["--motif", "GATA", "-n", "5"], "add --backgrounds dinucleotide"),
        (["--motif", "GATA", "--backgrounds", "random"], "needs no sequences"),
        (["--motif", "GATA", "--composition", "1,0,0,0"], "--backgrounds random"),
        (["--motif", "GATA", "--backgrounds", "markov", "--length", "50"], "reads 100 bp"),
        (["--motif", "GATA", "--confidence", "95"], "--confidence"),
        (["--motif", "GATA", "--plot", "p.gif"], ".svg, .png, .pdf"),
        (["--motif", "GATA", "-o", "t.tsv", "--each", "t.tsv"], "two names"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(cli, model, few, tmp_path, words, message):
    words = [w.replace("MOTIFS", str(bundled(MOTIFS))) for w in words]
    outcome = cli("insert", model, few, "--target", "0", *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert outcome.out == ""
    assert not list(tmp_path.iterdir())


PAIR = ("--motif", CTCF, "--second", "RGAANN", "--distances", "0:2", "--orientations", "++,-+", "--seed", "3", "-q")


def interrupt_after(monkeypatch, blocks):
    """Let a run stop, as by Ctrl-C, after so many blocks; the list says which backgrounds were done."""
    done, block = [], SpacingExperiment.block

    def stop(self, rows):
        if len(done) == blocks:
            raise KeyboardInterrupt
        done.append((rows.start, rows.stop))
        return block(self, rows)

    monkeypatch.setattr(SpacingExperiment, "block", stop)
    return done


def test_an_interrupted_run_goes_on(cli, model, few, tmp_path, monkeypatch):
    monkeypatch.setattr(_experiments, "BLOCK_EDITS", 50)  # 5 backgrounds, of 9 edits each
    words = ("insert", model, few, *PAIR, "--target", "0", "-o")
    assert cli(*words, "whole.tsv", "--each", "each.tsv").code == 0
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        stopped = cli(*words, "o.tsv", "--each", "e.tsv")
    assert (stopped.code, stopped.out) == (130, "")
    assert "run the same command again to go on with o.tsv" in stopped.err
    assert sorted(p.name for p in tmp_path.iterdir()) == [".o.tsv.seqexplain-insert", "each.tsv", "whole.tsv"]
    for other, what in (
        (("--seed", "4"), "parameters.random_state"),
        (("--target", "1"), "parameters.targets"),
        (("--motif", "CCACCAGGGGGCGT"), "parameters.motif_a"),
        (("--distances", "0:1"), "parameters.distances"),
        (("--backgrounds", "mononucleotide"), "content_sha256"),
    ):
        refused = cli(*words, "o.tsv", *other)
        assert refused.code == 2
        assert "An unfinished job stands beside" in refused.err
        assert what in refused.err
    (tmp_path / "e.tsv").write_text("from a run that was killed at its very end")
    with monkeypatch.context() as patch:
        done = interrupt_after(patch, 99)
        assert cli(*words, "o.tsv", "--each", "e.tsv").code == 0
    assert done == [(10, 12)]
    for one, other in (("o.tsv", "whole.tsv"), ("e.tsv", "each.tsv")):
        assert (tmp_path / one).read_bytes() == (tmp_path / other).read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.tsv", "each.tsv", "o.tsv", "whole.tsv"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_it_goes_on(program, model, few, tmp_path):
    """kill -9 as soon as blocks are there, twice; then the same command once more gives the same bytes."""
    words = [*program, "insert", str(model), str(few), *PAIR, "--target", "0", "--backgrounds", "dinucleotide",
             "-n", "1000", "-o"]  # fmt: skip
    folder, seen = tmp_path / ".o.tsv.seqexplain-insert", 0
    for _ in range(2):
        process = subprocess.Popen([*words, "o.tsv"], cwd=tmp_path, env=os.environ)
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            there = len(list(folder.glob("*.npz")))
            if there > seen:
                process.kill()
            seen = max(seen, there)
            time.sleep(0.002)
        assert process.wait(60) == -signal.SIGKILL
        assert not (tmp_path / "o.tsv").exists()
    for name in ("o.tsv", "whole.tsv"):
        subprocess.run([*words, name], cwd=tmp_path, check=True)
    assert (tmp_path / "o.tsv").read_bytes() == (tmp_path / "whole.tsv").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.tsv", "whole.tsv"]
