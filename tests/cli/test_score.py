"""`seqexplain score` against Keras itself, and against other people's numbers of the same model."""

from __future__ import annotations

import gzip
import subprocess

import keras
import numpy as np
import pytest
from plain_reading import hand_one_hot, records, table

from seqexplain.cli import _score


def test_scores_are_those_of_keras(cli, model, few):
    outcome = cli("score", model, few)
    assert (outcome.code, outcome.err) == (0, "")
    header, rows = table(outcome.out)
    assert header == ["name", "chromosome", "start", "end", "strand", "ctcf_pu1:0", "ctcf_pu1:1"]
    wanted = keras.saving.load_model(model, compile=False).predict(
        hand_one_hot([s for _, s in records(few)]), verbose=0
    )
    np.testing.assert_allclose(np.array([r[5:] for r in rows], dtype=float), wanted, atol=1e-5)
    assert [r[0] for r in rows] == [name for name, _ in records(few)]
    assert [f"{r[1]}:{r[2]}-{r[3]}" for r in rows] == [name for name, _ in records(few)]


def test_logits_targets_and_contrasts(cli, model, few):
    names = ["--target", "0", "--target", "1", "--target", "0-1"]
    header, rows = table(cli("score", model, few, *names, "--level", "logit").out)
    assert header[5:] == ["0", "1", "0 − 1"]
    logits = np.array([r[5:] for r in rows], dtype=float)
    np.testing.assert_allclose(logits[:, 2], logits[:, 0] - logits[:, 1], atol=1e-5)
    _, rows = table(cli("score", model, few, *names[:4]).out)
    np.testing.assert_allclose(
        np.array([r[5:] for r in rows], dtype=float), 1 / (1 + np.exp(-logits[:, :2])), atol=1e-5
    )


def test_files_appear_whole_and_are_not_replaced_unasked(cli, model, few, tmp_path):
    plain = cli("score", model, few).out
    assert cli("score", model, few, "-o", "s.tsv").code == 0
    assert (tmp_path / "s.tsv").read_text() == plain
    for _ in range(2):
        assert cli("score", model, few, "-o", "s.tsv.gz", "--overwrite").code == 0
    packed = (tmp_path / "s.tsv.gz").read_bytes()
    assert gzip.decompress(packed).decode() == plain
    refused = cli("score", model, few, "-o", "s.tsv")
    assert refused.code == 2
    assert "s.tsv exists already" in refused.err
    assert "--overwrite" in refused.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.tsv", "s.tsv.gz"]


def test_blocks_do_not_show(cli, model, few, monkeypatch):
    whole = cli("score", model, few, "--batch-size", "4").out
    monkeypatch.setattr(_score, "BLOCK_SEQUENCES", 5)
    assert cli("score", model, few, "--batch-size", "4").out == whole


def test_a_bad_record_late_in_the_file_leaves_no_table(cli, model, few, tmp_path, monkeypatch):
    monkeypatch.setattr(_score, "BLOCK_SEQUENCES", 5)
    bad = tmp_path / "bad.fa"
    bad.write_text(few.read_text() + ">late\nACGTJ\n")
    outcome = cli("score", model, bad, "-o", "s.tsv")
    assert outcome.code == 2
    assert "record 13 ('late'), line 26, column 5" in outcome.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.fa"]


def test_lengths_can_be_fitted(cli, model, few, tmp_path):
    sequence = records(few)[0][1]
    (tmp_path / "x.fa").write_text(f">long\nTT{sequence}AA\n>short\n{sequence[10:90]}\n")
    _, rows = table(cli("score", model, "x.fa", "--fit", "crop-or-pad", "--target", "0").out)
    (tmp_path / "y.fa").write_text(f">a\n{sequence}\n>b\n{'N' * 10}{sequence[10:90]}{'N' * 10}\n")
    _, wanted = table(cli("score", model, "y.fa", "--target", "0").out)
    assert [r[-1] for r in rows] == [r[-1] for r in wanted]


def test_regions_of_a_genome(cli, model, few, tmp_path):
    """The same bases, cut from a genome on both strands, get the same scores."""
    sequence = records(few)[0][1]
    reverse = sequence.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    (tmp_path / "genome.fa").write_text(f">chr1\n{'A' * 50}{sequence}{'C' * 50}\n")
    # 40 bp around the middle of the sequence, and a window off the start
    (tmp_path / "x.bed").write_text("1\t80\t120\tplus\t0\t+\n1\t80\t120\tminus\t0\t-\nchr1\t0\t10\n")
    off = cli("score", model, "--bed", "x.bed", "--genome", "genome.fa")
    assert off.code == 2
    assert "x.bed, record 3, line 3" in off.err
    assert "--edges pad" in off.err
    outcome = cli("score", model, "--bed", "x.bed", "--genome", "genome.fa", "--edges", "skip", "--target", "0")
    assert outcome.code == 0
    assert outcome.err.count("\n") == 1
    assert outcome.err.startswith("seqexplain: warning: Skipped")
    header, rows = table(outcome.out)
    assert header == ["name", "chromosome", "start", "end", "strand", "0"]
    assert [r[:5] for r in rows] == [["plus", "chr1", "50", "150", "+"], ["minus", "chr1", "50", "150", "-"]]
    (tmp_path / "y.fa").write_text(f">a\n{sequence}\n>b\n{reverse}\n")
    _, wanted = table(cli("score", model, "y.fa", "--target", "0").out)
    np.testing.assert_allclose(
        np.array([r[-1] for r in rows], dtype=float), np.array([r[-1] for r in wanted], dtype=float), atol=1e-6
    )


def test_strands_can_be_averaged(cli, model, few, tmp_path):
    sequence = records(few)[0][1]
    reverse = sequence.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    (tmp_path / "x.fa").write_text(f">a\n{sequence}\n>b\n{reverse}\n")
    _, single = table(cli("score", model, "x.fa").out)
    _, both = table(cli("score", model, "x.fa", "--average-strands").out)
    mean = np.array([r[1:] for r in single], dtype=float).mean(axis=0)
    np.testing.assert_allclose(np.array([r[1:] for r in both], dtype=float), [mean, mean], atol=1e-6)


def test_standard_input(program, model, few):
    done = subprocess.run(
        [*program, "score", str(model), "-", "-o", "-"],
        input=few.read_text(), capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 13


def test_published_logits_of_talgata(cli, testdata, tmp_path):
    """A Keras 2.1 architecture and weights; logits of task 0 as the original DeepLIFT package recorded them."""
    stored = np.load(testdata / "reference" / "talgata_deeplift_task0_20seqs.npz")
    bases = np.array(list("ACGT"))[stored["X20"].argmax(-1)]
    (tmp_path / "x.fa").write_text("".join(f">s{i}\n{''.join(row)}\n" for i, row in enumerate(bases)))
    folder = testdata / "models" / "talgata"
    outcome = cli(
        "score", folder / "model.json", "--weights", folder / "weights.h5", "x.fa", "--target", "0",
        "--level", "logit",
    )  # fmt: skip
    _, rows = table(outcome.out)
    np.testing.assert_allclose([float(r[1]) for r in rows], stored["logits"][:20, 0], atol=1e-4)


def test_two_heads(cli, testdata, tmp_path):
    path = testdata / "models" / "znf143_profile" / "model.h5"
    (tmp_path / "x.fa").write_text(f">a\n{'ACGTTGCA' * 62}ACGT\n")
    whole = cli("score", path, "x.fa")
    assert whole.code == 2
    assert "task0_profile" in whole.err
    assert "--target task0_profile:0,0" in whole.err
    assert "--target task0_logcount:0" in whole.err
    names = ["task0_logcount:0", "task0_logcount:1", "task0_profile:250,1", "0:1"]
    header, rows = table(cli("score", path, "x.fa", *(x for n in names for x in ("--target", n))).out)
    assert header == ["name", *names[:3], "task0_logcount:1"]
    tf_keras = pytest.importorskip("tf_keras")
    counts, profile = tf_keras.models.load_model(path, compile=False).predict(
        hand_one_hot(["ACGTTGCA" * 62 + "ACGT"]), verbose=0
    )
    wanted = [counts[0, 0], counts[0, 1], profile[0, 250, 1], counts[0, 1]]
    np.testing.assert_allclose(np.array(rows[0][1:], dtype=float), wanted, rtol=1e-4)


def test_other_inputs(cli, testdata, tmp_path):
    """A second input: one value for all, all values, or a table by name, in another order."""
    path = testdata / "models" / "xpresso" / "mouse.h5"
    rng = np.random.default_rng(0)
    sequences = ["".join(rng.choice(list("ACGT"), 10500)) for _ in range(2)]
    (tmp_path / "x.fa").write_text("".join(f">s{i}\n{s}\n" for i, s in enumerate(sequences)))
    half_life = np.array([[1, 0, 2, 0, 0, 3], [0.5] * 6], dtype=np.float32)
    lines = [
        "gene\ta\tb\tc\td\te\tf",
        "s1\t" + "\t".join(["0.5"] * 6),
        "other\t1\t1\t1\t1\t1\t1",
        "s0\t1\t0\t2\t0\t0\t3",
    ]
    (tmp_path / "t.tsv").write_text("\n".join(lines) + "\n")
    tf_keras = pytest.importorskip("tf_keras")
    wanted = tf_keras.models.load_model(path, compile=False).predict([hand_one_hot(sequences), half_life], verbose=0)
    _, by_name = table(cli("score", path, "x.fa", "--extra", "halflife=t.tsv").out)
    np.testing.assert_allclose([float(r[1]) for r in by_name], wanted[:, 0], atol=1e-4)
    _, all_values = table(cli("score", path, "x.fa", "--extra", "halflife=1,0,2,0,0,3").out)
    assert all_values[0] == by_name[0]
    _, one_value = table(cli("score", path, "x.fa", "--extra", "halflife=0.5").out)
    assert one_value[1] == by_name[1]


def test_any_length(cli, testdata, tmp_path):
    """Lengths that differ come back in the order of the file."""
    path = testdata / "models" / "mmsplice" / "Exon_prime3.h5"
    sequences = ["ACGTACGTAGGTAC", "TTGACCATGGTACCAAGTCA", "ACGTTCGTAGGTAC", "GATTACAGATTACA"]
    (tmp_path / "x.fa").write_text("".join(f">s{i}\n{s}\n" for i, s in enumerate(sequences)))
    header, rows = table(cli("score", path, "x.fa").out)
    assert header == ["name", "dense5"]
    assert [r[0] for r in rows] == ["s0", "s1", "s2", "s3"]
    tf_keras = pytest.importorskip("tf_keras")
    keras2 = tf_keras.models.load_model(path, compile=False)
    wanted = [float(keras2.predict(hand_one_hot([s]), verbose=0)[0, 0]) for s in sequences]
    np.testing.assert_allclose([float(r[1]) for r in rows], wanted, atol=1e-5)
