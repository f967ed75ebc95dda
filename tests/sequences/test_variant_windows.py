"""Windows of variants are those that are cut out of an edited chromosome."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqexplain.errors import ParameterError
from seqexplain.sequences import Genome, Variant, VariantStatus, WindowCutter
from seqexplain.sequences.variant_windows import AlleleWindow, Refusal

SIZE = 300
_LETTERS = np.random.default_rng(5).choice(list("ACGT"), SIZE)
CHROMOSOME = "".join(_LETTERS[:200]) + "N" * 20 + "".join(_LETTERS[220:])
MARGIN = 400


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Genome]:
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(f">chr1\n{CHROMOSOME}\n>chrM\nACGTACGTACGT\n>odd\nACG-TACGT\n")
    with Genome(path) as opened:
        yield opened


def shared(one: str, other: str) -> int:
    """Count the letters that both begin with."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def by_hand(start: int, reference: str, alternative: str, length: int, keep: str) -> tuple[str, str]:
    """Both windows, cut from chromosomes that are written out."""
    behind = shared(reference[::-1], alternative[::-1])
    reference, alternative = reference[: len(reference) - behind], alternative[: len(alternative) - behind]
    before = shared(reference, alternative)
    reference, alternative, start = reference[before:], alternative[before:], start + before
    padded = "N" * MARGIN + CHROMOSOME + "N" * MARGIN
    at = MARGIN + start
    edited = padded[:at] + alternative + padded[at + len(reference) :]
    first = at + len(reference) // 2 - length // 2
    growth = len(alternative) - len(reference)
    # in the edited chromosome the window begins where it did, or ends where it did, or each by half
    moved = {"left": first, "right": first + growth, "center": first + (abs(growth) // 2) * (1 if growth > 0 else -1)}
    return padded[first : first + length], edited[moved[keep] : moved[keep] + length]


@settings(max_examples=150, deadline=None)
@given(
    start=st.integers(0, SIZE - 1),
    removed=st.integers(1, 12),
    inserted=st.text("ACGT", min_size=1, max_size=12),
    anchored=st.booleans(),
    length=st.integers(26, 61),
    keep=st.sampled_from(["left", "right", "center"]),
)
def test_windows_are_those_of_an_edited_chromosome(
    genome: Genome, start: int, removed: int, inserted: str, anchored: bool, length: int, keep: str
) -> None:
    reference = CHROMOSOME[start : start + removed]
    alternative = reference[0] + inserted if anchored else inserted
    found = WindowCutter(genome, length, keep=keep).cut(Variant("chr1", start, reference, alternative))  # type: ignore[arg-type]
    if "N" in reference or reference == alternative:
        assert isinstance(found, Refusal)
        return
    assert isinstance(found, AlleleWindow)
    wanted = by_hand(start, reference, alternative, length, keep)
    assert (found.reference, found.alternative) == wanted
    assert found.unknown == max(window.count("N") for window in wanted)
    assert bool(found.note) == bool(found.unknown)
    at = found.offset
    if found.substitution:
        assert at == next(i for i in range(length) if wanted[0][i] != wanted[1][i])


def test_the_middle_of_the_reference_allele_is_the_middle_of_its_window(genome: Genome) -> None:
    for length in (30, 31):
        found = WindowCutter(genome, length).cut(
            Variant("1", 100, CHROMOSOME[100], "ACGT".replace(CHROMOSOME[100], "")[0])
        )
        assert isinstance(found, AlleleWindow)
        assert (found.start, found.offset) == (100 - length // 2, length // 2)
        assert found.reference == CHROMOSOME[100 - length // 2 :][:length]


@pytest.mark.parametrize(
    ("variant", "status", "why"),
    [
        (Variant("chr1", -1, "", "", problem="no."), "malformed", "no."),
        (Variant("chr1", 5, "A", "."), "no_alternative", "no alternative"),
        (Variant("chr1", 5, "A", "<DEL>"), "symbolic", "<DEL> names"),
        (Variant("chr1", 5, "A", "<*>"), "symbolic", "names"),
        (Variant("chr1", 5, "A", "*"), "spanning_deletion", "deletion"),
        (Variant("chr1", 5, "A", "A]chr2:3]"), "breakend", "joins"),
        (Variant("chr1", 5, "A", ".TTT"), "breakend", "joins"),
        (Variant("chr1", 5, "A", "TTT."), "breakend", "joins"),
        (Variant("chr1", 5, ".", "A"), "missing_reference", "no reference"),
        (Variant("chr1", 5, "R", "A"), "not_bases", "reference allele has 'R'"),
        (Variant("chr1", 5, "A", "CNA"), "not_bases", "alternative allele has 'N'"),
        (Variant("chr1", 5, "A", "-"), "not_bases", "gap"),
        (Variant("chr1", 5, "A", "A"), "same_alleles", "is the reference"),
        (Variant("chr7", 5, "A", "C"), "unknown_chromosome", "no chromosome 'chr7'; it has chr1, chrM, odd."),
        (Variant("chr1", -1, "A", "C"), "off_chromosome", "positions 1-300, not position 0"),
        (Variant("chr1", 300, "A", "C"), "off_chromosome", "not position 301"),
        (Variant("chr1", 299, "AC", "C"), "off_chromosome", "not positions 300-301"),
        (Variant("chr1", 205, "N", "C"), "reference_unknown", "unknown bases"),
        (Variant("chr1", 205, "A", "C"), "reference_mismatch", "has N there, not A"),
        (Variant("chr1", 50, CHROMOSOME[50], "A" * 40), "too_long", "fit a window of 30 bp."),
        (Variant("chr1", 50, CHROMOSOME[50:100], CHROMOSOME[50]), "too_long", "49 bp"),
        (Variant("chr1", 3, CHROMOSOME[3], "ACGT".replace(CHROMOSOME[3], "")[0]), "off_edge", "runs 12 bp off chr1"),
        (Variant("chr1", 297, CHROMOSOME[297], "ACGT".replace(CHROMOSOME[297], "")[0]), "off_edge", "runs 12 bp off"),
        (Variant("chr1", 280, CHROMOSOME[280:288], CHROMOSOME[280]), "off_edge", "runs 6 bp off chr1"),
        (Variant("chr1", 195, CHROMOSOME[195], "ACGT".replace(CHROMOSOME[195], "")[0]), "many_unknown", "10 of 30"),
        (Variant("odd", 0, "A", "C"), "reference_unknown", "no base"),
    ],
)  # fmt: skip
def test_what_is_not_scored_has_a_reason(genome: Genome, variant: Variant, status: str, why: str) -> None:
    edges = "pad" if variant.chromosome == "odd" else "skip"
    found = WindowCutter(genome, 30, edges=edges, max_unknown=9).cut(variant)  # type: ignore[arg-type]
    assert isinstance(found, Refusal)
    assert found.status == VariantStatus(status)
    assert why in found.reason


def test_an_allele_that_fits_otherwise_names_the_way(genome: Genome) -> None:
    variant = Variant("chr1", 50, CHROMOSOME[50], CHROMOSOME[50] + "ACGT" * 5)
    for keep in ("left", "right"):
        found = WindowCutter(genome, 30, keep=keep).cut(variant)  # type: ignore[arg-type]
        assert isinstance(found, Refusal)
        assert found.reason == (
            f'an allele of 20 bp does not fit a window of 30 bp with keep="{keep}"; it does with keep="center" '
            "(--keep center)."
        )
    assert isinstance(WindowCutter(genome, 30, keep="center").cut(variant), AlleleWindow)


def test_a_swapped_pair_is_told(genome: Genome) -> None:
    other = "ACGT".replace(CHROMOSOME[50], "")[0]
    found = WindowCutter(genome, 30).cut(Variant("chr1", 50, other, CHROMOSOME[50]))
    assert isinstance(found, Refusal)
    assert "are the two swapped?" in found.reason
    plain = "ACGT".replace(CHROMOSOME[50], "").replace(other, "")[0]
    found = WindowCutter(genome, 30).cut(Variant("chr1", 50, other, plain))
    assert isinstance(found, Refusal)
    assert "swapped" not in found.reason


@pytest.mark.parametrize(("shift", "word"), [(1, "before"), (-1, "after")])
def test_positions_that_are_off_by_one_are_told(genome: Genome, shift: int, word: str) -> None:
    cutter = WindowCutter(genome, 30)
    for start in range(40, 140):
        base = CHROMOSOME[start]
        cutter.cut(Variant("chr1", start + shift, base, "ACGT".replace(base, "")[0]))
    assert f"stand one base {word} it" in str(cutter.advice())
    cutter = WindowCutter(genome, 30)
    rng = np.random.default_rng(0)
    for start in range(40, 140):
        cutter.cut(Variant("chr1", start, rng.choice(list("ACGT".replace(CHROMOSOME[start], ""))), CHROMOSOME[start]))
    assert cutter.advice() is None


@pytest.mark.parametrize("options", [{"keep": "middle"}, {"edges": "error"}, {"max_unknown": -1}, {"length": 0}])
def test_options_that_make_no_sense(genome: Genome, options: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match=f"{next(iter(options))} is .*expected"):
        WindowCutter(genome, **{"length": 30, **options})  # type: ignore[arg-type]
