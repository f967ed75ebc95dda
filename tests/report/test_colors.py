"""Are the bases' default colours told apart by those who see fewer colours? Machado 2009, at full severity."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest

SEEN_BY = {
    "all": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
USUAL = dict(zip("ACGT", ("#008000", "#0000ff", "#ffa500", "#ff0000"), strict=True))


def linear(color: str) -> np.ndarray:
    values = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    f = xyz / np.array([0.9505, 1, 1.089])
    f = np.where(f > 0.008856, np.cbrt(f), 7.787 * f + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def nearest(colors: dict[str, str]) -> float:
    """The smallest difference between two bases, for whoever sees it worst."""
    return min(
        float(np.linalg.norm(lab(np.clip(m @ linear(a), 0, 1)) - lab(np.clip(m @ linear(b), 0, 1))))
        for m in (np.asarray(matrix) for matrix in SEEN_BY.values())
        for a, b in combinations(colors.values(), 2)
    )


@pytest.fixture(scope="module")
def blocks() -> dict[str, dict[str, str]]:
    """The colours of bases in each rule of the style, by selector."""
    css = (files("seqexplain.report") / "page" / "base.css").read_text("utf-8")
    rules = re.findall(r"(:root[^{]*)\{([^}]*)\}", css)
    found = {s.strip(): dict(re.findall(r"--([ACGT]): (#[0-9a-f]{6})", body)) for s, body in rules}
    return {selector: colors for selector, colors in found.items() if colors}


def test_bases_are_told_apart(blocks):
    assert nearest(USUAL) < 12
    assert nearest(blocks[":root"]) > 29
    assert nearest(blocks[':root[data-theme="dark"]']) > 24


def test_the_systems_dark_is_the_chosen_dark(blocks):
    assert blocks[':root[data-theme="auto"]'] == blocks[':root[data-theme="dark"]']
    assert (
        blocks[':root[data-theme="auto"][data-colors="classic"]']
        == (blocks[':root[data-theme="dark"][data-colors="classic"]'])
    )
    assert blocks[':root[data-colors="classic"]'] == USUAL
