"""`seqexplain variants`: every line is accounted for, on disk whole or not at all, and an interrupted run goes on."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plain_reading import hand_one_hot, table

from seqexplain import load, load_model, variant_effects
from seqexplain.pipeline import _variants as pipeline

N, L = 3000, 100


def other_base(base: str) -> str:
    return "ACGT"[("ACGT".index(base) + 1) % 4]


@pytest.fixture(scope="module")
def bases() -> str:
    return "".join(np.random.default_rng(8).choice(list("ACGT"), N))


@pytest.fixture(scope="module")
def data(bases: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `g.fa`, and `v.vcf` of 64 lines."""
    folder = tmp_path_factory.mktemp("variants")
    (folder / "g.fa").write_text(f">chr1\n{bases}\n")
    lines = ["##fileformat=VCFv4.2", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    for at in range(200, 260):
        lines.append(f"1\t{at + 1}\trs{at}\t{bases[at]}\t{other_base(bases[at])}\t7.10\tPASS\tAF=0.10")
    lines.append(f"chr1\t301\t.\t{bases[300]}\t{bases[300]}{other_base(bases[300])},<DEL>\t.\t.\t.")
    lines.append(f"chr1\t400\t.\t{other_base(bases[399])}\t{bases[399]}\t.\t.\t.")
    lines.append("chrX\t400\t.\tA\tC\t.\t.\t.")
    lines.append("chr1\tx\t.\tA\tC\t.\t.\t.")
    (folder / "v.vcf").write_text("\n".join(lines) + "\n")
    return folder


def command(model: Path, data: Path, *more: object, out: object = "o.tsv") -> list[object]:
    return ["variants", model, data / "v.vcf", data / "g.fa", "-o", out, *more]


BOTH = ("--target", "0", "--target", "1")


def test_table_vcf_and_summary(cli: Any, model: Path, data: Path, bases: str, tmp_path: Path) -> None:
    outcome = cli(*command(model, data, *BOTH, "--vcf", "o.vcf.gz", "--quiet"))
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.tsv", "o.vcf.gz"]
    header, rows = table((tmp_path / "o.tsv").read_text())
    wanted = variant_effects(load_model(model), data / "v.vcf", data / "g.fa", target=[0, 1]).to_table()
    assert header == list(wanted.columns)
    assert len(rows) == 65
    assert [row[7] for row in rows] == list(wanted["status"])
    assert [row[8] for row in rows] == list(wanted["reason"])
    numbers = np.array([[float(cell or "nan") for cell in row[10:]] for row in rows])
    np.testing.assert_allclose(numbers, wanted.iloc[:, 10:].to_numpy(float), atol=2e-6)
    network = load_model(model).keras_model
    windows = [
        bases[at - 50 : at] + base + bases[at + 1 : at + 50]
        for at in range(200, 260)
        for base in (bases[at], other_base(bases[at]))
    ]
    p = network.predict(hand_one_hot(windows), verbose=0).reshape(60, 2, 2)
    np.testing.assert_allclose(numbers[:60, [0, 5]], p[:, 0], atol=2e-6)
    np.testing.assert_allclose(numbers[:60, [1, 6]], p[:, 1], atol=2e-6)
    lines = gzip.decompress((tmp_path / "o.vcf.gz").read_bytes()).decode().splitlines()
    assert lines[0] == "##fileformat=VCFv4.2"
    assert f"##SEQX_command=seqexplain variants {model}" in lines[1]
    body = [line.split("\t") for line in lines if not line.startswith("#")]
    original = [line.split("\t") for line in (data / "v.vcf").read_text().splitlines()[2:]]
    assert [line[:7] for line in body] == [line[:7] for line in original]
    assert [line[7].split("SEQX_STATUS=")[1].split(";")[0] for line in body[-5:]] == [
        "scored", "scored,symbolic", "reference_mismatch", "unknown_chromosome", "malformed",
    ]  # fmt: skip
    again = cli(*command(model, data, *BOTH, "--overwrite"))
    assert again.code == 0
    assert "o.tsv: 65 alleles of 64 lines, 61 scored" in again.out
    assert "not scored, reference_mismatch: 1 (first: line 64, the genome has" in again.out
    assert "largest differences of 0: rs2" in again.out
    refused = cli(*command(model, data, *BOTH))
    assert refused.code == 2
    assert "o.tsv exists already" in refused.err


def test_a_table_goes_in_and_comes_out(cli: Any, model: Path, data: Path, bases: str, tmp_path: Path) -> None:
    rows = "".join(f"chr1,{at},{bases[at]},{other_base(bases[at])},v{at}\n" for at in (210, 211))
    (tmp_path / "v.csv").write_text(f"chromosome,start,ref,alt,id\n{rows}")
    assert cli("variants", model, "v.csv", data / "g.fa", "-o", "o.tsv.gz", "--target", "1", "-q").code == 0
    _, found = table(gzip.decompress((tmp_path / "o.tsv.gz").read_bytes()).decode())
    assert cli(*command(model, data, "--target", "1", "-q")).code == 0
    _, whole = table((tmp_path / "o.tsv").read_text())
    numbers = [[[float(cell) for cell in row[10:]] for row in rows] for rows in (found, whole[10:12])]
    np.testing.assert_allclose(*numbers, atol=2e-6)  # in batches of another size
    assert [row[:5] for row in found] == [["2", "v210", "chr1", "210", "211"], ["3", "v211", "chr1", "211", "212"]]
    refused = cli("variants", model, "v.csv", data / "g.fa", "-o", "p.tsv", "--target", "1", "--vcf", "p.vcf")
    assert "only a VCF can be annotated" in refused.err


def test_options_of_windows_and_strands(cli: Any, model: Path, data: Path, tmp_path: Path) -> None:
    options = ("--average-strands", "--keep", "right", "--edges", "skip", "--max-unknown", "0", "--level", "logit")
    assert cli(*command(model, data, "--target", "0", *options, "-q")).code == 0
    _, rows = table((tmp_path / "o.tsv").read_text())
    wanted = variant_effects(
        load_model(model), data / "v.vcf", data / "g.fa", target=0, average_strands=True, keep="right", edges="skip",
        max_unknown=0, level="logit",
    )  # fmt: skip
    found = np.array([[float(cell or "nan") for cell in row[10:12]] for row in rows])
    np.testing.assert_allclose(found, np.concatenate([wanted.reference, wanted.alternative], axis=1), atol=1e-5)


def test_contributions_of_both_alleles(cli: Any, model: Path, data: Path, bases: str, tmp_path: Path) -> None:
    maps = ("--contributions", "maps.zarr", "--method", "saliency", "--option", "signed=true")
    outcome = cli(*command(model, data, "--target", "0", *maps))
    assert outcome.code == 0, outcome.err
    assert "maps.zarr: contributions of both alleles' windows, named 1:" in outcome.out
    found = load("maps.zarr")
    assert len(found) == 2 * 61
    base, alternative = bases[200], other_base(bases[200])
    assert found.names[:2] == (f"1:201:{base}:{alternative}|ref", f"1:201:{base}:{alternative}|alt")
    assert [str(i) for i in found.intervals[:2]] == ["chr1:150-250(+)"] * 2
    assert found.intervals[-1] is None  # an insertion
    np.testing.assert_array_equal(found.X[0], hand_one_hot([bases[150:250]])[0])
    _, rows = table((tmp_path / "o.tsv").read_text())
    p = np.array([[float(row[10]), float(row[11])] for row in rows if row[7] == "scored"])
    np.testing.assert_allclose(found.predictions.reshape(-1, 2), np.log(p / (1 - p)), atol=1e-4)


def interrupt_after(monkeypatch: pytest.MonkeyPatch, blocks: int) -> list[int]:
    """Let a run stop, as by Ctrl-C, after so many blocks; the list says which blocks were computed."""
    from seqexplain.perturbation import VariantScorer

    computed: list[int] = []
    score = VariantScorer.effects

    def effects(self: Any, variants: Any, **more: Any) -> Any:
        if len(computed) == blocks:
            raise KeyboardInterrupt
        computed.append(variants[0].line)
        return score(self, variants, **more)

    monkeypatch.setattr(VariantScorer, "effects", effects)
    return computed


def test_an_interrupted_run_goes_on(
    cli: Any, model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BLOCK_ALLELES", 10)
    assert cli(*command(model, data, "--target", "0", "-q", out="whole.tsv")).code == 0
    with monkeypatch.context() as patch:
        assert interrupt_after(patch, 3) == []
        stopped = cli(*command(model, data, "--target", "0"))
    assert stopped.code == 130
    assert "run the same command again to go on with o.tsv" in stopped.err
    assert sorted(p.name for p in tmp_path.iterdir()) == [".o.tsv.seqexplain-variants", "whole.tsv"]
    other = cli(*command(model, data, "--target", "1"))
    assert other.code == 2
    assert "An unfinished job stands beside" in other.err
    assert "with other choices: parameters.targets" in other.err
    with monkeypatch.context() as patch:
        computed = interrupt_after(patch, 99)
        resumed = cli(*command(model, data, "--target", "0"))
        assert computed == [33, 43, 53, 63]  # lines that begin the blocks that lacked
    assert resumed.code == 0
    assert "going on after 30 of 65 alleles" in resumed.err
    assert (tmp_path / "o.tsv").read_bytes() == (tmp_path / "whole.tsv").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.tsv", "whole.tsv"]


def test_another_run_may_replace_an_unfinished_one(
    cli: Any, model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BLOCK_ALLELES", 10)
    with monkeypatch.context() as patch:
        interrupt_after(patch, 1)
        assert cli(*command(model, data, "--target", "0")).code == 130
    kept = json.loads((tmp_path / ".o.tsv.seqexplain-variants" / "run.json").read_text())
    assert kept["parameters"]["targets"] == ["0"]
    assert cli(*command(model, data, "--target", "1", "--overwrite", "-q")).code == 0
    header, _ = table((tmp_path / "o.tsv").read_text())
    assert header[-1] == "logit_difference:1"


def test_variants_that_change_meanwhile_are_noticed(
    cli: Any, model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seqexplain.perturbation import VariantScorer

    source = tmp_path / "v.vcf"
    source.write_bytes((data / "v.vcf").read_bytes())
    score = VariantScorer.effects

    def effects(self: Any, variants: Any, **more: Any) -> Any:
        source.write_text(source.read_text() + "# more\n")
        return score(self, variants, **more)

    monkeypatch.setattr(VariantScorer, "effects", effects)
    outcome = cli("variants", model, "v.vcf", data / "g.fa", "-o", "o.tsv", "--target", "0")
    assert outcome.code == 2
    assert "v.vcf changed while it was read" in outcome.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["v.vcf"]


def test_nothing_to_score(cli: Any, model: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "v.vcf").write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
    outcome = cli("variants", model, "v.vcf", data / "g.fa", "-o", "o.tsv", "--vcf", "o.vcf", "--target", "0")
    assert outcome.code == 0
    assert "o.tsv: 0 alleles of 0 lines, 0 scored" in outcome.out
    assert len((tmp_path / "o.tsv").read_text().splitlines()) == 1
    assert "SEQX_STATUS" in (tmp_path / "o.vcf").read_text()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--target", "7"), "--target 7 is out of range"),
        (("--target", "0", "--length", "50"), "--length is 50, but the model"),
        (("--target", "0", "--max-unknown", "-1"), "--max-unknown is -1"),
        (("--target", "0", "--vcf", "o.vcf", "--prefix", "1x"), "--prefix is '1x'"),
        (("--target", "0", "--contributions", "m.zarr", "--method", "magic"), "no method 'magic'"),
        (("--target", "0", "--contributions", "nowhere/m.zarr"), "does not exist"),
        (("--target", "0", "--vcf", "nowhere/o.vcf"), "does not exist"),
        ((), "No --target was given"),
    ],
)
def test_mistakes_leave_nothing_behind(
    cli: Any, model: Path, data: Path, tmp_path: Path, more: tuple[str, ...], why: str
) -> None:
    outcome = cli(*command(model, data, *more))
    assert (outcome.code, outcome.out) == (2, "")
    assert why in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_not_there(cli: Any, model: Path, data: Path) -> None:
    for words, why in (
        (("variants", model, "none.vcf", data / "g.fa", "-o", "o.tsv"), "none.vcf does not exist"),
        (("variants", model, data / "v.vcf", "none.fa", "-o", "o.tsv"), "none.fa does not exist"),
        (("variants", model, "-", data / "g.fa", "-o", "o.tsv"), "give files, not -"),
        (("variants", model, data / "v.vcf", data / "g.fa", "-o", "o.tsv", "--vcf", data / "v.vcf"), "that is read"),
    ):
        outcome = cli(*words, "--target", "0")
        assert outcome.code == 2
        assert why in outcome.err


@pytest.mark.slow
def test_killed_it_goes_on(program: list[str], model: Path, bases: str, data: Path, tmp_path: Path) -> None:
    """kill -9 as soon as blocks are there, twice; then the same command once more gives the same bytes."""
    lines = [
        f"chr1\t{at + 1}\t.\t{bases[at]}\t{','.join(b for b in 'ACGT' if b != bases[at])}"
        for _, at in itertools.product(range(12), range(N))
    ]
    (tmp_path / "v.vcf").write_text("\n".join(lines) + "\n")
    words = [*program, "variants", str(model), "v.vcf", str(data / "g.fa"), "--target", "0", "-q", "-o"]
    folder, seen = tmp_path / ".o.tsv.seqexplain-variants", 0
    for _ in range(2):
        process = subprocess.Popen([*words, "o.tsv"], cwd=tmp_path, env=os.environ)
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            there = len(list(folder.glob("*.npz")))
            if there > seen:
                process.kill()
            seen = max(seen, there)
        assert process.wait(60) == -signal.SIGKILL
        assert not (tmp_path / "o.tsv").exists()
    for name in ("o.tsv", "whole.tsv"):
        subprocess.run([*words, name], cwd=tmp_path, check=True)
    assert (tmp_path / "o.tsv").read_bytes() == (tmp_path / "whole.tsv").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.tsv", "v.vcf", "whole.tsv"]
