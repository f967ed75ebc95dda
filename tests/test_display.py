"""What results show of themselves in a notebook."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seqexplain.motifs import MotifHits, PatternSet, open_contributions
from seqexplain.motifs._matrices import Motif
from seqexplain.motifs._motif_matches import MotifMatches
from seqexplain.motifs._pattern import stack_pattern
from seqexplain.motifs._seqlets import Seqlets
from seqexplain.perturbation import VariantEffects
from seqexplain.results import Attributions, Interval, LayerAttributions, SufficientInputSubsets, WindowAttributions
from seqexplain.sequences import Variant, VariantStatus

BAD = '<script>alert("x")</script>&amp;'
N, L = 7, 20
NAMES = (BAD, *(f"peak_{k}" for k in range(1, N)))
X = np.eye(4, dtype=np.float32)[np.random.default_rng(0).integers(0, 4, (N, L))]
ONES = np.ones(N, np.float32)


def attributions(cls=Attributions, **changes):
    fields = {
        "contributions": X * np.linspace(-1, 2, L, dtype=np.float32)[:, None], "X": X, "predictions": 3 * ONES,
        "hypothetical": X * 5, "reference_predictions": np.zeros((N, 2)), "completeness_error": np.zeros((N, 2)),
        "names": NAMES, "targets": (BAD,), "method": "deeplift", "parameters": {"rule": BAD[:20], "batch_size": 7},
    }  # fmt: skip
    return cls(**{**fields, **changes})


def several():
    one = attributions()
    arrays = ("contributions", "predictions", "hypothetical", "reference_predictions", "completeness_error")
    doubled = {name: np.stack([getattr(one, name)] * 2, axis=1) for name in arrays}
    return replace(one, targets=("a", BAD), **doubled)


def subsets():
    subset = np.zeros((N, L), np.int32)
    subset[0, 3:6], subset[0, 9] = 1, 2
    more = dict.fromkeys(("threshold", "rest_predictions", "masked_predictions", "stopped"), ONES)
    return attributions(SufficientInputSubsets, subset=subset, rank=subset, subset_value=subset * 1.0, **more)


def layer():
    contributions = np.tile(np.array([0.5, -3, 0, 1], np.float32), (N, 6, 1))
    return LayerAttributions(
        contributions, ONES, ONES[:, None], 0.25 * ONES[:, None], BAD, NAMES, ("t",), "layer_deeplift"
    )


def seqlets():
    numbers = np.array([1.0, -2.5])
    return Seqlets(np.array([0, 1]), np.array([2, 3]), np.array([6, 9]), numbers, numbers * np.nan, numbers * np.nan,
                   NAMES, notes=(BAD,))  # fmt: skip


def patterns(**changes):
    source = open_contributions(attributions())
    found = PatternSet.of(source, [stack_pattern(source, [0, 1], [2, 5], 8, ["+", "-"])], method="fast", parameters={})
    return replace(found, labels={"pos_0": BAD}, notes=(BAD,), **changes)


def hits():
    numbers = np.array([1.0, 3.0])
    return MotifHits(np.array([0, 0]), np.array([1, 9]), np.array([5, 13]), np.array(["+", "-"]), np.array([1, 1]),
                     *[numbers] * 7, np.array(["ACGT"] * 2), patterns=("pos_0", BAD), labels=("a", BAD), signs=(1, 1),
                     names=NAMES, target=BAD, notes=(BAD,))  # fmt: skip


def matches():
    number, place = np.zeros(1), np.zeros(1, int)
    target = Motif("MA1", BAD, np.ones((4, 4)))
    return MotifMatches((BAD, "neg_0"), (target,), place, place, place + 1, number, number, number, place, place,
                        np.array(["+"]))  # fmt: skip


def variants():
    alleles = (Variant("chr1", 9, "A", "G", id=BAD), Variant(BAD, 5, "C", "T", id="rs2"), Variant("chr2", 7, "G", "A"))
    values = np.array([[0.5], [-2.0], [np.nan]], np.float32)
    status = (
        VariantStatus.SCORED,
        VariantStatus.SCORED,
        next(s for s in VariantStatus if s is not VariantStatus.SCORED),
    )
    return VariantEffects(alleles, status, ("", "", "gone"), *[values] * 5, np.zeros(3, int), (BAD,))


RESULTS = {
    "Attributions": attributions, "several": several, "SufficientInputSubsets": subsets, "LayerAttributions": layer,
    "Seqlets": seqlets, "PatternSet": patterns, "MotifHits": hits, "MotifMatches": matches, "VariantEffects": variants,
}  # fmt: skip


def shown(result):
    """The card's text, one string a cell or line."""
    return [text.strip() for text in ET.fromstring(result._repr_html_()).itertext() if text.strip()]


@pytest.mark.parametrize("make", RESULTS.values(), ids=RESULTS)
def test_cards_are_small_whole_and_need_nothing_from_elsewhere(make):
    html = make()._repr_html_()
    root = ET.fromstring(html)
    tags = {one.tag for one in root.iter()}
    assert tags <= {"div", "strong", "table", "thead", "tbody", "tr", "td", "th", "svg", "polygon", "span"}
    assert not any("http" in value or "url(" in value for one in root.iter() for value in one.attrib.values())
    assert not any(name.startswith("on") or name in ("src", "href") for one in root.iter() for name in one.attrib)
    assert len(html) < 12_000
    assert html == make()._repr_html_()


@pytest.mark.parametrize("make", RESULTS.values(), ids=RESULTS)
def test_names_stay_text(make):
    result = make()
    assert "<script" not in result._repr_html_()
    assert any("<script>alert" in text for text in shown(result))


def test_attributions_say_how_much_what_and_whether_it_adds_up():
    text = shown(attributions(intervals=(Interval("chr7", 0, L), *[None] * (N - 1))))
    assert text[:2] == ["Attributions", "· 7 sequences × 20 bp"]
    facts = dict(zip(text[2::2], text[3::2], strict=False))
    assert facts["predictions"] == "3"
    assert facts["contributions"] == "−1 to 2"
    assert facts["completeness"] == f"all of 14 pairs add up; largest error 0 ({BAD})"
    assert facts["genome"] == "1 of the sequences, chr7"
    assert facts["method"] == f"deeplift (rule={BAD[:20]})"
    assert text[-1] == "… 2 more"
    base = "ACGT"[X[0, L - 1].argmax()]
    assert f"{base} at 19: +2" in text


def test_completeness_share_and_the_worst():
    error = np.zeros((N, 2))
    error[2, 1] = -0.5
    text = shown(attributions(completeness_error=error))
    assert "92.9 % of 14 pairs add up; largest error 0.5 (peak_2)" in text
    # what LRP distributes is partly absorbed
    assert "completeness" not in shown(attributions(reference_predictions=None, completeness_error=error[:, :1]))


def test_kinds_of_attributions_say_their_own():
    windows = attributions(WindowAttributions, window_starts=np.arange(4), window_effects=np.ones((N, 4)))
    assert "4 windows a sequence, effects 1" in shown(windows)
    text = shown(subsets())
    assert "2 subsets in 1 of 7, 2 bases on average" in text
    assert "at least 1" in text
    assert text[0] == "SufficientInputSubsets"


def test_channels_of_a_layer_strongest_first():
    text = shown(layer())
    at = text.index("mean contribution") + 1
    assert text[at : at + 4] == ["1", "−18", "3", "6"]
    assert "0.25" in text


def test_motifs_say_their_own():
    text = shown(seqlets())
    assert text[text.index("strongest in") :][3:6] == ["peak_1", "3–9", "−2.5"]
    assert "not tested" in text
    assert "1 of 7 have a hit" in shown(hits())
    text = shown(matches())
    assert ("neg_0" in text, "1 motif" in text) == (True, True)
    assert "2" in shown(patterns())


def test_variants_with_the_largest_effects_first():
    text = shown(variants())
    at = text.index("difference", text.index("largest effects"))
    assert text[at + 2 : at + 6] == ["rs2", "−2", "−2", "−2"]
    assert any(line.startswith("2 scored, 1 ") for line in text)


@pytest.mark.parametrize(
    "empty",
    [
        attributions().take([]),
        subsets().take([]),
        several().take([]),
        seqlets().take([]),
        hits().take([]),
        patterns(patterns=()),
        matches().significant(-1.0),
        replace(layer(), **{name: getattr(layer(), name)[:0] for name in
                ("contributions", "predictions", "reference_predictions", "completeness_error", "names")}),
        attributions(completeness_error=None, hypothetical=None, predictions=ONES * np.nan),
    ],
    ids=lambda one: type(one).__name__,
)  # fmt: skip
def test_nothing_found_is_shown_too(empty):
    assert shown(empty)[0] == type(empty).__name__


def test_one_line_of_text():
    assert repr(attributions(targets=("CTCF",))) == "Attributions(7 sequences × 20 bp, deeplift, targets CTCF)"
    assert repr(subsets()).startswith("SufficientInputSubsets(7 sequences × 20 bp, deeplift")
    assert (
        repr(replace(layer(), layer="conv")) == "LayerAttributions(7 sequences, layer 'conv' of 6 × 4, layer_deeplift)"
    )
    assert repr(replace(variants(), targets=("t",))) == "VariantEffects(3 alleles, 2 scored, targets t)"
    assert len(repr(several())) < 200


def test_nothing_heavy_is_loaded():
    code = (
        "import sys, numpy as np; from seqexplain.results import Attributions; X = np.eye(4)[None];"
        "Attributions(contributions=X, X=X, predictions=np.ones(1))._repr_html_();"
        "assert not {'matplotlib', 'pandas', 'keras', 'zarr', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])
