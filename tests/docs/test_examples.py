"""The examples of the documentation: Python is run, and every line for the shell is read as the program reads it."""

import os
import re
import shlex
import shutil
from itertools import pairwise

import matplotlib as mpl
import pytest
import typer.main
from doc_blocks import FENCE, PAGES, ROOT, TEXTS, blocks, command_lines, name

from seqexplain.cli.main import app

COMMANDS = typer.main.get_command(app).commands


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A folder with the files that the examples speak of."""
    import keras
    import numpy as np

    import seqexplain as sx

    folder = tmp_path_factory.mktemp("examples")
    bundled = ROOT / "seqexplain" / "data"
    shutil.copyfile(bundled / "ctcf_pu1.keras", folder / "model.keras")
    peaks = (bundled / "demo_peaks.fa").read_text().split(">")[1:]
    (folder / "peaks.fa").write_text("".join(f">{peak}" for peak in peaks[:8]))
    bases = "".join(np.random.default_rng(0).choice(list("ACGT"), 2000))
    (folder / "genome.fa").write_text(f">chr1\n{bases}\n")
    (folder / "peaks.bed").write_text("chr1\t100\t300\tone\nchr1\t500\t600\ttwo\n")
    (folder / "variants.vcf").write_text(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        + "".join(f"chr1\t{at + 1}\t.\t{bases[at]}\t{'ACGT'[bases[at] == 'A']}\t.\t.\t.\n" for at in (200, 700))
    )
    model = sx.load_model(folder / "model.keras")
    model.keras_model.save(folder / "old_model.h5")
    records = list(sx.read_fasta(folder / "peaks.fa"))
    X = sx.one_hot([record.sequence for record in records])
    result = sx.deeplift(
        model, X, target=0, n_references=3,
        names=[record.name for record in records],
    )  # fmt: skip
    sx.save(result, folder / "peaks.zarr")
    keras.backend.clear_session()
    return folder


@pytest.mark.table(4)
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, ("python",))], ids=name)
@pytest.mark.filterwarnings("ignore::seqexplain.errors.SeqExplainWarning")  # eight sequences are few for anything
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_python_runs(page, files, tmp_path, monkeypatch):
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    mpl.use("agg")
    if page.name == "quickstart.md":
        shutil.rmtree(tmp_path / "peaks.zarr")  # which it makes
    namespace: dict[str, object] = {"__name__": "example"}
    for code in blocks(page, ("python",)):
        exec(compile(code, name(page), "exec"), namespace)


@pytest.mark.parametrize("path", [path for path in TEXTS if command_lines(path)], ids=name)
def test_command_lines_are_understood(path):
    for line in command_lines(path):
        words = shlex.split(line, comments=True)[1:]
        if words[0] in ("--version", "--help"):
            continue
        assert words[0] in COMMANDS, f"{line!r}: no such command"
        try:
            COMMANDS[words[0]].make_context(words[0], words[1:], obj=())
        except Exception as error:
            raise AssertionError(f"{line!r}: {error}") from error


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_inline_commands_have_no_unknown_option(path):
    """Where a command is mentioned in running text, something may be left out, but nothing is made up."""
    text = FENCE.sub("", path.read_text())
    for mention in re.findall(r"`(seqexplain [a-z][^`]*)`", text):
        words = shlex.split(mention.replace("\\|", "|"))[1:]
        assert words[0] in COMMANDS, f"{mention!r}: no such command"
        known = {option for parameter in COMMANDS[words[0]].params for option in parameter.opts} | {"--help"}
        assert {word for word in words[1:] if word.startswith("-")} <= known, mention


def test_methods_named_by_options_exist():
    """`--method` and `--option` are read when the command runs, so the parser alone does not know them."""
    from seqexplain.cli._methods import choose_method

    for path in TEXTS:
        for line in command_lines(path):
            words = shlex.split(line, comments=True)[1:]
            if words[0] == "explain":
                values = {flag: [b for a, b in pairwise(words) if a == flag] for flag in ("--method", "--option")}
                choose_method((values["--method"] or ["deeplift"])[0], values["--option"], {})


def test_every_public_name_in_text_exists():
    """`sx.name` in the pages is a name of the package."""
    import seqexplain

    for path in TEXTS:
        for word in re.findall(r"\bsx\.(\w+)", path.read_text()):
            assert word in seqexplain.__all__, f"{name(path)}: sx.{word}"


def test_examples_are_found():
    assert len([page for page in PAGES if blocks(page, ("python",))]) > 8
    assert sum(len(command_lines(path)) for path in TEXTS) > 40
    assert os.sep == "/" or PAGES
