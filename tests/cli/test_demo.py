"""`seqexplain demo`: the whole of it, and what it says held against a reading of its own files."""

from __future__ import annotations

import re

import numpy as np
import pytest
from plain_reading import table

from seqexplain.cli._demo_tasks import auroc
from seqexplain.storage import load

NUMBER = 25  # peaks a factor: the demo's own default is 200


@pytest.fixture
def demo(cli):
    outcome = cli("demo", "-o", "d", "-n", NUMBER)
    assert (outcome.code, outcome.err) == (0, "")
    return outcome.out


def test_what_it_writes_and_says(cli, demo, tmp_path):
    folder = tmp_path / "d"
    pictures = {f"{task}_{rank}.{kind}" for task in ("ctcf", "pu1") for rank in (1, 2, 3) for kind in ("png", "svg")}
    assert {p.name for p in folder.iterdir()} == pictures | {
        "scores.tsv", "ctcf.zarr", "pu1.zarr", "ctcf.html", "pu1.html", "seqexplain-demo.json"
    }  # fmt: skip
    assert all(name in demo for name in ("scores.tsv", "ctcf.zarr", "pu1.zarr", *pictures))
    # scores, and the area under the curve that is said, counted pair by pair
    header, rows = table((folder / "scores.tsv").read_text())
    assert header == ["name", "chromosome", "start", "end", "strand", "peak_of", "CTCF", "PU.1"]
    assert {r[1] for r in rows} == {"chr8", "chr9"}
    of = np.array([r[5] for r in rows])
    scores = np.array([r[6:] for r in rows], dtype=float)
    pairs = scores[of == "CTCF", 0][:, None] - scores[of == "PU.1", 0][None]
    wanted = float((pairs > 0).mean() + 0.5 * (pairs == 0).mean())
    line = next(line for line in demo.splitlines() if line.strip().startswith("CTCF output"))
    said = [float(x) for x in re.findall(r"(?<= )\d\.\d{3}", line)]
    assert said[1] == pytest.approx(wanted, abs=6e-4)
    assert min(said) > 0.95
    assert "against 200 PU.1 peaks" in line
    # most peaks' strongest window lies on the match of their factor's matrix, far more than by chance
    for factor in ("CTCF", "PU.1"):
        shares = re.search(rf"{re.escape(factor)} peaks and MA\S+: (\d+) % match; by chance (\d+) %", demo)
        assert int(shares[1]) > 50
        assert int(shares[1]) > 2 * int(shares[2])
    # contributions add up
    assert demo.count("100 % of 500 pairs") == 2
    stored = load(folder / "ctcf.zarr")
    assert len(stored) == NUMBER
    # the matrix's match is shaded and named
    assert "CTCF MA0139.1 (" in (folder / "ctcf_1.svg").read_text("utf-8")
    assert "Spi1 MA0080.6 (" in (folder / "pu1_1.svg").read_text("utf-8")


@pytest.mark.slow
def test_the_commands_it_recommends_run(cli, demo):
    commands = [line.strip() for line in demo.splitlines() if line.strip().startswith("seqexplain ")]
    ready = [c.partition(" #")[0].split()[1:] for c in commands if "YOUR_" not in c]
    assert len(ready) == 3
    for words in ready:
        outcome = cli(*words)
        assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.slow
def test_again_it_has_nothing_left_to_explain(cli, demo):
    again = cli("demo", "-o", "d", "-n", NUMBER)
    assert again.code == 0
    assert again.out.count("(was complete already)") == 2
    assert again.out.startswith("Going on in d/")
    other = cli("demo", "-o", "d", "-n", NUMBER + 1)
    assert other.code == 2
    assert "--overwrite" in other.err
    assert cli("demo", "-o", "d", "-n", NUMBER + 1, "--overwrite").code == 0


def test_area_under_the_curve():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 6, 40), rng.integers(0, 5, 30)
    pairs = a[:, None] - b[None]
    assert auroc(a, b) == pytest.approx((pairs > 0).mean() + 0.5 * (pairs == 0).mean())
