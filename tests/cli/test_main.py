"""The program as a whole: start-up, versions, exit statuses."""

from __future__ import annotations

import errno
import os
import shlex
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import typer.main
from rich.text import Text

from seqexplain import __version__
from seqexplain.cli import _failures
from seqexplain.cli.main import app
from seqexplain.errors import CompletenessWarning, ParameterError, StorageError

COMMANDS = typer.main.get_command(app).commands

HEAVY = (
    "tensorflow",
    "keras",
    "jax",
    "torch",
    "zarr",
    "matplotlib",
    "pandas",
    "numba",
    "h5py",
    "logomaker",
    "scipy",
    "sklearn",
)
SUBCOMMANDS = ("info", "score", "explain", "ism", "sis", "insert", "sis-clusters", "report", "logo", "export", "demo")


@pytest.mark.parametrize("words", [["--help"], ["explain", "--help"], ["--version"], []])
def test_help_imports_nothing_heavy(words):
    code = (
        "import sys; from seqexplain.cli.main import main; status = main(sys.argv[1:]); "
        f"print('LOADED', [m for m in {HEAVY} if m in sys.modules]); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_help_is_quick(program):
    best = float("inf")
    for _ in range(5):  # other work on the machine can only slow it down
        began = time.perf_counter()
        assert subprocess.run([*program, "--help"], capture_output=True).returncode == 0
        best = min(best, time.perf_counter() - began)
    assert best < 0.7


def test_help_lists_all_subcommands_and_version_is_the_packages(cli):
    assert cli("--version") == (0, f"seqexplain {__version__}\n", "")
    helped = cli("--help")
    assert helped.code == 0
    assert all(
        f" {name} " in helped.out
        for name in ("info", "score", "explain", "ism", "sis", "insert", "logo", "export", "demo")
    )
    assert cli().out == helped.out


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_subcommand_has_help(cli, name):
    outcome = cli(name, "--help")
    assert outcome.code == 0
    assert f"seqexplain {name}" in outcome.out


def test_usage_errors_are_one_line(cli):
    outcome = cli("explian")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("seqexplain: error: ")
    assert outcome.err.count("\n") == 1
    assert "explian" in outcome.err
    missing = cli("explain", "model.keras", "x.fa")
    assert missing.code == 2
    assert "--out" in missing.err
    assert "See seqexplain explain --help." in missing.err


@pytest.mark.slow
def test_the_reader_may_leave(program, model, peaks):
    """`seqexplain score … | head -1` ends without a word."""
    command = shlex.join([*program, "score", str(model), str(peaks)])
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -1; echo ${{PIPESTATUS[0]}}"], capture_output=True, text=True
    )
    assert done.stderr == ""
    header, status = done.stdout.splitlines()
    assert header.startswith("name\t")
    # all of the table may have fitted in the pipe before the reader left
    assert status in ("0", "141")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_standard_output(program, model, few):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*program, "score", str(model), str(few)], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "No space left" in done.stderr


def raising(error: BaseException):
    def run() -> None:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "parts"),
    [
        (ParameterError("first\n  second"), 2, ["error: first second\n"]),
        (StorageError("exists; pass overwrite=True (--overwrite)."), 2, ["pass --overwrite."]),
        (OSError(errno.ENOSPC, "No space left on device", "x.tsv"), 2, ["x.tsv: No space left", "Free some space"]),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 2, ["x: Permission denied", "permissions"]),
        (MemoryError(), 2, ["out of memory", "--batch-size"]),
        (KeyError("x"), 1, ["this is a bug: KeyError", "SEQEXPLAIN_TRACEBACK=1"]),
        (KeyboardInterrupt(), 130, ["interrupted"]),
        (KeyboardInterrupt("run it again."), 130, ["interrupted: run it again."]),
    ],
)
def test_what_is_raised_becomes_a_line_and_a_status(capsys, monkeypatch, error, code, parts):
    monkeypatch.delenv("SEQEXPLAIN_TRACEBACK", raising=False)
    assert _failures.guarded(raising(error)) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("seqexplain: ")
    for part in parts:
        assert part in captured.err


def test_a_traceback_can_be_had(capsys, monkeypatch):
    monkeypatch.setenv("SEQEXPLAIN_TRACEBACK", "1")
    assert _failures.guarded(raising(ParameterError("no"))) == 2
    assert "Traceback" in capsys.readouterr().err


def test_warnings_are_lines_once_and_not_too_many(capsys):
    def run() -> None:
        for text in ["a", "a", "b", "c", "d", "e"]:
            warnings.warn(f'{text}\nmore, see empty="skip"', CompletenessWarning, stacklevel=1)

    assert _failures.guarded(run) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[:3] == [f"seqexplain: warning: {x} more, see --skip-empty" for x in "abc"]
    assert len(lines) == 4
    assert "CompletenessWarning" in lines[3]


def test_an_interrupt_leaves_a_status_and_no_table(program, model, peaks, tmp_path):
    """Ctrl-C while it works: 130, a line, and nothing that looks like a result."""
    many = tmp_path / "many.fa"
    many.write_text(peaks.read_text("ascii") * 400)
    out = tmp_path / "scores.tsv"
    process = subprocess.Popen(
        [*program, "score", str(model), str(many), "-o", str(out)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".scores.tsv.*")):  # the table has been begun
        assert process.poll() is None
        assert time.monotonic() < deadline
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("seqexplain: interrupted")
    assert "Traceback" not in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["many.fa"]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_loses_no_word_to_markup(name):
    command = COMMANDS[name]
    texts = [command.help or "", *(getattr(parameter, "help", None) or "" for parameter in command.params)]
    for text in texts:
        assert Text.from_markup(text).plain == text.replace("\\[", "[")
