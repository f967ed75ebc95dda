"""The lines for the shell in the how-to pages and the quick start, run one after the other as a reader would."""

from __future__ import annotations

import json
import shlex
import shutil

import numpy as np
import pytest
from doc_blocks import PAGES, command_lines, name

from seqexplain.cli.main import main
from seqexplain.data import DEMO_PEAKS, MODEL, bundled

# what needs another process, or a model that is not there
ELSEWHERE = ("--backend", "--extra", "--allow-lambda", "demo")
SEQUENCES = 60  # of which CTCF's motif can be found
FEW = 20
GAP = 150  # bp between peaks on the made-up chromosome


def wanted(line: str) -> bool:
    return not any(word in ELSEWHERE for word in shlex.split(line, comments=True))


def pages() -> list:
    """Return the pages whose commands are run, each with its lines."""
    found = [page for page in PAGES if page.parent.name == "how-to" or page.stem == "quickstart"]
    return [page for page in found if any(map(wanted, command_lines(page)))]


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """The files that the pages speak of, small: CTCF peaks, also on a chromosome, variants in them, models."""
    import seqexplain as sx

    folder = tmp_path_factory.mktemp("shell")
    shutil.copyfile(bundled(MODEL), folder / "model.keras")
    for copy in ("fold0", "fold1", "fold2"):
        shutil.copyfile(bundled(MODEL), folder / f"{copy}.keras")
    records = [record for record in sx.read_fasta(bundled(DEMO_PEAKS)) if record.description == "CTCF"][:SEQUENCES]
    g = np.random.default_rng(0)
    chromosome, bed, vcf = "", [], []
    for number, record in enumerate(records):
        chromosome += "".join(g.choice(list("ACGT"), GAP))
        start = len(chromosome)
        chromosome += record.sequence
        bed.append(f"chr1\t{start}\t{len(chromosome)}\tpeak_{number}\t0\t.\t1\t-1\t-1\t50\n")
        base = chromosome[start + 50]
        vcf.append(f"chr1\t{start + 51}\tv{number}\t{base}\t{'ACGT'[base == 'A']}\t.\t.\t.\n")
    chromosome += "A" * GAP
    (folder / "genome.fa").write_text(f">chr1\n{chromosome}\n")
    (folder / "hg38.chrom.sizes").write_text(f"chr1\t{len(chromosome)}\n")
    (folder / "peaks.fa").write_text("".join(f">{r.name}\n{r.sequence}\n" for r in records))
    (folder / "peaks.narrowPeak").write_text("".join(bed))
    (folder / "peaks.bed").write_text("".join("\t".join(line.split("\t")[:4]) + "\n" for line in bed))
    header = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    (folder / "variants.vcf").write_text(header + "".join(vcf[:5]))
    network = sx.load_model(folder / "model.keras").keras_model
    network.save(folder / "old_model.h5")
    (folder / "architecture.json").write_text(json.dumps(json.loads(network.to_json())))
    network.save_weights(folder / "new.weights.h5")
    (folder / "new.weights.h5").rename(folder / "weights.h5")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", pages(), ids=name)
@pytest.mark.filterwarnings("ignore::seqexplain.errors.SeqExplainWarning")
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_commands_run(page, material, tmp_path, monkeypatch, capsys):
    shutil.copytree(material, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    # files that a page takes from another one
    if not any(" -o peaks.zarr" in line for line in command_lines(page)):
        assert main(shlex.split("explain model.keras peaks.fa -o peaks.zarr --target 0 -n 5 -q")) == 0
    if page.stem == "sis":  # the dearest of them: fewer sequences do
        records = (tmp_path / "peaks.fa").read_text().split(">")
        (tmp_path / "peaks.fa").write_text("".join(f">{one}" for one in records[1:FEW]))
        assert main(shlex.split("sis model.keras peaks.fa -o model_a.zarr --target 0 --threshold 2 -q")) == 0
        shutil.copytree("model_a.zarr", "model_b.zarr")
    seen: set[str] = set()
    for line in filter(wanted, command_lines(page)):
        words = shlex.split(line, comments=True)[1:]
        # a page shows several ways to make the same file: each is run
        fresh = ["--overwrite"] if "-o" in words and words[words.index("-o") + 1] in seen else []
        seen |= {words[k + 1] for k, word in enumerate(words) if word == "-o"}
        capsys.readouterr()
        code = main([*words, *fresh])
        assert code in (0, None), f"{line}\n{capsys.readouterr().err}"


def test_pages_are_found():
    assert len(pages()) > 8
