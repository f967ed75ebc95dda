"""The command line in this process, and small real inputs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from seqexplain.cli.main import main
from seqexplain.data import DEMO_PEAKS, MODEL, bundled

_HERE = str(Path(__file__).resolve().parent)
if _HERE not in sys.path:  # for `plain_reading`, wherever pytest is run from
    sys.path.insert(0, _HERE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let pass what TensorFlow's tensors make NumPy say while Keras loads weights."""
    for item in items:
        if Path(_HERE) in item.path.parents:
            copying = "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
            item.add_marker(pytest.mark.filterwarnings(copying))


class Outcome(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


Cli = Callable[..., Outcome]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEQEXPLAIN_TRACEBACK", raising=False)

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The program in a process of its own, as words in front of a subcommand."""
    # importing TensorFlow in this process sets it to be loud, which a user's shell does not
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    return [sys.executable, "-c", "import sys; from seqexplain.cli.main import main; sys.exit(main())"]


@pytest.fixture(scope="session")
def model() -> Path:
    """The bundled model: 100 bp, two sigmoid units."""
    return bundled(MODEL)


@pytest.fixture(scope="session")
def peaks() -> Path:
    """400 real peaks of 100 bp."""
    return bundled(DEMO_PEAKS)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what is made once."""
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="session")
def few(folder: Path, peaks: Path) -> Path:
    """The first 12 peaks."""
    path = folder / "few.fa"
    path.write_text("".join(peaks.read_text("ascii").splitlines(keepends=True)[:24]))
    return path


@pytest.fixture(scope="session")
def store(folder: Path, model: Path, few: Path) -> Path:
    """The few peaks, explained for both units."""
    path = folder / "few.zarr"
    targets = ("--target", "0", "--target", "1")
    assert main(["explain", str(model), str(few), "-o", str(path), *targets, "-n", "3", "--quiet"]) == 0
    return path
