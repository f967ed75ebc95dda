"""The stored notebooks, and what `tutorials/run.py` finds wrong with others. (`.ci/run` runs the notebooks.)"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import nbformat
import pytest

TUTORIALS = Path(__file__).parents[2] / "tutorials"


@pytest.fixture(scope="module")
def run():
    spec = importlib.util.spec_from_file_location("run_tutorials", TUTORIALS / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of code cells, and return its path."""

    def write(*sources: str) -> Path:
        cells = [nbformat.v4.new_code_cell(source, id=f"c{k}") for k, source in enumerate(sources)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "99-made.ipynb")
        return tmp_path / "99-made.ipynb"

    return write


@pytest.mark.parametrize("path", sorted(TUTORIALS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_stored(path, run):
    stored = nbformat.read(path, as_version=4)
    nbformat.validate(stored)
    assert path.stat().st_size <= run.MOST_BYTES
    assert stored.metadata[run.KEY]["cells"] == run.digest(stored), "run `python tutorials/run.py --write`"
    assert [cell.execution_count for cell in run.code_cells(stored)] == list(range(1, len(run.code_cells(stored)) + 1))
    assert not [what for cell in stored.cells for what in run.complaints(cell)]
    for cell in run.code_cells(stored):
        printed = [out.name for out in cell.outputs if out.output_type == "stream"]
        assert len(printed) == len(set(printed)), "stored in pieces: run `python tutorials/run.py --write`"
    assert stored.cells[0].source.startswith(f"# {int(path.name[:2])} · ")
    assert path.name in (TUTORIALS / "README.md").read_text(), "the list in tutorials/README.md leaves it out"


@pytest.mark.slow
def test_good_one_is_stored_and_then_passes(run, notebook):
    path = notebook("x = 20", "x + 1")
    assert "run `python tutorials/run.py --write`" in run.check(path)[1][0]
    assert run.check(path, write=True)[1] == []
    assert nbformat.read(path, as_version=4).cells[1].outputs[0].data["text/plain"] == "21"
    assert run.check(path)[1] == []
    changed = path.read_text().replace("x = 20", "x = 30")
    path.write_text(changed)
    assert "run `python tutorials/run.py --write`" in run.check(path)[1][0]
    assert path.read_text() == changed


@pytest.mark.slow
def test_errors_are_told(run, notebook):
    path = notebook("raise ValueError('it broke')")
    before = path.read_text()
    [problem] = run.check(path, write=True)[1]
    assert "it broke" in problem
    assert path.read_text() == before


@pytest.mark.slow
def test_noise_paths_and_leftovers_are_told(run, notebook):
    path = notebook(
        "import sys\nprint('a warning', file=sys.stderr)", f"{str(TUTORIALS)!r}", "open('left', 'w').close()"
    )
    problems = "\n".join(run.check(path, write=True)[1])
    assert "cell 0: writes to standard error: a warning" in problems
    assert "cell 1: shows the path" in problems
    assert "leaves left behind" in problems


@pytest.mark.slow
def test_what_is_printed_in_pieces_is_one_output(run, notebook):
    path = notebook("for k in range(3):\n    print(k, flush=True)", "for k in range(3):\n    print(k)")
    assert run.check(path, write=True)[1] == []
    assert [[out.text for out in c.outputs] for c in nbformat.read(path, as_version=4).cells] == [["0\n1\n2\n"]] * 2
