"""A thousand lines of a VCF with what is expected of each, and predictions by hand for edited chromosomes."""

from __future__ import annotations

from typing import Any

import numpy as np

L = 50  # bp that the network reads
BASES = "ACGT"


def other_base(base: str, step: int = 1) -> str:
    return BASES[(BASES.index(base) + step) % 4]


def logit(p: np.ndarray) -> np.ndarray:
    return np.log(p / (1 - p))


def hand_one_hot(windows: list[str]) -> np.ndarray:
    return np.array([[[float(base == b) for b in BASES] for base in w] for w in windows], dtype=np.float32)


def predict(network: Any, windows: list[str]) -> np.ndarray:
    """What Keras says of strings, `(n, 3)`: outputs of both heads."""
    bound, counts = network.predict(hand_one_hot(windows), verbose=0, batch_size=256)
    return np.concatenate([bound, counts], axis=1).astype(np.float64)


def edited_windows(chromosome: str, start: int, reference: str, alternative: str, length: int = L) -> tuple[str, str]:
    """Both windows with everything before the variant in its place; the alleles share nothing but a first base."""
    padded = "N" * L + chromosome + "N" * (2 * L)
    if len(reference) != len(alternative):
        start, reference, alternative = start + 1, reference[1:], alternative[1:]
    first = L + start + len(reference) // 2 - length // 2
    edited = padded[: L + start] + alternative + padded[L + start + len(reference) :]
    return padded[first : first + length], edited[first : first + length]


Line = tuple[str, int | str, str, str, str]


def make_lines(chromosomes: dict[str, str]) -> list[Line]:
    """1,000 lines of a VCF: chromosome, position from 1, alleles, and what is expected of the first of them."""
    rng = np.random.default_rng(11)
    lines: list[Line] = []

    def base_at(chromosome: str, position: int) -> str:
        return chromosomes[chromosome][position - 1]

    def somewhere() -> tuple[str, int]:
        if rng.random() < 0.6:
            return "chr1", int(rng.choice([rng.integers(60, 2900), rng.integers(3200, 5900)]))
        return "chr2", int(rng.integers(60, 800))

    def single(chromosome: str, position: int, expected: str) -> None:
        base = base_at(chromosome, position)
        lines.append((chromosome, position, base, other_base(base, int(rng.integers(1, 4))), expected))

    for _ in range(560):
        single(*somewhere(), "scored")
    for _ in range(60):  # several alleles on a line
        chromosome, position = somewhere()
        base = base_at(chromosome, position)
        rest = ",".join((other_base(base), other_base(base, 2), f"{base}{other_base(base)}", "<DEL>", "*"))
        lines.append((chromosome, position, base, rest, "scored"))
    for size in (1, 2, 3, 7, 20) * 12:  # deletions and insertions
        chromosome, position = somewhere()
        gone = chromosomes[chromosome][position - 1 : position + size]
        lines.append(
            (chromosome, position, gone, gone[0], "scored" if gone[-1] != gone[0] or len(gone) == 1 else "any")
        )
        base = base_at(chromosome, position)
        lines.append((chromosome, position, base, base + other_base(base) * size, "scored"))
    for size in (2, 3, 5, 9) * 5:  # several bases at once, some wider than a stretch
        chromosome, position = somewhere()
        gone = chromosomes[chromosome][position - 1 : position - 1 + size]
        lines.append((chromosome, position, gone, "".join(map(other_base, gone)), "scored"))
    for _ in range(80):
        chromosome, position = somewhere()
        wrong = other_base(base_at(chromosome, position))
        lines.append((chromosome, position, wrong, other_base(wrong), "reference_mismatch"))
    for name in ("<DEL>", "<INS:ME:ALU>", "<CN0>", "<*>") * 5:
        lines.append(("chr1", 500, base_at("chr1", 500), name, "symbolic"))
    for position in (*range(1, 21), *range(381, 401)):  # a small chromosome's ends
        single("chrM", position, "scored")
    for position in range(3001, 3021):
        lines.append(("chr1", position, "N", "A", "reference_unknown"))
        lines.append(("chr1", position, "A", "C", "reference_mismatch"))
    for position in range(2981, 3001):  # next to unknown bases
        single("chr1", position, "scored")
    base = base_at("chr1", 100)
    odd = [
        ("chr1", 100, base, ".", "no_alternative"), ("chr1", 100, base, "*", "spanning_deletion"),
        ("chr1", 100, base, f"{base}]chr2:7]", "breakend"), ("chr1", 100, base, f".{base}", "breakend"),
        ("chr1", 100, ".", "A", "missing_reference"), ("chr1", 100, base, base.lower(), "same_alleles"),
        ("chr1", 100, base, "R", "not_bases"), ("chr1", 100, "M", "C", "not_bases"),
        ("chr1", 0, "A", "C", "off_chromosome"), ("chr1", 6001, "A", "C", "off_chromosome"),
        ("chr1", "1e3", "A", "C", "malformed"), ("chr1", "", "A", "C", "malformed"),
        ("chr9", 5, "A", "C", "unknown_chromosome"), ("HLA*1:2", 5, "A", "C", "unknown_chromosome"),
        ("chr1", 100, base, base + "ACGT" * 20, "too_long"), ("chr1", 1500, chromosomes["chr1"][1499:1570],
         chromosomes["chr1"][1499], "too_long"),
    ]  # fmt: skip
    lines += odd
    while len(lines) < 998:
        single(*somewhere(), "scored")
    base = base_at("chr2", 300)
    lines.append(("2", 300, base.lower(), other_base(base).lower(), "scored"))  # another name, lower case
    lines.append(("MT", 200, base_at("chrM", 200), other_base(base_at("chrM", 200)), "scored"))
    return lines
