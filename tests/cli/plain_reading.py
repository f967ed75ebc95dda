"""FASTA, one-hot and tables, read without the package."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np


def records(path: Path) -> list[tuple[str, str]]:
    """Names and sequences of a FASTA file."""
    lines = path.read_text("ascii").split(">")[1:]
    return [(r.split()[0], "".join(r.splitlines()[1:]).strip()) for r in lines]


def hand_one_hot(sequences: list[str]) -> np.ndarray:
    """One-hot, `(n, L, 4)`."""
    return np.stack([[[float(base == b) for b in "ACGT"] for base in s] for s in sequences]).astype(np.float32)


def table(text: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a table between tabs."""
    header, *rows = csv.reader(io.StringIO(text), delimiter="\t")
    return header, rows
